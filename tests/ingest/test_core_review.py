"""What may happen to files between their first byte and their dataset, and after that."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import orjson
import pytest
import sqlalchemy as sa
from arriving import OneRule
from typing_extensions import override

from panosc.catalogue.dumping import dump
from panosc.catalogue.tables import metadata
from panosc.domain.access import OPERATOR
from panosc.files.sandbox import Outcome
from panosc.ingest import service, store
from panosc.ingest.grouping.file import EntryGrouping, FileGrouping
from panosc.ingest.grouping.folder import FolderGrouping
from panosc.ingest.grouping.pattern import PatternGrouping
from panosc.ingest.passing import Passage
from panosc.ingest.profiles import Completion, Match, Profile, Rule
from panosc.ingest.readers import Readers, readers
from panosc.ingest.report import Report
from panosc.ingest.runs import undoing
from panosc.ingest.service import Intake, Request
from panosc.ingest.told import Told
from panosc.ingest.walking import Walk
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Folders(OneRule):
    """Each folder below the root is a dataset, after a minute of quiet; tiers as they are set."""

    def __init__(self, root: Path, name: str = "test") -> None:
        super().__init__(root, FolderGrouping(), {})
        self.name = name
        self.nearline: set[str] = set()
        self.proposal: str | None = None

    @override
    def match(self, path: Any) -> Any:
        inside = path.relative_to(self.root)
        if len(inside.parts) < 2:
            return None
        folder = self.root / inside.parts[0]
        place = self.rule.grouping.place(path, folder, {})
        assert place is not None
        return Match(rule=self.rule, place=place, name=str(path.relative_to(folder)))

    @override
    def told(self, match: Any) -> Told:
        return Told(proposal=self.proposal)

    @override
    def tiers(self, paths: Any) -> list[str]:
        return ["nearline" if path in self.nearline else "online" for path in paths]


@pytest.fixture(scope="module")
def reading() -> Iterator[Readers]:
    with readers(Settings(ingest_workers=1)) as those_who_read:
        yield those_who_read


class Site:
    """A node with a profile that may change, a folder, and a clock."""

    def __init__(self, engine: sa.Engine, settings: Settings, root: Path) -> None:
        self.engine, self.settings, self.root = engine, settings, root
        self.profile: Profile = Folders(root)
        self.now = NOW

    @property
    def folders(self) -> Folders:
        assert isinstance(self.profile, Folders)
        return self.profile

    def write(self, name: str, content: bytes, *, ago: float = 0) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        stamp = int((self.now.timestamp() - ago) * 10**9)
        os.utime(path, ns=(stamp, stamp))
        return path

    def go(self, *roots: Path, later: float = 0, **options: Any) -> Report:
        self.now += timedelta(seconds=later)
        request = Request(roots=roots or [self.root], **options)
        return service.ingest(self.engine, self.settings, request, who=OPERATOR, now=self.now)

    def intake(self) -> Intake:
        request = Request(roots=[self.root])
        return Intake(self.engine, self.settings, request, who=OPERATOR, clock=lambda: self.now)

    def rows(self, text: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(text))]

    def files(self) -> list[list[str]]:
        """The names of files of each dataset, the oldest dataset first."""
        found = self.rows(
            "select array_agg(f.name order by f.name) from file f"
            " join dataset d on d.id = f.dataset_id group by d.id, d.created order by d.created"
        )
        return [row[0] for row in found]

    def dump(self, folder: Path) -> dict[str, list[dict[str, Any]]]:
        shutil.rmtree(folder, ignore_errors=True)
        dump(self.engine, folder, bare=True)
        return {
            path.stem: [orjson.loads(line) for line in path.read_bytes().splitlines()]
            for path in folder.glob("*.ndjson")
        }


@pytest.fixture
def site(
    engine: sa.Engine,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reading: Readers,
) -> Site:
    root = tmp_path / "in"
    root.mkdir()
    found = Site(engine, settings, root)
    monkeypatch.setattr(service, "readers", lambda _: nullcontext(reading))
    monkeypatch.setattr(service, "profile_of", lambda *_: found.profile)
    return found


# ---- whose terms ----


def test_a_place_is_completed_on_the_terms_of_those_who_named_it(site: Site) -> None:
    site.write("a/1.raw", b"secret")
    site.write("b/1.raw", b"known to all")
    assert site.go(site.root / "a", access="closed").waiting == 1
    report = site.go(site.root / "b", access="open", complete=True)
    assert (report.new, report.waiting) == (1, 0)
    assert site.rows("select title, access from dataset") == [("1.raw", "open")]
    assert site.go(site.root / "a", access="closed", later=70).new == 1
    assert sorted(site.rows("select access from dataset")) == [("closed",), ("open",)]


@pytest.mark.parametrize("access", ["closed", "open"])
def test_access_that_was_asked_for_goes_before_the_policy(site: Site, access: str) -> None:
    site.folders.proposal = "P"
    site.write("a/1.raw", b"data")
    site.go(access=access, complete=True)
    found = site.rows("select access, is_public, owner_group from dataset")
    assert found == [(access, access == "open", "P")]


# ---- profiles that change ----


def test_what_waits_by_another_profile_is_taken_by_this_one(site: Site) -> None:
    site.write("a/1.raw", b"one")
    assert site.go().waiting == 1
    site.profile = Folders(site.root, "other")
    assert site.go(later=70).new == 1
    assert site.rows("select profile, registered from arrival") == [("other", True)]


def test_a_profile_that_changes_while_a_folder_is_watched_loses_no_file(site: Site) -> None:
    site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    with site.intake().running(is_live=True) as passage:
        passage.take(list(Walk([site.root]).files()))
        assert passage.settle() == 1
        changed = Folders(site.root)
        changed.rule = Rule(
            name="renamed", grouping=FolderGrouping(), completion=Completion(quiet_s=60)
        )
        passage.profile = changed
        passage.settle()
        site.now += timedelta(seconds=70)
        passage.settle()
    assert site.files() == [["1.raw", "2.raw"]]


def test_a_late_file_joins_those_that_another_profile_has_registered(site: Site) -> None:
    folders, site.profile = site.profile, OneRule(site.root, *_single())
    site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    assert site.go().new == 2
    site.profile = folders
    site.go()
    site.write("a/3.raw", b"three")
    report = site.go(complete=True)
    assert (report.new, report.versions) == (0, 1)
    assert site.files()[-1] == ["1.raw", "2.raw", "3.raw"]


def test_a_late_file_joins_an_announced_dataset(site: Site) -> None:
    site.write("a/1.raw", b"one")
    assert site.go(site.root / "a", told=Told(title="Told"), complete=True).new == 1
    site.write("a/2.raw", b"two")
    assert site.go(complete=True).versions == 1
    assert site.files() == [["1.raw"], ["1.raw", "2.raw"]]


def test_an_announcement_takes_what_waits_by_itself(site: Site) -> None:
    site.write("a/1.raw", b"one")
    assert site.go().waiting == 1
    assert site.go(site.root / "a", told=Told(title="Told"), complete=True).new == 1
    assert site.rows("select title from dataset") == [("Told",)]
    assert site.go(later=70).waiting == 0
    assert len(site.files()) == 1


def _single() -> Any:
    return FileGrouping(), {}


# ---- while it waits ----


def test_a_file_that_breaks_while_it_waits_is_no_part_of_its_dataset(site: Site) -> None:
    site.write("a/1.raw", b"one")
    _scans(site.root / "a/2.h5", 1)
    assert site.go().quarantined == []
    assert site.rows("select count(*) from arrival") == [(2,)]
    site.write("a/2.h5", b"", ago=-1)
    assert [item.reason for item in site.go(later=2).quarantined] == ["empty"]
    assert site.go(later=200).new == 1
    assert site.files() == [["1.raw"]]


def test_a_file_that_goes_while_it_waits_is_no_part_of_its_dataset(site: Site) -> None:
    site.write("a/1.raw", b"one")
    site.write("a/2.raw.writing", b"two")
    assert site.go().waiting == 1
    (site.root / "a/2.raw.writing").rename(site.root / "a/2.raw")
    assert site.go(later=70).new == 1
    assert site.files() == [["1.raw", "2.raw"]]


def test_an_unfinished_file_holds_its_place_also_in_the_next_run(site: Site) -> None:
    site.write("a/1.raw", b"one", ago=100)
    site.write("a/2.h5", b"")
    for later in (0, 30):
        report = site.go(later=later)
        assert (report.new, report.waiting, len(report.quarantined)) == (0, 1, 1)
    assert site.go(later=40).new == 1


def test_a_file_that_changes_while_its_dataset_is_written_still_waits(site: Site) -> None:
    site.write("a/1.raw", b"one")
    with site.intake().running(is_live=True) as passage:
        passage.take(list(Walk([site.root]).files()))
        site.now += timedelta(seconds=70)
        real = passage.terms_of

        def meanwhile(proposal: str | None) -> Any:
            site.write("a/1.raw", b"changed")
            with site.intake().running(is_live=True) as other:
                other.take(list(Walk([site.root]).files()))
            return real(proposal)

        passage.terms_of = meanwhile
        passage.settle()
        passage.terms_of = real
        assert site.rows("select registered from arrival") == [(False,)]
        site.now += timedelta(seconds=70)
        passage.settle()
    assert site.rows("select size from location") == [(7,)]
    assert len(site.files()) == 2


def test_a_file_that_goes_to_tape_while_it_waits_is_registered_there(site: Site) -> None:
    path = site.write("a/1.raw", b"one")
    assert site.go().waiting == 1
    site.folders.nearline.add(str(path))
    assert site.go(later=70).new == 1
    assert site.rows("select tier, sha256 is null from location, file") == [("nearline", False)]


def test_a_file_that_comes_from_tape_while_it_waits_is_read(site: Site) -> None:
    path = site.write("a/1.raw", b"one")
    site.folders.nearline.add(str(path))
    assert site.go().waiting == 1
    site.folders.nearline.clear()
    assert site.go(later=70).new == 1
    assert site.rows("select tier, sha256 is null from location, file") == [("online", False)]


# ---- versions ----


def test_a_file_that_cannot_be_read_again_stays_in_the_next_version(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    assert site.go(complete=True).new == 1
    site.write("a/3.raw", b"three")
    _unreadable(monkeypatch, locked)
    assert site.go(complete=True).versions == 1
    assert site.files()[-1] == ["1.raw", "2.raw", "3.raw"]
    assert site.rows("select count(*) from file where sha256 is null") == [(0,)]


def test_a_version_waits_for_a_file_that_is_changing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    assert site.go(complete=True).new == 1
    with site.intake().running(is_live=True) as passage:
        late = site.write("a/3.raw", b"three")
        passage.take([item for item in Walk([site.root]).files() if item.path == str(late)])
        site.now += timedelta(seconds=70)
        site.write("a/1.raw", b"one more")
        with monkeypatch.context() as patch:
            _unreadable(patch, changing)
            assert passage.settle() == 1
        assert len(site.files()) == 1
        passage.take(list(Walk([site.root]).files()))
        site.now += timedelta(seconds=70)
        assert passage.settle() == 0
    assert site.files()[-1] == ["1.raw", "2.raw", "3.raw"]


def _unreadable(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Have a path refuse to be opened: rights do not, for whoever may do everything."""
    real = Passage._read

    def read(self: Any, files: Any) -> Iterator[Any]:
        for found, match, outcome in real(self, files):
            bad = Outcome(reason="not-openable", detail="it cannot be opened")
            yield found, match, bad if found.path == str(path) else outcome

    monkeypatch.setattr(Passage, "_read", read)


