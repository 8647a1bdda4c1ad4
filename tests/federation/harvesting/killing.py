"""Harvests a feed in children of a small process, and kills them at random statements.

A program of its own: a child is forked from a process without threads, with all imports done.
"""

import os
import random
import signal
import sys
from datetime import UTC, datetime

import sqlalchemy as sa
from tests.federation.harvesting.made import MadeConnector

from panosc.catalogue.database import open_database
from panosc.domain.units import scale_of
from panosc.federation import connectors
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def harvest(name: str, dies_at: int | None) -> None:
    """Harvest; die at the statement of that number."""
    known = connectors.kinds()
    connectors.kinds = lambda: known | {MadeConnector.kind: MadeConnector}
    settings = Settings()
    with open_database(settings) as engine:
        count = 0

        @sa.event.listens_for(engine, "before_cursor_execute")
        def _count(*_: object) -> None:
            nonlocal count
            count += 1
            if count == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

        Harvester(engine, settings, lambda: NOW).harvest(name, Wish(by="test"))


def main(name: str, kills: int, longest: int) -> None:
    """Kill that many children, then let one end; print how each ended."""
    # what takes long to be made ready is ready in each child
    scale_of("eV", category=None)
    rng = random.Random(8)
    for number in range(kills + 1):
        dies_at = rng.randrange(20, longest)
        child = os.fork()
        if child == 0:
            harvest(name, dies_at if number < kills else None)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
