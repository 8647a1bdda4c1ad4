"""The techniques of PaNET as a tree, and the page of one with its datasets."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.query import Query
from panosc.portal import facts
from panosc.portal.hits import asking, hits
from panosc.portal.site import Asker, Site, add_page, go_to
from panosc.portal.words import pid_path
from panosc.search.language.selection import Selection
from panosc.search.panet import ROOT, Concept, ontology

NEWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A technique in the tree; under a second parent it stands without its branches."""

    id: str
    label: str
    count: int
    branches: tuple["Branch", ...]


def router(site: Site) -> APIRouter:
    """Return the routes of the technique pages."""
    routes = APIRouter()

    def overview(request: Request, who: Asker) -> Response:
        facets = site.search.facets(who, Selection(), ["technique"])["technique"]
        counts = {facet.value: facet.count for facet in facets}
        return site.render.page(
            request,
            "techniques",
            title="Techniques",
            canonical="/techniques",
            used=facets,
            tree=_branch(ROOT, counts, set()).branches,
            total=len(ontology()),
        )

    def show(request: Request, who: Asker, name: str) -> Response:
        concept = ontology().find(name)
        if concept is not None and concept.id != name:
            return go_to(f"{site.render.root}/techniques/{concept.id}")
        about = _of_panet(concept) if concept else _own(site, who, name)
        counts = {
            facet.value: facet.count
            for facet in site.search.facets(who, Selection(), ["technique"])["technique"]
        }
        selection = Selection(technique=(name,), sort="-created")
        answer = site.search.answer(who, asking(replace(selection.query(), limit=NEWEST)))
        return site.render.page(
            request,
            "technique",
            title=about["label"],
            canonical=f"/techniques/{pid_path(name)}",
            **about,
            counts=counts,
            total=answer.total,
            hits=hits(answer),
        )

    add_page(routes, "/techniques", overview, summary="All techniques of PaNET")
    add_page(routes, "/techniques/{name:path}", show, summary="The page of a technique")
    return routes


def _of_panet(concept: Concept) -> dict[str, Any]:
    panet = ontology()
    return {
        "id": concept.id,
        "label": concept.label,
        "iri": concept.iri,
        "alternatives": concept.alternatives,
        "definition": concept.definition,
        "source": concept.source,
        "broader": panet.parents(concept.id),
        "narrower": panet.children(concept.id),
    }


def _own(site: Site, who: Who, name: str) -> dict[str, Any]:
    """Return what is known of a technique outside PaNET."""
    record = site.record(who, Query(model="Technique"), name)
    found = facts.method(record)
    return {
        "id": found.id,
        "label": found.label,
        "iri": found.iri,
        "alternatives": (),
        "definition": "",
        "source": "",
        "broader": (),
        "narrower": (),
    }


def _branch(name: str, counts: dict[str, int], seen: set[str]) -> Branch:
    panet = ontology()
    is_new = name not in seen
    seen.add(name)
    below = panet.children(name) if is_new else ()
    return Branch(
        id=name,
        label=panet.label(name) or name,
        count=counts.get(name, 0),
        branches=tuple(_branch(concept.id, counts, seen) for concept in below),
    )
