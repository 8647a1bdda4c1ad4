"""A node that takes announcements, people who may and may not, and files to announce."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import httpx
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.intake import announcement
from panosc.catalogue.people import account, audit
from panosc.catalogue.tables import group_member, location
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.identity.service import Identity, build
from panosc.ingest.messages.desk import Desk, Patience
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ID02 = "10.5072/id02"
PEOPLE = {"steward": ("steward", "node"), "scientist": ("pi", f"instrument:{ID02}"), "user": None}
PATIENCE = Patience(tries=3, first=timedelta(seconds=10), longest=timedelta(seconds=15))


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **how: float) -> None:
        self.now += timedelta(**how)


@dataclass
class Node:
    """A served node."""

    address: str
    engine: sa.Engine
    settings: Settings
    clock: Clock
    data: Path
    identity: Identity
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str | None, method: str, path: str, **options: object) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        headers |= options.pop("headers", {})  # type: ignore[arg-type]
        return httpx.request(
            method,
            self.address + path,
            headers=headers,
            trust_env=False,
            timeout=30,
            **options,  # type: ignore[arg-type]
        )

    def announce(self, who: str | None = "steward", **body: object) -> httpx.Response:
        return self.ask(who, "POST", "/api/v1/ingest", json=body)

    def find(self, name: str, who: str | None = "steward") -> httpx.Response:
        return self.ask(who, "GET", f"/api/v1/ingest/{name}")

    def dataset(self, pid: str, who: str | None = None) -> dict[str, Any]:
        return dataset_of(self.address, pid, self.tokens.get(who or ""))

    def desk(self) -> Desk:
        return Desk(self.engine, self.settings, self.clock, patience=PATIENCE)

    def events(self) -> list[str]:
        with self.engine.connect() as connection:
            query = sa.select(audit.c.event).where(audit.c.event.like("ingest.%"))
            return list(connection.scalars(query.order_by(audit.c.number)))

    def rows(self) -> dict[str, sa.Row]:
        with self.engine.connect() as connection:
            return {row.id: row for row in connection.execute(sa.select(announcement))}

    def places(self) -> list[str]:
        with self.engine.connect() as connection:
            return sorted(connection.scalars(sa.select(location.c.url)))


FIELDS = ("pid", "title", "kind", "creationDate", "derivedFrom", "ownerGroup", "access")
RELATIONS = ("samples", "parameters", "techniques", "instrument", "files", "documents")


def dataset_of(address: str, pid: str, token: str | None) -> dict[str, Any]:
    """Ask a node for a dataset by its search API, with all that belongs to it."""
    asked = {"fields": FIELDS, "include": [{"relation": name} for name in RELATIONS]}
    answer = httpx.get(
        f"{address}/panosc-api/Datasets/{pid}",
        params={"filter": json.dumps(asked)},
        headers={"Authorization": f"Bearer {token}"} if token else {},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def serving_node(settings: Settings, engine: sa.Engine, data: Path) -> Iterator[Node]:
    """Serve a node with people, an instrument, a service of it, and one of another."""
    clock = Clock()
    with serving(create_app(settings, engine, clock=clock)) as address:
        node = Node(address, engine, settings, clock, data, build(engine, settings, clock))
        _people(node)
        yield node


def _people(node: Node) -> None:
    with node.engine.begin() as connection:
        row = {"pid": ID02, "name": "ID02", "facility": "ESRF"}
        write(connection, [("Instrument", row)], now=NOW)
        for name, duty in PEOPLE.items():
            person = {"id": f"u-{name}", "kind": "person", "name": name, "terms": "1"}
            connection.execute(sa.insert(account).values(person))
            if duty is not None:
                member = {"person": f"u-{name}", "role": duty[0], "group": duty[1]}
                connection.execute(sa.insert(group_member).values(member))
    tokens = node.identity.tokens
    for name in PEOPLE:
        made = tokens.create(OPERATOR, name="x", scopes=["write"], days=9, owner=f"u-{name}")
        node.tokens[name] = made.secret
    made = tokens.create(OPERATOR, name="x", scopes=["read"], days=9, owner="u-steward")
    node.tokens["reading steward"] = made.secret
    for name, pid in (("id02", ID02), ("id99", "10.5072/id99")):
        node.identity.services.add_service(OPERATOR, name, instrument=pid)
        made = tokens.create(OPERATOR, name="x", scopes=["write"], days=9, owner=f"svc-{name}")
        node.tokens[name] = made.secret


def write_nexus(path: Path, title: str = "A measurement") -> Path:
    """Write a small NeXus file with an instrument and a sample of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = title
        entry["start_time"] = "2026-02-28T12:00:00+01:00"
        sample = entry.create_group("sample")
        sample.attrs["NX_class"] = "NXsample"
        sample["name"] = "something"
    return path
