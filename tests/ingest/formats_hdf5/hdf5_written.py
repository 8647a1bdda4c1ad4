"""Files as beamlines write them: scans of BLISS, masters of EIGER detectors, virtual datasets."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.nexus import NexusFormat


def source_of(path: Path, *, by_entry: bool = False) -> Source:
    content = path.read_bytes()
    return Source(path=path, head=content, content=content, by_entry=by_entry)


def facts_of(path: Path, *, by_entry: bool = False) -> Facts:
    source = source_of(path, by_entry=by_entry)
    try:
        return NexusFormat().read(source)
    finally:
        source.close()


def read_elsewhere(path: Path, *, seconds: float = 20) -> str:
    """Read a file in a process that is given up when it hangs; return what it needs of others."""
    code = (
        "import sys; from pathlib import Path; from panosc.ingest.formats import Source;"
        "from panosc.ingest.formats.nexus import NexusFormat; path = Path(sys.argv[1]);"
        "facts = NexusFormat().read(Source(path=path, head=path.read_bytes()[:4096]));"
        "print(facts.sources, facts.default_plot)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=True,
    )
    return done.stdout.strip()


def group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    made = parent.create_group(name)
    made.attrs["NX_class"] = kind
    return made


def parameter(group: h5py.Group, name: str, value: object, unit: str) -> None:
    group[name] = value
    group[name].attrs["units"] = unit


def bliss(path: Path, scans: Sequence[tuple[str, str, str | None]], **options: object) -> h5py.File:
    """Return a file of one dataset of the ESRF: (title, start, end) of each scan."""
    file = h5py.File(path, "w", **options)
    file.attrs.update(NX_class="NXroot", creator="Bliss", publisher="bliss")
    for number, (title, start, end) in enumerate(scans, start=1):
        entry = group(file, f"{number}.1", "NXentry")
        file.attrs["default"] = f"{number}.1"
        entry["title"], entry["start_time"] = title, start
        if end is not None:
            entry["end_time"], entry["end_reason"] = end, "SUCCESS"
        instrument = group(entry, "instrument", "NXinstrument")
        instrument["name"] = "ESRF-ID11"
        instrument["name"].attrs["short_name"] = "ID11"
        for which in ("positioners", "positioners_start", "positioners_end"):
            group(instrument, which, "NXcollection").create_dataset("samy", data=float(number))
        group(instrument, "samy", "NXpositioner")["value"] = np.arange(5.0)
        diode = group(instrument, "diode1", "NXdetector")
        diode["data"], diode["type"] = np.arange(5.0) * number, "counting"
        sample = group(entry, "sample", "NXsample")
        sample["name"] = f"sample{number}"
        parameter(sample, "temperature", 20.0 + number, "K")
        measurement = group(entry, "measurement", "NXcollection")
        for name, target in (("samy", "samy/value"), ("diode1", "diode1/data")):
            measurement[name] = h5py.SoftLink(f"/{number}.1/instrument/{target}")
        plot = group(entry, "plotselect", "NXdata")
        plot.attrs.update(signal="diode1", axes="samy")
        for name, target in (("samy", "samy/value"), ("diode1", "diode1/data")):
            plot[name] = h5py.SoftLink(f"/{number}.1/instrument/{target}")
        entry.attrs["default"] = "plotselect"
    return file


def bliss_camera(file: h5py.File, entry: str, images: Sequence[str]) -> None:
    """Add a camera whose images lie in other files, as a virtual dataset."""
    camera = group(file[f"{entry}/instrument"], "eiger", "NXdetector")
    layout = h5py.VirtualLayout((len(images), 4, 4), "u4")
    for index, name in enumerate(images):
        layout[index] = h5py.VirtualSource(name, "/entry_0000/measurement/data", (1, 4, 4))[0]
    camera.create_virtual_dataset("data", layout)
    file[f"{entry}/measurement/eiger"] = h5py.SoftLink(f"/{entry}/instrument/eiger/data")


def eiger(folder: Path, name: str = "scan", files: int = 3, *, with_data: bool = True) -> Path:
    """Write a master and its data files, as detectors of DECTRIS do; return the master."""
    path = folder / f"{name}_master.h5"
    with h5py.File(path, "w", libver="latest") as file:
        entry = group(file, "entry", "NXentry")
        entry["definition"] = "NXmx"
        data = group(entry, "data", "NXdata")
        for number in range(1, files + 1):
            other = f"{name}_data_{number:06}.h5"
            data[f"data_{number:06}"] = h5py.ExternalLink(other, "/entry/data/data")
        detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
        detector["description"] = "Dectris Eiger 4M"
        detector["detector_number"] = "E-08-0101"
        for field, value, unit in (
            ("count_time", 0.0099, "s"),
            ("frame_time", 0.01, "s"),
            ("x_pixel_size", 7.5e-5, "m"),
            ("y_pixel_size", 7.5e-5, "m"),
            ("beam_center_x", 1035.5, "pixel"),
            ("beam_center_y", 1084.2, "pixel"),
            ("detector_distance", 0.2, "m"),
        ):
            parameter(detector, field, value, unit)
        specific = group(detector, "detectorSpecific", "NXcollection")
        specific["nimages"], specific["ntrigger"] = np.uint64(100), np.uint64(files)
        specific["data_collection_date"] = "2024-03-01T10:00:00.123"
        specific["pixel_mask"] = np.zeros((40, 40), "u4")
        beam = group(entry["instrument"], "beam", "NXbeam")
        parameter(beam, "incident_wavelength", 1.0, "angstrom")
    for number in range(1, files + 1 if with_data else 1):
        with h5py.File(folder / f"{name}_data_{number:06}.h5", "w") as file:
            entry = group(file, "entry", "NXentry")
            images = group(entry, "data", "NXdata")
            images.create_dataset("data", data=np.ones((2, 4, 4), "u4"), chunks=(1, 4, 4))
    return path


def growing(path: Path, source: str) -> None:
    """Write a virtual dataset that is as long as its source is: its length asks for the source."""
    with h5py.File(path, "w", libver="latest") as file:
        entry = group(file, "entry", "NXentry")
        data = group(entry, "data", "NXdata")
        data.attrs["signal"] = "data"
        layout = h5py.VirtualLayout((10, 4), "f8", maxshape=(None, 4))
        whole = slice(0, h5py.h5s.UNLIMITED)
        layout[whole, :] = h5py.VirtualSource(source, "d", (10, 4), maxshape=(None, 4))[whole, :]
        data.create_virtual_dataset("data", layout)
        detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
        detector.create_virtual_dataset("distance", layout)


def tripwire(path: Path) -> None:
    """Make a file that whoever opens it waits for, and never gets."""
    os.mkfifo(path)
