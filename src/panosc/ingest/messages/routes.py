"""``/api/v1/ingest``: datasets are announced, and what became of that is told."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Response

from panosc.domain.access import Who
from panosc.ingest.messages.bodies import ID, AnnouncementBody, AnnouncementOut
from panosc.ingest.messages.register import Announcement, Register
from panosc.policy.asking import who_asks
from panosc.policy.routes.rest import answers

PREFIX = "/api/v1/ingest"
Asker = Annotated[Who, Depends(who_asks)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", pattern=ID, description="The id, where the body has none"),
]


def router(register: Register) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=PREFIX, tags=["Ingest"])

    def announce(
        who: Asker, body: AnnouncementBody, response: Response, idempotency_key: Key = None
    ) -> AnnouncementOut:
        """Announce a dataset: it is kept at once, and its files are read soon after.

        For stewards, services, and whoever is in charge of the instrument that it names.
        """
        return _accepted(register.announce(who, body, key=idempotency_key), response)

    def find(who: Asker, id: str) -> AnnouncementOut:  # noqa: A002 - its name in the address
        """Tell what became of an announcement, to whoever announced it and to stewards."""
        return shown(register.find(who, id))

    def retry(who: Asker, id: str, response: Response) -> AnnouncementOut:  # noqa: A002
        """Try an announcement again that has failed."""
        return _accepted(register.retry(who, id), response)

    routes.add_api_route(
        "",
        announce,
        methods=["POST"],
        status_code=202,
        summary="Announce a dataset",
        responses={202: _ACCEPTED, **answers(401, 403, 409, 422)},
    )
    routes.add_api_route(
        "/{id}",
        find,
        summary="What became of an announcement",
        responses=answers(401, 403, 404),
    )
    routes.add_api_route(
        "/{id}/retry",
        retry,
        methods=["POST"],
        status_code=202,
        summary="Try an announcement again",
        responses={202: _ACCEPTED, **answers(401, 403, 404, 409)},
    )
    return routes


_ACCEPTED = {
    "description": "It is kept.",
    "headers": {
        "Location": {"description": "Where to ask for it", "schema": {"type": "string"}},
    },
}


def _accepted(found: Announcement, response: Response) -> AnnouncementOut:
    response.headers["Location"] = f"{PREFIX}/{quote(found.id, safe=':')}"
    return shown(found)


def shown(found: Announcement) -> AnnouncementOut:
    """Return an announcement as it is told."""
    return AnnouncementOut(
        id=found.id,
        state=found.state,
        tries=found.tries,
        detail=found.detail,
        pids=list(found.pids),
        run=found.run,
        at=found.at,
        next_try=found.next_try if found.state == "waiting" else None,
    )
