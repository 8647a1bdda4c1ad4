"""TIFF by its tags, and MarCCD, which is TIFF with a header of its own behind them."""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from panosc.files.careful import Refusal
from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.images import size_of_image
from panosc.ingest.formats.images.minicbf import mini_header
from panosc.ingest.formats.spelling import Gathering, clean, decoded, moment
from panosc.ingest.formats.window import Window

_MAGIC: Final = {b"II*\0": ("<", False), b"MM\0*": (">", False)} | {
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}
"""First bytes → order of bytes, and whether it is the large kind of TIFF."""
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_WHOLE: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _DESCRIPTION, _MAKE, _MODEL, _SOFTWARE, _DATE = 256, 257, 270, 271, 272, 305, 306
_WANTED: Final = frozenset({_WIDTH, _HEIGHT, _DESCRIPTION, _MAKE, _MODEL, _SOFTWARE, _DATE})
_TAGS: Final = 500
_VALUE_BYTES: Final = 65_536

_MAR: Final = 1024
"""Where the header of MarCCD begins."""
_MAR_BYTES: Final = 3072
_MAR_NUMBERS: Final[tuple[tuple[int, str, float, str, str], ...]] = (
    (640, "detector_distance", 1e-3, "mm", "NX_LENGTH"),
    (644, "beam_center_x", 1e-3, "pixel", "NX_LENGTH"),
    (648, "beam_center_y", 1e-3, "pixel", "NX_LENGTH"),
    (656, "exposure_time", 1e-3, "s", "NX_TIME"),
    (684, "start_angle", 1e-3, "deg", "NX_ANGLE"),
    (736, "angle_increment", 1e-3, "deg", "NX_ANGLE"),
    (772, "x_pixel_size", 1e-3, "um", "NX_LENGTH"),
    (776, "y_pixel_size", 1e-3, "um", "NX_LENGTH"),
    (908, "wavelength", 1e-5, "angstrom", "NX_WAVELENGTH"),
)
"""Where a whole number lies, which parameter it is, and in what it counts."""
_MAR_ANGLES: Final = frozenset({"start_angle"})
"""Zero is a value there; elsewhere it stands for what nobody set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tags:
    """What the first directory of a TIFF file says."""

    numbers: dict[int, int]
    texts: dict[int, str]
    refusals: tuple[Refusal, ...] = ()


class TiffFormat:
    """Reads the first directory of a TIFF file."""

    name = "TIFF"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether it begins like TIFF and is not MarCCD."""
        return source.head[:4] in _MAGIC and not _is_mar(source)

    def read(self, source: Source) -> Facts:
        """Return what the tags say, and a mini header if the description holds one."""
        with Window(source) as window:
            tags = _tags(window)
        found = Gathering()
        description = tags.texts.get(_DESCRIPTION, "")
        began = mini_header(description, found)
        _shape(found, tags)
        camera = clean(f"{tags.texts.get(_MAKE, '')} {tags.texts.get(_MODEL, '')}")
        if camera:
            found.add("detector_description", camera, "Make, Model")
        if tags.texts.get(_SOFTWARE):
            found.add("program_name", tags.texts[_SOFTWARE], "Software")
        return Facts(
            format=self.name,
            start=began or moment(tags.texts.get(_DATE, "")),
            parameters=found.all,
            refusals=tags.refusals,
        )


