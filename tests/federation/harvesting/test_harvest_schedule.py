"""What is due is harvested; what fails is tried later and later; one at a time is at it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.federation.harvesting.conftest import NOW, Added
from tests.federation.harvesting.folders import catalogue
from tests.federation.harvesting.made import MadeConnector, events_of, feed

from panosc.catalogue.federating.tables import connector, harvest
from panosc.domain.errors import Conflict
from panosc.federation.harvesting.harvester import Harvester, Stopped, Wish, alone
from panosc.federation.harvesting.running import Harvesting, harvesting
from panosc.settings import Settings


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def always() -> bool:
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(engine: sa.Engine, settings: Settings, clock: Clock) -> Harvesting:
    return Harvesting(engine, settings, clock)


def due(engine: sa.Engine, name: str) -> datetime:
    with engine.connect() as connection:
        found = connection.scalar(sa.select(connector.c.due).where(connector.c.name == name))
    assert isinstance(found, datetime)
    return found


def count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("select count(*) from dataset")) or 0)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return feed(tmp_path / "feed", events_of(catalogue(95, documents=5)))


def test_what_is_due_is_harvested_about_each_hour(
    engine: sa.Engine, work: Harvesting, clock: Clock, add: Added, events: Path
) -> None:
    add(events)
    assert work.step(always)
    assert count(engine) == 95
    first = due(engine, "there")
    assert timedelta(minutes=50) < first - NOW < timedelta(minutes=70)
    assert not work.step(always)
    clock.now = first
    feed(events, events_of(catalogue(97, documents=5))[-2:])
    assert work.step(always)
    assert count(engine) == 97


def test_one_that_fails_is_tried_later_and_later(
    engine: sa.Engine, work: Harvesting, clock: Clock, add: Added, events: Path
) -> None:
    add(events)
    MadeConnector.fails_after = 0
    waits = []
    for _ in range(7):
        assert work.step(always)
        waits.append((due(engine, "there") - clock.now) / timedelta(hours=1))
        clock.now = due(engine, "there")
    assert waits == pytest.approx([2, 4, 8, 16, 24, 24, 24], rel=0.11)
    with engine.connect() as connection:
        last = connection.execute(sa.select(harvest).order_by(harvest.c.id.desc())).first()
    assert last is not None
    assert (last.state, last.message) == (
        "failed",
        "Made up failed: RuntimeError: the wire was cut",
    )
    MadeConnector.fails_after = None
    assert work.step(always)
    assert due(engine, "there") - clock.now < timedelta(hours=1.2)


def test_one_that_takes_long_gives_way(
    engine: sa.Engine,
    settings: Settings,
    clock: Clock,
    add: Added,
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("panosc.federation.harvesting.harvester._LOOK_S", 0.0)
    add(events, "long", options={"size": "5"})
    add(events, "other")
    clock.now = NOW + timedelta(seconds=1)
    work = Harvesting(engine, settings, clock, turn_s=0.0)
    assert work.step(always)
    with engine.connect() as connection:
        states = connection.execute(sa.select(harvest.c.connector, harvest.c.state)).all()
    assert [tuple(row) for row in states] == [("long", "stopped")]
    assert due(engine, "long") == clock.now
    assert work.step(always)
    assert count(engine) == 95


def test_it_stops_when_the_node_does(
    engine: sa.Engine,
    harvester: Harvester,
    add: Added,
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("panosc.federation.harvesting.harvester._LOOK_S", 0.0)
    add(events, options={"size": "5"})
    with pytest.raises(Stopped):
        harvester.harvest("there", Wish(by="test"), goes_on=lambda: False)
    assert count(engine) < 95
    harvester.harvest("there", Wish(by="test"))
    assert count(engine) == 95


def test_one_at_a_time_is_at_a_catalogue(
    engine: sa.Engine, harvester: Harvester, add: Added, events: Path
) -> None:
    add(events)
    with alone(engine, "there"), pytest.raises(Conflict):
        harvester.harvest("there", Wish(by="test"))
    harvester.harvest("there", Wish(by="test"))


def test_it_runs_beside_a_node(
    engine: sa.Engine, settings: Settings, add: Added, events: Path, clock: Clock
) -> None:
    add(events)
    with harvesting(engine, settings, clock):
        deadline = datetime.now(UTC) + timedelta(seconds=60)
        while count(engine) < 95 and datetime.now(UTC) < deadline:
            time.sleep(0.05)
    assert count(engine) == 95
