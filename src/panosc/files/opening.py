"""Opening HDF5 files without harm, and telling why one does not open.

A file is opened from its bytes or where it lies, never through a link of another file. What
is then read of it, and how, is `files.careful`.
"""

from pathlib import Path
from typing import Any, Final

from h5py import h5f, h5fd, h5p

from panosc.domain.errors import Unreadable

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
HDF4: Final = b"\x0e\x03\x13\x01"
FAILURES: Final = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)
"""What h5py raises for a damaged object."""

_REASONS = (
    ("truncated file", "truncated", "it ends before what its header says"),
    ("addr overflow", "truncated", "it ends before what its header says"),
    ("signature not found", "bad-signature", "it has no HDF5 signature"),
    ("already open for write", "open-for-writing", "its writer has not closed it (h5clear -s)"),
)
"""Words of the HDF5 library, and what they mean."""
_VERSION: Final = 8
_FLAGS: Final = 11
"""Where in a superblock its version and the flags of its writer are."""
_FLAGGED: Final = 3
"""The first version of the superblock that says whether it has a writer."""
_SWMR: Final = 4


def offset_of_signature(head: bytes | bytearray) -> int | None:
    """Return where in `head` the HDF5 superblock starts: 0, 512, 1024, 2048 and so on."""
    offset = 0
    while offset < len(head):
        if head.startswith(SIGNATURE, offset):
            return offset
        offset = offset * 2 or 512
    return None


def has_swmr_writer(head: bytes) -> bool:
    """Whether the file says that one writes it while others may read (SWMR)."""
    offset = offset_of_signature(head)
    if offset is None or len(head) <= offset + _FLAGS:
        return False
    return head[offset + _VERSION] >= _FLAGGED and bool(head[offset + _FLAGS] & _SWMR)


def open_image(data: bytes) -> h5f.FileID:
    """Open the content of a file that has been read already."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_core(65_536, False)
    access.set_file_image(data)
    return _open(b"image", access)


def open_path(path: Path, *, is_written: bool = False) -> h5f.FileID:
    """Open a file where it lies, without a lock: its writer may hold one.

    `is_written` says that it has a writer who lets others read (SWMR).
    """
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_file_locking(False, True)
    return _open(bytes(path), access, h5f.ACC_SWMR_READ if is_written else 0)


def open_object(file: Any) -> h5f.FileID:
    """Open what reads like a file: an object with ``readinto``, ``seek`` and ``tell``."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fileobj_driver(h5fd.fileobj_driver, file)
    return _open(b"object", access)


def _open(name: bytes, access: Any, flags: int = 0) -> h5f.FileID:
    try:
        # closing the file closes what was opened in it
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        return h5f.open(name, h5f.ACC_RDONLY | flags, access)
    except FAILURES as error:
        message = str(error)
    for words, reason, detail in _REASONS:
        if words in message:
            raise Unreadable(detail, reason=reason)
    raise Unreadable(f"HDF5 cannot open it: {message[:200]}", reason="damaged")
