"""Whatever no other format knows: what kind of file it is, and nothing of its content."""

import mimetypes
from pathlib import PurePath
from typing import Final

from panosc.ingest.formats import Facts, Source

_MAGIC: Final[tuple[tuple[bytes, int, str], ...]] = (
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"BZh", 0, "application/x-bzip2"),
    (b"\xfd7zXZ\0", 0, "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", 0, "application/zstd"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"PK\x05\x06", 0, "application/zip"),
    (b"ustar", 257, "application/x-tar"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"%PDF-", 0, "application/pdf"),
    (b"\x93NUMPY", 0, "application/x-npy"),
    (b"SQLite format 3\0", 0, "application/vnd.sqlite3"),
    (b"<?xml", 0, "application/xml"),
)
"""Bytes, where they stand, and what they mean."""
_INSIDE_ZIP: Final = ("application/vnd.", "application/java", "application/epub")
_CONTROLS: Final = frozenset(range(32)) - set(b"\t\n\v\f\r\x1b") | {127}
_LOOKED_AT: Final = 1024
_BINARY: Final = "application/octet-stream"
_TABLE: Final = mimetypes.MimeTypes()
"""What Python ships, not what the machine is set up with: the same answer everywhere."""


class OpaqueFormat:
    """Takes every file and reads nothing of it but its first bytes."""

    name = "opaque"
    order = 1000

    def claims(self, source: Source) -> bool:
        """Take whatever it is."""
        return True

    def read(self, source: Source) -> Facts:
        """Return the media type as the format."""
        return Facts(format=media_type(source.path.name, source.head[:_LOOKED_AT]))


def media_type(name: str, head: bytes) -> str:
    r"""Return the media type that first bytes and name tell.

    Examples
    --------
    >>> media_type("a.dat", b"\x1f\x8b\x08"), media_type("notes", b"Seen at noon")
    ('application/gzip', 'text/plain')
    >>> media_type("frames.raw", bytes(16)), media_type("table.csv", b"a,b")
    ('application/octet-stream', 'text/csv')
    """
    by_name, packed = _TABLE.guess_type(PurePath(name).name)
    for magic, place, kind in _MAGIC:
        if head.startswith(magic, place):
            is_inside = kind == "application/zip" and (by_name or "").startswith(_INSIDE_ZIP)
            return by_name if is_inside and by_name else kind
    if not _is_text(head):
        told = by_name if by_name and not by_name.startswith("text/") else None
        return _BINARY if packed else told or _BINARY
    if by_name is not None and not packed and head:
        return by_name
    return "text/plain" if head else by_name or _BINARY


def _is_text(head: bytes) -> bool:
    """Whether the bytes are readable: no control characters, and UTF-8 but for a cut at the end."""
    if any(byte in _CONTROLS for byte in head):
        return False
    for cut in range(4):
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
