"""A node as `panosc serve` runs it, with routes to attack and people of every role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.dialects import postgresql as pg

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.people import account
from panosc.catalogue.tables import group_member
from panosc.catalogue.writer import write
from panosc.domain.access import Who
from panosc.identity.service import Identity
from panosc.identity.service import build as build_identity
from panosc.policy.asking import who_asks
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GROUP = "proposal-1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PEOPLE = {
    "stranger": (),
    "member": (("team", GROUP),),
    "pi": (("pi", GROUP),),
    "steward": (("steward", "node"),),
    "administrator": (("administrator", "node"),),
}


@dataclass
class Clock:
    """Tells the time that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time_: float) -> None:
        self.now += timedelta(**time_)


@dataclass
class Node:
    """A running node; `done` is what was carried out."""

    app: FastAPI
    engine: sa.Engine
    settings: Settings
    identity: Identity
    clock: Clock
    address: str = ""
    done: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Ask without following, and without anything that a program would not send."""
        return httpx.request(
            method,
            self.address + path,
            trust_env=False,
            timeout=30,
            **options,  # type: ignore[arg-type]
        )

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.ask("GET", path, **options)

    def cookie(self, name: str) -> dict[str, str]:
        """Sign a person in; return the header that says so."""
        store = self.identity.sessions
        with self.engine.begin() as connection:
            value = store.begin(connection, f"u-{name}", provider="test", iss="i", sub=name)
        return {"Cookie": f"{store.cookie}={value}"}


def build(settings: Settings, engine: sa.Engine, clock: Clock) -> Node:
    """Return a node with people and one route that changes something, `/test-act`."""
    app = create_app(settings, engine, clock=clock)
    identity = build_identity(engine, settings, clock)
    node = Node(app=app, engine=engine, settings=settings, identity=identity, clock=clock)

    def act(who: Annotated[Who, Depends(who_asks)]) -> JSONResponse:
        node.done.append(who.person or "anyone")
        return JSONResponse({"who": who.person})

    def whole(who: Annotated[Who, Depends(who_asks)], size: int = 0) -> PlainTextResponse:
        return PlainTextResponse("x" * size, headers={"X-Who": str(who.person)})

    async def length(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    app.add_api_route("/test-act", act, methods=[*METHODS], include_in_schema=False)
    app.add_api_route("/test-whole", whole, include_in_schema=False)
    app.add_api_route("/test-length", length, methods=["POST"], include_in_schema=False)
    people(engine, settings)
    return node


def people(engine: sa.Engine, settings: Settings) -> None:
    """Add an account of every role, who accepted the terms, unless they are there."""
    with engine.begin() as connection:
        for name, duties in PEOPLE.items():
            values = {
                "id": f"u-{name}",
                "kind": "person",
                "name": name.title(),
                "terms": settings.terms_version,
                "terms_at": NOW,
            }
            connection.execute(pg.insert(account).values(values).on_conflict_do_nothing())
            for role, group in duties:
                member = {"person": f"u-{name}", "group": group, "role": role}
                connection.execute(pg.insert(group_member).values(member).on_conflict_do_nothing())


def catalogue(engine: sa.Engine) -> None:
    """Add one dataset of every state, of one group."""
    states = ("open", "embargoed", "closed", "withdrawn", "erased")
    with engine.begin() as connection:
        write(
            connection,
            [
                ("Instrument", {"pid": "10.5072/d22", "name": "D22", "facility": "ILL"}),
                *(
                    (
                        "Dataset",
                        {
                            "pid": f"10.5072/{state}",
                            "title": f"A dataset that is {state}",
                            "access": state,
                            "embargoUntil": "2031-05-01T00:00:00Z",
                            "ownerGroup": GROUP,
                            "instrumentId": "10.5072/d22",
                        },
                    )
                    for state in states
                ),
            ],
            now=NOW,
        )


@contextmanager
def running(settings: Settings, engine: sa.Engine, clock: Clock | None = None) -> Iterator[Node]:
    """Build and serve a node."""
    node = build(settings, engine, clock or Clock())
    with serving(node.app) as node.address:
        yield node
