"""A node that asks other catalogues, which are on loopback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from live_providers import Providers, misbehaving

from panosc.catalogue.federating.tables import connector
from panosc.federation.live.asking import Fanout
from panosc.search.service import SearchService
from panosc.settings import Settings

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
AddSource = Callable[..., None]


@pytest.fixture(scope="session")
def _providers() -> Iterator[Providers]:
    with misbehaving() as found:
        yield found


@pytest.fixture
def providers(_providers: Providers) -> Providers:
    """Catalogues that misbehave."""
    found = _providers
    for kept in (found.asked, found.delays, found.once, found.broken, found.refused, found.records):
        kept.clear()
    return _providers


@pytest.fixture
def add_source(engine: sa.Engine) -> AddSource:
    """Tells the node of a catalogue of the PaNOSC search API."""

    def add(name: str, url: str, **options: Any) -> None:
        row = {
            "name": name,
            "kind": "panosc",
            "url": url,
            "title": name.upper(),
            "prefix": f"{name}/",
            "is_private": True,
            "by": "test",
            "added": NOW,
        }
        with engine.begin() as connection:
            connection.execute(sa.insert(connector).values(row | options))

    return add


@pytest.fixture
def new_fanout(engine: sa.Engine, settings: Settings) -> Callable[..., Any]:
    """Makes what asks them all."""

    @contextmanager
    def make(**changed: Any) -> Iterator[Fanout]:
        # so long that a busy machine makes nobody late
        own = settings.model_copy(update={"federation_deadline_s": 20.0} | changed)
        service = SearchService(engine, own, lambda: NOW)
        with Fanout(engine, own, lambda: NOW, service) as found:
            yield found

    return make
