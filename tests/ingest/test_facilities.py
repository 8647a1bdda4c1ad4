"""The folders of the facilities, by the profiles that are shipped: whole, linked, in any order."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import orjson
import pytest
import sqlalchemy as sa
from arriving import cbf, openpmd, xfel

from panosc.catalogue.dumping import dump
from panosc.domain.access import OPERATOR
from panosc.ingest.grouping.folder import FolderGrouping
from panosc.ingest.report import Report
from panosc.ingest.service import Request, ingest
from panosc.ingest.told import Told
from panosc.settings import Settings

Go = Callable[..., Report]


@pytest.fixture
def go(engine: sa.Engine, settings: Settings) -> Go:
    def run(root: Path, profile: str | None, *, later: float = 3600, **options: Any) -> Report:
        request = Request(roots=[root], profile=profile, **options)
        now = datetime.now(UTC) + timedelta(seconds=later)
        return ingest(engine, settings, request, who=OPERATOR, now=now)

    return run


@pytest.fixture
def dumped(engine: sa.Engine, tmp_path: Path) -> Callable[[], dict[str, list[dict[str, Any]]]]:
    def read() -> dict[str, list[dict[str, Any]]]:
        shutil.rmtree(tmp_path / "dump", ignore_errors=True)
        dump(engine, tmp_path / "dump", bare=True)
        return {
            path.stem: [orjson.loads(line) for line in path.read_bytes().splitlines()]
            for path in (tmp_path / "dump").glob("*.ndjson")
        }

    return read


def bliss(path: Path, scans: int) -> None:
    """Write scans as BLISS does: an NXentry for each, closed by its end time."""
    with h5py.File(path, "w") as file:
        for number in range(1, scans + 1):
            entry = file.create_group(f"{number}.1")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = f"ascan th 0 {number} 10 0.1"
            entry["start_time"] = f"2024-05-06T07:0{number}:00+02:00"
            entry["end_time"] = f"2024-05-06T07:0{number}:30+02:00"
            sample = entry.create_group("sample")
            sample.attrs["NX_class"] = "NXsample"
            sample["name"] = "gold"
            entry["measurement/diode"] = np.arange(10.0)


def session(root: Path) -> Path:
    folder = root / "hc5678" / "id15a" / "20240506"
    raw = folder / "RAW_DATA" / "gold" / "gold_0001"
    raw.mkdir(parents=True)
    bliss(raw / "gold_0001.h5", 3)
    (raw / "scan0001").mkdir()
    cbf(raw / "scan0001")
    done = folder / "PROCESSED_DATA" / "gold" / "gold_0001"
    done.mkdir(parents=True)
    with h5py.File(done / "integrated.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry.create_group("integrate").attrs["NX_class"] = "NXprocess"
    return folder


@pytest.mark.parametrize("first", ["raw", "processed"])
def test_a_session_of_the_esrf(go: Go, dumped: Any, tmp_path: Path, first: str) -> None:
    folder = session(tmp_path / "data")
    halves = [folder / "RAW_DATA", folder / "PROCESSED_DATA"]
    for half in halves if first == "raw" else halves[::-1]:
        report = go(half, "esrf")
        assert (report.new, report.waiting, report.quarantined) == (1, 0, [])
    rows = dumped()
    raw, done = sorted(rows["Dataset"], key=lambda row: row["kind"], reverse=False)
    assert (raw["kind"], done["kind"]) == ("raw", "reduced")
    assert raw["title"] == "gold_0001"
    assert (raw["creationDate"], raw["endDate"]) == (
        "2024-05-06T05:01:00.000Z",
        "2024-05-06T05:03:30.000Z",
    )
    assert done["derivedFrom"] == [raw["pid"]]
    assert raw["ownerGroup"] == done["ownerGroup"] == "hc5678"
    assert {row["name"] for row in rows["File"] if row["datasetId"] == raw["pid"]} == {
        "gold_0001.h5",
        *(f"scan0001/thaumatin_{number:04}.cbf" for number in range(1, 6)),
    }
    assert [row["name"] for row in rows["Sample"]] == ["gold", "gold"]
    assert [(row["name"], row["facility"]) for row in rows["Instrument"]] == [("ID15A", "ESRF")]
    named = {row["name"]: row for row in rows["Parameter"] if row["datasetId"] == raw["pid"]}
    assert named["exposure_time"]["value"] == 0.5
    assert named["session"]["value"] == 20240506


def test_a_run_of_the_european_xfel(go: Go, dumped: Any, tmp_path: Path) -> None:
    folder = tmp_path / "SPB" / "202401" / "p002222" / "raw" / "r0239"
    folder.mkdir(parents=True)
    xfel(folder)
    report = go(tmp_path, "european-xfel")
    assert (report.new, report.quarantined) == (1, [])
    rows = dumped()
    (found,) = rows["Dataset"]
    assert found["title"] == "SPB p2222 run 239"
    assert len(rows["File"]) == 17
    named = {row["name"]: row["value"] for row in rows["Parameter"]}
    assert named["run_number"] == 239
    assert named["train_count"] == 8
    sources = {row["value"] for row in rows["Parameter"] if row["name"] == "data_source"}
    assert {f"SPB_DET_AGIPD1M-1/DET/{number}CH0" for number in range(16)} <= {
        source.partition(":")[0] for source in sources
    }


def test_a_series_of_eli_and_a_measurement_of_ceric(go: Go, dumped: Any, tmp_path: Path) -> None:
    series = tmp_path / "eli-np" / "E2024-1" / "shot_0042"
    series.mkdir(parents=True)
    openpmd(series)
    (series / "metadata.yaml").write_text(
        "title: A bright shot\nsample: foil\npeople:\n- {name: Ada Example, role: pi}\n"
        "parameters:\n  laser_energy: {value: 3.2, unit: J}\n"
    )
    assert go(tmp_path / "eli-np", "eli").new == 1
    images = tmp_path / "XRD2" / "20235128" / "lysozyme"
    images.mkdir(parents=True)
    cbf(images)
    assert go(tmp_path / "XRD2", "ceric").new == 1
    rows = dumped()
    titles = {row["title"]: row["pid"] for row in rows["Dataset"]}
    assert set(titles) == {"A bright shot", "lysozyme"}
    shot = [row for row in rows["Parameter"] if row["datasetId"] == titles["A bright shot"]]
    assert {row["name"]: row.get("unit") for row in shot}["laser_energy"] == "J"
    assert len(rows["File"]) == 8
    assert "Ada Example" in {row["fullName"] for row in rows["Person"]}


def test_a_dataset_waits_until_its_folder_is_quiet(go: Go, tmp_path: Path) -> None:
    folder = session(tmp_path / "data")
    first = go(folder, "esrf", later=10)
    assert (first.new, first.waiting) == (0, 2)
    assert (go(folder, "esrf", later=180).new, go(folder, "esrf", later=400).new) == (1, 1)


def test_what_is_announced_is_one_dataset(go: Go, dumped: Any, tmp_path: Path) -> None:
    folder = tmp_path / "anywhere"
    folder.mkdir()
    cbf(folder)
    told = Told(title="Announced", instrument="ID00", techniques=("PaNET01188",))
    report = go(folder, None, told=told, complete=True)
    assert (report.new, len(report.pids)) == (1, 1)
    again = go(folder, None, told=told, complete=True)
    assert (again.new, again.pids) == (0, report.pids)
    rows = dumped()
    assert rows["Dataset"][0]["title"] == "Announced"
    assert len(rows["File"]) == 5
    assert rows["Technique"][0]["name"] == "small angle x-ray scattering"


@pytest.mark.parametrize(("guest", "owner"), [("closed", "hc5678"), ("open", "of-a-friend")])
def test_whose_data_they_are_is_not_for_a_guest_to_say(
    engine: sa.Engine, settings: Settings, dumped: Any, tmp_path: Path, guest: Any, owner: str
) -> None:
    folder = session(tmp_path / "data") / "RAW_DATA" / "gold" / "gold_0001"
    request = Request(
        roots=[folder],
        told=Told(title="Mine", proposal="of-a-friend"),
        complete=True,
        without_proposal=guest,
    )
    site = settings.model_copy(update={"profile": "esrf"})
    ingest(engine, site, request, who=OPERATOR, now=datetime.now(UTC))
    assert [row["ownerGroup"] for row in dumped()["Dataset"]] == [owner]


def test_a_place_that_fails_keeps_no_other_waiting(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = session(tmp_path / "data")
    real = FolderGrouping.divide

    def divide(self: Any, pieces: Any, options: Any) -> Any:
        if any("PROCESSED" in piece.path for piece in pieces):
            raise ValueError("a plug-in's fault")
        return real(self, pieces, options)

    monkeypatch.setattr(FolderGrouping, "divide", divide)
    report = go(folder, "esrf")
    assert (report.new, report.waiting) == (1, 1)
    assert [(item.reason, item.detail) for item in report.warnings] == [
        ("failed", "a plug-in's fault")
    ]
    monkeypatch.undo()
    assert go(folder, "esrf").new == 1
