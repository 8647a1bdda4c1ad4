"""What a storage tells of a file: its size, and a mark by which another content is noticed.

A remote file has no time of change in nanoseconds. Its mark stands where the catalogue keeps
that of a local one (`mtime_ns`): whole seconds are those of ``Last-Modified``, the digits below
are drawn from the ETag. So an object that is replaced by one of the same size within the same
second is noticed, and every index and cache that goes by `mtime_ns` notices it, too.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_SECOND: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an answer says of the whole file; what it does not say is None, or a mark of 0."""

    size: int | None
    mark: int

    def state(self, size: int | None, mtime_ns: int | None) -> str | None:
        """Return None when the file is as it was registered, else ``changed``.

        What either side does not know cannot tell them apart.
        """
        same_size = None in {size, self.size} or size == self.size
        same_mark = not mtime_ns or not self.mark or mtime_ns == self.mark
        return None if same_size and same_mark else "changed"


def mark_of(modified: datetime | str | None, etag: str | None, *, use_etag: bool = True) -> int:
    """Return the mark of a content; 0 when nothing is told.

    Examples
    --------
    >>> mark_of("Thu, 01 Jan 1970 00:00:05 GMT", None)
    5000000000
    >>> mark_of("Thu, 01 Jan 1970 00:00:05 GMT", '"abc"') // 10**9
    5
    """
    seconds = _seconds(modified)
    tag = etag.removeprefix("W/").strip('"') if etag and use_etag else ""
    if not tag:
        return seconds * _SECOND
    drawn = int.from_bytes(hashlib.blake2b(tag.encode(), digest_size=8).digest(), "big")
    return seconds * _SECOND + 1 + drawn % (_SECOND - 1)


def _seconds(modified: datetime | str | None) -> int:
    try:
        when = parsedate_to_datetime(modified) if isinstance(modified, str) else modified
    except ValueError:
        return 0
    if when is None:
        return 0
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    # no server's clock is believed beyond what 64 bits of nanoseconds hold
    return min(max(int(when.timestamp()), 0), 9 * 10**9)
