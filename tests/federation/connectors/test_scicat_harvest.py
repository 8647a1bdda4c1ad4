"""SciCat and myMdC harvested into a catalogue: whole records, their links, changes, deletions."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cloud.standins import mymdc, scicat
from cloud.standins import mymdc_records as xfel
from cloud.standins import scicat_records as ess

from panosc.catalogue import tables
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Clock = Callable[[], datetime]


@pytest.fixture
def harvester(engine: sa.Engine, settings: Settings) -> Harvester:
    """What fetches."""
    return Harvester(engine, settings, lambda: NOW)


def add(engine: sa.Engine, secret: Path | None, **given: Any) -> None:
    """Keep a source."""
    own = {"name": "there", "title": "A Facility", "is_private": True}
    Sources(engine, lambda: NOW).add(Source(**(own | given)), secret_file=secret, by="test")


def counts(engine: sa.Engine, *names: str) -> dict[str, int]:
    """Return how many rows tables have."""
    with engine.connect() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in names
        }


def test_a_scicat_comes_with_all_its_links(engine: sa.Engine, harvester: Harvester) -> None:
    server = scicat.SciCat(records=ess.some(40))
    with scicat.serving(server) as address:
        add(engine, None, kind="scicat", url=address, prefix="there/")
        outcome = harvester.harvest("there", Wish(by="test"))
        assert outcome.counts.refused == 0
        names = ("dataset", "document", "instrument", "sample", "file")
        assert counts(engine, *names) == {
            "dataset": 36,
            "document": 3,
            "instrument": 6,
            "sample": 6,
            "file": 72,
        }
        links = counts(engine, "document_dataset", "dataset_sample", "dataset_technique")
        # 32 raw ones are public, and one publication links three
        assert links == {"document_dataset": 35, "dataset_sample": 32, "dataset_technique": 36}
        server.records["datasets"][0] |= {
            "datasetName": "Renamed",
            "updatedAt": "2026-10-31T00:00:00.000Z",
        }
        server.records["proposals"][0] |= {
            "title": "Renamed",
            "updatedAt": "2026-10-31T00:00:00.000Z",
        }
        server.records["datasets"][1]["isPublished"] = False
        del server.records["datasets"][2]
        harvester.harvest("there", Wish(by="test", sweep=True))
    with engine.connect() as connection:
        titles = set(connection.scalars(sa.select(tables.dataset.c.title)))
        documents = set(connection.scalars(sa.select(tables.document.c.title)))
    assert len(titles) == 34
    assert "Renamed" in titles
    assert "Renamed" in documents
    later = counts(engine, "document_dataset", "dataset_sample", "member")
    assert later["document_dataset"] == 35 - 2 - 2, "links of what stayed are still there"
    assert later["dataset_sample"] == 30


def test_an_adopted_scicat_keeps_identifiers_and_groups(
    engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(scicat.PASSWORD)
    with scicat.serving(scicat.SciCat(records=ess.some(20))) as address:
        given = {"kind": "scicat", "url": address, "is_adopted": True}
        add(engine, secret, account=scicat.ACCOUNT, is_live=False, **given)
        harvester.harvest("there", Wish(by="test"))
    dataset = tables.dataset.c
    asked = sa.select(dataset.pid, dataset.access, dataset.owner_group, dataset.is_public)
    with engine.connect() as connection:
        found = {row.pid: tuple(row)[1:] for row in connection.execute(asked)}
        given = tables.share.c
        of = sa.select(dataset.pid, given.reader, given.source, given.until)
        shares = connection.execute(of.where(given.dataset_id == dataset.id)).all()
    assert len(found) == 20
    closed = {pid for pid, (_, _, is_public) in found.items() if not is_public}
    assert {tuple(row) for row in shares} == {(pid, "staff", "there", None) for pid in closed}
    assert found[ess.dataset_pid(9)] == ("closed", "group2", False)
    assert found[ess.dataset_pid(0)][2] is True


def test_a_mymdc_comes_with_all_its_links(
    engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(mymdc.PASSWORD)
    server = mymdc.MyMdC(records=xfel.some(3, 4))
    options = {"proposals": "2000-2009", "email": "reader@example.org"}
    with mymdc.serving(server) as address:
        given = {"kind": "mymdc", "url": address, "is_adopted": True, "is_live": False}
        add(engine, secret, account=mymdc.ACCOUNT, options=options, **given)
        assert harvester.harvest("there", Wish(by="test")).counts.refused == 0
        expected = {"dataset": 12, "document": 3, "sample": 3, "file": 24}
        assert counts(engine, *expected) == expected
        assert counts(engine, "document_dataset", "dataset_sample", "dataset_technique") == {
            "document_dataset": 12,
            "dataset_sample": 12,
            "dataset_technique": 12,
        }
        server.records["proposals"].pop()
        harvester.harvest("there", Wish(by="test", sweep=True))
    assert counts(engine, "dataset", "document") == {"dataset": 8, "document": 2}
    dataset = tables.dataset.c
    with engine.connect() as connection:
        opened = connection.execute(sa.select(dataset.pid, dataset.open_at, dataset.access)).all()
    assert {row.access for row in opened} == {"embargoed"}
    assert {row.open_at.year for row in opened} == {2025}, "open since their release"
