"""Conditions looked at on answered records mean what they mean in the database.

The judge is the brute-force oracle of the search tests, which agrees with the database there.
"""

import json
import sys
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from panosc.domain.access import OPERATOR
from panosc.federation.live.records.applying import fits, moment
from panosc.federation.live.records.cleaning import cleaned
from panosc.federation.live.records.shaping import Shaped
from panosc.federation.parts import parts_of
from panosc.search.loopback import read_filter

sys.path.append(str(Path(__file__).parents[2] / "search"))
import search_questions as questions
from search_catalogue import NOW
from search_oracle import LINK, MANY, ONE, Oracle
from search_samples import catalogue

MODELS = ("Dataset", "Document", "Instrument")
SEEDS = (1, 2, 3)
HIDDEN = {"open_", "instrumentId", "datasetId", "documentId", "personId", "affiliationId"}
STEP = 5
"""Of the many conditions on a relation, those of the classes alone are tried all."""
DEPTH = 3
"""How deep the records of an answer stand in one another."""


def record(oracle: Oracle, model: str, row: dict[str, Any], depth: int) -> dict[str, Any]:
    """A record with all that is related to it, as a catalogue would answer it."""
    relations = [name for kind in (ONE, MANY, LINK) for name in kind.get(model, {})]
    item = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
        if value is not None and name not in HIDDEN
    }
    if depth:
        for name in relations:
            target, rows = oracle.related(model, row, name)
            found = [record(oracle, target, one, depth - 1) for one in rows]
            if name not in ONE.get(model, {}):
                item[name] = found
            elif found:
                item[name] = found[0]
    return item


Items = dict[str, list[dict[str, Any]]]


def answers(oracle: Oracle, depth: int) -> Items:
    """All records, cleaned as those of strangers are."""
    return {
        model: [
            item
            for row in oracle.matching(model, {})
            if (item := cleaned(record(oracle, model, row, depth), model)) is not None
        ]
        for model in MODELS
    }


@cache
def oracle_of(seed: int) -> Oracle:
    return Oracle(catalogue(seed, NOW), OPERATOR, NOW)


@cache
def items_of(seed: int, depth: int) -> Items:
    return answers(oracle_of(seed), depth)


def told(value: Any) -> Any:
    """What an answer says: numbers to nine digits, times as moments."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, str) and value[4:5] == "-" and moment(value):
        return moment(value)
    if isinstance(value, dict):
        return {key: told(item) for key, item in value.items()}
    return [told(item) for item in value] if isinstance(value, list) else value


def judge(oracle: Oracle, items: Items, model: str, filter_: dict[str, Any]) -> int:
    expected = sorted(row["pid"] for row in oracle.matching(model, filter_))
    clauses = parts_of(Shaped(read_filter(filter_, model)).beyond).values()
    found = [one["pid"] for one in items[model] if all(fits(c, model, one) for c in clauses)]
    assert sorted(found) == expected, filter_
    return len(expected)


@pytest.mark.parametrize("model", MODELS)
def test_every_property_and_operator(model: str) -> None:
    found = {
        judge(oracle_of(2), items_of(2, 1), model, {"where": where})
        for where in questions.every(model)
    }
    assert len(found) > 4


RELATIONS = [
    (model, relation)
    for model in ("Dataset", "Document")
    for kind in (ONE, MANY, LINK)
    for relation in kind.get(model, {})
]


@pytest.mark.parametrize(("model", "relation"), RELATIONS)
def test_every_condition_on_a_relation(model: str, relation: str) -> None:
    target = oracle_of(2).target(model, relation)
    found = set()
    for where in islice(questions.every(target), 0, None, STEP):
        filter_ = {"include": [{"relation": relation, "scope": {"where": where}}]}
        found.add(judge(oracle_of(2), items_of(2, 1), model, filter_))
    assert len(found) > 1


asked = st.sampled_from(MODELS).flatmap(
    lambda model: st.tuples(st.just(model), questions.scope(model, DEPTH))
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(question=asked, seed=st.sampled_from(SEEDS))
def test_what_fits_is_what_the_database_finds(
    question: tuple[str, dict[str, Any]],
    seed: int,
) -> None:
    model, filter_ = question
    note(json.dumps(filter_))
    oracle, items = oracle_of(seed), items_of(seed, DEPTH)
    judge(oracle, items, model, filter_)
    shaped = Shaped(read_filter(filter_, model))
    by_pid = {item["pid"]: item for item in items[model]}
    for row in oracle.matching(model, filter_):
        shown = shaped.finished(by_pid[row["pid"]], is_own=False)
        assert told(shown) == told(oracle.shown(model, row, filter_)), filter_
