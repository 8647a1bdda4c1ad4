"""Who reads the files: processes of this machine, or of others through a Dask scheduler.

Both run the same function in the same confined processes and answer in the order of the
tasks, so that what ingest makes of the answers does not depend on who gave them.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from panosc.files.sandbox import Outcome
from panosc.settings import Settings


class Readers(Protocol):
    """Reads files for ingest."""

    def map_in_order(self, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """Yield what `ingest.reading.read` makes of each task, working ahead a bounded way.

        Raises
        ------
        Unavailable
            If there is nobody to read any more. What has been yielded stays good.
        """


def readers(settings: Settings) -> AbstractContextManager[Readers]:
    """Return whoever reads files at this node, for a ``with`` block.

    Raises
    ------
    Unavailable
        On entering: if the scheduler cannot be reached, or the extra ``dask`` is not installed.
    """
    if settings.dask_scheduler is None:
        from panosc.ingest.readers.local import local_readers  # noqa: PLC0415 - one of two

        return local_readers(settings)
    from panosc.ingest.readers.far import far_readers  # noqa: PLC0415 - needs an extra

    return far_readers(settings, settings.dask_scheduler)
