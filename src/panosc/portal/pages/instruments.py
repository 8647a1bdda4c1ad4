"""All instruments by facility, and the page of one."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.pid import pid_path
from panosc.domain.query import Order, Query
from panosc.portal.hits import asking, hits
from panosc.portal.pages.home import years
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.search.language.selection import Selection

MOST = 2000
NEWEST = 10


def router(site: Site) -> APIRouter:
    """Return the routes of the instrument pages."""
    routes = pages()

    def overview(request: Request, who: Asker) -> Response:
        order = (Order(property="facility"), Order(property="name"))
        query = Query(model="Instrument", order=order, limit=MOST)
        counts = {
            facet.value: facet.count
            for facet in site.search.facets(who, Selection(), ["instrument"])["instrument"]
        }
        by_facility: dict[str, list[dict[str, Any]]] = {}
        for item in site.search.find(who, query):
            shown = item | {"count": counts.get(item["pid"], 0)}
            by_facility.setdefault(item.get("facility") or "", []).append(shown)
        return site.render.page(
            request,
            "instruments",
            title="Instruments",
            canonical="/instruments",
            by_facility=sorted(by_facility.items(), key=lambda pair: (not pair[0], pair[0])),
        )

    def show(request: Request, who: Asker, pid: str) -> Response:
        record = site.record(who, Query(model="Instrument"), pid)
        selection = Selection(instrument=(pid,), sort="-created")
        answer = site.search.answer(who, asking(replace(selection.query(), limit=NEWEST)))
        facets = site.search.facets(who, selection, ("technique", "year"))
        return site.render.page(
            request,
            "instrument",
            title=record.get("name") or pid,
            canonical=f"/instruments/{pid_path(pid)}",
            instrument=record,
            total=answer.total,
            hits=hits(answer),
            techniques=facets["technique"],
            years=years(facets["year"]),
        )

    add_page(routes, "/instruments", overview, summary="All instruments")
    add_page(routes, "/instruments/{pid:path}", show, summary="The page of an instrument")
    return routes
