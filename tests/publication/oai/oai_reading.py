"""A strict reader of OAI-PMH 2.0, written from the protocol: what breaks a rule fails the test."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from lxml import etree

OAI = "{http://www.openarchives.org/OAI/2.0/}"
_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SPEC = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(?::[A-Za-z0-9\-_.!~*'()]+)*")
_URI = re.compile(
    r"oai:[a-zA-Z][\w-]*(?:\.[a-zA-Z][\w-]*)+:(?:[\w\-.!~*'();/:@&=+$,?]|%[0-9A-F]{2})+"
)
CODES = {
    "badArgument",
    "badResumptionToken",
    "badVerb",
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "noRecordsMatch",
}
NAMESPACES = {
    "oai_dc": "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc",
    "oai_datacite": "{http://schema.datacite.org/oai/oai-1.1/}oai_datacite",
    "datacite": "{http://datacite.org/schema/kernel-4}resource",
}
Element = etree._Element  # lxml has no public name for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A header, with its metadata where there are any."""

    identifier: str
    datestamp: datetime
    sets: tuple[str, ...]
    is_deleted: bool
    metadata: Element | None = None


@dataclass(slots=True, kw_only=True)
class Page:
    """One answer."""

    answered: datetime
    asked: dict[str, str]
    error: str | None = None
    items: list[Item] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    token: str | None = None
    size: int | None = None
    cursor: int | None = None
    body: Element | None = None


def read(content: bytes) -> Page:
    """Return an answer, all of whose rules were looked at."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(content, parser)
    assert content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert root.tag == f"{OAI}OAI-PMH"
    assert root.get(_LOCATION) == (
        "http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
    )
    answered, request, *bodies = root
    assert (answered.tag, request.tag) == (f"{OAI}responseDate", f"{OAI}request")
    assert request.text is not None
    assert request.text.endswith("/oai")
    page = Page(answered=moment(answered.text), asked=dict(request.attrib))
    (body,) = bodies
    page.body = body
    if body.tag == f"{OAI}error":
        page.error = body.get("code")
        assert page.error in CODES
        assert body.text
        assert (page.error in {"badVerb", "badArgument"}) == (not page.asked)
        return page
    verb = page.asked["verb"]
    assert body.tag == OAI + verb
    if verb in {"GetRecord", "ListRecords", "ListIdentifiers"}:
        _list(page, body, verb)
    else:
        page.fields = [(child.tag.removeprefix(OAI), child.text or "") for child in body.iter()]
    return page


def moment(text: str | None) -> datetime:
    assert text is not None
    assert _SECOND.fullmatch(text), text
    return datetime.fromisoformat(text).astimezone(UTC)


def _list(page: Page, body: Element, verb: str) -> None:
    tag = "header" if verb == "ListIdentifiers" else "record"
    children = list(body)
    if children[-1].tag == f"{OAI}resumptionToken":
        last = children.pop()
        assert verb != "GetRecord"
        page.token = last.text
        page.size, page.cursor = int(last.get("completeListSize", "")), int(last.get("cursor", ""))
        assert page.size >= 1
        assert page.cursor >= 0
        if page.token is not None:
            assert moment(last.get("expirationDate")) > page.answered
    assert children, "a list must not be empty"
    assert {child.tag for child in children} == {OAI + tag}
    prefix = page.asked.get("metadataPrefix")
    for child in children:
        page.items.append(_header(child) if tag == "header" else _record(child, prefix))


def _record(record: Element, prefix: str | None) -> Item:
    parts = [child.tag.removeprefix(OAI) for child in record]
    item = _header(record[0])
    assert parts == (["header"] if item.is_deleted else ["header", "metadata"]), parts
    if item.is_deleted:
        return item
    (metadata,) = record[1]
    if prefix is not None:
        assert metadata.tag == NAMESPACES[prefix]
    else:
        assert metadata.tag in NAMESPACES.values()
    assert metadata.get(_LOCATION)
    return Item(
        identifier=item.identifier,
        datestamp=item.datestamp,
        sets=item.sets,
        is_deleted=False,
        metadata=metadata,
    )


def _header(header: Element) -> Item:
    names = [child.tag.removeprefix(OAI) for child in header]
    assert names[:2] == ["identifier", "datestamp"]
    assert set(names[2:]) <= {"setSpec"}
    assert header.get("status") in {None, "deleted"}
    sets = tuple(child.text or "" for child in header[2:])
    assert all(_SPEC.fullmatch(name) for name in sets), sets
    identifier = header[0].text or ""
    assert _URI.fullmatch(identifier), identifier
    return Item(
        identifier=identifier,
        datestamp=moment(header[1].text),
        sets=sets,
        is_deleted=header.get("status") == "deleted",
    )


def pairs(query: str) -> list[tuple[str, str]]:
    """Return the arguments of an address."""
    return parse_qsl(query, keep_blank_values=True)


def texts(element: Element | None) -> Iterator[str]:
    """Yield everything that an answer says."""
    assert element is not None
    for one in element.iter():
        yield from (one.text or "", *map(str, one.attrib.values()))
