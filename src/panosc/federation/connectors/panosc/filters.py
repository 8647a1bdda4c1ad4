"""Which parts of a question a provider is asked, going by what its probe found.

What it ignores, refuses or answers wrongly is left out: a list that is too long can be filtered
here, one that is wrongly empty cannot be mended.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.query import (
    And,
    Clause,
    Compare,
    Include,
    Not,
    Or,
    Query,
    Related,
    Text,
    Word,
    all_of,
    any_of,
)
from panosc.federation.contract import Support
from panosc.federation.parts import WORDS, parts_of
from panosc.search.loopback.writing import write_standard

Features = Mapping[str, Support]
NEEDED: Mapping[str, Sequence[str]] = {
    "Dataset": ("instrument", "techniques", "samples", "parameters"),
    "Document": ("members",),
    "Instrument": (),
}
"""Relations that scores, filters and pages here look at."""
_RANGES = frozenset({"between", "gt", "gte", "lt", "lte"})
_MOST_PLAIN = 20
"""Words that are asked for one by one, where there is no ranked search."""


@dataclass(frozen=True, slots=True)
class Restricted:
    """What is asked, and what is not."""

    filter: dict[str, Any]
    unasked: frozenset[str]


def works(features: Features, name: str) -> bool:
    """Whether a feature may be relied on: nothing is known of any, or it was found to work."""
    if not features:
        return True
    found = features.get(name)
    return found is not None and found.state == "yes"


def restricted(query: Query, features: Features) -> Restricted:
    """Return the filter for a provider, of the standard's own means."""
    kept, unasked = list[Clause](), set[str]()
    for key, clause in parts_of(query).items():
        if _is_asked(clause, features):
            kept.append(clause)
        else:
            unasked.add(key)
    words = tuple(query.words)
    if words and not works(features, "query"):
        instead = _plain(words) if works(features, "text") else None
        if instead is None:
            unasked.add(WORDS)
        else:
            kept.append(instead)
            if any(word.occurs == "not" for word in words):
                unasked.add(WORDS)
        words = ()
    asked = replace(
        query,
        where=all_of(kept),
        words=words,
        includes=included(query, features),
        # of a list that is cut, the first are wanted: all pages would differ otherwise
        order=query.order if works(features, "order") else (),
        skip=0,
        fields=None,
        after=None,
    )
    return Restricted(_with_plain_values(write_standard(asked)), frozenset(unasked))


def _with_plain_values(written: Any) -> Any:
    """Return a filter that says what is equal as everybody does: not all know ``eq``."""
    if isinstance(written, dict):
        if written.keys() == {"eq"}:
            return written["eq"]
        return {name: _with_plain_values(value) for name, value in written.items()}
    return (
        [_with_plain_values(value) for value in written] if isinstance(written, list) else written
    )


def included(query: Query, features: Features) -> tuple[Include, ...]:
    """Return the includes to ask for: those wanted and those needed, as far as they work."""
    wanted = {item.relation: item for item in query.includes}
    for name in NEEDED[query.model]:
        wanted.setdefault(name, Include(relation=name, scope=_scope(query.model, name)))
    kept = []
    for name, item in wanted.items():
        if works(features, f"relation:{name}"):
            # a condition in an include would filter the list
            scope = replace(item.scope, where=And(()), order=(), limit=None, skip=0, fields=None)
            kept.append(replace(item, scope=scope))
    return tuple(kept)


@cache
def _scope(model: str, relation: str) -> Query:
    target = MODEL_BY_NAME[model].relation_by_name[relation].target
    names = ("person", "affiliation") if relation == "members" else ()
    member = MODEL_BY_NAME["Member"].relation_by_name
    return Query(
        model=target,
        includes=tuple(
            Include(relation=name, scope=Query(model=member[name].target)) for name in names
        ),
    )


def _is_asked(clause: Clause, features: Features) -> bool:
    """Whether a provider can be asked for a clause in the standard's words, and answers it."""
    match clause:
        case And() | Or():
            is_said = isinstance(clause, And) or _is_or_of_standard(clause)
            return is_said and all(_is_asked(item, features) for item in clause.clauses)
        case Compare():
            return works(features, f"where:{clause.property}")
        case Text():
            return works(features, "text")
        case Related(relation="parameters"):
            return _is_parameter(clause.clause, features)
        case Related():
            return works(features, f"include:{clause.relation}") and _is_plain(clause.clause)
        case Not():
            return False


def _is_or_of_standard(clause: Or) -> bool:
    """Whether no relation, or one alone, is in an ``or``."""
    related = {item.relation for item in clause.clauses if isinstance(item, Related)}
    return not related or (
        len(related) == 1 and all(isinstance(item, Related) for item in clause.clauses)
    )


def _is_plain(clause: Clause) -> bool:
    match clause:
        case And() | Or():
            return all(map(_is_plain, clause.clauses))
        case Compare():
            return True
        case _:
            return False


def _is_parameter(clause: Clause, features: Features) -> bool:
    """Whether a condition on parameters works: some take a name only together with a value."""
    if not _is_plain(clause):
        return False
    needed = set()
    for item in _compared(clause):
        if item.property == "unit":
            needed.add("units")
        if item.property == "value":
            is_range = item.operator in _RANGES - {"between"}
            needed.add(f"parameters:{'gte' if is_range else item.operator}")
    if not any(name.startswith("parameters:") for name in needed):
        needed.add("include:parameters")
    return all(works(features, name) for name in needed)


def _compared(clause: Clause) -> Iterator[Compare]:
    match clause:
        case And() | Or():
            for item in clause.clauses:
                yield from _compared(item)
        case Compare():
            yield clause


def _plain(words: tuple[Word, ...]) -> Clause | None:
    """Return words as pieces of text, for a provider that cannot rank; None if that cannot be."""
    if len(words) > _MOST_PLAIN or any(word.kind == "elements" for word in words):
        return None
    must = [Text(word.text) for word in words if word.occurs == "all"]
    may = [Text(word.text) for word in words if word.occurs == "any"]
    if must:
        return all_of(must)
    return any_of(may) if may else None
