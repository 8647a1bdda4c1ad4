"""An archive to restore from: datasets whose files are in a slow library, and people."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from slow_tape import SlowTape
from tape_library import Library

from panosc.catalogue.tables import location
from panosc.catalogue.tape.tables import recall, tape_mount
from panosc.catalogue.writer import write
from panosc.data.admitting import Admission
from panosc.data.restoring.rounds import Rounds, Terms
from panosc.data.restoring.tapes import Tape
from panosc.data.restoring.wishes import Wishes
from panosc.domain.access import Who
from panosc.settings import Settings

TERMS = Terms(
    drives=1,
    settle=timedelta(0),
    patience=timedelta(hours=1),
    stay=timedelta(days=14),
    poll=timedelta(0),
)
PID, LATER, SECRET = "10.5072/run", "10.5072/later", "10.5072/secret"


def person(name: str, *groups: str) -> Who:
    return Who(person=f"u-{name}", groups=frozenset(groups), via="session")


ADA, BEN = person("ada", "P-1"), person("ben", "P-2")


@dataclass
class Archive:
    """A catalogue, a library, and a clock that is moved on by hand."""

    engine: sa.Engine
    settings: Settings
    folder: Path
    time: list[datetime] = field(default_factory=lambda: [datetime(2026, 6, 1, 12, tzinfo=UTC)])
    mount_s: float = 0.0
    file_s: float = 0.0
    stubs: bool = False
    """Whether a file on tape leaves a stub at its path, as hierarchical stores do."""

    def __post_init__(self) -> None:
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.library = Library(self.folder / "library", mount_s=self.mount_s, file_s=self.file_s)
        self.tape: Tape = SlowTape(
            self.folder / "library", mount_s=self.mount_s, file_s=self.file_s
        )

    def now(self) -> datetime:
        return self.time[0]

    def later(self, **spans: float) -> None:
        self.time[0] += timedelta(**spans)

    @property
    def wishes(self) -> Wishes:
        admission = Admission(self.engine, self.now)
        return Wishes(self.engine, self.settings, self.now, admission)

    def rounds(self, tape: Tape | None = None, terms: Terms = TERMS) -> Rounds:
        return Rounds(self.engine, tape or self.tape, terms, self.now)

    def put(
        self, pid: str, volumes: Sequence[str], *, tier: str = "nearline", **about: object
    ) -> list[str]:
        """Register a dataset with a file on each of `volumes`; return the URLs."""
        rows: list[tuple[str, dict[str, object]]] = [
            ("Dataset", {"pid": pid, "title": pid, "access": "open", **about})
        ]
        urls = []
        for number, volume in enumerate(volumes):
            name = f"run-{number:04}.nxs"
            path = self.disk / f"{pid.partition('/')[2]}-{name}"
            path.write_bytes(b"x" * (number + 1))
            status = path.stat()
            size = {"size": status.st_size}
            rows.append(("File", {"name": name, "datasetId": pid, **size}))
            place = {"url": path.as_uri(), "datasetId": pid, "name": name, "tier": tier}
            rows.append(("Location", {**place, "mtimeNs": status.st_mtime_ns, **size}))
            urls.append(path.as_uri())
            if tier == "nearline":
                # in another order than that of their names
                self.library.put(path, volume, len(volumes) - number, stub=self.stubs)
        with self.engine.begin() as connection:
            write(connection, rows, now=self.now())
        return urls

    def states(self) -> dict[str, int]:
        """Return how many recalls are in each state."""
        query = sa.select(recall.c.state, sa.func.count()).group_by(recall.c.state)
        with self.engine.connect() as connection:
            return {key: count for key, count in connection.execute(query)}  # noqa: C416 - rows

    def tiers(self) -> dict[str, int]:
        query = sa.select(location.c.tier, sa.func.count()).group_by(location.c.tier)
        with self.engine.connect() as connection:
            return {key: count for key, count in connection.execute(query)}  # noqa: C416 - rows

    def mounts(self) -> list[str]:
        """Return the states of all mounts, as the node knows them."""
        query = sa.select(tape_mount.c.state).order_by(tape_mount.c.id)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def look(self, who: Who = ADA, pid: str = PID) -> dict[str, str]:
        return {item.name: item.state for item in self.wishes.look(who, pid)}

    def settle(self, rounds: Rounds | None = None, *, most_s: float = 20.0) -> None:
        """Do rounds until nothing is under way."""
        rounds = rounds or self.rounds()
        ends = time.monotonic() + most_s
        while set(self.states()) & {"asked", "queued", "staging", "releasing"}:
            rounds.round()
            assert time.monotonic() < ends, self.states()
            time.sleep(0.005)
