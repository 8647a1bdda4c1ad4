"""A question as a query of the index, where the index can answer it exactly.

`Inexact` says that it cannot: the answer is then the database's. Whatever rests on detail carries
the detail condition.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query

from panosc.domain.access import ALWAYS
from panosc.domain.entities import EXPOSED
from panosc.domain.pid import surrogate
from panosc.domain.query import NEGATIVE, And, Clause, Compare, Include, Not, Or, Related, Value
from panosc.domain.query import Query as Question
from panosc.search.index.access import Gate
from panosc.search.index.documents import micros
from panosc.search.index.ranges import LARGEST, Wanted, wanted
from panosc.search.index.schema import FIRST, LAST, UNDER
from panosc.search.panet import ontology
from panosc.search.sql.clauses import demands
from panosc.search.sql.techniques import implies_tag, positive

DocumentsOf = Callable[[Query], Sequence[int]]
"""Keys of the documents that the datasets found belong to."""

_TIMES = {
    ("Dataset", "creationDate"): "created",
    ("Dataset", "releaseDate"): "released",
    ("Document", "startDate"): "created",
    ("Document", "releaseDate"): "released",
}
_TAGGED = frozenset({"pid", "panetId", "name"})
_INSTRUMENT = {"pid": "instrument", "name": "instrument_name", "facility": "facility"}
_OPEN = "*"


class Inexact(Exception):
    """The index cannot answer this exactly."""


def all_of(queries: Iterable[Query]) -> Query:
    """Return what fulfils every query; without one everything."""
    found = [(Occur.Must, query) for query in queries]
    return Query.boolean_query(found) if found else Query.all_query()


def any_of(queries: Iterable[Query]) -> Query:
    """Return what fulfils one of the queries; without one nothing."""
    found = [(Occur.Should, query) for query in queries]
    return Query.boolean_query(found) if found else Query.empty_query()


def without(query: Query, *others: Query) -> Query:
    """Return what fulfils a query and none of the others."""
    return Query.boolean_query([(Occur.Must, query), *((Occur.MustNot, other) for other in others)])


def neither(query: Query) -> Query:
    """Return what does not fulfil a query."""
    return without(Query.all_query(), query)


class Compiler:
    """Compiles questions for one viewer at one moment."""

    def __init__(
        self,
        index: tantivy.Index,
        gate: Gate,
        documents_of: DocumentsOf,
        is_renamed: Callable[[], bool],
    ) -> None:
        self._index = index
        self._schema = index.schema
        self._gate = gate
        self._documents_of = documents_of
        self._is_renamed = is_renamed

    def filters(self, question: Question) -> Query:
        """Return what a question asks for, its words apart.

        Raises
        ------
        Inexact
        """
        if question.model not in EXPOSED.values() or question.model == "Instrument":
            raise Inexact
        parts = [self.clause(question.where, question.model)]
        parts += [self._included(one, question.model) for one in question.includes]
        return all_of(parts)

    def clause(self, clause: Clause, model: str) -> Query:
        """Return one clause on the records of a class."""
        match clause:
            case And():
                return all_of([self.clause(item, model) for item in clause.clauses])
            case Or():
                return any_of([self.clause(item, model) for item in clause.clauses])
            case Not():
                return neither(self.clause(clause.clause, model))
            case Compare():
                return self._compare(clause, model)
            case Related():
                return self._related(clause.relation, clause.clause, model)
            case _:
                raise Inexact

    def detail(self, query: Query) -> Query:
        """Return those of what was found of which the viewer may see the detail."""
        return without(query, self._gate.hidden("detail"))

    def listed(self, query: Query, model: str, *others: Query) -> Query:
        """Return those of what was found that the viewer may know of, and none of the others."""
        is_model = Query.term_query(self._schema, "model", model)
        return Query.boolean_query(
            [
                (Occur.Must, query),
                (Occur.Must, Query.const_score_query(is_model, 0.0)),
                (Occur.MustNot, self._gate.hidden("list")),
                *((Occur.MustNot, other) for other in others),
            ]
        )

    def terms(self, field: str, values: Iterable[Any]) -> Query:
        """Return the records with one of these terms in a field."""
        given = sorted(set(values))
        return Query.term_set_query(self._schema, field, given) if given else Query.empty_query()

    def range(self, asked: Wanted) -> Query:
        """Return the records with a number between, of a field of numbers by name."""
        low, is_above = _end(asked.low, is_left_out=asked.is_above, outwards=-math.inf)
        high, is_below = _end(asked.high, is_left_out=asked.is_below, outwards=math.inf)
        if low == high == _OPEN:
            return Query.exists_query(asked.path)
        opening, closing = "{" if is_above else "[", "}" if is_below else "]"
        return self._index.parse_query(f"{asked.path}:{opening}{low} TO {high}{closing}")

    def between(self, field: str, low: int, high: int) -> Query:
        """Return the records with a whole number from `low` to `high`."""
        if low > high:
            return Query.empty_query()
        return Query.range_query(
            self._schema, field, FieldType.Integer, lower_bound=low, upper_bound=high
        )

    def _included(self, include: Include, model: str) -> Query:
        scope = include.scope
        inner = [one for one in scope.includes if demands(one.scope)]
        if scope.where == And(()) and not inner:
            return Query.all_query()
        if not inner:
            return self._related(include.relation, scope.where, model)
        if (model, include.relation) != ("Document", "datasets"):
            raise Inexact
        if scope.where == And(()) and [one.relation for one in inner] == ["techniques"]:
            [tags] = inner
            return self._tagged(tags.scope.where)
        parts = [self.clause(scope.where, "Dataset")]
        parts += [self._included(one, "Dataset") for one in inner]
        return self._with_datasets(all_of(parts))

    def _compare(self, compare: Compare, model: str) -> Query:
        if compare.operator in NEGATIVE:
            return neither(self._compare(positive(compare), model))
        if (model, compare.property) in _TIMES:
            return self._time(_TIMES[model, compare.property], compare)
        if (model, compare.property) == ("Dataset", "size"):
            return self._size(compare)
        if compare.operator in {"eq", "inq"}:
            return self._equal(compare, model)
        raise Inexact

    def _equal(self, compare: Compare, model: str) -> Query:
        if compare.property == "isPublic":
            return any_of([self._public(one) for one in compare.operands])
        values = _texts(compare.operands)
        match compare.property:
            case "pid":
                return self.terms("key", [surrogate(model, pid) for pid in values])
            case "kind":
                return self.terms("kind", values)
            case "access":
                return any_of([self.state(one) for one in values])
            case _:
                raise Inexact

    def state(self, name: str) -> Query:
        """Return the records that are in a state of access at this moment."""
        unopened = self._gate.after("opened_at")
        match name:
            case "open":
                return neither(unopened)
            case "embargoed":
                return without(unopened, self._gate.after("listed_at"))
            case "closed":
                marked = Query.term_set_query(self._schema, "mark", ["withdrawn", "erased"])
                return without(self._gate.after("listed_at"), marked)
            case _:
                # withdrawn and erased records are found in no list
                raise Inexact

    def _public(self, value: Value) -> Query:
        if not isinstance(value, bool):
            raise Inexact
        is_open = self.state("open")
        return is_open if value else neither(is_open)

    def _time(self, field: str, compare: Compare) -> Query:
        times = [item for item in compare.operands if isinstance(item, datetime)]
        if len(times) != len(compare.operands):
            raise Inexact
        return self._whole(f"{field}_down", compare.operator, [micros(item) for item in times])

    def _size(self, compare: Compare) -> Query:
        numbers = [
            item
            for item in compare.operands
            if isinstance(item, int) and not isinstance(item, bool) and FIRST + 1 < item < LAST - 1
        ]
        if len(numbers) != len(compare.operands):
            raise Inexact
        return self._whole("size_down", compare.operator, numbers)

    def _whole(self, field: str, operator: str, ends: list[int]) -> Query:
        """Return a comparison of whole numbers; what has none fulfils none."""
        match operator:
            case "eq" | "inq":
                return any_of([self.between(field, one, one) for one in ends])
            case "gt":
                return self.between(field, ends[0] + 1, LAST)
            case "gte":
                return self.between(field, ends[0], LAST)
            case "lt":
                return self.between(field, FIRST + 1, ends[0] - 1)
            case "lte":
                return self.between(field, FIRST + 1, ends[0])
            case "between":
                return self.between(field, ends[0], ends[1])
            case _:
                raise Inexact

    def _related(self, relation: str, clause: Clause, model: str) -> Query:
        if relation in {"instrument", "techniques"} and self._is_renamed():
            raise Inexact
        match model, relation:
            case "Dataset", "instrument":
                return self._instrument(clause)
            case "Dataset", "techniques":
                found = self._techniques(clause)
                if implies_tag(clause):
                    return found
                return all_of([Query.exists_query("technique"), found])
            case (("Dataset" | "Document"), "parameters"):
                return self._parameter(clause)
            case "Document", "datasets":
                if isinstance(clause, Related) and clause.relation == "techniques":
                    return self._tagged(clause.clause)
                return self._with_datasets(self.clause(clause, "Dataset"))
            case _:
                raise Inexact

    def _with_datasets(self, query: Query) -> Query:
        keys = self._documents_of(self.listed(query, "Dataset"))
        return self.terms("key", keys)

    def _tagged(self, clause: Clause) -> Query:
        """Return the documents with a dataset of which a clause on its techniques holds.

        Tags of datasets that everyone always knew of stand with the document itself; to look for
        the other datasets is enough.
        """
        found = self._related("techniques", clause, "Dataset")
        if not _is_one_tag(clause):
            return self._with_datasets(found)
        other = self.between("listed_at", micros(ALWAYS) + 1, LAST)
        return any_of([found, self._with_datasets(all_of([found, other]))])

    def _instrument(self, clause: Clause) -> Query:
        match clause:
            case And():
                parts = [self._instrument(item) for item in clause.clauses]
                return all_of([Query.exists_query("instrument"), *parts])
            case Or():
                return any_of([self._instrument(item) for item in clause.clauses])
            case Compare() if clause.operator in NEGATIVE:
                inner = self._instrument(positive(clause))
                return without(Query.exists_query("instrument"), inner)
            case Compare(property=name, operator="eq" | "inq") if name in _INSTRUMENT:
                return self.terms(_INSTRUMENT[name], _texts(clause.operands))
            case _:
                raise Inexact

    def _techniques(self, clause: Clause) -> Query:
        match clause:
            case And():
                return all_of([self._techniques(item) for item in clause.clauses])
            case Or():
                return any_of([self._techniques(item) for item in clause.clauses])
            case Compare() if clause.operator in NEGATIVE:
                return neither(self._techniques(positive(clause)))
            case Compare(property=name, operator="eq" | "inq") if name in {
                "pid",
                "panetId",
                "name",
            }:
                own = _texts(clause.operands)
                under = {UNDER + one for text in own for one in ontology().resolve(text)}
                if name == "name":
                    return any_of([self.terms("tag_name", own), self.terms("tag", under)])
                return self.terms("tag", [*under, *own])
            case _:
                raise Inexact

    def _parameter(self, clause: Clause) -> Query:
        asked = wanted(clause)
        if asked is None:
            raise Inexact
        if asked.is_empty:
            return Query.empty_query()
        return self.detail(self.range(asked))


def _is_one_tag(clause: Clause) -> bool:
    """Whether a clause on techniques holds as soon as one tag has what it asks for."""
    match clause:
        case Or():
            return all(map(_is_one_tag, clause.clauses))
        case Compare():
            return clause.operator not in NEGATIVE
        case _:
            return False


def _texts(operands: Sequence[Value]) -> list[str]:
    found = [item for item in operands if isinstance(item, str)]
    if len(found) != len(operands):
        raise Inexact
    return found


def _end(end: float, *, is_left_out: bool, outwards: float) -> tuple[str, bool]:
    """Return an end of a range as the grammar takes it, and whether it is left out.

    That is with a point, without exponent or plus. The index fails where one end is a whole number
    and the other is not, and tells -0 from 0: so a whole number gives way to its neighbour.
    """
    if end == math.copysign(LARGEST, outwards) and not is_left_out:
        return _OPEN, False
    if end == math.floor(end) and abs(end) < 2**64:
        if abs(end) >= 2**52:
            # its neighbours are whole numbers, too
            raise Inexact
        end = math.nextafter(end, -outwards if is_left_out else outwards)
        is_left_out = not is_left_out
    # the shortest digits that mean this number
    text = format(Decimal(repr(end)), "f")
    return (text if "." in text else f"{text}.0"), is_left_out
