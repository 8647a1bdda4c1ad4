"""``/-/links`` of a record: what it is linked with, as a page and as JSON, and its forms."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.domain.pid import pid_path
from panosc.portal.accepting import Offer, best
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.publication.links import graph
from panosc.publication.links.service import KINDS, RELATIONS, Links, Typed
from panosc.publication.record import Model

_ERRORS = (400, 401, 403, 404, 409, 410, 422)
_HTML, _JSON = Offer(name="html", kind="text/html"), Offer(name="json", kind="application/json")
_DRAWN: Final = 16
"""Neighbours in the picture; the list has all."""
_OWN: Final = frozenset({"person", "instrument", "sample"})
"""The list names these of the record itself alone; JSON has them of the works, too."""
_MIDDLE: Final = (300, 150)
_LONGEST: Final = 22
_SAYS = {"added": "The link is added.", "removed": "The link is removed."}


class LinkForm(BaseModel):
    """What is typed of a work elsewhere."""

    relation: str = Field(default="", max_length=100)
    identifier: str = Field(default="", max_length=3000)
    kind: str = Field(default="", max_length=100)
    title: str = Field(default="", max_length=3000)


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was refused, and what was typed."""

    typed: LinkForm
    error: Invalid | Conflict


def router(site: Site) -> APIRouter:
    """Return the routes of datasets and of documents."""
    routes = pages()
    publications = site.publications
    links = Links(publications.engine, publications.clock, site.policy.acts.rules_of)
    _add(routes, _Pages(site, links, "Dataset"))
    _add(routes, _Pages(site, links, "Document"))
    return routes


class _Pages:
    """The page of one class of records, and what its forms do."""

    def __init__(self, site: Site, links: Links, model: Model) -> None:
        self._site, self._links = site, links
        self.model: Model = model

    def path(self, pid: str) -> str:
        return f"/{self.model.lower()}s/{pid_path(pid)}/-/links"

    def show(
        self, request: Request, who: Who, pid: str, refused: Refused | None = None
    ) -> Response:
        site, model = self._site, self.model
        address = site.absolute(request)
        gatherer = site.publications.gatherer
        publication = gatherer.one(who, model, pid, address)
        around = graph.around(site.publications.engine, gatherer, who, publication, address)
        offer = best(request.headers.get("accept", ""), (_HTML, _JSON))
        if offer is _JSON and refused is None:
            body = orjson.dumps(around.told())
            return Response(body, media_type=_JSON.kind, headers=_KEPT)
        told, may_edit = self._links.told(who, model, pid)
        error = refused.error if refused else None
        return site.render.page(
            request,
            "links",
            status=error.status if error else 200,
            title=f"Related works of {publication.title}",
            canonical=self.path(pid),
            publication=publication,
            path=f"{site.render.root}{self.path(pid)}",
            groups=_grouped(around),
            is_whole=around.is_whole,
            picture=_picture(around),
            told=told,
            may_edit=may_edit,
            relations=[(name, _words(name)) for name in RELATIONS],
            kinds=KINDS,
            typed=refused.typed if refused else LinkForm(),
            error=error,
            field=error.field if isinstance(error, Invalid) else None,
            done=_SAYS.get(request.query_params.get("done", "")),
        )

    def add(self, request: Request, who: Who, pid: str, typed: LinkForm) -> Response:
        try:
            self._links.add(who, self.model, pid, Typed(**typed.model_dump()))
        except (Invalid, Conflict) as error:
            return self.show(request, who, pid, Refused(typed, error))
        return go_to(f"{self._site.render.root}{self.path(pid)}?done=added")

    def remove(self, who: Who, pid: str, number: int) -> Response:
        self._links.remove(who, self.model, pid, number)
        return go_to(f"{self._site.render.root}{self.path(pid)}?done=removed")


Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""Of a link; as large as the database counts."""
_KEPT = {"Cache-Control": "no-cache", "Vary": "Cookie, Authorization, Accept"}


def _add(routes: APIRouter, pages: _Pages) -> None:
    noun = pages.model.lower()
    here = f"/{noun}s/{{pid:path}}/-/links"

    def show(request: Request, who: Asker, pid: str) -> Response:
        return pages.show(request, who, pid)

    def add(request: Request, who: Asker, pid: str, typed: Annotated[LinkForm, Form()]) -> Response:
        return pages.add(request, who, pid, typed)

    def remove(who: Asker, pid: str, number: Number) -> Response:
        return pages.remove(who, pid, number)

    add_page(
        routes,
        here,
        show,
        summary=f"What a {noun} is linked with, as a page or as JSON",
    )
    add_form(routes, here, add, summary=f"Link a {noun} with a work", errors=_ERRORS)
    add_form(
        routes,
        f"{here}/{{number}}/remove",
        remove,
        summary=f"Take back a link of a {noun}",
        errors=_ERRORS,
    )


def _grouped(around: graph.Graph) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the edges by what they lead to, each with both ends."""
    found: dict[str, list[dict[str, Any]]] = {}
    for first, relation, second in around.edges:
        node = around.nodes[second]
        line = {"relation": _words(relation), "to": node, "via": None}
        if first != around.centre:
            if second == around.centre or node["kind"] in _OWN:
                continue
            line["via"] = around.nodes[first]
        found.setdefault(node["kind"], []).append(line)
    return sorted(found.items())


def _words(relation: str) -> str:
    """Return a relation in words: ``IsPartOf`` → ``is part of``."""
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in relation).strip()


def _picture(around: graph.Graph) -> list[dict[str, Any]]:
    """Return where the neighbours of the centre lie around it, clockwise from the top."""
    names = dict.fromkeys(second for first, _, second in around.edges if first == around.centre)
    near = [around.nodes[name] for name in names][:_DRAWN]
    places = []
    for number, node in enumerate(near):
        turn = 2 * math.pi * number / len(near)
        x, y = _MIDDLE[0] + 170 * math.sin(turn), _MIDDLE[1] - 110 * math.cos(turn)
        is_left = round(x) < _MIDDLE[0]
        label = node["label"]
        places.append(
            {
                "x": round(x),
                "y": round(y),
                "text_x": round(x) + (-10 if is_left else 10),
                "anchor": "end" if is_left else "start",
                "label": label if len(label) <= _LONGEST else f"{label[:_LONGEST]}…",
            }
        )
    return places
