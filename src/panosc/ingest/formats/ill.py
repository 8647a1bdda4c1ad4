"""Numors of the ILL in ASCII: blocks of 80 columns, and the text form of triple-axis machines.

A block begins with 80 times its letter (R run, A text, F and I numbers, S spectrum, V text
without columns) and a line of counts; lines of names may stand before the values. What comes
after the first spectrum is data and is not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from panosc.files.careful import Refusal
from panosc.ingest.formats import Contributor, Facts, Source
from panosc.ingest.formats.spelling import Gathering, clean, decoded, moments, number
from panosc.ingest.formats.window import WINDOW, head_of

_FIRST: Final = re.compile(rb"R{60,80}\s*\n\s{0,8}\d{1,8}")
_LETTERS: Final = "RAFIJSV"
_MARK: Final = 60
"""So many of one letter make a block; some writers cut the line short."""
_LINES: Final = 2000
_PER_LINE: Final = {"F": (5, 16), "I": (10, 8), "J": (8, 10)}
"""Letter → values in a line, and their columns."""

_NAMED: Final[dict[str, tuple[str, str | None, str | None]]] = {
    "wavelength": ("wavelength", "angstrom", "NX_WAVELENGTH"),
    "lambda": ("wavelength", "angstrom", "NX_WAVELENGTH"),
    "temp-sample": ("sample_temperature", "K", "NX_TEMPERATURE"),
    "t-sample": ("sample_temperature", "K", "NX_TEMPERATURE"),
    "temp-s.pt": ("sample_temperature_setpoint", "K", "NX_TEMPERATURE"),
    "temp-regul": ("regulation_temperature", "K", "NX_TEMPERATURE"),
    "temp-regul.": ("regulation_temperature", "K", "NX_TEMPERATURE"),
    "mag.field": ("magnetic_field", "T", None),
    "detdistance": ("detector_distance", "m", "NX_LENGTH"),
    "det.distance": ("detector_distance", "m", "NX_LENGTH"),
    "reactorpower": ("source_power", "MW", "NX_POWER"),
    "npdone": ("scan_points", None, None),
}
"""Name of a value in small letters without blanks → parameter. Zero means that nobody set it."""
_AXES: Final[dict[str, tuple[str, str | None, str | None]]] = {
    "KFIX": ("fixed_wavevector", "1/angstrom", "NX_WAVENUMBER"),
    "EN": ("energy_transfer", "meV", "NX_ENERGY"),
    "QH": ("q_h", None, None),
    "QK": ("q_k", None, None),
    "QL": ("q_l", None, None),
    "DM": ("monochromator_d_spacing", "angstrom", "NX_LENGTH"),
    "DA": ("analyser_d_spacing", "angstrom", "NX_LENGTH"),
    "TT": ("sample_temperature", "K", "NX_TEMPERATURE"),
    "RT": ("regulation_temperature", "K", "NX_TEMPERATURE"),
    "MAG": ("magnetic_field", "T", None),
}
"""Name of a variable of a triple-axis machine → parameter."""
_PAIR: Final = re.compile(r"([A-Z][A-Z0-9]{0,7})\s{0,4}=\s{0,12}([^,\s]{1,24})")


@dataclass(frozen=True, slots=True)
class _Block:
    letter: str
    counts: tuple[int, ...]
    names: tuple[str, ...]
    values: tuple[str, ...]


class IllFormat:
    """Reads the header blocks of an ASCII numor."""

    name = "ILL ASCII"
    order = 70

    def claims(self, source: Source) -> bool:
        """Whether it begins with a line of R and a run number."""
        return bool(_FIRST.match(source.head[:200]))

    def read(self, source: Source) -> Facts:
        """Return what the header blocks say, and for triple-axis files the lines after V."""
        raw = head_of(source)
        lines = decoded(raw).replace("\0", " ").splitlines()[:_LINES]
        said = _Numor()
        for block in _blocks(lines):
            said.take(block)
        refusals: tuple[Refusal, ...] = ()
        if said.is_open and len(raw) >= WINDOW:
            detail = f"no data in the first {WINDOW} bytes"
            refusals = (Refusal(reason="too-large", detail=detail),)
        return Facts(
            format=self.name,
            title=said.title,
            description=said.subtitle,
            start=said.times[0] if said.times else None,
            end=said.times[1] if len(said.times) > 1 else None,
            probe="neutron",
            instrument=said.instrument,
            people=tuple(said.people.values()),
            proposal=said.proposal,
            parameters=said.found.all,
            refusals=refusals,
        )


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Yield the blocks up to the data; V takes all lines that are left."""
    place = 0
    while place < len(lines):
        line = lines[place].strip()
        letter = line[:1]
        if letter not in _LETTERS or len(line) < _MARK or set(line) != {letter}:
            place += 1
            continue
        if letter in "SV":
            yield _Block(letter, (), (), tuple(lines[place + 1 :]))
            return
        counts = _counts(lines[place + 1] if place + 1 < len(lines) else "")
        names = min(counts[1] if len(counts) > 1 else 0, _LINES)
        begin = place + 2 + names
        end = begin + _length(letter, counts[0] if counts else 0)
        yield _Block(letter, counts, tuple(lines[place + 2 : begin]), tuple(lines[begin:end]))
        place = max(end, place + 1)