class MarccdFormat:
    """Reads the header of a MarCCD or Rayonix file."""

    name = "MarCCD"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether it is TIFF with the header of MarCCD."""
        return source.head[:4] in _MAGIC and _is_mar(source)

    def read(self, source: Source) -> Facts:
        """Return what the fixed places of the header hold."""
        with Window(source) as window:
            tags = _tags(window)
            raw = window.part(_MAR, _MAR_BYTES)
        refusals = tags.refusals
        if len(raw) < _MAR_BYTES:
            refusals = (*refusals, Refusal(reason="truncated", detail="its header is cut short"))
            raw = raw.ljust(_MAR_BYTES, b"\0")
        found = Gathering()
        order = ">" if source.head[:2] == b"MM" else "<"
        for place, name, scale, unit, category in _MAR_NUMBERS:
            value = struct.unpack_from(f"{order}i", raw, place)[0]
            if value or name in _MAR_ANGLES:
                found.add(name, float(f"{value * scale:.10g}"), name, unit=unit, category=category)
        _shape(found, tags)
        comments = _text(raw, 1440, 512) or _text(raw, 2048, 512)
        return Facts(
            format=self.name,
            title=_text(raw, 1024, 128) or None,
            description=comments or None,
            start=_mar_time(_text(raw, 1344, 32)),
            parameters=found.all,
            refusals=refusals,
        )


def _is_mar(source: Source) -> bool:
    return source.head[_MAR + 4 : _MAR + 7] == b"MMX"


def _text(raw: bytes, place: int, length: int) -> str:
    return clean(raw[place : place + length].split(b"\0", 1)[0])


def _mar_time(text: str) -> str | None:
    """Return the time behind ``MMDDhhmmYYYY.ss``."""
    try:
        found = datetime.strptime(text, "%m%d%H%M%Y.%S")  # noqa: DTZ007 - in the site's zone
    except ValueError:
        return None
    return found.isoformat()


def _shape(found: Gathering, tags: _Tags) -> None:
    width, height = tags.numbers.get(_WIDTH, 0), tags.numbers.get(_HEIGHT, 0)
    size_of_image(found, str(width), str(height), path="ImageWidth, ImageLength")


def _tags(window: Window) -> _Tags:
    """Return the wanted tags of the first directory; each bounded, wherever it points."""
    head = window.part(0, 16)
    order, is_big = _MAGIC[head[:4]]
    try:
        offset = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", head, 8 if is_big else 4)[0]
        start = window.part(offset, 8 if is_big else 2)
        count = struct.unpack(f"{order}{'Q' if is_big else 'H'}", start)[0]
    except struct.error:
        return _Tags(numbers={}, texts={}, refusals=_lost("its directory"))
    each = 20 if is_big else 12
    raw = window.part(offset + len(start), each * min(count, _TAGS))
    numbers: dict[int, int] = {}
    texts: dict[int, str] = {}
    lost: tuple[Refusal, ...] = _lost("its directory") if len(raw) < each * count else ()
    for place in range(0, len(raw) - each + 1, each):
        tag, kind, length = struct.unpack_from(f"{order}HH{'Q' if is_big else 'I'}", raw, place)
        if tag not in _WANTED or not 0 < length <= _VALUE_BYTES:
            continue
        value = _value(
            window, raw[place + each - (8 if is_big else 4) : place + each], order, kind, length
        )
        if kind == 2:  # noqa: PLR2004 - ASCII
            texts.setdefault(tag, decoded(value.split(b"\0", 1)[0]))
        elif kind in _WHOLE and len(value) >= _SIZES[kind]:
            numbers.setdefault(tag, struct.unpack_from(f"{order}{_WHOLE[kind]}", value)[0])
        if not value:
            lost = lost or _lost("a tag")
    return _Tags(numbers=numbers, texts=texts, refusals=lost)


def _value(window: Window, field: bytes, order: str, kind: int, length: int) -> bytes:
    """Return the bytes of a tag: in its own field when they fit, else where that points."""
    size = _SIZES.get(kind, 1) * length
    if size <= len(field):
        return field[:size]
    offset = struct.unpack(f"{order}{'Q' if len(field) == 8 else 'I'}", field)[0]  # noqa: PLR2004
    return window.part(offset, min(size, _VALUE_BYTES))


def _lost(what: str) -> tuple[Refusal, ...]:
    return (Refusal(reason="truncated", detail=f"{what} points beyond the file's end"),)
