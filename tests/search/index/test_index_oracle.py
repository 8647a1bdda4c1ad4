"""Random questions: index, SQL and brute force give equal answers, whoever asks and whenever."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement, product
from pathlib import Path

import pytest
import sqlalchemy as sa
from index_judging import Judge, asked, change, first_fault, is_answered
from index_samples import NOW, PEOPLE, Row, sample
from search_catalogue import Catalogue

from panosc.catalogue import changes, tables
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import Invalid
from panosc.domain.query import And, Order, Query
from panosc.search.index.following import rebuild
from panosc.search.language.selection import FACETS, SORTS, Excluded, Selection
from panosc.search.loopback.filter import read_filter
from panosc.search.service import SearchService
from panosc.settings import Settings

CATALOGUES, QUESTIONS, LATE, WALKS = 3, 800, 150, 20


@pytest.fixture(scope="module")
def judge_of(
    empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]
) -> Callable[[int], Judge]:
    """Makes a random catalogue with its index."""

    def make(seed: int) -> Judge:
        engine, settings = empty_engine(), Settings(home=new_home())
        made = sample(seed)
        with engine.begin() as connection:
            made.fill(connection)
        rebuild(engine, settings, lambda: NOW, tell=lambda _done, _total: None)
        return Judge(engine, settings, made)

    return make


@pytest.fixture(scope="module")
def judges(judge_of: Callable[[int], Judge]) -> list[Judge]:
    return [judge_of(seed) for seed in range(CATALOGUES)]


def test_index_sql_and_brute_force_agree(judges: list[Judge]) -> None:
    fault = first_fault(judges, range(QUESTIONS))
    assert fault is None, fault
    counts = sum((judge.counts for judge in judges), Counter[str]())
    assert counts["asked"] == QUESTIONS
    # it is not SQL that is held against itself, nor nothing against nothing
    assert counts["by the index"] > 0.5 * QUESTIONS, counts
    assert counts["found some"] > 0.4 * QUESTIONS, counts


def test_index_and_sql_agree_while_it_lags(judge_of: Callable[[int], Judge]) -> None:
    """Whatever changes, nothing follows."""
    judge = judge_of(0)
    judge.sample = None
    change(judge.engine, seed=7)
    judge.counts.clear()
    fault = first_fault([judge], range(QUESTIONS, QUESTIONS + LATE))
    assert fault is None, fault
    assert judge.counts["by the index"] > 0.25 * LATE, judge.counts


def walked(service: SearchService, who: Who, query: Query, *, limit: int) -> list[str]:
    """Return what is found when each page begins behind the last record of the one before."""
    found: list[str] = []
    totals = set()
    while True:
        after = found[-1] if found else None
        answer = service.answer(who, replace(query, limit=limit, after=after))
        page = [item["pid"] for item in answer.items]
        totals.add(answer.total)
        found += page
        assert len(found) <= answer.total
        if len(page) < limit:
            assert totals == {len(found)}, "the total is that of all pages"
            return found


def _walks(judge: Judge, seeds: range) -> None:
    by_index = 0
    for seed in seeds:
        question, who, judge.now = asked(seed)
        rng = random.Random(seed)
        name = rng.choice([*SORTS.values(), "releaseDate", "kind"])
        order = (Order(property=name, descending=rng.random() < 0.5),)
        where = question.query().where if question.model == "Dataset" else And(())
        query = Query(model="Dataset", where=where, order=order, fields=frozenset({"pid"}))
        whole = [item["pid"] for item in judge.by_sql.find(who, query)]
        for service in (judge.by_sql, judge.by_index):
            limit = rng.choice((3, 7, 20))
            assert walked(service, who, query, limit=limit) == whole, (seed, query, who)
        moment = judge.index.last
        by_index += moment is not None and is_answered(moment, query)
    assert by_index > 0.25 * len(seeds)


def test_pages_behind_one_another_are_the_whole_answer(judges: list[Judge]) -> None:
    for judge in judges:
        _walks(judge, range(WALKS))


def test_pages_behind_one_another_while_the_index_lags(judge_of: Callable[[int], Judge]) -> None:
    judge = judge_of(0)
    change(judge.engine, seed=7)
    _walks(judge, range(WALKS, 2 * WALKS))


SELECTIONS = (
    Selection(),
    Selection(kind=("raw",)),
    Selection(access=("embargoed", "closed")),
    Selection(year=("2020..",), excluded=(Excluded(name="kind", value="raw"),)),
)


def test_facets_are_exact_while_the_index_lags(judge_of: Callable[[int], Judge]) -> None:
    judge = judge_of(1)

    def touch() -> None:
        """Change datasets alone, so that all else in the index still holds."""
        table = tables.dataset
        with judge.engine.begin() as connection:
            pids = sorted(connection.scalars(sa.select(table.c.pid)))[::3]
            later = table.c.creation_date + timedelta(days=400)
            change = sa.update(table).where(table.c.pid.in_(pids))
            connection.execute(change.values(kind="simulated", creation_date=later))
            changes.append(connection, [("Dataset", pid) for pid in pids])

    for seed, happens in enumerate((lambda: None, touch, lambda: change(judge.engine, seed=7))):
        happens()
        for who, selection in product(PEOPLE, SELECTIONS):
            one, other = (
                service.facets(who, selection, FACETS) for service in (judge.by_index, judge.by_sql)
            )
            assert one == other, (seed, who, selection)
            assert not judge.by_index.answer(who, selection.query()).is_least
    found = judge.by_index.parameters(ANYONE, Selection(), limit=1)
    assert found[0].is_least, "those of changed records are not known"
    assert judge.by_index.answer(ANYONE, Selection(words="of").query()).is_least


def test_what_cannot_be_seen_is_no_place_to_begin(judges: list[Judge]) -> None:
    judge = judges[0]
    query = Query(model="Dataset", order=(Order(property="creationDate"),), limit=5)
    seen = {item["pid"] for item in judge.by_sql.find(ANYONE, Query(model="Dataset"))}
    with judge.engine.connect() as connection:
        hidden = set(connection.scalars(sa.text("select pid from dataset"))) - seen
    assert hidden
    for service in (judge.by_sql, judge.by_index):
        said = set()
        for pid in (*sorted(hidden), "never", "\0", "\ud800"):
            with pytest.raises(Invalid, match="after which to go on") as caught:
                service.answer(ANYONE, replace(query, after=pid))
            said.add(caught.value.detail.replace(pid, "PID"))
            assert caught.value.field == "after"
        assert len(said) == 1


NUMBERS = (-1e300, -2.5, -1.0, -0.0, 0.0, 5e-324, 1.0, 1.064, 3.0, 2.0**53, 1e300)


@pytest.fixture(scope="module")
def measured(filled: Callable[..., Catalogue]) -> Catalogue:
    rows: list[Row] = []
    for place, number in enumerate(NUMBERS):
        owner = {"datasetId": f"ds/{place}"}
        rows.append(("Dataset", {"pid": f"ds/{place}", "access": "open"}))
        rows.append(("Parameter", {"id": place, "name": "x", "value": number, **owner}))
    return filled(rows)


@pytest.mark.parametrize("ends", ["[]", "[)", "(]", "()"])
def test_ends_of_ranges_may_be_whole_or_not(measured: Catalogue, ends: str) -> None:
    """The library of the index fails where one end is a whole number and the other is not."""
    above, below = "gte" if ends[0] == "[" else "gt", "lte" if ends[1] == "]" else "lt"
    for low, high in combinations_with_replacement(NUMBERS, 2):
        value = {above: low, below: high}
        where = {"and": [{"name": "x"}, {"value": value}]}
        include = {"relation": "parameters", "scope": {"where": where}}
        query = read_filter({"include": [include], "fields": ["pid"]}, "Dataset")
        found = {item["pid"] for item in measured.service.find(ANYONE, query)}
        assert found == {
            f"ds/{place}"
            for place, number in enumerate(NUMBERS)
            if (low < number or (number == low and above == "gte"))
            and (number < high or (number == high and below == "lte"))
        }, value
