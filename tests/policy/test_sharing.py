"""Sharing: with whom, until when, taken back; and what a link is."""

from datetime import datetime, timedelta, timezone

import policy_people as given
import pytest
import sqlalchemy as sa
from fastapi import Request
from policy_people import CLOSED, EMBARGOED, NOW, OPEN, PI, STRANGER, TEAM, WITHDRAWN

from panosc.catalogue.people import account, audit
from panosc.catalogue.tables import share
from panosc.domain.access import ANYONE, Who, may
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound, PanoscError
from panosc.policy.decisions.sharing import COOKIE, MOST_LINKS, link_reader, opened_links, with_link

LATER = NOW + timedelta(days=10)


@pytest.fixture(autouse=True)
def _people(place):
    place.settle_people()


def sees(place, who, pid=EMBARGOED, action="bytes"):
    return may(who, action, place.guard(pid), now=place.now)


def asking(cookie):
    return Request(
        {"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode("latin-1"))]}
    )


@pytest.mark.parametrize(
    "name",
    [
        "u-stranger",
        "0000-0002-1825-0097",
        "https://orcid.org/0000-0002-1825-0097",
        "orcid:0000-0002-1825-0097",
        "office:4711",
    ],
)
def test_a_person_is_known_by_account_orcid_or_key(place, name):
    assert not sees(place, STRANGER)
    place.sharing.give(PI, EMBARGOED, kind="person", name=name, until=LATER)
    assert sees(place, STRANGER)
    assert not sees(place, STRANGER, CLOSED, "core")
    place.later(days=11)
    assert not sees(place, STRANGER), "it ends by itself"


def test_whoever_is_not_known_is_told_so_and_no_more(place, engine):
    with engine.begin() as connection:
        gone = {"id": "u-gone", "kind": "person", "erased_at": NOW}
        connection.execute(sa.insert(account).values(gone))
        # an ORCID that somebody merely claims does not make them its holder
        claims = {"id": "u-claims", "kind": "person", "orcid": "0000-0001-5109-3700"}
        connection.execute(sa.insert(account).values(claims))
    told = set()
    for name in ("u-nobody", "u-gone", "0000-0001-5109-3700", "ada@example.org", "link:x"):
        with pytest.raises(Invalid) as caught:
            place.sharing.give(PI, EMBARGOED, kind="person", name=name)
        told.add((caught.value.detail.replace(name, "X"), caught.value.hint, caught.value.field))
    assert len(told) == 1
    for name in (None, "", "\0", "x" * 400):
        with pytest.raises(Invalid):
            place.sharing.give(PI, EMBARGOED, kind="person", name=name)


def test_a_group_has_to_be_one_and_not_the_node(place):
    for name in ("node", "nothing", "person:u-stranger", "link:abc"):
        with pytest.raises(Invalid, match="No group"):
            place.sharing.give(PI, EMBARGOED, kind="group", name=name)
    place.sharing.give(PI, EMBARGOED, kind="group", name=given.OTHER)
    assert sees(place, STRANGER)


def test_a_link_gives_that_dataset_alone_and_only_its_hash_is_kept(place, engine):
    made = place.sharing.give(PI, EMBARGOED, kind="link", note="Referee")
    assert made.until == NOW + timedelta(days=30)
    assert place.sharing.opened(made.secret) == EMBARGOED
    holder = Who(groups=opened_links(asking(made.secret)))
    assert sees(place, holder)
    assert not sees(place, holder, CLOSED, "core")
    assert not sees(place, ANYONE)
    with engine.connect() as connection:
        everything = [
            str(row) for table in (share, audit) for row in connection.execute(sa.select(table))
        ]
    assert everything
    assert not any(made.secret in text for text in everything)
    assert not any(link_reader(made.secret)[5:] in text for text in everything[1:])
    place.later(days=30)
    assert not sees(place, holder)
    with pytest.raises(NotFound):
        place.sharing.opened(made.secret)


@pytest.mark.parametrize(
    "secret", ["", "x", "a" * 43, "\0", "é" * 43, "../../etc/passwd", "a" * 9000]
)
def test_what_is_no_link_leads_nowhere(place, secret):
    with pytest.raises(NotFound, match="does not lead"):
        place.sharing.opened(secret)


def test_a_link_to_what_was_withdrawn_or_erased_gives_nothing(place):
    made = place.sharing.give(PI, EMBARGOED, kind="link")
    holder = Who(groups=frozenset({link_reader(made.secret)}))
    place.acts.withdraw(given.STEWARD, EMBARGOED, reason="Wrong")
    assert not sees(place, holder, action="detail")
    number = place.petitions.ask_erasure(given.STEWARD, EMBARGOED, reason="Law")
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    with pytest.raises(NotFound):
        place.sharing.opened(made.secret)


def test_times_have_to_be_of_use(place):
    for kind, until in [
        ("link", NOW),
        ("link", NOW + timedelta(days=367)),
        ("person", NOW - timedelta(days=1)),
        ("person", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))),
    ]:
        with pytest.raises(Invalid) as caught:
            place.sharing.give(PI, EMBARGOED, kind=kind, name="u-stranger", until=until)
        assert caught.value.field == "until"
    place.sharing.give(PI, EMBARGOED, kind="link", until=NOW + timedelta(days=366))
    made = place.sharing.give(PI, EMBARGOED, kind="person", name="u-stranger")
    assert made.until is None


