"""What is read of headers of images is what fabio and Pillow read of them."""

import struct
from pathlib import Path
from time import thread_time
from typing import Any

import fabio
import pytest
import written_files as files
from fabio.adscimage import AdscImage
from fabio.cbfimage import PilatusHeader
from fabio.marccdimage import HEADER_FORMAT, HEADER_NAMES, interpret_header
from PIL import Image

from panosc.domain.units import scale_of
from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.images.labelled import EdfFormat, SmvFormat
from panosc.ingest.formats.images.minicbf import CbfFormat
from panosc.ingest.formats.images.tiff import MarccdFormat, TiffFormat


def _facts(form: Any, path: Path) -> Facts:
    content = path.read_bytes()
    source = Source(path=path, head=content, content=content)
    assert form.claims(source)
    facts: Facts = form.read(source)
    return facts


def _values(facts: Facts) -> dict[str, Any]:
    return {item.name: item.value for item in facts.parameters}


def _in_si(facts: Facts) -> dict[str, float]:
    found = {}
    for item in facts.parameters:
        scale = scale_of(item.unit, category=item.category) if item.unit else None
        if scale is not None and not isinstance(item.value, str):
            found[item.name] = scale.to_si(item.value)
    return found


def test_a_pilatus_frame_says_what_fabio_reads(tmp_path: Path) -> None:
    path = files.cbf(tmp_path / "lyso_00001.cbf")
    facts = _facts(CbfFormat(), path)
    image = fabio.open(str(path))
    contents = image.header["_array_data.header_contents"]
    assert contents.split() == files.MINI_HEADER.split()
    told = PilatusHeader(contents)
    values, si = _values(facts), _in_si(facts)
    for ours, theirs in {
        "exposure_time": "Exposure_time",
        "frame_time": "Exposure_period",
        "detector_distance": "Detector_distance",
        "attenuator_transmission": "Filter_transmission",
        "start_angle": "Start_angle",
        "angle_increment": "Angle_increment",
    }.items():
        assert values[ours] == pytest.approx(told[theirs]), ours
    assert (values["x_pixel_size"], values["y_pixel_size"]) == tuple(told["Pixel_size"])
    assert (values["beam_center_x"], values["beam_center_y"]) == tuple(told["Beam_xy"])
    assert si["wavelength"] == pytest.approx(told["Wavelength"] * 1e-10)
    assert si["detector_threshold"] == pytest.approx(6329 * 1.602176634e-19)
    assert (values["image_height"], values["image_width"]) == image.shape
    assert facts.start == "2011-08-04T11:32:25.428"
    assert values["detector_description"] == "PILATUS 6M, S/N 60-0104, ESRF ID29"
    assert (values["detector_material"], values["detector_thickness"]) == ("Silicon", 0.00032)
    assert facts.format == "CBF"
    assert facts.refusals == ()


def test_a_month_in_words_is_a_time(tmp_path: Path) -> None:
    header = files.MINI_HEADER.replace("2011-08-04T11:32:25.428", "2011/Aug/04 11:32:25.428")
    assert _facts(CbfFormat(), files.cbf(tmp_path / "a.cbf", header)).start == "2011-08-04T11:32:25"


def test_an_edf_frame_says_what_fabio_reads(tmp_path: Path) -> None:
    path = files.edf(tmp_path / "agbeh_0003.edf")
    facts = _facts(EdfFormat(), path)
    image = fabio.open(str(path))
    values, si = _values(facts), _in_si(facts)
    for ours, theirs in {
        "exposure_time": "ExposureTime",
        "detector_distance": "SampleDistance",
        "x_pixel_size": "PSize_1",
        "y_pixel_size": "PSize_2",
        "beam_center_x": "Center_1",
        "beam_center_y": "Center_2",
        "frame_number": "acq_frame_nb",
    }.items():
        assert values[ours] == float(image.header[theirs]), ours
    assert si["wavelength"] == pytest.approx(0.9919e-10)
    assert si["detector_distance"] == pytest.approx(1.5019)
    assert si["x_pixel_size"] == si["y_pixel_size"] == pytest.approx(172e-6)
    assert si["exposure_time"] == 0.5
    assert facts.title == image.header["title"] == "silver behenate"
    assert facts.start == image.header["time"]
    assert [sample.name for sample in facts.samples] == ["AgBeh"]
    assert (values["image_height"], values["image_width"]) == image.shape
    assert facts.refusals == ()


@pytest.mark.parametrize(
    ("header", "start"),
    [
        ({"time": "10:00:05", "Date": "2014-08-27T10:00:05"}, "2014-08-27T10:00:05"),
        ({"time": "10:00:05", "time_of_day": "1409133605.0"}, "2014-08-27T10:00:05+00:00"),
        ({"time": "10:00:05"}, None),
        ({"time": "nan", "time_of_day": "1e300"}, None),
    ],
)
def test_an_edf_start_is_a_whole_time(
    header: dict[str, str], start: str | None, tmp_path: Path
) -> None:
    assert _facts(EdfFormat(), files.edf(tmp_path / "a.edf", **header)).start == start


def test_an_smv_frame_says_what_fabio_reads(tmp_path: Path) -> None:
    path = files.smv(tmp_path / "lyso_001.img")
    facts = _facts(SmvFormat(), path)
    image = AdscImage().read(str(path))
    values, si = _values(facts), _in_si(facts)
    for ours, theirs in {
        "exposure_time": "TIME",
        "detector_distance": "DISTANCE",
        "wavelength": "WAVELENGTH",
        "x_pixel_size": "PIXEL_SIZE",
        "beam_center_x": "BEAM_CENTER_X",
        "start_angle": "OSC_START",
        "angle_increment": "OSC_RANGE",
    }.items():
        assert values[ours] == float(image.header[theirs]), ours
    assert si["detector_distance"] == pytest.approx(0.2)
    assert facts.instrument == "BL9-1"
    assert facts.start == "Sun Apr 15 12:01:02 2007"
    assert (values["image_height"], values["image_width"]) == image.data.shape == (16, 24)


