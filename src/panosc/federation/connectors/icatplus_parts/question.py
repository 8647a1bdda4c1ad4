"""A question becomes parameters of ICAT+'s search, as far as ICAT+ can filter.

What can only be asked loosely (a day for a time, one word of several) is asked, so that less comes,
and named as unasked, so that it is looked at here as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from panosc.domain.query import And, Clause, Compare, Or, Query, Related, Text, Value, Word
from panosc.domain.units import category_of, scale_of
from panosc.federation.connectors.icat_parts.making import defined_unit, icat_names, own_number
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.search.panet import PREFIX
from panosc.search.sql.techniques import narrower

_OPERATORS = {"eq": "eq", "gt": "gt", "gte": "gteq", "lt": "lt", "lte": "lteq"}
_SEPARATORS = frozenset(",~")
LONGEST_WORD = 200
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Parameters of the request, a text to look for, and what was not asked, or only loosely."""

    params: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    unasked: set[str] = field(default_factory=set)


def ask(query: Query, names: Names) -> Asked:
    """Return how a question about datasets or documents is put to ICAT+."""
    asked = Asked()
    texts: list[str] = []
    filters: list[str] = []
    for key, clause in parts_of(query).items():
        if isinstance(clause, And) and not clause.clauses:
            continue
        found = _text(clause) if not texts else None
        if found is not None:
            texts.append(found)
            continue
        is_exact, params, terms = _asked(clause, names, query.model)
        if any(name in asked.params for name in params):
            is_exact, params = False, {}
        asked.params.update(params)
        filters += terms
        if not is_exact:
            asked.unasked.add(key)
    if query.words:
        found = _word(query.words)
        if found is None or texts or len(query.words) > 1:
            asked.unasked.add(WORDS)
        if found is not None:
            texts.append(found)
    if filters:
        asked.params["parameters"] = ",".join(filters)
    return Asked(asked.params, texts[0] if texts else None, asked.unasked)


def _asked(clause: Clause, names: Names, model: str) -> tuple[bool, dict[str, str], list[str]]:
    """Return whether it is asked exactly, plain parameters, and filters of parameters."""
    times = _times(clause, "creationDate" if model == "Dataset" else "startDate")
    if times:
        return False, times, []
    if model == "Dataset":
        terms = _measured(clause)
        if terms:
            return True, {}, terms
    params = _plain(clause, names, model)
    return bool(params), params, []


def _plain(clause: Clause, names: Names, model: str) -> dict[str, str]:
    match clause:
        case Related("instrument", Compare() as compare):
            found = _instrument(compare, names)
            return {} if found is None else {"instrumentName": found}
        case Related("techniques", Compare(property="pid" | "panetId") as compare):
            terms = [f"{PREFIX}{term}" for term in narrower(compare)]
            return _list("techniquePids", list(dict.fromkeys((*_values(compare), *terms))))
        case Related("documents", Compare(property="pid") as compare):
            return _list("investigationIds", _numbers(compare, names, "document-"))
        case Compare(property="pid") as compare:
            head = "" if model == "Dataset" else "document-"
            name = "datasetIds" if model == "Dataset" else "ids"
            return _list(name, _numbers(compare, names, head))
        case _:
            return {}


def _instrument(compare: Compare, names: Names) -> str | None:
    values = _values(compare)
    if len(values) != 1 or compare.property not in {"pid", "name"}:
        return None
    head = f"{names.source.prefix}instrument-"
    if compare.property == "name":
        return values[0]
    return values[0].removeprefix(head) if values[0].startswith(head) else None


def _values(compare: Compare) -> list[str]:
    if compare.operator not in {"eq", "inq"}:
        return []
    found = [value for value in compare.operands if isinstance(value, str)]
    return found if len(found) == len(compare.operands) else []


def _numbers(compare: Compare, names: Names, head: str) -> list[str]:
    head = names.source.prefix + head
    found = [own_number(value, head) for value in _values(compare)]
    return [str(item) for item in found if item is not None] if None not in found else []


