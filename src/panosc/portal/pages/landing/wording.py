"""How landing pages put relations between works, in the words of people."""

import re
from collections.abc import Iterable
from typing import Final

from panosc.publication.record import Related, Relation

RELATIONS: Final[dict[Relation, str]] = {
    "IsPartOf": "Part of",
    "HasPart": "Holds",
    "IsNewVersionOf": "New version of",
    "IsPreviousVersionOf": "Older version of",
    "IsVersionOf": "Version of",
    "HasVersion": "Has the version",
    "IsDerivedFrom": "Made from",
    "IsSourceOf": "Used to make",
    "IsSupplementTo": "Data of",
    "IsSupplementedBy": "Supplemented by",
    "IsCitedBy": "Cited by",
    "Cites": "Cites",
    "IsReferencedBy": "Referred to by",
    "References": "Refers to",
    "IsDocumentedBy": "Documented by",
    "Documents": "Documents",
    "IsCollectedBy": "Collected with",
    "Collects": "Collected",
    "IsCompiledBy": "Computed with",
    "Compiles": "Computed",
    "IsDescribedBy": "Described by",
    "Describes": "Describes",
    "IsIdenticalTo": "The same as",
}
PROVENANCE: Final[tuple[Relation, ...]] = (
    "IsPreviousVersionOf",
    "IsNewVersionOf",
    "IsVersionOf",
    "HasVersion",
    "IsDerivedFrom",
    "IsSourceOf",
    "IsCompiledBy",
)
"""Relations that say where data come from and what became of them."""
MOST: Final = 25
"""Works of one relation on a page; exports have more."""
Group = tuple[str, list[tuple[Related, str | None]]]
"""A relation, and works with what they are, where that is worth saying."""
_INNER = re.compile(r"(?<=[a-z])(?=[A-Z])")


def grouped(related: Iterable[Related]) -> tuple[list[Group], list[Group]]:
    """Return works by relation in words: those of the provenance, and all others."""
    found: dict[Relation, list[Related]] = {}
    for item in related:
        found.setdefault(item.relation, []).append(item)
    others = (relation for relation in RELATIONS if relation not in PROVENANCE)
    first, second = (
        [
            (RELATIONS[name], [(item, _noun(item)) for item in found[name][:MOST]])
            for name in names
            if name in found
        ]
        for names in (PROVENANCE, others)
    )
    return first, second


def _noun(item: Related) -> str | None:
    """Return what a work is, of what is no dataset: ``JournalArticle`` is a journal article."""
    if not item.general or item.general == "Dataset":
        return None
    return _INNER.sub(" ", item.general).capitalize()
