"""What a node says with a file: from which byte, how long it is, its version and its checksum."""

import base64
import re
from dataclasses import dataclass

import httpx

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_DIGEST = re.compile(r"(?:^|[ ,])sha-256=:([A-Za-z0-9+/=]{44}):")
_PARTIAL = 206


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The headers of an answer that brings a file, or the rest of one."""

    first: int
    """The number of its first byte; -1 if what it brings cannot be used."""
    size: int | None
    """Of the whole file."""
    etag: str | None
    """A strong one; another is of no use for ranges."""
    sha256: str | None
    """Of the whole file."""


def reply_of(answer: httpx.Response) -> Reply:
    """Return what the headers say."""
    etag = answer.headers.get("ETag")
    first, size = 0, None
    if answer.status_code == _PARTIAL:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        first, size = (int(found[1]), int(found[3])) if found else (-1, None)
    elif "Content-Encoding" not in answer.headers:
        told = answer.headers.get("Content-Length", "")
        size = int(told) if told.isdigit() else None
    return Reply(
        first=first,
        size=size,
        etag=etag if etag and etag.startswith('"') and etag.isprintable() else None,
        sha256=_sha256(answer.headers.get("Repr-Digest", "")),
    )


def _sha256(header: str) -> str | None:
    found = _DIGEST.search(header)
    try:
        return base64.b64decode(found[1], validate=True).hex() if found else None
    except ValueError:
        return None
