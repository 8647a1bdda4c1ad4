"""Answers of OAI-PMH providers, read from XML; and whether a list of them goes round in circles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from panosc.federation.connectors.datacite_parts import xml
from panosc.federation.connectors.datacite_parts.xml import Element, NoXml

LARGEST_RECORD: Final = 1 << 20
LONGEST_TOKEN: Final = 8192
_MOST_RECORDS: Final = 20_000_000
_MOST_EMPTY: Final = 20
_NUMBER: Final = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A header, with its metadata where there are any."""

    identifier: str
    datestamp: str
    is_deleted: bool
    metadata: str | None = None
    """XML, the same for the same content however it was written."""
    problem: str | None = None
    """Why there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    answered: str
    """When, as the provider says; "" if it does not."""
    error: str | None = None
    """Code of the protocol."""
    message: str = ""
    items: tuple[Item, ...] = ()
    token: str | None = None
    """With which to go on; None at the end."""
    has_token: bool = False
    """Whether there was an element for it, be it empty: that list knows its end."""
    size: int | None = None
    fields: dict[str, list[str]] = field(default_factory=dict)
    """Plain elements of Identify; prefix → namespace of ListMetadataFormats."""


def read(content: bytes) -> Page:
    """Return an answer.

    Raises
    ------
    NoXml
        If it is none of this protocol.
    """
    root = xml.parsed(content)
    if xml.local(root) != "OAI-PMH":
        raise NoXml(f"it begins with <{xml.local(root)[:60]}>, which is no answer of OAI-PMH")
    answered = xml.text(xml.child(root, "responseDate"))[:40]
    errors = list(xml.children(root, "error"))
    if errors:
        codes = [str(item.get("code", "?"))[:60] for item in errors]
        return Page(answered=answered, error=codes[0], message=xml.text(errors[0])[:200])
    body = next((item for item in root if xml.local(item) in _VERBS), None)
    if body is None:
        raise NoXml("it holds no answer to what was asked")
    token = xml.child(body, "resumptionToken")
    size = None if token is None else str(token.get("completeListSize", ""))
    said = xml.text(token)
    if len(said) > LONGEST_TOKEN:
        raise NoXml(f"its resumption token has {len(said)} characters")
    return Page(
        answered=answered,
        items=tuple(_items(body)),
        token=said or None,
        has_token=token is not None,
        size=int(size) if size and _NUMBER.fullmatch(size) else None,
        fields=_fields(body),
    )


_VERBS: Final = frozenset(
    {"Identify", "ListMetadataFormats", "ListIdentifiers", "ListRecords", "GetRecord"}
)


def _items(body: Element) -> Iterator[Item]:
    for element in body:
        name = xml.local(element)
        header = xml.child(element, "header") if name == "record" else element
        if name not in {"record", "header"} or header is None:
            continue
        identifier = xml.text(xml.child(header, "identifier"))
        if not 0 < len(identifier) <= 1000:  # noqa: PLR2004 - nothing can be told of what has no name
            continue
        is_deleted = header.get("status") == "deleted"
        metadata = xml.child(element, "metadata") if name == "record" else None
        text, problem = (None, None) if is_deleted or name == "header" else _written(metadata)
        yield Item(
            identifier=identifier,
            datestamp=xml.text(xml.child(header, "datestamp"))[:40],
            is_deleted=is_deleted,
            metadata=text,
            problem=problem,
        )


def _written(metadata: Element | None) -> tuple[str | None, str | None]:
    if metadata is None:
        return None, "It came without metadata."
    text = etree.tostring(metadata, method="c14n", exclusive=True, with_comments=False).decode()
    if len(text) > LARGEST_RECORD:
        return None, f"Its metadata are larger than {LARGEST_RECORD} characters."
    return text, None


def _fields(body: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in body:
        name = xml.local(element)
        if name == "metadataFormat":
            prefix = xml.text(xml.child(element, "metadataPrefix"))[:100]
            space = xml.text(xml.child(element, "metadataNamespace"))[:300]
            found.setdefault(prefix, []).append(space)
        elif len(element) == 0 and name not in {"record", "header", "resumptionToken"}:
            found.setdefault(name, []).append(xml.text(element)[:1000])
    return found


class Rounds:
    """Notices a list without an end: its pages come again, or bring nothing for long."""

    def __init__(self) -> None:
        self.records = 0
        self._pages: set[int] = set()
        self._empty = 0

    def problem(self, page: Page) -> str | None:
        """Take a page of a list that goes on; return what is wrong with it."""
        self.records += len(page.items)
        if page.token is None:
            return None
        if self.records > _MOST_RECORDS:
            return f"it lists more than {_MOST_RECORDS} records"
        if not page.items:
            self._empty += 1
            return "it sends empty pages without an end" if self._empty > _MOST_EMPTY else None
        self._empty = 0
        names = hash(tuple(item.identifier for item in page.items))
        if names in self._pages:
            return "its list goes round in circles: the same page came twice"
        self._pages.add(names)
        return None
