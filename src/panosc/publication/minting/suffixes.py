"""Which DOI a record gets: always the same one, so that asking twice makes no second one."""

import base64
import hashlib
import re
from typing import Literal

from panosc.publication.record import Model

Kind = Literal["version", "concept"]
_OWN = re.compile(r"10\.\d{4,9}/[-._;()/:a-z0-9*~$=]{1,200}")
"""What DataCite takes, in small letters; a name with capitals might be two names in one."""
_LETTERS = 26


def doi_of(model: Model, pid: str, *, prefix: str, kind: Kind = "version") -> str:
    """Return the DOI of a record under a prefix.

    A dataset whose PID is a name under the prefix keeps it. Any other gets 130 bits of the
    SHA-256 over its class, kind and PID, in RFC 4648 base 32.

    Examples
    --------
    >>> doi_of("Dataset", "10.5072/abc", prefix="10.5072")
    '10.5072/abc'
    >>> len(doi_of("Document", "local/abc", prefix="10.5072"))
    34
    """
    is_own = pid.startswith(f"{prefix}/") and _OWN.fullmatch(pid) is not None
    if is_own and model == "Dataset" and kind == "version":
        return pid
    digest = hashlib.sha256(f"{model}\0{kind}\0{pid}".encode()).digest()
    return f"{prefix}/{base64.b32encode(digest).decode('ascii').lower()[:_LETTERS]}"
