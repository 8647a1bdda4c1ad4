"""``GET /suggest``: what can come next in the search box, for the person who asks."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.policy.asking import who_asks
from panosc.search.known import KnownTo
from panosc.search.language.box import LONGEST
from panosc.search.language.completing import Suggestion, complete
from panosc.search.service import SearchService

Asker = Annotated[Who, Depends(who_asks)]
Text = Annotated[str, Query(max_length=LONGEST, description="The text in the search box")]
Cursor = Annotated[
    int | None, Query(ge=0, le=LONGEST, description="Where the cursor stands; the end without it")
]
_ANSWER = {
    "type": "object",
    "properties": {
        "suggestions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "What to put into the box"},
                    "label": {"type": "string", "description": "What it is"},
                    "kind": {"type": "string", "examples": ["field", "technique", "unit"]},
                    "count": {"type": ["integer", "null"], "description": "Datasets that fit"},
                    "replaces": {
                        "type": "array",
                        "items": {"type": "integer"},
                        "description": "First letter that it replaces, and the one after the last",
                    },
                },
            },
        }
    },
}


def router(service: SearchService) -> APIRouter:
    """Return the route of suggestions."""
    routes = APIRouter(tags=["Search"])

    def suggest(who: Asker, prefix: Text = "", cursor: Cursor = None) -> Response:
        found = complete(prefix, cursor, KnownTo(service, who))
        content = orjson.dumps({"suggestions": [_shown(item) for item in found]})
        return Response(content, media_type="application/json")

    routes.add_api_route(
        "/suggest",
        suggest,
        methods=["GET"],
        response_class=Response,
        summary="Suggest what can come next in the search box",
        description="Fields, their values, units and words that the caller may see, ten at most.",
        responses={
            200: {
                "description": "Suggestions, the likeliest first.",
                "content": {"application/json": {"schema": _ANSWER}},
            }
        },
    )
    return routes


def _shown(item: Suggestion) -> dict[str, object]:
    return {
        "text": item.text,
        "label": item.label,
        "kind": item.kind,
        "count": item.count,
        "replaces": [item.start, item.end],
    }
