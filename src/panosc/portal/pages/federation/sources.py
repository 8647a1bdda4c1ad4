"""Who told of a record, and why what several catalogues told of is one record here."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.pid import pid_path
from panosc.federation.overview.sources import Telling
from panosc.portal.pages.federation import wording
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.publication.record import Model

MODELS: tuple[Model, ...] = ("Dataset", "Document")
_KEYS = {
    "doi": "DOI",
    "pid": "identifier",
    "strong": "title, start, size or instrument, and facility",
}


def router(site: Site) -> APIRouter:
    """Return the routes of the pages."""
    routes = pages()
    for model in MODELS:
        _add(routes, site, model)
    return routes


def told_lines(tellings: Sequence[Telling]) -> list[dict[str, Any]]:
    """Return who told of a record, as pages show it; the one that it is shown after first."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "home": one.home,
            "fetched": wording.stamp(one.fetched),
            "is_shown": one.is_shown,
            "own_pid": one.own_pid,
            "external_id": one.external_id,
            "signs": [_key(key) for key in one.keys],
            "why": str(one.evidence.get("words") or ""),
        }
        for one in tellings
    ]


def _add(routes: APIRouter, site: Site, model: Model) -> None:
    noun = model.lower()
    path = f"/{noun}s/{{pid:path}}/-/sources"

    def show(request: Request, who: Asker, pid: str) -> Response:
        it = site.publications.gatherer.one(who, model, pid, site.absolute(request))
        told = site.federation.tellings(model, [it.pid]).get(it.pid, [])
        return site.render.page(
            request,
            "sources",
            title=f"Sources of {it.title}",
            name=it.title,
            noun=noun,
            pid=it.pid,
            path=f"{site.render.root}/{noun}s/{pid_path(it.pid)}",
            sources=told_lines(told),
            is_ours=not any(one.is_shown for one in told),
        )

    add_page(routes, path, show, summary=f"Which catalogues told of a {noun}, and why it is one")


def _key(key: str) -> tuple[str, str]:
    """Return a key as words: what it is, and its value (a likeness has none to read)."""
    kind, _, value = key.partition(":")
    return _KEYS.get(kind, kind), "" if kind == "strong" else value
