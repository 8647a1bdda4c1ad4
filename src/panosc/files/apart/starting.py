"""Starting and ending one reader: a child of this process, or of the account that reads.

What a reader does is `files.sandbox`; who speaks to it is `files.lanes` or `files.workers`.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from panosc.domain.errors import Unavailable
from panosc.files.apart import asking
from panosc.files.sandbox import environment

READER: Final = "from panosc.files.sandbox import main; main()"
"""What Python runs as a reader."""
_END_LIMIT_S: Final = 5.0


class Reader(Protocol):
    """A process that reads."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    @property
    def parent(self) -> int:
        """Number of the process that it ends with."""
        ...

    @property
    def area(self) -> int:
        """Number that shared memory has there; -1 for none."""
        ...

    def kill(self) -> None:
        """End it at once; whoever waits for its answer learns of it."""
        ...

    def wait(self) -> int | None:
        """End it, and return its code: negative for a signal, None when that is not known."""
        ...


def start(source: int, sink: int, area: Sequence[int] = ()) -> Reader:
    """Start a reader of the node's files, with descriptors to be asked by and to answer by.

    Raises
    ------
    OSError, Unavailable
    """
    if not asking.is_used():
        return _Child(source, sink, area)
    told, _ = asking.ask({"what": "start"}, [source, sink, *area])
    try:
        return _Apart(int(told["pid"]), int(told["area"]))
    except (KeyError, ValueError, TypeError) as error:
        raise Unavailable("The account that reads files makes no sense.") from error


class _Child:
    def __init__(self, source: int, sink: int, area: Sequence[int]) -> None:
        self._popen = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", READER],
            env=environment(),
            stdin=source,
            stdout=sink,
            stderr=subprocess.DEVNULL,
            pass_fds=area,
        )
        self.pid = self._popen.pid
        self.parent = os.getpid()
        self.area = area[0] if area else -1

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()

    def wait(self) -> int | None:
        return self._popen.wait()


class _Apart:
    """A reader of another account, which only its keeper can end."""

    def __init__(self, pid: int, area: int) -> None:
        self.pid = pid
        self.area = area
        self._asker = asking.asker()
        self.parent = self._asker.pid
        self._lock = threading.Lock()
        self._code: int | None = None
        self._has_ended = False

    def kill(self) -> None:
        self.wait()

    def wait(self) -> int | None:
        with self._lock:
            if not self._has_ended:
                self._has_ended = True
                # with a keeper that has ended, it has, too
                with contextlib.suppress(OSError, asking.Lost, KeyError, TypeError):
                    asked = {"what": "end", "pid": self.pid}
                    told, _ = self._asker.ask(asked, limit_s=_END_LIMIT_S)
                    self._code = told["code"]
            return self._code if isinstance(self._code, int) else None