def test_a_change_on_tape_is_a_version_without_the_old_checksum(site: Site) -> None:
    path = site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    assert site.go(complete=True).new == 1
    site.folders.nearline.add(str(path))
    site.write("a/1.raw", b"other")
    site.write("a/3.raw", b"three")
    with site.intake().running(is_live=True) as passage:
        late = [item for item in Walk([site.root]).files() if item.path.endswith("3.raw")]
        passage.take(late)
        site.now += timedelta(seconds=70)
        passage.settle()
    (found,) = site.rows(
        "select f.size, f.sha256 from file f join dataset d on d.id = f.dataset_id"
        " where f.name = '1.raw' order by d.created desc limit 1"
    )
    assert found == (5, None)


# ---- undoing ----


def test_a_version_that_was_undone_comes_again_with_all_its_files(
    site: Site, tmp_path: Path
) -> None:
    site.write("a/1.raw", b"one")
    site.write("a/2.raw", b"two")
    assert site.go(complete=True).new == 1
    before = site.dump(tmp_path / "before")
    site.write("a/3.raw", b"three")
    report = site.go(complete=True)
    after = site.dump(tmp_path / "after")
    assert report.run is not None
    undoing.undo(site.engine, report.run, who=OPERATOR, reason="wrong", now=site.now)
    assert site.dump(tmp_path / "found") == before
    assert site.go(complete=True).versions == 1
    assert site.dump(tmp_path / "again") == after


