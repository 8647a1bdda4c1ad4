"""From what a file says to rows of the data model: identifiers, names, access. Pure.

Everything here depends on the file and the site's settings alone, so that the same file
gives the same rows on every run.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from panosc.domain.times import utc
from panosc.ingest.formats import Contributor, Facts, Specimen
from panosc.ingest.knowledge import techniques

Row = dict[str, Any]

ASKED: Final = (
    "title",
    "start time",
    "instrument",
    "definition",
    "technique",
    "sample",
    "user",
    "default plot",
)
"""What a file should say; `units` is asked of the parameters."""
_ORCID: Final = re.compile(r"(?:^|.*[/\s])(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$")
NAME_LENGTH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the site adds to a file's own words."""

    prefix: str
    time_zone: str
    probe: str | None = None
    facility: str | None = None
    access: str = "open"
    is_asked: bool = False
    """Whether somebody asked for this access: then the record says so, whosever the data are."""
    embargo_until: str | None = None
    proposal: str | None = None
    """Whose data these are: then its record says nothing of access, the policy decides."""
    licences: tuple[tuple[str, str], ...] = ()
    """Kind of dataset and the licence that the policy gives it."""


def rows_of(
    facts: Facts, *, pid: str, name: str, terms: Terms, kind: str | None = None
) -> list[tuple[str, Row]]:
    """Return the rows of the dataset and of all that it refers to; files are not among them."""
    zone = ZoneInfo(terms.time_zone)
    rows: list[tuple[str, Row]] = []
    instrument = _instrument(facts, terms)
    kind = kind or ("reduced" if facts.is_reduced else "raw")
    is_governed = terms.proposal is not None and not terms.is_asked
    if instrument is not None:
        rows.append(("Instrument", instrument))
    row: Row = {
        "pid": pid,
        "title": (facts.title or name)[:NAME_LENGTH],
        "isPublic": None if is_governed else terms.access == "open",
        "creationDate": utc(facts.start, zone=zone),
        "endDate": utc(facts.end, zone=zone),
        "kind": kind,
        "description": facts.description,
        "definition": facts.definitions[0] if facts.definitions else None,
        "defaultPlot": facts.default_plot,
        "license": dict(terms.licences).get(kind),
        "access": None if is_governed else terms.access,
        "embargoUntil": terms.embargo_until,
        "ownerGroup": terms.proposal,
        "source": "ingest",
        "instrumentId": None if instrument is None else instrument["pid"],
    }
    rows.append(("Dataset", row))
    for term in techniques(facts.definitions, facts.probe or terms.probe):
        rows.append(("Technique", {"pid": term.pid, "panetId": term.pid, "name": term.label}))
        rows.append(("DatasetTechnique", {"datasetId": pid, "techniqueId": term.pid}))
    for number, sample in enumerate(facts.samples, start=1):
        sample_row = _sample(sample, number, pid, terms)
        rows.append(("Sample", sample_row))
        rows.append(("DatasetSample", {"datasetId": pid, "sampleId": sample_row["pid"]}))
    for person in facts.people:
        rows += _person(person, pid)
    return rows


def completeness(facts: Facts, rows: Iterable[tuple[str, Row]]) -> tuple[bool, ...]:
    """Return what of `ASKED` the file says in a way that could be understood."""
    dataset = next(row for model, row in rows if model == "Dataset")
    return (
        bool(facts.title),
        dataset["creationDate"] is not None,
        dataset["instrumentId"] is not None,
        bool(facts.definitions),
        any(model == "Technique" for model, _ in rows),
        bool(facts.samples),
        bool(facts.people),
        facts.default_plot is not None,
    )


def _instrument(facts: Facts, terms: Terms) -> Row | None:
    if not facts.instrument:
        return None
    name = facts.instrument[:NAME_LENGTH]
    facility = facts.facility or terms.facility
    words = f"{facility} {name}" if facility else name
    return {
        "pid": f"{terms.prefix}/instrument/{slug(words)}",
        "name": name,
        "facility": facility,
        "source": "ingest",
    }


def _sample(sample: Specimen, number: int, pid: str, terms: Terms) -> Row:
    if sample.identifier:
        words = f"{terms.facility or ''} {sample.identifier}"
        key = f"{terms.prefix}/sample/{slug(words)}"
    else:
        key = f"{pid}/sample/{number}"
    name = sample.name or sample.formula or sample.description or sample.identifier or "sample"
    return {"pid": key, "name": name[:NAME_LENGTH], "description": sample.description}


def _person(person: Contributor, pid: str) -> list[tuple[str, Row]]:
    number = orcid(person.orcid)
    key = number or slug(person.name)
    rows: list[tuple[str, Row]] = [
        ("Person", {"id": key, "fullName": person.name[:NAME_LENGTH], "orcid": number})
    ]
    member: Row = {"datasetId": pid, "personId": key, "role": person.role or "creator"}
    if person.affiliation:
        place = slug(person.affiliation)
        rows.append(("Affiliation", {"id": place, "name": person.affiliation[:NAME_LENGTH]}))
        member["affiliationId"] = place
    return [*rows, ("Member", member)]


def slug(words: str) -> str:
    """Return a readable key for a name: the same for the same name, in any run.

    Examples
    --------
    >>> slug("HEXTOF @ PG-2, Flash"), slug("Müller, Jörg")
    ('hextof-pg-2-flash', 'muller-jorg')
    """
    plain = unicodedata.normalize("NFKD", words.lower())
    key = "-".join(
        re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)))
    )
    lost = sum(1 for c in plain if c.isalnum() and not c.isascii())
    if lost or not key or len(key) > 80:  # noqa: PLR2004
        # names in other scripts keep apart by their own letters
        key = f"{key[:60]}-{hashlib.sha256(words.encode()).hexdigest()[:12]}".strip("-")
    return key


def orcid(words: str | None) -> str | None:
    """Return the ORCID iD in `words` if its check digit is right (ISO 7064 11,2).

    Examples
    --------
    >>> orcid("https://orcid.org/0000-0002-1825-0097"), orcid("0000-0002-1825-0098")
    ('0000-0002-1825-0097', None)
    """
    match = _ORCID.match((words or "").strip())
    if match is None:
        return None
    total = 0
    for digit in match[1].replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return match[1] if match[1][-1] == ("X" if check == 10 else str(check)) else None  # noqa: PLR2004
