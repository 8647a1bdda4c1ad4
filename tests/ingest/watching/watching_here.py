"""A watcher in a thread of the test, and files for it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import hostile
import sqlalchemy as sa

from panosc.domain.access import OPERATOR
from panosc.ingest.walking import Found
from panosc.ingest.watching.folders import Folders
from panosc.ingest.watching.tree import Pace
from panosc.ingest.watching.watcher import Watcher

PACE = Pace(every_s=0.05, unsure_s=0.2)


class Recording:
    """An intake that only remembers; `fault` is called before each act and may raise."""

    def __init__(self) -> None:
        self.taken: list[list[Found]] = []
        self.gone: list[str] = []
        self.settled = 0
        self.registered = self.quarantined = 0
        self.fault: Callable[[str, Sequence[object]], None] = lambda act, given: None

    def take(self, files: Sequence[Found]) -> None:
        self.fault("take", files)
        self.taken.append(list(files))
        self.registered += len(files)

    def settle(self) -> int:
        self.fault("settle", ())
        self.settled += 1
        return 3

    def vanish(self, urls: Sequence[str]) -> None:
        self.fault("vanish", urls)
        self.gone += urls

    def tend(self) -> None:
        self.fault("tend", ())

    @property
    def names(self) -> list[str]:
        return [Path(item.path).name for batch in self.taken for item in batch]


def now() -> datetime:
    return datetime.now(UTC)


def watcher(
    engine: sa.Engine, intake: Recording, *roots: Path, file: Path | None = None
) -> Watcher:
    return Watcher(
        engine,
        Folders(roots, PACE),
        intake,
        name="test",
        who=OPERATOR,
        clock=now,
        file=file,
    )


@contextmanager
def run(watching: Watcher) -> Iterator[None]:
    """Run a watcher that gets its roots, beside a block of code; its failure is the test's."""
    assert watching.acquire() is None
    failures: list[BaseException] = []

    def work() -> None:
        try:
            watching.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        watching.stop()
        thread.join(60)
        assert not thread.is_alive()
        assert not failures, failures


def until(condition: Callable[[], object], *, limit_s: float = 30.0) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def nexus(path: Path, title: str) -> Path:
    """Write a NeXus file that is whole the moment it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with hostile.nexus(draft, title=title):
        pass
    return draft.rename(path)
