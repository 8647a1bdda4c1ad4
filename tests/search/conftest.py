"""Catalogues that many tests read and none changes: one database each for the whole run."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server
from panosc.catalogue.loading import load
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, Who
from panosc.policy.asking import who_asks
from panosc.portal import problems
from panosc.search.routes import router
from panosc.search.service import SearchService
from panosc.settings import Settings

DATA = Path(__file__).parent / "data"
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)

Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Catalogue:
    """A loaded catalogue: the service over it, and its database."""

    service: SearchService
    engine: sa.Engine

    def app(self, who: Who = ANYONE) -> FastAPI:
        """The API over it, as one person sees it."""
        app = FastAPI(openapi_url="/api/openapi.json")
        app.include_router(router(self.service))
        app.dependency_overrides[who_asks] = lambda: who
        problems.install(app)
        return app


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve `app` on a free port of this machine; the client asks relative to it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, h11_max_incomplete_event_size=1 << 20)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}/panosc-api"
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def empty_engine(
    cluster: Server, template: str, open_folder: Path
) -> Iterator[Callable[[], sa.Engine]]:
    """Makes a migrated database that lives until the end of the run."""
    numbers = itertools.count()

    def administer(statement: str) -> None:
        with cluster.connect("postgres", is_admin=True) as connection:
            connection.autocommit = True
            connection.execute(statement.encode())

    with ExitStack() as stack:

        def make() -> sa.Engine:
            name = f"search_{next(numbers)}"
            administer(f"create database {name} template {template} owner panosc")
            stack.callback(administer, f"drop database {name} with (force)")
            given = cluster.address()
            address = sa.URL.create(
                "postgresql",
                username=given["user"],
                password=given["password"],
                port=given["port"],
                database=name,
                query={"host": given["host"], "sslmode": "disable"},
            ).render_as_string(hide_password=False)
            settings = Settings(home=open_folder / name, database_url=address)
            return stack.enter_context(open_database(settings))

        yield make


def catalogue_over(engine: sa.Engine) -> Catalogue:
    service = SearchService(engine, Settings(), lambda: NOW)
    return Catalogue(service=service, engine=engine)


@pytest.fixture(scope="session")
def filled(empty_engine: Callable[[], sa.Engine]) -> Callable[[Iterable[Row]], Catalogue]:
    """Makes a catalogue of rows."""

    def fill(rows: Iterable[Row]) -> Catalogue:
        engine = empty_engine()
        with engine.begin() as connection:
            write(connection, rows, now=NOW)
        return catalogue_over(engine)

    return fill


def _loaded(engine: sa.Engine, name: str) -> Catalogue:
    load(engine, DATA / name, now=NOW)
    return catalogue_over(engine)


@pytest.fixture(scope="session")
def standard(empty_engine: Callable[[], sa.Engine]) -> Catalogue:
    """The example data of the standard."""
    return _loaded(empty_engine(), "fixture")


@pytest.fixture(scope="session")
def tagged(empty_engine: Callable[[], sa.Engine]) -> Catalogue:
    """The ten datasets of the requirements on techniques."""
    return _loaded(empty_engine(), "fixture-panet")


@pytest.fixture(scope="session")
def standard_client(standard: Catalogue) -> Iterator[httpx.Client]:
    """The example data over HTTP."""
    with serving(standard.app()) as client:
        yield client


@pytest.fixture(scope="session")
def tagged_client(tagged: Catalogue) -> Iterator[httpx.Client]:
    """The ten datasets over HTTP."""
    with serving(tagged.app()) as client:
        yield client
