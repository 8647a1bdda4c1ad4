"""The page of a dataset: what its identifier leads to, for people and for machines."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.data.downloads.selecting.stock import Stock
from panosc.domain.access import ANYONE, Who
from panosc.domain.pid import pid_path, surrogate
from panosc.portal import snippets
from panosc.portal.pages.landing import answering, plots
from panosc.portal.pages.landing.beneath import TABS
from panosc.portal.pages.landing.content import api_path, common
from panosc.portal.site import Site
from panosc.publication.fair import checks
from panosc.publication.record import Publication

Item = dict[str, Any]

FIRST_FILES: Final = 10


def router(site: Site) -> APIRouter:
    """Return the routes of datasets."""
    return answering.router(site, "Dataset", page)


def page(site: Site, request: Request, who: Who, publication: Publication) -> Response:
    """Return the page of a dataset."""
    pid = publication.pid
    is_whole = publication.detail is not None and publication.access != "withdrawn"
    plot = plots.plotted(site, who, pid) if is_whole else plots.NOTHING
    thumbnail = f"/datasets/{pid_path(pid)}/-/thumbnail?size=large&form=png"
    picture = site.render.address(request, thumbnail) if plot["is_pictured"] else None
    content = common(site, request, publication, picture=picture)
    address = site.render.address(request, api_path(publication))
    files = publication.detail.files if publication.detail else ()
    content |= plot | _shared(site, who, publication)
    content["fair"] = checks.report(publication)
    return site.render.page(
        request,
        "dataset",
        **content,
        tabs=TABS,
        python=snippets.python(address),
        curl=snippets.curl(address),
        files=files[:FIRST_FILES],
        stock=_stock(site, who, publication),
        most=site.settings.download_max_bytes,
        is_selected=surrogate("Dataset", pid) in site.selection(request),
    )


def _stock(site: Site, who: Who, publication: Publication) -> Stock | None:
    """Return what can be fetched, for those who may and where there is something."""
    if publication.detail is None or publication.access == "withdrawn":
        return None
    return site.stocks.by_pid(who, publication.pid)


def _shared(site: Site, who: Who, publication: Publication) -> Item:
    """Return whether a dataset that is not open is shared with who asks, and until when."""
    if who == ANYONE or publication.access not in {"embargoed", "closed"}:
        return {"is_shared": False, "shared_until": None}
    held, _ = site.policy.acts.look(who, publication.pid)
    is_shared, until = site.policy.sharing.mine(who, held)
    return {
        "is_shared": is_shared,
        "shared_until": None if until is None else until.isoformat(),
    }
