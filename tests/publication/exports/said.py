"""What a format says of a record, in one spelling, so that formats can be compared."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import rdflib
from pybtex.database import BibliographyData, parse_string

from panosc.publication.record import Publication

UNSAID: Any = object()
"""What a format has no words for."""
COAR = "http://purl.org/coar/access_right/"


@lru_cache(maxsize=4)
def graph_of(content: bytes, form: str) -> rdflib.Graph:
    """Return an export as triples; judging and reading take the same."""
    return rdflib.Graph().parse(data=content, format=form)


@lru_cache(maxsize=4)
def library_of(content: bytes) -> BibliographyData:
    """Return the entries of BibTeX."""
    return parse_string(content.decode(), "bibtex")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a format says, in one spelling: spaces as one, names inverted, works by address."""

    identifier: str = UNSAID
    title: str = UNSAID
    creators: tuple[str, ...] | frozenset[str] = UNSAID
    """Names as ``Family, Given``; a set where a format keeps no order."""
    contributors: tuple[str, ...] | frozenset[str] = UNSAID
    publisher: str = UNSAID
    year: int = UNSAID
    issued: str = UNSAID
    collected: str | None = UNSAID
    available: str | None = UNSAID
    """When the data can be had, by formats that tell it."""
    changed: str = UNSAID
    licence: str | None = UNSAID
    """Its address, else its name."""
    licence_name: str | None = UNSAID
    access: str = UNSAID
    """The address that COAR has for it."""
    relations: frozenset[str] = UNSAID
    """Addresses of related works."""
    related: frozenset[tuple[str, str]] = UNSAID
    """Relation in DataCite's words, and address."""


def one(text: str) -> str:
    """Return a text with each space as one."""
    return " ".join(text.split())


def expected(publication: Publication) -> Said:
    """Return what every format has to say of a record."""
    dates = dict(publication.dates)
    licence = publication.licence
    return Said(
        identifier=publication.identifier,
        title=one(publication.title),
        creators=tuple(one(agent.inverted) for agent in publication.creators),
        contributors=tuple(one(agent.inverted) for agent in publication.contributors),
        publisher=one(publication.publisher.name),
        year=publication.year,
        issued=dates["Issued"],
        collected=dates.get("Collected"),
        available=dates.get("Available"),
        changed=dates["Updated"],
        licence=licence and one(licence.url or licence.name),
        licence_name=licence and one(licence.name),
        access=publication.rights[0],
        relations=frozenset(item.address for item in publication.related),
        related=frozenset((item.relation, item.address) for item in publication.related),
    )


def differences(said: Said, wanted: Said) -> dict[str, tuple[Any, Any]]:
    """Return what is said otherwise than it should be, by field."""
    found = {}
    for field in fields(Said):
        told, right = getattr(said, field.name), getattr(wanted, field.name)
        if isinstance(told, frozenset) and isinstance(right, tuple):
            right = frozenset(right)
        if told is not UNSAID and told != right:
            found[field.name] = (told, right)
    return found


def rights(pairs: Iterable[tuple[str | None, str]]) -> tuple[str | None, str]:
    """Return licence and access among the rights: pairs of address and text."""
    told = list(pairs)
    (access,) = [address for address, _ in told if address and address.startswith(COAR)]
    licences = [
        address or text
        for address, text in told
        if not (address or "").startswith((COAR, "info:eu-repo/semantics/"))
    ]
    assert len(licences) < 2
    return (one(licences[0]) if licences else None), access
