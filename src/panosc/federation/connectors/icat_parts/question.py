"""A question becomes JPQL, as far as ICAT can answer it truthfully.

What JPQL would only widen (a text with ``%`` in it, a fraction of a second) is asked, so that less
comes, and named as unasked, so that it is looked at here as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from panosc.domain.query import (
    And,
    Clause,
    Compare,
    Operator,
    Or,
    Query,
    Related,
    Text,
    Value,
    Word,
)
from panosc.domain.units import category_of, scale_of
from panosc.federation.connectors.icat_parts.entities import FIFTH
from panosc.federation.connectors.icat_parts.jpql import (
    NOTHING,
    Select,
    Unsayable,
    among,
    ceiling,
    either,
    holds,
    is_wild,
    literal,
)
from panosc.federation.connectors.icat_parts.making import icat_names, own_number
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.search.panet import PREFIX
from panosc.search.sql.techniques import narrower

_SIGNS: dict[Operator, str] = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TEXTS = {
    "Dataset": ("e.name", "e.description", "i.title", "i.summary", "i.name"),
    "Document": ("e.title", "e.summary", "e.name"),
    "Instrument": ("e.name", "e.fullName", "e.description"),
}
"""Where ranked words are looked for."""
_OWN_TEXTS = {
    "Dataset": ("e.name",),
    "Document": ("e.title", "e.summary"),
    "Instrument": ("e.name",),
}
"""The properties of a record that `where.text` of the standard looks at."""
_PROPERTIES = {
    ("Dataset", "title"): "e.name",
    ("Dataset", "description"): "e.description",
    ("Document", "title"): "e.title",
    ("Document", "summary"): "e.summary",
    ("Instrument", "name"): "e.name",
}
_TIMES = {
    ("Dataset", "creationDate"): ("e.startDate", "e.createTime"),
    ("Dataset", "endDate"): ("e.endDate",),
    ("Document", "startDate"): ("e.startDate",),
    ("Document", "endDate"): ("e.endDate",),
    ("Document", "releaseDate"): ("e.releaseDate",),
}
MOST_LISTED = 100
_MOST_CONDITIONS = 30
_LONGEST = 2500
"""Characters of conditions: a query is part of an address, which servers cut at 8 kB."""


class _CannotAsk(Exception):
    """ICAT cannot filter by this."""


@dataclass(slots=True, kw_only=True)
class Types:
    """Units of the parameters that ICAT knows, by its name of the parameter."""

    units: dict[str, set[str]] = field(default_factory=dict)


def measured(query: Query) -> list[str]:
    """Return the names by which ICAT may know the parameters that a question is about."""
    found: list[str] = []
    for clause in parts_of(query).values():
        if isinstance(clause, Related) and clause.relation == "parameters":
            for item in _flat(clause.clause):
                if isinstance(item, Compare) and item.property == "name":
                    found += [name for word in item.operands for name in _called(str(word))]
    return found[:MOST_LISTED]


class Asking:
    """Puts one question into a query; `unasked` is what it left out, or asked loosely."""

    def __init__(
        self, query: Query, names: Names, *, version: tuple[int, int], types: Types
    ) -> None:
        entity = {"Dataset": "Dataset", "Document": "Investigation"}.get(query.model, "Instrument")
        self.select = Select(entity=entity, alias="e")
        self.unasked: set[str] = set()
        self._query = query
        self._names = names
        self._version = version
        self._types = types
        self._is_loose = False
        self._count = 0
        if query.model == "Dataset":
            self.select.joins.append("e.investigation AS i")

    def ask(self, *, with_words: bool) -> Select:
        """Return the query; ranked words are in it only if nothing better looks for them."""
        for key, clause in parts_of(self._query).items():
            self._put(key, clause)
        if self._query.words and with_words:
            self._put_words(self._query.words)
        return self.select

    def _put(self, key: str, clause: Clause) -> None:
        if isinstance(clause, And) and not clause.clauses:
            return
        joins = list(self.select.joins)
        self._is_loose = False
        try:
            condition = self._condition(clause)
        except (_CannotAsk, Unsayable):
            self.select.joins[:] = joins
            self.unasked.add(key)
            return
        if len(condition) > _LONGEST or sum(map(len, self.select.where)) > _LONGEST:
            self.select.joins[:] = joins
            self.unasked.add(key)
            return
        self.select.where.append(condition)
        if self._is_loose:
            self.unasked.add(key)

    def _put_words(self, words: Sequence[Word]) -> None:
        plain = [word for word in words if word.kind != "elements" and word.occurs != "not"]
        if len(plain) < len(words):
            self.unasked.add(WORDS)
        needed = [word for word in plain if word.occurs == "all"]
        try:
            found = [self._in_any(_TEXTS[self._query.model], word.text) for word in needed or plain]
        except Unsayable:
            self.unasked.add(WORDS)
            return
        if needed:
            self.select.where += found
        elif found:
            self.select.where.append(either(found))

    def _condition(self, clause: Clause) -> str:
        self._count += 1
        if self._count > _MOST_CONDITIONS:
            raise _CannotAsk
        match clause:
            case And() if clause.clauses:
                return " AND ".join(self._condition(item) for item in clause.clauses)
            case Or() if clause.clauses and all(
                isinstance(item, Compare | Text) for item in clause.clauses
            ):
                return either([self._condition(item) for item in clause.clauses])
            case Text():
                return self._in_any(_OWN_TEXTS[self._query.model], clause.words)
            case Compare():
                return self._compare(clause)
            case Related():
                return self._related(clause)
            case _:
                raise _CannotAsk

    def _in_any(self, paths: Iterable[str], text: str) -> str:
        self._is_loose |= is_wild(text)
        return either([holds(path, text) for path in paths])

    def _compare(self, compare: Compare) -> str:
        place = (self._query.model, compare.property)
        if place in _TIMES:
            return self._time(_TIMES[place], compare)
        if place in _PROPERTIES:
            return self._text(_PROPERTIES[place], compare)
        if compare.property == "pid":
            return among("e.id", self._numbers(compare, self._query.model))
        if compare.property in {"isPublic", "access"} and self._query.model != "Instrument":
            return self._is_open(compare)
        raise _CannotAsk

    def _is_open(self, compare: Compare) -> str:
        """Return that the release date has come; ICAT knows no other sign."""
        is_open = compare.operands in {(True,), ("open",)}
        if not is_open or compare.operator not in {"eq", "inq"}:
            raise _CannotAsk
        path = "i" if self._query.model == "Dataset" else "e"
        return f"{path}.releaseDate < CURRENT_TIMESTAMP"

    def _text(self, path: str, compare: Compare) -> str:
        if compare.operator in {"eq", "inq"}:
            return among(path, _texts(compare.operands))
        if compare.operator not in {"like", "ilike"}:
            raise _CannotAsk
        text = _texts(compare.operands)[0]
        bare = text.replace("\\\\", "").replace("\\%", "").replace("\\_", "")
        if "%" in bare or "_" in bare:
            raise _CannotAsk
        # a pattern without wildcards: the text somewhere; ICAT is asked whatever the case
        self._is_loose |= compare.operator == "like"
        plain = text.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")
        return self._in_any((path,), plain)

    def _time(self, paths: Sequence[str], compare: Compare) -> str:
        limits = _limits(compare)
        first = self._between(paths[0], limits)
        if len(paths) == 1:
            return first
        return f"(({first}) OR ({paths[0]} IS NULL AND {self._between(paths[1], limits)}))"

    def _between(self, path: str, limits: Sequence[tuple[str, Value]]) -> str:
        parts = []
        for sign, value in limits:
            if not isinstance(value, datetime):
                raise _CannotAsk
            self._is_loose |= value.microsecond != 0
            kept = ceiling(value) if sign.startswith("<") else value
            # a fraction of a second that ICAT may keep is beyond what can be asked
            wide = {">": ">=", "<": "<"}.get(sign, sign)
            parts.append(f"{path} {wide} {literal(kept)}")
        return " AND ".join(parts)

    def _numbers(self, compare: Compare, model: str) -> list[int]:
        if compare.operator not in {"eq", "inq"}:
            raise _CannotAsk
        head = "" if model == "Dataset" else f"{model.lower()}-"
        found = []
        for value in _texts(compare.operands):
            number = own_number(value, self._names.source.prefix + head)
            if number is None:
                raise _CannotAsk
            found.append(number)
        return found

    def _related(self, clause: Related) -> str:
        asked: dict[tuple[str, str], Callable[[Clause], str]] = {
            ("Dataset", "instrument"): self._instrument,
            ("Dataset", "documents"): self._document,
            ("Dataset", "techniques"): self._technique,
            ("Dataset", "parameters"): self._parameter,
            ("Document", "parameters"): self._parameter,
        }
        found = asked.get((self._query.model, clause.relation))
        if found is None:
            raise _CannotAsk
        return found(clause.clause)

    def _instrument(self, clause: Clause) -> str:
        compare = _only(clause, "pid", "name")
        values = _texts(compare.operands)
        if compare.property == "pid":
            head = f"{self._names.source.prefix}instrument-"
            if not all(value.startswith(head) for value in values):
                raise _CannotAsk
            values = [value.removeprefix(head) for value in values]
        self.select.joins += ["i.investigationInstruments AS ii", "ii.instrument AS ins"]
        return among("ins.name", values)

    def _document(self, clause: Clause) -> str:
        return among("i.id", self._numbers(_only(clause, "pid"), "Document"))

    def _technique(self, clause: Clause) -> str:
        if self._version < FIFTH:
            raise _CannotAsk
        compare = _only(clause, "pid", "panetId")
        # whatever is narrower fits too; ICATs spell a term in three ways
        heads = (PREFIX, "PaNET:", "")
        spelt = [f"{head}{term}" for term in narrower(compare) for head in heads]
        self.select.joins += ["e.datasetTechniques AS dt", "dt.technique AS te"]
        return among("te.pid", dict.fromkeys((*_texts(compare.operands), *spelt)))

    def _parameter(self, clause: Clause) -> str:
        name, unit, limits = _measurement(clause)
        number = sum(" AS p" in join for join in self.select.joins)
        self.select.joins += [f"e.parameters AS p{number}", f"p{number}.type AS t{number}"]
        kind, path = f"t{number}", f"p{number}"
        found = []
        for icat in _called(name):
            if not unit or not limits:
                found.append(_valued(f"{kind}.name = {literal(icat)}", path, limits))
                continue
            for theirs in sorted(self._types.units.get(icat, ())):
                kept = _converted(limits, unit, theirs, icat)
                if kept is not None:
                    is_it = f"{kind}.name = {literal(icat)} AND {kind}.units = {literal(theirs)}"
                    found.append(_valued(is_it, path, kept))
        return either(found) if found else NOTHING


def _called(house: str) -> list[str]:
    """Return what an ICAT may call a parameter: as the ESRF's does, or as it is called here."""
    return list(dict.fromkeys((*icat_names(house), house)))