def test_sharing_again_changes_the_date(place):
    first = place.sharing.give(PI, EMBARGOED, kind="person", name="u-stranger")
    again = place.sharing.give(PI, EMBARGOED, kind="person", name="office:4711", until=LATER)
    assert first.id == again.id
    assert [item.until for item in place.sharing.listed(PI, EMBARGOED)] == [LATER]


def test_taken_back_it_is_over_at_once(place):
    made = place.sharing.give(PI, EMBARGOED, kind="person", name="u-stranger")
    for number in ("nothing", "\0", ""):
        with pytest.raises(NotFound):
            place.sharing.take_back(PI, EMBARGOED, number)
    with pytest.raises(NotFound):
        place.sharing.take_back(PI, CLOSED, made.id)
    place.sharing.take_back(PI, EMBARGOED, made.id)
    assert not sees(place, STRANGER)
    assert [line[0] for line in place.trail()] == ["share.given", "share.taken_back"]


def test_shares_are_for_the_team_to_see(place):
    place.sharing.give(PI, EMBARGOED, kind="person", name="u-stranger", note="Nöte")
    for name in ("pi", "team", "guest", "instrument_scientist", "steward"):
        (seen,) = place.sharing.listed(given.PEOPLE[name], EMBARGOED)
        assert (seen.name, seen.note, seen.by_name) == ("Name of stranger", "Nöte", "Name of pi")
    # being given access does not tell who else was
    for name in ("anyone", "stranger", "director", "administrator"):
        with pytest.raises(Forbidden):
            place.sharing.listed(given.PEOPLE[name], EMBARGOED)
    with pytest.raises(NotFound):
        place.sharing.listed(given.PEOPLE["director"], CLOSED)
    assert place.sharing.listed(TEAM, CLOSED) == []


def test_there_is_nothing_to_share_of_what_is_open_or_withdrawn(place):
    for pid in (OPEN, WITHDRAWN):
        with pytest.raises(Conflict):
            place.sharing.give(PI, pid, kind="link")
    with pytest.raises(PanoscError):
        place.sharing.give(STRANGER, EMBARGOED, kind="link")


def test_the_cookie_keeps_the_newest_links_and_nothing_else():
    secrets = [f"{number:043d}" for number in range(MOST_LINKS + 5)]
    value = ""
    for secret in secrets:
        value = with_link(asking(value), secret)
    assert opened_links(asking(value)) == {link_reader(item) for item in secrets[-MOST_LINKS:]}
    assert with_link(asking(value), secrets[-1]) == value
    for bad in ("", "...", "x.y", "é" * 43, "a" * 44, ";", '"'):
        assert opened_links(asking(bad)) == frozenset()
