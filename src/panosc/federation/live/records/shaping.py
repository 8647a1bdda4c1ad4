"""A question as it is put to other catalogues and to this one, and records as they were asked for.

Asked is for more than the question says: what ranking by words looks at, what conditions speak of,
and all records from the first on, since only the merged list can be cut. `Shaped.finished` takes
away again what nobody asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Property
from panosc.domain.errors import Invalid
from panosc.domain.query import And, Clause, Include, Not, Or, Order, Query, Related, all_of
from panosc.federation.live.records.applying import fits, moment, related, shown_tags
from panosc.federation.live.records.measuring import number_of, scale_of_item
from panosc.search.results import tidy
from panosc.search.sql.parameters import asked_units

MOST = 1000
"""Records that each catalogue is asked for at most: how deep pages reach."""
NEWEST: Mapping[str, Order] = {
    "Dataset": Order(property="creationDate", descending=True),
    "Document": Order(property="startDate", descending=True),
    "Instrument": Order(property="name"),
}
"""The order where nobody asks for one."""
_MORE: Mapping[str, frozenset[str]] = {
    "Dataset": frozenset({"description"}),
    "Document": frozenset(),
    "Instrument": frozenset(),
}
"""Properties that ranking looks at beyond those of the standard."""
_LENT = 20
"""Datasets of which a document has its techniques and instruments."""
_FILES = 50
_SAID = {
    "instrument": {"pid", "name", "facility"},
    "techniques": {"pid", "name", "panetId"},
    "samples": {"pid", "name", "description"},
    "parameters": {"name", "value", "unit"},
    "members": {"role"},
    "person": {"fullName", "firstName", "lastName"},
    "files": {"name"},
    "datasets": {"pid"},
}
"""What ranking looks at, by relation."""
Item = dict[str, Any]


@dataclass(slots=True)
class _Branch:
    """What is wanted over one relation: fields None for all."""

    fields: frozenset[str] | None = frozenset()
    limit: int | None = 0
    branches: dict[str, "_Branch"] = field(default_factory=dict)

    def over(
        self, relation: str, fields: frozenset[str] | None, limit: int | None = None
    ) -> "_Branch":
        """Want more over a relation."""
        found = self.branches.setdefault(relation, _Branch())
        both = found.fields is not None and fields is not None
        found.fields = (found.fields or frozenset()) | (fields or frozenset()) if both else None
        is_bound = found.limit is not None and limit is not None
        found.limit = max(found.limit or 0, limit or 0) if is_bound else None
        return found

    def includes(self, model: str) -> tuple[Include, ...]:
        """Return it as a question says it."""
        relations = MODEL_BY_NAME[model].relation_by_name
        return tuple(
            Include(
                relation=name,
                scope=Query(
                    model=relations[name].target,
                    fields=one.fields or None,
                    limit=one.limit,
                    includes=one.includes(relations[name].target),
                ),
            )
            for name, one in self.branches.items()
        )


class Shaped:
    """One question to all catalogues.

    Parameters
    ----------
    query : Query
    is_filtering : bool
        Whether conditions of includes are those of the records as well.

    Raises
    ------
    Invalid
        If it goes on after a record, which only one catalogue can.
    """

    def __init__(self, query: Query, *, is_filtering: bool = True) -> None:
        if query.after is not None:
            raise Invalid(
                "Other catalogues cannot go on after a record.",
                field="after",
                hint="Use skip and limit, or ask this node alone (`providers=local`).",
            )
        self.query = query
        self.end = query.skip + (query.limit or MOST)
        self.is_deep = self.end > MOST
        self.limit = min(self.end, MOST)
        self.order = tuple(query.order) or (() if query.words else (NEWEST[query.model],))
        names = {one.name for one in MODEL_BY_NAME[query.model].properties if one.standard}
        where = all_of([query.where, *(_conditions(query) if is_filtering else [])])
        self.beyond = replace(
            query,
            where=where,
            includes=self._widened(where).includes(query.model),
            order=self.order,
            limit=self.limit,
            skip=0,
            # ours; other catalogues answer what they have
            fields=frozenset(names | _MORE[query.model] | (query.fields or frozenset())),
        )
        keys = {"pid"} | {one.property for one in self.order}
        self.here = replace(
            query,
            order=self.order,
            limit=self.limit,
            skip=0,
            fields=frozenset((query.fields or names) | keys),
        )
        self._kept = query.fields or frozenset(names)

    def finished(self, item: Mapping[str, Any], *, is_own: bool) -> Item:
        """Return a record with what was asked for; those of this node are shaped already."""
        relations = MODEL_BY_NAME[self.query.model].relation_by_name
        found = {name: value for name, value in item.items() if name in self._kept}
        if is_own:
            return found | {name: item[name] for name in relations if name in item}
        return found | _included(item, self.query.includes, self.query.model)

    def _widened(self, where: Clause) -> _Branch:
        root = _Branch()
        _want_shown(root, self.query.includes)
        _want_told(root, where)
        if self.query.words:
            _want_ranked(root, self.query.model)
        return root


def _conditions(query: Query) -> list[Clause]:
    """Return what includes ask of the records themselves, as conditions."""
    found: list[Clause] = []
    for include in query.includes:
        inner = [include.scope.where, *_conditions(include.scope)]
        clause = all_of(inner)
        if clause != And(()):
            found.append(Related(include.relation, clause))
    return found


def _want_shown(branch: _Branch, includes: Sequence[Include]) -> None:
    for include in includes:
        _want_shown(branch.over(include.relation, None), include.scope.includes)


def _want_told(branch: _Branch, clause: Clause) -> None:
    match clause:
        case And() | Or():
            for one in clause.clauses:
                _want_told(branch, one)
        case Not():
            _want_told(branch, clause.clause)
        case Related():
            # what conditions speak of is wanted whole: which of it they look at does not matter
            _want_told(branch.over(clause.relation, None), clause.clause)
        case _:
            pass


def _want_ranked(root: _Branch, model: str) -> None:
    known = MODEL_BY_NAME[model].relation_by_name
    for name in ("instrument", "techniques", "samples", "parameters"):
        if name in known:
            root.over(name, frozenset(_SAID[name]))
    if "members" in known:
        members = root.over("members", frozenset(_SAID["members"]))
        members.over("person", frozenset(_SAID["person"]))
    if "files" in known:
        root.over("files", frozenset(_SAID["files"]), _FILES)
    if model == "Document":
        lent = root.over("datasets", frozenset(_SAID["datasets"]), _LENT)
        for name in ("instrument", "techniques"):
            lent.over(name, frozenset(_SAID[name]))


def _included(item: Mapping[str, Any], includes: Sequence[Include], model: str) -> Item:
    """Return the related records that includes ask for, as this node would answer them."""
    by_relation: dict[str, dict[int, Item]] = {}
    for include in includes:
        scope, kept = include.scope, by_relation.setdefault(include.relation, {})
        rows = [one for one in related(item, include.relation) if _is_shown(include, one)]
        if MODEL_BY_NAME[scope.model].key == "pid":
            # as this node answers them; parts of a record stay as they were written
            rows.sort(key=lambda one: str(one.get("pid")))
        rows = sorted_by(rows, scope.order, scope.model, item_of=lambda one: one)
        end = None if scope.limit is None else scope.skip + scope.limit
        for one in rows[scope.skip : end]:
            # under two includes of one relation it shows what both ask for
            kept[id(one)] = shown(one, scope) | kept.get(id(one), {})
    relations = MODEL_BY_NAME[model].relation_by_name
    found: Item = {}
    for name, kept in by_relation.items():
        told = list(kept.values())
        if relations[name].kind != "one":
            found[name] = told
        elif told:
            found[name] = told[0]
    return found


def _is_shown(include: Include, item: Mapping[str, Any]) -> bool:
    scope = include.scope
    if include.relation == "techniques":
        is_fine = shown_tags(scope.where, item) is not False
    else:
        is_fine = fits(scope.where, scope.model, item)
    return is_fine and all(fits(clause, scope.model, item) for clause in _conditions(scope))


def sorted_by(
    found: Sequence[Any], orders: Sequence[Order], model: str, *, item_of: Callable[[Any], Any]
) -> list[Any]:
    """Return records in an order, of which `item_of` are the properties.

    Those without what they are sorted by come last, whatever strangers wrote into it.
    """
    ranked = list(found)
    for order in reversed(orders):
        prop = MODEL_BY_NAME[model].property_by_name[order.property]
        keyed = [(_sort_key(prop, item_of(one).get(prop.name)), one) for one in ranked]
        known = [one for one in keyed if one[0] is not None]
        known.sort(key=lambda one: one[0], reverse=order.descending)
        ranked = [one for _, one in known] + [one for key, one in keyed if key is None]
    return ranked


def _sort_key(prop: Property, value: Any) -> Any:
    """Return what a property sorts by: of one kind for all records, whatever strangers wrote."""
    if value is None:
        return None
    match prop.kind:
        case "scalar":
            return (isinstance(value, str), value)
        case "time":
            return moment(value)
        case "integer" | "number" | "boolean":
            return value if isinstance(value, int | float) else None
        case "list":
            return [str(one) for one in value] if isinstance(value, list) else None
        case _:
            return str(value)


def shown(item: Mapping[str, Any], scope: Query) -> Item:
    """Return a related record as a scope asks for it."""
    model = MODEL_BY_NAME[scope.model]
    names = scope.fields or {one.name for one in model.properties if one.standard}
    found = {name: value for name, value in item.items() if name in names}
    if scope.model == "Parameter":
        found |= _converted(item, scope.where)
    return found | _included(item, scope.includes, scope.model)


def _converted(item: Mapping[str, Any], where: Clause) -> Item:
    """Return value and unit of a parameter in the unit that was asked for."""
    units = asked_units(where)
    own, number = scale_of_item(item) if units else None, number_of(item)
    if own is None or number is None:
        return {}
    for unit, scale in units:
        if scale.si_unit == own.si_unit:
            if unit == item.get("unit"):
                return {}
            return {"value": tidy(scale.from_si(own.to_si(number))), "unit": unit}
    return {}
