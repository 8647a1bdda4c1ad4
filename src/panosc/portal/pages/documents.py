"""The page of a proposal or publication, with its datasets."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.query import Compare, Include, Order, Query, Related
from panosc.portal import facts, jsonld
from panosc.portal.citation import cite
from panosc.portal.hits import asking, hits
from panosc.portal.pages.personal.settings import units_of
from panosc.portal.site import Asker, Site, add_page
from panosc.portal.words import doi_address, pid_path

MOST = 100
_OWN = frozenset(
    [
        "pid",
        "isPublic",
        "type",
        "title",
        "summary",
        "doi",
        "startDate",
        "endDate",
        "releaseDate",
        "license",
        "keywords",
        "access",
        "embargoUntil",
        "withdrawnReason",
    ]
)


def router(site: Site) -> APIRouter:
    """Return the route of document pages."""
    routes = APIRouter()
    members = Include(
        relation="members",
        scope=Query(
            model="Member",
            includes=(
                Include(relation="person", scope=Query(model="Person")),
                Include(relation="affiliation", scope=Query(model="Affiliation")),
            ),
        ),
    )
    asked = Query(
        model="Document",
        fields=_OWN,
        includes=(members, Include(relation="parameters", scope=Query(model="Parameter"))),
    )

    def show(request: Request, who: Asker, pid: str) -> Response:
        record = site.record(who, asked, pid)
        its = Related("documents", Compare(property="pid", operator="eq", operands=(pid,)))
        order = (Order(property="creationDate", descending=True),)
        query = Query(model="Dataset", where=its, order=order, limit=MOST)
        answer = site.search.answer(who, asking(query))
        path, title = f"/documents/{pid_path(pid)}", record.get("title") or pid
        address = site.render.address(request, path)
        people, facility = facts.makers(record), site.settings.facility
        return site.render.page(
            request,
            "document",
            title=title,
            canonical=path,
            document=record,
            name=title,
            kind=(record.get("type") or "document").capitalize(),
            access={"access": record["access"], "until": facts.embargo_end(record)},
            people=people,
            measures=facts.main_measures(record.get("parameters", ()), units_of(request)),
            doi=doi_address(record.get("doi") or pid),
            api=f"{site.render.root}/panosc-api/Documents/{pid_path(pid).replace('/', '%2F')}",
            jsonld=jsonld.script(jsonld.document(record, address=address, facility=facility)),
            total=answer.total,
            hits=hits(answer),
            cited=cite(
                people=people,
                year=facts.year_of(record),
                title=title,
                publisher=facility,
                pid=record.get("doi") or pid,
                kind=(record.get("type") or "document").capitalize(),
            ),
        )

    add_page(routes, "/documents/{pid:path}", show, summary="The page of a document")
    return routes
