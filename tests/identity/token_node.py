"""A served node with a few people who have signed in, and a clock that tests set."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.people import account, audit
from panosc.catalogue.tables import group_member
from panosc.catalogue.writer import write
from panosc.domain.access import Who
from panosc.identity.service import Identity, build
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
PI, TEAM, STRANGER, ADMIN = "u-pi", "u-team", "u-stranger", "u-admin"
NEWCOMER = "u-newcomer"
"""Has not accepted the terms."""
GROUP = "proposal-1"
EMBARGOED = "10.5072/embargoed-1"
AT_D22 = "10.5072/embargoed-2"
D22 = "10.5072/d22"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

MEMBERS = [(GROUP, PI, "pi"), (GROUP, TEAM, "team"), ("node", ADMIN, "administrator")]
ROWS: list[tuple[str, dict[str, object]]] = [
    ("Instrument", {"pid": D22, "name": "D22", "facility": "ILL"}),
    (
        "Dataset",
        {
            "pid": EMBARGOED,
            "title": "Spin echo",
            "access": "embargoed",
            "embargoUntil": "2031-05-01T00:00:00Z",
            "ownerGroup": GROUP,
        },
    ),
    (
        "Dataset",
        {
            "pid": AT_D22,
            "title": "Small angles",
            "access": "embargoed",
            "embargoUntil": "2031-05-01T00:00:00Z",
            "instrumentId": D22,
        },
    ),
    *(
        (
            "File",
            {"id": f"f{number}", "name": "secret.nxs", "size": 5, "datasetId": pid},
        )
        for number, pid in enumerate((EMBARGOED, AT_D22))
    ),
]
FILES = f"/panosc-api/Datasets/{EMBARGOED}/files"
FILES_AT_D22 = f"/panosc-api/Datasets/{AT_D22}/files"


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **how: float) -> None:
        self.now += timedelta(**how)


@dataclass
class TokenNode:
    """A node that is served."""

    app: FastAPI
    engine: sa.Engine
    settings: Settings
    clock: Clock
    address: str
    services: Identity
    clients: list[httpx.Client] = field(default_factory=list)
    before: int = 0
    """Lines of the audit trail from before this test."""

    def client(self, **options) -> httpx.Client:
        made = httpx.Client(base_url=self.address, trust_env=False, timeout=30, **options)
        self.clients.append(made)
        return made

    def cookie(self, person: str) -> tuple[str, str]:
        """Begin a session as a login would; return name and value of its cookie."""
        sessions = self.services.sessions
        with self.engine.begin() as connection:
            value = sessions.begin(
                connection, person, provider="test", iss="https://idp.example", sub=person
            )
        return sessions.cookie, value

    def browser(self, person: str) -> httpx.Client:
        """Return a browser in which a person has signed in."""
        name, value = self.cookie(person)
        headers = {"Accept": "text/html", "Origin": self.address}
        return self.client(cookies={name: value}, headers=headers)

    def program(self, token: str) -> httpx.Client:
        """Return a program that sends a token."""
        return self.client(headers={"Authorization": f"Bearer {token}"})

    def token(self, person: str, *scopes: str, days: int = 30) -> str:
        """Make a token as the person would in a browser."""
        made = self.services.tokens.create(
            self.who(person), name="a script", scopes=scopes or ("read", "data"), days=days
        )
        return made.secret

    def who(self, person: str, **changed) -> Who:
        """Return a person as a session makes them."""
        cookie = self.cookie(person)[1]
        standing = self.services.sessions.find(cookie).standing
        return standing.who(via="session", **changed)

    def events(self) -> list[str]:
        with self.engine.connect() as connection:
            query = sa.select(audit.c.event).where(audit.c.number > self.before)
            query = query.order_by(audit.c.number)
            return list(connection.execute(query).scalars())

    def run(self, statement) -> None:
        with self.engine.begin() as connection:
            connection.execute(statement)


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def token_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, folder: Path
) -> Iterator[TokenNode]:
    """Serve a node with these datasets, for several tests; `renew` comes before each."""
    with new_database(template) as database:
        settings = Settings(home=folder / "home", database_url=database)
        with open_database(settings) as engine:
            with engine.begin() as connection:
                write(connection, ROWS, now=NOW)
            clock = Clock()
            app = create_app(settings, engine, clock=clock)
            with _serving(app) as address:
                services = build(engine, settings, clock)
                yield TokenNode(app, engine, settings, clock, address, services)


@contextmanager
def renewed(node: TokenNode) -> Iterator[TokenNode]:
    """Give a node to one test: people as they were, ten days later than the test before."""
    node.clock.now = NOW + timedelta(days=10) * (1 + (node.clock.now - NOW) // timedelta(days=10))
    with node.engine.begin() as connection:
        connection.execute(sa.text("truncate account, device, group_member cascade"))
        for person in (PI, TEAM, STRANGER, ADMIN, NEWCOMER):
            terms = None if person == NEWCOMER else "1"
            row = {"id": person, "kind": "person", "name": f"Person {person}", "terms": terms}
            connection.execute(sa.insert(account).values(row))
        rows = [{"group": group, "person": person, "role": role} for group, person, role in MEMBERS]
        connection.execute(sa.insert(group_member), rows)
        query = sa.select(sa.func.coalesce(sa.func.max(audit.c.number), 0))
        node.before = connection.execute(query).scalar_one()
    yield node
    for client in node.clients:
        client.close()
    node.clients.clear()
