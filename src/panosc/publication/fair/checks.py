"""The checks: what F-UJI asks of a dataset, as far as a node can decide it, and what mends it.

Each has the name of the metric of FAIRsFAIR (version 0.8) that it stands for, and as many points.
A check says what is missing in the record; what every page of a node has (a registered protocol,
metadata in JSON-LD and RDF) needs none. Pure functions of a `Publication`: who may not see the
detail of a record is told nothing that rests on it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from panosc.publication.record import Publication

_SCIENTIFIC: Final = frozenset({"application/x-hdf5", "image/tiff", "text/csv"})
Verdict = Literal["passed", "failed", "hidden"]
"""``hidden``: it rests on what the caller may not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to a record."""

    name: str
    """Short, in addresses and reports."""
    metric: str
    asks: str
    """What is asked, as a sentence that is true where it passes."""
    mends: str
    """What to do where it fails."""
    points: int
    passes: Callable[[Publication], bool | None]
    """None: it cannot be told from what the caller sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one check."""

    check: Check
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All answers for one record."""

    findings: tuple[Finding, ...]

    @property
    def score(self) -> int:
        """Points reached, in percent of those that could be looked at."""
        seen = [item for item in self.findings if item.verdict != "hidden"]
        most = sum(item.check.points for item in seen)
        reached = sum(item.check.points for item in seen if item.verdict == "passed")
        return 100 if not most else reached * 100 // most

    @property
    def missing(self) -> tuple[Check, ...]:
        """Checks that fail."""
        return tuple(item.check for item in self.findings if item.verdict == "failed")


def report(publication: Publication) -> Report:
    """Return the answers of all checks."""
    return Report(findings=tuple(_ask(check, publication) for check in CHECKS))


def named(name: str) -> Check | None:
    """Return a check by its name."""
    return next((check for check in CHECKS if check.name == name), None)


def _ask(check: Check, publication: Publication) -> Finding:
    passes = check.passes(publication)
    verdict: Verdict = "hidden" if passes is None else "passed" if passes else "failed"
    return Finding(check=check, verdict=verdict)


def _in_detail(asks: Callable[[Publication], bool]) -> Callable[[Publication], bool | None]:
    def passes(publication: Publication) -> bool | None:
        return None if publication.detail is None else asks(publication)

    return passes


def _files(publication: Publication) -> Sequence[str]:
    return (
        [] if publication.detail is None else [item.media_type for item in publication.detail.files]
    )


def _has_people(publication: Publication) -> bool:
    return all(agent.is_person for agent in publication.creators)


def _all_have_orcid(publication: Publication) -> bool:
    people = [agent for agent in publication.creators if agent.is_person]
    return bool(people) and all(agent.orcid for agent in people)


def _has_provenance(publication: Publication) -> bool:
    if publication.collected[0] is None or publication.instrument is None:
        return False
    is_derived = any(item.relation == "IsDerivedFrom" for item in publication.related)
    return publication.kind != "reduced" or is_derived


def _has_units(publication: Publication) -> bool:
    detail = publication.detail
    numbers = [
        item for item in (detail.parameters if detail else ()) if not isinstance(item.value, str)
    ]
    return bool(numbers) and any(item.unit for item in numbers)


