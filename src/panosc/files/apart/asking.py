"""The node's side of `keeper`: opening files, looking at them and starting readers by it.

Which command reaches the account that reads is told once a process (`use`); the keeper itself is
started when it is first needed, and again when it has ended. What it says is not trusted: it has
the account of readers, which look into strangers' files.
"""

import errno
import fcntl
import json
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, Final

from panosc.domain.errors import Unavailable

MESSAGE: Final = 16_384
"""Longest question, in bytes; a path has 4,096."""
START_LIMIT_S: Final = 20.0
OPEN_LIMIT_S: Final = 30.0
"""Longest that opening a file may take: of one on a disk that does not answer."""
_END_S: Final = 1.0
_ANSWER: Final = 4096
_HINT: Final = "Who runs the node: try the setting `reader_command` in a shell of its account."


class Lost(Exception):
    """The keeper has ended, or says nothing."""


class Asker:
    """One keeper, and the socket to it; threads share it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            # what the command has to complain of stands in the log of the node
            self._popen = subprocess.Popen(  # noqa: S603 - of the operator
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        self._control.settimeout(START_LIMIT_S)
        self.pid = 0
        try:
            told, _ = self.ask({"what": "who"}, limit_s=START_LIMIT_S)
            self.pid, self.uid = int(told["pid"]), int(told["uid"])
        except BaseException:
            self.close()
            raise

    def ask(
        self, question: dict[str, Any], descriptors: Sequence[int] = (), *, limit_s: float
    ) -> tuple[dict[str, Any], list[int]]:
        """Return an answer, and the descriptor that came with it, if any.

        Raises
        ------
        OSError
            What the system said to the keeper.
        Lost
        """
        data = json.dumps(question).encode()
        if len(data) > MESSAGE:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        answer, found = self._exchange(data, descriptors, limit_s)
        try:
            told = dict(json.loads(answer))
            refused = OSError(int(told["errno"]), str(told["detail"])) if "errno" in told else None
        except (ValueError, TypeError, KeyError) as error:
            _close(found)
            raise Lost("its answer makes no sense") from error
        if refused is not None:
            _close(found)
            raise refused
        return told, found

    def _exchange(
        self, data: bytes, descriptors: Sequence[int], limit_s: float
    ) -> tuple[bytes, list[int]]:
        # each question has a socket of its own for its answer: threads do not wait for each other
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            try:
                with theirs:
                    socket.send_fds(self._control, [data], [theirs.fileno(), *descriptors])
                ours.settimeout(limit_s)
                answer, found, _, _ = socket.recv_fds(ours, _ANSWER, 1, socket.MSG_CMSG_CLOEXEC)
            except OSError as error:
                raise Lost(str(error)) from error
        return answer, found

    def is_alive(self, within_s: float = 0.0) -> bool:
        """Whether it has not ended, and does not so within some seconds."""
        try:
            self._popen.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return True
        return False

    def close(self) -> None:
        """Let it end, and its readers with it."""
        self._control.close()
        try:
            self._popen.wait(timeout=2)
        except subprocess.TimeoutExpired:
            # that of another account cannot be ended; it will find that nobody speaks to it
            try:
                self._popen.kill()
                self._popen.wait(timeout=2)
            except (PermissionError, subprocess.TimeoutExpired):
                pass


class _Known:
    """What this process was told, and the keeper that it has; one a process, as its account is."""

    command: tuple[str, ...] = ()
    asker: Asker | None = None
    lock = threading.Lock()


def use(command: Sequence[str]) -> None:
    """Let this process open files by what the command runs; with none, by itself."""
    with _Known.lock:
        if tuple(command) != _Known.command:
            _Known.command = tuple(command)
            if _Known.asker is not None:
                _Known.asker.close()
                _Known.asker = None


def is_used() -> bool:
    """Whether another account opens the files that this process reads."""
    return bool(_Known.command)


def asker() -> Asker:
    """Return the keeper, started if it does not run.

    Raises
    ------
    Unavailable
    """
    with _Known.lock:
        if _Known.asker is not None and not _Known.asker.is_alive():
            _Known.asker.close()
            _Known.asker = None
        if _Known.asker is None:
            try:
                _Known.asker = Asker(_Known.command)
            except (OSError, Lost, KeyError, ValueError) as error:
                raise Unavailable(
                    f"The account that reads files cannot be reached: {error}.", hint=_HINT
                ) from error
        return _Known.asker


def ask(
    question: dict[str, Any], descriptors: Sequence[int] = (), *, limit_s: float = OPEN_LIMIT_S
) -> tuple[dict[str, Any], list[int]]:
    """Ask the keeper; once more if it has ended meanwhile.

    Raises
    ------
    OSError
        What the system said to the keeper.
    Unavailable
    """
    lost: Lost | None = None
    for _ in range(2):
        found = asker()
        try:
            return found.ask(question, descriptors, limit_s=limit_s)
        except Lost as error:
            lost = error
            # what is killed closes its sockets a moment before it has ended
            if found.is_alive(within_s=_END_S):
                break
    raise Unavailable(f"The account that reads files does not answer: {lost}.", hint=_HINT)


def open_there(path: str) -> int:
    """Return a descriptor of a file that the other account has opened, for reading only.

    No link is followed that a stranger may have made (`storage.local.Strictly`).

    Raises
    ------
    OSError, Unavailable
    """
    _, found = ask({"what": "open", "path": _absolute(path)})
    if len(found) != 1 or fcntl.fcntl(found[0], fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
        _close(found)
        raise Unavailable("The account that reads files gave no file to read.", hint=_HINT)
    return found[0]


def look_there(path: str) -> tuple[int, int]:
    """Return size and time of change of a file, in bytes and nanoseconds.

    Raises
    ------
    OSError, Unavailable
    """
    told, found = ask({"what": "look", "path": _absolute(path)})
    _close(found)
    try:
        return int(told["size"]), int(told["mtime_ns"])
    except (KeyError, ValueError, TypeError) as error:
        raise Unavailable("The account that reads files makes no sense.", hint=_HINT) from error


def _absolute(path: str) -> str:
    # its folder is another one; no link is resolved here
    return os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
