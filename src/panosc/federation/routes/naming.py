"""How catalogues are named in requests and answers: which to ask, how each fared.

`LOCAL` is what clients call this node among them.
"""

from collections.abc import Iterable, Sequence

from panosc.domain.errors import BadFilter
from panosc.federation.live.answer import HERE, Fate

LOCAL = "local"
PARAMETER = "providers"
HEADER = "X-Panosc-Providers"
LEAST = "X-Total-Is-Least"
_LONGEST = 4000
"""Letters of the header: some proxies refuse longer ones."""


def chosen(given: Sequence[str], known: Iterable[str]) -> frozenset[str] | None:
    """Return which catalogues a request names, `HERE` for this node; None: all.

    Raises
    ------
    BadFilter
        If one is named that there is not.
    """
    names = [name.strip() for text in given for name in text.split(",")]
    asked = {name.lower() for name in names if name}
    if not asked:
        return None
    there = {LOCAL, *known}
    unknown = sorted(asked - there)
    if unknown:
        raise BadFilter(
            f"There is no provider {unknown[0][:100]!r}.",
            field=PARAMETER,
            hint=f"There are {', '.join(sorted(there))}.",
        )
    return frozenset(HERE if name == LOCAL else name for name in asked)


def public(name: str) -> str:
    """Return what clients call a catalogue."""
    return LOCAL if name == HERE else name


def header(fates: Iterable[Fate]) -> str:
    """Return how each fared, such as ``ill=answered;120, alba=late;copy=2026-11-20``."""
    text = ""
    for fate in fates:
        piece = _piece(fate)
        if len(text) + len(piece) > _LONGEST:
            return f"{text}, and-more"
        text += f", {piece}" if text else piece
    return text


def headers(total: int, fates: Iterable[Fate], *, is_least: bool) -> dict[str, str]:
    """Return what the headers of an answer say of it."""
    found = {"X-Total-Count": str(total), HEADER: header(fates)}
    return found | ({LEAST: "true"} if is_least else {})


def _piece(fate: Fate) -> str:
    parts = [f"{public(fate.name)}={fate.fared}"]
    if fate.fared == "answered":
        parts.append(str(fate.count if fate.total is None else fate.total))
    if fate.unasked:
        parts.append("unfiltered")
    if fate.copied is not None:
        parts.append(f"copy={fate.copied.date().isoformat()}")
    return ";".join(parts)
