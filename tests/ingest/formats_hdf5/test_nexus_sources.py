"""Which other files a file needs is told by its links and layouts; none of them is opened."""

import time
from pathlib import Path

import h5py
import hdf5_written as written
import hostile
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from panosc.domain.errors import Unreadable
from panosc.files import plots
from panosc.files.tiers import OnlineFile
from panosc.ingest.formats.links import MAPPINGS, SOURCES


def test_a_master_names_its_data_files(tmp_path: Path) -> None:
    path = written.eiger(tmp_path)
    facts = written.facts_of(path)
    assert facts.sources == tuple(f"scan_data_{number:06}.h5" for number in (1, 2, 3))
    assert facts.refusals == ()
    assert facts.definitions == ("NXmx",)
    assert facts.start == "2024-03-01T10:00:00.123"
    values = {item.name: (item.value, item.unit) for item in facts.parameters}
    with h5py.File(path) as file:
        detector = file["entry/instrument/detector"]
        for name, field in (
            ("exposure_time", "count_time"),
            ("frame_time", "frame_time"),
            ("x_pixel_size", "x_pixel_size"),
            ("y_pixel_size", "y_pixel_size"),
            ("beam_center_x", "beam_center_x"),
            ("beam_center_y", "beam_center_y"),
            ("detector_distance", "detector_distance"),
        ):
            assert values[name] == (detector[field][()], detector[field].attrs["units"]), name
        specific = detector["detectorSpecific"]
        for name in ("nimages", "ntrigger"):
            assert values[name] == (specific[name][()], None)
    assert values["detector_description"] == ("Dectris Eiger 4M", None)
    assert values["wavelength"] == (1.0, "angstrom")


def test_a_master_without_its_data_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    here = written.facts_of(written.eiger(tmp_path / "with"))
    alone = written.facts_of(written.eiger(tmp_path / "without", with_data=False))
    assert here == alone


def test_many_data_files_hide_no_warning(tmp_path: Path) -> None:
    path = written.eiger(tmp_path, files=400, with_data=False)
    with h5py.File(path, "r+") as file:
        file["entry/title"] = h5py.ExternalLink("other.h5", "/title")
        file["entry/data"].attrs["signal"] = "data_000001"
        file["entry/soft"] = h5py.SoftLink("/entry/data/data_000001")
    facts = written.facts_of(path)
    assert len(facts.sources) == 400
    assert [item.reason for item in facts.refusals] == ["external-link"]
    assert "/entry/title" in facts.refusals[0].detail


