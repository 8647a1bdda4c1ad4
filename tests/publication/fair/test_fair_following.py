"""What is kept of how FAIR datasets are: it follows changes, and survives being ended."""

from datetime import timedelta

import publication_catalogue as given
import pytest
import sqlalchemy as sa

from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Forbidden, Invalid, Unauthenticated
from panosc.domain.pid import surrogate
from panosc.publication.fair import following
from panosc.publication.fair.following import Scoring
from panosc.publication.fair.service import Fairness, place
from panosc.publication.gathering import Gatherer


def _scores(engine: sa.Engine) -> dict[str, int]:
    fairness = Fairness(engine=engine, gatherer=None)  # type: ignore[arg-type]
    return {item.pid: item.score for item in fairness.worst(OPERATOR)}


@pytest.fixture
def scoring(engine: sa.Engine, telling: Gatherer) -> Scoring:
    return Scoring(engine, telling)


def test_all_that_stands_is_looked_at(engine: sa.Engine, scoring: Scoring) -> None:
    scoring.catch_up()
    scores = _scores(engine)
    # stewards see what is closed, too; what was withdrawn needs no mending
    assert list(scores) == sorted(scores, key=lambda pid: (scores[pid], surrogate("Dataset", pid)))
    assert set(scores) == {given.OPEN, given.EMBARGOED, given.CLOSED, given.BARE}


def test_changes_are_followed_and_ends_forgotten(engine: sa.Engine, scoring: Scoring) -> None:
    scoring.catch_up()
    before = _scores(engine)
    later = given.TOLD_AT + timedelta(hours=1)
    with engine.begin() as connection:
        write(
            connection,
            [("Dataset", {"pid": given.BARE, "isPublic": True, "title": "A title"})],
            now=later,
        )
        write(
            connection,
            [("Dataset", {"pid": given.CLOSED, "access": "withdrawn", "withdrawnReason": "No."})],
            now=later,
        )
    scoring.catch_up()
    after = _scores(engine)
    assert after[given.BARE] > before[given.BARE]
    assert given.CLOSED not in after


def test_a_change_of_a_person_reaches_their_datasets(engine: sa.Engine, scoring: Scoring) -> None:
    scoring.catch_up()
    before = _scores(engine)
    # its checksum is wrong: it is nobody's
    line = {"id": "p1", "fullName": "Ada Example", "orcid": "0000-0002-1825-0098"}
    with engine.begin() as connection:
        write(connection, [("Person", line)], now=given.TOLD_AT + timedelta(hours=1))
    scoring.catch_up()
    assert _scores(engine)[given.OPEN] < before[given.OPEN]


def test_ended_in_the_middle_it_goes_on(
    engine: sa.Engine, telling: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH", 1)
    first = Scoring(engine, telling)
    first.step(lambda: True)
    assert len(_scores(engine)) == 1
    # another process takes over, which knows only the database
    Scoring(engine, telling).catch_up()
    assert len(_scores(engine)) == 4


def test_the_list_goes_on_where_it_ended(
    engine: sa.Engine, scoring: Scoring, telling: Gatherer
) -> None:
    scoring.catch_up()
    fairness = Fairness(engine=engine, gatherer=telling)
    whole = fairness.worst(OPERATOR)
    pages = []
    after = ""
    while items := fairness.worst(OPERATOR, after=after, limit=1):
        pages += items
        after = place(items[-1])
    assert pages == whole
    lacking = fairness.worst(OPERATOR, missing="description")
    assert {item.pid for item in lacking} == {given.EMBARGOED, given.CLOSED, given.BARE}
    standing = fairness.standing(OPERATOR)
    assert (standing.total, sum(standing.bins), standing.missing["description"]) == (4, 4, 3)
    assert standing.median == sorted(item.score for item in whole)[1]


@pytest.mark.parametrize("after", ["x", "1-", "-1-2", "1" * 50, "1000-1"])
def test_a_place_that_is_none_is_told(engine: sa.Engine, telling: Gatherer, after: str) -> None:
    with pytest.raises(Invalid, match="no place"):
        Fairness(engine=engine, gatherer=telling).worst(OPERATOR, after=after)


def test_the_list_is_for_stewards(engine: sa.Engine, telling: Gatherer) -> None:
    fairness = Fairness(engine=engine, gatherer=telling)
    for ask in (fairness.worst, fairness.standing):
        with pytest.raises(Unauthenticated):
            ask(ANYONE)
        with pytest.raises(Forbidden):
            ask(Who(person="u-1"))
    with pytest.raises(Invalid, match="no check"):
        fairness.worst(OPERATOR, missing="nothing")
