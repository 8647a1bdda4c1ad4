"""What a tape system has to do for the node: four calls, and how one of them is plugged in.

A site writes one class in one file and names it as an entry point of the group ``panosc.tapes``.
`conformance` has the tests for it. Which files are wanted, and when, is decided elsewhere.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args

from panosc.domain.errors import Unavailable
from panosc.plugins import load
from panosc.settings import Settings

GROUP = "panosc.tapes"
LONGEST_MESSAGE = 500
LOOK_S = 0.2
"""How often a wait for an answer looks whether the node stops."""
State = Literal["waiting", "online", "failed"]
STATES: tuple[str, ...] = get_args(State)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file lies: on which volume, and where on it if that is known."""

    volume: str
    order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the tape system says of a file of a request."""

    state: State
    message: str = ""


class TapeFault(Exception):
    """The tape system could not be asked, or did not take the request; it is tried again."""


class Stopped(Exception):
    """The node stops: nobody waits for the answer, and the next one goes on."""


class Tape(Protocol):
    """A tape system. Each call returns within seconds; the recall itself goes on behind it.

    The node may be killed at any moment and calls again what it does not know to be done: every
    call may come twice and then does nothing more. A call that fails raises; `TapeFault` is
    for what passes, with a message for people.
    """

    def volumes(self, urls: Sequence[str]) -> Mapping[str, Place]:
        """Return where files lie; those that no tape has are left out."""

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        """Begin to bring files of one volume to disk, in this order, in one mount.

        `request` is a name that the node gives. A request that is known already is left as it
        is: nothing is mounted a second time.
        """

    def poll(self, request: str) -> Mapping[str, Told]:
        """Return how the files of a request stand; nothing for a request that is not known.

        A file is ``online`` when all of it can be read at its URL, as it was before it went.
        """

    def drop(self, request: str) -> None:
        """Stop a request; when this returns, its volume is not mounted for it any more."""

    def release(self, urls: Sequence[str]) -> None:
        """Let the copies on disk go: the files are on tape alone again."""


class Watched:
    """A tape system whose calls are given up after a time; one call at a time.

    A call that hangs keeps its thread, and until it returns every other call fails at once.
    """

    def __init__(self, tape: Tape, limit_s: float) -> None:
        self._tape = tape
        self._limit_s = limit_s
        self._hanging: Future[object] | None = None
        self._ends = threading.Event()

    def close(self) -> None:
        """Wait for no answer any more."""
        self._ends.set()

    def volumes(self, urls: Sequence[str]) -> Mapping[str, Place]:
        """See `Tape.volumes`; what is no place is refused."""
        found: dict[str, Any] = self._call(lambda: dict(self._tape.volumes(urls)))
        for place in found.values():
            if not isinstance(place, Place) or not _is_name(place.volume):
                raise TapeFault(f"the tape system gave {str(place)[:100]!r} for a place")
        return found

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        """See `Tape.recall`."""
        self._call(lambda: self._tape.recall(request, volume, urls))

    def poll(self, request: str) -> Mapping[str, Told]:
        """See `Tape.poll`; what is no state is refused."""
        found: dict[str, Any] = self._call(lambda: dict(self._tape.poll(request)))
        for told in found.values():
            if not isinstance(told, Told) or told.state not in STATES:
                raise TapeFault(f"the tape system gave {str(told)[:100]!r} for a state")
        return found

    def drop(self, request: str) -> None:
        """See `Tape.drop`."""
        self._call(lambda: self._tape.drop(request))

    def release(self, urls: Sequence[str]) -> None:
        """See `Tape.release`."""
        self._call(lambda: self._tape.release(urls))

    def _call(self, work: Callable[[], T]) -> T:
        if self._hanging is not None and not self._hanging.done():
            raise TapeFault("the tape system still has not answered an earlier call")
        answer: Future[T] = Future()
        thread = threading.Thread(target=_answer, args=(answer, work), name="tape", daemon=True)
        thread.start()
        try:
            return self._wait(answer)
        except (TapeFault, Stopped):
            raise
        # a stranger's module: whatever it raises is its own failure, and is tried again
        except Exception as error:
            raise TapeFault(f"the tape system failed: {type(error).__name__}: {error}") from error

    def _wait(self, answer: "Future[T]") -> T:
        ends = time.monotonic() + self._limit_s
        while not self._ends.is_set():
            left = ends - time.monotonic()
            if left <= 0:
                self._hanging = answer  # type: ignore[assignment]
                raise TapeFault(f"the tape system did not answer within {self._limit_s:g} s")
            done, _ = wait([answer], timeout=min(left, LOOK_S))
            if done:
                return answer.result()
        raise Stopped


def _answer(answer: "Future[T]", work: Callable[[], T]) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:
        # whoever waits has to hear of it
        answer.set_exception(error)


def _is_name(volume: object) -> bool:
    return isinstance(volume, str) and 0 < len(volume) <= LONGEST_MESSAGE and volume.isprintable()


def tape_of(settings: Settings) -> Watched:
    """Return the tape system that the settings name.

    Raises
    ------
    Unavailable
        If there is no such plug-in or it cannot be made.
    """
    plugins = load(GROUP)
    name = settings.tape or ""
    made = plugins.found.get(name)
    if made is None:
        known = ", ".join(plugins.found) or "none"
        reason = plugins.broken.get(name, f"there are: {known}")
        raise Unavailable(f"There is no tape system {name!r}: {reason}.", hint="See docs/tape.md.")
    try:
        tape: Tape = made(settings)
    except Exception as error:
        raise Unavailable(
            f"The tape system {name!r} cannot be used: {error}", hint="See docs/tape.md."
        ) from error
    return Watched(tape, settings.tape_time_limit_s)
