"""The PaNOSC search API over HTTP, for anyone and any web page to read.

What answers is given: this catalogue (`Local`), or all that `federation` asks as well.

``/panosc-api/{Datasets|Documents|Instruments}``, ``…/count``, ``…/{pid}`` and the files of a
dataset. Names are taken in lower case and with a trailing slash too, and a PID with its
slashes raw or encoded. Whatever else lies beneath is not found, by any method.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Annotated, Any
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from panosc.domain.access import Who
from panosc.domain.entities import EXPOSED, MODEL_BY_NAME
from panosc.domain.errors import NotFound
from panosc.domain.query import Query as Question
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_again, add_get
from panosc.search import openapi
from panosc.search.loopback import argument, read_filter, read_where
from panosc.search.reading import BLOCK
from panosc.search.service import Answer, SearchService

PREFIX = "/panosc-api"
EXPOSED_HEADERS = b"X-Total-Count, X-Total-Is-Least, X-Panosc-Providers"

Asker = Annotated[Who, Depends(who_asks)]
FilterText = Annotated[
    str | None,
    Query(alias="filter", description=openapi.FILTER, openapi_examples=openapi.EXAMPLES),
]
WhereText = Annotated[
    str | None,
    Query(alias="where", description=openapi.WHERE, openapi_examples=openapi.WHERE_EXAMPLES),
]
ProvidersText = Annotated[
    str | None,
    Query(
        alias="providers",
        description=openapi.PROVIDERS,
        openapi_examples={"local": {"summary": "This node alone", "value": "local"}},
    ),
]

_JSON = "application/json"
_PIECE = 100
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


class OpenRoute(APIRoute):
    """A route whose answers, errors included, pages of any origin may read."""

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"access-control-allow-origin", b"*"),
                    (b"access-control-expose-headers", EXPOSED_HEADERS),
                ]
            await send(message)

        await super().handle(scope, receive, opened)


class Local:
    """Answers from this catalogue alone."""

    def __init__(self, service: SearchService) -> None:
        self.service = service

    def root(self, request: Request) -> Response:
        """Answer what the API is."""
        raise nothing_there(request)

    def find(self, request: Request, who: Who, query: Question) -> Response:
        """Answer the records that fit."""
        return _listed(self.service.answer(who, query))

    def count(self, request: Request, who: Who, query: Question) -> Response:
        """Answer how many fit."""
        return counted(self.service.count(who, query))

    def get(self, request: Request, who: Who, pid: str, query: Question) -> Response:
        """Answer one record."""
        return as_json(self.service.get(who, query.model, pid, query))

    def files(self, request: Request, who: Who, pid: str, query: Question) -> Response:
        """Answer files of a dataset."""
        return _listed(self.service.files(who, pid, query))

    def count_files(self, request: Request, who: Who, pid: str, query: Question) -> Response:
        """Answer how many files of a dataset fit."""
        return counted(self.service.count_files(who, pid, query.where))


def router(answering: Local) -> APIRouter:
    """Return the routes of the search API."""
    routes = APIRouter(prefix=PREFIX, tags=["PaNOSC search API"], route_class=OpenRoute)
    for name, model in EXPOSED.items():
        _add(
            routes,
            f"/{name}",
            _finder(answering, model),
            summary=f"Find {name.lower()}",
            description="All that fit, or as many as the filter's limit says.",
            responses=openapi.answers(
                {"type": "array", "items": openapi.record(MODEL_BY_NAME[model])},
                "The records that fit and that the caller may see.",
                counted=True,
            ),
        )
        _add(
            routes,
            f"/{name}/count",
            _counter(answering, model),
            summary=f"Count {name.lower()}",
            description="How many fit a condition.",
            responses=openapi.answers(_COUNT, "The number of records that fit."),
        )
    _add_files(routes, answering)
    for name, model in EXPOSED.items():
        _add(
            routes,
            f"/{name}/{{pid:path}}",
            _getter(answering, model),
            summary=f"Get one of the {name.lower()}",
            description="By its PID. A condition in an include chooses what the record holds.",
            responses=openapi.answers(
                openapi.record(MODEL_BY_NAME[model]), "The record.", named=True
            ),
        )
    _add_root(routes, answering)
    _add_rest(routes)
    return routes


_COUNT = {"type": "object", "properties": {"count": {"type": "integer"}}}


def _add(routes: APIRouter, path: str, endpoint: Callable[..., Response], **described: Any) -> None:
    """Add a route for GET, and undescribed ones for HEAD and the other spellings."""
    head, _, tail = path[1:].partition("/")
    rest = f"/{tail}" if tail else ""
    first = len(routes.routes)
    add_get(routes, f"/{head}{rest}", endpoint, response_class=Response, **described)
    for name, end in ((head, "/"), (head.lower(), ""), (head.lower(), "/")):
        for method in ("GET", "HEAD"):
            add_again(routes, first, path=f"/{name}{rest}{end}", methods={method})


def _finder(answering: Local, model: str) -> Callable[..., Response]:
    def find(
        request: Request, who: Asker, _filter: FilterText = None, _from: ProvidersText = None
    ) -> Response:
        return answering.find(request, who, _filtered(request, model))

    return find


def _counter(answering: Local, model: str) -> Callable[..., Response]:
    def count(
        request: Request, who: Asker, _where: WhereText = None, _from: ProvidersText = None
    ) -> Response:
        return answering.count(request, who, _limited(request, model))

    return count


def _getter(answering: Local, model: str) -> Callable[..., Response]:
    def get(
        request: Request,
        who: Asker,
        pid: str,
        _filter: FilterText = None,
        _from: ProvidersText = None,
    ) -> Response:
        query = _filtered(request, model)
        return _by_pid(pid, lambda name: answering.get(request, who, name, query))

    return get


def _filtered(request: Request, model: str) -> Question:
    return read_filter(argument(request.query_params.multi_items(), "filter"), model)


def _limited(request: Request, model: str) -> Question:
    where = argument(request.query_params.multi_items(), "where")
    return Question(model=model, where=read_where(where, MODEL_BY_NAME[model]))


def _add_files(routes: APIRouter, answering: Local) -> None:
    def files(
        request: Request,
        who: Asker,
        pid: str,
        _filter: FilterText = None,
        _from: ProvidersText = None,
    ) -> Response:
        query = _filtered(request, "File")
        return _by_pid(pid, lambda name: answering.files(request, who, name, query))

    def count(
        request: Request,
        who: Asker,
        pid: str,
        _where: WhereText = None,
        _from: ProvidersText = None,
    ) -> Response:
        query = _limited(request, "File")
        return _by_pid(pid, lambda name: answering.count_files(request, who, name, query))

    _add(
        routes,
        "/Datasets/{pid:path}/files/count",
        count,
        summary="Count the files of a dataset",
        description="How many fit a condition.",
        responses=openapi.answers(_COUNT, "The number of files that fit.", named=True),
    )
    _add(
        routes,
        "/Datasets/{pid:path}/files",
        files,
        summary="List the files of a dataset",
        description="None for a dataset under embargo, to whoever may not see its detail.",
        responses=openapi.answers(
            {"type": "array", "items": openapi.record(MODEL_BY_NAME["File"])},
            "The files that fit.",
            counted=True,
            named=True,
        ),
    )


def _add_root(routes: APIRouter, answering: Local) -> None:
    def root(request: Request, who: Asker) -> Response:
        return answering.root(request)

    first = len(routes.routes)
    add_get(
        routes,
        "/",
        root,
        response_class=Response,
        summary="What this API asks",
        description="Which catalogues are asked, and how; only where others are asked.",
        responses=openapi.answers({"type": "object"}, "The catalogues.")
        | {404: {"description": "No other catalogue is asked."}},
    )
    for method in ("GET", "HEAD"):
        add_again(routes, first, path="", methods={method})


def nothing_there(request: Request) -> NotFound:
    """Return the error for a path beneath which there is nothing."""
    method = "GET" if request.method == "HEAD" else request.method
    return NotFound(
        f"There is no method to handle {method} {request.url.path}",
        hint=f"There are {', '.join(f'{PREFIX}/{name}' for name in EXPOSED)}, to be read.",
    )


def _add_rest(routes: APIRouter) -> None:
    def preflight() -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    def nothing(request: Request) -> Response:
        raise nothing_there(request)

    for path in ("", "/{rest:path}"):
        routes.add_api_route(path, preflight, methods=["OPTIONS"], include_in_schema=False)
        routes.add_api_route(path, nothing, methods=_METHODS, include_in_schema=False)


def _by_pid(pid: str, use: Callable[[str], Response]) -> Response:
    """Use a PID as it came, else with its encoding undone once more."""
    try:
        return use(pid)
    except NotFound:
        if "%" not in pid:
            raise
        return use(unquote(pid))


def as_json(content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Answer JSON."""
    return Response(orjson.dumps(content), media_type=_JSON, headers=headers)


def counted(number: int) -> Response:
    """Answer a number as the standard does."""
    return as_json({"count": number})


def _listed(answer: Answer) -> Response:
    """Return a list at once, or as a stream when it is longer than one block."""
    headers = {"X-Total-Count": str(answer.total)}
    first = list(islice(answer.items, BLOCK))
    more = next(answer.items, None)
    if more is None:
        return Response(orjson.dumps(first), media_type=_JSON, headers=headers)
    pieces = _pieces(chain(first, (more,), answer.items))
    return StreamingResponse(pieces, media_type=_JSON, headers=headers)


def _pieces(items: Iterator[Any]) -> Iterator[bytes]:
    """Yield a JSON list piece by piece."""
    opening = b"["
    while piece := list(islice(items, _PIECE)):
        yield opening + orjson.dumps(piece)[1:-1]
        opening = b","
    yield b"]"
