"""What is hidden leaves no trace in the index: to strangers two catalogues that differ in it agree.

Closed records are missing in one of the two, the detail of those under embargo is another. Asked
is everything that the index answers; the same over HTTP is the matter of ``tests/matrix``.
"""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from index_samples import QUANTITIES
from index_twins import COMMON, SECRET, twins
from search_catalogue import Catalogue, catalogue_over

from panosc.domain.access import ANYONE, Who
from panosc.domain.query import Query
from panosc.search.known import KnownTo
from panosc.search.language.completing import complete
from panosc.search.language.selection import FACETS, Selection
from panosc.search.language.url import parse
from panosc.search.language.words import read_words

STRANGERS = (ANYONE, Who(person="u-z", via="session"))
MEMBER = Who(person="u-b", groups=frozenset({"P1", "P2", "P'3"}), via="session")
Ask = Callable[[Catalogue, Who], Any]


@pytest.fixture(scope="module")
def pairs(
    empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]
) -> list[tuple[Catalogue, Catalogue]]:
    found = []
    for seed in (1, 2):
        both = []
        for made in twins(seed):
            engine = empty_engine()
            with engine.begin() as connection:
                made.fill(connection)
            both.append(catalogue_over(engine, new_home()))
        found.append((both[0], both[1]))
    return found


def texts() -> Iterator[str]:
    """Words alone, with a slip, in pairs, as phrases, left out, as elements, and begun."""
    every = (*COMMON, *SECRET)
    for word in every:
        yield from (word, f"-{word} copper", f'"{word} ice"', f"{word}x", word[:-1], word[1:])
    yield from (f'"{one} {other}"' for one, other in product(every[::3], every[1::3]))
    yield from (f"{one} {other}" for one, other in product(COMMON[:4], every[::2]))
    yield from (f"elements:{one}" for one in ("U", "Pu", "Li,Fe", "Na", "O,S", "U,O", "F"))
    yield from ("another", "elsewhere", "zq_hidden", "4711.5", "nxs", "Copperfield")


def words(text: str, plain: Any) -> Ask:
    query = Query(model="Dataset", words=read_words(text, plain=plain), limit=10)

    def ask(catalogue: Catalogue, who: Who) -> Any:
        found = []
        for model in ("Dataset", "Document"):
            for skip in (0, 10):
                asked = Query(model=model, words=query.words, limit=10, skip=skip)
                answer = catalogue.service.answer(who, asked)
                hits = [(item["pid"], item["score"]) for item in answer.items]
                found.append((hits, answer.total))
        return found

    return ask


def selections() -> Iterator[Selection]:
    """What a visitor may choose: words, facets, ranges of what is hidden and of what is not."""
    chosen: list[dict[str, str]] = [{}, {"facility": "ESS"}, {"technique": "SANS"}]
    chosen += [{"q": word} for word in (*COMMON[::2], *SECRET)]
    chosen += [{"zq_hidden": "4000..5000"}, {"zq_hidden": "1.."}, {"temperature": "0..400K"}]
    chosen += [{"access": state} for state in ("embargoed", "closed")]
    chosen += [{"q": "copper", "kind": "raw", "temperature": "200..300K"}]
    for one in chosen:
        yield parse(list(one.items()))


def counted(selection: Selection) -> Ask:
    def ask(catalogue: Catalogue, who: Who) -> Any:
        service = catalogue.service
        names = [*QUANTITIES, "zq_hidden", "another"]
        return (
            service.facets(who, selection, FACETS),
            service.parameters(who, selection, limit=100),
            service.histograms(who, selection, dict.fromkeys(names)),
            service.dropping(who, selection),
            service.nearest(who, selection),
        )

    return ask


def begun() -> Iterator[str]:
    """What may be typed: all beginnings up to three letters of any word, alone and in fields."""
    every = {*COMMON, *SECRET, "another", "zq_hidden", "elsewhere", "raw", "D22", "ESS"}
    beginnings = {word[:size] for word in every for size in (1, 2, 3)} | {""}
    for beginning in sorted(beginnings):
        yield from (beginning, f"title:{beginning}", f"sample:{beginning}")
    for field in ("facility", "instrument", "technique", "kind", "access", "year", "author"):
        yield from (f"{field}:{beginning}" for beginning in ("", "e", "d", "s", "z"))
    yield from ("zq_hidden:4711", "zq_hidden:1z", "temperature:20", "wavelength:1n")


def suggested(text: str) -> Ask:
    return lambda catalogue, who: complete(text, None, KnownTo(catalogue.service, who))


def names(catalogue: Catalogue, who: Who) -> Any:
    service = catalogue.service
    return (
        service.parameter_names(who),
        service.states(who),
        [service.units(who, name) for name in ("temperature", "zq_hidden")],
    )


QUESTIONS: dict[str, Callable[[], list[tuple[str, Ask]]]] = {
    "words, all": lambda: [(text, words(text, "all")) for text in texts()],
    "words, any": lambda: [(text, words(text, "any")) for text in texts()],
    "counts": lambda: [(str(one), counted(one)) for one in selections()],
    "suggestions": lambda: [(text, suggested(text)) for text in begun()],
    "names": lambda: [("names", names)],
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_to_strangers_nothing_tells(pairs: list[tuple[Catalogue, Catalogue]], kind: str) -> None:
    wrong = []
    for number, (name, ask) in enumerate(QUESTIONS[kind]()):
        whole, reduced = pairs[number % len(pairs)]
        who = STRANGERS[number // 2 % 2]
        first, second = ask(whole, who), ask(reduced, who)
        if first != second:
            wrong.append(f"{name}:\n  {first}\n  {second}")
    assert not wrong, f"{len(wrong)} tell\n" + "\n".join(wrong)[:6000]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_questions_are_good(pairs: list[tuple[Catalogue, Catalogue]], kind: str) -> None:
    """To who may see what is hidden they do tell."""
    asked = QUESTIONS[kind]()[::5]
    telling = sum(ask(pairs[0][0], MEMBER) != ask(pairs[0][1], MEMBER) for _, ask in asked)
    assert telling > len(asked) / 10


def test_a_secret_word_is_like_one_that_is_nowhere(
    pairs: list[tuple[Catalogue, Catalogue]],
) -> None:
    whole, _ = pairs[0]
    for word in ("zquelle", "zqopper", "zqüber"):
        found = words(word, "all")(whole, ANYONE)
        assert found == words("zqzqzq", "all")(whole, ANYONE)
        assert found[0] == ([], 0)
