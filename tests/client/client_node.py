"""A served catalogue, and a token of a person who may see what is under embargo."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import measured
import portal_catalogue as given
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.people import account
from panosc.catalogue.tables import dataset, group, group_member
from panosc.catalogue.writer import write
from panosc.data.overviews.following import Keeper
from panosc.domain.access import Who
from panosc.identity.service import build
from panosc.settings import Settings

GROUP = "P-118"


@dataclass(frozen=True)
class ClientNode:
    """Where it answers, and by what the person is known: a token, and a browser's cookies."""

    address: str
    token: str
    cookies: dict[str, str]
    folder: Path
    """Where the measured files lie."""
    engine: sa.Engine


@contextmanager
def client_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, home: Path
) -> Iterator[ClientNode]:
    """Serve it."""
    home.mkdir()
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database, facility="ILL & friends")
        with open_database(settings) as engine:
            with engine.begin() as connection:
                known = given.rows(given.measured_file(home)) + measured.rows(home)
                write(connection, known, now=given.NOW)
                named = account.insert().values(
                    id="u-1", kind="person", terms=settings.terms_version, terms_at=given.NOW
                )
                connection.execute(named)
                connection.execute(sa.insert(group).values(name=GROUP, title="Water"))
                member = sa.insert(group_member).values(group=GROUP, person="u-1", role="pi")
                connection.execute(member)
                hidden = dataset.c.pid.in_([given.EMBARGOED, measured.TEAM])
                theirs = sa.update(dataset).where(hidden)
                connection.execute(theirs.values(owner_group=GROUP))

            def clock() -> datetime:
                return given.NOW

            app = create_app(settings, engine, clock=clock)
            Keeper(engine, settings, clock).catch_up()
            who = Who(person="u-1", via="session")
            identity = build(engine, settings, clock)
            with engine.begin() as connection:
                session = identity.sessions.begin(
                    connection, "u-1", provider="test", iss="https://test.example", sub="1"
                )
            cookies = {identity.sessions.cookie: session}
            made = identity.tokens.create(who, name="test", scopes={"read", "data"}, days=3)
            with serving(app) as address:
                yield ClientNode(
                    address=address,
                    token=made.secret,
                    cookies=cookies,
                    folder=home,
                    engine=engine,
                )
