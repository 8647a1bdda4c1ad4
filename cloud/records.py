"""Made-up records in the manner of a facility: the same each time, for the same number.

What is told of is measured nowhere: titles, techniques and values are those of the field, DOIs
have a prefix that is meant for tests. Rows are those of an NDJSON catalogue.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = tuple[str, dict[str, Any]]
PREFIX = "10.5072"
"""DataCite's for tests."""
PANET = "http://purl.org/pan-science/PaNET/"
EACH = 10
"""Datasets of a proposal."""
_BEGIN = datetime(2021, 1, 11, 8, tzinfo=UTC)
_MATTER = (
    "lysozyme",
    "copper oxide",
    "spider silk",
    "battery cathode",
    "perovskite film",
    "hydrated cement",
    "trabecular bone",
    "zeolite",
    "iron at high pressure",
    "lipid bilayers",
)
_ASPECTS = (
    "Structure of {}",
    "How {} changes with temperature",
    "Dynamics in {}",
    "Ordering of {} in a magnetic field",
    "{} under load",
)
_PEOPLE = (
    ("Ada", "Example", "0000-0002-1825-0097"),
    ("Bruno", "Beispiel", None),
    ("Carla", "Esempio", None),
    ("Dora", "Muster", None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a facility measures, and with what."""

    facility: str
    short: str
    """For identifiers."""
    instruments: Sequence[str]
    techniques: Sequence[tuple[str, str]]
    """Identifier of PaNET and name."""
    parameters: Sequence[tuple[str, float, float, str]]
    """Name, least and greatest value, unit."""


def rows(manner: Manner, count: int) -> Iterator[Row]:
    """Yield a catalogue with `count` datasets and what belongs to them."""
    dice = random.Random(manner.short)
    for name in manner.instruments:
        key = _instrument(manner, name)
        yield "Instrument", {"pid": key, "name": name, "facility": manner.facility}
    for panet, name in manner.techniques:
        yield "Technique", {"pid": PANET + panet, "panetId": PANET + panet, "name": name}
    for first, last, orcid in _PEOPLE:
        person = {"id": orcid or f"{first.lower()}-{last.lower()}", "fullName": f"{first} {last}"}
        named = {"firstName": first, "lastName": last}
        yield "Person", person | named | ({"orcid": orcid} if orcid else {})
    for number in range(0, count, EACH):
        yield from _proposal(manner, number // EACH, min(EACH, count - number), dice)


def _proposal(manner: Manner, number: int, many: int, dice: random.Random) -> Iterator[Row]:
    matter, aspect = _MATTER[number % len(_MATTER)], dice.choice(_ASPECTS)
    title = aspect.format(matter)
    start = _BEGIN + timedelta(days=1 + 3 * number % 1500)
    pid = f"{manner.short}-{2021 + number % 5}-{number:04}"
    yield (
        "Document",
        {
            "pid": pid,
            "type": "proposal",
            "title": title[0].upper() + title[1:],
            "summary": f"We ask for beam time at {manner.facility} to look at {matter}.",
            "isPublic": True,
            "startDate": _iso(start),
            "endDate": _iso(start + timedelta(days=3)),
            "releaseDate": _iso(start + timedelta(days=3 * 365)),
            "license": "CC-BY-4.0",
            "keywords": [matter],
        },
    )
    first, last, orcid = _PEOPLE[number % len(_PEOPLE)]
    person = orcid or f"{first.lower()}-{last.lower()}"
    yield "Member", {"documentId": pid, "personId": person, "role": "principal investigator"}
    for turn in range(many):
        yield from _dataset(manner, number * EACH + turn, (pid, matter, start), dice)


def _dataset(
    manner: Manner, number: int, of: tuple[str, str, datetime], dice: random.Random
) -> Iterator[Row]:
    proposal, matter, start = of
    panet, technique = dice.choice(manner.techniques)
    instrument = dice.choice(manner.instruments)
    pid = f"{PREFIX}/{manner.short}.{number:06}"
    begun = start + timedelta(minutes=11 * (number % EACH))
    # one in ten is still under embargo
    later = {"isPublic": False, "access": "embargoed", "embargoUntil": "2035-01-01T00:00:00+00:00"}
    yield (
        "Dataset",
        {
            "pid": pid,
            "title": f"{matter[0].upper()}{matter[1:]}, {technique}, run {number}",
            "description": f"{technique} on {matter} at {instrument}.",
            "creationDate": _iso(begun),
            "endDate": _iso(begun + timedelta(minutes=9)),
            "size": dice.randrange(10**6, 10**10),
            "instrumentId": _instrument(manner, instrument),
            "license": "CC-BY-4.0",
            "kind": "raw",
        }
        | (later if number % 10 == EACH - 1 else {"isPublic": True}),
    )
    yield "DatasetTechnique", {"datasetId": pid, "techniqueId": PANET + panet}
    yield "DocumentDataset", {"documentId": proposal, "datasetId": pid}
    for name, least, greatest, unit in manner.parameters:
        value = float(f"{dice.uniform(least, greatest):.4g}")
        yield "Parameter", {"datasetId": pid, "name": name, "value": value, "unit": unit}


def _instrument(manner: Manner, name: str) -> str:
    return f"{manner.short}.{name.lower().replace(' ', '-')}"


def _iso(time: datetime) -> str:
    return time.isoformat()


def write(manner: Manner, count: int, folder: Path) -> Path:
    """Write the catalogue as NDJSON, a file for each class; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for number, (name, row) in enumerate(rows(manner, count)):
        is_part = name in {"Member", "Parameter"}
        lines.setdefault(name, []).append(
            json.dumps(({"id": str(number)} if is_part else {}) | row)
        )
    for name, written in lines.items():
        (folder / f"{name}.ndjson").write_text("\n".join(written) + "\n", "utf-8")
    return folder
