"""``/oai`` over HTTP: the same by GET and by POST, for anyone."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response

from panosc.publication.oai.provider import PATH, Provider
from panosc.settings import Settings

MOST_BYTES = 65_536
MOST_ARGUMENTS = 32
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/xml": {"schema": {"type": "string"}}},
        "description": "An answer of OAI-PMH 2.0; its errors are answers too",
    }
}
_FORM = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
_BODY = {"requestBody": {"content": {"application/x-www-form-urlencoded": _FORM}}}


async def _body(request: Request) -> bytes:
    return await request.body()


def router(provider: Provider, settings: Settings) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Harvesting"])
    base = (settings.base_url or "").rstrip("/")

    def answer(request: Request, given: str) -> Response:
        root = base or str(request.base_url).rstrip("/")
        content = provider.answer(_pairs(given), lambda path: root + path)
        # text, for browsers that show it
        return Response(content, media_type="text/xml", headers={"Cache-Control": "no-store"})

    def get(request: Request) -> Response:
        """Answer a harvester."""
        return answer(request, request.url.query)

    def post(request: Request, body: Annotated[bytes, Depends(_body)]) -> Response:
        """Answer a harvester whose arguments are too long for an address."""
        return answer(request, body[: MOST_BYTES + 1].decode("utf-8", "replace"))

    for method, handler, more in (("GET", get, {}), ("POST", post, _BODY)):
        routes.add_api_route(
            PATH,
            handler,
            methods=[method],
            summary="OAI-PMH 2.0",
            response_class=Response,
            responses=_ANSWER,
            openapi_extra=more,
        )
    return routes


def _pairs(given: str) -> list[tuple[str, str]]:
    """Return the arguments; none where there are too many, which is no verb at all."""
    if len(given) > MOST_BYTES:
        return []
    try:
        return parse_qsl(given, keep_blank_values=True, max_num_fields=MOST_ARGUMENTS)
    except ValueError:
        return []
