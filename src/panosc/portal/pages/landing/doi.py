"""``/doi/…``: the address that DOIs of this node are registered with."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Gone, NotFound
from panosc.domain.pid import pid_path
from panosc.portal.pages.landing import answering, datasets, documents
from panosc.portal.site import Asker, Site, add_page, go_to, pages
from panosc.publication.reading.resolving import Target, targets
from panosc.publication.record import Publication

_PAGES = {"Dataset": datasets.page, "Document": documents.page}


def router(site: Site) -> APIRouter:
    """Return the route."""
    routes = pages()

    def show(request: Request, who: Asker, pid: str) -> Response:
        target, publication = _found(site, request, who, pid)
        if target.is_elsewhere:
            path = f"/{target.model.lower()}s/{pid_path(target.pid)}"
            return go_to(site.render.root + path)
        return answering.record(site, request, who, publication, _PAGES[publication.model])

    add_page(
        routes,
        "/doi/{pid:path}",
        show,
        summary="The page that a DOI of this node leads to",
        also={**answering.ALSO, 303: "It stands for all versions: to the newest."},
    )
    return routes


def _found(site: Site, request: Request, who: Who, doi: str) -> tuple[Target, Publication]:
    """Return what a DOI stands for; a refusal names what was asked for and nothing else."""
    is_erased = False
    address = site.absolute(request)
    publications = site.publications
    found = targets(publications.engine, who, doi, now=publications.clock())
    for target in found:
        try:
            return target, publications.gatherer.one(who, target.model, target.pid, address)
        except Gone:
            is_erased = True
        except NotFound:
            continue
    if is_erased:
        raise Gone(
            f"What “{doi}” stands for was here and has been erased.",
            hint="Nothing of it is kept. Ask the operator of this node.",
        )
    raise NotFound(
        f"There is nothing at this node that “{doi}” stands for.",
        hint="Search for it, or ask whoever gave you the identifier.",
    )