def test_an_undone_version_leaves_its_place_knowing_of_the_others(site: Site) -> None:
    site.write("a/1.raw", b"one", ago=100)
    assert site.go(complete=True).new == 1
    with site.intake().running(is_live=True) as passage:
        site.write("a/2.raw", b"two")
        passage.take(list(Walk([site.root]).files()))
        site.now += timedelta(seconds=70)
        passage.settle()
        run = passage.report.run
    assert run is not None
    site.now += timedelta(minutes=5)
    undoing.undo(site.engine, run, who=OPERATOR, reason="wrong", now=site.now)
    assert [row[0].rpartition("/")[2] for row in site.rows("select url from arrival")] == ["1.raw"]


def test_entries_that_a_file_has_no_more_come_back_when_the_run_is_undone(
    site: Site, tmp_path: Path
) -> None:
    site.profile = OneRule(site.root, EntryGrouping(), {})
    path = site.root / "scans.h5"
    _scans(path, 3)
    assert site.go().new == 3
    before = site.dump(tmp_path / "before")
    _scans(path, 2)
    report = site.go()
    assert len(site.rows("select from location")) == 2
    undoing.undo(site.engine, report.run or 0, who=OPERATOR, reason="wrong", now=site.now)
    assert site.dump(tmp_path / "found") == before


