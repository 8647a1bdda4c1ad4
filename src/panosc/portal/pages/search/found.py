"""What was found, as the search page shows it: matched words are marked, and why is said.

All of it comes from the record as whoever asks may see it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from panosc.domain.query import Query, Word
from panosc.portal import facts
from panosc.portal.hits import Hit, asking, hits
from panosc.search.index import analysis
from panosc.search.panet import ontology
from panosc.search.service import Answer

Fits = Callable[[str], bool]

_PART = 4
"""Letters that a part of a word needs to be marked."""
_TOKEN = re.compile(r"\w+")
_SNIPPET = 180
_BEFORE = 60
_MOST_MARKS = 12
_LONGEST = 20_000
"""Letters of a description that are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One dataset that was found; `why` says for each word where it stands."""

    hit: Hit
    title: Markup
    snippet: Markup | None = None
    why: Sequence[tuple[str, str]] = ()


def asking_all(query: Query) -> Query:
    """Return the question with what `found` needs."""
    asked = asking(query)
    return replace(asked, fields=(asked.fields or frozenset()) | {"description"})


def found(answer: Answer | Iterable[Mapping[str, Any]], words: Sequence[Word]) -> list[Found]:
    """Return the datasets of an answer to `asking_all`, marked with the words searched for."""
    wanted = [word for word in words if word.occurs != "not" and word.kind != "elements"]
    looks = [(word.text, fits_of(word.text)) for word in wanted]
    items = answer.items if isinstance(answer, Answer) else answer
    return [_found(item, looks) for item in items]


def fits_of(text: str) -> Fits:
    """Return what tells whether a word of a record is one of those in `text`."""
    rows = [analysis.stems(text), *analysis.alternatives(text)]
    wanted = {stem for row in rows for stem in row if stem}
    parts = [part for part in map(str.casefold, _TOKEN.findall(text)) if len(part) >= _PART]

    @cache
    def fits(token: str) -> bool:
        # where no index answers, words are found as parts of others
        return not wanted.isdisjoint(analysis.stems(token)) or any(
            part in token.casefold() for part in parts
        )

    return fits


def marked(text: str, fits: Fits) -> Markup:
    """Return text with the words that fit between ``<mark>`` and ``</mark>``."""
    pieces: list[str] = []
    position = 0
    for token in _marks(text, fits):
        pieces.append(str(escape(text[position : token.start()])))
        pieces.append(f"<mark>{escape(token[0])}</mark>")
        position = token.end()
    pieces.append(str(escape(text[position:])))
    return Markup("".join(pieces))  # noqa: S704 - every piece is escaped


def snippet(text: str, fits: Fits) -> Markup | None:
    """Return the piece of text around the first word that fits, or None without one."""
    plain = " ".join(text[:_LONGEST].split())
    first = next(_marks(plain, fits), None)
    if first is None:
        return None
    start = _at_space(plain, first.start() - _BEFORE) if first.start() > _BEFORE else 0
    end = start + _SNIPPET
    if end < len(plain):
        end = max(plain.rfind(" ", start, end), first.end())
    shown = marked(plain[start:end], fits)
    return ("… " if start else "") + shown + (" …" if end < len(plain) else "")


def _found(item: Mapping[str, Any], looks: Sequence[tuple[str, Fits]]) -> Found:
    hit = hits([item])[0]
    if not looks:
        return Found(hit=hit, title=escape(hit.title))

    def fits(token: str) -> bool:
        return any(look(token) for _, look in looks)

    fields = _fields(item, hit)
    return Found(
        hit=hit,
        title=marked(hit.title, fits),
        snippet=snippet(item.get("description") or "", fits),
        why=[(text, _places(fields, look)) for text, look in looks],
    )


def _fields(item: Mapping[str, Any], hit: Hit) -> dict[str, str]:
    panet = ontology()
    techniques = [method.id for method in facts.methods(item)]
    names = [method.label for method in facts.methods(item)]
    for concept in map(panet.find, panet.ancestors(techniques)):
        names += concept.names if concept else ()
    instrument = item.get("instrument") or {}
    return {
        "title": hit.title,
        "abstract": (item.get("description") or "")[:_LONGEST],
        "technique": " ".join(names),
        "instrument": f"{instrument.get('name') or ''} {instrument.get('facility') or ''}",
        "people": " ".join(person.name for person in facts.makers(item)),
        "identifier": hit.pid,
    }


def _places(fields: Mapping[str, str], look: Fits) -> str:
    names = [name for name, text in fields.items() if next(_marks(text, look), None)]
    return ", ".join(names) or "the rest of the record, or spelled differently"


def _marks(text: str, fits: Fits) -> Iterator[re.Match[str]]:
    count = 0
    for token in _TOKEN.finditer(text):
        if fits(token[0]):
            yield token
            count += 1
            if count == _MOST_MARKS:
                return


def _at_space(text: str, place: int) -> int:
    following = text.find(" ", place)
    return place if following < 0 else following + 1
