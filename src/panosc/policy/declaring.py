"""How a route is declared that answers HEAD as it answers GET."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter
from starlette.routing import compile_path

if TYPE_CHECKING:
    from fastapi.routing import APIRoute


def add_get(routes: APIRouter, path: str, handler: Callable[..., Any], **described: Any) -> None:
    """Add a route for GET, described in the API document, and one for HEAD, which is not."""
    routes.add_api_route(path, handler, methods=["GET"], **described)
    add_again(routes, len(routes.routes) - 1, methods={"HEAD"})


def add_again(routes: APIRouter, which: int, *, path: str | None = None, methods: set[str]) -> None:
    """Add route number `which` once more, undescribed, under another path or for other methods.

    To prepare a route is most of what building an application takes; the new one shares what was
    prepared, so its path has to have the same parameters.
    """
    twin = cast("APIRoute", copy.copy(routes.routes[which]))
    twin.methods, twin.include_in_schema = methods, False
    if path is not None:
        twin.path = routes.prefix + path
        twin.path_regex, twin.path_format, twin.param_convertors = compile_path(twin.path)
    routes.routes.append(twin)
