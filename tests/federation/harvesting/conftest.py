"""What tests of harvesting share: a harvester, a connector of the test's own, feeds."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.federation.harvesting.made import MadeConnector

from panosc.federation import connectors
from panosc.federation.harvesting.harvester import Harvester
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
Added = Callable[..., str]


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MadeConnector]]:
    """The kind ``made``, as if it were a plug-in."""
    known = connectors.kinds()
    monkeypatch.setattr(connectors, "kinds", lambda: known | {"made": MadeConnector})
    MadeConnector.fetched.clear()
    yield MadeConnector
    MadeConnector.fetched.clear()
    MadeConnector.fails_after = None
    MadeConnector.sweep_fails = False


@pytest.fixture
def harvester(engine: sa.Engine, settings: Settings) -> Harvester:
    """Harvests into the database of this test."""
    return Harvester(engine, settings, lambda: NOW)


@pytest.fixture
def add(engine: sa.Engine) -> Added:
    """Adds a catalogue: a folder or a feed."""

    def adding(place: Path, name: str = "there", kind: str = "made", **given: object) -> str:
        source = Source(name=name, kind=kind, url=place.as_uri(), title=name.title(), **given)  # type: ignore[arg-type]
        Sources(engine, lambda: NOW).add(source, secret_file=None, by="test")
        return name

    return adding
