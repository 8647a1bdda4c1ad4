"""The request that is being worked on: its id, and until when it has to have an answer.

Set by whoever takes requests; whatever works for one, in any thread, may look at it.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Underway:
    """One request.

    Parameters
    ----------
    id : str
        What it is called in answers and logs.
    deadline : float, optional
        When its questions end, by `time.monotonic`; None when they may take their time.
    """

    id: str
    deadline: float | None = None

    def left_s(self) -> float | None:
        """Return the seconds that are left, which may be less than none; None: no end."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def lift(self) -> None:
        """Let it take its time from now on: it writes, or its answer has begun."""
        self.deadline = None


_CURRENT: ContextVar[Underway | None] = ContextVar("underway", default=None)


def current() -> Underway | None:
    """Return the request that is worked on here; None outside of any."""
    return _CURRENT.get()


def begin(request: Underway) -> None:
    """Say that whatever follows in this context is done for `request`."""
    _CURRENT.set(request)
