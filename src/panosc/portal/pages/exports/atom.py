"""Records as an Atom feed (RFC 4287), in pages (RFC 5005): a search to be subscribed to.

A feed tells of the newest that fit. An entry keeps its id wherever it is read, and is updated
when it is released, never when something hidden of it changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from panosc.portal.pages.exports.records import Record
from panosc.portal.words import clean

SPACE = "http://www.w3.org/2005/Atom"
_NEVER = "1970-01-01T00:00:00.000Z"
_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One page of a feed."""

    title: str
    author: str
    page: str
    """Address of the search page with the same question."""
    self: str
    first: str
    next: str | None
    previous: str | None


def document(feed: Feed, records: Sequence[Record], *, now: datetime) -> bytes:
    """Return the feed as XML."""
    root = ET.Element("feed", {"xmlns": SPACE})
    stamps = [updated(record, now) for record in records]
    _add(root, "id", feed.page)
    _add(root, "title", feed.title)
    _add(root, "updated", max(stamps, default=_NEVER))
    _add(ET.SubElement(root, "author"), "name", feed.author)
    links = {"self": feed.self, "first": feed.first, "next": feed.next, "previous": feed.previous}
    for rel, target in links.items():
        if target is not None:
            kind = {"rel": rel, "type": "application/atom+xml", "href": target}
            ET.SubElement(root, "link", kind)
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": feed.page})
    for record, stamp in zip(records, stamps, strict=True):
        _entry(root, record, stamp)
    return (
        b"<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode").encode()
    )


def _entry(root: ET.Element, record: Record, stamp: str) -> None:
    entry = ET.SubElement(root, "entry")
    _add(entry, "id", identifier(record))
    _add(entry, "title", record.title)
    _add(entry, "updated", stamp)
    if stamp != _NEVER:
        _add(entry, "published", stamp)
    for person in record.people:
        _add(ET.SubElement(entry, "author"), "name", person.name)
    if not record.people:
        _add(ET.SubElement(entry, "author"), "name", record.facility)
    target = {"rel": "alternate", "type": "text/html", "href": record.url}
    ET.SubElement(entry, "link", target)
    for method in record.techniques:
        ET.SubElement(entry, "category", {"term": clean(method.id), "label": clean(method.label)})
    _add(entry, "summary", summary(record))
    if record.licence:
        _add(entry, "rights", record.licence)


def identifier(record: Record) -> str:
    """Return the id of an entry: its DOI, otherwise one made from its PID alone."""
    return record.doi or f"urn:uuid:{uuid5(NAMESPACE_URL, f'pid:{record.pid}')}"


def updated(record: Record, now: datetime) -> str:
    """Return when a record last changed for its readers: released, otherwise measured."""
    times = [time for time in (record.released, record.measured) if time]
    past = [time for time in times if datetime.fromisoformat(time) <= now]
    return max(past, default=_NEVER)


def summary(record: Record) -> str:
    """Return a record in a few lines."""
    about = [record.instrument, record.facility, (record.measured or "")[:10] or None]
    line = ", ".join(part for part in about if part)
    state = f" Under embargo until {record.until[:10]}." if record.until else ""
    abstract = " ".join((record.abstract or "").split())
    if len(abstract) > _LONGEST:
        abstract = abstract[: _LONGEST - 1] + "…"
    return f"{line}.{state} {abstract}".strip()


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = clean(text)
