"""Identifiers: of content, and the surrogate keys derived from identifiers."""

import base64
import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote

DEFAULT_PREFIX = "local"
_DOTS = re.compile(r"(^|/)(\.{0,2})(?=/|$)")


def content_pid(checksums: Iterable[str], *, prefix: str = DEFAULT_PREFIX) -> str:
    """Return ``prefix/`` and 26 letters that depend on nothing but the files' content.

    The letters are the first 130 bits of the SHA-256 over the sorted SHA-256 checksums
    (lower-case hexadecimal, each ended by a newline), in RFC 4648 base 32.

    Examples
    --------
    >>> content_pid(["00", "ff"]) == content_pid(["ff", "00"])
    True
    >>> len(content_pid(["00"], prefix="10.5072"))
    34
    """
    joined = "".join(f"{item}\n" for item in sorted(checksums))
    digest = hashlib.sha256(joined.encode("ascii")).digest()
    return f"{prefix}/{base64.b32encode(digest).decode('ascii').lower()[:26]}"


def surrogate(model: str, identifier: str) -> int:
    """Return the 63-bit database key of a record, derived from its identifier.

    Any writer can name a record without asking the database first, so relations are
    loaded as a stream in constant memory. Two of ten million identifiers meet with a
    probability of 5e-6; the database then refuses the second (it is unique by both).
    """
    data = f"{model}\0{identifier}".encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest()) >> 1


def pid_path(pid: str) -> str:
    """Return a PID as part of a path: slashes stay where a browser would keep them.

    Examples
    --------
    >>> pid_path("10.5072/a b?"), pid_path("x/../y")
    ('10.5072/a%20b%3F', 'x%2F..%2Fy')
    """
    has_dots = any(match[2] in {"", ".", ".."} for match in _DOTS.finditer(pid))
    return quote(pid, safe=":" if has_dots else "/:")
