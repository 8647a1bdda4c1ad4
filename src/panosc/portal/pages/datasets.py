"""The page of a dataset, and beneath it its parameters, its files and its JSON-LD."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from panosc.charts.svg import draw, finding, table
from panosc.data.overviews import telling
from panosc.data.overviews.service import Shown
from panosc.domain.access import NEVER, Who
from panosc.domain.errors import NotFound, PanoscError
from panosc.domain.pid import surrogate
from panosc.domain.plots import Plot
from panosc.domain.query import Include, Query
from panosc.portal import facts, jsonld, snippets
from panosc.portal.citation import cite
from panosc.portal.pages.exports.records import as_json, records
from panosc.portal.pages.personal.settings import units_of
from panosc.portal.site import Asker, Site, add_page
from panosc.portal.words import doi_address, pid_path

Item = dict[str, Any]

FIRST_FILES = 10
_OWN = frozenset(
    [
        "pid",
        "title",
        "isPublic",
        "creationDate",
        "size",
        "kind",
        "description",
        "endDate",
        "releaseDate",
        "license",
        "definition",
        "isNewVersionOf",
        "access",
        "embargoUntil",
        "withdrawnReason",
    ]
)
_FILE = frozenset({"name", "size", "sha256", "format"})
_PARAMETER = frozenset({"name", "value", "unit", "path"})
TABS = (
    ("Overview", ""),
    ("View", "/-/view"),
    ("Metadata", "/-/metadata"),
    ("Files", "/-/files"),
    ("History", "/-/history"),
)
_NO_FORMAT = "There are json and json-ld."


def router(site: Site) -> APIRouter:
    """Return the routes of dataset pages."""
    routes = APIRouter()

    def metadata(request: Request, who: Asker, pid: str) -> Response:
        record = detailed(site, who, pid)
        return site.render.page(
            request,
            "metadata",
            **beneath(record, "Metadata"),
            measures=facts.measures(record.get("parameters", ()), units_of(request)),
        )

    def export(request: Request, who: Asker, pid: str, form: str) -> Response:
        record = _record(site, who, pid)
        if form == "json":
            return _json(site, request, record)
        if form != "json-ld":
            raise NotFound(f"There is no export “{form}”.", hint=_NO_FORMAT)
        address = site.render.address(request, f"/datasets/{pid_path(pid)}")
        described = jsonld.dataset(record, address=address, facility=site.settings.facility)
        return Response(jsonld.script(described), media_type="application/ld+json")

    def show(request: Request, who: Asker, pid: str) -> Response:
        record = _record(site, who, pid)
        content = _content(site, request, record)
        content |= _access(site, who, record)
        content |= _plot(site, who, record) | _first_files(site, who, record)
        content |= {
            "stock": site.stocks.by_pid(who, pid),
            "is_selected": surrogate("Dataset", pid) in site.selection(request),
            "most": site.settings.download_max_bytes,
        }
        return site.render.page(request, "dataset", **content)

    below = "/datasets/{pid:path}/-"
    add_page(routes, f"{below}/metadata", metadata, summary="All parameters of a dataset")
    add_page(routes, f"{below}/export/{{form}}", export, summary="A dataset as JSON or JSON-LD")
    add_page(routes, "/datasets/{pid:path}", show, summary="The page of a dataset")
    return routes


def _json(site: Site, request: Request, record: Item) -> Response:
    """Return a record as searches tell it, with all its parameters and its samples."""

    def address(path: str) -> str:
        return site.render.address(request, path)

    (found,) = records(iter([record]), facility=site.settings.facility, address=address)
    samples = [sample.get("name") for sample in record.get("samples", ())]
    return Response(
        orjson.dumps({**as_json(found), "samples": samples}), media_type="application/json"
    )


def is_detailed(record: Item) -> bool:
    """Whether the caller was shown detail: what is not open holds none of it."""
    return record["access"] == "open" or bool(record.get("files") or record.get("parameters"))


def _record(site: Site, who: Who, pid: str) -> Item:
    person = Include(relation="person", scope=Query(model="Person"))
    affiliation = Include(relation="affiliation", scope=Query(model="Affiliation"))
    members = Include(
        relation="members", scope=Query(model="Member", includes=(person, affiliation))
    )
    query = Query(
        model="Dataset",
        fields=_OWN,
        includes=(
            Include(relation="instrument", scope=Query(model="Instrument")),
            Include(relation="techniques", scope=Query(model="Technique")),
            Include(relation="samples", scope=Query(model="Sample")),
            Include(
                relation="parameters",
                scope=Query(model="Parameter", fields=_PARAMETER, limit=2000),
            ),
            Include(relation="files", scope=Query(model="File", fields=_FILE, limit=FIRST_FILES)),
            Include(relation="documents", scope=Query(model="Document", includes=(members,))),
            members,
        ),
    )
    return site.record(who, query, pid)


def detailed(site: Site, who: Who, pid: str) -> Item:
    """Return a record for a page of detail.

    Raises
    ------
    NotFound
        If `who` may not see its detail.
    """
    record = _record(site, who, pid)
    if not is_detailed(record):
        raise NotFound(
            "There is nothing here that you may see.",
            hint="The page of the dataset says what is public and from when the rest is.",
        )
    return record


def _title(record: Item) -> str:
    return str(record.get("title") or record["pid"])


def beneath(record: Item, current: str) -> Item:
    """Return what every page beneath a dataset says; `current` is one of `TABS`."""
    return {
        "title": f"{current} of {_title(record)}",
        "name": _title(record),
        "pid": record["pid"],
        "current": current,
        "tabs": TABS,
    }


def _content(site: Site, request: Request, record: Item) -> Item:
    pid = record["pid"]
    path = f"/datasets/{pid_path(pid)}"
    people, publisher = facts.makers(record), facts.publisher(record, site.settings.facility)
    parameters = record.get("parameters", [])
    measures = facts.main_measures(parameters, units_of(request))
    api = f"/panosc-api/Datasets/{pid_path(pid).replace('/', '%2F')}"
    address = site.render.address(request, path)
    described = jsonld.dataset(record, address=address, facility=site.settings.facility)
    return {
        "title": _title(record),
        "name": _title(record),
        "canonical": path,
        "pid": pid,
        "summary": (record.get("description") or _title(record))[:300],
        "doi": doi_address(pid),
        "api": site.render.root + api,
        "jsonld": jsonld.script(described),
        "documents": record.get("documents", []),
        "kind": record.get("kind"),
        "reason": record.get("withdrawnReason"),
        "licence": facts.license_of(record),
        "people": people,
        "publisher": publisher,
        "instrument": record.get("instrument"),
        "measured": _measured(record),
        "released": record.get("releaseDate"),
        "description": record.get("description"),
        "is_detailed": is_detailed(record),
        "tabs": TABS,
        "older": record.get("isNewVersionOf"),
        "techniques": facts.methods(record),
        "samples": record.get("samples", []),
        "definition": record.get("definition"),
        "measures": measures,
        "hidden_measures": len(parameters) > len(measures),
        "parameter_count": len(parameters),
        "total": record.get("size"),
        "python": snippets.python(site.render.address(request, api)),
        "curl": snippets.curl(site.render.address(request, api)),
        "cited": cite(
            people=people,
            year=facts.year_of(record),
            title=_title(record),
            publisher=publisher,
            pid=pid,
            kind="Dataset",
        ),
    }


def _measured(record: Item) -> tuple[str, str | None] | None:
    start, end = record.get("creationDate"), record.get("endDate")
    if not start:
        return None
    return start, end if end and end[:16] != start[:16] else None


def _access(site: Site, who: Who, record: Item) -> Item:
    """Return the state with its end as it was decided, and until when it is shared with them."""
    held, state = site.policy.acts.look(who, record["pid"])
    is_shared, until = site.policy.sharing.mine(who, held)
    opens = held.guard.open_at
    has_end = state == "embargoed" and opens != NEVER
    return {
        "access": {"access": state, "until": opens.isoformat() if has_end else None},
        "is_shared": is_shared and state in {"embargoed", "closed"},
        "shared_until": None if until is None else until.isoformat(),
    }


def _plot(site: Site, who: Who, record: Item) -> Item:
    """Return the plot, or in a sentence why there is none."""
    nothing: Item = {"plot": None, "no_plot": None, "plot_note": None}
    nothing |= {"statistics": None, "pictures": ()}
    if not is_detailed(record) or record["access"] == "withdrawn":
        return nothing
    kept = site.overviews.shown(who, record["pid"])
    if kept is not None:
        return nothing | {"plot": _drawn(Markup(kept.svg), kept.plot), **_overview(kept)}  # noqa: S704
    try:
        plot = site.plots.plot(who, record["pid"])
    except NotFound:
        return nothing
    except PanoscError as error:
        return nothing | {"no_plot": error.detail}
    if plot is None:
        return nothing
    return nothing | {"plot": _drawn(Markup(draw(plot)), plot)}  # noqa: S704


def _drawn(svg: Markup, plot: Plot) -> Item:
    """Return what the template needs; charts have escaped every text in `svg`."""
    return {"svg": svg, "finding": finding(plot), "table": table(plot), "source": plot.path}


def _overview(kept: Shown) -> Item:
    """Return what else is kept: numbers, and the frames of a stack."""
    return {
        "plot_note": kept.note,
        "statistics": telling.statistics(kept.overview),
        "pictures": telling.pictures(kept.overview),
        "chosen": telling.chosen(kept.overview),
        "picture_size": kept.overview.size,
    }


def _first_files(site: Site, who: Who, record: Item) -> Item:
    rows = record.get("files", [])
    count = len(rows)
    if count >= FIRST_FILES:
        count = site.search.files(who, record["pid"], Query(model="File", limit=1)).total
    return {"files": rows, "file_count": count}
