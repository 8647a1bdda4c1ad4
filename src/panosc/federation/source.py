"""One other catalogue, as an administrator of this node has told of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from panosc.domain.errors import Invalid

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
LONGEST_SECRET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where it is and how it is asked.

    Attributes
    ----------
    url : str
        Its base address, without a slash at the end; of a folder ``file:///…``.
    title : str
        The facility, as pages and facets call it.
    prefix : str
        Stands before identifiers that only mean something there; empty for an adopted catalogue.
    """

    name: str
    kind: str
    url: str
    title: str
    options: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    account: str | None = None
    secret: SecretStr | None = None
    is_private: bool = False
    """Its host may be in a private network or this machine, and be called without TLS."""
    is_live: bool = True
    is_harvested: bool = True
    is_adopted: bool = False
    """It is this facility's own: its identifiers are kept, and what it says of access holds."""
    every_s: int = 3600


def checked_name(name: str) -> str:
    """Return a name of a catalogue.

    Raises
    ------
    Invalid
    """
    if not NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot be the name of a catalogue.",
            field="name",
            hint="Take up to 40 small letters, digits and hyphens, a letter first: `ill`.",
        )
    return name


def read_secret(path: Path | None) -> SecretStr | None:
    """Return the secret that a file holds, without the line's end.

    Raises
    ------
    Invalid
        If it cannot be read or is no secret.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_SECRET + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The secret cannot be read from {path}: {error}.", field="secret") from None
    if not text or len(text) > LONGEST_SECRET:
        raise Invalid(f"{path} does not hold a secret.", field="secret")
    return SecretStr(text)
