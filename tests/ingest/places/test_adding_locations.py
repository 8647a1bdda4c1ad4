"""Files that lie in a further place: looked at there, added in a run, taken back."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from panosc.catalogue.changes import last, since
from panosc.catalogue.people import audit
from panosc.catalogue.tables import location
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid, Unreachable
from panosc.files.storage import opening
from panosc.files.storage.places import Store
from panosc.ingest.places import adding
from panosc.ingest.places.adding import Adding, Report, Wish, prefix_of
from panosc.ingest.runs.service import Runs
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("a.h5", "ä b#1.h5", "folder/c%20.h5", "gone.h5", "longer.h5", "other.h5")


class House:
    """Files on disk that are catalogued, and a copy of most of them elsewhere."""

    def __init__(self, engine: sa.Engine, settings: Settings, folder: Path) -> None:
        self.engine = engine
        self.settings = settings
        self.old, self.copy = folder / "old", folder / "copy"
        rows: list[tuple[str, Any]] = []
        for number, name in enumerate(NAMES):
            for root in (self.old, self.copy):
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(name.encode() * 100)
            path, pid = self.old / name, f"local/{number}"
            known = {"datasetId": pid, "name": name, "size": path.stat().st_size}
            rows += [
                ("Dataset", {"pid": pid, "access": "open"}),
                ("File", known | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}),
                (
                    "Location",
                    known | {"url": path.as_uri(), "mtimeNs": path.stat().st_mtime_ns},
                ),
            ]
        (self.copy / "gone.h5").unlink()
        (self.copy / "longer.h5").write_bytes(b"longer than it was")
        (self.copy / "other.h5").write_bytes(b"OTHER.h5" * 100)
        with engine.begin() as connection:
            write(connection, rows, now=NOW)
        self.store = Store(name="mirror", url=f"{self.copy.as_uri()}/")

    def add(self, stores: Sequence[Store] | None = None, **wished: Any) -> Report:
        wish = {"old": f"{self.old.as_uri()}/", "new": self.store.url, "reason": "moved"}
        stores = (self.store,) if stores is None else stores
        return Adding(self.engine, stores, lambda: NOW).add(OPERATOR, Wish(**(wish | wished)))

    def locations(self) -> list[tuple[str, str]]:
        query = sa.select(location.c.name, location.c.url).order_by("url")
        with self.engine.connect() as connection:
            return [(row.name, row.url) for row in connection.execute(query)]


@pytest.fixture
def house(engine: sa.Engine, settings: Settings, tmp_path: Path) -> House:
    return House(engine, settings, tmp_path)


def counts(report: Report) -> tuple[int, ...]:
    names = ("files", "added", "known", "missing", "different", "unreadable", "replaced")
    return tuple(getattr(report, name) for name in names)


def test_what_lies_there_too_gets_a_further_place(house: House) -> None:
    before = house.locations()
    with house.engine.connect() as connection:
        number = last(connection)
    rehearsed = house.add(dry_run=True)
    assert counts(rehearsed) == (6, 4, 0, 1, 1, 0, 0)
    assert (rehearsed.run, house.locations()) == (None, before)
    report = house.add()
    assert counts(report) == (6, 4, 0, 1, 1, 0, 0)
    assert [problem.url.rpartition("/")[2] for problem in report.problems] == [
        "gone.h5",
        "longer.h5",
    ]
    added = sorted(set(house.locations()) - set(before))
    assert [name for name, _ in added] == ["a.h5", "folder/c%20.h5", "other.h5", "ä b#1.h5"]
    assert added[-1][1] == (house.copy / "ä b#1.h5").as_uri()
    with house.engine.connect() as connection:
        changed = {change.pid for change in since(connection, number, limit=100)}
        line = connection.execute(sa.select(audit)).one()
    assert changed == {"local/0", "local/1", "local/2", "local/5"}
    assert (line.event, line.subject, line.reason) == (
        "locations.added",
        f"run:{report.run}",
        "moved",
    )
    # once more changes nothing
    again = house.add()
    assert counts(again) == (6, 0, 4, 1, 1, 0, 0)
    runs = Runs(house.engine, house.settings, lambda: NOW)
    runs.undo(OPERATOR, again.run, reason="a mistake")
    runs.undo(OPERATOR, report.run, reason="a mistake")
    assert house.locations() == before


def test_checksums_are_compared_when_wished(house: House) -> None:
    report = house.add(verify=True)
    assert counts(report) == (6, 3, 0, 1, 2, 0, 0)
    assert "another checksum" in report.problems[-1].problem
    assert report.bytes_read == sum(len(name.encode()) * 100 for name in (*NAMES[:3], "other.h5"))


def test_the_old_place_is_forgotten_when_wished(house: House) -> None:
    report = house.add(replace=True, verify=True)
    assert counts(report) == (6, 3, 0, 1, 2, 0, 3)
    assert sorted(house.locations()) == sorted(
        (name, ((house.copy if name in NAMES[:3] else house.old) / name).as_uri()) for name in NAMES
    )
    Runs(house.engine, house.settings, lambda: NOW).undo(OPERATOR, report.run, reason="a mistake")
    assert sorted(house.locations()) == sorted(
        (name, (house.old / name).as_uri()) for name in NAMES
    )


def test_it_goes_on_where_it_was_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "BATCH", 2)
    seen: list[int] = []

    def stop(done: int, _total: int) -> None:
        seen.append(done)
        if done == 4:
            raise KeyboardInterrupt

    wish = Wish(old=f"{house.old.as_uri()}/", new=house.store.url)
    with pytest.raises(KeyboardInterrupt):
        Adding(house.engine, (house.store,), lambda: NOW).add(OPERATOR, wish, progress=stop)
    assert seen == [2, 4]
    first = len(house.locations()) - len(NAMES)
    assert first > 0
    report = house.add()
    assert (report.known, report.added) == (first, 4 - first)


def test_places_of_others_are_left_to_them(house: House) -> None:
    url = (house.copy / "a.h5").as_uri()
    row = {"url": url, "datasetId": "local/5", "name": "x", "size": 1, "mtimeNs": 1}
    with house.engine.begin() as connection:
        write(connection, [("Location", row)], now=NOW)
    report = house.add()
    assert any("another dataset's" in item.problem for item in report.problems)
    assert ("x", url) in house.locations()


def test_no_prefix_is_taken_that_is_none(house: House) -> None:
    for wished in ({"old": "/data"}, {"new": "s3://elsewhere/"}, {"new": f"{house.old.as_uri()}/"}):
        with pytest.raises(Invalid):
            house.add(**wished)
    assert prefix_of("/a b", lambda path: Path(path).as_uri()) == "file:///a%20b/"
    assert prefix_of("s3://b/c", str) == "s3://b/c/"


def test_a_storage_that_is_down_changes_nothing(house: House) -> None:
    store = Store(name="down", url="http://127.0.0.1:9/", private=True, time_limit_s=0.3)
    before = house.locations()
    with pytest.raises(Unreachable, match="storage down cannot be read from"):
        house.add(stores=(store,), new=store.url)
    opening.disconnect()
    assert house.locations() == before
    listed = Runs(house.engine, house.settings, lambda: NOW).runs(OPERATOR)
    assert [item.state for item in listed] == ["failed"]
