"""Reading filters: what is accepted, and where each fault is said to be."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.errors import BadFilter
from panosc.domain.query import And, Compare, Include, Or, Order, Query, Related, Text, Word
from panosc.search.loopback import argument, read_filter, read_where


def where(value: Any, model: str = "Dataset") -> Any:
    return read_where(value, MODEL_BY_NAME[model])


def compared(property_: str, operator: Any, *operands: Any, flags: str = "") -> Compare:
    return Compare(property=property_, operator=operator, operands=operands, flags=flags)


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        (None, And(())),
        ({}, And(())),
        ({"title": "a"}, compared("title", "eq", "a")),
        ({"title": 5}, compared("title", "eq", "5")),
        ({"title": None}, compared("title", "eq", None)),
        ({"title": {"neq": None}}, compared("title", "neq", None)),
        ({"size": "7"}, compared("size", "eq", 7)),
        ({"size": {"gt": "1e3"}}, compared("size", "gt", 1000.0)),
        ({"isPublic": "true"}, compared("isPublic", "eq", True)),
        ({"title": {"inq": ["a", None]}}, compared("title", "inq", "a", None)),
        ({"title": {"regexp": "/^L/i"}}, compared("title", "regexp", "^L", flags="i")),
        ({"title": {"regexp": "^L", "options": "i"}}, compared("title", "regexp", "^L", flags="i")),
        ({"title": {"like": "a", "options": "i"}}, compared("title", "ilike", "a")),
        ({"text": "a b"}, Text("a b")),
        ({"text": 5}, Text("5")),
        ({"instrumentId": "i"}, Related("instrument", compared("pid", "eq", "i"))),
        ({"or": []}, Or(())),
        (
            {"title": {"gt": "a", "lt": "b"}},
            And((compared("title", "gt", "a"), compared("title", "lt", "b"))),
        ),
        (
            {"and": [{"title": "a"}, {"and": [{"size": 1}, {}]}], "kind": "raw"},
            And(
                (
                    compared("title", "eq", "a"),
                    compared("size", "eq", 1),
                    compared("kind", "eq", "raw"),
                )
            ),
        ),
    ],
)
def test_conditions(value: Any, clause: Any) -> None:
    assert where(value) == clause


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-05-05", datetime(2020, 5, 5, tzinfo=UTC)),
        ("2020-05", datetime(2020, 5, 1, tzinfo=UTC)),
        ("2020", datetime(2020, 1, 1, tzinfo=UTC)),
        ("2020-05-05T17:01:02.341+02:00", datetime(2020, 5, 5, 15, 1, 2, 341000, tzinfo=UTC)),
        ("2020-05-05T15:01:02Z", datetime(2020, 5, 5, 15, 1, 2, tzinfo=UTC)),
        (1588690862341, datetime(2020, 5, 5, 15, 1, 2, 341000, tzinfo=UTC)),
    ],
)
def test_times(text: Any, time: datetime) -> None:
    assert where({"creationDate": text}) == compared("creationDate", "eq", time)


def test_a_whole_filter() -> None:
    query = read_filter(
        {
            "where": {"title": "a"},
            "include": [
                "instrument",
                {"relation": "techniques", "scope": {"where": {"name": "b"}, "limit": "2"}},
            ],
            "order": ["title DESC", "size"],
            "limit": 0,
            "offset": 3,
            "fields": {"pid": True, "title": False},
            "query": " some words ",
        },
        "Dataset",
    )
    scope = Query(model="Technique", where=compared("name", "eq", "b"), limit=2)
    assert query == Query(
        model="Dataset",
        where=compared("title", "eq", "a"),
        includes=(
            Include(relation="instrument", scope=Query(model="Instrument")),
            Include(relation="techniques", scope=scope),
        ),
        order=(Order(property="title", descending=True), Order(property="size")),
        limit=None,
        skip=3,
        fields=frozenset({"pid"}),
        words=(Word(text="some"), Word(text="words")),
    )


def test_nulls_and_single_things_are_taken() -> None:
    keys = ("where", "include", "order", "limit", "skip", "offset", "fields", "query")
    assert read_filter(dict.fromkeys(keys), "Dataset") == Query(model="Dataset")
    assert read_filter(None, "Dataset") == Query(model="Dataset")
    one = read_filter({"include": {"relation": "files", "scope": None}}, "Dataset")
    assert one.includes == (Include(relation="files", scope=Query(model="File")),)
    assert read_filter({"order": "", "fields": []}, "Dataset") == Query(model="Dataset")
    assert read_filter({"fields": {"facility": False}}, "Instrument").fields == {"pid", "name"}
    assert read_filter({"fields": "name"}, "Instrument").fields == {"name"}


@pytest.mark.parametrize(
    ("value", "place", "hint"),
    [
        ([], "filter", ""),
        (5, "filter", ""),
        ({"were": {}}, "were", "where"),
        ({"where": "x"}, "where", ""),
        ({"where": {"titlee": "x"}}, "where.titlee", "title"),
        ({"where": {"and": {"title": "x"}}}, "where.and", ""),
        ({"where": {"and": [{"title": "x"}, {"titl": 1}]}}, "where.and[1].titl", "title"),
        ({"where": {"or": [None]}}, "where.or[0]", ""),
        ({"where": {"title": {"likee": "x"}}}, "where.title.likee", "like"),
        ({"where": {"title": {}}}, "where.title", ""),
        ({"where": {"title": ["a"]}}, "where.title", "inq"),
        ({"where": {"title": {"like": None}}}, "where.title.like", ""),
        ({"where": {"title": {"like": ["a"]}}}, "where.title.like", ""),
        ({"where": {"title": {"gt": None}}}, "where.title.gt", ""),
        ({"where": {"title": {"inq": "a"}}}, "where.title.inq", ""),
        ({"where": {"title": {"inq": [{}]}}}, "where.title.inq[0]", ""),
        ({"where": {"size": {"between": [1]}}}, "where.size.between", ""),
        ({"where": {"size": "big"}}, "where.size.eq", ""),
        ({"where": {"size": {"like": "1"}}}, "where.size.like", "gte"),
        ({"where": {"isPublic": "maybe"}}, "where.isPublic.eq", ""),
        ({"where": {"isPublic": {"gt": True}}}, "where.isPublic.gt", ""),
        ({"where": {"creationDate": {"gt": "soon"}}}, "where.creationDate.gt", "2020"),
        ({"where": {"creationDate": 1e300}}, "where.creationDate.eq", "2020"),
        ({"where": {"title": "\0"}}, "where.title.eq", ""),
        ({"where": {"title": {"inq": ["\ud800"]}}}, "where.title.inq[0]", ""),
        ({"where": {"text": {"a": 1}}}, "where.text", ""),
        ({"where": {"title": {"regexp": "("}}}, "where.title.regexp", ""),
        ({"where": {"title": {"regexp": r"(a)\1"}}}, "where.title.regexp", ""),
        ({"where": {"title": {"eq": "a", "options": "i"}}}, "where.title.options", ""),
        ({"where": {"$where": "sleep(1)"}}, "where.$where", ""),
        ({"where": {"__proto__": {"x": 1}}}, "where.__proto__", ""),
        ({"include": [{"relation": "technique"}]}, "include[0].relation", "techniques"),
        ({"include": [{"rel": "files"}]}, "include[0]", "relation"),
        ({"include": [5]}, "include[0]", "relation"),
        ({"include": [{"relation": "files", "scop": {}}]}, "include[0].scop", "scope"),
        (
            {"include": ["files", {"relation": "samples", "scope": {"where": {"namee": 1}}}]},
            "include[1].scope.where.namee",
            "name",
        ),
        ({"include": [{"relation": "files", "scope": 5}]}, "include[0].scope", ""),
        ({"order": "nope"}, "order", "There are"),
        ({"order": ["title", "size UPWARDS"]}, "order[1]", ""),
        ({"order": "title; drop table x"}, "order", ""),
        ({"order": 5}, "order", "title DESC"),
        ({"limit": -1}, "limit", "whole number"),
        ({"limit": "x"}, "limit", "whole number"),
        ({"limit": 1.5}, "limit", "whole number"),
        ({"limit": True}, "limit", "whole number"),
        ({"skip": -1}, "skip", "whole number"),
        ({"offset": "-1"}, "offset", "whole number"),
        ({"skip": 1, "offset": 1}, "offset", ""),
        ({"fields": ["titlee"]}, "fields", "title"),
        ({"fields": 5}, "fields", ""),
        ({"fields": {"title": "perhaps"}}, "fields.title", ""),
        ({"query": 5}, "query", ""),
        ({"where": {"or": [{"title": "x"}] * 1001}}, "where.or", ""),
        ({"where": {"title": {"inq": ["x"] * 5001}}}, "where.title.inq", ""),
        ({"include": ["files"] * 51}, "include", ""),
    ],
)
def test_each_fault_names_its_place(value: Any, place: str, hint: str) -> None:
    with pytest.raises(BadFilter) as caught:
        read_filter(value, "Dataset")
    assert caught.value.field == place
    assert hint in (caught.value.hint or "")
    assert caught.value.status == 400
    assert len(caught.value.detail) < 400


def test_depth_is_bounded() -> None:
    deep: Any = {"title": "x"}
    for _ in range(14):
        deep = {"and": [deep]}
    assert where(deep) == compared("title", "eq", "x")
    with pytest.raises(BadFilter, match="nested more than 14"):
        where({"or": [deep]})
    include: Any = {"relation": "instrument"}
    for name in ("datasets", "instrument") * 5:
        include = {"relation": name, "scope": {"include": [include]}}
    with pytest.raises(BadFilter, match="Includes are nested"):
        read_filter({"include": [include]}, "Instrument" if name == "datasets" else "Dataset")


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"where":{"and":[', '{"a":[{"b":', '[0,"x",'])
def test_a_hundred_kilobytes_of_nesting_name_their_place(opening: str) -> None:
    text = opening * (100_000 // len(opening))
    with pytest.raises(BadFilter, match="nested more than 64 levels") as caught:
        argument([("filter", text)], "filter")
    assert caught.value.field is not None
    assert caught.value.field.startswith("filter")
    assert ("and[0]" in caught.value.field) == ("and" in opening)


@pytest.mark.parametrize(
    "text",
    [
        "{bad",
        "{",
        '"',
        "nul",
        '{"limit":NaN}',
        '{"limit":-Infinity}',
        '{"a":"\\',
        "{" + '"\\"' * 40_000,
    ],
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(BadFilter, match="not JSON"):
        argument([("filter", text)], "filter")


def test_numbers_of_any_length_are_numbers() -> None:
    value = argument([("filter", '{"limit":' + "9" * 5000 + "}")], "filter")
    with pytest.raises(BadFilter, match="limit"):
        read_filter(value, "Dataset")
    assert argument([("filter", "1e999")], "filter") == float("inf")


def test_brackets_mean_the_same() -> None:
    pairs = [
        ("filter[where][and][0][name]", "LoKI"),
        ("filter[where][and][1][facility][like]", "E"),
        ("filter[include][]", "datasets"),
        ("filter[order]", "name DESC"),
        ("filter[limit]", "2"),
        ("other", "x"),
    ]
    assert argument(pairs, "filter") == {
        "where": {"and": [{"name": "LoKI"}, {"facility": {"like": "E"}}]},
        "include": ["datasets"],
        "order": "name DESC",
        "limit": "2",
    }
    several = [("where[name][inq]", "a"), ("where[name][inq]", "b")]
    assert argument(several, "where") == {"name": {"inq": ["a", "b"]}}
    assert argument([], "filter") is None
    assert argument([("filter", " ")], "filter") is None


@pytest.mark.parametrize(
    "pairs",
    [
        [("filter", "{}"), ("filter", "{}")],
        [("filter", "{}"), ("filter[limit]", "2")],
        [("filter[limit]x]", "2")],
        [("filter" + "[a]" * 40, "2")],
        [("filter[a]", "1"), ("filter[a][b]", "2")],
        [("filter[a][b]", "1"), ("filter[a]", "2")],
        [("filter", " " * 300_000 + "{}")],
    ],
)
def test_arguments_that_contradict_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(BadFilter):
        argument(pairs, "filter")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("where", "include", "order", "limit", "skip", "fields", "and", "or"),
                    *("text", "title", "size", "creationDate", "isPublic", "like", "inq"),
                    *("regexp", "gt", "relation", "scope", "techniques", "x", "options"),
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_any_json_is_a_question_or_a_fault_with_a_place(value: Any) -> None:
    try:
        assert isinstance(read_filter(value, "Dataset"), Query)
    except BadFilter as error:
        assert error.field  # noqa: PT017


@given(st.text(st.sampled_from('{}[]",:\\ab01 '), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        argument([("filter", text)], "filter")
    except BadFilter as error:
        assert error.field  # noqa: PT017
