"""The front page: what is here, and what one can do with it."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from panosc.charts.bars import draw_bars
from panosc.domain.access import Who
from panosc.domain.query import Query
from panosc.portal.hits import asking, hits
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.portal.words import plural, query_string
from panosc.search.counts.facets import Facet
from panosc.search.language.selection import Selection

NEWEST = 5
MOST_YEARS = 40


def router(site: Site) -> APIRouter:
    """Return the route of the front page."""
    routes = pages()

    def home(request: Request, who: Asker) -> Response:
        open_ones = Selection(access=("open",), sort="-created").query()
        newest = site.search.find(who, asking(replace(open_ones, limit=NEWEST)))
        facets = site.search.facets(
            who, Selection(), ("technique", "instrument", "facility", "access", "year")
        )
        return site.render.page(
            request,
            "home",
            title="Open data of photon and neutron science",
            canonical="/",
            counts=_counts(site, who, facets),
            examples=examples(facets),
            newest=hits(newest),
            years=years(facets["year"]),
            has_others=site.federation.has_live(),
        )

    add_page(routes, "/", home, summary="The front page")
    return routes


def examples(facets: dict[str, list[Facet]]) -> list[tuple[str, str, int]]:
    """Return searches that find something here: text, query part, number of datasets."""
    patterns = (
        ("technique", "{}"),
        ("instrument", "measured at {}"),
        ("year", "from {}"),
    )
    found = []
    for key, pattern in patterns:
        if facets[key]:
            best = max(facets[key], key=lambda facet: facet.count)
            text = pattern.format(best.label)
            found.append((text, query_string([(key, best.value)]), best.count))
    return found


def years(facets: list[Facet]) -> Markup | None:
    """Return bars of how many datasets were measured in each year, gaps included."""
    counts = {int(facet.value): facet.count for facet in facets}
    if len(counts) < 2:  # noqa: PLR2004 - one bar says nothing
        return None
    last = max(counts)
    first = max(min(counts), last - MOST_YEARS + 1)
    pairs = [(str(year), counts.get(year, 0)) for year in range(first, last + 1)]
    best, count = max(pairs, key=lambda pair: pair[1])
    name = f"Datasets by year of measurement, {first} to {last}; most in {best}: {count:,}"
    return Markup(draw_bars(pairs, name=name, identifier="years"))  # noqa: S704 - years and counts


def _counts(site: Site, who: Who, facets: dict[str, list[Facet]]) -> list[tuple[str, str, str]]:
    total = sum(facet.count for facet in facets["access"])
    instruments = site.search.count(who, Query(model="Instrument"))
    documents = site.search.count(who, Query(model="Document"))
    shown: list[tuple[Any, str, str]] = [
        (total, "dataset", "/search"),
        (instruments, "instrument", "/instruments"),
        (len(facets["technique"]), "technique", "/techniques"),
        (documents, "proposal or publication", ""),
    ]
    return [
        (f"{number:,}", _noun(number, noun), path) for number, noun, path in shown if number or path
    ]


def _noun(count: int, noun: str) -> str:
    if " or " in noun:
        return noun if count == 1 else "proposals and publications"
    return plural(count, noun).partition(" ")[2]
