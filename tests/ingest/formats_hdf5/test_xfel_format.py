"""Runs written by the facility's own example maker say what its own reader says of them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import h5py
import hdf5_written as written
import numpy as np
import pytest
from extra_data import H5File, RunDirectory
from extra_data.file_access import FileAccess
from extra_data.tests import make_examples
from extra_data.voview import VirtualOverviewFileWriter

from panosc.domain.times import utc
from panosc.ingest.formats import Facts, Specimen
from panosc.ingest.formats.nexus import NexusFormat
from panosc.ingest.formats.openpmd import OpenPmdFormat
from panosc.ingest.formats.xfel import XfelFormat

VERSIONS = ["0.5", "1.0", "1.2"]


def facts_of(path: Path) -> Facts:
    source = written.source_of(path)
    try:
        assert XfelFormat().claims(source)
        assert not OpenPmdFormat().claims(source)
        return XfelFormat().read(source)
    finally:
        source.close()


def named(facts: Facts, name: str) -> list[Any]:
    return [item.value for item in facts.parameters if item.name == name]


def run_facts(folder: Path) -> dict[str, Facts]:
    return {path.name: facts_of(path) for path in sorted(folder.glob("*.h5"))}


@pytest.fixture(scope="module", params=VERSIONS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("r0238")
    make_examples.make_spb_run(folder, format_version=request.param)
    return Path(folder)


def test_files_of_a_run_name_the_sources_that_its_reader_finds(run: Path) -> None:
    facts = run_facts(run)
    assert len([name for name in facts if "AGIPD" in name]) == 16
    sources = {source for item in facts.values() for source in named(item, "data_source")}
    assert sources == RunDirectory(str(run)).all_sources
    assert {d for item in facts.values() for d in named(item, "detector")} == {"SPB_DET_AGIPD1M-1"}


def test_trains_are_those_that_its_reader_counts(run: Path) -> None:
    for name, facts in run_facts(run).items():
        trains = FileAccess(str(run / name)).train_ids
        assert named(facts, "train_count") == [len(trains)]
        assert named(facts, "first_train_id") == [trains.min()]
        assert named(facts, "last_train_id") == [trains.max()]
    everything = run_facts(run).values()
    all_trains = RunDirectory(str(run)).train_ids
    assert min(named(item, "first_train_id")[0] for item in everything) == all_trains[0]
    assert max(named(item, "last_train_id")[0] for item in everything) == all_trains[-1]


def test_all_files_say_the_same_of_the_run(run: Path) -> None:
    facts = run_facts(run).values()
    for name in ("title", "proposal", "instrument", "facility", "probe", "format", "samples"):
        assert len({getattr(item, name) for item in facts}) == 1, name
    for name in ("run_number", "proposal_number", "data_format_version", "daq_library"):
        assert len({tuple(named(item, name)) for item in facts}) == 1, name
    first = next(iter(facts))
    assert (first.instrument, first.facility, first.probe) == ("SPB", "European XFEL", "x-ray")
    assert (first.is_reduced, first.is_open, first.refusals, first.sources) == (
        False,
        False,
        (),
        (),
    )


def test_the_run_is_told_as_its_reader_tells_it(run: Path) -> None:
    for name, facts in run_facts(run).items():
        theirs = H5File(str(run / name)).run_metadata()
        if theirs["dataFormatVersion"] == "0.5":
            assert (facts.title, facts.proposal, facts.start, facts.end) == (None,) * 4
            continue
        assert facts.proposal == str(theirs["proposalNumber"]) == "700000"
        assert named(facts, "run_number") == [str(theirs["runNumber"])] == ["238"]
        assert facts.title == "Run 238 of proposal 700000"
        assert named(facts, "data_format_version") == [theirs["dataFormatVersion"]]
        assert named(facts, "daq_library") == [theirs["daqLibrary"]]
        assert named(facts, "run_type") == [theirs["runType"]]
        for mine, moment in ((facts.start, "creationDate"), (facts.end, "updateDate")):
            then = datetime.strptime(theirs[moment], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            assert utc(mine, zone=ZoneInfo("Europe/Berlin")) == then.isoformat().replace(
                "+00:00", "Z"
            )


def test_what_stands_in_a_tunnel_does_not_tell_the_instrument(tmp_path: Path) -> None:
    make_examples.make_fxe_run(tmp_path, format_version="1.2")
    facts = run_facts(tmp_path)
    assert {item.instrument for item in facts.values()} == {"FXE"}
    assert {d for item in facts.values() for d in named(item, "detector")} == {"FXE_DET_LPD1M-1"}


def test_corrected_files_are_reduced(tmp_path: Path) -> None:
    make_examples.make_spb_run(tmp_path, raw=False, format_version="1.0")
    assert {item.is_reduced for item in run_facts(tmp_path).values()} == {True}


def test_a_missed_train_is_not_counted(tmp_path: Path) -> None:
    make_examples.make_lpd_run_mini_missed_train(tmp_path)
    facts = run_facts(tmp_path)
    assert [named(item, "train_count") for item in facts.values()] == [[5], [4]]
    path = tmp_path / "RAW-R0450-LPD00-S00000.h5"
    with h5py.File(path, "r+") as file:
        file["INDEX/trainId"][2] = 0
        del file["METADATA/sample"]
        file["METADATA/sample"] = [b"lysozyme"]
    facts_now = facts_of(path)
    assert named(facts_now, "train_count") == [4]
    assert facts_now.samples == (Specimen(name="lysozyme"),)


def test_detectors_of_other_makes_are_named(tmp_path: Path) -> None:
    make_examples.make_fxe_jungfrau_run(tmp_path)
    detectors = {d for item in run_facts(tmp_path).values() for d in named(item, "detector")}
    domains = {s.partition("/")[0] for s in RunDirectory(str(tmp_path)).all_sources if "/DET/" in s}
    assert detectors == domains
    assert len(detectors) >= 1


def test_an_overview_names_the_files_of_its_run(tmp_path: Path) -> None:
    make_examples.make_lpd_run_mini_missed_train(tmp_path)
    raw = {path.name for path in tmp_path.glob("*.h5")}
    data = RunDirectory(str(tmp_path))
    overview = tmp_path / "OVERVIEW.h5"
    writer = VirtualOverviewFileWriter(str(overview), data)
    writer.write()
    writer.file.close()
    facts = facts_of(overview)
    assert set(facts.sources) == raw
    assert set(named(facts, "data_source")) == data.all_sources


def test_other_hdf5_is_left_to_others(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["INDEX/trainId"] = [1, 2]
        file.create_group("METADATA/dataSources")
    source = written.source_of(path)
    assert not XfelFormat().claims(source)
    assert NexusFormat().claims(source)
    source.close()
    path.write_bytes(path.read_bytes()[:300])
    assert not XfelFormat().claims(written.source_of(path))


def _minimal(path: Path) -> h5py.File:
    file = h5py.File(path, "w")
    file["INDEX/trainId"] = np.arange(1, 4, dtype="u8")
    file["METADATA/dataSources/dataSourceId"] = [b"CONTROL/SPB_A/B/C"]
    return file


def test_lists_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with _minimal(path) as file:
        del file["INDEX/trainId"], file["METADATA/dataSources/dataSourceId"]
        file.create_dataset("INDEX/trainId", (2**40,), "u8", chunks=(1024,))
        many = [f"CONTROL/SPB_A/B/{number}".encode() for number in range(3000)]
        file["METADATA/dataSources/dataSourceId"] = many
    facts = facts_of(path)
    assert named(facts, "train_count") == []
    assert len(named(facts, "data_source")) == 1000
    assert {item.reason for item in facts.refusals} == {"too-large", "too-many-parameters"}


@pytest.mark.parametrize("kind", ["numbers", "table", "bomb", "elsewhere"])
def test_odd_lists_say_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.h5"
    with _minimal(path) as file:
        sources = file["METADATA/dataSources"]
        del sources["dataSourceId"]
        if kind == "numbers":
            sources["dataSourceId"] = np.linspace(0, 1, 5)
        elif kind == "table":
            sources["dataSourceId"] = np.zeros((3, 3), "S10")
        elif kind == "bomb":
            sources.create_dataset(
                "dataSourceId", (64,), "S64", chunks=(2**20,), maxshape=(None,), compression="gzip"
            )
        else:
            layout = h5py.VirtualLayout((4,), "S10")
            layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
            sources.create_virtual_dataset("dataSourceId", layout)
    facts = facts_of(path)
    assert named(facts, "data_source") == []
    assert named(facts, "train_count") == [3]
