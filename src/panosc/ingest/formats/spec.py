"""SPEC files: the lines that say what was scanned, by whom and when; never the numbers.

The tests hold it against ``silx.io.specfile``. Of a file too large to be held in memory only
the beginning and the end are looked at.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from panosc.files.careful import Refusal
from panosc.ingest.formats import Contributor, Facts, Source
from panosc.ingest.formats.spelling import Gathering, clean, moment, number, since_1970
from panosc.ingest.formats.window import Window

MARGIN: Final = 2**20
"""So much of the beginning and of the end of a large file is read."""
COMMANDS: Final = 8
"""Most different commands that are spelt out."""

_FIRST: Final = re.compile(rb"\s{0,8}#(?:F|S \d{1,9}) ")
_ANY: Final = re.compile(rb"(?m)^#(?:S \d{1,9} |E \d{5,}|D \w|L \S|O0 )")
_LINE: Final = re.compile(rb"(?m)^#([A-Z]\d{0,3}) ([^\r\n]{0,2000})")
_SCAN: Final = re.compile(rb"(?m)^#S \d{1,9}\s")
_USER: Final = re.compile(r"\bUser\s*=\s*(\S{1,80})")
_SCAN_LINE: Final = re.compile(r"(\d{1,9})\s+(.+)")
_COUNT_TIME: Final = re.compile(r"([\d.eE+-]{1,20})\s*\(([A-Za-z]{1,20})\)")
_MOTORS: Final = {
    "energy": "photon_energy",
    "mono": "photon_energy",
    "temperature": "sample_temperature",
    "tsample": "sample_temperature",
}
"""Names of motors whose meaning is clear. Their units are not in the file."""


@dataclass(slots=True)
class _Said:
    """What the header lines say, the first of each; those of the file before those of scans."""

    first: dict[str, str] = field(default_factory=dict)
    commands: dict[str, None] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    last_date: str | None = None
    dates: int = 0


class SpecFormat:
    """Reads the header lines of a SPEC file."""

    name = "SPEC"
    order = 70

    def claims(self, source: Source) -> bool:
        """Whether it begins with ``#F`` or ``#S`` and has the lines that follow those."""
        head = source.head[:4096]
        return bool(_FIRST.match(head) and _ANY.search(head)) and b"\0" not in head

    def read(self, source: Source) -> Facts:
        """Return what the header lines say."""
        with Window(source, limit=2**25) as window:
            size = window.size
            if source.content is not None:
                text, is_whole = source.content, True
            else:
                text = window.part(0, MARGIN)
                is_whole = size <= MARGIN
            tail = b"" if is_whole else window.part(max(size - MARGIN, MARGIN), MARGIN)
        said = _said(text)
        if tail:
            said.last_date = _said(tail).last_date or said.last_date
        found = Gathering()
        refusals: tuple[Refusal, ...] = ()
        if is_whole:
            found.add("scan_count", len(_SCAN.findall(text)), "#S")
        else:
            detail = f"{size} bytes: only the beginning and the end were read"
            refusals = (Refusal(reason="too-large", detail=detail),)
        _parameters(said, found)
        comment = said.first.get("C", "")
        user = _USER.search(comment) or _USER.search(said.first.get("U", ""))
        began = said.first.get("D")
        return Facts(
            format=self.name,
            title=_title(comment, said),
            start=moment(began) if began else since_1970(said.first.get("E", "")),
            end=moment(said.last_date) if said.last_date and said.dates > 1 else None,
            people=(Contributor(name=user[1]),) if user else (),
            parameters=found.all,
            refusals=refusals,
        )


def _said(text: bytes) -> _Said:
    said = _Said()
    scans = 0
    for match in _LINE.finditer(text):
        key, value = match[1].decode("ascii"), clean(match[2])
        if key == "S":
            scans += 1
            command = _SCAN_LINE.match(value)
            if command is not None and len(said.commands) <= COMMANDS:
                said.commands.setdefault(command[2])
        elif key == "D":
            said.dates += 1
            said.last_date = value
        elif key[0] == "O" and scans <= 1:
            # names of motors stand two blanks apart, their places one
            names = match[2].decode("utf-8", "replace").strip().split("  ")
            said.names += [name.strip() for name in names if name.strip()][:500]
        elif key[0] == "P" and scans == 1:
            said.places += value.split()[:500]
        if scans <= 1:
            said.first.setdefault(key, value)
    return said


def _title(comment: str, said: _Said) -> str | None:
    """Return the comment that a person wrote; the name of a program alone is no title."""
    words = _USER.sub("", comment).strip(" ,;")
    if len(words.split()) > 1:
        return words
    return next(iter(said.commands), None)


def _parameters(said: _Said, found: Gathering) -> None:
    commands = list(said.commands)
    if commands:
        rest = " …" if len(commands) > COMMANDS else ""
        found.add("scan_command", "; ".join(commands[:COMMANDS]) + rest, "#S")
    counting = _COUNT_TIME.match(said.first.get("T", ""))
    if counting is not None and counting[2].lower() == "seconds":
        found.measure("exposure_time", counting[1], "#T", unit="s", category="NX_TIME")
    for name, place in zip(said.names, said.places, strict=False):
        value = number(place)
        if value is not None and name.lower() in _MOTORS:
            found.add(_MOTORS[name.lower()], value, f"#P {name}")
