"""Folders of NDJSON for the tests of harvesting, and a connector that fails where it is told to."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson


def write(folder: Path, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Path:
    """Write a folder with these rows; what was there before goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.ndjson"):
        path.unlink()
    lines: dict[str, list[bytes]] = {}
    for name, row in rows:
        lines.setdefault(name, []).append(orjson.dumps(row) + b"\n")
    for name, found in lines.items():
        (folder / f"{name}.ndjson").write_bytes(b"".join(found))
    return folder


def catalogue(count: int, *, documents: int = 10, changed: int = 0) -> list[tuple[str, Any]]:
    """Return rows of a made-up catalogue; the first `changed` datasets have another title."""
    rows: list[tuple[str, Any]] = [
        ("Affiliation", {"id": "a1", "name": "Institute"}),
        ("Person", {"id": "p1", "fullName": "Ada Lovelace"}),
        ("Instrument", {"pid": "D1", "name": "Diffractometer", "facility": "There"}),
        ("Technique", {"pid": "http://purl.org/pan-science/PaNET/PaNET01188", "name": "SAXS"}),
    ]
    for number in range(documents):
        pid = f"doc-{number}"
        rows += [
            ("Document", {"pid": pid, "title": f"Proposal {number}", "isPublic": True}),
            (
                "Member",
                {"documentId": pid, "personId": "p1", "affiliationId": "a1", "role": "author"},
            ),
        ]
    for number in range(count):
        pid = f"set-{number:06}"
        day = f"2020-01-{number % 28 + 1:02}T00:{number % 60:02}:00Z"
        title = f"Run {number}" if number >= changed else f"Run {number}, corrected"
        rows += [
            ("Sample", {"pid": f"s-{number}", "name": f"Sample {number}"}),
            (
                "Dataset",
                {
                    "pid": pid,
                    "title": title,
                    "isPublic": True,
                    "creationDate": day,
                    "size": 1000 + number,
                    "instrumentId": "D1",
                },
            ),
            ("Parameter", {"datasetId": pid, "name": "energy", "value": number, "unit": "eV"}),
            ("File", {"datasetId": pid, "name": "a.h5", "size": 5}),
            ("DatasetSample", {"datasetId": pid, "sampleId": f"s-{number}"}),
            (
                "DatasetTechnique",
                {
                    "datasetId": pid,
                    "techniqueId": "http://purl.org/pan-science/PaNET/PaNET01188",
                },
            ),
            ("DocumentDataset", {"documentId": f"doc-{number % documents}", "datasetId": pid}),
        ]
    return rows
