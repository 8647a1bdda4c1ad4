"""The URL grammar: every selection is spelt and read back; nothing makes it fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.query import And, Compare, Or, Order, Query, Related
from panosc.search.language.selection import (
    Between,
    Matching,
)
from panosc.search.language.url import parse


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
        ("0.1 1/angstrom..", 0.1, None, "1/angstrom"),
        ("0.1 1/nm..0.3 1/angstrom", 0.01, 0.3, "1/angstrom"),
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
