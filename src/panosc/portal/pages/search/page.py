"""The search page itself: reads its address, asks, and hands all of it to the template.

Its URL is the question (`place`); whoever asks differently is sent there.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.domain.pid import surrogate
from panosc.domain.preferred import Units
from panosc.domain.query import Compare, Query
from panosc.federation.live.records.shaping import MOST
from panosc.federation.overview.names import opened
from panosc.portal.pages.personal.settings import units_of
from panosc.portal.pages.search import everywhere, nothing
from panosc.portal.pages.search.commands import search_as
from panosc.portal.pages.search.everywhere import Everywhere
from panosc.portal.pages.search.filters import chips, groups
from panosc.portal.pages.search.found import asking_all, found
from panosc.portal.pages.search.place import VIEWS, Paging, Pairs, Place, headline, read
from panosc.portal.pages.search.spreads import spreads
from panosc.portal.site import Asker, Site, add_page, go_to, pages
from panosc.search.counts.facets import Facet
from panosc.search.counts.spreads import Parameter
from panosc.search.known import KnownTo
from panosc.search.language.names import Names
from panosc.search.language.selection import FACETS
from panosc.search.language.words import read_words

SORTS = (
    ("best match", ""),
    ("newest", "-created"),
    ("oldest", "created"),
    ("title", "title"),
    ("largest", "-size"),
)
MOST_OFFERED = 30
"""Parameters to choose from for a range; the search box takes any."""


def router(site: Site) -> APIRouter:
    """Return the route of the search page."""
    routes = pages()

    def search(request: Request, who: Asker) -> Response:
        if site.federation.has_live():
            return everywhere_shown(request, who)
        with site.search.together(who):
            place = placed(request, who)
            if isinstance(place, Response):
                return place
            found = content(request, who, place, None)
        return shown(request, who, found)

    def everywhere_shown(request: Request, who: Who) -> Response:
        with site.search.together(who):
            place = placed(request, who, is_open=True)
        if isinstance(place, Response):
            return place
        is_patient = everywhere.WAIT in request.query_params.multi_items()
        # no connection to the database is kept while others are waited for
        told = everywhere.ask(site, who, place, is_patient=is_patient)
        with site.search.together(who):
            found = content(request, who, place, told)
        return shown(request, who, found)

    def placed(request: Request, who: Who, *, is_open: bool = False) -> Response | Place:
        """Return what is asked, or the way to its one address; `is_open`: of all catalogues."""
        pairs = request.query_params.multi_items()
        own = [pair for pair in pairs if is_open and pair == everywhere.WAIT]
        asked = [pair for pair in pairs if pair not in own]
        names = KnownTo(site.search, who).names
        place = read(asked, opened(names) if is_open else names, site.render.root)
        if not place.selection.problems and place.params() != asked:
            return go_to(place.to([*place.params(), *own]))
        return place

    def content(
        request: Request, who: Who, place: Place, told: Everywhere | None
    ) -> dict[str, Any]:
        ways = search_as(site, request, who, place.selection)
        return {"ways": ways, **_content(site, who, place, units_of(request), told)}

    def shown(request: Request, who: Who, found: dict[str, Any]) -> Response:
        # asked when the connection of the search has been given back
        pictured = _thumbnails(site, who, found)
        chosen = _chosen(site.selection(request), found)
        return site.render.page(request, "search", thumbnails=pictured, chosen=chosen, **found)

    add_page(routes, "/search", search, summary="Search datasets")
    return routes


def _content(
    site: Site, who: Who, place: Place, units: Units, told: Everywhere | None
) -> dict[str, Any]:
    """Return what the template is told."""
    try:
        return _asked(site, who, place, units, told)
    except Invalid as error:
        if error.field != "after":
            raise
        start = place.selection.from_start()
        said = f"{error.detail} This is the first page."
        problems = (*start.problems, said)
        begun = replace(place, selection=replace(start, problems=problems))
        return _asked(site, who, begun, units, None)


def _asked(
    site: Site, who: Who, place: Place, units: Units, told: Everywhere | None
) -> dict[str, Any]:
    selection = place.selection
    meant = None
    if told is None or not told.merged.total:
        meant = nothing.meant(site.search, who, place)
    sought = read_words(meant.words if meant else selection.words, plain="all")
    if told is None:
        answer = site.search.answer(who, asking_all(selection.query()))
        hits, total, is_least = found(answer, sought), answer.total, answer.is_least
    else:
        hits = found(told.items, sought)
        total, is_least = told.merged.total, told.merged.is_least
    paged = total if told is None else min(total, MOST)
    facets = site.search.facets(who, selection, FACETS)
    named = facets | {"instrument": _instruments(site, who, place, facets["instrument"])}
    offered = _offered(site, who, place) if total else []
    ranges = spreads(site.search, who, place, offered, preferred=units)
    shown = {spread.name for spread in ranges}
    return {
        "title": headline(total, selection.words, is_least=is_least),
        "asked": selection.words,
        "place": place,
        "selection": selection,
        "total": total,
        # the filters count records of this node alone
        "is_least": told is None and is_least,
        "strip": None if told is None else told.strip,
        "afar": {} if told is None else told.afar,
        "hits": hits,
        "facets": groups(selection, facets),
        "chips": chips(place, named),
        "clear": place.to([("q", selection.words)] if selection.words else []),
        "carried": [pair for pair in place.params() if pair[0] not in {"q", "page", "after"}],
        "hidden": _hidden(place, shown),
        "spreads": ranges,
        "offered": [parameter for parameter in offered if parameter.name not in shown],
        "sorts": _sorts(place),
        "views": [(name, place.seen_as(name), name == place.view) for name in VIEWS],
        "paging": Paging(place, paged, hits[-1].hit.pid if len(hits) == selection.size else ""),
        "is_indexed": site.search.has_index(),
        "ways_out": [] if total else nothing.ways_out(site.search, who, place, named),
        "meant": meant,
    }


def _thumbnails(site: Site, who: Who, found: Mapping[str, Any]) -> Mapping[str, str]:
    if found["place"].view == "table":
        return {}
    return site.overviews.thumbnails(who, [item.hit.pid for item in found["hits"]])


def _chosen(keys: Collection[int], found: Mapping[str, Any]) -> set[str]:
    """Return which of the hits are in the selection of whoever asks."""
    pids = [item.hit.pid for item in found["hits"]] if keys else []
    return {pid for pid in pids if surrogate("Dataset", pid) in keys}


def _instruments(site: Site, who: Who, place: Place, listed: list[Facet]) -> list[Facet]:
    """Return the instruments of a facet and those of filters that it does not list."""
    keys = {"instrument", "-instrument"}
    asked = {value for key, value in place.selection.filters() if key in keys}
    asked -= {facet.value for facet in listed}
    if not asked:
        return listed
    where = Compare(property="pid", operator="inq", operands=tuple(sorted(asked)))
    rows = site.search.find(who, Query(model="Instrument", where=where))
    more = [Facet(value=row["pid"], label=row["name"] or row["pid"], count=0) for row in rows]
    return [*listed, *more]


def _offered(site: Site, who: Who, place: Place) -> list[Parameter]:
    """Return parameters for a range: those most of the datasets found have, if that is known."""
    found = site.search.parameters(who, place.selection, limit=MOST_OFFERED)
    if found or site.search.has_index():
        # a name that no address can spell is no filter
        return [item for item in found if Names().parameter(item.name)]
    names = site.search.parameter_names(who)[:MOST_OFFERED]
    return [Parameter(name=name, count=0, units=()) for name in names]


def _hidden(place: Place, shown: set[str]) -> Pairs:
    """Return what the form of filters carries along: all that it does not show itself."""
    seen: set[str] = set()
    kept: Pairs = []
    ranges = {(item.name, item.text) for item in place.selection.ranges}
    for pair in place.params():
        key = pair[0]
        if key in {*FACETS, "page", "after"}:
            continue
        if pair in ranges and key in shown and key not in seen:
            # the first range of a parameter stands in its own fields
            seen.add(key)
            continue
        kept.append(pair)
    return kept


def _sorts(place: Place) -> list[tuple[str, str, bool]]:
    current = place.selection.sort
    choices = SORTS if place.selection.words else (("newest", ""), *SORTS[2:])
    return [(name, place.sorted_by(value), value == current) for name, value in choices]
