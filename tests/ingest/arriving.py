"""Folders as facilities write them, by their own tools, and the rule that makes datasets of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import fabio
import h5py
import numpy as np
import openpmd_api as io
import written_files
from extra_data.tests.mockdata import write_file
from extra_data.tests.mockdata.detectors import AGIPDModule
from extra_data.tests.mockdata.xgm import XGM
from typing_extensions import override

from panosc.ingest.grouping import Grouping
from panosc.ingest.grouping.file import FileGrouping
from panosc.ingest.grouping.folder import FolderGrouping
from panosc.ingest.grouping.pattern import PatternGrouping
from panosc.ingest.grouping.virtual import MasterGrouping, VirtualGrouping
from panosc.ingest.profiles import Completion, Match, Profile, Rule
from panosc.ingest.told import Told

QUIET = Completion(quiet_s=60)


class OneRule(Profile):
    """A profile with one rule for all files; names are counted from the root."""

    name = "test"
    time_zone = None
    facility = "Test facility"
    probe = None

    def __init__(self, root: Path, grouping: Grouping, options: Mapping[str, Any]) -> None:
        self.root = PurePosixPath(root)
        grouping.check(options)
        is_single = isinstance(grouping, FileGrouping)
        completion = Completion(at_once=True) if is_single else QUIET
        self.rule = Rule(name="all", grouping=grouping, options=options, completion=completion)

    @override
    def match(self, path: PurePosixPath) -> Match | None:
        place = self.rule.grouping.place(path, self.root, self.rule.options)
        assert place is not None
        return Match(rule=self.rule, place=place, name=str(path.relative_to(place.base)))

    @override
    def told(self, match: Match) -> Told:
        return Told()

    @override
    def tiers(self, paths: Sequence[str]) -> list[str]:
        return ["online"] * len(paths)

    @override
    def take_troubles(self) -> list[tuple[str, str]]:
        return []

    @override
    def explain(self, path: PurePosixPath) -> list[tuple[str, str]]:
        return []


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What one facility writes."""

    make: Callable[[Path], None]
    grouping: Grouping = field(default_factory=FolderGrouping)
    options: Mapping[str, Any] = field(default_factory=dict)
    datasets: int = 1
    title: str | None = None
    people: int = 0
    parameters: frozenset[str] = frozenset()

    def profile(self, root: Path) -> OneRule:
        return OneRule(root, self.grouping, self.options)


def xfel(root: Path) -> None:
    for number in range(16):
        module = AGIPDModule(f"SPB_DET_AGIPD1M-1/DET/{number}CH0", raw=True, frames_per_train=2)
        path = root / f"RAW-R0239-AGIPD{number:02}-S00000.h5"
        write_file(path, [module], 8, chunksize=8, format_version="1.2")
    xgm = XGM("SA1_XTD2_XGM/DOOCS/MAIN")
    write_file(root / "RAW-R0239-DA01-S00000.h5", [xgm], 8, chunksize=8, format_version="1.2")