def _scans(path: Path, number: int) -> None:
    with h5py.File(path, "w") as file:
        for scan in range(number):
            entry = file.create_group(f"{scan + 1}.1")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = f"scan {scan + 1}"
            entry["data/x"] = np.arange(float(scan + 2))


# ---- names and times ----


@pytest.mark.parametrize(
    "grouping", [FolderGrouping(), PatternGrouping()], ids=["folder", "pattern"]
)
def test_names_may_be_no_text(site: Site, grouping: Any, tmp_path: Path) -> None:
    options = {"name": r"(?P<stem>.*?)\d\.raw"} if grouping.name == "pattern" else {}
    odd = os.fsdecode(b"f\xff\xfe")
    root = site.root / odd
    site.profile = OneRule(root, grouping, options)
    for name in (f"{odd}1.raw", f"{odd}2.raw"):
        site.write(f"{odd}/{name}", name.encode("utf-8", "surrogateescape"))
    site.write(f"{odd}/a\nb\x1f%20?#&1.raw", b"odd")
    with h5py.File(root / f"{odd}3.raw", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry.attrs["default"] = "data"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "x"
        data["x"] = np.arange(4.0)
    report = site.go(complete=True)
    assert (report.new, report.quarantined) == (1 if grouping.name == "folder" else 2, [])
    rows = site.dump(tmp_path / "dump")
    assert len(rows["File"]) == 4
    defaults = [row["defaultFile"] for row in rows["Dataset"] if row.get("defaultFile")]
    assert set(defaults) <= {row["name"] for row in rows["File"]}
    assert len(defaults) == 1
    assert site.go().unchanged == 4


@pytest.mark.parametrize("seconds", [2**34, -(2**31), 10**10], ids=["2514", "1901", "2286"])
def test_a_file_may_be_of_any_time(site: Site, seconds: int) -> None:
    site.profile = OneRule(site.root, *_single())
    path = site.write("1.raw", b"one")
    os.utime(path, (seconds, seconds))
    assert (site.go().new, site.go().unchanged) == (1, 1)


# ---- composing ----


def test_times_without_a_zone_are_of_the_site(site: Site) -> None:
    site.folders.time_zone = "Asia/Tokyo"  # type: ignore[assignment]
    for name, start in (("1.h5", "2024-05-06T07:00:00"), ("2.h5", "2024-05-06T00:00:00+02:00")):
        path = site.root / "a" / name
        path.parent.mkdir(exist_ok=True)
        with h5py.File(path, "w") as file:
            entry = file.create_group("entry")
            entry.attrs["NX_class"] = "NXentry"
            entry["start_time"] = start
    site.go(complete=True)
    # 07:00 in Tokyo is 22:00 UTC of the day before, as is midnight in Paris in summer
    assert site.rows("select creation_date from dataset") == [
        (datetime(2024, 5, 5, 22, tzinfo=UTC),)
    ]


def test_files_on_tape_at_two_places_are_two_datasets(site: Site) -> None:
    for folder in "ab":
        path = site.write(f"{folder}/frame.raw", folder.encode())
        site.folders.nearline.add(str(path))
    assert site.go(complete=True).new == 2


# ---- many ----


def test_a_place_that_is_not_due_is_not_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        site.write(f"{number}/1.raw", bytes([number]))
    with site.intake().running(is_live=True) as passage:
        passage.take(list(Walk([site.root]).files()))
        monkeypatch.setattr(store, "arrivals", lambda *_: pytest.fail("its files were loaded"))
        assert (passage.settle(), passage.settle()) == (3, 3)


def test_runs_over_the_same_folder_at_once_end_as_one_would_have(
    site: Site, tmp_path: Path
) -> None:
    for place in range(20):
        for number in range(5):
            site.write(f"{place}/{number}.raw", f"{place} {number}".encode())
    site.go(complete=True)
    expected = site.dump(tmp_path / "expected")
    names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
    with site.engine.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))

    def run(_: int) -> list[Any]:
        request = Request(roots=[site.root], complete=True)
        intake = Intake(site.engine, site.settings, request, who=OPERATOR, clock=lambda: site.now)
        with readers(site.settings.model_copy(update={"ingest_workers": 1})) as those_who_read:
            run = intake.begin()
            note = partial(service._note, run)
            passage = intake.passage(those_who_read, note=note)
            passage.take(list(Walk([site.root]).files()))
            passage.settle()
        return intake.report.quarantined

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(run, range(3))) == [[], [], []]
    assert site.dump(tmp_path / "found") == expected
