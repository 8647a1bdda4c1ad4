"""A small graph of statements, and how it is written as Turtle and as JSON-LD.

As much of RDF as writing needs: named nodes, nested blank ones, typed literals. Nothing is read
or inferred here; the tests read with rdflib what this writes. Predicates, types and datatypes
are names of the code itself (``dct:title``); all else is escaped.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import orjson

PREFIXES: Final = {
    "adms": "http://www.w3.org/ns/adms#",
    "csmd": "http://www.purl.org/net/CSMD/4.0#",
    "datacite": "http://purl.org/datacite/v4.4/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "org": "http://www.w3.org/ns/org#",
    "prov": "http://www.w3.org/ns/prov#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "void": "http://rdfs.org/ns/void#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_NOT_IN_IRI = re.compile('[\x00-\x20<>"{}|\\\\^`\x7f-\x9f\ud800-\udfff]')
_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f\ud800-\udfff]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Iri:
    """The name of a thing, with what no IRI may hold percent-encoded."""

    value: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", iri(self.value))


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, or a value with its datatype, such as ``xsd:date``."""

    value: str
    datatype: str | None = None


@dataclass(slots=True, eq=False)
class Node:
    """A thing and what is said of it; without an `id` it is blank, and written where it is used."""

    id: str | None = None
    types: tuple[str, ...] = ()
    facts: "list[tuple[str, Value]]" = field(default_factory=list)

    def add(self, predicate: str, *values: "Value | str | None") -> "Node":
        """Say something; a `str` is a plain text, None is left out, and nothing is said twice."""
        for value in values:
            given = Literal(value) if isinstance(value, str) else value
            if given is not None and (predicate, given) not in self.facts:
                self.facts.append((predicate, given))
        return self


Value = Iri | Literal | Node


class Graph:
    """Named nodes in the order in which they were first named."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def node(self, name: str, *types: str) -> Node:
        """Return the node of a name; of one named before it is the same, with more types."""
        found = self.nodes.setdefault(iri(name), Node(id=iri(name)))
        found.types = tuple(dict.fromkeys([*found.types, *types]))
        return found


def iri(text: str) -> str:
    """Return a text as an IRI.

    Examples
    --------
    >>> iri("https://node.example/a b>")
    'https://node.example/a%20b%3E'
    """
    return _NOT_IN_IRI.sub(lambda found: quote(found[0], safe="", errors="replace"), text)


def turtle(nodes: Iterable[Node], *, has_prefixes: bool = True) -> Iterator[str]:
    """Yield a graph as Turtle, a node at a time."""
    if has_prefixes:
        yield "".join(f"@prefix {name}: <{value}> .\n" for name, value in PREFIXES.items())
    for node in nodes:
        if node.types or node.facts:
            yield f"\n<{node.id}> {_body(node, '  ')} .\n"


def _body(node: Node, indent: str) -> str:
    lines = [f"a {', '.join(node.types)}"] if node.types else []
    lines += [f"{predicate} {_value(value, indent)}" for predicate, value in node.facts]
    return f" ;\n{indent}".join(lines)


def _value(value: Value, indent: str) -> str:
    match value:
        case Iri():
            return f"<{value.value}>"
        case Node(id=None):
            return f"[ {_body(value, indent + '  ')} ]"
        case Node():
            return f"<{value.id}>"
        case _:
            text = _ESCAPED.sub(_escape, value.value)
            return f'"{text}"' + (f"^^{value.datatype}" if value.datatype else "")


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in _SHORT:
        return _SHORT[sign]
    # half a pair of UTF-16 is no character of any document
    return "\\uFFFD" if sign >= "\ud800" else f"\\u{ord(sign):04X}"


def json_ld(nodes: Iterable[Node]) -> bytes:
    """Return a graph as JSON-LD; its context is in it, so that no reader needs the network."""
    graph = [_object(node) for node in nodes if node.types or node.facts]
    return orjson.dumps({"@context": PREFIXES, "@graph": graph})


def _object(node: Node) -> dict[str, Any]:
    made: dict[str, Any] = {} if node.id is None else {"@id": node.id}
    if node.types:
        made["@type"] = list(node.types)
    for predicate, value in node.facts:
        made.setdefault(predicate, []).append(_json(value))
    return made


def _json(value: Value) -> Any:
    match value:
        case Iri():
            return {"@id": value.value}
        case Node(id=None):
            return _object(value)
        case Node():
            return {"@id": value.id}
        case _:
            text = value.value.encode("utf-8", "replace").decode()
            return {"@value": text} | ({"@type": value.datatype} if value.datatype else {})
