"""The h5grove 4 HTTP API on routes of a dataset: ``/datasets/{pid}/-/h5/…?file=NAME&path=PATH``.

What is asked is `questions`, what is answered `service`; here are addresses, tags and what caches
may do. The answers are those of h5grove, so that H5Web works with them; errors are problem details
with a member `message`, which is what H5Web shows.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, cast, get_args
from urllib.parse import parse_qsl

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from panosc.data import questions
from panosc.data.formats import FORMS
from panosc.data.service import DataService, Reply
from panosc.domain.access import Who
from panosc.policy import asking
from panosc.policy.declaring import add_get

BENEATH: Final = "/datasets/{pid:path}/-"
_ABOVE: Final = "/datasets/"
_H5: Final = "/-/h5/"
_ZARR: Final = "/-/zarr/"
_RAISED: Final = "panosc.raised"
OPEN_AGE_S: Final = 600
"""How long a cache may keep what is open to anyone: it may be withdrawn."""
_CHUNKS: Final = "/zarr/{key:path}"
_SUMMARIES: Final[Mapping[questions.What, str]] = {
    "meta": "What a file holds at a path",
    "attr": "Attributes at a path",
    "data": "Values of an array, or a part of them",
    "stats": "Extremes, mean and deviation of an array, or a part of it",
    "paths": "All paths beneath one",
}


class Plain(APIRoute):
    """A route whose handler reads the request itself.

    What the framework does for parameters and models takes as long as most of these answers.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler as it is."""
        return cast("Callable[[Request], Coroutine[Any, Any, Response]]", self.endpoint)


class Direct:
    """Leads to these routes, which all the other routes of the node need not be asked for.

    What is not one of them, or is asked otherwise, is tried as ever.
    """

    def __init__(
        self, app: ASGIApp, *, routes: Iterable[APIRoute], handlers: Mapping[Any, Any]
    ) -> None:
        self._app = app
        # as the framework does: what is unexpected goes to whoever stands in front of all
        known = {key: handlers[key] for key in handlers if key not in {500, Exception}}
        self._failing = ExceptionMiddleware(_raise, known)
        self._routes = {
            (method, route.path.removeprefix(BENEATH)): route
            for route in routes
            for method in route.methods or ()
        }

    def _found(self, method: str, path: str) -> tuple[APIRoute, dict[str, str]] | None:
        """Return the route of a request and what its path says, if it is one of these."""
        if not path.startswith(_ABOVE) or "\n" in path:
            return None
        place = path.rfind(_H5)
        if place >= len(_ABOVE):
            route = self._routes.get((method, path[place + 2 :]))
            if route is not None:
                return route, {"pid": path[len(_ABOVE) : place]}
        place = path.rfind(_ZARR)
        route = self._routes.get((method, _CHUNKS)) if place >= len(_ABOVE) else None
        if route is None:
            return None
        return route, {"pid": path[len(_ABOVE) : place], "key": path[place + len(_ZARR) :]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found_route = None
        if scope["type"] == "http" and not scope.get("root_path"):
            found_route = self._found(scope["method"], scope["path"])
        if found_route is None:
            await self._app(scope, receive, send)
            return
        route, scope["path_params"] = found_route
        scope["route"], scope["endpoint"] = route, route.endpoint
        try:
            found: ASGIApp = await route.endpoint(Request(scope, receive, send))
        except Exception as error:
            scope[_RAISED] = error
            found = self._failing
        await found(scope, receive, send)


async def _raise(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise scope.pop(_RAISED)


def install(app: FastAPI, service: DataService, *others: APIRouter) -> None:
    """Add the routes of the data services to `app`, before all others."""
    ours: list[APIRoute] = []
    for routes in (router(service), *others):
        app.router.routes.extend(routes.routes)
        ours += [route for route in routes.routes if isinstance(route, Plain)]
    # nothing that the framework does for the others is in between
    app.add_middleware(Direct, routes=ours, handlers=app.exception_handlers)


class Whole(Response):
    """An answer whose headers are as they are sent."""

    def __init__(self, body: bytes, told: list[tuple[bytes, bytes]], *, status: int = 200) -> None:
        self.status_code, self.body, self.raw_headers = status, body, told
        self.background = None


def router(service: DataService) -> APIRouter:
    """Return the routes of the data services."""
    routes = APIRouter(tags=["Data"], route_class=Plain)
    for what in get_args(questions.What):
        handler = _handler(service, what)
        options: dict[str, Any] = {
            "summary": _SUMMARIES[what],
            "response_class": Response,
            "openapi_extra": {"parameters": _parameters(what)},
            "responses": {
                200: {"description": "As h5grove 4 answers.", "content": _content(what)},
                304: {"description": "The caller has it already."},
                403: {"description": "The data are for others, or not open yet."},
                410: {"description": "The dataset was withdrawn or erased."},
                413: {"description": "More than one answer may hold."},
                422: {"description": "What is asked cannot be understood, or the file not read."},
            },
        }
        path = f"{BENEATH}/h5/{what}"
        add_get(routes, path, handler, **options)
    return routes


def _handler(
    service: DataService, what: questions.What
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        who = await who_asks(request)
        question = questions.read(what, _parameters_of(request.scope["query_string"]))
        located = await service.locate(who, request.path_params["pid"], question.file)
        tag = question.tag(located)
        told = headers(tag, is_public=located.is_public)
        if is_known(request, tag):
            return Whole(b"", raw(told), status=304)
        reply = await service.answer(who, located, question)
        return response(reply, told, has_body=request.method != "HEAD")

    return answer


async def who_asks(request: Request) -> Who:
    """Return who sent a request; whoever shows nothing is nobody, which needs no look-up."""
    if asking.may_show(request.scope):
        return await anyio.to_thread.run_sync(asking.who_asks, request)
    return asking.who_asks(request)


def _parameters_of(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a request, as the framework reads them."""
    text = query.decode("latin-1")
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True)
    found = [part.partition("=") for part in text.split("&") if part]
    return [(name, value) for name, _, value in found]


