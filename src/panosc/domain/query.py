"""One question to a catalogue, as a tree: what URL, search box and PaNOSC filter spell.

The tree is plain data and has been checked: every property and relation in it exists in
`domain.entities`. Parsing a spelling is `search.loopback` and `search.language`; answering is
`search.sql` and `search.index`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Operator = Literal[
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "between",
    "inq",
    "nin",
    "like",
    "nlike",
    "ilike",
    "nilike",
    "regexp",
]
Value = str | int | float | bool | datetime | None

NEGATIVE: dict[Operator, Operator] = {
    "neq": "eq",
    "nin": "inq",
    "nlike": "like",
    "nilike": "ilike",
}
"""Operators that deny, and what they deny."""


@dataclass(frozen=True, slots=True)
class And:
    """Every clause holds; none at all: true."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One clause holds; none at all: false."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`operator` between a property and its operands: two for between, any for inq and nin."""

    property: str
    operator: Operator
    operands: tuple[Value, ...]
    flags: str = ""
    """Of a regular expression: ``i`` ignores case."""


@dataclass(frozen=True, slots=True)
class Text:
    """A literal piece of text in any searchable property, whatever its case."""

    words: str


@dataclass(frozen=True, slots=True)
class Not:
    """The clause does not hold."""

    clause: "Clause"


@dataclass(frozen=True, slots=True)
class Related:
    """At least one record over `relation` fulfils `clause`.

    Over ``techniques`` the clause speaks of the dataset, not of one tag: ``and`` may be
    met by two tags, and a denial means that no tag fits.
    """

    relation: str
    clause: "Clause"


Clause = And | Or | Not | Compare | Text | Related


def all_of(clauses: Iterable[Clause]) -> Clause:
    """Return the clauses as one that holds if all do; as few levels as possible."""
    flat: list[Clause] = []
    for clause in clauses:
        flat += clause.clauses if isinstance(clause, And) else (clause,)
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(clauses: Iterable[Clause]) -> Clause:
    """Return the clauses as one that holds if any does."""
    found = tuple(clauses)
    return found[0] if len(found) == 1 else Or(found)


Occurs = Literal["any", "all", "not"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing that ranked search looks for, in all the text of a record.

    Of those that are ``any`` one has to be there (if there is none that is ``all``), each that is
    ``all``, and none that is ``not``.
    """

    text: str
    kind: Literal["word", "phrase", "elements"] = "word"
    """`elements`: symbols of chemical elements, separated by commas, that its formulas hold."""
    occurs: Occurs = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Sort by one property."""

    property: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Related records to return with each answer; with a condition also a filter on it."""

    relation: str
    scope: "Query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to the class `model`."""

    model: str
    where: Clause = And(())
    includes: Sequence[Include] = ()
    order: Sequence[Order] = ()
    limit: int | None = None
    skip: int = 0
    fields: frozenset[str] | None = None
    """Properties to return; None: all of the standard."""
    words: tuple[Word, ...] = ()
    """Ranked search: the PaNOSC ``query``, the words of the search box."""
    after: str | None = None
    """Key of a record: the answer begins behind it, and `skip` is 0. Only in an order by
    properties; which records fit, and how many, does not depend on it."""
