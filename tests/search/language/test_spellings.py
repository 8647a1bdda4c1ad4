"""The four spellings of a question lead to one another and to the same tree."""

import datetime as dt
import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selections import known_in, selections

from panosc.domain.arguments import FIELDS, pairs_of
from panosc.domain.entities import MODEL_BY_NAME, Model
from panosc.domain.errors import Invalid
from panosc.domain.query import (
    And,
    Clause,
    Compare,
    Include,
    Not,
    Or,
    Order,
    Query,
    Related,
    Text,
    all_of,
)
from panosc.search.language.arguments import (
    from_arguments,
    read_arguments,
    to_arguments,
    to_python,
)
from panosc.search.language.box import split_box, write_box
from panosc.search.language.selection import SIZES, Selection
from panosc.search.language.url import parse, read_box
from panosc.search.language.words import read_words
from panosc.search.loopback import argument, read_filter, write_filter


@given(selections)
def test_url(selection: Selection) -> None:
    again = parse(parse_qsl(urlencode(selection.params())), names=known_in(selection))
    assert again == selection


@given(selections)
def test_box(selection: Selection) -> None:
    asked = replace(selection.from_start(), size=SIZES[0])
    text = write_box(asked)
    if len(text) <= 1000:
        assert read_box(text, known_in(selection)) == asked


@given(selections)
def test_python(selection: Selection) -> None:
    words, filters = to_arguments(selection)
    assert read_arguments(words, filters, names=known_in(selection)) == selection


@given(selections)
def test_python_as_text(selection: Selection) -> None:
    def call(words: str = "", /, **filters: object) -> tuple[str, dict[str, object]]:
        return words, filters

    called = eval(f"call({to_python(selection)})", {"call": call})
    assert called == to_arguments(selection)


@given(selections)
def test_filter(selection: Selection) -> None:
    # the standard knows no place to go on from
    query = replace(selection.query(), after=None)
    text = json.dumps(write_filter(query))
    assert read_filter(argument([("filter", text)], "filter"), "Dataset") == query


@given(selections)
def test_all_four_ask_the_same(selection: Selection) -> None:
    asked = replace(selection.from_start(), size=SIZES[0])
    names = known_in(selection)
    words, filters = to_arguments(asked)
    trees = [
        parse(asked.params(), names=names).query(),
        read_arguments(words, filters, names=names).query(),
        read_filter(write_filter(asked.query()), "Dataset"),
    ]
    if len(write_box(asked)) <= 1000:
        trees.append(read_box(write_box(asked), names).query())
    assert trees == [asked.query()] * len(trees)


# trees beyond what a selection asks
_SCALARS = {
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
    "integer": st.integers(-(10**12), 10**12),
    "number": st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "time": st.datetimes(timezones=st.just(dt.UTC)),
}
_SCALARS["list"] = _SCALARS["text"]
_SCALARS["scalar"] = _SCALARS["text"] | st.integers(-9, 9) | st.floats(-1e9, 1e9)


@st.composite
def comparisons(draw: st.DrawFn, model: Model) -> Clause:
    prop = draw(st.sampled_from(model.properties))
    values = _SCALARS[prop.kind]
    operators = ["eq", "neq", "inq", "nin"]
    if prop.kind != "boolean":
        operators += ["gt", "gte", "lt", "lte", "between"]
    if prop.kind in {"text", "list", "scalar"}:
        operators += ["like", "nlike", "ilike", "nilike", "regexp"]
    operator = draw(st.sampled_from(operators))
    flags = ""
    if operator in {"inq", "nin"}:
        operands = tuple(draw(st.lists(values | st.none(), max_size=3)))
    elif operator == "between":
        operands = (draw(values), draw(values))
    elif operator == "regexp":
        operands = (draw(st.sampled_from(["a.c", "/x", "^/a/i$", "a|b/", "[0-9]+"])),)
        flags = draw(st.sampled_from(["", "i", "im"]))
    elif operator in {"like", "nlike", "ilike", "nilike"}:
        operands = (draw(_SCALARS["text"]),)
    else:
        operands = (draw(values | st.none() if operator in {"eq", "neq"} else values),)
    return Compare(property=prop.name, operator=operator, operands=operands, flags=flags)


