"""``/api/v1/searches``: the searches that the caller keeps."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import Who
from panosc.identity.routes.bodies import problems
from panosc.policy.asking import who_asks
from panosc.search.saved.store import LONGEST, LONGEST_NAME, Saved, SavedSearches

Asker = Annotated[Who, Depends(who_asks)]
_PRIVATE = {"Cache-Control": "no-store"}


class NewSearch(BaseModel):
    """A search to be kept."""

    name: str = Field(max_length=LONGEST_NAME, examples=["Lysozyme in solution"])
    params: str = Field(
        max_length=LONGEST,
        description="The query part of its address on the page /search",
        examples=["q=lysozyme&technique=SANS"],
    )


class SearchShown(BaseModel):
    """A kept search."""

    id: str = Field(examples=["0123456789abcdef"])
    name: str
    params: str = Field(description="In canonical spelling; also for /search.json and the others")
    created: datetime
    lookedAt: datetime = Field(description="When its owner last looked")  # noqa: N815 - JSON
    lookedTotal: int | None = Field(description="How many it found then")  # noqa: N815 - JSON


def router(searches: SavedSearches) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/searches", tags=["Search"])

    @routes.get("", summary="My kept searches", responses=problems(400, 401, 403, 422))
    def listed(who: Asker, response: Response) -> list[SearchShown]:
        response.headers.update(_PRIVATE)
        return [_shown(item) for item in searches.listed(who)]

    @routes.post(
        "",
        summary="Keep a search",
        status_code=201,
        responses=problems(400, 401, 403, 409, 422),
    )
    def save(who: Asker, wanted: NewSearch, response: Response) -> SearchShown:
        response.headers.update(_PRIVATE)
        return _shown(searches.save(who, wanted.name, wanted.params))

    @routes.delete(
        "/{number}",
        summary="Keep a search no longer",
        status_code=204,
        responses=problems(400, 401, 403, 404, 422),
    )
    def delete(who: Asker, number: str) -> Response:
        searches.delete(who, number)
        return Response(status_code=204)

    return routes


def _shown(item: Saved) -> SearchShown:
    return SearchShown(
        id=item.id,
        name=item.name,
        params=item.params,
        created=item.created,
        lookedAt=item.looked_at,
        lookedTotal=item.looked_total,
    )
