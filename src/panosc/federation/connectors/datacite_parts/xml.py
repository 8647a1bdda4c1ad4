"""XML of strangers: without entities, declarations and network, of bounded size and depth."""

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

MOST_TAGS: Final = 1_000_000
"""Signs that begin a tag; a tree takes a hundred bytes and more for each."""
Element = etree._Element  # noqa: SLF001 - lxml has no public name for what all its functions return


class NoXml(Exception):
    """It cannot be read; the text says why."""


def parsed(content: bytes) -> Element:
    """Return the root of a document.

    Raises
    ------
    NoXml
    """
    if content.count(b"<") > MOST_TAGS:
        raise NoXml(f"it has more than {MOST_TAGS} tags")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NoXml(f"it is no XML: {str(error)[:200]}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise NoXml("it has a document type declaration")
    return root


def local(element: Element) -> str:
    """Return the name of an element, whatever its namespace; "" for what is none."""
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the children of some name, in whatever namespace."""
    return (child for child in element if local(child) == name)


def child(element: Element, name: str) -> Element | None:
    """Return the first child of some name."""
    return next(children(element, name), None)


def text(element: Element | None) -> str:
    """Return what stands in an element, without space at its ends."""
    return "" if element is None else "".join(map(str, element.itertext())).strip()


def attributes(element: Element) -> dict[str, Any]:
    """Return the attributes by their names without namespace."""
    return {etree.QName(str(name)).localname: str(value) for name, value in element.items()}
