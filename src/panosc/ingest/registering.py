"""Datasets that are complete become records: which rows it takes, in one transaction.

The rows depend on the datasets before in the walk and on nothing else, so that it does not
matter where one run was killed and the next began.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from panosc.catalogue.tables import instrument
from panosc.catalogue.writer import Born, record_changes, write
from panosc.domain.pid import surrogate
from panosc.domain.units import canonical
from panosc.ingest import store
from panosc.ingest.composing import Draft, finite
from panosc.ingest.formats import Quantity
from panosc.ingest.records import ASKED, Row
from panosc.ingest.report import UNITS, Report, Trouble
from panosc.ingest.walking import url_of

SHARED = {
    "Instrument": "pid",
    "Technique": "pid",
    "Sample": "pid",
    "Person": "id",
    "Affiliation": "id",
}
PART = "\x1f"
"""Stands between the URL of a location and its part, where the journal names one."""


class Note(Protocol):
    """Told of every record that is about to be written, in the transaction that writes it."""

    def __call__(self, connection: sa.Connection, records: Sequence[tuple[str, str]]) -> None:
        """Take (class, identifier) of each."""


@dataclass(slots=True, kw_only=True)
class Registering:
    """Writes datasets of one run; `note` keeps what was there before."""

    report: Report
    now: datetime
    born: Born | None = None
    note: Note | None = None

    def write(self, connection: sa.Connection, drafts: Sequence[Draft]) -> None:
        """Write `drafts` by `connection`, in its transaction."""
        if not drafts:
            return
        before, present = _look(connection, drafts)
        known = frozenset(present)
        rows = list(self._rows(drafts, before, present))
        links = [
            {"dataset_id": surrogate("Dataset", draft.pid), "url": url_of(path.rstrip("/"))}
            for draft in drafts
            if draft.pid not in known
            for path in draft.awaited
        ]
        self._meet(connection, rows)
        self._ask_groups(connection, rows)
        if self.note is not None:
            # parts that their file has no more are about to be forgotten
            there = (("Location", url + (PART + part if part else "")) for url, part in before)
            self.note(connection, [*_named(rows), *there])
        write(connection, rows, now=self.now, born=self.born)
        store.forget_parts(
            connection, {(piece.url, draft.part) for draft in drafts for piece in draft.pieces}
        )
        store.settle(
            connection,
            {
                (piece.url, piece.size, piece.mtime_ns, piece.sha256)
                for draft in drafts
                for piece in draft.pieces
            },
        )
        store.expect(connection, links)
        self._link(connection)

    def _link(self, connection: sa.Connection) -> None:
        """Lead datasets to what they were made from, whichever of the two came first."""
        found = store.origins(connection)
        if found:
            if self.note is not None:
                self.note(connection, [("Dataset", item.pid) for item in found])
            store.link(connection, found)
            record_changes(connection, {("Dataset", item.dataset_id) for item in found})

    def rehearse(
        self, connection: sa.Connection, drafts: Sequence[Draft], *, seen: set[str]
    ) -> None:
        """Count what `write` would do; `seen` are PIDs of earlier batches."""
        before, present = _look(connection, drafts)
        seen |= present
        for _ in self._rows(drafts, before, seen):
            pass

    def _rows(
        self,
        drafts: Sequence[Draft],
        before: dict[tuple[str, str], str],
        present: set[str],
    ) -> Iterator[tuple[str, Row]]:
        shared: dict[tuple[str, str], Row] = {}
        for draft in drafts:
            parameters = self._parameters(draft)
            self._count(draft, parameters)
            old = _old(draft, before)
            self.report.meet([draft.pid])
            if draft.pid in present:
                same = all(before.get((one.url, draft.part)) == draft.pid for one in draft.pieces)
                self.report.unchanged += same
                self.report.locations += not same
            else:
                present.add(draft.pid)
                self.report.versions += old is not None
                self.report.new += old is None
                for model, row in draft.rows:
                    if model in SHARED:
                        _merge(shared, model, row)
                    elif model == "Dataset":
                        yield model, {**row, "size": draft.size, "isNewVersionOf": old}
                    else:
                        yield model, row
                for row in parameters:
                    yield "Parameter", row
            yield from _locations(draft)
        for (model, _), row in shared.items():
            yield model, row

    def _parameters(self, draft: Draft) -> list[Row]:
        return [
            {
                "datasetId": draft.pid,
                "name": item.name,
                "value": item.value,
                "unit": self._unit(item),
                "path": item.path or None,
            }
            for item in filter(finite, draft.parameters)
        ]

    def _unit(self, item: Quantity) -> str | None:
        """Return the unit in its canonical spelling; one that nobody knows stays as it is."""
        if item.unit is None or item.unit.startswith("NX_"):
            return None
        known = canonical(item.unit, category=item.category)
        if known is None:
            self.report.unknown_units[item.unit] += 1
            return item.unit
        return known

    def _count(self, draft: Draft, parameters: list[Row]) -> None:
        report = self.report
        report.read += 1
        for what, has in zip(ASKED, draft.has, strict=True):
            report.has[what] += has
        wanting = any(
            row["unit"] is None
            and not isinstance(item.value, str)
            and item.category not in {None, "NX_DIMENSIONLESS", "NX_UNITLESS"}
            for item, row in zip(filter(finite, draft.parameters), parameters, strict=True)
        )
        report.has[UNITS] += not wanting
        for piece in draft.pieces:
            for item in () if piece.facts is None else piece.facts.refusals:
                report.warnings.append(
                    Trouble(path=piece.path, reason=item.reason, detail=item.detail)
                )
        for name in draft.missing:
            report.warnings.append(
                Trouble(
                    path=draft.pieces[0].path,
                    reason="missing-source",
                    detail=f"it needs {name}, which is not there: that part of the data is missing",
                )
            )

    def _meet(self, connection: sa.Connection, rows: Sequence[tuple[str, Row]]) -> None:
        """Count the instruments that the catalogue has not met before."""
        names = {row["pid"]: row["name"] for model, row in rows if model == "Instrument"}
        if not names:
            return
        wanted = sa.any_(sa.literal(list(names)))
        query = sa.select(instrument.c.pid).where(instrument.c.pid == wanted)
        for pid in set(names) - set(connection.scalars(query)):
            self.report.new_instruments[names[pid]] += 1

    def _ask_groups(self, connection: sa.Connection, rows: Sequence[tuple[str, Row]]) -> None:
        """Count the proposals that this node does not know."""
        owners = [row["ownerGroup"] for model, row in rows if model == "Dataset"]
        names = {name for name in owners if name}
        if names:
            for name in names - store.groups(connection, names):
                self.report.unknown_proposals[name] += owners.count(name)


def _look(
    connection: sa.Connection, drafts: Sequence[Draft]
) -> tuple[dict[tuple[str, str], str], set[str]]:
    urls = [piece.url for draft in drafts for piece in draft.pieces]
    before = store.pids_at(connection, urls)
    return before, store.existing(connection, [draft.pid for draft in drafts])


def _old(draft: Draft, before: dict[tuple[str, str], str]) -> str | None:
    """Return which dataset lay here before: that of most of the files, by the first of them."""
    found = [before[key] for one in draft.pieces if (key := (one.url, draft.part)) in before]
    return Counter(found).most_common(1)[0][0] if found else None


def _locations(draft: Draft) -> Iterator[tuple[str, Row]]:
    for piece in draft.pieces:
        yield (
            "Location",
            {
                "url": piece.url,
                "part": draft.part,
                "datasetId": draft.pid,
                "name": piece.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
                "size": piece.size,
                "mtimeNs": piece.mtime_ns,
                "tier": piece.tier,
            },
        )


def _named(rows: Sequence[tuple[str, Row]]) -> Iterator[tuple[str, str]]:
    for model, row in rows:
        if model == "Location":
            part = row["part"]
            yield model, row["url"] + (PART + part if part else "")
        elif model == "Dataset" or model in SHARED:
            yield model, row[SHARED.get(model, "pid")]


def _merge(shared: dict[tuple[str, str], Row], model: str, row: Row) -> None:
    """Keep what the last file of the walk says, as if each had been a batch of its own."""
    key = (model, row[SHARED[model]])
    told: dict[str, Any] = {name: value for name, value in row.items() if value is not None}
    shared[key] = {**shared.get(key, {}), **told}