CHECKS: Final[tuple[Check, ...]] = (
    Check(
        name="doi",
        metric="FsF-F1-02MD",
        asks="It has a persistent identifier that leads here.",
        mends="Register a DOI: `panosc doi mint`, or “Publish” on its page.",
        points=2,
        passes=lambda item: item.doi is not None,
    ),
    Check(
        name="title",
        metric="FsF-F2-01M",
        asks="It has a title of its own.",
        mends="Say what was measured on what: edit the record, or write a title into the file.",
        points=1,
        passes=lambda item: item.title != item.pid,
    ),
    Check(
        name="people",
        metric="FsF-F2-01M",
        asks="The people who made it are named.",
        mends="Link it to its proposal, or name its creators.",
        points=1,
        passes=_has_people,
    ),
    Check(
        name="orcid",
        metric="FsF-F2-01M",
        asks="Each of its creators has an ORCID.",
        mends="Ask them to sign in with ORCID, or to add it at the user office.",
        points=1,
        passes=_all_have_orcid,
    ),
    Check(
        name="description",
        metric="FsF-F2-01M",
        asks="It has a description of its own.",
        mends="Write a few sentences on the experiment; until then one is made of what is known.",
        points=1,
        passes=lambda item: item.is_described,
    ),
    Check(
        name="keywords",
        metric="FsF-F2-01M",
        asks="It has keywords.",
        mends="Give keywords to it or to its proposal.",
        points=1,
        passes=lambda item: bool(item.keywords),
    ),
    Check(
        name="files",
        metric="FsF-F3-01M",
        asks="The metadata lead to the data.",
        mends="Register its files: ingest the folder in which they lie.",
        points=3,
        passes=lambda item: bool(item.size) if item.detail is None else item.detail.file_count > 0,
    ),
    Check(
        name="technique",
        metric="FsF-I2-01M",
        asks="Its technique is a term of PaNET.",
        mends="Name the technique by its PaNET id, such as PaNET01189.",
        points=2,
        passes=lambda item: any(term.uri for term in item.techniques),
    ),
    Check(
        name="links",
        metric="FsF-I3-01M",
        asks="It is linked to other works.",
        mends="Link it to its proposal, to the publication that rests on it, or to its sources.",
        points=2,
        passes=lambda item: bool(item.related),
    ),
    Check(
        name="instrument",
        metric="FsF-I3-01M",
        asks="Its instrument has a persistent identifier.",
        mends="Register the instrument (PIDINST) and give its DOI or handle to the catalogue.",
        points=1,
        passes=lambda item: item.instrument is not None and item.instrument.identifier is not None,
    ),
    Check(
        name="content",
        metric="FsF-R1-01M",
        asks="Type, size and checksum of its files are known.",
        mends="Ingest the files again: what is missing is measured then.",
        points=2,
        passes=_in_detail(
            lambda item: (
                item.detail is not None
                and bool(item.detail.files)
                and all(file.sha256 and file.size is not None for file in item.detail.files)
            )
        ),
    ),
    Check(
        name="units",
        metric="FsF-R1-01M",
        asks="Measured values are told with their units.",
        mends="Write units into the file (NeXus: the attribute `units`).",
        points=1,
        passes=_in_detail(_has_units),
    ),
    Check(
        name="licence",
        metric="FsF-R1.1-01M",
        asks="Its licence is one that programs know (SPDX).",
        mends="Set a licence such as CC-BY-4.0 on the record, its proposal or in the data policy.",
        points=1,
        passes=lambda item: item.licence is not None and item.licence.id is not None,
    ),
    Check(
        name="provenance",
        metric="FsF-R1.2-01M",
        asks="It is known when, with what and from what it was made.",
        mends="Give time and instrument; of reduced data also what they were derived from.",
        points=2,
        passes=_has_provenance,
    ),
    Check(
        name="definition",
        metric="FsF-R1.3-01M",
        asks="It follows an application definition of NeXus.",
        mends="Name it in the file (`definition` in NXentry), such as NXcanSAS.",
        points=1,
        passes=_in_detail(lambda item: bool(item.detail and item.detail.definition)),
    ),
    Check(
        name="format",
        metric="FsF-R1.3-02D",
        asks="Its data are in a format of the field.",
        mends="Store them as NeXus/HDF5.",
        points=1,
        passes=_in_detail(lambda item: any(kind in _SCIENTIFIC for kind in _files(item))),
    ),
)
"""All checks, in the order of the principles."""


def summary(reports: Iterable[Report]) -> tuple[int, list[tuple[Check, int]]]:
    """Return how many reports there are, and how often each check fails, what costs most first."""
    counts = dict.fromkeys(CHECKS, 0)
    total = 0
    for one in reports:
        total += 1
        for check in one.missing:
            counts[check] += 1
    found = [(check, count) for check, count in counts.items() if count]
    return total, sorted(found, key=lambda pair: (-pair[1] * pair[0].points, pair[0].name))
