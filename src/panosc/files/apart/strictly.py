"""Opening the very file that is meant: no link on the way to it is followed.

Whoever owns a folder may swap a file, or a folder above it, for a symbolic link to something
that only the node may read. A file that is itself a link is followed inside its own folder, and
elsewhere only to what belongs to whoever owns the link. Where another account opens the files of
this process (`asking`), that does it likewise.
"""

import errno
import os
from typing import Final, Self

from panosc.files.apart import asking

LINKS: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})
"""What the system says where a link stands that is not followed."""
_STEP: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# a named pipe in the place of a file would wait for a writer for ever
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Strictly:
    """Opens files without following links; the folder of the last one is kept open. To be closed.

    Of a file that is itself a link see the module. What another account reads is opened by that.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        if self._folder is not None:
            os.close(self._handle)
            self._folder = None

    def open(self, path: str) -> int:
        """Return the descriptor of a file, open for reading.

        Raises
        ------
        OSError
            One of `LINKS` where a link stands that is not followed.
        ValueError
            When it is no path.
        """
        if asking.is_used():
            return asking.open_there(path)
        folder, _, last = os.path.join(os.getcwd(), path).rpartition("/")  # noqa: PTH109, PTH118
        if folder != self._folder:
            self.close()
            self._handle = _descend(folder)
            self._folder = folder
        _refuse_dots(last)
        try:
            return os.open(last, _FILE, dir_fd=self._handle)
        except OSError as error:
            if error.errno not in LINKS:
                raise
        return self._follow(folder, last)

    def _follow(self, folder: str, last: str) -> int:
        """Open what a link in place of the file leads to, as a link of its owner may."""
        owner = os.stat(last, dir_fd=self._handle, follow_symlinks=False).st_uid
        real = os.path.realpath(f"{folder}/{last}")
        above, _, name = real.rpartition("/")
        handle = _descend(above)
        try:
            descriptor = os.open(name, _FILE, dir_fd=handle)
        finally:
            os.close(handle)
        if not real.startswith(folder + "/") and os.fstat(descriptor).st_uid != owner:
            os.close(descriptor)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return descriptor


def _descend(folder: str) -> int:
    """Open a folder, step by step from the root; no step may be a link."""
    handle = os.open("/", _STEP)
    for step in folder.strip("/").split("/") if folder.strip("/") else ():
        try:
            _refuse_dots(step)
            below = os.open(step, _STEP, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def _refuse_dots(step: str) -> None:
    if step in {"", ".", ".."} or "\0" in step:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
