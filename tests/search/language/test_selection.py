"""The URL grammar: every selection is spelt and read back; nothing makes it fail."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.query import And, Compare, Or, Order, Query, Related
from panosc.search.language.selection import (
    FACETS,
    LAST_PAGE,
    SIZES,
    SORTS,
    STATES,
    Between,
    Matching,
    Selection,
)
from panosc.search.language.url import parse

words = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x2FFF), max_size=30)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: len(text) < 300)
)
value = words.filter(bool)
names = st.from_regex(r"[a-z]{3,9}_[a-z0-9]{1,9}", fullmatch=True).filter(
    lambda name: name not in FACETS
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
units = st.sampled_from([None, "nm", "K", "1/angstrom", "degC", "m/s**2", "%", "eV"])


@st.composite
def ranges(draw: st.DrawFn) -> Between:
    low, high = draw(st.none() | numbers), draw(st.none() | numbers)
    if low is None and high is None:
        low = draw(numbers)
    return Between(name=draw(names), low=low, high=high, unit=draw(units))


def several(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=3, unique=True).map(tuple)


spans = st.tuples(st.integers(1, 9999), st.integers(1, 9999)).flatmap(
    lambda pair: st.sampled_from(
        [str(pair[0]), f"{pair[0]}..{pair[1]}", f"{pair[0]}..", f"..{pair[1]}"]
    )
)
selections = st.builds(
    Selection,
    words=words,
    facility=several(value),
    instrument=several(value),
    technique=several(value),
    kind=several(value),
    access=several(st.sampled_from(STATES)),
    year=several(spans),
    ranges=st.lists(ranges(), max_size=3, unique=True).map(tuple),
    texts=st.dictionaries(
        names,
        st.lists(st.sampled_from(["Cu", "solid", "é x", "pure % a_b"]), min_size=1, unique=True),
        max_size=2,
    ).map(
        lambda found: tuple(Matching(name=key, values=tuple(item)) for key, item in found.items())
    ),
    sort=st.sampled_from(["", *SORTS, *(f"-{name}" for name in SORTS)]),
    page=st.integers(1, LAST_PAGE),
    size=st.sampled_from(SIZES),
)


@given(selections)
def test_every_selection_reads_back(selection: Selection) -> None:
    known = {item.name for item in (*selection.ranges, *selection.texts)}
    spelt = urlencode(selection.params())
    again = parse(parse_qsl(spelt), parameters=known)
    assert again == selection
    assert again.query() == selection.query()
    assert again.problems == ()


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=40)), max_size=8))
def test_anything_is_read_without_failing(pairs: list[tuple[str, str]]) -> None:
    selection = parse(pairs)
    assert isinstance(selection.query(), Query)
    assert parse(selection.params()).params() == selection.params()


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("0.4..0.8 nm", 0.4, 0.8, "nm"),
        ("0.4..0.8nm", 0.4, 0.8, "nm"),
        ("300.. K", 300.0, None, "K"),
        ("..80 K", None, 80.0, "K"),
        ("-5..5 degC", -5.0, 5.0, "degC"),
        ("1e-3..2e-3", 1e-3, 2e-3, None),
        ("930 eV", 930.0, 930.0, "eV"),
        (".5", 0.5, 0.5, None),
        ("0.1..0.5 1/angstrom", 0.1, 0.5, "1/angstrom"),
        ("300.. 1/s", 300.0, None, "1/s"),
    ],
)
def test_ranges(text: str, low: float | None, high: float | None, unit: str | None) -> None:
    assert parse([("length", text)]).ranges == (
        Between(name="length", low=low, high=high, unit=unit),
    )


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("facilityy", "ESS", "Did you mean facility?"),
        ("sort", "colour", "cannot be sorted"),
        ("page", "0", "Pages go from 1"),
        ("page", "1" * 5000, "too long"),
        ("size", "7", "A page shows"),
        ("access", "secret", "Access is one of"),
        ("year", "0", "is no year"),
        ("year", "soon", "is no year"),
        ("length", "..", "takes a range"),
        ("length", "1e999..2 m", "takes a range"),
        ("length", "nan..2 m", "takes a range"),
        ("q", "a\0b", "not text"),
        ("q", "\ud800", "not text"),
        ("a b", "1..2", "There is no filter"),
        ("length", "1..2 parsnip", "no unit"),
    ],
)
def test_what_cannot_be_used_is_explained_and_left_out(key: str, text: str, problem: str) -> None:
    selection = parse([(key, text), ("facility", "ILL")])
    assert len(selection.problems) == 1
    assert problem in selection.problems[0]
    assert selection.params() == [("facility", "ILL")]


def test_the_known_parameters_decide() -> None:
    known = {"temperature", "chemical_formula"}
    pairs = [("temperaturee", "1.. K"), ("chemical_formula", "Cu"), ("chemical_formula", "Fe")]
    selection = parse(pairs, parameters=known)
    assert "Did you mean temperature?" in selection.problems[0]
    assert selection.texts == (Matching(name="chemical_formula", values=("Cu", "Fe")),)


def test_without_leaves_the_rest() -> None:
    pairs = [("facility", "ESS"), ("kind", "raw"), ("length", "1..2"), ("q", "ice"), ("page", "3")]
    selection = parse(pairs)
    assert selection.without("facility").params() == [
        ("q", "ice"),
        ("kind", "raw"),
        ("length", "1..2"),
    ]
    assert selection.without("length").ranges == ()
    assert selection.without("q").words == ""


def test_the_question() -> None:
    query = parse(
        [("facility", "ESS"), ("facility", "ILL"), ("t_a", "1.. K"), ("page", "2")]
    ).query()
    newest = (Order(property="creationDate", descending=True),)
    assert (query.limit, query.skip, query.order) == (25, 25, newest)
    assert parse([("q", "silver")]).query().order == ()
    assert query.where == And(
        (
            Related(
                "instrument", Compare(property="facility", operator="inq", operands=("ESS", "ILL"))
            ),
            Related(
                "parameters",
                And(
                    (
                        Compare(property="name", operator="eq", operands=("t_a",)),
                        Compare(property="value", operator="gte", operands=(1.0,)),
                        Compare(property="unit", operator="eq", operands=("K",)),
                    )
                ),
            ),
        )
    )
    years = parse([("year", "2020"), ("year", "..2001")]).query().where
    assert isinstance(years, Or)
    assert len(years.clauses) == 2
