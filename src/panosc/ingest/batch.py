"""A batch of files read: which rows it takes to register them, in one transaction.

The rows depend on the files before in the walk and on nothing else, so that it does not
matter where one run was killed and the next began.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.writer import Born, write
from panosc.domain.units import canonical
from panosc.files.sandbox import Outcome
from panosc.ingest import store
from panosc.ingest.formats import Quantity
from panosc.ingest.reading import Reading
from panosc.ingest.records import ASKED, Row
from panosc.ingest.report import UNITS, Report, Trouble
from panosc.ingest.walking import Found

PASSING = frozenset({"not-openable", "changing"})
"""Reasons that the next run may find gone although the file is the same."""
SHARED = {
    "Instrument": "pid",
    "Technique": "pid",
    "Sample": "pid",
    "Person": "id",
    "Affiliation": "id",
}


@dataclass(slots=True)
class Batch:
    """Files in the order of the walk, and what reading them gave."""

    items: list[tuple[Found, Outcome]] = field(default_factory=list)

    def register(
        self, connection: sa.Connection, report: Report, *, now: datetime, born: Born | None = None
    ) -> None:
        """Write the batch by `connection`, in its transaction; count it in `report`."""
        before, present = self._look(connection)
        rows = list(self._rows(before, present, report))
        if rows:
            write(connection, rows, now=now, born=born)
        store.set_aside(connection, self._bad(), now=now)
        store.release(connection, [found.url for found, item in self.items if not item.reason])

    def rehearse(self, connection: sa.Connection, report: Report, *, seen: set[str]) -> None:
        """Count in `report` what `register` would do; `seen` are PIDs of earlier batches."""
        before, present = self._look(connection)
        seen |= present
        for _ in self._rows(before, seen, report):
            pass

    def _look(self, connection: sa.Connection) -> tuple[dict[str, str], set[str]]:
        readings = [item.value.pid for _, item in self.items if isinstance(item.value, Reading)]
        before = store.pids_at(connection, [found.url for found, _ in self.items])
        return before, store.existing(connection, readings)

    def _bad(self) -> list[dict[str, Any]]:
        return [
            {
                "url": found.url,
                "reason": item.reason,
                "detail": item.detail.replace("\0", ""),
                "size": found.size,
                "mtime_ns": found.mtime_ns,
            }
            for found, item in self.items
            if item.reason and item.reason not in PASSING
        ]

    def _rows(
        self, before: dict[str, str], present: set[str], report: Report
    ) -> Iterator[tuple[str, Row]]:
        shared: dict[tuple[str, str], Row] = {}
        for found, item in self.items:
            report.files += 1
            if item.reason:
                report.quarantined.append(
                    Trouble(path=found.path, reason=item.reason, detail=item.detail)
                )
            elif not isinstance(item.value, Reading):
                report.left_alone += 1
            else:
                yield from self._of(found, item.value, (before, present, shared), report)
        for (model, _), row in shared.items():
            yield model, row

    def _of(
        self,
        found: Found,
        reading: Reading,
        state: tuple[dict[str, str], set[str], dict[tuple[str, str], Row]],
        report: Report,
    ) -> Iterator[tuple[str, Row]]:
        before, present, shared = state
        parameters = _parameters(reading, report)
        _count(found, reading, parameters, report)
        old = before.get(found.url)
        if reading.pid in present:
            if old == reading.pid:
                report.unchanged += 1
            else:
                report.locations += 1
        else:
            present.add(reading.pid)
            report.versions += old is not None
            report.new += old is None
            for model, row in reading.rows:
                if model in SHARED:
                    _merge(shared, model, row)
                elif model == "Dataset":
                    yield model, {**row, "size": reading.size, "isNewVersionOf": old}
                else:
                    yield model, row
            for row in parameters:
                yield "Parameter", row
        yield (
            "Location",
            {
                "url": found.url,
                "datasetId": reading.pid,
                "name": next(row["name"] for model, row in reading.rows if model == "File"),
                "size": found.size,
                "mtimeNs": found.mtime_ns,
            },
        )


def _merge(shared: dict[tuple[str, str], Row], model: str, row: Row) -> None:
    """Keep what the last file of the walk says, as if each had been a batch of its own."""
    key = (model, row[SHARED[model]])
    told = {name: value for name, value in row.items() if value is not None}
    shared[key] = {**shared.get(key, {}), **told}


def _parameters(reading: Reading, report: Report) -> list[Row]:
    return [
        {
            "datasetId": reading.pid,
            "name": item.name,
            "value": item.value,
            "unit": _unit(item, report),
            "path": item.path,
        }
        for item in reading.parameters
    ]


def _unit(item: Quantity, report: Report) -> str | None:
    """Return the unit in its canonical spelling; one that nobody knows stays as it is."""
    if item.unit is None or item.unit.startswith("NX_"):
        return None
    known = canonical(item.unit, category=item.category)
    if known is None:
        report.unknown_units[item.unit] += 1
        return item.unit
    return known


def _count(found: Found, reading: Reading, parameters: list[Row], report: Report) -> None:
    report.read += 1
    for what, has in zip(ASKED, reading.has, strict=True):
        report.has[what] += has
    wanting = any(
        row["unit"] is None
        and not isinstance(item.value, str)
        and item.category not in {None, "NX_DIMENSIONLESS", "NX_UNITLESS"}
        for item, row in zip(reading.parameters, parameters, strict=True)
    )
    report.has[UNITS] += not wanting
    report.warnings += [
        Trouble(path=found.path, reason=item.reason, detail=item.detail)
        for item in reading.refusals
    ]