def _valued(is_it: str, path: str, limits: Sequence[tuple[str, Value]]) -> str:
    parts = [is_it]
    for sign, value in limits:
        if isinstance(value, str):
            parts.append(f"{path}.stringValue {sign} {literal(value)}")
        elif isinstance(value, int | float):
            parts.append(f"{path}.numericValue {sign} {literal(float(value))}")
        else:
            raise _CannotAsk
    return f"({' AND '.join(parts)})"


def _measurement(clause: Clause) -> tuple[str, str, list[tuple[str, Value]]]:
    said = {"name": "", "unit": ""}
    limits: list[tuple[str, Value]] = []
    for compare in _flat(clause):
        if not isinstance(compare, Compare):
            raise _CannotAsk
        if compare.property in said and compare.operator == "eq":
            said[compare.property] = _texts(compare.operands)[0]
        elif compare.property == "value":
            limits += _limits(compare)
        else:
            raise _CannotAsk
    if not said["name"]:
        raise _CannotAsk
    return said["name"], said["unit"], limits


def _limits(compare: Compare) -> list[tuple[str, Value]]:
    if compare.operator == "between":
        return [(">=", compare.operands[0]), ("<=", compare.operands[1])]
    sign = _SIGNS.get(compare.operator)
    if sign is None:
        raise _CannotAsk
    return [(sign, compare.operands[0])]


def _converted(
    limits: Sequence[tuple[str, Value]], unit: str, theirs: str, icat: str
) -> list[tuple[str, Value]] | None:
    """Return limits in the unit of a parameter, None if the two do not measure the same."""
    category = category_of(icat)
    wanted, kept = scale_of(unit, category=category), scale_of(theirs, category=category)
    if wanted is None or kept is None or wanted.si_unit != kept.si_unit:
        return None
    found: list[tuple[str, Value]] = []
    for sign, value in limits:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        found.append((sign, kept.from_si(wanted.to_si(float(value)))))
    return found


def _only(clause: Clause, *names: str) -> Compare:
    if not isinstance(clause, Compare) or clause.property not in names:
        raise _CannotAsk
    if clause.operator not in {"eq", "inq"}:
        raise _CannotAsk
    return clause


def _texts(values: Sequence[Value]) -> list[str]:
    if not 0 < len(values) <= MOST_LISTED or not all(isinstance(item, str) for item in values):
        raise _CannotAsk
    return [str(item) for item in values]


def _flat(clause: Clause) -> Sequence[Clause]:
    return clause.clauses if isinstance(clause, And) else (clause,)
