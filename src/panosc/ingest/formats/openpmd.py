"""openPMD: series of iterations with meshes and particles, in HDF5 (standard 1.x and 2.x).

A series is one file, or one file an iteration; each file is read alone, and which make a series
is told by their paths. Attributes are read, never records.
"""

from collections.abc import Iterator
from typing import Final

import re2
from h5py import h5g

from panosc.files.careful import Careful, Group, Node, text
from panosc.ingest.formats import Contributor, Facts, Quantity, Source

ITERATIONS: Final = 1_000
"""Iterations of one file that are looked at."""
NAMES: Final = 200
"""Meshes and species of one file that are named."""
SHORT: Final = 200
"""Longest first line of a comment that is a title."""
SIMULATIONS: Final = frozenset(
    {
        "astra",
        "bmad",
        "elegant",
        "epoch",
        "fbpic",
        "genesis",
        "genesis4",
        "gpt",
        "hipace",
        "hipace++",
        "impactx",
        "ocelot",
        "osiris",
        "picongpu",
        "qpad",
        "quickpic",
        "simex",
        "simex-platform",
        "smilei",
        "upic-emma",
        "vpic",
        "vsim",
        "wake-t",
        "warpx",
    }
)
"""Programs that compute rather than measure, in lower case."""
_AUTHOR: Final = re2.compile(r"^\s*([^<>]*?)\s*(?:<[^<>]*>)?\s*$")
_NUMBER: Final = re2.compile(r"%0?\d*T")


class OpenPmdFormat:
    """Reads openPMD in HDF5."""

    name = "openPMD/HDF5"
    order = 10

    def claims(self, source: Source) -> bool:
        """Whether the file says which version of openPMD it follows."""
        if not source.opens_as_hdf5():
            return False
        file = source.hdf5()
        return _word(file, file.root, b"openPMD") is not None

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is not readable HDF5."""
        file = source.hdf5()
        comment = _word(file, file.root, b"comment")
        parameters = tuple(_Series(file).parameters())
        return Facts(
            format=self.name,
            title=_title(file, comment),
            description=comment,
            start=_word(file, file.root, b"date"),
            people=tuple(_people(_word(file, file.root, b"author"))),
            parameters=parameters,
            refusals=tuple(file.refusals),
            is_open=source.is_written,
        )


class _Series:
    """What one file holds of a series."""

    def __init__(self, file: Careful) -> None:
        self.file = file
        self.encoding = _word(file, file.root, b"iterationEncoding") or "groupBased"
        self.base = (_word(file, file.root, b"basePath") or "/data/%T/").partition("%T")[0]
        self.iterations = dict(self._iterations())

    def parameters(self) -> Iterator[Quantity]:
        for name in ("openPMD", "software", "softwareVersion", "machine"):
            word = _word(self.file, self.file.root, name.encode())
            if word is not None:
                yield Quantity(name=_SPELT.get(name, name), value=word, path=f"/@{name}")
        software = _word(self.file, self.file.root, b"software") or ""
        if software.lower() in SIMULATIONS:
            yield Quantity(name="data_kind", value="simulated", path="/@software")
        yield from self._spans()
        yield from self._names()

    def _iterations(self) -> Iterator[tuple[int, Group]]:
        data = self.file.at(self.file.root, self.base.encode())
        if not isinstance(data, h5g.GroupID):
            return
        if self.encoding == "variableBased":
            yield 0, data
            return
        members = [(name, link) for name, link in self.file.members(data) if name.isdigit()]
        if len(members) > ITERATIONS:
            self.file.refuse("too-many-objects", f"only {ITERATIONS} iterations were looked at")
        for name, link in sorted(members, key=lambda item: int(item[0][:18]))[:ITERATIONS]:
            node = self.file.member(data, name, link)
            if isinstance(node, h5g.GroupID):
                yield int(name[:18]), node

    def _spans(self) -> Iterator[Quantity]:
        """Yield how many iterations there are, and which times they are of."""
        numbers = list(self.iterations)
        if self.encoding == "fileBased":
            # one of a series says which it is; how many there are, only all of them know
            for number in numbers:
                yield Quantity(name="iteration", value=number, path=self._path(number))
        elif numbers and self.encoding != "variableBased":
            yield Quantity(name="iterations", value=len(numbers), path=self.base.rstrip("/") or "/")
        times = {number: self._time(node) for number, node in self.iterations.items()}
        known = {number: time for number, time in times.items() if time is not None}
        if not known:
            return
        first, last = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        named = {"time": first} if first == last else {"first_time": first, "last_time": last}
        for name, number in named.items():
            path = f"{self._path(number)}@time"
            yield Quantity(name=name, value=known[number], unit="s", path=path, category="NX_TIME")

    def _time(self, node: Group) -> float | None:
        time = self.file.attribute(node, b"time")
        unit = self.file.attribute(node, b"timeUnitSI")
        if isinstance(time, int | float) and isinstance(unit, int | float):
            return float(time) * float(unit)
        return None

    def _names(self) -> Iterator[Quantity]:
        """Yield the meshes and species of the first and the last iteration."""
        numbers = list(self.iterations)
        for kind, attribute in (("mesh", b"meshesPath"), ("particle_species", b"particlesPath")):
            inside = (_word(self.file, self.file.root, attribute) or "").strip("/")
            found: dict[str, str] = {}
            for number in dict.fromkeys(numbers[:1] + numbers[-1:]) if inside else ():
                group = self.file.at(self.iterations[number], inside.encode())
                if isinstance(group, h5g.GroupID):
                    for member, _ in self.file.members(group)[:NAMES]:
                        word = text(member)
                        found.setdefault(word, f"{self._path(number)}/{inside}/{word}")
            for name, path in list(found.items())[:NAMES]:
                yield Quantity(name=kind, value=name, path=path)

    def _path(self, number: int) -> str:
        if self.encoding == "variableBased":
            return self.base.rstrip("/")
        return f"{self.base.rstrip('/')}/{number}"


_SPELT: Final = {"openPMD": "openpmd_version", "softwareVersion": "software_version"}


def _word(file: Careful, node: Node, name: bytes) -> str | None:
    value = file.attribute(node, name)
    return value if isinstance(value, str) and value else None


def _title(file: Careful, comment: str | None) -> str | None:
    """Return the first line of the comment, else the name of a series of files."""
    line = (comment or "").partition("\n")[0].strip()
    if 0 < len(line) <= SHORT:
        return line
    if _word(file, file.root, b"iterationEncoding") != "fileBased":
        return None
    name = (_word(file, file.root, b"iterationFormat") or "").rpartition("/")[2]
    return _NUMBER.sub("", name).strip("_-. ") or None


def _people(author: str | None) -> Iterator[Contributor]:
    """Yield the authors: ``Name <address>``, several of them behind semicolons or commas."""
    words = author or ""
    pieces = words.split(";")
    if len(pieces) == 1 and words.count("<") > 1:
        pieces = words.split(",")
    for piece in pieces[:NAMES]:
        match = _AUTHOR.match(piece)
        name = (match[1] if match else piece).strip(" ,")
        if name and "@" not in name:
            yield Contributor(name=name)
