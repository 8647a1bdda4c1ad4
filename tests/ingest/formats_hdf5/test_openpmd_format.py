"""Series written by openPMD's own library say what the library reads of them."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import h5py
import hdf5_written as written
import numpy as np
import openpmd_api as io
import pytest

from panosc.domain.times import utc
from panosc.ingest.formats import Facts
from panosc.ingest.formats.openpmd import OpenPmdFormat
from panosc.ingest.formats.xfel import XfelFormat

STEPS = (5, 50, 500)


def write(path: Path, **attributes: str) -> None:
    """Write a series: of one file, or of one file an iteration when `path` has a ``%T``."""
    series = io.Series(str(path), io.Access.create)
    series.set_software(attributes.get("software", "FBPIC"), "0.26.2")
    series.author = attributes.get("author", "Ada Lovelace <ada@example.org>")
    series.machine = "Analytical Engine"
    if "comment" in attributes:
        series.comment = attributes["comment"]
    for step in STEPS:
        iteration = series.iterations[step]
        iteration.time, iteration.dt, iteration.time_unit_SI = step * 2.5, 2.5, 1e-15
        field = iteration.meshes["E"]
        field.unit_dimension = {
            io.Unit_Dimension.L: 1,
            io.Unit_Dimension.M: 1,
            io.Unit_Dimension.T: -3,
            io.Unit_Dimension.I: -1,
        }
        values = np.zeros((4, 4))
        for record in (field["x"], iteration.meshes["rho"][io.Mesh_Record_Component.SCALAR]):
            record.reset_dataset(io.Dataset(values.dtype, values.shape))
            record.store_chunk(values)
        electrons, places = iteration.particles["electrons"], np.zeros(8)
        for name in ("position", "positionOffset"):
            electrons[name]["x"].reset_dataset(io.Dataset(places.dtype, places.shape))
            electrons[name]["x"].store_chunk(places)
        iteration.close()
    series.close()


def facts_of(path: Path) -> Facts:
    source = written.source_of(path)
    try:
        assert OpenPmdFormat().claims(source)
        assert not XfelFormat().claims(source)
        return OpenPmdFormat().read(source)
    finally:
        source.close()


def named(facts: Facts, name: str) -> list[Any]:
    return [item.value for item in facts.parameters if item.name == name]


def test_a_series_in_one_file_is_what_the_library_reads(tmp_path: Path) -> None:
    path = tmp_path / "wake.h5"
    write(path, comment="A wake in hydrogen\nsecond line")
    facts = facts_of(path)
    series = io.Series(str(path), io.Access.read_only)
    steps = list(series.iterations)
    times = [series.iterations[n].time * series.iterations[n].time_unit_SI for n in steps]
    assert named(facts, "iterations") == [len(steps)] == [3]
    assert named(facts, "first_time") == [pytest.approx(min(times))]
    assert named(facts, "last_time") == [pytest.approx(max(times))]
    assert {item.unit for item in facts.parameters if item.name.endswith("time")} == {"s"}
    assert set(named(facts, "mesh")) == set(series.iterations[5].meshes) == {"E", "rho"}
    assert named(facts, "particle_species") == list(series.iterations[5].particles)
    assert named(facts, "openpmd_version") == [series.openPMD]
    assert named(facts, "software") == [series.software]
    assert named(facts, "software_version") == [series.software_version]
    assert named(facts, "machine") == [series.machine]
    assert facts.title == "A wake in hydrogen"
    assert facts.description == series.comment
    assert facts.start == series.date
    assert utc(facts.start, zone=ZoneInfo("UTC")) is not None
    assert [person.name for person in facts.people] == ["Ada Lovelace"]
    assert "@" not in str(facts.people)
    assert named(facts, "data_kind") == ["simulated"]
    assert (facts.is_reduced, facts.is_open, facts.refusals) == (False, False, ())
    series.close()


def test_every_path_of_a_parameter_is_there(tmp_path: Path) -> None:
    write(tmp_path / "wake.h5")
    facts = facts_of(tmp_path / "wake.h5")
    with h5py.File(tmp_path / "wake.h5") as file:
        for item in facts.parameters:
            place, _, attribute = item.path.partition("@")
            node = file[place.rstrip("/") or "/"]
            assert not attribute or attribute in node.attrs, item


def test_a_series_of_files_is_an_iteration_each(tmp_path: Path) -> None:
    write(tmp_path / "wake_%06T.h5")
    paths = sorted(tmp_path.glob("*.h5"))
    assert [path.name for path in paths] == ["wake_000005.h5", "wake_000050.h5", "wake_000500.h5"]
    series = io.Series(str(tmp_path / "wake_%06T.h5"), io.Access.read_only)
    for path, step in zip(paths, STEPS, strict=True):
        facts = facts_of(path)
        theirs = series.iterations[step]
        assert named(facts, "iteration") == [step]
        assert named(facts, "time") == [pytest.approx(theirs.time * theirs.time_unit_SI)]
        assert named(facts, "iterations") == []
        assert facts.title == "wake"
        assert set(named(facts, "mesh")) == set(theirs.meshes)
    together = {(item.name, item.value) for path in paths for item in facts_of(path).parameters}
    assert {value for name, value in together if name == "iteration"} == set(STEPS)
    for name in ("software", "mesh", "particle_species"):
        expected = {"software": 1, "mesh": 2, "particle_species": 1}[name]
        assert len([pair for pair in together if pair[0] == name]) == expected
    series.close()


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ada Lovelace <ada@example.org>", ["Ada Lovelace"]),
        ("Lovelace, Ada", ["Lovelace, Ada"]),
        ("Ada <a@example.org>, Charles Babbage <c@example.org>", ["Ada", "Charles Babbage"]),
        ("Ada; Charles", ["Ada", "Charles"]),
        ("ada@example.org", []),
    ],
    ids=["address", "comma", "two-with-addresses", "semicolon", "address-alone"],
)
def test_authors_are_people_without_their_addresses(
    tmp_path: Path, author: str, names: list[str]
) -> None:
    write(tmp_path / "x.h5", author=author)
    assert [person.name for person in facts_of(tmp_path / "x.h5").people] == names


def test_what_measures_is_not_called_simulated(tmp_path: Path) -> None:
    write(tmp_path / "x.h5", software="beamline control")
    facts = facts_of(tmp_path / "x.h5")
    assert named(facts, "data_kind") == []
    assert facts.title is None


def test_without_meshes_or_times_it_says_less(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(openPMD="2.0.0", basePath="/data/%T/", meshesPath="fields/")
        for number in range(1200):
            file.create_group(f"data/{number}")
        file["data/notes"] = "no iteration"
        file["data/7000"] = h5py.ExternalLink("/etc/passwd", "x")
    facts = facts_of(path)
    assert named(facts, "iterations") == [1000]
    assert (named(facts, "mesh"), named(facts, "first_time")) == ([], [])
    assert {item.reason for item in facts.refusals} == {"too-many-objects"}


@pytest.mark.parametrize("base", ["/nowhere/%T/", "%T", "/data/5/meshes/E/x", "//"])
def test_odd_base_paths_do_no_harm(tmp_path: Path, base: str) -> None:
    path = tmp_path / "x.h5"
    write(path)
    with h5py.File(path, "r+") as file:
        file.attrs["basePath"] = base
    assert named(facts_of(path), "iterations") == []


def test_a_changing_step_in_one_place_is_one_iteration(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(
            openPMD="2.0.0", basePath="/data", meshesPath="m/", iterationEncoding="variableBased"
        )
        file.create_group("data/m/B")
        file["data"].attrs.update(time=3.0, timeUnitSI=2.0, snapshot=4)
    facts = facts_of(path)
    assert named(facts, "time") == [6.0]
    assert {(item.name, item.path) for item in facts.parameters if item.name == "mesh"} == {
        ("mesh", "/data/m/B")
    }
