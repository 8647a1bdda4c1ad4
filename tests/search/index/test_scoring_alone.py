"""One record scored alone gets what the index gives it, and is found where the index finds it."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import everyday_rivals as rivals
import pytest
from search_catalogue import Catalogue

from panosc.domain.access import ANYONE
from panosc.domain.query import Query, Word
from panosc.federation.live.records.shaping import Shaped
from panosc.search.language.words import read_words
from panosc.search.scoring import Scorer, Texts, facts_of, forgiven, texts_of

MODELS = ("Dataset", "Document")
FILES = (
    "Affiliation",
    "Person",
    "Instrument",
    "Technique",
    "Sample",
    "Document",
    "Dataset",
    "Member",
    "Parameter",
    "File",
    "DatasetSample",
    "DatasetTechnique",
    "DocumentDataset",
)
NEAR = 0.01
EVERYTHING = Word(text="everything")


@pytest.fixture(scope="module")
def everyday(filled: Callable[..., Catalogue]) -> Catalogue:
    known = [name for name in FILES if (rivals.DATA / f"{name}.ndjson").exists()]
    return filled([(name, row) for name in known for row in rivals.rows(name)])


@pytest.fixture(scope="module")
def said(everyday: Catalogue) -> dict[str, dict[str, Texts]]:
    """All records, as this node answers them to another that ranks them."""
    found: dict[str, dict[str, Texts]] = {}
    for model in MODELS:
        asked = Shaped(Query(model=model, words=(EVERYTHING,))).beyond
        query = Query(model=model, includes=asked.includes, fields=asked.fields)
        items = everyday.service.find(ANYONE, query)
        found[model] = {item["pid"]: texts_of(facts_of(model, item)) for item in items}
    return found


def questions() -> Iterator[tuple[str, str, Any]]:
    rng = random.Random(8)
    for number, one in enumerate(rivals.queries()):
        yield one.model, one.query, "any" if number % 3 else "all"
    for model in MODELS:
        titles = [row["title"].split() for row in rivals.rows(model)]
        for _ in range(20):
            words = rng.choice(titles)
            begin = rng.randrange(len(words))
            some = words[begin : begin + rng.randint(1, 4)]
            text = " ".join(rng.sample(some, len(some)) if rng.random() < 0.4 else some)
            text = text.replace('"', "")
            kind = rng.randrange(5)
            if kind == 0:
                text = f'"{text}"'
            elif kind == 1:
                text = f"+{text} -{rng.choice(words)}"
            elif kind == 2:
                at = rng.randrange(len(text))
                text = text[:at] + rng.choice("aeiou") + text[at + 1 :]
            elif kind == 3:
                text += rng.choice([" elements:Li,Fe", " elements:O", " -elements:Si", " of"])
            yield model, text, rng.choice(["any", "all"])


def test_a_record_alone_scores_as_in_the_index(
    everyday: Catalogue, said: dict[str, dict[str, Texts]]
) -> None:
    compared = mended = 0
    for model, text, plain in questions():
        words = read_words(text, plain=plain)
        answer = everyday.service.answer(ANYONE, Query(model=model, words=words, limit=1000))
        found = {item["pid"]: item["score"] for item in answer.items}
        slips = forgiven(words, said[model].values())
        mended += bool(slips)
        scorer = Scorer(words, slips)
        alone = {pid: scorer.score(one) for pid, one in said[model].items()}
        assert {pid for pid, one in alone.items() if one is not None} == found.keys(), text
        for pid, score in found.items():
            assert alone[pid] == pytest.approx(score, abs=NEAR), (text, pid)
            compared += 1
    assert compared > 500
    assert mended > 3


def test_words_score_only_where_they_stand(said: dict[str, dict[str, Texts]]) -> None:
    item = {"pid": "a", "title": "Tomography of bone", "score": 0.999}
    texts = texts_of(facts_of("Dataset", item))
    [in_title] = [Scorer(read_words("tomography", plain="all")).score(texts)]
    assert in_title is not None
    assert 0.1 < in_title < 0.9
    assert Scorer(read_words("ice", plain="all")).score(texts) is None
    # said a thousand times, a word counts not much more
    lying = {"pid": "b", "title": "tomography " * 1000, "score": 1.0}
    stuffed = Scorer(read_words("tomography", plain="all")).score(
        texts_of(facts_of("Dataset", lying))
    )
    assert stuffed is not None
    assert stuffed < in_title * 1.5


@pytest.mark.parametrize(
    "item",
    [
        {"pid": "a"},
        {"pid": 7, "title": 5, "techniques": None, "instrument": [], "members": {}},
        {"pid": "a", "parameters": [{}, {"name": None}, 3], "files": [{"name": 1}]},
        {"pid": "a", "members": [{"person": None}, {"person": []}], "samples": [[]]},
    ],
    ids=["bare", "wrong kinds", "odd parts", "odd people"],
)
def test_any_shape_can_be_scored(item: dict[str, Any]) -> None:
    for model in (*MODELS, "Instrument"):
        assert Scorer(read_words("ice", plain="any")).score(texts_of(facts_of(model, item))) is None
