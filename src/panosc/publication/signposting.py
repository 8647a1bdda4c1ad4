"""Signposting: one list of links that lead machines from a page to all that belongs to it.

Level 1 is the list in a ``Link`` header (RFC 8288) and, the same, in the head of the page. It is
bounded: servers in front of a node take headers of a few kilobytes. Level 2 is the linkset (RFC
9264), which is whole. See https://signposting.org/FAIR/.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from panosc.publication.exporting import Export
from panosc.publication.exports.schema_org import type_of
from panosc.publication.record import Publication

JSON: Final = "application/linkset+json"
TEXT: Final = "application/linkset"
HDF5: Final = "application/x-hdf5"
HTML: Final = "text/html"
MOST: Final = 3000
"""Bytes of a ``Link`` header: with all others they fit into the 4096 that nginx takes unasked."""
MOST_AUTHORS: Final = 100
_LEFT_ALONE: Final = "%/:?#[]@!$&'()*+;=~"
"""Of an address. Not the comma: there are readers who part a header at every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link from a page; `href` and `profile` are addresses that no header can trip over."""

    rel: str
    href: str
    type: str | None = None
    profile: str | None = None

    @property
    def text(self) -> str:
        """As a header has it."""
        kind = f'; type="{self.type}"' if self.type else ""
        profile = f'; profile="{self.profile}"' if self.profile else ""
        return f'<{self.href}>; rel="{self.rel}"{kind}{profile}'


def links(publication: Publication, formats: Iterable[Export]) -> list[Link]:
    """Return the links of a page, the ones that matter most first."""
    it = publication
    found = [
        _link("cite-as", it.identifier) if it.doi else None,
        *(_link("type", f"https://schema.org/{name}") for name in (type_of(it), "AboutPage")),
        _link("license", it.licence.url) if it.licence and it.licence.url else None,
        *(_link("linkset", linkset_address(it), kind) for kind in (JSON, TEXT)),
    ]
    items = list(_items(it))
    found += items[:1]
    found += [_described(it, one) for one in formats]
    authors = [maker.orcid for maker in it.creators if maker.orcid]
    found += [_link("author", orcid) for orcid in authors[:MOST_AUTHORS]]
    found += [
        _link("collection", one.url, HTML) for one in it.related if one.relation == "IsPartOf"
    ]
    found += items[1:]
    return [link for link in found if link is not None]


def first(given: Iterable[Link]) -> list[Link]:
    """Return the links that fit into a header; all of them are in the linkset."""
    found: list[Link] = []
    left = MOST
    for link in given:
        left -= len(link.text) + 2
        if left < 0:
            break
        found.append(link)
    return found


def header(given: Iterable[Link]) -> str:
    """Return a ``Link`` header with the first links."""
    return ", ".join(link.text for link in first(given))


def linkset_address(publication: Publication) -> str:
    """Return where the linkset of a record is."""
    return f"{publication.url}/-/linkset"


def linkset(publication: Publication, given: Iterable[Link], *, anchors: Iterable[str]) -> Any:
    """Return all links as ``application/linkset+json``, to and from each of `anchors`."""
    return {
        "linkset": [
            {"anchor": anchor, **_by_relation(found)}
            for anchor, found in _contexts(publication, given, anchors).items()
        ]
    }


def linkset_text(publication: Publication, given: Iterable[Link], *, anchors: Iterable[str]) -> str:
    """Return all links as ``application/linkset``."""
    lines = [
        f'{link.text}; anchor="{anchor}"'
        for anchor, found in _contexts(publication, given, anchors).items()
        for link in found
    ]
    return ",\n".join(lines) + "\n"


def plain_address(address: str) -> str:
    """Return an address as a header can hold it: ASCII, without quotes, spaces and commas.

    Examples
    --------
    >>> plain_address("https://node.example/a, b\N{LATIN SMALL LETTER E WITH ACUTE}?x=<1>")
    'https://node.example/a%2C%20b%C3%A9?x=%3C1%3E'
    """
    return quote(address, safe=_LEFT_ALONE)


def _link(rel: str, href: str, kind: str | None = None, profile: str | None = None) -> Link:
    return Link(
        rel=rel,
        href=plain_address(href),
        type=kind,
        profile=plain_address(profile) if profile else None,
    )


def _described(publication: Publication, export: Export) -> Link:
    address = f"{publication.url}/-/export/{export.name}"
    kind = export.media_type.partition(";")[0].strip()
    return _link("describedby", address, kind, export.profile)


def _items(publication: Publication) -> Iterator[Link]:
    """Yield what the record consists of: files of a dataset, datasets of a document.

    Whoever may not see the files of what is embargoed sees one address, of all of it.
    """
    it = publication
    if it.model == "Document":
        yield from (_link("item", one.url, HTML) for one in it.related if one.relation == "HasPart")
    elif it.access == "withdrawn":
        return
    elif it.detail is None:
        yield _link("item", f"{it.url}/-/download", HDF5)
    else:
        yield from (_link("item", one.url, one.media_type) for one in it.detail.files)


def _contexts(
    publication: Publication, given: Iterable[Link], anchors: Iterable[str]
) -> Mapping[str, list[Link]]:
    """Return links by where they start: the page, and back to it from all that it leads to."""
    forth = [link for link in given if link.rel != "linkset"]
    found = {plain_address(anchor): forth for anchor in anchors}
    back = {"describedby": "describes", "item": "collection"}
    for link in forth:
        if link.rel in back:
            found[link.href] = [_link(back[link.rel], publication.url, HTML)]
    return found


def _by_relation(given: Iterable[Link]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for link in given:
        target: dict[str, Any] = {"href": link.href}
        target |= {"type": link.type} if link.type else {}
        target |= {"profile": link.profile} if link.profile else {}
        found.setdefault(link.rel, []).append(target)
    return found
