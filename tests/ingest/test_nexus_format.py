"""What is read of real files is what other tools read of them."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hostile
import pytest
from nexusformat.nexus import NXroot, nxload

from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.nexus import NexusFormat

CANSAS_ONLY = {"33837rear_1D_1.75_16.5_NXcanSAS.h5", "33837rear_2D_1.75_16.5_NXcanSAS.h5"}
CANSAS_ONLY |= {"draft_1D_NXcanSAS.h5", "draft_2D_NXcanSAS.h5", "compression.h5"}
"""Files that name canSAS's classes alone, which nexusformat does not know."""


def facts_of(path: Path) -> Facts:
    content = path.read_bytes()
    return NexusFormat().read(Source(path=path, head=content, content=content))


def _files(examples: Path) -> list[Path]:
    return sorted(path for path in examples.rglob("*") if path.suffix not in {".md", ""})


def _trees(examples: Path) -> Iterator[tuple[Path, NXroot, Facts]]:
    """Yield the files that nexusformat can open, in its words and in ours."""
    for path in _files(examples):
        facts = facts_of(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                tree = nxload(str(path))
            except Exception:  # the other tool's failures are not ours
                continue
        if path.name not in CANSAS_ONLY:
            yield path, tree, facts


def _word(value: Any) -> str:
    found = value.nxdata
    if not isinstance(found, str | bytes) and getattr(found, "size", 1) == 1:
        found = found.reshape(-1)[0] if getattr(found, "shape", ()) else found
    found = found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
    return found.strip("\0 ").strip()


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _entries(tree: NXroot) -> list[Any]:
    entries = [item for item in tree.entries.values() if item.nxclass == "NXentry"]
    default = tree.attrs.get("default")
    return sorted(entries, key=lambda item: item.nxname != default)


def _first(entries: list[Any], name: str) -> str | None:
    words = (_word(entry[name]) for entry in entries if name in entry)
    return next((word for word in words if word), None)


def _of_class(entries: list[Any], kind: str, depth: int = 3) -> list[Any]:
    """Return the groups of a class, wherever they are."""
    found = []
    for entry in entries:
        for item in entry.entries.values():
            if getattr(item, "nxclass", "") == kind:
                found.append(item)
            elif depth and hasattr(item, "entries") and item.entries:
                found += _of_class([item], kind, depth - 1)
    return found


def test_titles_times_and_definitions_are_those_that_nexusformat_reads(examples: Path) -> None:
    seen = {"title": 0, "start_time": 0, "end_time": 0, "definition": 0}
    for path, tree, facts in _trees(examples):
        entries = _entries(tree)
        theirs = {name: _first(entries, name) for name in seen}
        if theirs["definition"] in {None, "NXentry"}:
            theirs["definition"] = _first(_of_class(entries, "NXsubentry"), "definition")
        ours = {
            "title": facts.title,
            "start_time": facts.start,
            "end_time": facts.end,
            "definition": facts.definitions[0] if facts.definitions else None,
        }
        assert ours == theirs, path.name
        for name in seen:
            seen[name] += theirs[name] is not None
    assert seen["title"] >= 15
    assert seen["start_time"] >= 5
    assert seen["definition"] >= 12


def test_instruments_samples_and_users_are_those_that_nexusformat_reads(examples: Path) -> None:
    seen = {"NXinstrument": 0, "NXsample": 0, "NXuser": 0, "NXsource": 0}
    for path, tree, facts in _trees(examples):
        # of the file with 250 entries of one kind, a few will do
        entries = _entries(tree)[:10]
        named = {
            kind: [
                word
                for group in _of_class(entries, kind)
                if "name" in group
                for word in [_word(group["name"])]
                if word and word.lower() not in {"nan", "unknown"}
            ]
            for kind in seen
        }
        if named["NXinstrument"]:
            assert facts.instrument == named["NXinstrument"][0], path.name
        if named["NXsource"]:
            assert facts.facility in named["NXsource"], path.name
        assert {item.name for item in facts.samples} >= set(named["NXsample"]), path.name
        assert [item.name for item in facts.people] == list(dict.fromkeys(named["NXuser"]))
        for kind in seen:
            seen[kind] += bool(named[kind])
    assert min(seen.values()) >= 3, seen


def test_every_parameter_is_what_h5py_reads_at_its_path(examples: Path) -> None:
    numbers, units = 0, 0
    for path in _files(examples):
        facts = facts_of(path)
        with h5py.File(path) as file:
            for item in facts.parameters:
                if item.path == "/@creator" or isinstance(item.value, str):
                    continue
                value = file[item.path][()]
                assert item.value == pytest.approx(
                    float(value.reshape(-1)[0] if value.shape else value)
                )
                unit = file[item.path].attrs.get("units", file[item.path].attrs.get("unit"))
                if hasattr(unit, "reshape"):
                    unit = unit.reshape(-1)[0]
                unit = _decoded(unit) if isinstance(unit, bytes) else unit
                assert item.unit == (unit or None), (path.name, item)
                numbers += 1
                units += item.unit is not None
    assert numbers >= 50
    assert units >= 25


def test_a_whole_file_in_our_words(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path, title="silver") as file:
        entry = file["entry"]
        entry["experiment_identifier"] = "SC-4242"
        log = entry["sample"].create_group("pressure")
        log.attrs["NX_class"] = "NXlog"
        log["value"], log["average_value"] = range(100), 1.5
        log["average_value"].attrs["units"] = "bar"
    facts = facts_of(path)
    assert facts.title == "silver"
    assert facts.definitions == ("NXsas",)
    assert (facts.instrument, facts.facility, facts.probe) == ("ID02", "ESRF", "x-ray")
    assert facts.default_plot == "/entry/data/I"
    assert [(item.name, item.orcid) for item in facts.people] == [
        ("Josiah Carberry", "https://orcid.org/0000-0002-1825-0097")
    ]
    assert {(item.name, item.value, item.unit, item.path) for item in facts.parameters} == {
        ("experiment_identifier", "SC-4242", None, "/entry/experiment_identifier"),
        ("probe", "x-ray", None, "/entry/instrument/source/probe"),
        ("wavelength", 0.99, "A", "/entry/instrument/monochromator/wavelength"),
        ("sample_temperature", 21.5, "C", "/entry/sample/temperature"),
        ("sample_pressure", 1.5, "bar", "/entry/sample/pressure/average_value"),
    }


def test_the_default_entry_leads_and_others_add(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path, title="first") as file:
        file.copy("entry", "another")
        file["another/title"][()] = "second"
        file["another/sample/temperature"][()] = 80.0
        file.attrs["default"] = "entry"
        sub = file["entry"].create_group("sub")
        sub.attrs["NX_class"] = "NXsubentry"
        sub["definition"] = "NXfluo"
    facts = facts_of(path)
    assert facts.title == "first"
    assert facts.entries == 2
    assert facts.definitions == ("NXsas", "NXfluo")
    temperatures = [item for item in facts.parameters if item.name == "sample_temperature"]
    assert [(item.value, item.path) for item in temperatures] == [
        (21.5, "/entry/sample/temperature"),
        (80.0, "/another/sample/temperature"),
    ]
    assert len([item for item in facts.parameters if item.name == "wavelength"]) == 1


def test_an_energy_of_neutrons_is_not_one_of_photons(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path) as file:
        del file["entry/instrument/source/probe"]
        file["entry/instrument/source/type"] = "Spallation Neutron Source"
        file["entry/instrument/monochromator/energy"] = 25.0
    facts = facts_of(path)
    assert facts.probe == "neutron"
    assert [item.name for item in facts.parameters if item.value == 25.0] == ["incident_energy"]


def test_hdf5_that_is_no_nexus_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = range(10)
    facts = facts_of(path)
    assert facts == Facts(format="NeXus/HDF5")


def test_odd_texts_become_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.odd_texts(path)
    facts = facts_of(path)
    assert facts.title == "Grüße in 5 Å"
    assert facts.definitions == ("NXsas", "NXcanSAS")
    assert [item.name for item in facts.people] == ["Ada", "Émilie"]
    assert facts.samples == ()
    assert ("duration", "not a number") in {(item.name, item.value) for item in facts.parameters}