def _counts(line: str) -> tuple[int, ...]:
    found = (number(line[column : column + 8]) for column in range(0, 80, 8))
    return tuple(value for value in found if isinstance(value, int) and 0 <= value < 10**8)


def _length(letter: str, count: int) -> int:
    """Return how many lines the values of a block take."""
    each = _PER_LINE[letter][0] if letter in _PER_LINE else 80
    return 0 if letter == "R" else min(-(-count // each), _LINES)


class _Numor:
    """What the blocks of one file say, as they are taken one after the other."""

    def __init__(self) -> None:
        self.found = Gathering()
        self.title: str | None = None
        self.subtitle: str | None = None
        self.instrument: str | None = None
        self.proposal: str | None = None
        self.times: list[str] = []
        self.people: dict[str, Contributor] = {}
        self.texts = 0
        self.is_open = True

    def take(self, block: _Block) -> None:
        """Take one block by its letter."""
        match block.letter:
            case "R":
                if block.counts:
                    self.found.add("run_number", str(block.counts[0]), "R")
            case "A":
                self.texts += 1
                if self.texts == 1:
                    self._first(block)
                elif block.counts and block.counts[0] > 80:  # noqa: PLR2004 - several lines
                    self._lines(block.values)
                else:
                    self._second("".join(block.values))
            case "F" | "I" | "J":
                self._numbers(block)
            case "V":
                self.is_open = False
                self._triple_axis(block.values)
            case _:
                self.is_open = False

    def _person(self, name: str, role: str | None = None) -> None:
        name = clean(name, length=200).strip(" .,;/")
        if name:
            self.people.setdefault(name, Contributor(name=name, role=role))

    def _first(self, block: _Block) -> None:
        """Take instrument, people and time: they stand in 4, 10 and 18 columns."""
        line = "".join(block.values)
        self.instrument = clean(line[:4]) or None
        words = clean(line[4:14]).split()
        if len(words) == 2 and "l.c." in "".join(block.names).lower():  # noqa: PLR2004 - user, contact
            self._person(words[0])
            self._person(words[1], "local contact")
        else:
            self.found.add("experiment_name", line[4:14], "A")
        self.times = moments(line) or self.times

    def _second(self, line: str) -> None:
        """Take the title and, in its last columns, the kind of scan."""
        self.title = self.title or clean(line[:60]) or None
        kind = clean(line[72:80])
        if kind and not moments(line[60:]):
            self.found.add("scan_type", kind, "A")

    def _lines(self, values: tuple[str, ...]) -> None:
        """Take lines of ``name: value``, or the user, subtitle and times of an older form."""
        text = "\t".join(line.ljust(80) for line in values)
        pairs = [piece.partition(":") for piece in re.split(r"[\t\n]", text)]
        named = {
            clean(key).lower(): clean(value)
            for key, colon, value in pairs
            if colon and re.fullmatch(r"\s*[A-Za-z][A-Za-z .]{2,30}", key)
        }
        if not named and values:
            self._person(values[0][:10])
            self.subtitle = clean(values[0][60:80]) or None
        self.title = named.get("title") or self.title
        self.proposal = named.get("proposal number") or named.get("proposal") or self.proposal
        for key in ("experimentalist", "user"):
            self._person(named.get(key, ""))
        self._person(named.get("local contact", ""), "local contact")
        self.times = moments(text) or self.times

    def _numbers(self, block: _Block) -> None:
        """Take the values whose names we know; the names stand in the columns of the values."""
        each, width = _PER_LINE[block.letter]
        count = min(block.counts[0] if block.counts else 0, each * _LINES)
        rows = block.names[max(len(block.names) - -(-count // each), 0) :]
        for row, line in zip(rows, block.values, strict=False):
            for column in range(0, each * width, width):
                name = clean(row[column : column + width]).replace(" ", "").lower()
                known = _NAMED.get(name.partition("(")[0])
                value = number(line[column : column + width]) if known else None
                if known is not None and value:
                    self.found.add(known[0], value, name, unit=known[1], category=known[2])

    def _triple_axis(self, values: tuple[str, ...]) -> None:
        words: dict[str, str] = {}
        for line in values:
            key, colon, value = line.partition(":")
            if key == "DATA_" and colon:
                break
            if colon and len(key) == 5:  # noqa: PLR2004 - all of these names have five letters
                words[key] = f"{words[key]}, {value}" if key in words else value
        self.instrument = clean(words.get("INSTR", "")) or self.instrument
        self.title = clean(words.get("TITLE", "")) or self.title
        self.proposal = clean(words.get("EXPNO", "")) or self.proposal
        for name in words.get("USER_", "").split("/")[:20]:
            self._person(name)
        for name in words.get("LOCAL", "").split("/")[:20]:
            self._person(name, "local contact")
        self.times = moments(words.get("DATE_", "")) or self.times
        self.found.add("scan_command", words.get("COMND", ""), "COMND")
        for key in ("PARAM", "POSQE", "VARIA"):
            for name, text in _PAIR.findall(words.get(key, "")[:8000]):
                self._axis(name, number(text), key)

    def _axis(self, name: str, value: float | None, key: str) -> None:
        if name in _AXES and value is not None and (value or key == "POSQE"):
            parameter, unit, category = _AXES[name]
            self.found.add(parameter, value, f"{key} {name}", unit=unit, category=category)
