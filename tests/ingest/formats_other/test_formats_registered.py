"""The whole way: files of every kind through real workers into a real catalogue."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
import written_files as files

from panosc.catalogue.dumping import dump
from panosc.domain.access import OPERATOR
from panosc.ingest.report import Report
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings


def _ingest(engine: sa.Engine, settings: Settings, *roots: Path) -> Report:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return ingest(engine, settings, Request(roots=roots), who=OPERATOR, now=now)


def _rows(engine: sa.Engine, folder: Path) -> dict[str, list[dict[str, Any]]]:
    dump(engine, folder, bare=True)
    return {
        path.stem: [orjson.loads(line) for line in path.read_bytes().splitlines()]
        for path in folder.glob("*.ndjson")
    }


def test_one_dataset_each_with_what_it_says(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    files.cbf(folder / "lyso_00001.cbf")
    files.edf(folder / "agbeh.edf", title="M@")
    spoilt = (folder / "agbeh.edf").read_bytes().replace(b"title = M@", b"title = M\xfc\0")
    (folder / "agbeh.edf").write_bytes(spoilt)
    files.smv(folder / "lyso.img")
    files.tiff(folder / "camera.tif")
    files.marccd(folder / "lyso.mccd")
    (folder / "gaas_0815").write_text(files.SPEC, "utf-8")
    (folder / "536854").write_text(files.numor(), "ascii")
    (folder / "012345").write_text(files.TRIPLE_AXIS, "ascii")
    (folder / "frames.raw").write_bytes(bytes(range(256)) * 100)
    (folder / "empty.log").write_bytes(b"")
    report = _ingest(engine, settings, folder)
    assert (report.new, report.files, report.quarantined, report.exit_code) == (10, 10, [], 0)

    rows = _rows(engine, tmp_path / "dump")
    formats = {row["name"]: row["format"] for row in rows["File"]}
    assert formats == {
        "lyso_00001.cbf": "CBF",
        "agbeh.edf": "EDF",
        "lyso.img": "SMV",
        "camera.tif": "TIFF",
        "lyso.mccd": "MarCCD",
        "gaas_0815": "SPEC",
        "536854": "ILL ASCII",
        "012345": "ILL ASCII",
        "frames.raw": "application/octet-stream",
        "empty.log": formats["empty.log"],
    }
    dataset = {row["pid"]: row for row in rows["Dataset"]}
    of = {row["name"]: dataset[row["datasetId"]] for row in rows["File"]}
    assert of["lyso_00001.cbf"]["creationDate"] == "2011-08-04T11:32:25.428Z"
    assert of["agbeh.edf"]["creationDate"] == "2014-08-27T10:00:05.000Z"
    assert of["agbeh.edf"]["title"] == "Mü"
    assert of["lyso.img"]["creationDate"] == "2007-04-15T12:01:02.000Z"
    assert of["camera.tif"]["creationDate"] == "2011-08-04T11:32:25.000Z"
    assert of["lyso.mccd"]["creationDate"] == "2008-03-28T14:37:32.000Z"
    assert of["gaas_0815"]["endDate"] == "2013-11-29T11:00:09.000Z"
    assert of["536854"]["creationDate"] == "2012-04-26T12:08:20.000Z"
    assert of["frames.raw"]["title"] == "frames.raw"

    numbers = [row for row in rows["Parameter"] if not isinstance(row["value"], str)]
    without = {row["name"] for row in numbers if not row.get("unit")}
    assert without == {
        "attenuator_transmission",
        "frame_number",
        "photon_energy",
        "q_h",
        "q_k",
        "q_l",
        "scan_count",
        "scan_points",
    }
    assert report.unknown_units == {}


def test_a_folder_of_frames_is_read_once(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(50):
        header = files.MINI_HEADER.replace("Start_angle 0.0", f"Start_angle {number}.0")
        files.cbf(folder / f"lyso_{number:05}.cbf", header)
    assert _ingest(engine, settings, folder).new == 50
    again = _ingest(engine, settings, folder)
    assert (again.new, again.unchanged, again.quarantined) == (0, 50, [])
    rows = _rows(engine, tmp_path / "dump")
    angles = sorted(row["value"] for row in rows["Parameter"] if row["name"] == "start_angle")
    assert angles == [float(number) for number in range(50)]
