"""The whole way: folders in, catalogue out, on a real database."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hostile
import orjson
import pytest
import sqlalchemy as sa

from panosc.catalogue.dumping import dump
from panosc.catalogue.intake import quarantine
from panosc.catalogue.tables import changes, dataset, group, location
from panosc.domain.access import ANYONE, OPERATOR
from panosc.domain.errors import Forbidden, Invalid, Unavailable
from panosc.files import workers
from panosc.ingest import passing, registering
from panosc.ingest.report import Report
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Go = Callable[..., Report]


@pytest.fixture
def go(engine: sa.Engine, settings: Settings) -> Go:
    """Ingest roots into this test's database."""

    def run(*roots: Path, **options: Any) -> Report:
        request = Request(roots=roots, **options)
        return ingest(engine, settings, request, who=OPERATOR, now=NOW)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


def _dump(engine: sa.Engine, folder: Path) -> dict[str, list[dict[str, Any]]]:
    dump(engine, folder, bare=True)
    return {
        path.stem: [orjson.loads(line) for line in path.read_bytes().splitlines()]
        for path in folder.glob("*.ndjson")
    }


def _bytes(engine: sa.Engine, folder: Path) -> dict[str, bytes]:
    dump(engine, folder, bare=True)
    return {path.name: path.read_bytes() for path in folder.glob("*.ndjson")}


def test_a_file_becomes_records_that_lead_to_each_other(
    go: Go, engine: sa.Engine, folder: Path, tmp_path: Path
) -> None:
    path = folder / "x.nxs"
    hostile.nexus(path, title="silver").close()
    report = go(folder)
    assert (report.new, report.files, report.exit_code) == (1, 1, 0)
    rows = _dump(engine, tmp_path / "dump")
    found = rows["Dataset"][0]
    assert found["title"] == "silver"
    assert found["creationDate"] == "2024-02-29T11:00:00.000Z"
    assert found["size"] == path.stat().st_size
    assert found["defaultPlot"] == "/entry/data/I"
    assert found["instrumentId"] == rows["Instrument"][0]["pid"] == "local/instrument/esrf-id02"
    assert rows["Person"][0]["orcid"] == "0000-0002-1825-0097"
    assert rows["Technique"][0]["name"] == "small angle x-ray scattering"
    assert rows["Location"][0]["url"] == path.as_uri()
    assert rows["File"][0]["name"] == "x.nxs"
    parameters = {row["name"]: (row["value"], row.get("unit")) for row in rows["Parameter"]}
    assert parameters["wavelength"] == (0.99, "angstrom")
    assert parameters["sample_temperature"] == (21.5, "degC")
    with engine.connect() as connection:
        si = connection.execute(
            sa.text("select si_value, si_unit from parameter where name = 'wavelength'")
        ).one()
        assert si.si_value == pytest.approx(0.99e-10)
        assert si.si_unit == "m"
        feed = {(row.model, row.pid) for row in connection.execute(sa.select(changes))}
        assert ("Dataset", found["pid"]) in feed


def test_a_second_run_opens_nothing_and_changes_nothing(
    go: Go, engine: sa.Engine, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = go(examples)
    assert first.new >= 25
    before = _bytes(engine, tmp_path / "before")
    with engine.connect() as connection:
        feed = connection.scalar(sa.select(sa.func.count()).select_from(changes))
    monkeypatch.setattr(workers.Pool, "_start", lambda _: pytest.fail("a file was opened"))
    second = go(examples)
    assert (second.unchanged, second.new, second.read) == (first.new + first.locations, 0, 0)
    assert _bytes(engine, tmp_path / "after") == before
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(changes)) == feed


def test_the_same_content_elsewhere_is_one_more_location(
    go: Go, engine: sa.Engine, folder: Path, tmp_path: Path
) -> None:
    hostile.nexus(folder / "a.nxs").close()
    shutil.copy(folder / "a.nxs", folder / "b.nxs")
    assert (go(folder).new, go(folder).unchanged) == (1, 2)
    shutil.copy(folder / "a.nxs", folder / "c.nxs")
    report = go(folder)
    assert (report.new, report.locations, report.unchanged) == (0, 1, 2)
    rows = _dump(engine, tmp_path / "dump")
    assert len(rows["Dataset"]) == len(rows["File"]) == 1
    assert len(rows["Location"]) == 3


