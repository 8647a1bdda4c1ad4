"""Forty everyday queries and those of the standard, against plain BM25 and PostgreSQL.

The queries and what has to come first were written before the ranking; see ``everyday/README.md``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import everyday_rivals as rivals
import pytest
import sqlalchemy as sa
import tantivy
from search_catalogue import Catalogue

from panosc.domain.access import ANYONE
from panosc.domain.query import Query
from panosc.search.index import gathering, schema
from panosc.search.index.access import Gate
from panosc.search.index.searching import Moment
from panosc.search.language.words import read_words

HARD = {"formula", "synonym", "unit", "typo"}
Ranks = dict[str, dict[rivals.Everyday, float]]


@pytest.fixture(scope="module")
def asks(
    empty_engine: Callable[[], sa.Engine], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, rivals.Ask]]:
    engine, home = empty_engine(), tmp_path_factory.mktemp("everyday")
    ours = rivals.ours(engine, Path(home))
    loose = replace(ours, plain="any")
    with closing(engine.connect()) as connection:
        yield {
            "ours": ours,
            "loose": loose,
            "bm25": rivals.plain_bm25(),
            "postgres": rivals.postgres(connection),
        }


@pytest.fixture(scope="module")
def ranks(asks: dict[str, rivals.Ask]) -> Ranks:
    return {
        name: {one: one.rank(ask(one.model, one.query)) for one in rivals.queries()}
        for name, ask in asks.items()
    }


def total(ranks: dict[rivals.Everyday, float], aspect: str) -> float:
    return sum(value for one, value in ranks.items() if one.aspect == aspect)


def test_there_are_forty_that_cover_what_is_hard() -> None:
    found = rivals.queries()
    assert len(found) == 40
    assert {one.aspect for one in found} > HARD
    known = {row["pid"] for model in ("Dataset", "Document") for row in rivals.rows(model)}
    assert {pid for one in found for pid in one.expect} <= known


@pytest.mark.parametrize("one", rivals.queries(), ids=lambda one: one.slug)
def test_what_was_expected_comes_first_and_never_later_than_elsewhere(
    one: rivals.Everyday, ranks: Ranks
) -> None:
    assert ranks["ours"][one] == 1.0
    assert ranks["loose"][one] == 1.0
    assert ranks["ours"][one] >= max(ranks["bm25"][one], ranks["postgres"][one])


@pytest.mark.parametrize("aspect", sorted(HARD))
@pytest.mark.parametrize("rival", ["bm25", "postgres"])
def test_better_where_it_is_hard(aspect: str, rival: str, ranks: Ranks) -> None:
    assert total(ranks["ours"], aspect) > total(ranks[rival], aspect)


@pytest.mark.parametrize("name", ["ours", "loose"])
def test_first_by_score_and_not_by_chance(name: str, asks: dict[str, rivals.Ask]) -> None:
    """Nothing else scores as high as the best of those that are expected."""
    ours = asks[name]
    assert isinstance(ours, rivals.Ours)
    for one in rivals.queries():
        found = ours.scores(one.model, one.query)
        best = max(score for pid, score in found.items() if pid in one.expect)
        others = [score for pid, score in found.items() if pid not in one.expect]
        assert not others or best > max(others), one.query


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('"growth of thin needles"', ["092"]),
        ('"growth thin needles"', []),
        ('"ratio of Fe³⁺ to total iron"', ["165"]),
        ('"small-angle scattering of x rays" copolymer', ["040"]),
        ("olivine -meteorite -ringwoodite +ambient", ["134"]),
        ("elements:Bi,Se", ["217"]),
        ("elements:Bi,Se,Te", []),
        ("lysozyme the", ["026", "027", "028", "029", "030", "123", "124", "126"]),
        ("zzzzzzzz", []),
        # the stems of what was typed and of what was meant are two letters apart
        ("skyrmionz helicaal", []),
        ("skyrmiions mellting", ["075"]),
        ("ferroelectrik", ["160"]),
        ("Ryuguu gain", ["224", "225"]),
    ],
)
def test_what_is_found(query: str, found: list[str], asks: dict[str, rivals.Ask]) -> None:
    got = asks["ours"]("Dataset", query)
    assert sorted(pid[-3:] for pid in got) == found


def test_where_a_word_stands_says_how_much(asks: dict[str, rivals.Ask]) -> None:
    def found(query: str) -> list[str]:
        return [pid[-3:] for pid in asks["ours"]("Dataset", query)]

    # two titles, then a description
    assert found("LiFePO4") == ["001", "230", "002"]
    # a title and a technique of one's own, then all whose technique is a kind of it
    assert found("imaging")[0] == "157"
    assert len(found("imaging")) > 10
    assert found("tomography")[0] == "065"


@pytest.mark.parametrize("query", ["LiFePO4 operando", "diffraction", '"fast charge" cathodes'])
def test_a_record_scores_alike_wherever_it_is(query: str, asks: dict[str, rivals.Ask]) -> None:
    """Alone in an index as among hundreds: what else there is does not count."""
    ours = asks["ours"]
    assert isinstance(ours, rivals.Ours)
    pid = "20.500.99999/everyday-001"
    with ours.service._engine.connect() as connection:
        find = sa.text("select id from dataset where pid = :pid")
        keys = connection.execute(find, {"pid": pid}).scalars().all()
        found = list(gathering.documents(connection, "Dataset", keys))
    fields = schema.build()
    index = tantivy.Index(fields)
    writer = index.writer(num_threads=1)
    for document in found:
        writer.add_document(document)
    writer.commit()
    index.reload()
    gate = Gate(fields, ANYONE, now=rivals.NOW, shared=())
    moment = Moment(index, index.searcher(), gate)
    question = Query(model="Dataset", words=read_words(query, plain="all"))
    [alone] = moment.best(moment.query(question, None), limit=5).scores
    assert alone == pytest.approx(ours.scores("Dataset", query)[pid], rel=1e-6)


def test_the_rivals_are_not_hampered(ranks: Ranks) -> None:
    """They do find what needs no more than words."""
    by_name = {
        name: defaultdict(float, {one.query: value for one, value in found.items()})
        for name, found in ranks.items()
    }
    for rival in ("bm25", "postgres"):
        assert by_name[rival]["lipid bilayer neutron reflectometry"] == 1.0
        assert by_name[rival]["radiation damage lysozyme"] == 1.0


def test_the_technique_queries_of_the_standard(tagged: Catalogue) -> None:
    ours = rivals.our_techniques(tagged.service)
    bm25, postgres = rivals.bm25_techniques(), rivals.postgres_techniques(tagged.engine)
    cases = rivals.technique_cases()
    assert [number for number, _, _ in cases] == list(range(1, 11))
    sums = [0.0, 0.0]
    for number, filter_, expected in cases:
        assert rivals.agreement(ours(filter_), expected) == 1.0
        words = rivals.IN_WORDS[number]
        sums[0] += rivals.agreement(bm25(words), expected)
        sums[1] += rivals.agreement(postgres(words), expected)
    # engines of words do not know what is narrower
    assert 0 < sums[0] < 10
    assert 0 < sums[1] < 10
