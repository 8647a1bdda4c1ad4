"""``/api/v1/datasets/{pid}/recalls``: files that programs want from tape."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.data.restoring.wishes import MOST_NAMES, Standing, Wishes
from panosc.domain.access import Who
from panosc.identity.routes.bodies import problems
from panosc.policy.asking import who_asks

Asker = Annotated[Who, Depends(who_asks)]
_PRIVATE = {"Cache-Control": "no-store"}
_PATH = "/api/v1/datasets/{pid:path}/recalls"
Name = Annotated[str, Field(max_length=4096)]


class Wanted(BaseModel):
    """What is wanted."""

    files: list[Name] | None = Field(
        default=None,
        max_length=MOST_NAMES,
        description="Names of files; without them all of the dataset that are on tape",
        examples=[["run-0001.nxs"]],
    )


class RecallShown(BaseModel):
    """How a file stands that is on tape, or was."""

    file: str
    size: int
    state: str = Field(
        description="on tape, asked, queued, staging, online, failed or given up",
        examples=["queued"],
    )
    message: str | None
    asked: datetime | None
    changed: datetime | None
    expected: datetime | None = Field(description="When it may be there, by earlier mounts")
    until: datetime | None = Field(description="Until when it stays on disk")
    people: int = Field(description="How many people want it")
    isMine: bool = Field(description="Whether the caller wants it")  # noqa: N815 - JSON


class RecallAsked(BaseModel):
    """What asking did."""

    files: int = Field(description="Files that are wanted now and were or are on tape")
    new: int = Field(description="Of these, which the caller had not asked for")
    size: int = Field(description="Bytes of the new ones")


def router(wishes: Wishes) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Data"])

    @routes.get(
        _PATH,
        summary="How files of a dataset stand that are on tape",
        responses=problems(403, 404),
    )
    def look(who: Asker, pid: str, response: Response) -> list[RecallShown]:
        response.headers.update(_PRIVATE)
        return [_shown(item) for item in wishes.look(who, pid)]

    @routes.post(
        _PATH,
        summary="Ask for files that are on tape",
        status_code=202,
        responses=problems(400, 401, 403, 404, 409, 422, 429),
    )
    def ask(who: Asker, pid: str, wanted: Wanted, response: Response) -> RecallAsked:
        response.headers.update(_PRIVATE)
        done = wishes.ask(who, pid, wanted.files)
        return RecallAsked(files=done.files, new=done.new, size=done.size)

    @routes.delete(
        _PATH,
        summary="Take back what the caller asked for",
        status_code=204,
        responses=problems(400, 401, 403, 422),
    )
    def cancel(who: Asker, pid: str) -> Response:
        wishes.cancel(who, pid)
        return Response(status_code=204)

    return routes


def _shown(item: Standing) -> RecallShown:
    return RecallShown(
        file=item.name,
        size=item.size,
        state=item.state,
        message=item.message,
        asked=item.asked,
        changed=item.changed,
        expected=item.expected,
        until=item.until,
        people=item.people,
        isMine=item.is_mine,
    )
