"""What ``fullquery`` of SciCat can be asked for: the parts of a question in its dialect.

Conditions on properties go into ``mode``, as Mongo spells them; those on parameters are its
``scientific`` conditions, which convert units. What has no exact spelling is not asked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from panosc.domain.query import And, Clause, Compare, Operator, Query, Related, Text, Value, Word
from panosc.federation.connectors.scicat_parts.quantities import SIGNS, Condition, quantity_of
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.search.panet import lineage, ontology, short

Instruments = Callable[[Clause], list[str] | None]
"""PIDs, as SciCat has them, of the instruments that fit; None if they cannot be found."""
_FIELDS = {"title": "datasetName", "description": "description", "license": "license"}
_TIMES = {"creationDate": "creationTime", "endDate": "endTime"}
_WILD = re.compile(r"(?<!\\)[%_]")
_OUT = re.compile(r'["\\]')


@dataclass(slots=True)
class Asked:
    """A question as SciCat takes it."""

    fields: Condition
    unasked: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    """Parameters whose units SciCat rewrites in its answer."""


def asked_of(query: Query, names: Names, instruments: Instruments) -> Asked:
    """Return the question about datasets, and what of it was left out."""
    found = Asked({"isPublished": True})
    mode: list[tuple[str, Condition]] = []
    scientific: list[Condition] = []
    for key, clause in parts_of(query).items():
        quantity = quantity_of(clause)
        if quantity is not None and (not quantity.is_whole or quantity.is_nested):
            found.unasked.add(key)
        condition: Condition | None = None
        if quantity is not None and quantity.is_nested:
            condition = quantity.nested()
        elif quantity is not None and quantity.name not in {one["lhs"] for one in scientific}:
            scientific.append(quantity.scientific())
            continue
        else:
            condition = _condition(clause, names, instruments)
        if condition is None:
            found.unasked.add(key)
        else:
            mode.append((key, condition))
    words = _words(query.words)
    if words:
        found.fields["text"] = words
    elif query.words:
        found.unasked.add(WORDS)
    if scientific:
        found.fields["scientific"] = scientific
        found.paths = {one["lhs"] for one in scientific if one.get("unit")}
    # ``scientific`` makes an ``$and`` of its own of two without units, which replaces any other
    has_and = sum(not one["unit"] for one in scientific) > 1
    found.fields |= _mode(mode, found.unasked, has_and=has_and)
    return found


def _mode(
    conditions: list[tuple[str, Condition]], unasked: set[str], *, has_and: bool
) -> Condition:
    """Return the field ``mode``; a second condition on a property goes into its ``$and``."""
    flat: Condition = {}
    more: list[Condition] = []
    for key, condition in conditions:
        if not any(name[0] == "$" for name in condition) and not flat.keys() & condition.keys():
            flat |= condition
        elif has_and:
            unasked.add(key)
        else:
            more.append(condition)
    whole = flat | ({"$and": more} if more else {})
    return {"mode": whole} if whole else {}


def _words(words: tuple[Word, ...]) -> str:
    """Return words as Mongo's ``$search``; empty if it cannot say them."""
    if any(word.kind == "elements" for word in words):
        return ""
    plain = [(word, " ".join(_OUT.sub(" ", word.text).split()).lstrip("-")) for word in words]
    wanted = [word for word, said in plain if said and word.occurs != "not"]
    if not wanted:
        return ""
    is_alone = len(wanted) == 1
    parts = []
    for word, said in plain:
        is_quoted = word.kind == "phrase" or (word.occurs == "all" and not is_alone)
        if not said:
            continue
        if word.occurs == "not":
            parts.append(f'-"{said}"' if word.kind == "phrase" else f"-{said}")
        elif is_quoted and (word.occurs == "all" or is_alone):
            parts.append(f'"{said}"')
        else:
            parts.append(said)
    return " ".join(parts)


