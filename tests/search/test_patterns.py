"""Patterns: the same matches in Python and in PostgreSQL, and nothing that blows up."""

import time

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from panosc.search.patterns import BadPattern, anywhere, escape, fits, split, translate

atoms = st.sampled_from(
    [
        *("a", "b", "L", "é", "0", "-", " ", ".", r"\d", r"\w", r"\s", r"\W", r"\D", r"\b"),
        *(r"\B", r"\.", r"\x61", r"\u0041", "[ab]", "[^a-c]", r"[\w-z]", r"[\d.]", "[[b]"),
        *("[]a]", "{", "}", "a{,2}", "a{2,x}", "(?:ab)", "(?<n>a)", "^", "$"),
    ]
)
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,1}?"])
expressions = st.recursive(
    st.builds("{}{}".format, atoms, quantifiers),
    lambda inner: st.lists(inner, min_size=1, max_size=4).flatmap(
        lambda parts: st.sampled_from(
            ["".join(parts), "|".join(parts), f"({''.join(parts)})", f"(?:{'|'.join(parts)})+"]
        )
    ),
    max_leaves=8,
)
texts = st.text(st.sampled_from("abcLé019-. _zA{}[]\n"), max_size=12)


@pytest.mark.parametrize("flags", ["", "i"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(pattern=expressions, subjects=st.lists(texts, min_size=3, max_size=8))
@example(pattern=r"[\w-z]", subjects=["-", "}", "{"])
@example(pattern=r"a\b", subjects=["aé", "ab", "é a"])
@example(pattern=r"\Ba", subjects=["éa", "ba"])
@example(pattern="a{,2}", subjects=["a{,2}", "aa", "a"])
def test_both_engines_agree(
    engine: sa.Engine, flags: str, pattern: str, subjects: list[str]
) -> None:
    try:
        translated, matches = translate(pattern, flags), fits("regexp", pattern, flags)
    except BadPattern:
        return
    operator = "~*" if flags else "~"
    statement = sa.text(f"select s {operator} :pattern from unnest(cast(:texts as text[])) s")
    with engine.connect() as connection:
        try:
            found = connection.execute(statement, {"pattern": translated, "texts": subjects})
        except sa.exc.DataError as error:
            assert "invalid regular expression" in str(error)  # noqa: PT017
            return
        assert [bool(row[0]) for row in found] == [matches(text) for text in subjects]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    pattern=st.text(st.sampled_from("ab%_\\.*éL"), max_size=6),
    subjects=st.lists(st.text(st.sampled_from("ab%_\\.*éLl\n"), max_size=8), min_size=1),
)
@example(pattern="\\", subjects=["\\", "a"])
@example(pattern="a\\\\\\", subjects=["a\\\\", "a\\"])
def test_like_is_the_same_in_both(engine: sa.Engine, pattern: str, subjects: list[str]) -> None:
    statement = sa.text(
        "select s like :pattern, s ilike :pattern, s ilike :literal, position(:raw in s) > 0"
        " from unnest(cast(:texts as text[])) s"
    )
    values = {"pattern": anywhere(pattern), "texts": subjects, "raw": pattern}
    literal = f"%{escape(pattern)}%"
    like, ilike = fits("like", pattern), fits("ilike", pattern)
    with engine.connect() as connection:
        rows = connection.execute(statement, {**values, "literal": literal}).all()
    assert [tuple(row)[:2] for row in rows] == [(like(text), ilike(text)) for text in subjects]
    assert all(row[2] for row in rows if row[3])


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        (r"(a)\1", "invalid escape"),
        ("(?=a)", "invalid perl operator"),
        ("(?i)a", "Inline flags"),
        ("a{256}", "more than 255 times"),
        ("a{5000}", "repetition size"),
        ("a{255}" * 8, "too large"),
        ("a" * 1001, "longer than"),
        (r"\pL", "not offered"),
        (r"[\D]", "not offered"),
        (r"\x00", "no text has"),
        (r"\ud800", "no text has"),
        ("[[:alpha:]]", "Named classes"),
    ],
)
def test_what_is_not_offered_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(BadPattern, match=reason.replace("(", r"\(").replace(")", r"\)")):
        translate(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^([A-Za-z ]+)+#$",
        "^(a+)+$",
        "(a|aa)+$",
        "(.*a){20}",
        "(x+x+)+y",
        "((a{1,30}){1,30}){1,2}b",
        "(" * 400 + "a" + ")" * 400,
        "|".join("abcdefgh"[i % 8] * (i % 40) for i in range(40)),
        "(?:[a-z]{1,200}[0-9]{1,200}){1,4}#",
    ],
)
def test_no_pattern_takes_long(engine: sa.Engine, pattern: str) -> None:
    subject = "a" * 5000 + "!" + "small angle scattering " * 50
    start, begun = time.thread_time(), time.monotonic()
    try:
        translated = translate(pattern)
    except BadPattern:
        assert time.thread_time() - start < 1
        return
    with engine.connect() as connection:
        connection.execute(sa.text("set local statement_timeout = 1500"))
        try:
            connection.execute(sa.text("select :s ~ :p"), {"s": subject, "p": translated})
        except sa.exc.DBAPIError as error:
            assert "statement timeout" in str(error) or "regular expression" in str(error)  # noqa: PT017
    assert time.thread_time() - start < 1
    # the database stops what takes longer than it may, which some patterns would for minutes
    assert time.monotonic() - begun < 15


def test_the_form_with_slashes() -> None:
    assert split("/^l/i") == ("^l", "i")
    assert split("/a/b/gi") == ("a/b", "i")
    assert split("^l") == ("^l", "")
    assert split("/usr/bin") == ("/usr/bin", "")
    assert split("/") == ("/", "")
    assert fits("regexp", "^b", "m")("a\nb")
    assert not fits("regexp", "a.b")("a\nb")
    assert fits("regexp", "a.b", "s")("a\nb")
    assert translate("^b", "m") == "(?w)^b"
