"""NeXus in HDF5: what the entries of a file say together, and each of them alone.

Of a file with several entries the default one leads, else the first; it began when its first
entry did, and ended when all have. Parameters, people and samples are gathered from all. HDF5
without NeXus is read too, and simply says less. One entry is read by `formats.entries`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import Final
from zoneinfo import ZoneInfo

from panosc.domain.errors import Unreadable
from panosc.domain.times import utc
from panosc.files.careful import Careful, Group, Refusal, text
from panosc.files.nexus import default_signal, entry_signal, groups_of
from panosc.files.opening import HDF4
from panosc.ingest import knowledge
from panosc.ingest.formats import Contributor, Facts, Part, Quantity, Source
from panosc.ingest.formats.entries import PARAMETERS, PEOPLE, PROPOSAL, Entry, read_entry
from panosc.ingest.formats.links import SOURCES, Links

SUFFIXES: Final = frozenset({".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus", ".cxi", ".nx"})
ENTRIES: Final = 512
_NEUTRAL: Final = frozenset({"neutron", "electron", "muon"})
_UTC: Final = ZoneInfo("UTC")


class NexusFormat:
    """Reads NeXus/HDF5."""

    name = "NeXus/HDF5"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether the file starts like HDF5, or its name says that it is."""
        return source.is_hdf5 or PurePath(source.path.name).suffix.lower() in SUFFIXES

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is not readable HDF5."""
        _check(source)
        return _Reading(source).facts()


def _check(source: Source) -> None:
    """Tell apart what is no HDF5 at all, in words that help."""
    if not source.head:
        raise Unreadable("it is empty", reason="empty")
    if source.head.startswith(HDF4):
        raise Unreadable("NeXus/HDF4 is not supported yet; h4toh5 converts it", reason="hdf4")
    if not source.is_hdf5:
        raise Unreadable(
            f"it begins with {source.head[:8]!r} where HDF5 has its signature",
            reason="bad-signature",
        )


class _Reading:
    """One pass over one file."""

    def __init__(self, source: Source) -> None:
        self.file: Careful = source.hdf5()
        self.by_entry = source.by_entry
        self.is_written = source.is_written
        self.links = Links(self.file, source.path)
        self.refused: list[tuple[Refusal, ...]] = []
        """What was refused in each entry."""

    def facts(self) -> Facts:
        """Read everything; the leading entry comes first."""
        found = self._entries()
        if not found and self.file.refusals and not self.file.members(self.file.root):
            raise Unreadable(self.file.refusals[0].detail, reason="damaged")
        entries = [self._entry(name, group) for name, group in found]
        if not entries:
            self.links.roam()
        facts = self._told(entries, default_signal(self.file))
        return replace(
            facts,
            sources=self._sources(entries),
            is_open=self.is_written,
            parts=tuple(self._parts(entries)) if self.by_entry else (),
            refusals=tuple(self.file.refusals),
        )

    def _entries(self) -> list[tuple[bytes, Group]]:
        entries = list(groups_of(self.file, self.file.root, "NXentry"))
        if len(entries) > ENTRIES:
            self.file.refuse("too-many-entries", f"only the first {ENTRIES} entries were read")
        lead = self.file.attribute(self.file.root, b"default")
        entries.sort(key=lambda item: text(item[0]) != lead)
        return entries[:ENTRIES]

    def _entry(self, name: bytes, group: Group) -> Entry:
        before = len(self.file.refusals)
        entry = read_entry(self.file, name, group, self.links)
        self.refused.append(tuple(self.file.refusals[before:]))
        return entry

    def _sources(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        if not entries:
            return self.links.found
        found = dict.fromkeys(name for entry in entries for name in entry.sources)
        if len(found) > SOURCES:
            self.file.refuse("too-many-sources", f"only the first {SOURCES} other files are named")
        return tuple(found)[:SOURCES]

    def _parts(self, entries: Sequence[Entry]) -> Iterable[Part]:
        """Yield each entry as if it stood alone; one that has ended is not open any more."""
        for entry, refusals in zip(entries, self.refused, strict=True):
            facts = self._told(
                [entry], entry_signal(self.file, entry.group, b"/" + entry.name.encode())
            )
            is_open = self.is_written and not entry.end
            facts = replace(facts, sources=entry.sources, is_open=is_open, refusals=refusals)
            yield Part(name=entry.name, facts=facts)

    def _told(self, entries: Sequence[Entry], signal: bytes | None) -> Facts:
        """Return what some entries say together."""
        definitions = tuple(dict.fromkeys(d for entry in entries for d in entry.definitions))
        # the probe says what an energy is the energy of, so it has to be known first
        probe = _first(entry.probe for entry in entries)
        return Facts(
            format=NexusFormat.name,
            title=_first(entry.texts.get(b"title") for entry in entries),
            description=_first(entry.texts.get(b"experiment_description") for entry in entries),
            start=_earliest(entry.start for entry in entries),
            end=_latest(entries),
            definitions=definitions,
            probe=probe,
            is_reduced=any(entry.is_processed for entry in entries)
            or bool(knowledge.reduced().intersection(definitions)),
            instrument=_first(entry.instrument for entry in entries),
            facility=_first(entry.facility for entry in entries),
            samples=tuple(dict.fromkeys(item for entry in entries for item in entry.samples)),
            people=_people(entries),
            parameters=self._parameters(entries, probe),
            default_plot=None if signal is None else text(signal),
            entries=len(entries),
            proposal=_first(entry.texts.get(name) for name in PROPOSAL for entry in entries),
        )

    def _creator(self) -> list[Quantity]:
        creator = self.file.attribute(self.file.root, b"creator")
        if isinstance(creator, str) and creator:
            return [Quantity(name="creator", value=creator, path="/@creator")]
        return []

    def _parameters(self, entries: Sequence[Entry], probe: str | None) -> tuple[Quantity, ...]:
        """Return the parameters of all; an energy of other particles is not one of photons."""
        found: dict[tuple[str, str | int | float, str | None], Quantity] = {}
        for entry in entries:
            for key, item in entry.parameters.items():
                found.setdefault(key, item)
        if len(found) > PARAMETERS:
            self.file.refuse("too-many-parameters", f"only the first {PARAMETERS} were taken")
        items = [*list(found.values())[:PARAMETERS], *self._creator()]
        if probe not in _NEUTRAL:
            return tuple(items)
        return tuple(
            Quantity(
                name="incident_energy" if item.name == "photon_energy" else item.name,
                value=item.value,
                path=item.path,
                unit=item.unit,
                category=item.category,
            )
            for item in items
        )


def _people(entries: Iterable[Entry]) -> tuple[Contributor, ...]:
    found: dict[str, Contributor] = {}
    for entry in entries:
        for name, person in entry.people.items():
            found.setdefault(name, person)
    return tuple(found.values())[:PEOPLE]


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _earliest(times: Iterable[str | None], *, is_last: bool = False) -> str | None:
    """Return the first or the last of some times; the leading one if one is not understood."""
    found = list(dict.fromkeys(time for time in times if time))
    moments = [utc(time, zone=_UTC) for time in found]
    known = [datetime.fromisoformat(moment) for moment in moments if moment]
    if not known or len(known) < len(found):
        return _first(found)
    return found[known.index(max(known) if is_last else min(known))]


def _latest(entries: Sequence[Entry]) -> str | None:
    """Return when the last entry ended, once every entry that has begun says that it has."""
    if any(entry.start and not entry.end for entry in entries):
        return None
    return _earliest((entry.end for entry in entries), is_last=True)