def raw(told: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as they are sent."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]


def is_known(request: Request, tag: str) -> bool:
    """Whether the caller has the answer of this tag (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    known = [word.strip().removeprefix("W/") for word in given.split(",")]
    return f'"{tag}"' in known or "*" in known


def headers(tag: str, *, is_public: bool) -> dict[str, str]:
    """Return what a cache is told of an answer."""
    kept = f"public, max-age={OPEN_AGE_S}" if is_public else "private, no-cache"
    return {"ETag": f'"{tag}"', "Cache-Control": kept}


def response(reply: Reply, told: dict[str, str], *, has_body: bool = True) -> Response:
    """Return the answer, in pieces where it has many; without a body for HEAD."""
    if reply.file_name is not None:
        told["Content-Disposition"] = f'attachment; filename="{reply.file_name}"'
    told["Content-Length"] = str(len(reply.body) if reply.pieces is None else reply.size)
    if reply.pieces is None or not has_body:
        told["Content-Type"] = reply.media_type
        return Whole(reply.body if has_body else b"", raw(told))
    return StreamingResponse(reply.pieces, headers=told, media_type=reply.media_type)


def _content(what: questions.What) -> dict[str, Any]:
    kinds = ["application/json"]
    if what == "data":
        kinds += ["application/octet-stream", "text/csv", "image/tiff"]
    return {kind: {} for kind in kinds}


def _parameters(what: questions.What) -> list[dict[str, Any]]:
    def parameter(name: str, says: str, **schema: Any) -> dict[str, Any]:
        told = {"type": "string"} | schema
        return {"name": name, "in": "query", "description": says, "schema": told}

    found = [
        parameter("file", "Name of the file; not needed where there is but one."),
        parameter("path", "Path in the file.", default="/"),
    ]
    links = parameter(
        "resolve_links", "Which links are followed.", enum=["only_valid", "all", "none"]
    )
    selection = parameter("selection", "Part of the array, such as 0,10:20,::2.")
    if what in {"meta", "paths"}:
        found.append(links)
    if what == "attr":
        names = {"type": "array", "items": {"type": "string"}}
        found.append(parameter("attr_keys", "Attributes; all without.") | {"schema": names})
    if what in {"data", "stats"}:
        found.append(selection)
    if what == "data":
        found += [
            parameter("format", "How values are written.", enum=list(FORMS), default="json"),
            parameter("dtype", "safe: only types that JavaScript has.", enum=["origin", "safe"]),
            parameter("flatten", "Whether JSON is one flat list.", type="boolean"),
        ]
    return found
