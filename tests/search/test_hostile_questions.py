"""Hostile and careless requests over HTTP: an answer or a 400, soon, and never a 500."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import requests
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_catalogue import NOW, Catalogue

from panosc.catalogue import tables
from panosc.domain.access import ANYONE
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.errors import BadFilter, Busy
from panosc.domain.query import Compare
from panosc.search.reading import Reading
from panosc.search.sql.columns import Viewer, compare


def get(client: httpx.Client, filter_: Any, path: str = "/Datasets") -> requests.Response:
    text = filter_ if isinstance(filter_, str) else json.dumps(filter_)
    return ask(client, path, {"filter": text})


def ask(client: httpx.Client, path: str, arguments: dict[str, str]) -> requests.Response:
    """Ask with a client that has no limit of its own to the length of an address."""
    start = time.perf_counter()
    address = f"{str(client.base_url).rstrip('/')}{path}"
    reply = requests.get(address, params=arguments, timeout=30)
    # far beyond what a busy machine takes, and far below what a runaway pattern would
    assert time.perf_counter() - start < 15
    return reply


def problem(reply: requests.Response) -> dict[str, Any]:
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["access-control-allow-origin"] == "*"
    body: dict[str, Any] = reply.json()
    assert body["error"]["statusCode"] == 400
    assert body["error"]["message"] == body["detail"]
    return body


@pytest.mark.parametrize("opening", ["[", '{"where":{"and":[', '{"include":[{"scope":'])
def test_a_hundred_kilobytes_of_nesting(standard_client: httpx.Client, opening: str) -> None:
    body = problem(get(standard_client, opening * (100_000 // len(opening))))
    assert body["field"].startswith("filter")


@pytest.mark.parametrize(
    "value",
    [
        "' or 1=1 --",
        "'; drop table dataset; --",
        "<script>alert(1)</script>",
        "%27%20or%201=1",
        "\\",
        "${7*7}{{7*7}}",
        "😀\ud83d\ude00",
        "\u202eabc",
        "x" * 60_000,
        "%",
        "_",
        "$1",
        ":name",
        "%(name)s",
        "%s",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        '{"name": V}',
        '{"name": {"neq": V}}',
        '{"name": {"like": V}}',
        '{"name": {"ilike": V}}',
        '{"name": {"inq": [V, V]}}',
        '{"name": {"regexp": V}}',
        '{"text": V}',
        '{V: "x"}',
        '{"name": {V: "x"}}',
    ],
)
def test_any_text_is_an_ordinary_value(
    standard: Catalogue, standard_client: httpx.Client, place: str, value: str
) -> None:
    value = value.encode("utf-16", "surrogatepass").decode("utf-16")
    where = place.replace("V", json.dumps(value))
    for filter_, path in (
        (f'{{"where":{where}}}', "/Instruments"),
        (f'{{"include":[{{"relation":"techniques","scope":{{"where":{where}}}}}]}}', "/Datasets"),
    ):
        reply = get(standard_client, filter_, path)
        assert reply.status_code in {200, 400}, reply.text[:300]
        if reply.status_code == 200 and len(value) > 2 and "neq" not in place:
            assert reply.json() == []
    with standard.engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from dataset")) == 4


@pytest.mark.parametrize("value", ["\0", "a\0b", "\ud800", "\udfff x"])
def test_characters_that_no_text_has(standard_client: httpx.Client, value: str) -> None:
    text = json.dumps(value)
    for place in ('"title":', '"title":{"like":', '"text":', '"title":{"inq":['):
        end = "}" * place.count("{") if "[" not in place else "]}"
        body = problem(get(standard_client, f'{{"where":{{{place}{text}{end}}}}}'))
        assert body["field"].startswith("where.")
    assert standard_client.get("/Datasets/a%00b").status_code == 404
    assert standard_client.get("/Datasets/%ff%fe").status_code == 404


@pytest.mark.parametrize(
    "number", ["9" * 19, "9" * 400, "-" + "9" * 5000, "1e400", "-1e400", "1.5"]
)
@pytest.mark.parametrize("operator", ["eq", "neq", "gt", "gte", "lt", "lte", "inq", "between"])
def test_numbers_of_any_size(standard_client: httpx.Client, number: str, operator: str) -> None:
    value = {"inq": f"[{number},1]", "between": f"[{number},{number}]"}.get(operator, number)
    condition = f'{{"{operator}":{value}}}'
    assert get(standard_client, f'{{"where":{{"size":{condition}}}}}').status_code == 200
    scope = f'{{"where":{{"name":"photon_energy","value":{condition},"unit":"keV"}}}}'
    include = f'{{"include":[{{"relation":"parameters","scope":{scope}}}]}}'
    reply = get(standard_client, include)
    is_met = operator == "neq" or (
        number.startswith("-") == (operator in {"gt", "gte"}) and operator[0] in "gl"
    )
    assert [item["pid"][-8:] for item in reply.json()] == ["dataset2"] * (
        is_met or (number == "1.5" and operator in {"lt", "lte"})
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "^([A-Za-z ]+)+#$",
        "(a|aa)+$",
        "((((a{1,10}){1,10}){1,10}){1,10})",
        "(" * 5000,
        "(?:[a-z]{1,200}[0-9]{1,200}){1,4}#",
        "a{1,255}" * 7,
        "[",
        "*",
        "(?<=a)b",
        r"(\w+)\s\1",
        "/x/yz",
        "//",
        "",
    ],
)
def test_regular_expressions(standard_client: httpx.Client, pattern: str) -> None:
    reply = get(standard_client, {"where": {"title": {"regexp": pattern}}})
    if reply.status_code != 200:
        assert problem(reply)["field"] == "where.title.regexp"


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/Datasets", {"filter": '{"where":{"or":[' + '{"title":"x"},' * 5000 + "{}]}}"}),
        ("/Datasets", {"filter": '{"where":{"title":{"inq":[' + '"x",' * 10_000 + '"y"]}}}'}),
        ("/Datasets", {"filter": '{"include":[' + '"files",' * 1000 + '"files"]}'}),
        ("/Datasets/count", {"where": '{"nope":1}'}),
        ("/Datasets/count", {"where[title][nope]": "1"}),
        ("/Datasets/20.500.12269/panosc-dataset1/files", {"filter": '{"where":{"nope":1}}'}),
        ("/Datasets/20.500.12269/panosc-dataset1/files/count", {"where": "5"}),
        ("/Datasets/20.500.12269/panosc-dataset1", {"filter": "{"}),
    ],
)
def test_too_much_and_nonsense(
    standard_client: httpx.Client, path: str, arguments: dict[str, str]
) -> None:
    body = problem(ask(standard_client, path, arguments))
    assert body["field"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("where", "include", "order", "limit", "skip", "fields", "and", "or"),
                    *("text", "title", "pid", "size", "creationDate", "like", "inq", "gt"),
                    *("relation", "scope", "name", "value", "unit", "query", "neq"),
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=json_values, path=st.sampled_from(["/Datasets", "/Documents", "/Instruments"]))
def test_any_json_gets_an_answer_or_a_reason(
    standard_client: httpx.Client, value: Any, path: str
) -> None:
    reply = get(standard_client, json.dumps(value), path)
    assert reply.status_code == 200 or problem(reply)


@pytest.mark.parametrize(("limit_s", "kind"), [(0.3, BadFilter), (None, Busy)])
def test_a_question_that_takes_too_long_is_stopped(
    standard: Catalogue, limit_s: float | None, kind: type[Exception]
) -> None:
    """In the transaction of a question: by its own limit, or that of every query."""
    slow = sa.select(sa.func.pg_sleep(20))
    with standard.engine.connect() as connection:
        connection.exec_driver_sql("set local statement_timeout = 400")
        reading = Reading(connection, Viewer(who=ANYONE, now=NOW), regexp_limit_s=limit_s)
        start = time.perf_counter()
        with pytest.raises(kind, match="took"):
            reading.run(slow)
        # far beyond what a busy machine takes, and far below what a runaway pattern would
    assert time.perf_counter() - start < 15


@pytest.mark.parametrize(("number", "is_in"), [(2**62, True), (2**62 + 1, False)])
def test_numbers_that_no_double_tells_apart(standard, number: int, is_in: bool) -> None:
    """One end of the range has a fraction, so that it is no comparison of whole numbers."""
    asked = Compare(property="size", operator="between", operands=(6.5, 2**62))
    table = tables.dataset
    viewer = Viewer(who=ANYONE, now=datetime(2026, 1, 1, tzinfo=UTC))
    condition = compare(asked, MODEL_BY_NAME["Dataset"], table, viewer)
    with standard.engine.connect() as connection:
        connection.execute(sa.update(table).values(size=number))
        count = connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition))
        connection.rollback()
    assert bool(count) is is_in
