"""How answers that are the same for everyone are described, and kept by whoever likes to."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from fastapi import APIRouter
from fastapi.responses import Response

from panosc.policy.declaring import add_get

_KEPT = "public, max-age=600"
Answer = TypeVar("Answer", bound=Response)


def kept(answer: Answer) -> Answer:
    """Let caches keep an answer for ten minutes."""
    answer.headers["Cache-Control"] = _KEPT
    return answer


def add(
    routes: APIRouter,
    path: str,
    handler: Callable[..., Response],
    *,
    kind: str,
    summary: str,
    also: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Add a route for GET, described in the API document with its media type, and for HEAD."""
    add_get(
        routes,
        path,
        handler,
        response_class=Response,
        summary=summary,
        tags=["Harvesting"],
        responses={
            200: {"content": {kind: {"schema": {"type": _type_of(kind)}}}},
            **{status: {"description": text} for status, text in also.items()},
        },
    )


def _type_of(kind: str) -> str:
    return "object" if kind.endswith("json") else "string"
