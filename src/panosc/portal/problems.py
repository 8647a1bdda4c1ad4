"""Errors as RFC 9457 problem details, or the same text as a page."""

import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from panosc.domain.errors import Busy, Embargoed, Invalid, PanoscError

MEDIA_TYPE = "application/problem+json"


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
    if isinstance(error, Invalid) and error.field is not None:
        problem["field"] = error.field
    if isinstance(error, Embargoed) and error.until is not None:
        problem["until"] = error.until.isoformat().replace("+00:00", "Z")
    if request.url.path.startswith("/panosc-api"):
        problem["error"] = {
            "statusCode": error.status,
            "name": "Error",
            "message": error.detail,
        }
    return problem


class _Http(PanoscError):
    """What the framework itself answers, such as 404 for no route and 405."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]
        self.title = detail  # type: ignore[misc]


def _respond(request: Request, error: PanoscError) -> Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(
        problem_of(error, request),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Answer every error of `app` in this one way."""

    def known(request: Request, error: Exception) -> Response:
        if not isinstance(error, PanoscError):
            raise error
        return _respond(request, error)

    def framework(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return _respond(request, _Http(error.status_code, str(error.detail)))

    def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return _respond(request, Invalid(f"{place}: {first['msg']}", field=place))

    def unknown(request: Request, _error: Exception) -> Response:
        number = secrets.token_hex(8)
        return _respond(request, PanoscError(f"An unexpected error happened (id {number})."))

    app.add_exception_handler(PanoscError, known)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unknown)