def _list(name: str, values: list[str]) -> dict[str, str]:
    is_fit = 0 < len(values) <= MOST_LISTED and not any(_SEPARATORS & set(item) for item in values)
    return {name: ",".join(values)} if is_fit else {}


def _times(clause: Clause, name: str) -> dict[str, str]:
    """Return the days between which a time has to be: a day more at the end, to lose none."""
    found: dict[str, str] = {}
    for compare in _flat(clause):
        if not isinstance(compare, Compare) or compare.property != name:
            return {}
        ends = [item for item in compare.operands if isinstance(item, datetime)]
        if len(ends) != len(compare.operands) or not ends:
            return {}
        if compare.operator in {"gt", "gte", "eq", "between"}:
            found["startDate"] = ends[0].date().isoformat()
        if compare.operator in {"lt", "lte", "eq", "between"}:
            found["endDate"] = _next_day(ends[-1])
    return found


def _next_day(time: datetime) -> str:
    try:
        return (time.date() + timedelta(days=1)).isoformat()
    except OverflowError:
        return time.date().isoformat()


def _measured(clause: Clause) -> list[str]:
    """Return filters such as ``name~gteq~12``, in the unit in which that ICAT keeps values."""
    if not isinstance(clause, Related) or clause.relation != "parameters":
        return []
    said = {"name": "", "unit": ""}
    limits: list[tuple[str, Value]] = []
    for compare in _flat(clause.clause):
        if not isinstance(compare, Compare):
            return []
        if compare.property in said and compare.operator == "eq":
            said[compare.property] = str(compare.operands[0])
        elif compare.property == "value" and compare.operator == "between":
            limits += [("gteq", compare.operands[0]), ("lteq", compare.operands[1])]
        elif compare.property == "value" and compare.operator in _OPERATORS:
            limits.append((_OPERATORS[compare.operator], compare.operands[0]))
        else:
            return []
    icat = icat_names(said["name"])
    # one filter has one name: where ICAT has several, none of them may be left out
    if len(icat) != 1 or not limits:
        return []
    return _filters(icat[0], said["unit"], limits)


def _filters(icat: str, unit: str, limits: list[tuple[str, Value]]) -> list[str]:
    found = []
    for operator, value in limits:
        kept = _in_unit(value, unit, icat)
        if kept is None or _SEPARATORS & set(kept + icat):
            return []
        found.append(f"{icat}~{operator}~{kept}")
    return found


def _in_unit(value: Value, unit: str, icat: str) -> str | None:
    if isinstance(value, str):
        return value if not unit else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not unit:
        return f"{value:.12g}"
    theirs = defined_unit(icat)
    category = category_of(icat)
    wanted = scale_of(unit, category=category)
    kept = None if theirs is None else scale_of(theirs, category=category)
    if wanted is None or kept is None or wanted.si_unit != kept.si_unit:
        return None
    return f"{kept.from_si(wanted.to_si(float(value))):.12g}"


def _text(clause: Clause) -> str | None:
    return clause.words[:LONGEST_WORD] if isinstance(clause, Text) else None


def _word(words: tuple[Word, ...]) -> str | None:
    """Return the word to ask for: one that has to be there, or the only one."""
    plain = [word for word in words if word.kind != "elements" and word.occurs != "not"]
    needed = [word for word in plain if word.occurs == "all"]
    if not needed and len(plain) > 1:
        # any one of them suffices: to ask for one would lose the others' records
        return None
    found = max((word.text for word in needed or plain), key=len, default=None)
    return None if found is None else found[:LONGEST_WORD]


def _flat(clause: Clause) -> Iterator[Clause]:
    if isinstance(clause, And):
        yield from clause.clauses
    elif isinstance(clause, Or) and len(clause.clauses) == 1:
        yield clause.clauses[0]
    else:
        yield clause
