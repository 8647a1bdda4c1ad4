"""The head of an answer as it is written to a connection.

Most lines of most heads are the same: they are looked at once for what would end a line, and
begin another header or the body (RFC 9110, 5.5).
"""

from functools import lru_cache
from typing import Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_SECRET: Final = b"set-cookie"
_KEPT: Final = 4096
"""Lines that are kept; those of dates and tags push each other out."""
_LONG: Final = 1024
"""A longer value is looked at each time."""


def line(name: bytes, value: bytes) -> tuple[bytes, bytes | None]:
    """Return a header as a line, and its name in lower case if it says how the body is sent.

    Raises
    ------
    RuntimeError
        If the name or the value cannot be sent.
    """
    is_kept = len(value) < _LONG and name != _SECRET
    return _kept(name, value) if is_kept else _line(name, value)


def _line(name: bytes, value: bytes) -> tuple[bytes, bytes | None]:
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    if HEADER_VALUE_RE.search(value):
        raise RuntimeError("Invalid HTTP header value.")
    name = name.lower()
    return name + b": " + value + b"\r\n", name if name in _FRAMING else None


_kept = lru_cache(maxsize=_KEPT)(_line)
