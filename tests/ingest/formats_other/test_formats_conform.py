"""Every format of ours keeps to the suite that others test theirs with."""

import inspect
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import written_files as files
from extra_data.tests.make_examples import make_agipd_file

from panosc.ingest.formats import Facts, Format, Quantity, Source, conformance
from panosc.ingest.formats.conformance import FOREIGN, FormatConformance, Sample
from panosc.ingest.formats.ill import IllFormat
from panosc.ingest.formats.images.labelled import EdfFormat, SmvFormat
from panosc.ingest.formats.images.minicbf import CbfFormat
from panosc.ingest.formats.images.tiff import MarccdFormat, TiffFormat
from panosc.ingest.formats.nexus import NexusFormat
from panosc.ingest.formats.opaque import OpaqueFormat
from panosc.ingest.formats.openpmd import OpenPmdFormat
from panosc.ingest.formats.spec import SpecFormat
from panosc.ingest.formats.xfel import XfelFormat
from panosc.plugins import load


@cache
def samples() -> dict[str, list[Sample]]:
    """Name of a format → files of it."""
    with TemporaryDirectory() as folder:
        here = Path(folder)
        made = {
            "EDF": [files.edf(here / "a_0001.edf")],
            "SMV": [files.smv(here / "lyso_001.img")],
            "CBF": [files.cbf(here / "lyso_00001.cbf")],
            "TIFF": [
                files.tiff(here / "a.tif", description=files.MINI_HEADER),
                files.tiff_of_fabio(here / "b.tiff"),
            ],
            "MarCCD": [files.marccd(here / "a.mccd")],
        }
        found = {name: [(p.name, p.read_bytes()) for p in paths] for name, paths in made.items()}
    found["SPEC"] = [("gaas_0815", files.SPEC.encode())]
    found["ILL ASCII"] = [
        ("536854", files.numor().encode()),
        ("050750", files.numor_of_lines().encode()),
        ("012345", files.TRIPLE_AXIS.encode()),
    ]
    return found


class TestEdf(FormatConformance):
    form = EdfFormat()
    samples = samples()["EDF"]


class TestSmv(FormatConformance):
    form = SmvFormat()
    samples = samples()["SMV"]


class TestCbf(FormatConformance):
    form = CbfFormat()
    samples = samples()["CBF"]


class TestTiff(FormatConformance):
    form = TiffFormat()
    samples = samples()["TIFF"]


class TestMarccd(FormatConformance):
    form = MarccdFormat()
    samples = samples()["MarCCD"]


class TestSpec(FormatConformance):
    form = SpecFormat()
    samples = samples()["SPEC"]


class TestIll(FormatConformance):
    form = IllFormat()
    samples = samples()["ILL ASCII"]


class TestOpaque(FormatConformance):
    form = OpaqueFormat()
    takes_everything = True
    samples = FOREIGN


@pytest.fixture(scope="module")
def in_hdf5(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Sample]]:
    folder = tmp_path_factory.mktemp("written")
    names = ("chopper.nxs", "cs_af1410.h5", "writer_2_1.hdf5")
    paths = {"nexus": [next(examples.rglob(name)) for name in names], "xfel": []}
    for version in ("0.5", "1.2"):
        path = folder / f"RAW-R0238-AGIPD07-S0000{version[0]}.h5"
        make_agipd_file(path, format_version=version)
        paths["xfel"].append(path)
    paths["openpmd"] = [files.openpmd(folder / "wake.h5")]
    return {
        kind: [(path.name, path.read_bytes()) for path in found] for kind, found in paths.items()
    }


class TestNexus(FormatConformance):
    form = NexusFormat()
    flips = 100

    @pytest.fixture(autouse=True)
    def _written(self, in_hdf5: dict[str, list[Sample]]) -> None:
        type(self).samples = in_hdf5["nexus"]


class TestXfel(FormatConformance):
    form = XfelFormat()
    flips = 40

    @pytest.fixture(autouse=True)
    def _written(self, in_hdf5: dict[str, list[Sample]]) -> None:
        type(self).samples = in_hdf5["xfel"]


class TestOpenPmd(FormatConformance):
    form = OpenPmdFormat()
    flips = 40

    @pytest.fixture(autouse=True)
    def _written(self, in_hdf5: dict[str, list[Sample]]) -> None:
        type(self).samples = in_hdf5["openpmd"]


@pytest.mark.parametrize("name", sorted(samples()))
def test_a_file_is_read_by_its_own_format_only(name: str) -> None:
    forms: list[Format] = [kind() for kind in load("panosc.formats").found.values()]
    forms.sort(key=lambda form: (form.order, form.name))
    for file, content in samples()[name]:
        source = Source(path=Path(file), head=content, content=content)
        claiming = [form.name for form in forms if form.claims(source)]
        assert claiming == [name, "opaque"]


def test_the_suite_needs_no_test_runner() -> None:
    assert "pytest" not in inspect.getsource(conformance).replace("let pytest", "").replace(
        "Nothing of pytest", ""
    )
    assert conformance.__name__ in sys.modules


class _Careless:
    """A format with a fault for each of the suite's tests."""

    name = "careless"
    order = 50

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.times = 0

    def claims(self, source: Source) -> bool:
        return self.fault == "greedy" or source.head.startswith(b"MINE")

    def read(self, source: Source) -> Facts:
        self.times += 1
        value: Any = 1.5
        match self.fault:
            case "nan":
                value = float("nan")
            case "nul":
                value = "a\0b"
            case "fickle":
                value = self.times
            case "hungry" if source.content is None:
                source.path.read_bytes()
            case "writes" if source.content is None:
                source.path.with_suffix(".seen").touch()
            case "brittle":
                value = source.head.index(b"end")
            case _:
                pass
        parameter = Quantity(name="x", value=value, path="/x")
        return Facts(format=self.name, parameters=(parameter,))


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ("greedy", "test_foreign_files_are_left_to_others"),
        ("nan", "test_facts_are_whole_and_fit_into_json"),
        ("nul", "test_facts_are_whole_and_fit_into_json"),
        ("fickle", "test_reading_twice_says_the_same"),
        ("hungry", "test_data_are_not_read"),
        ("writes", "test_nothing_is_written"),
        ("brittle", "test_a_file_cut_short_is_read_or_refused"),
        ("brittle", "test_changed_bytes_are_read_or_refused"),
    ],
)
def test_the_suite_finds_faults(fault: str, method: str, tmp_path: Path) -> None:
    class Suite(FormatConformance):
        form = _Careless(fault)
        samples = (("a.mine", b"MINE begin end"),)

    suite = Suite()
    arguments = (
        (tmp_path,) if "tmp_path" in inspect.signature(getattr(suite, method)).parameters else ()
    )
    with pytest.raises((AssertionError, ValueError)):
        getattr(suite, method)(*arguments)
    sound = type("Sound", (Suite,), {"form": _Careless("none")})()
    (tmp_path / "again").mkdir()
    getattr(sound, method)(*([tmp_path / "again"] if arguments else []))
