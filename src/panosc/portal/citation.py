"""How a record is cited: creators (year). Title. Publisher. Identifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from panosc.portal.facts import Maker
from panosc.portal.words import doi_address

_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The parts of a citation, so that a page can set the title apart."""

    authors: str
    year: str | None
    title: str
    kind: str
    publisher: str
    identifier: str

    @property
    def text(self) -> str:
        """The whole in one line, as DataCite recommends it."""
        year = self.year or "n.d."
        parts = [f"{self.authors} ({year})", f"{self.title} [{self.kind}]"]
        if self.publisher != self.authors:
            parts.append(self.publisher)
        return ". ".join(parts) + f". {self.identifier}"


def cite(
    *, people: Sequence[Maker], year: str | None, title: str, publisher: str, pid: str, kind: str
) -> Citation:
    """Return the citation of a record; without people the publisher stands for them.

    Examples
    --------
    >>> ada = Maker(name="Ada Lovelace", given="Ada", family="Lovelace")
    >>> cite(people=[ada], year="2021", title="Silver behenate", publisher="ESS",
    ...      pid="10.5072/x1", kind="Dataset").text
    'Lovelace, A. (2021). Silver behenate [Dataset]. ESS. https://doi.org/10.5072/x1'
    """
    names = [_inverted(person) for person in people]
    if len(names) > _MOST:
        names = [*names[: _MOST - 1], "…", names[-1]]
    return Citation(
        authors=_joined(names) or publisher,
        year=year,
        title=title.rstrip(". "),
        kind=kind,
        publisher=publisher,
        identifier=doi_address(pid) or pid,
    )


def _inverted(person: Maker) -> str:
    """Return family name and initials where both are known, the name as written otherwise."""
    if not person.family:
        return person.name
    initials = " ".join(f"{part[0]}." for part in (person.given or "").split())
    return f"{person.family}, {initials}" if initials else person.family


def _joined(names: Sequence[str]) -> str:
    if len(names) < 2:  # noqa: PLR2004
        return "".join(names)
    return ", ".join(names[:-1]) + (" " if names[-2] == "…" else ", & ") + names[-1]
