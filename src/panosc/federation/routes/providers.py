"""Which catalogues this node knows, what they support, how they do: for programs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from panosc.domain.access import Who
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.overview.health import Span
from panosc.federation.service import Federation
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_get

PATH = "/api/v1/federation/providers"

Asker = Annotated[Who, Depends(who_asks)]


def router(federation: Federation) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["Federation"])

    def providers(_who: Asker) -> dict[str, Any]:
        lately, done = federation.lately(), federation.harvested()
        return {
            "providers": [
                _told(one, lately.get(one.name))
                | {"harvestedAt": None if one.name not in done else done[one.name].isoformat()}
                for one in federation.catalogues()
            ]
        }

    described: dict[str, Any] = {
        "summary": "The catalogues that this node knows",
        "response_description": "What each is and supports, and how it did in the last hours.",
    }
    add_get(routes, PATH, providers, **described)
    return routes


def _told(one: Catalogue, lately: Span | None) -> dict[str, Any]:
    span = lately or Span()
    return {
        "name": one.name,
        "title": one.title,
        "kind": one.kind,
        "address": one.address,
        "isLive": one.is_live,
        "isHarvested": one.is_harvested,
        "version": one.version,
        "probedAt": None if one.probed_at is None else one.probed_at.isoformat(),
        "supports": {
            name: {"state": found.state, "evidence": found.evidence}
            for name, found in sorted(one.features.items())
        },
        "lately": {
            "condition": span.condition,
            "asked": span.asked,
            "answered": span.answered,
            "late": span.late,
            "failed": span.failed,
            "spared": span.spared,
            "meanSeconds": None if span.mean_s is None else round(span.mean_s, 3),
        },
    }
