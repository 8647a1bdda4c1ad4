"""Files to announce, and a node that takes announcements."""

from collections.abc import Iterator
from pathlib import Path

import announcing_node as given
import pytest
import sqlalchemy as sa

from panosc.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder that files may be announced of."""
    # not named data: pyicat-plus takes away what stands before that
    folder = tmp_path / "measured"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(database_url: str, tmp_path: Path, data: Path) -> Settings:
    """Settings of a node that takes files of one folder."""
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        ingest_roots=(data,),
        instrument_roots={given.ID02: (data / "id02",)},
        facility="ESRF",
        ingest_workers=1,
    )


@pytest.fixture
def announcing(settings: Settings, engine: sa.Engine, data: Path) -> Iterator[given.Node]:
    """A served node without a desk: a test works on announcements when it wants to."""
    with given.serving_node(settings, engine, data) as node:
        yield node
