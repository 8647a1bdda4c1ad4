"""EDF and SMV: a header of ``key = value ;`` in braces, then the picture."""

import re
from typing import Final

from panosc.files.careful import Refusal
from panosc.ingest.formats import Contributor, Facts, Source, Specimen
from panosc.ingest.formats.images import endless, size_of_image, truncated
from panosc.ingest.formats.spelling import Gathering, clean, decoded, measured, moment, since_1970
from panosc.ingest.formats.window import WHOLE_HEAD, WINDOW, Window

Measure = tuple[str, str | None, str | None]

_BEGIN: Final = re.compile(rb"\s{0,4}\{\s{0,8}[A-Za-z_][\w .\-]{0,60}=[^;{}]{0,400};")
_EDF: Final = re.compile(rb"(?i)(?:^|[\s;{])(dim_1|headerid|edf_\w+|byteorder)\s*=")
_SMV: Final = re.compile(rb"\s{0,4}\{\s{0,8}HEADER_BYTES\s*=")
_END: Final = re.compile(rb"\}\s*?\n")
_KEYS: Final = 2000

_IN_EDF: Final[dict[str, Measure]] = {
    "exposuretime": ("exposure_time", "s", "NX_TIME"),
    "exposure_time": ("exposure_time", "s", "NX_TIME"),
    "acq_expo_time": ("exposure_time", "s", "NX_TIME"),
    "count_time": ("exposure_time", "s", "NX_TIME"),
    "wavelength": ("wavelength", "m", "NX_WAVELENGTH"),
    "sampledistance": ("detector_distance", "m", "NX_LENGTH"),
    "psize_1": ("x_pixel_size", "m", "NX_LENGTH"),
    "psize_2": ("y_pixel_size", "m", "NX_LENGTH"),
    "center_1": ("beam_center_x", "pixel", "NX_LENGTH"),
    "center_2": ("beam_center_y", "pixel", "NX_LENGTH"),
    "acq_frame_nb": ("frame_number", None, None),
    "image": ("frame_number", None, None),
}
"""Keys of EDF by their lower case → parameter, unit that the format means, category."""
_IN_SMV: Final[dict[str, Measure]] = {
    "time": ("exposure_time", "s", "NX_TIME"),
    "wavelength": ("wavelength", "angstrom", "NX_WAVELENGTH"),
    "distance": ("detector_distance", "mm", "NX_LENGTH"),
    "pixel_size": ("x_pixel_size", "mm", "NX_LENGTH"),
    "beam_center_x": ("beam_center_x", "mm", "NX_LENGTH"),
    "beam_center_y": ("beam_center_y", "mm", "NX_LENGTH"),
    "osc_start": ("start_angle", "deg", "NX_ANGLE"),
    "phi": ("start_angle", "deg", "NX_ANGLE"),
    "osc_range": ("angle_increment", "deg", "NX_ANGLE"),
}
_EDF_TIMES: Final = ("hmstarttime", "startepoch", "time", "date", "time_of_day")


class EdfFormat:
    """Reads the header of the first frame of an ESRF data format file."""

    name = "EDF"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether it begins like an EDF header."""
        head = source.head[:WHOLE_HEAD]
        return bool(_BEGIN.match(head) and _EDF.search(head) and not _SMV.match(head))

    def read(self, source: Source) -> Facts:
        """Return what the header says; units where it names none are metres and seconds."""
        with Window(source) as window:
            words, ends, refusals = _labels(window)
            size = window.size
        found = Gathering()
        _take(found, words, _IN_EDF)
        size_of_image(found, words.get("dim_1", ""), words.get("dim_2", ""), path="Dim_1, Dim_2")
        detector = _first(words, "detector", "detectorname", "camera_name", "det_model")
        if detector:
            found.add("detector_description", detector, "detector")
        if not refusals:
            refusals = truncated(ends + _whole(words, "size", "edf_binarysize"), size)
        sample = _first(words, "samplename", "sample_name", "sample")
        user = _first(words, "user", "username")
        return Facts(
            format=self.name,
            title=_first(words, "title"),
            start=_edf_start(words),
            instrument=_first(words, "beamline", "instrument"),
            proposal=_first(words, "proposal"),
            samples=(Specimen(name=sample),) if sample else (),
            people=(Contributor(name=user),) if user else (),
            parameters=found.all,
            refusals=refusals,
        )


class SmvFormat:
    """Reads the header of an SMV file (``.img`` of ADSC and others)."""

    name = "SMV"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether it begins like an SMV header."""
        return bool(_SMV.match(source.head[:WHOLE_HEAD]))

    def read(self, source: Source) -> Facts:
        """Return what the header says; lengths are in millimetres, wavelengths in ångström."""
        with Window(source) as window:
            words, _, refusals = _labels(window)
            size = window.size
        found = Gathering()
        _take(found, words, _IN_SMV)
        if "pixel_size" in words:
            found.measure("y_pixel_size", words["pixel_size"], "PIXEL_SIZE", unit="mm")
        size_of_image(found, words.get("size1", ""), words.get("size2", ""), path="SIZE1, SIZE2")
        serial = _first(words, "detector_sn")
        if serial:
            found.add("detector_serial_number", serial, "DETECTOR_SN")
        depth = 4 if words.get("type", "") in {"unsigned_long", "long", "float"} else 2
        pixels = _whole(words, "size1") * _whole(words, "size2")
        if not refusals:
            refusals = truncated(_whole(words, "header_bytes") + depth * pixels, size)
        return Facts(
            format=self.name,
            start=moment(words.get("date", "")),
            instrument=_first(words, "beamline"),
            parameters=found.all,
            refusals=refusals,
        )


def _labels(window: Window) -> tuple[dict[str, str], int, tuple[Refusal, ...]]:
    """Return the labels of the first header by lower case, where it ends, and what is wrong."""
    raw = window.part(0, WINDOW)
    end = _END.search(raw)
    text = raw[: end.start()] if end is not None else raw
    words: dict[str, str] = {}
    for piece in decoded(text.lstrip(b"\r\n {")).split(";", _KEYS)[:_KEYS]:
        key, equals, value = piece.partition("=")
        if equals:
            words.setdefault(clean(key, length=80).lower(), clean(value))
    if end is None:
        return words, 0, endless(len(raw))
    return words, end.end(), ()


def _take(found: Gathering, words: dict[str, str], known: dict[str, Measure]) -> None:
    for key, (name, unit, category) in known.items():
        if key in words:
            found.measure(name, words[key], key, unit=unit, category=category)


def _first(words: dict[str, str], *keys: str) -> str | None:
    return next((words[key] for key in keys if words.get(key)), None)


def _whole(words: dict[str, str], *keys: str) -> int:
    found = measured(_first(words, *keys) or "")
    return found[0] if found is not None and isinstance(found[0], int) and found[0] > 0 else 0


def _edf_start(words: dict[str, str]) -> str | None:
    """Return the first key that holds a whole time; a date or an hour alone does not."""
    for key in _EDF_TIMES:
        text = words.get(key, "")
        if measured(text) is not None:
            found = since_1970(text) if key in {"startepoch", "time_of_day"} else None
        else:
            found = moment(text) if ":" in text and re.search(r"\d{4}", text) else None
        if found is not None:
            return found
    return None
