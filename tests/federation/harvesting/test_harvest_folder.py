"""A folder of NDJSON is harvested: what is there comes, what changed comes, what is gone goes."""

import os
from pathlib import Path

import sqlalchemy as sa
from tests.federation.harvesting.conftest import NOW, Added
from tests.federation.harvesting.folders import catalogue, write

from panosc.catalogue import changes
from panosc.catalogue.dumping import dump
from panosc.catalogue.loading import load
from panosc.federation.harvesting.harvester import Harvester, Wish

WISH = Wish(by="test")


def dumped(engine: sa.Engine, folder: Path) -> dict[str, bytes]:
    dump(engine, folder, bare=True)
    return {
        path.name: path.read_bytes().replace(b',"source":"there"', b"")
        for path in sorted(folder.iterdir())
    }


def last(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return changes.last(connection)


def test_a_harvest_brings_what_a_load_brings(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    folder = write(tmp_path / "there", catalogue(50))
    add(folder, kind="ndjson", is_adopted=True)
    outcome = harvester.harvest("there", WISH)
    assert (outcome.counts.new, outcome.counts.refused) == (61, 0)
    found = dumped(engine, tmp_path / "one")
    with engine.begin() as connection:
        tables = "dataset, document, sample, instrument, technique, person, affiliation"
        connection.execute(sa.text(f"truncate {tables} cascade"))
    load(engine, folder, now=NOW)
    loaded = dumped(engine, tmp_path / "two")
    # people are called after the source, unless they have an ORCID iD
    for name in ("Person", "Affiliation", "Member"):
        named = found.pop(f"{name}.ndjson").replace(b"there/", b"")
        assert named == loaded.pop(f"{name}.ndjson")
    assert found == loaded


def test_what_is_the_same_changes_nothing(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    folder = write(tmp_path / "there", catalogue(50))
    add(folder, kind="ndjson")
    harvester.harvest("there", WISH)
    again = harvester.harvest("there", WISH)
    assert again.counts.seen == 0
    number = last(engine)
    os.utime(folder / "Dataset.ndjson", ns=(1, 1))
    touched = harvester.harvest("there", WISH)
    assert (touched.counts.seen, touched.counts.changed, touched.counts.new) == (61, 0, 0)
    assert last(engine) == number
    write(folder, catalogue(45, changed=3))
    changed = harvester.harvest("there", Wish(by="test", sweep=True))
    assert (changed.counts.changed, changed.counts.gone) == (3, 5)
    assert last(engine) > number
