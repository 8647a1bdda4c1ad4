"""How a record is cited, in the styles that people of the field are asked for.

One short function a style. The first is what DataCite recommends; the others follow APA (7th
edition), the Chicago manual (author and date), Vancouver (NLM) and AIP as far as data and
proposals need them: there are no pages, volumes or editors here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from panosc.publication.reading.describing import plain
from panosc.publication.record import Agent, Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A record as one style cites it, in parts, so that a page can set the title apart."""

    style: str
    """Its short name, such as ``apa``."""
    name: str
    """As people call the style."""
    before: str
    title: str
    after: str
    identifier: str
    """The address, which ends the citation in every style: no full stop sticks to it."""

    @property
    def text(self) -> str:
        """The whole in one line."""
        return f"{self.before}{self.title}{self.after} {self.identifier}"


def citations(publication: Publication) -> tuple[Citation, ...]:
    """Return a record as each style cites it, the recommended one first."""
    title = " ".join(publication.title.split()).rstrip(". ")
    found: list[Citation] = []
    for style, (name, write) in _STYLES.items():
        before, after = write(publication, title)
        found.append(
            Citation(
                style=style,
                name=name,
                before=before,
                title=title,
                after=after,
                identifier=publication.identifier,
            )
        )
    return tuple(found)


def citation(publication: Publication) -> str:
    """Return the citation that is recommended, in one line."""
    return citations(publication)[0].text


def _datacite(publication: Publication, title: str) -> tuple[str, str]:
    names = [agent.inverted for agent in publication.creators]
    who = "; ".join(_few(names, 20))
    before = f"{who} ({publication.year}): "
    return before, f"{_stop(title)} {_ended(publication.publisher.name)} ({_kind(publication)})."


def _apa(publication: Publication, title: str) -> tuple[str, str]:
    names = [_inverted(agent, _initials(agent, ".", " ")) for agent in publication.creators]
    if len(names) > 20:  # noqa: PLR2004 - as the manual has it
        who = f"{', '.join(names[:19])}, … {names[-1]}"
    else:
        who = _joined(names, last=", & ")
    kind = _kind(publication)
    after = f" [{'Data set' if kind == 'Dataset' else kind}]."
    if publication.publisher.name != who:
        after += f" {_ended(publication.publisher.name)}"
    return f"{_ended(who)} ({publication.year}). ", after


def _chicago(publication: Publication, title: str) -> tuple[str, str]:
    first, *others = publication.creators
    names = [first.inverted, *(_straight(agent) for agent in others)]
    who = (
        f"{', '.join(names[:7])}, et al."
        if len(names) > 10  # noqa: PLR2004 - as the manual has it
        else _joined(names, last=", and ")
    )
    after = f"{_stop(title)}” {_kind(publication)}. {_ended(publication.publisher.name)}"
    return f"{_ended(who)} {publication.year}. “", after


def _vancouver(publication: Publication, title: str) -> tuple[str, str]:
    names = [
        f"{agent.family} {_initials(agent, '', '')}" if _is_split(agent) else agent.name
        for agent in publication.creators
    ]
    who = _ended(", ".join(_few(names, 6)))
    kind = _kind(publication).lower()
    return (
        f"{who} ",
        f" [{kind}]. {publication.publisher.name}; {publication.year}. Available from:",
    )


def _aip(publication: Publication, title: str) -> tuple[str, str]:
    names = [
        f"{_initials(agent, '.', ' ')} {agent.family}" if _is_split(agent) else agent.name
        for agent in publication.creators
    ]
    is_cut = len(names) > 10  # noqa: PLR2004 - as the journals have it
    who = ", ".join(_few(names, 10)) if is_cut else _joined(names, last=", and ", two=" and ")
    comma = "" if title.endswith(("?", "!")) else ","
    place = f"{publication.publisher.name}, {_kind(publication)}."
    return f"{who} ({publication.year}). “", f"{comma}” {place}"


Style = Callable[[Publication, str], tuple[str, str]]
_STYLES: Final[dict[str, tuple[str, Style]]] = {
    "datacite": ("DataCite", _datacite),
    "apa": ("APA", _apa),
    "chicago": ("Chicago", _chicago),
    "vancouver": ("Vancouver", _vancouver),
    "aip": ("AIP", _aip),
}
"""Short name → name, and what writes what stands before and after the title."""


def _kind(publication: Publication) -> str:
    if publication.model == "Dataset":
        return "Dataset"
    return plain(publication.kind).capitalize() or "Document"


def _is_split(agent: Agent) -> bool:
    return bool(agent.family and agent.given)


def _inverted(agent: Agent, given: str) -> str:
    return f"{agent.family}, {given}" if _is_split(agent) else agent.name


def _straight(agent: Agent) -> str:
    return f"{agent.given} {agent.family}" if _is_split(agent) else agent.name


def _initials(agent: Agent, stop: str, space: str) -> str:
    """Return the initials of the given names; those with a hyphen keep it where there is a stop.

    >>> _initials(Agent(name="", given="Jean-Paul Émile"), ".", " ")
    'J.-P. É.'
    """
    words = [
        ("-" if stop else "").join(f"{part[0]}{stop}" for part in word.split("-") if part)
        for word in (agent.given or "").split()
    ]
    return space.join(word for word in words if word)


def _few(names: Sequence[str], most: int) -> list[str]:
    return [*names[:most], "et al."] if len(names) > most else list(names)


def _joined(names: Sequence[str], *, last: str, two: str | None = None) -> str:
    if len(names) < 2:  # noqa: PLR2004
        return "".join(names)
    between = two if two is not None and len(names) == 2 else last  # noqa: PLR2004
    return ", ".join(names[:-1]) + between + names[-1]


def _stop(title: str) -> str:
    """Return what ends a title as a sentence."""
    return "" if title.endswith(("?", "!")) else "."


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
