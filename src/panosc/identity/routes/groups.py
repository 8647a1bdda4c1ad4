"""``/api/v1/groups``: the user office sends its groups and members, one or all of them."""

import tempfile
from typing import IO, Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from panosc.domain.access import Who
from panosc.domain.errors import Invalid, TooLarge
from panosc.identity.groups.files import broken
from panosc.identity.groups.importing import Imported
from panosc.identity.groups.keeping import require_administrator
from panosc.identity.groups.reading import lines, said
from panosc.identity.routes.bodies import problems
from panosc.identity.service import Identity
from panosc.policy.asking import who_asks

LARGEST = 512 << 20
_IN_MEMORY = 1 << 20
_PLACE = "body"
_GROUP = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 200},
        "title": {"type": "string"},
        "accessType": {"type": "string", "description": "public, inhouse, proprietary …"},
        "startDate": {"type": "string"},
        "endDate": {"type": "string"},
        "sessions": {"type": "array", "items": {"type": "object"}},
        "documentPid": {"type": "string"},
        "members": {
            "type": "array",
            "description": "Exactly those that it has from now on",
            "items": {
                "type": "object",
                "required": ["person"],
                "properties": {
                    "person": {"type": "string", "examples": ["uo:42"]},
                    "role": {"type": "string", "examples": ["principal investigator"]},
                    "until": {"type": "string"},
                },
            },
        },
    },
}


class Taken(BaseModel):
    """What an import did."""

    groups: int = Field(description="Groups that it named")
    changed: list[str] = Field(description="Groups that are new or not what they were")
    added: int = Field(description="Memberships that are new or last until another day")
    removed: int
    names: int = Field(description="Names that were found to be another name of someone")
    apart: list[list[str]] = Field(
        description="Said to be one person, but with an account each: left as they are"
    )


def router(identity: Identity) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/groups", tags=["Identity"])
    asker = Annotated[Who, Depends(who_asks)]

    @routes.post(
        "",
        summary="Take over groups and members",
        description="NDJSON as in a catalogue: lines of groups, of members (`group`, `person`, "
        "`role`, `until`) and of people with several names (`person`, `alsoKnownAs`). All of it "
        "or nothing. A group in it has exactly the members in it. For administrators.",
        responses=problems(400, 401, 403, 413, 422, 429),
        openapi_extra=_body("application/x-ndjson", {"type": "string"}),
    )
    async def take(request: Request, who: asker) -> Taken:
        require_administrator(who)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
            size = 0
            async for piece in request.stream():
                size += len(piece)
                if size > LARGEST:
                    raise TooLarge(f"More than {LARGEST >> 20} MB at once.", limit=LARGEST)
                body.write(piece)
            body.seek(0)
            return _taken(await run_in_threadpool(_take, identity, who, body))

    @routes.put(
        "/{name:path}",
        summary="Take over one group",
        description="A group with its members, by its name. For administrators.",
        responses=problems(400, 401, 403, 413, 422, 429),
        openapi_extra=_body("application/json", _GROUP),
    )
    async def replace(request: Request, who: asker, name: str) -> Taken:
        require_administrator(who)
        row = _read(await request.body(), name)
        return _taken(await run_in_threadpool(_replace, identity, who, row))

    return routes


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def _take(identity: Identity, who: Who, body: IO[bytes]) -> Imported:
    return identity.groups.take(who, lines(broken(body), _PLACE))


def _replace(identity: Identity, who: Who, row: dict[str, Any]) -> Imported:
    return identity.groups.take(who, [said(row, "Group", place=_PLACE)])


def _read(body: bytes, name: str) -> dict[str, Any]:
    try:
        row = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error}.", field=_PLACE) from None
    if not isinstance(row, dict) or row.setdefault("name", name) != name:
        raise Invalid(
            "The body is not the description of this group.",
            field="name",
            hint="Its name is the one in the address; leave it out of the body or repeat it.",
        )
    return row


def _taken(done: Imported) -> Taken:
    return Taken(
        groups=done.groups,
        changed=list(done.changed),
        added=done.added,
        removed=done.removed,
        names=done.names,
        apart=[list(pair) for pair in done.apart],
    )
