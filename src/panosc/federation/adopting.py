"""Shadow mode: a facility's existing catalogue, followed here and left as it is there.

Which kind it is, is found by asking. Nothing is sent to it but what any reader sends. Its
identifiers are kept, and what it says of groups and embargoes holds.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from panosc.domain.errors import NotFound, PanoscError, Upstream
from panosc.federation.connectors import kinds
from panosc.federation.probing import is_refused, probe
from panosc.federation.source import Source
from panosc.settings import Settings

GUESSED = ("scicat", "icat", "icatplus")
"""Kinds that can be asked as nobody, in this order."""
_TOPS = ("Dataset", "Document")


def guess(settings: Settings, source: Source) -> str:
    """Return the kind of a catalogue: of a folder by what is in it, else by asking.

    It is asked as nobody: an account is not shown to what may be something else.

    Raises
    ------
    NotFound
        If there is no such folder.
    Upstream
        If it answers like none of the kinds.
    """
    parts = urlsplit(source.url)
    if parts.scheme == "file":
        return _kind_of_folder(Path(unquote(parts.path)))
    said: list[str] = []
    for kind in (name for name in GUESSED if name in kinds()):
        try:
            probe(settings, replace(source, kind=kind, account=None, secret=None, options={}))
        except PanoscError as error:
            said.append(f"{kind}: {error.detail}")
        else:
            return kind
    if is_refused(settings, source, "api/instruments", "access token"):
        # it lets nobody in, and says so in words of its own
        return "mymdc"
    raise Upstream(
        f"{source.url} answers like none of {', '.join(GUESSED)}, mymdc. {' '.join(said)}",
        provider=source.name,
        hint="Say which it is: --kind. One that lets nobody in without an account needs that.",
    )


def adopted(
    url: str,
    *,
    name: str | None,
    title: str | None,
    kind: str = "",
    taken: Iterable[str] = (),
) -> Source:
    """Return a source that is this facility's own: no prefix, and its word on access holds."""
    chosen = name or _free(_named(url), set(taken))
    return Source(
        name=chosen,
        kind=kind,
        url=url,
        title=title or chosen,
        is_live=False,
        is_adopted=True,
    )


def _kind_of_folder(folder: Path) -> str:
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    files = [folder / f"{name}.ndjson{end}" for name in _TOPS for end in ("", ".gz")]
    return "ndjson" if any(path.is_file() for path in files) else "tree"


def _named(url: str) -> str:
    """Return a name made of an address.

    Examples
    --------
    >>> _named("https://SciCat.example.org:8080/api"), _named("file:///data/2026 runs")
    ('scicat-example-org', 'runs')
    """
    parts = urlsplit(url)
    text = parts.hostname or unquote(parts.path).rstrip("/").rpartition("/")[2]
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", plain)[:40].rstrip("-") or "adopted"


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found = f"{name[:36]}-{number}"
        number += 1
    return found
