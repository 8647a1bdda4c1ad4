"""The data policy for people: what it says in plain words, its versions, the document itself."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from panosc.domain.access import Act
from panosc.domain.errors import NotFound
from panosc.policy.document import ClassName, Document
from panosc.policy.routes.published import VersionOut, text_of, versions
from panosc.policy.written.differences import differences
from panosc.portal.site import Site, add_page, pages

CLASSES: tuple[tuple[ClassName, str], ...] = (
    ("raw", "Raw data"),
    ("auxiliary", "Auxiliary data"),
    ("reduced", "Reduced data"),
    ("results", "Results"),
    ("metadata", "Metadata"),
    ("logbook", "Logbook"),
)
ACTS: tuple[tuple[Act, str], ...] = (
    ("share", "share data with a person, a group or by a link"),
    ("answer", "answer requests for access"),
    ("release", "open data early"),
    ("extend", "ask for a longer embargo"),
    ("approve", "approve a longer embargo"),
    ("publish", "have DOIs registered"),
    ("withdraw", "withdraw data that are wrong"),
    ("erase", "erase what the law demands"),
)
ROLES = {
    "pi": "principal investigator",
    "team": "member of the team",
    "local_contact": "local contact",
    "instrument_scientist": "instrument scientist",
    "guest": "guest of the team",
    "steward": "data steward",
    "director": "director",
    "administrator": "administrator",
}
CORE = {
    "pid": "identifier",
    "people": "names of the people",
    "access_state": "state of access",
    "embargo_end": "day on which it opens",
    "total_size": "total size",
    "related_works": "related works",
}
COVERS = {
    "public": "public beam time",
    "inhouse": "in-house research",
    "training": "training and schools",
    "test": "tests and commissioning",
    "proprietary": "beam time that was paid for",
}
YAML = "application/yaml"


def router(site: Site) -> APIRouter:
    """Return the routes of the policy page."""
    routes = pages()

    def show(request: Request, version: str | None = None) -> Response:
        known = versions(site.policy)
        in_force = site.policy.shelf.current(site.policy.clock()).name
        chosen = _named(known, version or in_force)
        document = chosen.document
        return site.render.page(
            request,
            "policy",
            title=document.policy.title,
            canonical="/policy" if chosen.name == in_force else f"/policy?version={chosen.name}",
            chosen=chosen,
            document=document,
            is_current=chosen.name == in_force,
            known=[_row(item, known) for item in known],
            classes=[(label, name, _class(document, name)) for name, label in CLASSES],
            may=_may(document),
            roles=ROLES,
            core=[CORE.get(name, name) for name in document.metadata.core],
            covered=_covers(document, "covered"),
            excluded=_covers(document, "excluded"),
            extension=document.embargo.extension,
            example=_example(document),
            budgets=list(document.user_classes.items()),
        )

    def as_yaml(name: str) -> Response:
        chosen = _named(versions(site.policy), name)
        text = text_of(site.policy, chosen)
        return Response(text, media_type=YAML, headers=_saved_as(f"{chosen.name}.yaml"))

    def as_json(name: str) -> Response:
        chosen = _named(versions(site.policy), name)
        return JSONResponse(chosen.document.as_json(), headers=_saved_as(f"{chosen.name}.json"))

    none = {404: "There is no such version."}
    add_page(routes, "/policy", show, summary="The data policy in plain words", also=none)
    for form, handler, kind in (("yaml", as_yaml, YAML), ("json", as_json, "application/json")):
        routes.add_api_route(
            f"/policy/{{name}}.{form}",
            handler,
            summary=f"A version of the data policy as {form.upper()}",
            tags=["Pages"],
            response_class=Response,
            responses={
                200: {"content": {kind: {}}},
                **{status: {"description": text} for status, text in none.items()},
            },
        )
    return routes


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _named(known: list[VersionOut], name: str) -> VersionOut:
    for item in known:
        if item.name == name:
            return item
    raise NotFound(
        f"There is no policy “{name[:80]}” at this node.",
        hint="The page /policy has links to all versions.",
    )


def _row(item: VersionOut, known: list[VersionOut]) -> dict[str, Any]:
    """Return a version for the table, with what it says otherwise than the one before it."""
    head = item.document.policy
    older = [
        other.document
        for other in known
        if other.document.policy.id == head.id
        and other.document.policy.effective_from < head.effective_from
    ]
    before = max(older, key=lambda other: other.policy.effective_from, default=None)
    return {
        "name": item.name,
        "title": head.title,
        "effective_from": head.effective_from,
        "is_in_force": item.is_in_force,
        "before": before.name if before else None,
        "differences": differences(before, item.document) if before else [],
    }


def _class(document: Document, name: ClassName) -> dict[str, Any]:
    part = getattr(document.scope.data_classes, name)
    years = part.retention_years
    kept = "for ever" if years == "forever" else _years(years) if years else "no promise"
    if part.embargo == "partial":
        closed = "core never, detail as the data"
    else:
        closed = _years(document.years(name)) if document.years(name) else "not at all"
    doi = {"auto": "always", "inherit": "that of the data", "on_request": "on request"}
    return {
        "custodian": part.custodian,
        "closed": closed,
        "kept": kept + (", as well as we can" if part.best_effort else ""),
        "licence": part.licence,
        "doi": doi.get(part.doi, "none"),
    }


def _years(number: int) -> str:
    return "1 year" if number == 1 else f"{number} years"


def _may(document: Document) -> list[tuple[str, list[str]]]:
    """Return what may be done, and by whom; nothing that nobody may."""
    found = []
    for act, words in ACTS:
        bearers = [ROLES[role] for role, acts in document.roles.items() if act in acts]
        if bearers:
            found.append((words, bearers))
    return found


def _covers(document: Document, cover: str) -> list[str]:
    types = document.scope.access_types.items()
    return [COVERS.get(kind, kind) for kind, said in types if said == cover]


def _example(document: Document) -> tuple[date, date] | None:
    """Return the end of an experiment and when its raw data open."""
    years = document.years("raw")
    ended = date(max(document.policy.effective_from.year, 2026), 3, 15)
    return (ended, ended.replace(year=ended.year + years)) if years else None
