"""A program that starts processes which make overviews, for tests that kill them.

``python overview_program.py HOME DATABASE_URL``: a line on its input starts one, whose number it
prints; it forks them, as importing all of it takes a second. They end with it.
"""

import ctypes
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from panosc.catalogue.database import open_database
from panosc.data.overviews import following
from panosc.settings import Settings


def main() -> None:
    # a busy machine is not what is tested
    following.LAST = 0
    settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            keep(settings)
            os._exit(0)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


def keep(settings: Settings) -> None:
    with (
        open_database(settings) as engine,
        following.overviewing(engine, settings, lambda: datetime.now(UTC)),
    ):
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
