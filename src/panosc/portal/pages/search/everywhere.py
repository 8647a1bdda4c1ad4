"""The search page over all catalogues: who answered, and where each record that was found stands.

The page is shown when all have answered or after `FIRST_S`; who asks again (``wait=all``, which the
script of the pages does by itself) waits as long as the settings allow.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from panosc.domain.access import Who
from panosc.domain.query import Compare, Query
from panosc.federation.live.answer import HERE, Fate, Merged
from panosc.federation.live.records.shaping import MOST
from panosc.federation.overview import fates
from panosc.portal.pages.search.found import asking_all
from panosc.portal.pages.search.place import Place
from panosc.portal.site import Site
from panosc.portal.words import doi_address, urlsplit_is_web

FIRST_S: Final = 1.0
WAIT: Final = ("wait", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Where a record stands that other catalogues told of."""

    is_here: bool
    """Whether it has a page here, being a record or a copy of this node."""
    is_own: bool
    """Whether it is this node's own, and others have it, too."""
    at: str
    """The facility that told of it first."""
    page: str | None
    """Its page there, or what its DOI leads to."""
    also: tuple[str, ...] = ()
    """Further facilities that have it."""
    copied: str | None = None
    """The day of the copy that stands in, while the catalogue itself does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Who answered: what the page says above its results."""

    headline: str
    seconds: float
    sentences: tuple[str, ...]
    """What of the others there is to say, one sentence each."""
    again: str | None
    """Where they are asked again; None if there is nobody to ask."""
    is_waiting: bool
    """Whether some may still answer."""
    counted: int
    """Records of this node that fit, which are what the filters count."""
    uncounted: int
    """Other catalogues that answered, whose records the filters do not count."""
    is_cut: bool = False
    """Whether more fit than pages over several catalogues reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """What all catalogues answered to the question of a page."""

    merged: Merged
    strip: Strip
    afar: Mapping[str, Away]
    """By the PID of the record; those without are of this node alone."""
    items: Sequence[dict[str, Any]]


def ask(site: Site, who: Who, place: Place, *, is_patient: bool) -> Everywhere | None:
    """Return what all catalogues answer; None for a page that they cannot be asked for."""
    query = asking_all(place.selection.query())
    if query.skip >= MOST or query.after is not None:
        return None
    query = replace(query, limit=min(query.limit or MOST, MOST - query.skip))
    longest = site.settings.federation_deadline_s
    deadline = longest if is_patient else min(longest, FIRST_S)
    merged = site.federation.live.ask(who, query, deadline_s=deadline)
    items = [_whole(item) for item in merged.items]
    here = _here(site, who, items)
    by_name = {fate.name: fate for fate in merged.fates}
    afar = {item["pid"]: _away(item, by_name, is_here=item["pid"] in here) for item in items}
    may_answer = not is_patient and longest > deadline
    return Everywhere(
        merged=merged,
        strip=strip(merged, place, deadline, may_answer=may_answer),
        afar={pid: away for pid, away in afar.items() if away is not None},
        items=items,
    )


def strip(merged: Merged, place: Place, seconds: float, *, may_answer: bool) -> Strip:
    """Return what is said of the catalogues that were asked.

    `seconds` and `may_answer` are as in `fates.sentences`.
    """
    all_ = merged.fates
    is_late = any(fate.fared == "late" for fate in all_)
    again = place.to([*place.params(), WAIT])
    others = [fate for fate in all_ if fate.name != HERE]
    return Strip(
        headline=fates.headline(all_),
        seconds=fates.seconds_of(all_),
        sentences=tuple(fates.sentences(all_, seconds, may_answer=may_answer)),
        again=again if any(fate.fared in fates.AWAY for fate in all_) else None,
        is_waiting=is_late and may_answer,
        counted=next((fate.total or 0 for fate in all_ if fate.name == HERE), 0),
        uncounted=sum(1 for fate in others if fate.fared == "answered"),
        is_cut=merged.total > MOST,
    )


def _whole(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with what pages of hits always have."""
    access = item.get("access") or ("open" if item.get("isPublic", True) else "closed")
    return {**item, "access": access}


def _here(site: Site, who: Who, items: Sequence[Mapping[str, Any]]) -> Collection[str]:
    """Return which of the records have a page here."""
    pids = [item["pid"] for item in items]
    unsure = [item["pid"] for item in items if HERE not in item["sources"]]
    if not unsure:
        return pids
    where = Compare(property="pid", operator="inq", operands=tuple(unsure))
    fields = frozenset({"pid"})
    query = Query(model="Dataset", where=where, fields=fields)
    found = {row["pid"] for row in site.search.find(who, query)}
    return found | (set(pids) - set(unsure))


def _away(item: Mapping[str, Any], by_name: Mapping[str, Fate], *, is_here: bool) -> Away | None:
    names = list(item["sources"])
    if names == [HERE]:
        return None
    titles = [by_name[name].title if name in by_name else name for name in names]
    first = by_name.get(names[0])
    copied = first.copied if first is not None and first.fared in fates.AWAY else None
    home = item.get("home") or doi_address(item["pid"])
    return Away(
        is_here=is_here,
        is_own=names[0] == HERE,
        at=titles[0],
        page=home if home is not None and urlsplit_is_web(home) else None,
        also=tuple(titles[1:]),
        copied=None if copied is None else copied.date().isoformat(),
    )