@st.composite
def clauses(draw: st.DrawFn, model: Model, depth: int = 3, *, is_related: bool = False) -> Clause:
    kinds = ["compare", "text"] if depth == 0 else ["compare", "and", "or", "related", "not"]
    kind = draw(st.sampled_from(kinds))
    inner = clauses(model, max(0, depth - 1), is_related=is_related)
    if kind in {"and", "or"}:
        parts = draw(st.lists(inner, max_size=3))
        return all_of(parts) if kind == "and" else Or(tuple(parts))
    if kind == "text":
        return Text(draw(_SCALARS["text"]))
    if kind == "not" and not is_related:
        return Not(draw(inner))
    if kind == "related" and model.relations:
        relation = draw(st.sampled_from(model.relations))
        target = MODEL_BY_NAME[relation.target]
        return Related(relation.name, draw(clauses(target, depth - 1, is_related=True)))
    return draw(comparisons(model))


@st.composite
def queries(draw: st.DrawFn, model: Model, depth: int = 2) -> Query:
    includes: list[Include] = []
    if depth and model.relations:
        for relation in draw(st.lists(st.sampled_from(model.relations), max_size=2)):
            scope = draw(queries(MODEL_BY_NAME[relation.target], depth - 1))
            includes.append(Include(relation=relation.name, scope=replace(scope, words=())))
    names = [prop.name for prop in model.properties]
    text = draw(st.text(st.sampled_from('abc "+-:,.é'), max_size=12))
    return Query(
        model=model.name,
        where=draw(clauses(model, is_related=depth < 2)),
        includes=tuple(includes),
        order=tuple(
            Order(property=name, descending=draw(st.booleans()))
            for name in draw(st.lists(st.sampled_from(names), max_size=2))
        ),
        limit=draw(st.none() | st.integers(1, 99)),
        skip=draw(st.integers(0, 99)),
        fields=draw(st.none() | st.frozensets(st.sampled_from(names), min_size=1)),
        words=read_words(text, plain=draw(st.sampled_from(["any", "all"]))),
    )


@given(
    st.sampled_from(["Dataset", "Document", "Instrument"]).flatmap(
        lambda name: queries(MODEL_BY_NAME[name])
    )
)
def test_any_tree_is_written_and_read_back(query: Query) -> None:
    text = json.dumps(write_filter(query))
    assert read_filter(argument([("filter", text)], "filter"), query.model) == query


@given(st.text(max_size=80) | st.text(st.sampled_from('ab:"()+-<>=.. 19\\K\u202e'), max_size=60))
def test_any_text_in_the_box_is_read_and_settles(text: str) -> None:
    selection = read_box(text)
    assert isinstance(selection.query(), Query)
    assert parse(selection.params()).params() == selection.params()
    again = read_box(write_box(selection))
    if not selection.problems:
        assert replace(again, problems=()) == selection


@given(st.text(st.sampled_from('ab: "()'), max_size=40))
def test_the_box_loses_nothing(text: str) -> None:
    kept = split_box(text, lambda name, value: False)
    assert (kept.words, kept.pairs) == (" ".join(text.split()), [])


def test_python_takes_values_of_python() -> None:
    asked = from_arguments(
        "lysozyme",
        technique="SANS",
        wavelength=("4 Å", "8 Å"),
        facility=["ESS", "ILL"],
        not_technique="x-ray diffraction",
        released=(dt.date(2024, 3, 1), None),
        temperature=(None, 300.0),
        energy=12,
        sort="-released",
    )
    assert asked.problems == ()
    assert asked.params() == [
        ("q", "lysozyme"),
        ("facility", "ESS"),
        ("facility", "ILL"),
        ("technique", "PaNET01189"),
        ("released", "2024-03-01.."),
        ("wavelength", "4..8 angstrom"),
        ("temperature", "..300"),
        ("energy", "12"),
        ("-technique", "PaNET01216"),
        ("sort", "-released"),
    ]
    assert from_arguments(facility=("ESS", "ILL")).facility == ("ESS", "ILL")
    assert pairs_of("", {"is_not_so": 1, "not_so": 2}) == [("not_so", "1"), ("-so", "2")]


@pytest.mark.parametrize(
    "filters",
    [
        {"wavelength": object()},
        {"wavelength": ("a", "b")},
        {"wavelength": (1, 2, 3)},
        {"facility": [["ESS"]]},
        {"facility": ["x"] * 501},
    ],
    ids=["object", "no range", "three ends", "nested", "too many"],
)
def test_python_refuses_what_no_filter_takes(filters: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        from_arguments(**filters)


def test_fields_are_attributes_of_a_selection() -> None:
    assert all(Selection().chosen(name) == () for name in FIELDS)
    assert Selection().query().where == And(())
