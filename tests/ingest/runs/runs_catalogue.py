"""A catalogue of a few datasets, written as an ingest writes it: with a journal."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.dumping import dump
from panosc.catalogue.writer import Born, write
from panosc.domain.access import OPERATOR, Who
from panosc.ingest.runs import journal
from panosc.ingest.runs.undoing import undo

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEWARD = Who(person="u-steward", roles=frozenset({"steward"}), via="session")
Rows = list[tuple[str, dict[str, Any]]]
_KEYS = {"Person": "id", "Affiliation": "id"}


def records_of(rows: Rows) -> list[tuple[str, str]]:
    """What a writer of `rows` notes in the journal."""
    named = []
    for model, row in rows:
        if model == "Location":
            part = row.get("part")
            named.append((model, row["url"] + (journal.PART + part if part else "")))
        else:
            key = _KEYS.get(model, "pid")
            if key in row:
                named.append((model, row[key]))
    return named


def written(
    engine: sa.Engine,
    rows: Rows,
    *,
    now: datetime = NOW,
    kind: Any = "ingest",
    born: Born | None = None,
    who: Who = OPERATOR,
) -> int:
    """Write `rows` as one run, as the pipeline does."""
    run = journal.begin(engine, kind=kind, who=who, asked={"roots": ["/data"]}, now=now)
    with engine.begin() as connection:
        journal.note(connection, run, records_of(rows))
        write(connection, rows, now=now, born=born)
    journal.end(engine, run, state="done", report={"files": 1}, now=now)
    return run


def undone(engine: sa.Engine, run: int, *, now: datetime = NOW, born: Born | None = None) -> int:
    """Undo a run."""
    return undo(engine, run, who=STEWARD, reason="It was wrong.", now=now, born=born)


def state(engine: sa.Engine, folder: Path) -> dict[str, bytes]:
    """The bare dump: file name → bytes."""
    dump(engine, folder, bare=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def dataset(
    number: int,
    *,
    instrument: int | None = 0,
    people: Iterable[int] = (0,),
    samples: Iterable[int] = (0,),
    title: str = "Scan",
    parameters: Iterable[tuple[str, Any, str | None]] = (("wavelength", 1.5, "angstrom"),),
    **fields: Any,
) -> Rows:
    """The rows of one dataset with all that it refers to."""
    pid = f"local/{number}"
    rows: Rows = []
    if instrument is not None:
        key = f"local/instrument/{instrument}"
        rows.append(("Instrument", {"pid": key, "name": f"D{instrument}", "facility": "ILL"}))
        fields["instrumentId"] = key
    rows.append(("Dataset", {"pid": pid, "title": title, "isPublic": True, **fields}))
    rows.append(("File", {"datasetId": pid, "name": f"{number}.h5", "size": 10, "extra": None}))
    for person in people:
        rows += [
            ("Affiliation", {"id": "ill", "name": "ILL"}),
            ("Person", {"id": f"person-{person}", "fullName": f"Person {person}"}),
            (
                "Member",
                {
                    "datasetId": pid,
                    "personId": f"person-{person}",
                    "affiliationId": "ill",
                    "role": "creator",
                },
            ),
        ]
    for sample in samples:
        key = f"local/sample/{sample}"
        rows += [
            ("Sample", {"pid": key, "name": f"Sample {sample}"}),
            ("DatasetSample", {"datasetId": pid, "sampleId": key}),
        ]
    rows += [
        ("Technique", {"pid": "PaNET01188", "panetId": "PaNET01188", "name": "SANS"}),
        ("DatasetTechnique", {"datasetId": pid, "techniqueId": "PaNET01188"}),
    ]
    rows += [
        ("Parameter", {"datasetId": pid, "name": name, "value": value, "unit": unit})
        for name, value, unit in parameters
    ]
    rows.append(location(number, f"file:///data/{number}.h5"))
    return rows


def location(number: int, url: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The row of a place of a dataset."""
    row = {"url": url, "datasetId": f"local/{number}", "name": "x.h5", "size": 10, "mtimeNs": 1}
    return "Location", {**row, **fields}