def test_changed_content_is_a_new_version_and_the_old_one_stays(
    go: Go, engine: sa.Engine, folder: Path, tmp_path: Path
) -> None:
    path = folder / "x.nxs"
    hostile.nexus(path, title="first").close()
    go(folder)
    hostile.nexus(path, title="second").close()
    report = go(folder)
    assert (report.new, report.versions) == (0, 1)
    rows = _dump(engine, tmp_path / "dump")
    by_title = {row["title"]: row for row in rows["Dataset"]}
    assert by_title["second"]["isNewVersionOf"] == by_title["first"]["pid"]
    assert [row["datasetId"] for row in rows["Location"]] == [by_title["second"]["pid"]]
    assert {row["datasetId"] for row in rows["File"]} == {row["pid"] for row in rows["Dataset"]}
    # and back again: known content, so it only moves
    hostile.nexus(path, title="first").close()
    again = go(folder)
    assert again.new + again.versions == (0 if again.locations else 1)


def test_touching_a_file_makes_no_new_version(go: Go, folder: Path) -> None:
    path = folder / "x.nxs"
    hostile.nexus(path).close()
    go(folder)
    os.utime(path, ns=(0, 10**18))
    report = go(folder)
    assert (report.unchanged, report.read) == (1, 1)
    assert go(folder).read == 0
    assert go(folder, rehash=True).read == 1


def test_a_broken_file_is_set_aside_until_it_changes(
    go: Go, engine: sa.Engine, folder: Path
) -> None:
    path = folder / "x.nxs"
    path.write_bytes(b"")
    (folder / "note.txt").write_text("not HDF5 at all")
    first = go(folder)
    assert [(item.reason, item.path) for item in first.quarantined] == [("empty", str(path))]
    assert (first.new, first.exit_code) == (1, 3)
    second = go(folder)
    assert [item.reason for item in second.quarantined] == ["empty"]
    with engine.connect() as connection:
        assert connection.scalars(sa.select(quarantine.c.reason)).all() == ["empty"]
    hostile.nexus(path).close()
    third = go(folder)
    assert (third.new, third.quarantined) == (1, [])
    with engine.connect() as connection:
        assert connection.execute(sa.select(quarantine)).all() == []


def test_a_known_file_that_breaks_keeps_its_dataset(
    go: Go, engine: sa.Engine, folder: Path
) -> None:
    path = folder / "x.nxs"
    hostile.nexus(path).close()
    go(folder)
    path.write_bytes(path.read_bytes()[:900])
    assert [item.reason for item in go(folder).quarantined] == ["truncated"]
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(dataset)).all()) == 1


def test_a_dry_run_tells_the_same_and_writes_nothing(
    go: Go, engine: sa.Engine, folder: Path
) -> None:
    for name in "abc":
        hostile.nexus(folder / f"{name}.nxs", title=name).close()
    shutil.copy(folder / "a.nxs", folder / "z.nxs")
    (folder / "bad.nxs").write_bytes(b"nothing")
    dry = go(folder, is_dry=True)
    with engine.connect() as connection:
        for table in (dataset, location, changes):
            assert connection.execute(sa.select(table)).all() == []
    wet = go(folder)
    told = dry.as_json() | {"dryRun": False, "run": wet.run, "newInstruments": {"ID02": 1}}
    assert told == wet.as_json()
    assert (dry.new, dry.locations, len(dry.quarantined)) == (3, 1, 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_catalogue_does_not_depend_on_batches_or_workers(
    settings: Settings,
    engine: sa.Engine,
    examples: Path,
    tmp_path: Path,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = Request(roots=[examples])
    ingest(engine, settings, request, who=OPERATOR, now=NOW)
    expected = _bytes(engine, tmp_path / "expected")
    names = ", ".join(f'"{table}"' for table in dataset.metadata.tables if table != "audit")
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))
    monkeypatch.setattr(passing, "BATCH_FILES", 3)
    other = settings.model_copy(update={"ingest_workers": workers})
    ingest(engine, other, request, who=OPERATOR, now=NOW)
    assert _bytes(engine, tmp_path / "found") == expected


