"""Hits as they come: one question to all catalogues, answered line by line.

``GET /api/v1/federation/search`` takes what the search page takes, or a ``filter`` as the search
API does. It answers NDJSON, or server-sent events to whom that is better. The kinds of events are
``hit``, ``fate`` (how a catalogue fared) and, last, ``end``. All of it ends by the deadline.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from panosc.domain.access import Who
from panosc.domain.entities import EXPOSED
from panosc.domain.errors import BadFilter, Invalid
from panosc.domain.query import Query as Question
from panosc.federation.live.answer import Fate, Merged
from panosc.federation.overview.fates import sentences
from panosc.federation.overview.names import opened
from panosc.federation.routes import naming
from panosc.federation.routes.searching import bounded, provider_of
from panosc.federation.service import Federation
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_get
from panosc.search.known import KnownTo
from panosc.search.language.url import settled
from panosc.search.loopback import argument, read_filter
from panosc.search.routes import PREFIX
from panosc.search.service import SearchService

PATH = "/api/v1/federation/search"
NDJSON, EVENTS = "application/x-ndjson", "text/event-stream"
_OWN = frozenset({"filter", "model", naming.PARAMETER})

Asker = Annotated[Who, Depends(who_asks)]
Address = Callable[[Request], Callable[[str], str]]


def router(search: SearchService, federation: Federation, address: Address) -> APIRouter:
    """Return the route of the stream."""
    routes = APIRouter(tags=["Federation"])

    def stream(
        request: Request,
        who: Asker,
        _q: Annotated[str | None, Query(alias="q", description="As on the search page.")] = None,
        _filter: Annotated[
            str | None, Query(alias="filter", description="Instead: a filter of the search API.")
        ] = None,
        model: Annotated[str, Query(description=f"Of the filter: {', '.join(EXPOSED)}.")] = (
            "Datasets"
        ),
        _providers: Annotated[
            str | None, Query(alias="providers", description="Whom to ask; without it all.")
        ] = None,
    ) -> Response:
        query = bounded(_question(request, search, who, model))
        names = naming.chosen(
            request.query_params.getlist(naming.PARAMETER), federation.live_names()
        )
        found = federation.live.stream(who, query, names=names)
        addresses = {one.name: one.address for one in federation.known()}
        own = address(request)(PREFIX)
        events = told(found, lambda item: provider_of(item, own, addresses))
        is_events = EVENTS in request.headers.get("accept", "")
        lines = (_event(one) if is_events else _line(one) for one in events)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        kind = EVENTS if is_events else NDJSON
        return StreamingResponse(lines, media_type=kind, headers=headers)

    described: dict[str, Any] = {
        "summary": "Search all catalogues, hits as they come",
        "response_class": StreamingResponse,
        "responses": {
            200: {
                "description": "Events `hit`, `fate` and, last, `end`.",
                "content": {kind: {"schema": {"type": "string"}} for kind in (NDJSON, EVENTS)},
            },
            400: {"description": "The question cannot be used; `field` says where."},
        },
    }
    add_get(routes, PATH, stream, **described)
    return routes


def told(
    answers: Iterator[Merged], provider: Callable[[dict[str, Any]], str]
) -> Iterator[dict[str, Any]]:
    """Yield what is new in each of the growing answers, then what holds in the end.

    A hit tells its place among those known by then; the end tells the order of all.
    """
    seen: set[str] = set()
    fared: dict[str, str] = {}
    last: Merged | None = None
    for last in answers:
        for fate in last.fates:
            if fate.fared != "pending" and fared.get(fate.name) != fate.fared:
                fared[fate.name] = fate.fared
                yield {"event": "fate", **as_json(fate)}
        for place, item in enumerate(last.items):
            if item["pid"] not in seen:
                seen.add(item["pid"])
                yield {"event": "hit", "place": place, "item": item | {"provider": provider(item)}}
    if last is not None:
        order = [item["pid"] for item in last.items]
        yield {"event": "end", "total": last.total, "isLeast": last.is_least, "order": order}


def as_json(fate: Fate) -> dict[str, Any]:
    """Return how a catalogue fared, for programs."""
    return {
        "name": naming.public(fate.name),
        "title": fate.title,
        "fared": fate.fared,
        "seconds": round(fate.seconds, 3),
        "count": fate.count,
        "total": fate.total,
        "isCut": fate.is_cut,
        "unfiltered": list(fate.unasked),
        "filteredHere": list(fate.applied),
        # not in the words of the other server, which may be of its inside
        "message": " ".join(sentences([fate], fate.seconds)) or None,
        "copied": None if fate.copied is None else fate.copied.isoformat(),
    }


def _question(request: Request, search: SearchService, who: Who, model: str) -> Question:
    pairs = request.query_params.multi_items()
    if "filter" in request.query_params:
        if model not in EXPOSED:
            raise BadFilter(
                f"There is no model {model[:40]!r}.",
                field="model",
                hint=f"There are {', '.join(EXPOSED)}.",
            )
        return read_filter(argument(pairs, "filter"), EXPOSED[model])
    asked = [pair for pair in pairs if pair[0] not in _OWN]
    selection = settled(asked, opened(KnownTo(search, who).names))
    if selection.problems:
        raise Invalid(" ".join(selection.problems), hint="The page /search/help explains more.")
    return replace(selection.query(), after=None)


def _line(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _event(event: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event["event"].encode(), orjson.dumps(event))
