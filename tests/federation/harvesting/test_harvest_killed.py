"""Harvests that are killed, cut off or told of changes end as undisturbed ones do."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.federation.harvesting.conftest import Added
from tests.federation.harvesting.folders import catalogue
from tests.federation.harvesting.made import MadeConnector, events_of, feed

from panosc.catalogue.dumping import dump
from panosc.catalogue.federating.tables import connector, harvest, raw
from panosc.domain.errors import Conflict, Upstream
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.settings import Settings

WISH = Wish(by="test")
KILLS = 20
ROOT = Path(__file__).parents[3]


def dumped(engine: sa.Engine, folder: Path) -> dict[str, bytes]:
    dump(engine, folder, bare=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def states(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(harvest.c.state).order_by(harvest.c.id)))


def undisturbed(
    engine: sa.Engine, harvester: Harvester, add: Added, feed_: Path, folder: Path
) -> dict[str, bytes]:
    """Return what one harvest makes of a feed; nothing is left of it."""
    add(feed_)
    harvester.harvest("there", WISH)
    found = dumped(engine, folder)
    with engine.begin() as connection:
        connection.execute(sa.delete(connector))
        for table in ("dataset", "document", "sample", "instrument", "technique", "person"):
            connection.execute(sa.text(f"truncate {table} cascade"))
        connection.execute(sa.text("truncate affiliation cascade"))
    return found


def test_killed_at_twenty_points_it_comes_to_the_same(
    engine: sa.Engine, settings: Settings, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    events = feed(tmp_path / "feed", events_of(catalogue(1990)))
    expected = undisturbed(engine, harvester, add, events, tmp_path / "one")
    add(events, options={"size": "50"})
    assert settings.database_url is not None
    done = subprocess.run(
        [sys.executable, "-m", "tests.federation.harvesting.killing", "there", str(KILLS), "100"],
        cwd=ROOT,
        env={
            "PANOSC_DATABASE_URL": settings.database_url.get_secret_value(),
            "PANOSC_HOME": str(settings.home),
            "PATH": "",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["-9"] * KILLS + ["0"]
    assert dumped(engine, tmp_path / "two") == expected
    found = states(engine)
    assert set(found[:-2]) <= {"stopped", "done"}
    assert found.count("stopped") >= KILLS // 2
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(raw)) == 2000


def test_only_what_changed_is_fetched_again(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    rows = catalogue(1990)
    path = feed(tmp_path / "feed", events_of(rows))
    add(path, options={"size": "1000"})
    harvester.harvest("there", WISH)
    with engine.connect() as connection:
        last = connection.scalar(sa.text("select max(number) from changes"))
    MadeConnector.fetched.clear()
    corrected = [event for event in events_of(catalogue(1990, changed=100)) if "set-" in event[0]]
    gone = [(f"set-{number:06}", None) for number in range(1890, 1990)]
    news = [*corrected[:100], *gone]
    feed(path, news)
    outcome = harvester.harvest("there", WISH)
    assert MadeConnector.fetched == [name for name, _ in news]
    assert (outcome.counts.changed, outcome.counts.gone, outcome.counts.new) == (100, 100, 0)
    with engine.connect() as connection:
        feed_ = connection.execute(
            sa.text(
                "select model, deleted, count(*) from changes where number > :last"
                " group by 1, 2 order by 1, 2"
            ),
            {"last": last},
        ).all()
        count = connection.scalar(sa.text("select count(*) from dataset"))
        titles = connection.scalar(
            sa.text("select count(*) from dataset where title like '%, corrected'")
        )
    assert [tuple(row) for row in feed_] == [
        ("Dataset", False, 100),
        ("Dataset", True, 100),
        ("Sample", True, 100),
    ]
    assert (count, titles) == (1890, 100)


def test_a_wire_that_is_cut_costs_nothing(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    path = feed(tmp_path / "feed", events_of(catalogue(190)))
    expected = undisturbed(engine, harvester, add, path, tmp_path / "one")
    add(path)
    MadeConnector.fetched.clear()
    MadeConnector.fails_after = 2
    with pytest.raises(Upstream, match="the wire was cut"):
        harvester.harvest("there", WISH)
    assert states(engine) == ["failed"]
    MadeConnector.fails_after = None
    harvester.harvest("there", WISH)
    assert len(MadeConnector.fetched) == 200
    assert dumped(engine, tmp_path / "two") == expected


def test_half_a_list_deletes_nothing(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    path = feed(tmp_path / "feed", events_of(catalogue(40)))
    add(path)
    harvester.harvest("there", WISH)
    before = dumped(engine, tmp_path / "one")
    MadeConnector.sweep_fails = True
    with pytest.raises(Upstream, match="half a list"):
        harvester.harvest("there", Wish(by="test", sweep=True))
    assert dumped(engine, tmp_path / "two") == before


def test_more_than_half_gone_is_not_believed_at_once(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    events = events_of(catalogue(40))
    path = feed(tmp_path / "feed", events)
    add(path)
    harvester.harvest("there", WISH)
    path.unlink()
    feed(path, events[:24])
    with pytest.raises(Conflict, match="26 of the 50"):
        harvester.harvest("there", Wish(by="test", sweep=True))
    outcome = harvester.harvest("there", Wish(by="test", sweep=True, force=True))
    assert outcome.counts.gone == 26
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from dataset")) == 14