def eiger(root: Path) -> None:
    with h5py.File(root / "lysozyme_master.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "lysozyme"
        entry["start_time"] = "2024-05-06T07:08:09"
        instrument = entry.create_group("instrument")
        instrument.attrs["NX_class"] = "NXinstrument"
        instrument["name"] = "ID30A-3"
        detector = instrument.create_group("detector")
        detector.attrs["NX_class"] = "NXdetector"
        detector["count_time"] = 0.01
        detector["count_time"].attrs["units"] = "s"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        for number in (1, 2, 3):
            name = f"data_{number:06}"
            data[name] = h5py.ExternalLink(f"lysozyme_{name}.h5", "/entry/data/data")
    for number in (1, 2, 3):
        with h5py.File(root / f"lysozyme_data_{number:06}.h5", "w") as file:
            file["entry/data/data"] = np.full((2, 8, 8), number, "u4")
            file["entry"].attrs["NX_class"] = "NXentry"


def virtual(root: Path) -> None:
    layout = h5py.VirtualLayout(shape=(3, 8), dtype="f4")
    for number in range(3):
        layout[number] = h5py.VirtualSource(f"part{number}.h5", "/x", shape=(8,))
        if number != 1:
            with h5py.File(root / f"part{number}.h5", "w") as file:
                file["x"] = np.full(8, number, "f4")
    with h5py.File(root / "whole.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry.attrs["default"] = "data"
        entry["title"] = "three parts"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "x"
        data.create_virtual_dataset("x", layout)


def openpmd(root: Path) -> None:
    series = io.Series(str(root / "shot_%T.h5"), io.Access.create)
    series.author = "Ada Example"
    series.set_software("PIConGPU", "0.7")
    for number in (0, 10, 20):
        iteration = series.iterations[number]
        iteration.time, iteration.dt, iteration.time_unit_SI = float(number), 1.0, 1e-15
        mesh = iteration.meshes["E"]["x"]
        mesh.reset_dataset(io.Dataset(np.dtype("float32"), [4]))
        mesh.store_chunk(np.arange(4, dtype="float32"))
        series.flush()
        iteration.close()
    series.close()


def cbf(root: Path) -> None:
    for number in range(1, 6):
        text = (
            "# Detector: PILATUS 1M, S/N 10-0100\r\n"
            f"# 2024-05-06T07:08:{number:02}.000\r\n"
            "# Pixel_size 172e-6 m x 172e-6 m\r\n"
            "# Exposure_time 0.5000000 s\r\n"
            "# Wavelength 0.9763 A\r\n"
            "# Detector_distance 0.21 m\r\n"
            f"# Start_angle {number / 10:.4f} deg.\r\n"
        )
        image = fabio.cbfimage.CbfImage(
            data=np.full((8, 8), number, "i4"),
            header={
                "_array_data.header_convention": "PILATUS_1.2",
                "_array_data.header_contents": text,
            },
        )
        image.write(str(root / f"thaumatin_{number:04}.cbf"))


def spec(root: Path) -> None:
    lines = [
        "#F gold.spec",
        "#E 1714981000",
        "#D Mon May 06 07:08:09 2024",
        "#C gold  User = opid01",
    ]
    for number in (1, 2):
        lines += ["", f"#S {number}  ascan th 0 1 2 0.1", "#D Mon May 06 07:10:09 2024"]
        lines += ["#T 0.1  (Seconds)", "#N 2", "#L Theta  Detector", "0 10", "0.5 20", "1 15"]
    (root / "gold.spec").write_text("\n".join(lines) + "\n")


def binaries(root: Path) -> None:
    for number in range(4):
        (root / f"frame{number}.raw").write_bytes(bytes([number]) * 1000)
    (root / "deeper").mkdir()
    (root / "deeper" / "frame.raw").write_bytes(b"\x00\x01" * 7)


def numor(root: Path) -> None:
    with h5py.File(root / "012345.nxs", "w") as file:
        entry = file.create_group("entry0")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "Silicon"
        entry["start_time"] = "06-May-24 07:08:09"
    ascii_numor(root, "012345")


def ascii_numor(root: Path, name: str = "536854") -> None:
    (root / name).write_text(written_files.numor())


SCENES = {
    "xfel": Scene(make=xfel),
    "eiger": Scene(make=eiger, grouping=MasterGrouping(), title="lysozyme"),
    "virtual": Scene(
        make=virtual,
        grouping=VirtualGrouping(),
        title="three parts",
        parameters=frozenset({"missing_source"}),
    ),
    "openpmd": Scene(make=openpmd, people=1),
    "cbf": Scene(make=cbf, parameters=frozenset({"exposure_time", "wavelength"})),
    "spec": Scene(make=spec, grouping=FileGrouping(), people=1),
    "binaries": Scene(make=binaries),
    "numor": Scene(
        make=numor,
        grouping=PatternGrouping(),
        options={"name": r"(?P<stem>\d+)(\.nxs)?"},
        title="Silicon",
        people=2,
        parameters=frozenset({"wavelength", "sample_temperature"}),
    ),
    "ascii numor": Scene(
        make=ascii_numor,
        grouping=FileGrouping(),
        title="Na2Ca3Al2F14 in a cryostat",
        people=2,
        parameters=frozenset({"wavelength", "sample_temperature"}),
    ),
}
