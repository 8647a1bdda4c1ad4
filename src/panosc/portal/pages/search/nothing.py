"""When nothing was found: what dropping one filter or word would give, and what was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from panosc.domain.access import Who
from panosc.portal.pages.search.filters import told
from panosc.portal.pages.search.place import Place
from panosc.search.counts.facets import Facet
from panosc.search.language.words import read_words, write_words
from panosc.search.service import SearchService


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """What to leave out, where that leads, and how many datasets there would be."""

    text: str
    path: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Words close to those asked for that find something."""

    words: str
    path: str


def ways_out(
    search: SearchService, who: Who, place: Place, facets: Mapping[str, Sequence[Facet]]
) -> list[WayOut]:
    """Return what to drop, the most rewarding first."""
    found = []
    for key, value, count in search.dropping(who, place.selection):
        if not count:
            continue
        if key == "q":
            rest = without_word(place.selection.words, value)
            path = place.asking(replace(place.selection, words=rest)).path
            found.append(WayOut(text=value, path=path, count=count))
        else:
            text = told((key, value), place.selection, facets)
            found.append(WayOut(text=text, path=place.without((key, value)), count=count))
    return sorted(found, key=lambda way: -way.count)


def meant(search: SearchService, who: Who, place: Place) -> Meant | None:
    """Return what may have been meant, if it finds something."""
    words = search.nearest(who, place.selection) if place.selection.words else None
    if not words or words == place.selection.words:
        return None
    return Meant(words=words, path=place.asking(replace(place.selection, words=words)).path)


def without_word(words: str, word: str) -> str:
    """Return the words of the box without one of them, a phrase being one.

    Examples
    --------
    >>> without_word('lysozyme "small angle"', '"small angle"'), without_word("a b", "a")
    ('lysozyme', 'b')
    """
    read = read_words(words, plain="all")
    return write_words(
        [item for item in read if write_words([item], plain="all") != word], plain="all"
    )
