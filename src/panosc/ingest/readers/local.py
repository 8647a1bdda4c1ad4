"""Reading by processes of this machine."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from panosc.files.gulps import expect
from panosc.files.sandbox import Outcome
from panosc.files.workers import Pool
from panosc.ingest.reading import read
from panosc.settings import Settings

FUNCTION: Final = f"{read.__module__}:{read.__name__}"
PRELOAD: Final = (read.__module__, "hdf5plugin")
"""What a worker imports before it is confined."""
AHEAD: Final = f"{expect.__module__}:{expect.__name__}"
"""Lets a worker wait for all the files that it has been sent together."""


class _Local:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def map_in_order(self, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        return self._pool.map_in_order(FUNCTION, tasks)


@contextmanager
def local_readers(settings: Settings) -> Iterator[_Local]:
    """Provide a pool of `ingest_workers` processes; they start with the first task."""
    with Pool(
        workers=settings.ingest_workers,
        memory_mb=settings.file_memory_mb,
        time_limit_s=settings.file_time_limit_s,
        preload=PRELOAD,
        ahead=AHEAD,
    ) as pool:
        yield _Local(pool)
