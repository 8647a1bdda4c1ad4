"""CBF with the mini header of PILATUS and EIGER detectors; TIFF files carry it, too."""

import re
from typing import Final

from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.images import endless, size_of_image, truncated
from panosc.ingest.formats.spelling import Gathering, clean, decoded, measured, moment
from panosc.ingest.formats.window import WINDOW, Window

_BINARY: Final = b"--CIF-BINARY-FORMAT-SECTION--"
_STARTER: Final = b"\x0c\x1a\x04\xd5"
_TIME: Final = re.compile(
    r"\d{4}[-/](?:\d\d|[A-Z][a-z]{2})[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?"
)
_PAIR: Final = re.compile(r"\(\s*([^,()]{1,30}),\s*([^,()]{1,30})\)\s*([A-Za-z]{0,10})")
_LINE: Final = re.compile(r"([A-Za-z]\w{0,60})\s*[:=]?\s+(.{1,500})")
_LINES: Final = 1000

_KNOWN: Final[dict[str, tuple[str, str | None]]] = {
    "exposure_time": ("exposure_time", "NX_TIME"),
    "exposure_period": ("frame_time", "NX_TIME"),
    "wavelength": ("wavelength", "NX_WAVELENGTH"),
    "photon_energy": ("photon_energy", "NX_ENERGY"),
    "energy": ("photon_energy", "NX_ENERGY"),
    "detector_distance": ("detector_distance", "NX_LENGTH"),
    "start_angle": ("start_angle", "NX_ANGLE"),
    "angle_increment": ("angle_increment", "NX_ANGLE"),
    "detector_2theta": ("detector_two_theta", "NX_ANGLE"),
    "filter_transmission": ("attenuator_transmission", "NX_DIMENSIONLESS"),
    "threshold_setting": ("detector_threshold", "NX_ENERGY"),
}
"""Words of a mini header → parameter; each value names its unit."""


class CbfFormat:
    """Reads the text before the picture of a crystallographic binary file."""

    name = "CBF"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether it says ``###CBF:``, or holds a binary section of CIF."""
        return source.head.startswith(b"###CBF:") or (
            source.head.startswith((b"data_", b"\r\ndata_", b"\ndata_", b"#"))
            and _BINARY in source.head[:4096]
        )

    def read(self, source: Source) -> Facts:
        """Return what the mini header and the header of the binary section say."""
        with Window(source) as window:
            raw = window.part(0, WINDOW)
            size = window.size
        text, _, section = raw.partition(_BINARY)
        start = section.find(_STARTER)
        words = _section(section[: max(start, 0) or 4096])
        found = Gathering()
        began = mini_header(decoded(text), found)
        size_of_image(
            found,
            words.get("x-binary-size-fastest-dimension", ""),
            words.get("x-binary-size-second-dimension", ""),
            path="X-Binary-Size-Fastest-Dimension, X-Binary-Size-Second-Dimension",
        )
        refusals = endless(len(raw)) if not section and size > len(raw) else ()
        blob = measured(words.get("x-binary-size", ""))
        if start >= 0 and blob is not None:
            ends = len(text) + len(_BINARY) + start + len(_STARTER) + int(blob[0])
            refusals = truncated(ends, size)
        elif not refusals:
            refusals = truncated(size + 1, size) if size <= len(raw) else ()
        return Facts(format=self.name, start=began, parameters=found.all, refusals=refusals)


def mini_header(text: str, found: Gathering) -> str | None:
    """Take the lines ``# Word value`` of a mini header; return the time that it names."""
    began = None
    for raw in text.splitlines()[:_LINES]:
        if not raw.startswith("#"):
            continue
        line = raw[:600].lstrip("# \t")
        if began is None and (time := _TIME.match(line)) is not None:
            began = _iso(time[0])
        elif (match := _LINE.match(line)) is not None:
            _take(found, match[1], clean(match[2]))
    return began


def _iso(text: str) -> str | None:
    """Return the time; some detectors write the month as a word."""
    if text[5].isalpha():
        return moment(f"{text[9:11]}-{text[5:8]}-{text[:4]} {text[12:20]}")
    return moment(text.replace("/", "-"))


def _take(found: Gathering, word: str, value: str) -> None:
    low = word.lower()
    if low in _KNOWN:
        name, category = _KNOWN[low]
        found.measure(name, value, word, category=category)
    elif low == "detector":
        found.add("detector_description", value, word)
    elif low == "pixel_size":
        for name, side in zip(("x_pixel_size", "y_pixel_size"), value.split(" x "), strict=False):
            found.measure(name, side, word, category="NX_LENGTH")
    elif low == "beam_xy" and (pair := _PAIR.match(value)) is not None:
        found.measure("beam_center_x", pair[1], word, unit=pair[3] or None, category="NX_LENGTH")
        found.measure("beam_center_y", pair[2], word, unit=pair[3] or None, category="NX_LENGTH")
    elif value.startswith("sensor, thickness"):
        found.add("detector_material", word, "sensor")
        thickness = value.removeprefix("sensor, thickness").strip(" =")
        found.measure("detector_thickness", thickness, "sensor", category="NX_LENGTH")
    elif low == "oscillation_axis":
        found.add("rotation_axis", value, word)


def _section(raw: bytes) -> dict[str, str]:
    """Return the header of a binary section, by lower case."""
    words: dict[str, str] = {}
    for line in decoded(raw).splitlines()[:100]:
        key, colon, value = line.partition(":")
        if colon:
            words.setdefault(clean(key, length=80).lower(), clean(value, length=200).strip('"'))
    return words
