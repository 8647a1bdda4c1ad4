"""Random questions: the compiled answer equals the brute-force one, for everyone who asks."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import search_questions as questions
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from search_catalogue import NOW, Catalogue
from search_oracle import LINK, MANY, ONE, Oracle
from search_samples import catalogue, redacted

from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.search.loopback import read_filter

SEEDS = (1, 2, 3)
PEOPLE = (ANYONE, ANYONE, Who(person="a", groups=frozenset({"g1"})), OPERATOR)
MODELS = ("Dataset", "Document", "Instrument")

asked = st.sampled_from(MODELS).flatmap(
    lambda model: st.tuples(st.just(model), questions.scope(model, 3))
)
careful = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def whole(filled: Callable[..., Catalogue]) -> dict[int, Catalogue]:
    return {seed: filled(catalogue(seed, NOW)) for seed in SEEDS}


@pytest.fixture(scope="module")
def reduced(filled: Callable[..., Catalogue]) -> dict[int, Catalogue]:
    return {seed: filled(redacted(catalogue(seed, NOW))) for seed in SEEDS}


def rounded(value: Any) -> Any:
    """Numbers to nine digits, so that only what matters is compared."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def judge(catalogue_: Catalogue, oracle: Oracle, model: str, filter_: dict[str, Any]) -> None:
    query = read_filter(filter_, model)
    answer = catalogue_.service.answer(oracle.who, query)
    assert rounded(list(answer.items)) == rounded(oracle.answer(model, filter_)), filter_
    assert answer.total == len(oracle.matching(model, filter_)), filter_


@pytest.mark.parametrize("model", MODELS)
def test_every_property_and_operator(whole: dict[int, Catalogue], model: str) -> None:
    oracles = [Oracle(catalogue(1, NOW), who, NOW) for who in (OPERATOR, ANYONE)]
    found = set()
    for number, where in enumerate(questions.every(model)):
        oracle = oracles[number % 2]
        # with a limit one statement does; without, the total is counted by its own
        judge(whole[1], oracle, model, {"where": where} | ({"limit": 50} if number % 8 else {}))
        found.add(len(oracle.matching(model, {"where": where})))
    assert len(found) > 4


RELATIONS = [
    (model, relation)
    for model in ("Dataset", "Document")
    for kind in (ONE, MANY, LINK)
    for relation in kind.get(model, {})
]


@pytest.mark.parametrize(("model", "relation"), RELATIONS)
def test_every_condition_on_a_relation(
    whole: dict[int, Catalogue], model: str, relation: str
) -> None:
    oracles = [Oracle(catalogue(2, NOW), who, NOW) for who in (OPERATOR, ANYONE)]
    target = oracles[0].target(model, relation)
    found = set()
    # the conditions on these classes are tried one by one above
    step = 5 if target in MODELS else 1
    for number, where in enumerate(islice(questions.every(target), 0, None, step)):
        oracle = oracles[number % 2]
        filter_ = {"include": [{"relation": relation, "scope": {"where": where}}]}
        judge(whole[2], oracle, model, filter_ | ({"limit": 50} if number % 8 else {}))
        found.add(len(oracle.matching(model, filter_)))
    assert len(found) > 2


WITHDRAWN = {
    "include": [
        {
            "relation": "datasets",
            "scope": {
                "include": [
                    {"relation": "samples", "scope": {"include": [{"relation": "datasets"}]}}
                ]
            },
        }
    ]
}
"""Leads a steward to withdrawn datasets by way of their samples."""


@careful
@example(question=("Instrument", WITHDRAWN), seed=1, who=OPERATOR)
@given(question=asked, seed=st.sampled_from(SEEDS), who=st.sampled_from(PEOPLE))
def test_the_answer_is_the_brute_force_one(
    whole: dict[int, Catalogue], question: tuple[str, dict[str, Any]], seed: int, who: Who
) -> None:
    model, filter_ = question
    note(json.dumps(filter_))
    oracle = Oracle(catalogue(seed, NOW), who, NOW)
    judge(whole[seed], oracle, model, filter_)
    total = whole[seed].service.count(who, read_filter(filter_, model))
    assert total == len(oracle.matching(model, filter_))


@careful
@given(question=asked, seed=st.sampled_from(SEEDS))
def test_what_anyone_may_not_see_leaves_no_trace(
    whole: dict[int, Catalogue],
    reduced: dict[int, Catalogue],
    question: tuple[str, dict[str, Any]],
    seed: int,
) -> None:
    """The same answer as from a catalogue that never held the hidden."""
    model, filter_ = question
    query = read_filter(filter_, model)
    from_whole = whole[seed].service.answer(ANYONE, query)
    from_reduced = reduced[seed].service.answer(ANYONE, query)
    assert list(from_whole.items) == list(from_reduced.items)
    assert from_whole.total == from_reduced.total