@pytest.mark.parametrize("writer", ["pillow", "fabio"])
def test_tiff_tags_are_what_pillow_reads(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    (files.tiff if writer == "pillow" else files.tiff_of_fabio)(path)
    facts = _facts(TiffFormat(), path)
    with Image.open(path) as image:
        tags = dict(image.tag_v2)
        values = _values(facts)
        assert (values["image_width"], values["image_height"]) == image.size
    if writer == "pillow":
        assert values["detector_description"] == f"{tags[271]} {tags[272]}"
        assert values["program_name"] == tags[305]
        assert facts.start == "2011-08-04T11:32:25"
    assert facts.refusals == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
def test_all_kinds_of_tiff_are_read(order: str, is_big: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(_tiff_at_the_end(order, is_big=is_big))
    facts = _facts(TiffFormat(), path)
    assert _values(facts)["image_width"] == 640
    assert _values(facts)["exposure_time"] == 0.25
    if is_big and order == ">":
        return  # Pillow takes this kind for a small one
    with Image.open(path) as image:
        assert image.size == (640, 480)


def test_a_directory_far_behind_the_picture_is_found(tmp_path: Path) -> None:
    content = _tiff_at_the_end("<", is_big=False, gap=2**22)
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    facts = TiffFormat().read(Source(path=path, head=content[:4096]))
    assert _values(facts)["image_height"] == 480


def test_a_marccd_frame_says_what_fabio_reads(tmp_path: Path) -> None:
    path = files.marccd(tmp_path / "lyso.0001.mccd")
    facts = _facts(MarccdFormat(), path)
    told = interpret_header(path.read_bytes()[1024:4096], HEADER_FORMAT, HEADER_NAMES)
    si = _in_si(facts)
    assert si["detector_distance"] == pytest.approx(told["xtal_to_detector"] * 1e-6)
    assert si["exposure_time"] == pytest.approx(told["exposure_time"] * 1e-3)
    assert si["x_pixel_size"] == pytest.approx(told["pixelsize_x"] * 1e-9)
    assert si["wavelength"] == pytest.approx(told["source_wavelength"] * 1e-15)
    values = _values(facts)
    assert values["beam_center_x"] == told["beam_x"] / 1000
    assert values["beam_center_y"] == told["beam_y"] / 1000
    assert values["start_angle"] == told["start_phi"] / 1000
    assert values["angle_increment"] == told["rotation_range"] / 1000
    assert (values["image_height"], values["image_width"]) == fabio.open(str(path)).shape
    assert (facts.title, facts.description) == ("lysozyme", "second crystal")
    assert facts.start == "2008-03-28T14:37:32"


@pytest.mark.parametrize("kind", ["cbf", "edf", "smv"])
def test_a_picture_that_is_not_all_there_is_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    form: Any = {"cbf": CbfFormat, "edf": EdfFormat, "smv": SmvFormat}[kind]()
    {"cbf": files.cbf, "edf": files.edf, "smv": files.smv}[kind](path)
    assert _facts(form, path).refusals == ()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - 300)
    refusals = _facts(form, path).refusals
    assert [item.reason for item in refusals] == ["truncated"]


def test_a_thousand_frames_take_a_moment(tmp_path: Path) -> None:
    path = files.cbf(tmp_path / "a.cbf", shape=(619, 487))
    content = path.read_bytes()
    form = CbfFormat()
    began = thread_time()
    for _ in range(1000):
        source = Source(path=path, head=content, content=content)
        assert form.claims(source)
        form.read(source)
    took = thread_time() - began
    assert took < 3, f"{took:.3f} s; 0.1 s on a quiet machine"


def _tiff_at_the_end(order: str, *, is_big: bool, gap: int = 100) -> bytes:
    """Return a TIFF file whose directory stands behind the picture, as many writers do."""
    text = b"# Exposure_time 0.25 s\n\0"
    offset = 16 + gap + len(text)
    long, short = ("Q", 20) if is_big else ("I", 12)
    tags = [
        (256, 3, 1, struct.pack(f"{order}H", 640)),
        (257, 4, 1, struct.pack(f"{order}I", 480)),
        (258, 3, 1, struct.pack(f"{order}H", 8)),
        (259, 3, 1, struct.pack(f"{order}H", 1)),
        (262, 3, 1, struct.pack(f"{order}H", 1)),
        (270, 2, len(text), struct.pack(f"{order}{long}", 16 + gap)),
        (273, 4, 1, struct.pack(f"{order}I", 16)),
        (279, 4, 1, struct.pack(f"{order}I", 640 * 480)),
    ]
    field = short - 4 - (8 if is_big else 4)
    rows = b"".join(
        struct.pack(f"{order}HH{long}", tag, kind, count) + value.ljust(field, b"\0")
        for tag, kind, count, value in tags
    )
    begin = b"II" if order == "<" else b"MM"
    if is_big:
        begin += struct.pack(f"{order}HHHQ", 43, 8, 0, offset)
        count = struct.pack(f"{order}Q", len(tags))
    else:
        begin += struct.pack(f"{order}HI", 42, offset)
        count = struct.pack(f"{order}H", len(tags))
    return begin.ljust(16 + gap, b"\0") + text + count + rows + bytes(8)
