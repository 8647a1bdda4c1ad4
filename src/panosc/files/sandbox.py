"""What runs inside a worker process: limits first, then tasks from a pipe until it ends.

A frame is four bytes of length and a pickle. The parent's side is `files.workers`; nothing
here is imported by a process that serves people.
"""

import ctypes
import mmap
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from panosc.domain.errors import Unreadable

PR_SET_PDEATHSIG = 1
FRAME_LIMIT = 64 * 2**20
"""Longest frame, in bytes; a plot has less than one megabyte."""
GRACE_S = 3.0
"""How much later than its parent a process finds itself that a task has taken too long."""
_SHARED = b"S"
"""First byte of an answer in short; a pickle begins otherwise."""
_SHORT = 9
_MOST = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the parent sets for a worker before the first task."""

    memory_mb: int
    search_path: tuple[str, ...]
    parent: int = -1
    """The process that this one ends with."""
    preload: tuple[str, ...] = ()
    ahead: str | None = None
    """Function that is given the arguments of all tasks of a message before the first is done."""
    area: int = -1
    """Descriptor of memory that is shared with the parent."""
    area_bytes: int = 0
    nice: int = 0
    """How far the process stands back when others want the processor."""
    limit_s: float = 0
    """Longest that a task may take. The parent sees to it, and this process where it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one task: a value, or a stable word for the reason that there is none."""

    value: Any = None
    reason: str | None = None
    detail: str = ""
    worn: bool = False
    """The worker ends after this answer and must be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A value that lies in the memory shared with the parent, from its start."""

    size: int


class _Area:
    """The memory that is shared with the parent; none until `main` has mapped it."""

    memory: mmap.mmap | None = None


def share(*parts: Any) -> Shared:
    """Put bytes, or whatever has a contiguous buffer, one behind the other where the parent reads.

    Raises
    ------
    Unreadable
        If they are more than the parent takes.
    """
    # nothing at all has no bytes to be cast to
    views = [view.cast("B") for part in parts if (view := memoryview(part)).nbytes]
    size = sum(len(view) for view in views)
    memory = _Area.memory
    if memory is None or size > len(memory):
        raise Unreadable("the answer is too large", reason="too-large")
    place = 0
    for view in views:
        memory[place : place + len(view)] = view
        place += len(view)
    return Shared(size=size)


def environment() -> dict[str, str]:
    """Return the environment of a worker: that of the node, and how its memory is given out.

    HDF5 hands out what a filter did not fill. `files.chunks.library` notices that by asking the
    allocator to fill memory, which it does not do for what each thread keeps at hand.
    """
    # no setting is read: it is what a process of ours inherits
    kept = dict(os.environ)  # noqa: TID251
    return kept | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


def write_frame(descriptor: int, content: object) -> None:
    """Write one frame, whatever the size of the pipe."""
    data = _shared(content) or pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    rest = memoryview(len(data).to_bytes(4, "big") + data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _shared(content: object) -> bytes | None:
    """Return in short what most answers are: so many bytes in the memory that both have."""
    if isinstance(content, Outcome) and isinstance(content.value, Shared) and not content.worn:
        size = content.value.size
        return _SHARED + size.to_bytes(_SHORT - 1, "big") if 0 <= size < _MOST else None
    return None


def shared_of(data: bytes) -> Outcome | None:
    """Return the answer that `write_frame` wrote in short; None if `data` is a pickle."""
    if len(data) != _SHORT or data[:1] != _SHARED:
        return None
    return Outcome(value=Shared(size=int.from_bytes(data[1:], "big")))


def read_frame(stream: BinaryIO) -> Any:
    """Return the content of the next frame; None when the pipe has ended."""
    head = stream.read(4)
    if len(head) < 4:  # noqa: PLR2004
        return None
    return pickle.loads(stream.read(int.from_bytes(head, "big")))  # noqa: S301 - from our parent


@lru_cache(maxsize=64)
def resolve(function: str) -> Callable[..., Any]:
    """Return the function that ``module:name`` means."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when the parent's thread does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def confine(memory_mb: int) -> None:
    """Limit this process: memory beyond what it has now, no core dumps, no written files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return
    now = int(statm.read_text("ascii").split()[0]) * resource.getpagesize()
    limit = now + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def perform(function: str, arguments: tuple[Any, ...]) -> Outcome:
    """Run one task and say what became of it; it never raises."""
    try:
        return Outcome(value=resolve(function)(*arguments))
    except Unreadable as error:
        return Outcome(reason=error.reason, detail=error.detail)
    except MemoryError:
        return Outcome(
            reason="memory-limit", detail="reading it needs more memory than allowed", worn=True
        )
    except RecursionError:
        return Outcome(reason="too-deep", detail="it is nested too deeply")
    # a stranger's file can lead a reader anywhere: whatever happens is the file's failure
    except Exception as error:
        return Outcome(reason="failed", detail=f"{type(error).__name__}: {error}"[:300])


def main() -> None:
    """Serve tasks from standard input to standard output until the parent ends."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.dup(1)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        # what a C library prints must not get between the frames
        os.dup2(silence, descriptor)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.putenv(name, "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    terms: Terms = read_frame(source)
    # another account may have a Python of its own, and not be allowed to look into that of the node
    sys.path[:] = dict.fromkeys((*terms.search_path, *sys.path))
    die_with_parent(terms.parent)
    for module in terms.preload:
        import_module(module)
    expect = resolve(terms.ahead) if terms.ahead else None
    if terms.area_bytes:
        _Area.memory = mmap.mmap(terms.area, terms.area_bytes)
    os.nice(terms.nice)
    confine(terms.memory_mb)
    write_frame(sink, Outcome(value="ready"))
    # the signal ends the process, whatever it is at
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    limit_s = terms.limit_s and terms.limit_s + GRACE_S
    while (batch := read_frame(source)) is not None:
        if expect is not None:
            # whatever goes wrong with a task is told when it is done
            with suppress(Exception):
                expect([arguments for _, arguments in batch])
        for function, arguments in batch:
            signal.setitimer(signal.ITIMER_REAL, limit_s)
            outcome = perform(function, arguments)
            signal.setitimer(signal.ITIMER_REAL, 0)
            write_frame(sink, outcome)
            if outcome.worn:
                return


if __name__ == "__main__":
    main()
