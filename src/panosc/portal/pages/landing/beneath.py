"""What the pages beneath a dataset have in common, and the one of its parameters."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.domain.query import Include, Query
from panosc.portal import facts
from panosc.portal.pages.personal.settings import units_of
from panosc.portal.site import Asker, Site, add_page, pages

Item = dict[str, Any]

TABS = (
    ("Overview", ""),
    ("View", "/-/view"),
    ("Metadata", "/-/metadata"),
    ("Files", "/-/files"),
    ("History", "/-/history"),
)
_OWN = frozenset({"pid", "title", "isPublic", "access"})
_PARAMETER = frozenset({"name", "value", "unit", "path"})
_FILE = frozenset({"name"})


def router(site: Site) -> APIRouter:
    """Return the route of the page of parameters."""
    routes = pages()

    def metadata(request: Request, who: Asker, pid: str) -> Response:
        record = detailed(site, who, pid)
        return site.render.page(
            request,
            "metadata",
            **beneath(record, "Metadata"),
            measures=facts.measures(record.get("parameters", ()), units_of(request)),
        )

    path = "/datasets/{pid:path}/-/metadata"
    add_page(routes, path, metadata, summary="All parameters of a dataset")
    return routes


def detailed(site: Site, who: Who, pid: str) -> Item:
    """Return a record with its parameters, for a page of detail.

    Raises
    ------
    NotFound
        If `who` may not see its detail.
    """
    parameters = Query(model="Parameter", fields=_PARAMETER, limit=2000)
    files = Query(model="File", fields=_FILE, limit=1)
    query = Query(
        model="Dataset",
        fields=_OWN,
        includes=(
            Include(relation="parameters", scope=parameters),
            Include(relation="files", scope=files),
        ),
    )
    record = site.record(who, query, pid)
    # what is not open holds detail only for those who may see it
    if not (record["access"] == "open" or record.get("files") or record.get("parameters")):
        raise NotFound(
            "There is nothing here that you may see.",
            hint="The page of the dataset says what is public and from when the rest is.",
        )
    return record


def beneath(record: Item, current: str) -> Item:
    """Return what every page beneath a dataset says; `current` is one of `TABS`."""
    name = str(record.get("title") or record["pid"])
    return {
        "title": f"{current} of {name}",
        "name": name,
        "pid": record["pid"],
        "current": current,
        "tabs": TABS,
    }
