"""Errors as RFC 9457 problem details, or the same text as a page for who prefers HTML."""

import logging
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from panosc.domain.errors import (
    Busy,
    Embargoed,
    Invalid,
    PanoscError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unreadable,
    WrongScope,
)
from panosc.portal.accepting import ranges
from panosc.portal.rendering import Renderer
from panosc.portal.security import HEADERS
from panosc.portal.words import doi_address

MEDIA_TYPE = "application/problem+json"
MACHINES = ("/panosc-api", "/api/")
_LONGEST = 300
_RECORDS = ("/datasets/", "/documents/", "/instruments/", "/doi/")
_log = logging.getLogger(__name__)


def problem_of(error: PanoscError, request: Request) -> dict[str, Any]:
    """Return the members of RFC 9457, and for the search API those of its standard."""
    problem: dict[str, Any] = {
        "type": f"/docs/errors/#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": request.url.path,
    }
    if error.hint is not None:
        problem["hint"] = error.hint
    if (number := getattr(request.state, "request_id", None)) is not None:
        problem["requestId"] = number
    if isinstance(error, Invalid) and error.field is not None:
        problem["field"] = error.field
    if isinstance(error, Embargoed) and error.until is not None:
        problem["until"] = error.until.isoformat().replace("+00:00", "Z")
    if isinstance(error, TooLarge) and error.limit:
        problem["limit"] = error.limit
    if isinstance(error, Unreadable):
        problem["reason"] = error.reason
    if "/-/h5/" in request.url.path:
        # what H5Web shows
        problem["message"] = error.detail
    if request.url.path.startswith("/panosc-api"):
        problem["error"] = {
            "statusCode": error.status,
            "name": "Error",
            "message": error.detail,
        }
    return problem


def _reason(error: Unauthenticated) -> str:
    return f', error="{error.reason}"' if error.reason else ""


def wants_html(request: Request) -> bool:
    """Whether a page is a better answer than JSON: a browser asks, and not for the API."""
    if request.url.path.startswith(MACHINES):
        return False
    weights = {one.kind: one.weight for one in ranges(request.headers.get("accept", ""))}
    machine = max(weights.get("application/json", 0.0), weights.get(MEDIA_TYPE, 0.0))
    return weights.get("text/html", 0.0) > machine


class _Http(PanoscError):
    """What the framework itself answers, such as 404 for no route and 405."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]
        self.title = detail  # type: ignore[misc]
        if status == 404:  # noqa: PLR2004
            self.code = "not-found"  # type: ignore[misc]
            self.detail = "There is no such page."


Explain = Callable[[Any], PanoscError | None]
"""What a foreign error means to the caller; None: a fault of ours."""


class _Answers:
    """Answers errors in the form that is asked for."""

    def __init__(self, render: Renderer | None, foreign: Mapping[type[Exception], Explain]) -> None:
        self._render = render
        self._foreign = foreign

    def respond(self, request: Request, error: PanoscError) -> Response:
        headers = {"Cache-Control": "no-store"}
        if isinstance(error, Busy | TooMany):
            headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, Unauthenticated):
            headers["WWW-Authenticate"] = f'Bearer realm="panosc"{_reason(error)}'
        if isinstance(error, WrongScope):
            headers["WWW-Authenticate"] = (
                f'Bearer realm="panosc", error="insufficient_scope", scope="{error.scope}"'
            )
        problem = problem_of(error, request)
        if self._render is not None and wants_html(request):
            pid = _pid(request)
            return self._render.page(
                request,
                "error",
                status=error.status,
                headers=headers,
                title=error.title,
                problem=problem,
                code=error.code,
                lost=pid if error.status == 404 else "",  # noqa: PLR2004
                doi=doi_address(pid),
            )
        return JSONResponse(
            problem, status_code=error.status, media_type=MEDIA_TYPE, headers=headers
        )

    def known(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, PanoscError):
            raise error
        return self.respond(request, error)

    def framework(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        answer = self.respond(request, _Http(error.status_code, str(error.detail)))
        answer.headers.update(error.headers or {})
        return answer

    def invalid(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return self.respond(request, Invalid(f"{place}: {first['msg']}", field=place))

    def foreign(self, request: Request, error: Exception) -> Response:
        explain = next(item for kind, item in self._foreign.items() if isinstance(error, kind))
        meaning = explain(error)
        if meaning is None:
            return self.unknown(request, error)
        _log.warning("%s", error)
        return self.respond(request, meaning)

    def unknown(self, request: Request, error: Exception) -> Response:
        number = getattr(request.state, "request_id", None) or secrets.token_hex(8)
        _log.error("Unexpected error %s", number, exc_info=error)
        answer = self.respond(
            request,
            PanoscError(
                f"An unexpected error happened (id {number}).",
                hint="Tell the operator of this node the number: it stands in the log.",
            ),
        )
        # answered outside of all middleware, which would have added these
        answer.headers.update(HEADERS | {"X-Request-Id": number})
        return answer


def _pid(request: Request) -> str:
    """Return the identifier that a page of a record was asked by, if it was one."""
    _, _, rest = request.url.path[1:].partition("/")
    is_record = request.url.path.startswith(_RECORDS)
    return str(request.path_params.get("pid", rest))[:_LONGEST] if is_record else ""


def respond(request: Request, error: PanoscError) -> Response:
    """Return the answer for `error`, for whoever stands in front of the routes."""
    answers: _Answers = request.app.state.answers
    return answers.respond(request, error)


def install(
    app: FastAPI,
    render: Renderer | None = None,
    *,
    foreign: Mapping[type[Exception], Explain] = MappingProxyType({}),
) -> None:
    """Answer every error of `app` in this one way; without `render` always in JSON.

    `foreign` says what errors of libraries, such as a lost database, mean to the caller.
    """
    answers = _Answers(render, foreign)
    app.state.answers = answers
    for kind in foreign:
        app.add_exception_handler(kind, answers.foreign)
    app.add_exception_handler(PanoscError, answers.known)
    app.add_exception_handler(HTTPException, answers.framework)
    app.add_exception_handler(RequestValidationError, answers.invalid)
    app.add_exception_handler(Exception, answers.unknown)
