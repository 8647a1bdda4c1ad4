"""The process of the account that reads: it opens files for the node, and starts readers.

What comes through its standard input is of the node alone; when that ends, it ends its readers
and itself. It opens for reading only, parses nothing of a file, and neither it nor a reader has
any capability.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from panosc.files.apart.asking import MESSAGE
from panosc.files.apart.starting import READER
from panosc.files.apart.strictly import Strictly
from panosc.files.sandbox import environment

DESCRIPTORS: Final = 4
"""Where to answer, and up to three of a reader."""
THREADS: Final = 16
"""Files that are opened at once: on a slow disk one must not wait for another."""
_NO_NEW_PRIVILEGES: Final = 38
_DUMPABLE: Final = 4
_AMBIENT: Final = 47
_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION: Final = 0x20080522


def give_up_rights() -> None:
    """Give up what Linux lets a process do beyond its account, for this one and its children."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # a reader that a hostile file has taken over has the same account
    library.prctl(_DUMPABLE, 0, 0, 0, 0)
    library.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    if library.capset(head, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Keeper:
    """Does what the node asks for through `control`, one message a request."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._readers: dict[int, subprocess.Popen[bytes]] = {}

    def serve(self) -> None:
        """Answer until the node ends."""
        with ThreadPoolExecutor(THREADS) as threads:
            try:
                while True:
                    data, found, _, _ = socket.recv_fds(
                        self._control, MESSAGE, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
                    )
                    if not data:
                        return
                    asked = json.loads(data)
                    if asked["what"] == "start":
                        # by this thread: readers end with the one that started them
                        self._answer(asked, found)
                    else:
                        threads.submit(self._answer, asked, found)
            finally:
                for reader in list(self._readers.values()):
                    reader.kill()

    def _answer(self, asked: dict[str, Any], descriptors: list[int]) -> None:
        """Do what is asked, and tell what came of it through the first of the descriptors."""
        opened: list[int] = []
        try:
            told = self._do(asked, descriptors[1:], opened)
        except OSError as error:
            told = {"errno": error.errno or errno.EIO, "detail": error.strerror or str(error)}
        except Exception as error:
            # whoever asked must not wait for an answer that does not come
            told = {"errno": errno.ENOENT, "detail": str(error)[:300]}
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)
        with socket.socket(fileno=descriptors[0]) as answer, suppress(OSError):
            # whoever asked may have gone meanwhile
            socket.send_fds(answer, [json.dumps(told).encode()], opened)
        for descriptor in opened:
            os.close(descriptor)

    def _do(
        self, asked: dict[str, Any], descriptors: list[int], opened: list[int]
    ) -> dict[str, Any]:
        match asked["what"]:
            case "open":
                with Strictly() as strictly:
                    opened.append(strictly.open(asked["path"]))
            case "look":
                status = os.stat(asked["path"])  # noqa: PTH116 - of a path that may be no text
                return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
            case "start":
                return {"pid": self._start(descriptors), "area": (descriptors[2:] or [-1])[0]}
            case "end":
                return {"code": self._end(asked["pid"])}
            case _:
                return {"pid": os.getpid(), "uid": os.getuid()}
        return {}

    def _start(self, descriptors: list[int]) -> int:
        source, sink, *area = descriptors
        reader = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", READER],
            env=environment(),
            stdin=source,
            stdout=sink,
            stderr=subprocess.DEVNULL,
            pass_fds=area,
            cwd="/",
        )
        self._readers[reader.pid] = reader
        return reader.pid

    def _end(self, number: int) -> int | None:
        """End a reader, if it has not ended itself; return how it ended."""
        reader = self._readers.get(number)
        if reader is None:
            return None
        reader.kill()
        code = reader.wait()
        self._readers.pop(number, None)
        return code


def main() -> None:
    """Serve the node at the other end of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_up_rights()
    with socket.socket(fileno=os.dup(0)) as control:
        silence = os.open(os.devnull, os.O_RDONLY)
        os.dup2(silence, 0)
        os.close(silence)
        Keeper(control).serve()
