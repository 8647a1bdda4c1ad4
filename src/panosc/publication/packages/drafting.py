"""What is said of a package before it is one, and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from panosc.domain.errors import Invalid
from panosc.policy.decisions.records import is_text
from panosc.publication import identifiers
from panosc.publication.reading.describing import licence
from panosc.publication.record import Licence, Part, Publication

MOST_DATASETS: Final = 100
MOST_PARTS: Final = 200
LONGEST_TITLE: Final = 500
LONGEST_ABSTRACT: Final = 20_000
_LONGEST_PATH: Final = 1000
_SELECTION: Final = re.compile(r"[0-9:, .-]{0,200}")
LICENCES: Final = ("CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0")
"""Those that a package may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody says of a package."""

    title: str
    abstract: str
    licence: str
    publication: str | None = None
    """The DOI of the publication that it is behind, bare."""
    datasets: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    """Keys of people of its datasets, in their order; empty: all of them."""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is missing in what DataCite would be told, or might be better."""

    property: str
    """As DataCite calls it."""
    text: str
    is_fatal: bool = False


def checked(draft: Draft) -> Draft:
    """Return a draft with its texts trimmed.

    Raises
    ------
    Invalid
        If a value cannot be kept.
    """
    title = _text(draft.title, "title", LONGEST_TITLE)
    if not title:
        raise Invalid("The title is missing.", field="title", hint="Say what the data are.")
    abstract = _text(draft.abstract, "abstract", LONGEST_ABSTRACT)
    if not draft.datasets:
        raise Invalid(
            "No dataset is chosen.", field="dataset", hint="Select some on their pages first."
        )
    if len(draft.datasets) > MOST_DATASETS:
        raise Invalid(f"A package has {MOST_DATASETS} datasets at most.", field="dataset")
    if len(draft.parts) > MOST_PARTS:
        raise Invalid(f"A package names {MOST_PARTS} parts at most.", field="parts")
    publication = draft.publication and identifiers.doi(draft.publication)
    if draft.publication and not publication:
        raise Invalid(
            "The identifier of the publication is no DOI.",
            field="publication",
            hint="A DOI looks like 10.1107/S160057672300000X.",
        )
    known = _licence(draft.licence)
    return Draft(
        title=title,
        abstract=abstract,
        licence=known.id or known.name,
        publication=publication or None,
        datasets=tuple(dict.fromkeys(draft.datasets)),
        creators=tuple(dict.fromkeys(draft.creators)),
        parts=draft.parts,
    )


def parts_of(text: str, datasets: Mapping[int, str]) -> tuple[Part, ...]:
    """Return the parts in lines ``NUMBER FILE PATH [SELECTION]``; the number is the dataset's.

    Raises
    ------
    Invalid
        With the number of the first line that says no part.

    Examples
    --------
    >>> parts_of("1 a.nxs /entry/data/I 0, :10", {1: "local/x"})[0].selection
    '0, :10'
    """
    found: list[Part] = []
    for place, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=3)
        if not words:
            continue
        selection = words[3].strip(" []") if len(words) > 3 else ""  # noqa: PLR2004
        number = int(words[0]) if words[0].isascii() and words[0].isdigit() else 0
        is_whole = len(words) >= 3 and number in datasets  # noqa: PLR2004
        if not (is_whole and len(line) <= _LONGEST_PATH and _SELECTION.fullmatch(selection)):
            raise Invalid(
                f"Line {place} of the parts names none.",
                field="parts",
                hint="Write the number of the dataset, the file, the path in it, and perhaps a "
                "selection: 1 run.nxs /entry/data/I 0, :10",
            )
        found.append(Part(pid=datasets[number], file=words[1], path=words[2], selection=selection))
        if len(found) > MOST_PARTS:
            raise Invalid(f"A package names {MOST_PARTS} parts at most.", field="parts")
    return tuple(found)


def faults(attributes: Mapping[str, Any], publication: Publication) -> tuple[Fault, ...]:
    """Return what is wrong with what DataCite would be told, the worst first."""
    found = [*_missing(attributes), *_poor(attributes, publication)]
    return tuple(sorted(found, key=lambda fault: not fault.is_fatal))


def _missing(attributes: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("creators", "titles", "publisher", "publicationYear", "types"):
        if not attributes.get(name):
            yield Fault(property=name, text="is missing, and DataCite demands it", is_fatal=True)


def _poor(attributes: Mapping[str, Any], publication: Publication) -> Iterator[Fault]:
    people = [agent for agent in publication.creators if agent.is_person]
    if not people:
        yield Fault(property="creators", text="names no person: the facility stands for them")
    without = [agent.name for agent in people if agent.orcid is None]
    if without:
        yield Fault(property="creators", text=f"lacks an ORCID of {', '.join(without[:5])}")
    if not publication.is_described:
        yield Fault(property="descriptions", text="has no abstract: a sentence was made up")
    if publication.licence is None:
        yield Fault(property="rightsList", text="names no licence: nobody knows what is allowed")
    if not publication.keywords:
        yield Fault(property="subjects", text="is empty: keywords help others to find it")
    if not any(item.relation == "IsSupplementTo" for item in publication.related):
        yield Fault(property="relatedIdentifiers", text="names no publication")


def _text(value: str, name: str, most: int) -> str:
    text = value.replace("\r\n", "\n").strip()
    if len(text) > most:
        raise Invalid(f"The {name} has {len(text):,} characters, at most {most:,}.", field=name)
    if not is_text(text):
        raise Invalid(f"The {name} holds characters that are none.", field=name)
    return text


def _licence(text: str) -> Licence:
    known = licence(text)
    if known is None or known.id not in LICENCES:
        raise Invalid(
            "The licence is none that a package may have.",
            field="licence",
            hint=f"Choose one of {', '.join(LICENCES)}.",
        )
    return known
