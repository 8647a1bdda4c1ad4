"""What tests let real Dask workers do."""

import os

from panosc.ingest.readers import at_worker

RAN: list[int] = []


def swap(function: str) -> str:
    """Let this Dask worker's confined processes run another function; return the one before."""
    before, at_worker.FUNCTION = at_worker.FUNCTION, function  # type: ignore[misc]
    return before


def identity() -> int:
    return os.getpid()


def note() -> None:
    RAN.append(os.getpid())


class Evil:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (note, ())


def evil() -> object:
    return Evil()
