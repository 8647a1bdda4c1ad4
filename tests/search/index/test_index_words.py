"""Ranked words: who finds what, in which order, on which page; needles for whoever may see them."""

import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from index_samples import NOW, PEOPLE, Row, Sample
from index_twins import twins
from search_catalogue import Catalogue, catalogue_over

from panosc.domain.access import ANYONE, Who, may
from panosc.domain.query import Query
from panosc.search.index import analysis
from panosc.search.language.words import read_words

WORDS = ("copper", "bone", "ice", "gel", "lifepo4", "na2so4", "zquelle", "zqopper", "zqüber")
"""Words that no technique, instrument or person is called by."""
ROUNDS = 50
STEWARD = Who(person="u-s", roles=frozenset({"steward"}), via="session")
MEMBER = Who(person="u-b", groups=frozenset({"P1"}), via="session")
VIEWERS = list(dict.fromkeys([*PEOPLE, STEWARD]))
OWNED = {"Parameter": ("name", "value"), "File": ("name",)}


class Haystack:
    """A catalogue of words, and what each record says to each viewer, told without the index."""

    def __init__(self, catalogue: Catalogue, made: Sample) -> None:
        self.service, self.guards = catalogue.service, made.guards
        self.core: defaultdict[str, list[str]] = defaultdict(list)
        self.detail: defaultdict[str, list[str]] = defaultdict(list)
        samples = {row["pid"]: row["name"] for model, row in made.rows if model == "Sample"}
        for model, row in made.rows:
            if model in {"Dataset", "Document"}:
                texts = [row.get(name) for name in ("title", "description", "summary")]
                self.core[row["pid"]] += [text for text in texts if text]
            owner = row.get("datasetId", row.get("documentId"))
            for name in OWNED.get(model, ()):
                self.detail[owner] += [row[name]] if isinstance(row[name], str) else []
            if model == "DatasetSample":
                self.detail[owner].append(samples[row["sampleId"]])

    def having(self, who: Who, word: str, stem: str) -> set[str]:
        """Return the records, with PIDs that begin so, whose visible texts have a word."""
        rows = [one[0] for one in analysis.alternatives(word) if len(one) == 1]
        found = set()
        for pid, guard in self.guards.items():
            if pid.startswith(stem) and may(who, "list", guard, now=NOW):
                is_open = may(who, "detail", guard, now=NOW)
                texts = self.core[pid] + (self.detail[pid] if is_open else [])
                terms = frozenset().union(*analysis.impacts({"title": texts}))
                if terms & set(rows):
                    found.add(pid)
        return found

    def ask(self, who: Who, model: str, text: str, *, plain: Any, size: int = 7) -> list[Any]:
        """Return PID and score of all hits, read page by page."""
        found: list[tuple[str, float]] = []
        while True:
            words = read_words(text, plain=plain)
            query = Query(model=model, words=words, limit=size, skip=len(found))
            answer = self.service.answer(who, query)
            page = [(item["pid"], item["score"]) for item in answer.items]
            found += page
            if not page:
                assert answer.total == len(found)
                return found


@pytest.fixture(scope="module")
def haystack(empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]) -> Haystack:
    engine, (made, _) = empty_engine(), twins(5)
    with engine.begin() as connection:
        made.fill(connection)
    return Haystack(catalogue_over(engine, new_home()), made)


@pytest.mark.parametrize("model", ["Dataset", "Document"])
def test_who_finds_what_and_in_which_order(haystack: Haystack, model: str) -> None:
    rng, stem = random.Random(model), "ds/" if model == "Dataset" else "doc/"
    found_some = 0
    for _ in range(ROUNDS):
        who, text = rng.choice(VIEWERS), rng.sample(WORDS, rng.randint(1, 3))
        having = [haystack.having(who, word, stem) for word in text]
        every = haystack.ask(who, model, " ".join(text), plain="all")
        some = haystack.ask(who, model, " ".join(text), plain="any")
        for found in (every, some):
            pids, scores = [pid for pid, _ in found], [score for _, score in found]
            assert len(set(pids)) == len(pids)
            assert all(0 < score < 1 for score in scores)
            assert scores == sorted(scores, reverse=True)
        both = {pid for pid, _ in every}
        if all(having):
            # a word that nothing has is tried with a slip
            assert both == set.intersection(*having), (who, text)
            assert {pid for pid, _ in some} == set.union(*having), (who, text)
            assert both <= {pid for pid, _ in some}
            found_some += bool(both)
            refused = rng.choice(WORDS)
            rest = haystack.ask(who, model, f"{' '.join(text)} -{refused}", plain="all")
            assert {pid for pid, _ in rest} >= both - haystack.having(who, refused, stem)
            if both - haystack.having(who, refused, stem):
                assert {pid for pid, _ in rest} == both - haystack.having(who, refused, stem)
    assert found_some > ROUNDS / 10


NEEDLES = {
    "open": {"title", "sample", "parameter", "file"},
    "embargoed": {"title"},
    "closed": set[str](),
    "withdrawn": set[str](),
}
"""State → where anyone finds a needle."""


def needle(state: str, place: str) -> str:
    """Return a word that stands there and nowhere else."""
    return "needle" + "".join(chr(ord("a") + ord(letter) % 23) for letter in f"{state}{place}")


@pytest.fixture(scope="module")
def planted(filled: Callable[..., Catalogue]) -> Catalogue:
    rows: list[Row] = []
    for number, state in enumerate(NEEDLES):
        pid = f"ds/{state}"
        word = {place: needle(state, place) for place in NEEDLES["open"]}
        owner = {"datasetId": pid}
        guard = {"access": state, "ownerGroup": "P1", "isPublic": state == "open"}
        rows += [
            ("Dataset", {"pid": pid, "title": f"A {word['title']} in hay", **guard}),
            ("Sample", {"pid": f"s/{state}", "name": word["sample"]}),
            ("DatasetSample", {**owner, "sampleId": f"s/{state}"}),
            ("Parameter", {"id": number, "name": "remark", "value": word["parameter"], **owner}),
            ("File", {"id": number, "name": f"{word['file']}.nxs", "size": 1, **owner}),
        ]
    rows += [
        ("Dataset", {"pid": f"ds/hay{number}", "title": "hay in hay", "access": "open"})
        for number in range(200)
    ]
    return filled(rows)


@pytest.mark.parametrize("who", [ANYONE, MEMBER, STEWARD], ids=["anyone", "member", "steward"])
@pytest.mark.parametrize("state", NEEDLES)
def test_needles_are_found_by_those_who_may_see_them(
    planted: Catalogue, state: str, who: Who
) -> None:
    everywhere = NEEDLES["open"] if state != "withdrawn" else set()
    expected = NEEDLES[state] if who is ANYONE else everywhere
    for place in NEEDLES["open"]:
        words = read_words(needle(state, place), plain="all")
        answer = planted.service.answer(who, Query(model="Dataset", words=words, limit=5))
        found = [item["pid"] for item in answer.items]
        assert found == ([f"ds/{state}"] if place in expected else []), place
        assert answer.total == len(found)
