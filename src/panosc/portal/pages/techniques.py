"""The techniques of PaNET as a tree, and the page of one with its datasets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.pid import pid_path
from panosc.domain.query import Query
from panosc.portal import facts
from panosc.portal.hits import asking, hits
from panosc.portal.pages.search.filters import orders
from panosc.portal.site import Asker, Site, add_page, go_to, pages
from panosc.search.counts.facets import Facet
from panosc.search.language.selection import Selection
from panosc.search.panet import ROOT, Concept, ontology

NEWEST = 10
MOST_USED = 24
"""Techniques that stand above the tree, the most frequent ones."""
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A technique in the tree; under a second parent it stands without its branches."""

    id: str
    label: str
    count: int
    branches: tuple["Branch", ...]
    is_meant: bool
    """Whether it is one that was looked for."""


def router(site: Site) -> APIRouter:
    """Return the routes of the technique pages."""
    routes = pages()

    def overview(request: Request, who: Asker) -> Response:
        counts, facets = _counts(site, who)
        asked = " ".join(request.query_params.get("q", "").split())[:_LONGEST]
        is_used = request.query_params.get("only") == "used"
        meant = _meant(asked) if asked else frozenset()
        kept = _kept(meant if asked else None, counts if is_used else None)
        telling = [facet for facet in facets if facet.value not in orders()]
        return site.render.page(
            request,
            "techniques",
            title="Techniques",
            canonical="/techniques",
            used=telling[:MOST_USED],
            more=max(0, len(telling) - MOST_USED),
            looked_for=asked,
            is_used=is_used,
            tree=_Tree(counts, kept, meant).branch(ROOT).branches,
            found=len(meant & kept),
            total=len(ontology()),
        )

    def show(request: Request, who: Asker, name: str) -> Response:
        concept = ontology().find(name)
        if concept is not None and concept.id != name:
            return go_to(f"{site.render.root}/techniques/{concept.id}")
        about = _of_panet(concept) if concept else _own(site, who, name)
        counts, _ = _counts(site, who)
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


def _counts(site: Site, who: Who) -> tuple[dict[str, int], list[Facet]]:
    """Return how many datasets each technique has, and those that have any.

    A facet counts what is in use and what is chosen, without its own filter: so all are chosen.
    """
    every = Selection(technique=tuple(concept.id for concept in ontology()))
    found = site.search.facets(who, every, ["technique"])["technique"]
    used = [facet for facet in found if facet.count]
    return {facet.value: facet.count for facet in used}, used


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
        "iri": found.uri,
        "alternatives": (),
        "definition": "",
        "source": "",
        "broader": (),
        "narrower": (),
    }


def _meant(text: str) -> frozenset[str]:
    """Return the techniques that have all words of a text in one of their names."""
    words = text.casefold().split()
    named = ontology().matching(lambda name: all(word in name.casefold() for word in words))
    return named | ontology().resolve(text)


def _kept(meant: frozenset[str] | None, counts: Mapping[str, int] | None) -> frozenset[str]:
    """Return what the tree shows: what is looked for and used, and what is broader than it."""
    panet = ontology()
    wanted = frozenset(concept.id for concept in panet) if meant is None else meant
    return panet.ancestors(wanted if counts is None else wanted & counts.keys())


class _Tree:
    """Grows branches; each technique has its own branches once, where it comes first."""

    def __init__(
        self, counts: Mapping[str, int], kept: frozenset[str], meant: frozenset[str]
    ) -> None:
        self._counts, self._kept, self._meant = counts, kept, meant
        self._seen: set[str] = set()

    def branch(self, name: str) -> Branch:
        panet = ontology()
        below = [] if name in self._seen else panet.children(name)
        self._seen.add(name)
        return Branch(
            id=name,
            label=panet.label(name) or name,
            count=self._counts.get(name, 0),
            branches=tuple(self.branch(item.id) for item in below if item.id in self._kept),
            is_meant=name in self._meant,
        )
