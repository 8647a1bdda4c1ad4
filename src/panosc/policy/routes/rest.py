"""The policy over HTTP: sharing, acts, requests and the audit trail, under ``/api/v1``.

What a program may do is what its person may, within the scopes of its token: ``write`` for what
one does as a team, ``manage`` for what one does for the node. A PID comes with its slashes raw or
encoded.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from panosc.domain.access import Who
from panosc.domain.errors import Invalid, NotFound
from panosc.policy import audit
from panosc.policy.asking import who_asks
from panosc.policy.decisions.bodies import (
    AnswerBody,
    EventsOut,
    MadeOut,
    NumberOut,
    ReasonBody,
    ReleaseBody,
    RequestBody,
    RequestsOut,
    ShareBody,
    ShareOut,
    StateOut,
    WithdrawalBody,
    petition_of,
    share_of,
)
from panosc.policy.decisions.records import signed_in
from panosc.policy.decisions.watching import Chosen, watcher
from panosc.policy.service import Policy

PREFIX = "/api/v1"
NDJSON = "application/x-ndjson"
LARGEST = 2**63 - 1

Asker = Annotated[Who, Depends(who_asks)]
Done = TypeVar("Done")


_WORDS: dict[int, str] = {
    401: "Nobody has signed in.",
    403: "The policy, or the scope of the token, does not allow it.",
    404: "There is none that the caller may know of.",
    409: "Its state does not allow it.",
    410: "The dataset has been erased.",
    422: "A value cannot be used.",
}
_PROBLEM = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "hint": {"type": "string"},
                "field": {"type": "string"},
            },
        }
    }
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how the API document tells of errors."""
    return {status: {"description": _WORDS[status], "content": _PROBLEM} for status in statuses}


_OF_DATASET = answers(401, 403, 404, 409, 410, 422)


def router(policy: Policy) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=PREFIX, tags=["Policy"])
    _add_shares(routes, policy)
    _add_acts(routes, policy)
    _add_requests(routes, policy)
    _add_audit(routes, policy)
    return routes


def by_pid(pid: str, use: Callable[[str], Done]) -> Done:
    """Use a PID as it came, else with its encoding undone once more."""
    try:
        return use(pid)
    except NotFound:
        if "%" not in pid:
            raise
        return use(unquote(pid))


def _add_shares(routes: APIRouter, policy: Policy) -> None:
    path = "/datasets/{pid:path}/shares"

    def listed(who: Asker, pid: str) -> list[ShareOut]:
        """With whom a dataset is shared; for its team and stewards."""
        signed_in(who)
        return [
            share_of(item) for item in by_pid(pid, lambda name: policy.sharing.listed(who, name))
        ]

    def give(who: Asker, pid: str, body: ShareBody) -> MadeOut:
        """Share a dataset until a time with a person, a group, or by a link."""
        made = by_pid(
            pid,
            lambda name: policy.sharing.give(
                who, name, kind=body.kind, name=body.name, until=body.until, note=body.note
            ),
        )
        link = f"/share/{made.secret}" if made.secret else None
        return MadeOut(id=made.id, until=made.until, path=link)

    def take_back(who: Asker, pid: str, share: str) -> Response:
        """End a share."""
        by_pid(pid, lambda name: policy.sharing.take_back(who, name, share))
        return Response(status_code=204)

    routes.add_api_route(path, listed, summary="List shares", responses=answers(401, 403, 404, 410))
    routes.add_api_route(
        path, give, methods=["POST"], status_code=201, summary="Share", responses=_OF_DATASET
    )
    routes.add_api_route(
        f"{path}/{{share}}",
        take_back,
        methods=["DELETE"],
        status_code=204,
        summary="Take back a share",
        responses=answers(401, 403, 404, 409, 410),
    )