def test_links_outside_the_data_are_warned_of_and_no_sources(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.external_links(path, tmp_path / "neighbour.nxs")
    facts = written.facts_of(path)
    assert facts.sources == ()
    assert {item.reason for item in facts.refusals} == {"external-link"}


def test_images_of_a_scan_lie_in_other_files(tmp_path: Path) -> None:
    path = tmp_path / "sample_0001.h5"
    images = [f"scan000{n}/eiger_0000.h5" for n in (1, 2)]
    scan = ("loopscan 1 1", "2024-03-01T10:00:00Z", "2024-03-01T10:01:00Z")
    with written.bliss(path, [scan, scan, scan]) as file:
        for number, image in enumerate(images, start=1):
            written.bliss_camera(file, f"{number}.1", [image, image])
    facts = written.facts_of(path, by_entry=True)
    assert set(facts.sources) == set(images)
    by_name = {part.name: part.facts.sources for part in facts.parts}
    assert by_name == {"1.1": (images[0],), "2.1": (images[1],), "3.1": ()}
    assert facts.refusals == ()


@pytest.mark.parametrize("place", ["data", "group/deeper/data"])
def test_a_virtual_dataset_without_nexus(tmp_path: Path, place: str) -> None:
    path = tmp_path / "virtual.h5"
    with h5py.File(path, "w", libver="latest") as file:
        layout = h5py.VirtualLayout((2, 10), "f8")
        for index, name in enumerate(("a.h5", "b.h5")):
            layout[index] = h5py.VirtualSource(name, "x", (10,))
        file.create_virtual_dataset(place, layout)
    assert written.facts_of(path).sources == ("a.h5", "b.h5")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (".", ()),
        ("x.h5", ()),
        ("./x.h5", ()),
        ("/etc/passwd", ("/etc/passwd",)),
        ("../../secret.h5", ("../../secret.h5",)),
    ],
    ids=["dot", "own-name", "own-folder", "absolute", "upwards"],
)
def test_where_sources_lead_is_told_and_not_followed(
    tmp_path: Path, named: str, expected: tuple[str, ...]
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = written.group(written.group(file, "entry", "NXentry"), "data", "NXdata")
        data["own"] = np.arange(10.0)
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource(named, "/entry/data/own", (10,))
        data.create_virtual_dataset("all", layout)
        data["link"] = h5py.ExternalLink(named, "/entry/data/own")
    assert written.facts_of(path).sources == expected


def test_its_own_path_is_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = written.group(written.group(file, "entry", "NXentry"), "data", "NXdata")
        data["link"] = h5py.ExternalLink(str(path), "/entry/data/link")
    assert written.facts_of(path).sources == ()


def _mapped(path: Path, count: int) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        data = written.group(written.group(file, "entry", "NXentry"), "data", "NXdata")
        plan = h5p.create(h5p.DATASET_CREATE)
        where, one = h5s.create_simple((count,)), h5s.create_simple((1,))
        for index in range(count):
            where.select_hyperslab((index,), (1,))
            plan.set_virtual(where, b"f%06d.h5" % index, b"d", one)
        h5d.create(data.id, b"data", h5t.IEEE_F64LE, h5s.create_simple((count,)), plan)


def test_a_hundred_thousand_sources_are_not_too_many_to_survive(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    _mapped(path, 100_000)
    begin = time.monotonic()
    facts = written.facts_of(path)
    assert time.monotonic() - begin < 10
    assert len(facts.sources) == SOURCES
    assert facts.sources[0] == "f000000.h5"
    details = [item.detail for item in facts.refusals if item.reason == "too-many-sources"]
    assert any(f"{MAPPINGS} of 100000" in detail for detail in details)


def test_asking_for_the_length_of_a_virtual_dataset_would_open_others(tmp_path: Path) -> None:
    """The library opens the sources of one that may grow: a pipe among them blocks for ever."""
    written.tripwire(tmp_path / "pipe")
    written.growing(tmp_path / "x.h5", "pipe")
    assert written.read_elsewhere(tmp_path / "x.h5") == "('pipe',) /entry/data/data"
    path = (tmp_path / "x.h5").resolve()
    status = path.stat()
    file = OnlineFile(path=str(path), size=status.st_size, mtime_ns=status.st_mtime_ns)
    with pytest.raises(Unreadable) as caught:
        plots.read(file, "/entry/data/data")
    assert caught.value.reason == "virtual-dataset"


def test_nothing_that_a_file_names_is_opened(tmp_path: Path) -> None:
    """Whatever opens one of these never returns."""
    names = [str(tmp_path / "absolute"), "beside", "below/it"]
    (tmp_path / "below").mkdir()
    for name in names:
        written.tripwire(tmp_path / name)
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        entry = written.group(file, "entry", "NXentry")
        data = written.group(entry, "data", "NXdata")
        data.attrs["signal"] = "v0"
        for number, name in enumerate(names):
            layout = h5py.VirtualLayout((10,), "f8")
            layout[:] = h5py.VirtualSource(name, "d", (10,))
            data.create_virtual_dataset(f"v{number}", layout)
            data[f"l{number}"] = h5py.ExternalLink(name, "d")
            entry[f"outside{number}"] = h5py.ExternalLink(name, "d")
        entry["title"] = h5py.ExternalLink(names[0], "d")
    assert written.read_elsewhere(path) == f"{tuple(names)} /entry/data/v0"
