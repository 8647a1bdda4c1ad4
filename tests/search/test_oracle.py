"""Random questions: the compiled answer equals the brute-force one, for everyone who asks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import search_questions as questions
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from search_catalogue import NOW, Catalogue
from search_oracle import Oracle
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
    max_examples=400,
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


@careful
@given(question=asked, seed=st.sampled_from(SEEDS), who=st.sampled_from(PEOPLE))
def test_the_answer_is_the_brute_force_one(
    whole: dict[int, Catalogue], question: tuple[str, dict[str, Any]], seed: int, who: Who
) -> None:
    model, filter_ = question
    note(json.dumps(filter_))
    oracle = Oracle(catalogue(seed, NOW), who, NOW)
    query = read_filter(filter_, model)
    answer = whole[seed].service.answer(who, query)
    assert rounded(list(answer.items)) == rounded(oracle.answer(model, filter_))
    total = len(oracle.matching(model, filter_))
    assert answer.total == total
    assert whole[seed].service.count(who, query) == total


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
