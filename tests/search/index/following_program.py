"""A program that starts processes which keep an index, for tests that kill them.

``python following_program.py HOME DATABASE_URL``: a line on its input starts one, whose number it
prints; it forks them, as importing all of it takes a second. They end with it.
"""

import ctypes
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import panosc.search.index.searching
from panosc.catalogue.database import open_database
from panosc.search.index.following import following
from panosc.search.panet import ontology
from panosc.settings import Settings

_WITH_PARENT = 1


def main() -> None:
    settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
    ontology()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            ctypes.CDLL(None).prctl(_WITH_PARENT, signal.SIGKILL)
            keep(settings)
            os._exit(0)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


def keep(settings: Settings) -> None:
    with open_database(settings) as engine, following(engine, settings, lambda: datetime.now(UTC)):
        while True:
            time.sleep(1)


if __name__ == "__main__":
    assert panosc.search.index.searching
    main()
