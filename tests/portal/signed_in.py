"""A node with people who are signed in, for pages that are theirs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import group, group_member
from panosc.catalogue.writer import write
from panosc.identity.sessions import SessionStore
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GROUP, INSTRUMENT = "P-118", "10.5072/d22"
EMBARGOED, CLOSED, OPEN = "10.5072/later", "10.5072/never-told", "10.5072/for-all"
TO_WITHDRAW, TO_RELEASE, TO_SHARE = "10.5072/wrong", "10.5072/early", "10.5072/shared"
TO_OPEN = "10.5072/ready"
PEOPLE = {
    "pi": ("Ada Pieters", "pi", GROUP),
    "team": ("Tim Maat", "team", GROUP),
    "stranger": ("Sven Ström", "pi", "P-200"),
    "steward": ("Stella Dahl", "steward", "node"),
    "director": ("Dirk Rood", "director", "node"),
    "administrator": ("Anna Berg", "administrator", "node"),
}


def rows() -> list[tuple[str, dict[str, object]]]:
    """Return the catalogue."""
    about = {
        "ownerGroup": GROUP,
        "instrumentId": INSTRUMENT,
        "creationDate": "2026-05-01T00:00:00Z",
    }
    later = {"access": "embargoed", "embargoUntil": "2029-05-01T00:00:00Z", **about}
    return [
        ("Instrument", {"pid": INSTRUMENT, "name": "D22", "facility": "ILL"}),
        ("Dataset", {"pid": OPEN, "title": "Lysozyme in D2O", "access": "open", **about}),
        ("Dataset", {"pid": CLOSED, "title": "Sesame-4711", "access": "closed", **about}),
        ("Dataset", {"pid": EMBARGOED, "title": "Spin echo of water", **later}),
        ("Dataset", {"pid": TO_RELEASE, "title": "Ready early", **later}),
        ("Dataset", {"pid": TO_OPEN, "title": "Ready as well", **later}),
        ("Dataset", {"pid": TO_SHARE, "title": "Shared a lot", **later}),
        ("Dataset", {"pid": TO_WITHDRAW, "title": "Mislabelled", "access": "open", **about}),
        *(
            ("File", {"name": "a.nxs", "datasetId": pid, "size": 10})
            for pid in (EMBARGOED, TO_SHARE, CLOSED)
        ),
    ]


@dataclass
class House:
    """A running node, its cookies by person, and its clock."""

    app: FastAPI
    engine: sa.Engine
    settings: Settings
    address: str
    cookies: dict[str, str]
    name: str
    time: list[datetime]

    def client(self, person: str | None = None) -> httpx.Client:
        """Return a browser without a screen, signed in as somebody."""
        client = httpx.Client(
            base_url=self.address,
            headers={"Accept": "text/html", "Origin": self.address},
            trust_env=False,
            timeout=30,
        )
        if person is not None:
            client.cookies.set(self.name, self.cookies[person])
        return client


@contextmanager
def house(
    new_database: Callable[..., AbstractContextManager[str]],
    template: str,
    home: Path,
    **more: Any,
) -> Iterator[House]:
    """Serve a node with a person of each role signed in; `more` are settings."""
    with new_database(template) as address:
        settings = Settings(home=home, database_url=address, facility="ILL", **more)
        with open_database(settings) as engine:
            time = [NOW]
            app = create_app(settings, engine, clock=lambda: time[0])
            cookies = _settle(engine, settings)
            with serving(app) as served:
                name = SessionStore(engine, settings, lambda: NOW).cookie
                yield House(app, engine, settings, served, cookies, name, time)


def _settle(engine: sa.Engine, settings: Settings) -> dict[str, str]:
    sessions = SessionStore(engine, settings, lambda: NOW)
    cookies = {}
    with engine.begin() as connection:
        write(connection, rows(), now=NOW)
        connection.execute(
            sa.insert(group), [{"name": GROUP, "title": "Water"}, {"name": "P-200", "title": None}]
        )
        for name, (full, role, group_name) in PEOPLE.items():
            person = f"u-{name}"
            connection.execute(
                sa.insert(account).values(
                    id=person, kind="person", name=full, terms=settings.terms_version, terms_at=NOW
                )
            )
            connection.execute(
                sa.insert(group_member).values(group=group_name, person=person, role=role)
            )
            cookies[name] = sessions.begin(
                connection, person, provider="test", iss="https://test.example", sub=name
            )
        connection.execute(
            sa.insert(alias).values(name="orcid:0000-0002-1825-0097", person="u-stranger")
        )
    return cookies
