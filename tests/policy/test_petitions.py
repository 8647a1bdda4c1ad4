"""Requests: who may ask, who may answer, and what an answer does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import policy_people as given
import pytest
import sqlalchemy as sa
from policy_people import CLOSED, EMBARGOED, END, ERASED, OPEN, PI, STRANGER, WITHDRAWN

from panosc.catalogue.tables import ruling
from panosc.catalogue.writer import write
from panosc.domain.access import may
from panosc.domain.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unauthenticated,
    WrongScope,
)

WHY = "We compare it with our own measurement."


@pytest.fixture(autouse=True)
def _people(place):
    place.settle_people()


# written by hand: what asking for access comes to, by person and state
TEAM = {"pi", "team", "guest", "local_contact", "instrument_scientist", "steward"}
CASES = {
    OPEN: lambda name: Conflict,
    EMBARGOED: lambda name: Conflict if name in TEAM else None,
    CLOSED: lambda name: Conflict if name in TEAM else NotFound,
    WITHDRAWN: lambda name: Conflict,
    ERASED: lambda name: Gone,
}


def test_access_is_asked_for_by_strangers_to_what_is_embargoed(place):
    for pid, expected in CASES.items():
        for name, who in given.PEOPLE.items():
            wanted = Unauthenticated if name == "anyone" else expected(name)
            if wanted is None:
                assert place.petitions.ask_access(who, pid, text=WHY)
                wanted = Conflict
            with pytest.raises(wanted):
                place.petitions.ask_access(who, pid, text=WHY)


def test_waits_for_those_who_may_answer_and_for_no_others(place):
    place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)
    for name, who in given.PEOPLE.items():
        if name == "anyone":
            with pytest.raises(Unauthenticated):
                place.petitions.listed(who)
            continue
        found = place.petitions.listed(who)
        assert bool(found.waiting) == (name in {"pi", "steward"}), name
        assert bool(found.own) == (name == "stranger")
        if found.waiting:
            (asked,) = found.waiting
            assert (asked.text, asked.name) == (WHY, "Name of stranger")


def test_a_grant_is_a_share_until_its_day(place):
    number = place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)
    for name in ("team", "director", "administrator"):
        with pytest.raises(NotFound):
            place.petitions.answer(given.PEOPLE[name], number, granted=True)
    with pytest.raises(Forbidden, match="own request"):
        place.petitions.answer(STRANGER, number, granted=True)
    with pytest.raises(WrongScope):
        place.petitions.answer(given.without(PI, "write"), number, granted=True)
    with pytest.raises(Invalid):
        place.petitions.answer(PI, number, granted=True, until=place.now)
    until = place.now + timedelta(days=5)
    place.petitions.answer(PI, number, granted=True, words="Gladly", until=until)
    assert may(STRANGER, "bytes", place.guard(EMBARGOED), now=place.now)
    assert not may(STRANGER, "bytes", place.guard(EMBARGOED), now=until)
    (own,) = place.petitions.listed(STRANGER).own
    assert (own.state, own.answer, own.answered_by_name) == ("granted", "Gladly", "Name of pi")
    assert [item.id for item in place.petitions.listed(PI).answered] == [number]
    with pytest.raises(Conflict):
        place.petitions.answer(PI, number, granted=False, words="No")
    assert [line[0] for line in place.trail()] == ["request.made", "request.granted", "share.given"]


def test_a_refusal_needs_words_and_gives_nothing(place):
    number = place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)
    with pytest.raises(Invalid) as caught:
        place.petitions.answer(PI, number, granted=False, words=" ")
    assert caught.value.field == "words"
    place.petitions.answer(PI, number, granted=False, words="Not yet")
    assert not may(STRANGER, "bytes", place.guard(EMBARGOED), now=place.now)
    # and one may ask again
    assert place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)


def test_taken_back_by_nobody_but_the_asker(place):
    number = place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)
    for who in (PI, given.STEWARD):
        with pytest.raises(NotFound):
            place.petitions.take_back(who, number)
    for bad in ("nothing", "\0", "\ud800"):
        with pytest.raises(NotFound):
            place.petitions.take_back(STRANGER, bad)
        with pytest.raises(NotFound):
            place.petitions.answer(PI, bad, granted=True)
    place.petitions.take_back(STRANGER, number)
    with pytest.raises(Conflict):
        place.petitions.answer(PI, number, granted=True)
    assert place.petitions.listed(PI).waiting == []


def test_what_has_opened_waits_for_nobody(place):
    number = place.petitions.ask_access(STRANGER, EMBARGOED, text=WHY)
    place.now = END
    assert place.petitions.listed(PI).waiting == []
    assert place.petitions.listed(STRANGER).own[0].is_moot
    with pytest.raises(Conflict):
        place.petitions.answer(PI, number, granted=True)
    assert place.petitions.listed(STRANGER).own[0].state == "open", "nothing is half done"


def test_an_extension_is_granted_by_a_director_and_survives_a_load(place):
    number = place.petitions.ask_extension(PI, EMBARGOED, years=2, text="The student is ill")
    with pytest.raises(Conflict, match="asked for already"):
        place.petitions.ask_extension(PI, EMBARGOED, years=1, text=WHY)
    for who in (given.STEWARD, given.PEOPLE["administrator"]):
        with pytest.raises(NotFound):
            place.petitions.answer(who, number, granted=True)
    both = replace(PI, roles=frozenset({"director"}))
    with pytest.raises(Forbidden, match="own request"):
        place.petitions.answer(both, number, granted=True)
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    assert place.guard(EMBARGOED).open_at == END.replace(year=END.year + 2)
    place.load()
    assert place.guard(EMBARGOED).open_at == END.replace(year=END.year + 2)
    assert [line for line in place.trail() if line[0] == "dataset.extended"] == [
        ("dataset.extended", "u-director", EMBARGOED)
    ]


def test_years_stay_within_the_policy(place):
    for years in (-1, 0, 3, 10**9):
        with pytest.raises(Invalid) as caught:
            place.petitions.ask_extension(PI, EMBARGOED, years=years, text=WHY)
        assert caught.value.field == "years"
    for years in (2, 2, 2, 1):
        number = place.petitions.ask_extension(PI, EMBARGOED, years=years, text=WHY)
        place.petitions.answer(given.DIRECTOR, number, granted=True)
    assert place.guard(EMBARGOED).open_at == END.replace(year=END.year + 7)
    with pytest.raises(Invalid, match="0 more"):
        place.petitions.ask_extension(PI, EMBARGOED, years=1, text=WHY)


def test_an_embargo_that_is_over_is_not_extended(place):
    number = place.petitions.ask_extension(PI, EMBARGOED, years=1, text=WHY)
    place.now = END
    with pytest.raises(Conflict):
        place.petitions.answer(given.DIRECTOR, number, granted=True)
    with pytest.raises(Conflict):
        place.petitions.ask_extension(PI, EMBARGOED, years=1, text=WHY)
    assert place.state(EMBARGOED) == "open"


def test_a_date_of_the_document_and_one_of_the_policy_are_put_off_too(place, engine):
    end = datetime(2029, 2, 28, tzinfo=UTC)
    rows = [
        ("Document", {"pid": "doc", "isPublic": False, "releaseDate": "2029-02-28T00:00:00Z"}),
        ("Dataset", {"pid": "of-doc", "isPublic": False, "ownerGroup": given.GROUP}),
        ("DocumentDataset", {"documentId": "doc", "datasetId": "of-doc"}),
    ]
    with engine.begin() as connection:
        write(connection, rows, now=place.now)
    assert place.guard("of-doc").open_at == end
    number = place.petitions.ask_extension(PI, "of-doc", years=1, text=WHY)
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    for _ in range(2):
        assert place.guard("of-doc").open_at == end.replace(year=2030)
        with engine.begin() as connection:
            write(connection, rows, now=place.now)
    with engine.begin() as connection:
        key = place.acts.look(PI, EMBARGOED)[0].key
        connection.execute(sa.insert(ruling).values(dataset_id=key, policy_opens=end))
    place.load()
    number = place.petitions.ask_extension(PI, EMBARGOED, years=1, text=WHY)
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    place.load()
    assert place.guard(EMBARGOED).open_at == end.replace(year=2030)
