"""Identifiers: of content, and the surrogate keys derived from identifiers."""

import base64
import hashlib
from collections.abc import Iterable

DEFAULT_PREFIX = "local"


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
