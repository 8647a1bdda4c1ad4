"""Names of OAI-PMH: identifiers of records and sets, out of texts that may hold anything."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from panosc.publication.reading.describing import plain
from panosc.publication.record import Model

NOWHERE: Final = "node.invalid"
"""Stands in identifiers of a node that has no public address yet: a name that nobody can own."""
ALL_DATA: Final = "openaire_data"
Lineage = Callable[[str, str | None], tuple[tuple[str, str], ...]]
"""PID and PaNET id of a technique → id and label of it and of all broader ones; () for others."""

_DOMAIN = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+", re.IGNORECASE)
_FOLDERS: Final[dict[str, Model]] = {"datasets": "Dataset", "documents": "Document"}
_PREFIXES: Final[dict[str, str]] = {model: folder for folder, model in _FOLDERS.items()}
_URI = re.compile(
    r"[a-z][a-z0-9+.-]*:(?!//)(?:[^%\[\]#]|%[0-9a-f]{2})*|(?!//)(?:[^%\[\]#:]|%[0-9a-f]{2})*",
    re.IGNORECASE,
)
_MOST_LETTERS = 200


def repository(base_url: str | None) -> str:
    """Return the domain that stands in identifiers.

    Examples
    --------
    >>> repository("https://data.facility.eu/node"), repository("http://127.0.0.1:8000")
    ('data.facility.eu', 'node.invalid')
    """
    host = urlsplit(base_url or "").hostname or ""
    return host if _DOMAIN.fullmatch(host) else NOWHERE


def identifier(domain: str, model: str, pid: str) -> str:
    """Return the identifier of a record: a dataset and a document may have one PID.

    Examples
    --------
    >>> identifier("node.eu", "Dataset", "10.5072/a b?")
    'oai:node.eu:datasets/10.5072/a%20b%3F'
    """
    return f"oai:{domain}:{_PREFIXES[model]}/{quote(pid, safe='/:@$,!*()')}"


def record(domain: str, text: str) -> tuple[Model, str] | None:
    """Return class and PID behind an identifier, as `identifier` writes it; None for others."""
    scheme, _, rest = text.partition(":")
    given, _, name = rest.partition(":")
    folder, _, quoted = name.partition("/")
    model = _FOLDERS.get(folder)
    if scheme != "oai" or given != domain or model is None:
        return None
    pid = unquote(quoted, errors="replace")
    return (model, pid) if pid and identifier(domain, model, pid) == text else None


def is_repeatable(text: str) -> bool:
    """Whether an identifier that somebody asked for may stand in an answer: it has to be a URI.

    Examples
    --------
    >>> is_repeatable('invalid"id'), is_repeatable("100%")
    (True, False)
    """
    return _URI.fullmatch(text) is not None


def facility_set(name: str) -> str:
    """Return the set of a facility; letters that a set must not have are ``~`` and their number.

    Examples
    --------
    >>> facility_set("ESRF"), facility_set("Léon Brillouin")
    ('facility:ESRF', 'facility:L~C3~A9on~20Brillouin')
    """
    escaped = quote(plain(name)[:_MOST_LETTERS], safe="!*'()").replace("~", "%7E")
    return f"facility:{escaped.replace('%', '~')}"


def technique_set(panet_id: str) -> str:
    """Return the set of a technique of PaNET and of all that are narrower."""
    return f"technique:{panet_id}"
