"""What a raw record means, made ready to be written: parted by record, and cleaned.

Pure. A field that cannot be used is left out rather than the record; where files lie is never
taken from another catalogue. How records become a part of this catalogue is `keeping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from panosc.domain.errors import Invalid
from panosc.federation.cleaning import cleaned
from panosc.federation.contract import Connector, Mapped, Raw, Row
from panosc.federation.same.keys import FOLDING, keys_of
from panosc.identity.groups.reading import group_name

SHARED = ("Affiliation", "Person", "Instrument", "Technique", "Sample")
"""Classes that many records name, each before those that name it."""
ALONE = ("Instrument", "Sample")
"""Shared classes that may also be what a raw record is about."""
_OWNERS = {"datasetId": "Dataset", "documentId": "Document"}
_MOST_WARNINGS = 20
MOST_READERS = 100
"""Groups that see one dataset beside its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One record that a raw one tells of."""

    model: str
    pid: str
    rows: tuple[Row, ...]
    """The record itself first, then its parts; of shared records only their identifiers."""
    keys: tuple[str, ...]
    home: str | None = None
    readers: tuple[str, ...] = ()
    """Groups that its source gives access to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """All that a raw record tells; nothing but `problem` if it cannot be used."""

    kind: str
    external_id: str
    pieces: tuple[Piece, ...] = ()
    shared: tuple[Row, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """(document, dataset)."""
    warnings: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class _Parting:
    """The rows of one raw record on the way to their places."""

    tops: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    shared: dict[tuple[str, str], Row] = field(default_factory=dict)
    links: dict[tuple[str, str], None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Taking:
    """Makes raw records of one connector ready.

    Parameters
    ----------
    connector : Connector
        Maps them.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._source = connector.source

    def take(self, raw: Raw) -> Taken:
        """Return what a raw record tells; whatever a connector does wrong is its `problem`."""
        plain = Taken(kind=raw.kind, external_id=raw.external_id)
        try:
            mapped = self._connector.map(raw)
            parting = self._parted(mapped)
            pieces = tuple(self._pieces(parting, mapped))
        except Exception as error:
            return replace(plain, problem=f"{type(error).__name__}: {error}"[:500])
        if not pieces:
            told = [*mapped.warnings, *parting.warnings, "It holds no record that can be used."]
            return replace(plain, problem=" ".join(told)[:500])
        return replace(
            plain,
            pieces=pieces,
            shared=tuple(parting.shared.values()),
            links=tuple(parting.links),
            warnings=tuple([*mapped.warnings, *parting.warnings][:_MOST_WARNINGS]),
        )

    def _parted(self, mapped: Mapped) -> _Parting:
        parting = _Parting()
        parts: list[Row] = []
        for name, given in mapped.rows:
            row = None if name == "Location" else cleaned(name, given, parting.warnings)
            if row is None:
                continue
            if name in FOLDING:
                row["source"] = self._source.name
                if not self._source.is_adopted:
                    # a group there is none of ours, even if it is called the same
                    row.pop("ownerGroup", None)
                parting.tops.setdefault((name, str(row["pid"])), [(name, row)])
            elif name in SHARED:
                if name == "Instrument":
                    row["source"] = self._source.name
                key = row["pid" if "pid" in row else "id"]
                parting.shared.setdefault((name, str(key)), (name, row))
            elif name == "DocumentDataset":
                parting.links[str(row["documentId"]), str(row["datasetId"])] = None
            else:
                parts.append((name, row))
        for name, row in parts:
            self._give(parting, name, row)
        return parting

    def _give(self, parting: _Parting, name: str, row: dict[str, Any]) -> None:
        for reference, model in _OWNERS.items():
            owner = parting.tops.get((model, str(row.get(reference))))
            if owner is not None:
                owner.append((name, row))
                return

    def _pieces(self, parting: _Parting, mapped: Mapped) -> Sequence[Piece]:
        tops = parting.tops
        if not tops:
            tops = {key: [row] for key, row in parting.shared.items() if key[0] in ALONE}
            for key in tops:
                del parting.shared[key]
        return [
            Piece(
                model=model,
                pid=pid,
                rows=tuple(rows),
                keys=self._keys(model, pid, rows[0][1], parting, mapped),
                home=mapped.homes.get(pid),
                readers=self._readers(rows[0], mapped, parting.warnings),
            )
            for (model, pid), rows in tops.items()
        ]

    def _readers(self, top: Row, mapped: Mapped, warnings: list[str]) -> tuple[str, ...]:
        """Return the groups that see a dataset beside its own, if this source may say so."""
        model, row = top
        if model != "Dataset" or not self._source.is_adopted:
            return ()
        found: dict[str, None] = {}
        for given in mapped.readers.get(str(row["pid"]), ()):
            if len(found) == MOST_READERS:
                warnings.append(f"Only the first {MOST_READERS} groups that see it were taken.")
                break
            try:
                # what stands for a person, a link or the whole node is no name of a group
                found[group_name(given)] = None
            except Invalid as error:
                warnings.append(f"{error.detail}; it was left out.")
        return tuple(name for name in found if name != row.get("ownerGroup"))

    def _keys(
        self, model: str, pid: str, row: dict[str, Any], parting: _Parting, mapped: Mapped
    ) -> tuple[str, ...]:
        found = parting.shared.get(("Instrument", str(row.get("instrumentId"))))
        instrument = {} if found is None else found[1]
        return keys_of(
            model,
            row,
            also=mapped.also.get(pid, ()),
            instrument=str(instrument.get("name") or ""),
            facility=str(instrument.get("facility") or self._source.title),
        )