def test_access_is_that_which_was_asked_for(go: Go, engine: sa.Engine, folder: Path) -> None:
    states = {}
    until = datetime(2030, 1, 1, tzinfo=UTC)
    for access in ("open", "embargoed", "closed"):
        hostile.nexus(folder / f"{access}.nxs", title=access).close()
        go(folder, access=access, embargo_until=until if access == "embargoed" else None)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(dataset)):
            states[row.title] = (row.access, row.is_public, row.core_at <= NOW, row.open_at <= NOW)
            if row.title == "embargoed":
                assert row.open_at == until
    assert states == {
        "open": ("open", True, True, True),
        "embargoed": ("embargoed", False, True, False),
        "closed": ("closed", False, False, False),
    }


def test_the_policy_decides_on_the_data_of_a_proposal(
    go: Go, engine: sa.Engine, folder: Path
) -> None:
    ends = datetime(2025, 12, 1, tzinfo=UTC)
    with engine.begin() as connection:
        values = {"name": "P", "access_type": "public", "ends": ends}
        connection.execute(sa.insert(group).values(values))
    hostile.nexus(folder / "a.nxs", title="a").close()
    for access in ("open", "closed"):
        with pytest.raises(Invalid, match="The policy decides"):
            go(folder, proposal="P", access=access)
    go(folder, proposal="P")
    with engine.connect() as connection:
        row = connection.execute(
            sa.select(dataset.c.access, dataset.c.owner_group, dataset.c.open_at, dataset.c.license)
        ).one()
    assert row == (None, "P", ends.replace(year=2028), "CC-BY-4.0")


@pytest.mark.parametrize(
    "options",
    [
        {"access": "embargoed"},
        {"access": "embargoed", "embargo_until": datetime(2020, 1, 1, tzinfo=UTC)},
        {"access": "open", "embargo_until": datetime(2030, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_embargo_needs_a_day_to_come(go: Go, folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="embargo"):
        go(folder, **options)


def test_only_those_who_look_after_the_node_may_ingest(
    engine: sa.Engine, settings: Settings, folder: Path
) -> None:
    with pytest.raises(Forbidden):
        ingest(engine, settings, Request(roots=[folder]), who=ANYONE, now=NOW)


def test_a_lost_database_is_told_and_the_next_run_goes_on(
    settings: Settings, engine: sa.Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        hostile.nexus(folder / f"{number}.nxs", title=str(number)).close()
    monkeypatch.setattr(passing, "BATCH_FILES", 2)
    request = Request(roots=[folder])

    def cut(files: int, _of: int, _bytes: int, _of_bytes: int) -> None:
        if files == 4:
            with engine.connect() as connection:
                connection.execute(
                    sa.text(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where datname = current_database() and pid <> pg_backend_pid()"
                    )
                )
            monkeypatch.setattr(registering, "_look", _lost)

    def _lost(connection: sa.Connection, _drafts: object) -> object:
        connection.execute(sa.text("select pg_terminate_backend(pg_backend_pid())"))
        return None

    with pytest.raises(Unavailable, match="after 4 of 9"):
        ingest(engine, settings, request, who=OPERATOR, now=NOW, progress=cut)
    monkeypatch.undo()
    report = ingest(engine, settings, request, who=OPERATOR, now=NOW)
    assert (report.unchanged, report.new) == (4, 5)


def test_progress_ends_at_the_totals(settings: Settings, engine: sa.Engine, examples: Path) -> None:
    told: list[tuple[int, int, int, int]] = []
    request = Request(roots=[examples])
    for _ in range(2):
        ingest(
            engine, settings, request, who=OPERATOR, now=NOW, progress=lambda *at: told.append(at)
        )
        files, of_files, size, of_size = told[-1]
        assert (files, size) == (of_files, of_size)
        assert size > 10**7


def test_the_report_counts_what_files_say(go: Go, folder: Path) -> None:
    hostile.nexus(folder / "full.nxs").close()
    with hostile.nexus(folder / "poor.nxs") as file:
        entry = file["entry"]
        for name in ("title", "start_time", "definition", "sample", "instrument", "user", "data"):
            del entry[name]
    with hostile.nexus(folder / "units.nxs", title="u") as file:
        file["entry/sample/temperature"].attrs["units"] = "blorps"
        del file["entry/instrument/monochromator/wavelength"].attrs["units"]
    report = go(folder)
    assert report.as_json()["completeness"] == {
        what: {"has": 2, "of": 3}
        for what in (
            "title",
            "start time",
            "instrument",
            "definition",
            "technique",
            "sample",
            "user",
            "default plot",
            "units",
        )
    }
    assert report.unknown_units == {"blorps": 1}