def _condition(clause: Clause, names: Names, instruments: Instruments) -> Condition | None:
    """Return what a clause is in Mongo's spelling; None if it has none there."""
    match clause:
        case And():
            inner = [_condition(one, names, instruments) for one in clause.clauses]
            return {"$and": inner} if inner and None not in inner else None
        case Text():
            return _pattern("datasetName", clause.words, "i")
        case Compare():
            return _compare(clause, names)
        case Related(relation="techniques", clause=Compare() as inner):
            return _technique(inner)
        case Related(relation="instrument"):
            found = instruments(clause.clause)
            return None if found is None else {"instrumentIds": {"$in": found}}
        case _:
            return None


def _compare(clause: Compare, names: Names) -> Condition | None:
    operator, operands = clause.operator, clause.operands
    match clause.property:
        case "isPublic" if operator == "eq":
            # only what is public is asked for
            return {} if operands == (True,) else {"pid": {"$in": []}}
        case "pid" if operator in {"eq", "inq"}:
            theirs = [spelled for one in operands for spelled in _theirs(str(one), names)]
            return {"pid": {"$in": theirs}}
        case "creationDate" | "endDate":
            return _time(_TIMES[clause.property], operator, operands)
        case "size":
            return _ordered("size", operator, operands)
        case "title" | "description" | "license":
            return _textual(_FIELDS[clause.property], operator, operands)
    return None


def _textual(name: str, operator: Operator, operands: tuple[Value, ...]) -> Condition | None:
    texts = [one for one in operands if isinstance(one, str)]
    if len(texts) < len(operands) or not texts:
        return None
    if operator in {"eq", "inq"}:
        return {name: {"$in": texts}}
    if operator not in {"like", "ilike"} or _WILD.search(texts[0]):
        return None
    literal = re.sub(r"\\([\\%_])", r"\1", texts[0])
    return _pattern(name, literal, "i" if operator == "ilike" else "")


def _theirs(pid: str, names: Names) -> list[str]:
    """Return what SciCat may call a record: as it is, or without our prefix."""
    return list(dict.fromkeys((names.theirs(pid), pid)))


def _pattern(name: str, words: str, flags: str) -> Condition:
    literal = "".join(re.escape(one) if one.isascii() else one for one in words)
    return {name: {"$regex": literal} | ({"$options": flags} if flags else {})}


def _time(name: str, operator: Operator, operands: tuple[Value, ...]) -> Condition | None:
    if not all(isinstance(one, datetime) for one in operands):
        return None
    times = tuple(
        one.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for one in operands
        if isinstance(one, datetime)
    )
    return _ordered(name, operator, times)


def _ordered(name: str, operator: Operator, operands: tuple[Value, ...]) -> Condition | None:
    if not operands or any(one is None for one in operands):
        return None
    if operator in SIGNS:
        return {name: {SIGNS[operator]: operands[0]}}
    if operator == "eq":
        return {name: {"$gte": operands[0], "$lte": operands[0]}}
    if operator == "between":
        return {name: {"$gte": operands[0], "$lte": operands[1]}}
    return None


def _technique(clause: Compare) -> Condition | None:
    """Return a condition on a technique of PaNET, which whatever is narrower fulfils as well."""
    if clause.property not in {"pid", "panetId"} or clause.operator not in {"eq", "inq"}:
        return None
    concepts = [ontology().find(str(one)) for one in clause.operands]
    wanted = [_narrower(concept.id) for concept in concepts if concept is not None]
    if not wanted or len(wanted) < len(concepts):
        return None
    endings = "|".join(sorted(frozenset().union(*wanted)))
    return {"techniques.pid": {"$regex": f"(^|[/:#])({endings})$"}}


@lru_cache(maxsize=256)
def _narrower(identifier: str) -> frozenset[str]:
    """Return a technique and all that are narrower."""
    return frozenset(
        one.id
        for one in ontology()
        if one.id == identifier or identifier in {short(up) for up, _ in lineage(one.iri, one.id)}
    )
