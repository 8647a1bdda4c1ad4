"""ICAT and ICAT+ harvested into a catalogue: whole records, links, changes, deletions, embargo."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cloud.standins import icat, icat_records, icatplus, icatplus_records

from panosc.catalogue import tables
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
AT = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def harvester(engine: sa.Engine, settings: Settings) -> Harvester:
    """What fetches."""
    return Harvester(engine, settings, lambda: NOW)


def add(engine: sa.Engine, folder: Path, **given: Any) -> None:
    """Keep a source; the stand-ins' account is its own secret."""
    secret = folder / "secret"
    secret.write_text("reader")
    own = {"name": "there", "title": "A Facility", "is_private": True, "account": "reader"}
    Sources(engine, lambda: NOW).add(Source(**(own | given)), secret_file=secret, by="test")


def counts(engine: sa.Engine, *names: str) -> dict[str, int]:
    """Return how many rows tables have."""
    with engine.connect() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in names
        }


def test_an_icat_comes_with_all_its_links(
    engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    writing = icat_records.some(4, at=AT, each=5)
    with icat.serving(writing.icat) as address:
        add(engine, tmp_path, kind="icat", url=address, is_adopted=True)
        assert harvester.harvest("there", Wish(by="test")).counts.refused == 0
        expected = {
            "dataset": 20,
            "document": 4,
            "instrument": 4,
            "sample": 4,
            "person": 2,
            "member": 8,
            "file": len(writing.icat.store.rows["Datafile"]),
            "parameter": 60,
            "document_dataset": 20,
            "dataset_sample": 20,
            "dataset_technique": 20,
        }
        assert counts(engine, *expected) == expected
        writing.at = AT + timedelta(days=1)
        # a part alone: the time of its dataset stays
        writing.add("DatasetParameter", dataset=3, type=2, numericValue=5.0)
        writing.change("Investigation", 1, releaseDate=AT - timedelta(days=9))
        writing.icat.store.delete("Dataset", 20)
        harvester.harvest("there", Wish(by="test", sweep=True))
    later = counts(engine, "dataset", "parameter", "document_dataset")
    # the new one is of a name and unit that are there already: the first counts
    assert later == {"dataset": 19, "parameter": 57, "document_dataset": 19}
    d = tables.dataset.c
    with engine.connect() as connection:
        rows = connection.execute(sa.select(d.pid, d.access, d.open_at, d.owner_group)).all()
    opened = {row.pid: row.open_at <= NOW for row in rows}
    assert {row.access for row in rows} == {"embargoed"}
    assert opened["1"], "its proposal was released"
    assert opened["6"]
    assert not opened["11"]
    assert {row.owner_group for row in rows} == {"P2001", "P2002", "P2003", "P2004"}


def test_an_icatplus_comes_with_all_its_links(
    engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    plus = icatplus_records.some(3, at=AT, each=5)
    # whenever this runs, what is recent is all
    options = {"plugin": "db", "window_days": "3650"}
    with icatplus.serving(plus) as address:
        add(engine, tmp_path, kind="icatplus", url=address, prefix="there/", options=options)
        assert harvester.harvest("there", Wish(by="test")).counts.refused == 0
        expected = {"dataset": 18, "document": 3, "person": 2, "member": 6, "document_dataset": 18}
        assert counts(engine, *expected) == expected
        del plus.datasets[100101]
        plus.datasets[100102]["name"] = "renamed"
        harvester.harvest("there", Wish(by="test", sweep=True))
    assert counts(engine, "dataset", "document_dataset") == {
        "dataset": 17,
        "document_dataset": 17,
    }
    d = tables.dataset.c
    with engine.connect() as connection:
        titles = set(connection.scalars(sa.select(d.title)))
        derived = connection.scalar(sa.select(d.derived_from).where(d.pid == "there/100150"))
    assert "renamed" in titles
    assert derived == ["there/100100"]
