"""Headers that are broken or mean harm: facts or a reason, soon, and nothing a database refuses."""

import struct
from pathlib import Path
from time import thread_time
from typing import Any

import pytest
import written_files as files
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc.domain.errors import Unreadable
from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.conformance import check_facts
from panosc.ingest.formats.ill import IllFormat
from panosc.ingest.formats.images.labelled import EdfFormat, SmvFormat
from panosc.ingest.formats.images.minicbf import CbfFormat
from panosc.ingest.formats.images.tiff import MarccdFormat, TiffFormat
from panosc.ingest.formats.opaque import OpaqueFormat
from panosc.ingest.formats.spec import SpecFormat
from panosc.ingest.formats.spelling import Gathering, clean, measured, moment, moments
from panosc.ingest.formats.window import Window

FORMS: list[Any] = [
    CbfFormat(), EdfFormat(), SmvFormat(), TiffFormat(), MarccdFormat(), SpecFormat(), IllFormat(),
    OpaqueFormat(),
]  # fmt: skip
MAGIC = {
    "cbf": b"###CBF: VERSION 1.5\n",
    "edf": b"{\nHeaderID = EH:000001:000000:000000 ;\nDim_1 = 3 ;\n",
    "smv": b"{\nHEADER_BYTES=  512;\n",
    "tiff": b"II*\0\x08\0\0\0",
    "big tiff": b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10",
    "marccd": (b"II*\0\x08\0\0\0".ljust(1028, b"\0") + b"MMX\0").ljust(4096, b"\xff"),
    "spec": b"#F a\n#E 1385716800\n#S 1  ascan\n",
    "ill": b"R" * 80 + b"\n       1       0\n" + b"A" * 80 + b"\n",
}


def _read(content: bytes, name: str = "x") -> Facts | None:
    source = Source(path=Path(name), head=content, content=content)
    form = next(form for form in FORMS if form.claims(source))
    try:
        facts: Facts = form.read(source)
    except Unreadable:
        return None
    check_facts(facts)
    return facts


@pytest.mark.parametrize("kind", sorted(MAGIC))
@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(rest=st.binary(max_size=3000))
def test_garbage_behind_a_magic_number(kind: str, rest: bytes) -> None:
    _read(MAGIC[kind] + rest)


@pytest.mark.parametrize("kind", sorted(MAGIC))
@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(rest=st.text("0123456789eE+-.,:;={}()#SRAFIV \t\n\0é_xnaif", max_size=2000))
def test_almost_right_text_behind_a_magic_number(kind: str, rest: str) -> None:
    _read(MAGIC[kind] + rest.encode("latin-1"))


@pytest.mark.parametrize("filler", [b" ", b"\0", b"a = 1 ;\n", b"# x\n", b"}", b";", b"=", b"-"])
@pytest.mark.parametrize("kind", sorted(MAGIC))
def test_a_huge_header_costs_little(kind: str, filler: bytes) -> None:
    content = MAGIC[kind] + filler * (8 * 2**20 // len(filler))
    began = thread_time()
    _read(content)
    assert thread_time() - began < 3


def test_a_header_without_end_is_told() -> None:
    facts = _read(MAGIC["edf"] + b"title = a ;\n" + b"x = 1 ;\n" * 100_000)
    assert facts is not None
    assert facts.title == "a"
    assert [item.reason for item in facts.refusals] == ["too-large"]
    assert len(facts.parameters) < 20


@pytest.mark.parametrize("value", ["nan", "inf", "-1e999", "12 34", "0x10", "9" * 5000, "", "1_0"])
def test_values_that_are_no_numbers_are_left_out(value: str, tmp_path: Path) -> None:
    for made in (
        files.edf(tmp_path / "a.edf", ExposureTime=value, WaveLength=value, PSize_1=value),
        files.cbf(tmp_path / "a.cbf", f"\n# Exposure_time {value} s\n# Wavelength {value} A\n"),
    ):
        facts = _read(made.read_bytes())
        assert facts is not None
        names = {item.name for item in facts.parameters}
        assert not names & {"exposure_time", "wavelength", "x_pixel_size"}


def test_letters_of_other_times_and_nul_are_borne(tmp_path: Path) -> None:
    content = files.edf(tmp_path / "a.edf").read_bytes()
    content = content.replace(b"silver behenate", b"M\xfcller\0 \x07 cell")
    facts = _read(content)
    assert facts is not None
    assert facts.title == "Müller cell"


def test_a_window_opens_so_far_and_no_further(tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    path = tmp_path / "a"
    path.write_bytes(content)
    for source in (
        Source(path=path, head=content, content=content),
        Source(path=path, head=content[:4096]),
    ):
        with Window(source, limit=300) as window:
            assert window.size == len(content)
            assert window.part(-1, 5) == window.part(2**63, 5) == b""
            assert window.part(5000, 200) == content[5000:5200]
            assert window.part(0, 200) == content[:100]
            assert window.part(0, 200) == b""


def test_a_directory_of_tiff_that_points_anywhere() -> None:
    for offset in (0, 4, 8, 2**31, 2**32 - 1):
        for count in (0, 1, 65_535):
            tag = struct.pack("<HHII", 270, 2, 2**32 - 1, 2**32 - 1)
            content = b"II*\0" + struct.pack("<I", offset) + struct.pack("<H", count) + tag * 9
            assert _read(content) is not None
    far = b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 1)
    facts = _read(far)
    assert facts is not None
    assert facts.refusals[0].reason == "truncated"


def test_a_far_directory_of_a_large_tiff_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for offset in (2**63 - 1, 2**63, 2**64 - 1):
        content = b"II+\0\x08\0\0\0" + struct.pack("<Q", offset) + bytes(100)
        path.write_bytes(content)
        facts = TiffFormat().read(Source(path=path, head=content[:4096]))
        assert facts.refusals[0].reason == "truncated"


def test_numbers_without_end_are_none() -> None:
    assert measured("1e999") is None
    assert measured("-1e999 m") is None
    found = Gathering()
    found.add("a", float("nan"), "/a")
    found.add("b", float("inf"), "/b")
    assert found.all == ()


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(text=st.text(max_size=200))
def test_spellings_never_raise(text: str) -> None:
    assert "\0" not in clean(text)
    for item in (moment(text), *moments(text)):
        assert item is None or "\0" not in item
    found = measured(text)
    assert found is None or abs(found[0]) < 1e309