def _add_acts(routes: APIRouter, policy: Policy) -> None:
    acts = policy.acts

    def add(act: str, handler: Callable[..., Any], summary: str, **options: Any) -> None:
        routes.add_api_route(
            f"/datasets/{{pid:path}}/{act}",
            handler,
            methods=["POST"],
            summary=summary,
            responses=_OF_DATASET,
            **options,
        )

    def state(who: Who, pid: str) -> StateOut:
        record, found = acts.look(who, pid)
        return StateOut(pid=record.pid, access=found)

    def release(who: Asker, pid: str, body: ReleaseBody | None = None) -> StateOut:
        """Open a dataset to everyone, which cannot be undone; 409 when it is open."""
        reason = None if body is None else body.reason
        by_pid(pid, lambda name: acts.release(who, name, reason=reason))
        return by_pid(pid, lambda name: state(who, name))

    def withdraw(who: Asker, pid: str, body: WithdrawalBody) -> StateOut:
        """Take a published dataset back; its page stays and says why."""
        by_pid(
            pid,
            lambda name: acts.withdraw(
                who, name, reason=body.reason, superseded_by=body.superseded_by
            ),
        )
        return by_pid(pid, lambda name: state(who, name))

    def restore(who: Asker, pid: str, body: ReasonBody) -> StateOut:
        """Undo a withdrawal."""
        by_pid(pid, lambda name: acts.restore(who, name, reason=body.reason))
        return by_pid(pid, lambda name: state(who, name))

    def erase(who: Asker, pid: str, body: ReasonBody) -> NumberOut:
        """Ask for a legal erasure; a second person confirms it by answering the request."""
        ask = policy.petitions.ask_erasure
        return NumberOut(id=by_pid(pid, lambda name: ask(who, name, reason=body.reason)))

    add("release", release, "Release early")
    add("withdraw", withdraw, "Withdraw")
    add("restore", restore, "Restore")
    add("erase", erase, "Ask for erasure", status_code=202)


def _add_requests(routes: APIRouter, policy: Policy) -> None:
    petitions = policy.petitions

    def listed(who: Asker) -> RequestsOut:
        """Tell what waits for the caller, what they asked for, and what was answered."""
        found = petitions.listed(who)
        return RequestsOut(
            waiting=[petition_of(item) for item in found.waiting],
            own=[petition_of(item) for item in found.own],
            answered=[petition_of(item) for item in found.answered],
        )

    def ask(who: Asker, body: RequestBody) -> NumberOut:
        """Ask for access, for a longer embargo, or for erasure."""
        if body.kind == "access":
            return NumberOut(id=petitions.ask_access(who, body.pid, text=body.text))
        if body.kind == "erasure":
            return NumberOut(id=petitions.ask_erasure(who, body.pid, reason=body.text))
        signed_in(who)
        if body.years is None:
            raise Invalid("The years are missing.", field="years", hint="Say how many.")
        made = petitions.ask_extension(who, body.pid, years=body.years, text=body.text)
        return NumberOut(id=made)

    def answer(who: Asker, number: str, body: AnswerBody) -> Response:
        """Grant or refuse a request."""
        petitions.answer(who, number, granted=body.granted, words=body.words, until=body.until)
        return Response(status_code=204)

    def take_back(who: Asker, number: str) -> Response:
        """Take back one's own request."""
        petitions.take_back(who, number)
        return Response(status_code=204)

    routes.add_api_route("/requests", listed, summary="List requests", responses=answers(401))
    routes.add_api_route(
        "/requests", ask, methods=["POST"], status_code=201, summary="Ask", responses=_OF_DATASET
    )
    routes.add_api_route(
        "/requests/{number}/answer",
        answer,
        methods=["POST"],
        status_code=204,
        summary="Answer a request",
        responses=answers(401, 403, 404, 409, 422),
    )
    routes.add_api_route(
        "/requests/{number}",
        take_back,
        methods=["DELETE"],
        status_code=204,
        summary="Take back a request",
        responses=answers(401, 403, 404, 409),
    )


def _add_audit(routes: APIRouter, policy: Policy) -> None:
    number = Query(ge=0, le=LARGEST, description="The last number that is known already")
    many = Query(ge=1, le=audit.BLOCK)

    def trail(
        request: Request,
        who: Asker,
        chosen: Annotated[Chosen, Depends()],
        after: Annotated[int, number] = 0,
        limit: Annotated[int, many] = 100,
    ) -> Response:
        """Lines after a number, the oldest first; as a stream of JSON lines when asked for."""
        watcher(who)
        chosen.check()
        if NDJSON in request.headers.get("accept", ""):
            return StreamingResponse(_stream(policy, after, chosen), media_type=NDJSON)
        found = chosen.read(policy.engine, after, limit)
        content = {"events": found, "next": found[-1].number if found else after}
        options = orjson.OPT_UTC_Z
        return Response(orjson.dumps(content, option=options), media_type="application/json")

    routes.add_api_route(
        "/audit",
        trail,
        summary="Read the audit trail",
        response_class=Response,
        responses={
            200: {
                "description": "The lines.",
                "content": {
                    "application/json": {"schema": EventsOut.model_json_schema()},
                    NDJSON: {"schema": {"type": "string"}},
                },
            },
            **answers(401, 403, 422),
        },
    )


def _stream(policy: Policy, after: int, chosen: Chosen) -> Iterator[bytes]:
    """Yield every line there is, a block and a transaction at a time."""
    while found := chosen.read(policy.engine, after, audit.BLOCK):
        yield from (event.line() for event in found)
        after = found[-1].number
