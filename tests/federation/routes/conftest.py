"""A node that asks others, which are on loopback; made anew for each test, over one database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from peers import Peer, Peers, serving_peers

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.federating.tables import connector
from panosc.catalogue.writer import write
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BASE = "http://node.example"
OWN = [
    ("Instrument", {"pid": "10.5072/d22", "name": "D22", "facility": "ILL"}),
    ("Dataset", {"pid": "10.5072/own-1", "title": "Copper at home", "access": "open"}),
    ("Dataset", {"pid": "10.5072/own-2", "title": "Ice at home", "access": "open"}),
    ("Dataset", {"pid": "10.5072/secret", "title": "Copper-7001", "access": "closed"}),
    ("File", {"datasetId": "10.5072/own-1", "name": "own.nxs", "size": 3}),
]


@pytest.fixture(scope="session")
def _peers() -> Iterator[Peers]:
    with serving_peers() as found:
        yield found


@pytest.fixture(scope="session")
def _node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[tuple[sa.Engine, Settings]]:
    with new_database(template) as address:
        settings = Settings(
            home=open_folder / "aggregator",
            database_url=address,
            facility="ILL",
            base_url=BASE,
        )
        with open_database(settings) as engine:
            with engine.begin() as connection:
                write(connection, OWN, now=NOW)
            yield engine, settings


@pytest.fixture
def node_settings(_node: tuple[sa.Engine, Settings]) -> Settings:
    return _node[1]


@pytest.fixture
def node_engine(_node: tuple[sa.Engine, Settings]) -> sa.Engine:
    return _node[0]


Asking = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture
def asking(_peers: Peers, _node: tuple[sa.Engine, Settings]) -> Asking:
    """Makes a node that asks the peers that are given by name, and a client of it."""
    engine, settings = _node

    @contextmanager
    def make(*, deadline_s: float | None = None, **given: Peer) -> Iterator[TestClient]:
        _peers.by_name = given
        # those that answer at once are waited for however busy the machine is
        usual = 3.0 if any(peer.delay_s for peer in given.values()) else 20.0
        own = settings.model_copy(update={"federation_deadline_s": deadline_s or usual})
        rows = [_row(name, _peers.url(name)) for name in given]
        with ExitStack() as stack:
            with engine.begin() as connection:
                connection.execute(sa.delete(connector))
                if rows:
                    connection.execute(sa.insert(connector), rows)
            app = create_app(own, engine, clock=lambda: NOW)
            client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
            yield stack.enter_context(client)

    return make


@pytest.fixture
def visited(asking: Asking, node_settings: Settings, node_engine: sa.Engine) -> Any:
    """Serves a node that asks the peers that are given, for a browser."""

    @contextmanager
    def make(**given: Any) -> Iterator[str]:
        with asking(**given):
            own = node_settings.model_copy(update={"base_url": None, "federation_deadline_s": 9.0})
            with serving(create_app(own, node_engine, clock=lambda: NOW)) as address:
                yield address

    return make


def _row(name: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "panosc",
        "url": url,
        "title": f"The {name}",
        "prefix": f"{name}/",
        "account": "sesam-account",
        "is_private": True,
        "is_harvested": False,
        "by": "test",
        "added": NOW,
    }
