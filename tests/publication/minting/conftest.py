"""A running stand-in, and a node that registers DOIs at it."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from minting_house import House, house

from panosc.publication.minting.standin import StandIn
from panosc.settings import Settings


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """The stand-in of DataCite, without faults."""
    with StandIn(silence_s=1.5).running() as running:
        yield running


@pytest.fixture
def node(engine: sa.Engine, settings: Settings, stand_in: StandIn) -> Iterator[House]:
    """A node with an account at it, that waits as long as a real one."""
    with house(engine, settings, stand_in) as opened:
        yield opened
