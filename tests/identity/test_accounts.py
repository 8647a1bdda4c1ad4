"""Who an account belongs to: the identity, then a trusted name, never an e-mail."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from panosc.catalogue.people import account, alias, audit, identity, session
from panosc.catalogue.tables import group_member
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.identity.accounts import CLAIMS_LAST, link, sign_in, unlink
from panosc.identity.personal.erasing import Erasure
from panosc.identity.standing import standing_of
from panosc.settings import GroupRule, Provider

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URN = "urn:geant:panosc.example:group:team"
HOME = Provider(
    name="home",
    title="The facility",
    issuer="https://idp.example",
    client_id="node",
    person_claims={"uo_key": "uo", "orcid": "orcid"},
    groups=(
        GroupRule(entitlement=URN, group="P1"),
        GroupRule(entitlement=f"{URN}:role=stewards", group="node", role="steward"),
    ),
    user_class="visitor",
)
AWAY = HOME.model_copy(update={"name": "away", "issuer": "https://other.example"})
STRANGE = HOME.model_copy(update={"name": "strange", "person_claims": {}})


def told(sub="1", iss="https://idp.example", **more):
    return {"iss": iss, "sub": sub, **more}


@pytest.fixture
def connection(engine):
    with engine.connect() as opened:
        yield opened
        opened.rollback()


def events(connection):
    return list(connection.execute(sa.select(audit.c.event).order_by(audit.c.number)).scalars())


def test_first_login_makes_an_account_and_the_next_finds_it(connection):
    first = sign_in(connection, HOME, told(name="Ada", email="ada@x.example"), now=NOW)
    assert first.startswith("u-")
    assert len(first) == 18
    again = sign_in(connection, HOME, told(name="Ada L."), now=NOW + timedelta(days=1))
    assert again == first
    row = connection.execute(sa.select(account)).one()
    assert (row.name, row.email, row.user_class) == ("Ada L.", "ada@x.example", "visitor")
    assert row.seen == NOW + timedelta(days=1)
    assert events(connection) == ["account.created"]


def test_the_same_mail_is_not_the_same_person(connection):
    people = {
        sign_in(connection, HOME, told("1", email="a@x.example"), now=NOW),
        sign_in(connection, HOME, told("2", email="a@x.example"), now=NOW),
        sign_in(connection, AWAY, told("1", iss=AWAY.issuer, email="a@x.example"), now=NOW),
    }
    assert len(people) == 3


def test_a_trusted_name_leads_to_the_account_from_another_provider(connection):
    first = sign_in(connection, HOME, told("1", uo_key="42"), now=NOW)
    second = sign_in(connection, AWAY, told("x", iss=AWAY.issuer, uo_key="42"), now=NOW)
    assert second == first
    assert len(connection.execute(sa.select(identity)).all()) == 2


def test_an_untrusted_claim_leads_nowhere(connection):
    orcid = "0000-0002-1694-233X"
    first = sign_in(connection, HOME, told("1", orcid=orcid), now=NOW)
    thief = sign_in(connection, STRANGE, told("x", iss="https://bad.example", orcid=orcid), now=NOW)
    assert thief != first


def test_names_of_two_accounts_stay_apart(connection):
    first = sign_in(connection, HOME, told("1", uo_key="42"), now=NOW)
    second = sign_in(connection, HOME, told("2", uo_key="17"), now=NOW)
    # the second comes with the key of the first: it stays who it is and takes nothing
    assert sign_in(connection, HOME, told("2", uo_key="42"), now=NOW) == second
    names = dict(connection.execute(sa.select(alias.c.name, alias.c.person)).all())
    assert names == {"uo:42": first, "uo:17": second}


def test_a_key_of_the_user_office_waits_for_its_owner_with_all_merged_into_it(connection):
    connection.execute(sa.insert(alias).values(name="uo:17", person="uo:42"))
    members = [
        {"group": "P1", "person": "uo:42", "role": "pi"},
        {"group": "P2", "person": "uo:17", "role": "team"},
    ]
    connection.execute(sa.insert(group_member), members)
    person = sign_in(connection, HOME, told("1", uo_key="17"), now=NOW)
    standing = standing_of(connection, person, now=NOW)
    assert standing.duties == {("pi", "P1"), ("team", "P2")}


def test_groups_by_claims_come_and_go_and_end_without_logins(connection):
    person = sign_in(connection, HOME, told(eduperson_entitlement=[URN]), now=NOW)
    given = [
        {"group": "P9", "person": person, "role": "guest", "source": "node"},
        {"group": "P8", "person": person, "role": "team", "source": None},
    ]
    connection.execute(sa.insert(group_member), given)
    assert ("team", "P1") in standing_of(connection, person, now=NOW).duties
    late = standing_of(connection, person, now=NOW + CLAIMS_LAST)
    assert late.duties == {("guest", "P9"), ("team", "P8")}
    sign_in(connection, HOME, told(eduperson_entitlement=[f"{URN}:role=stewards"]), now=NOW)
    standing = standing_of(connection, person, now=NOW)
    assert standing.who(via="session").roles == {"steward"}
    sign_in(connection, HOME, told(), now=NOW)
    left = standing_of(connection, person, now=NOW).duties
    assert left == {("guest", "P9"), ("team", "P8")}
    assert events(connection) == [
        "account.created",
        "member.added",
        "member.added",
        "member.removed",
        "member.removed",
    ]


def test_linked_identities_add_their_groups_and_take_them_along(connection):
    person = sign_in(connection, HOME, told(), now=NOW)
    claims = told("x", iss=AWAY.issuer, eduperson_entitlement=URN)
    link(connection, person, AWAY, claims, now=NOW)
    assert sign_in(connection, AWAY, claims, now=NOW) == person
    # a login with the first takes nothing of what the second gave
    sign_in(connection, HOME, told(), now=NOW)
    assert standing_of(connection, person, now=NOW).duties == {("team", "P1")}
    who = Who(person=person, via="session")
    for number, provider in enumerate((HOME, AWAY)):
        connection.execute(
            sa.insert(session).values(
                id=bytes([number]),
                handle=str(number),
                account=person,
                provider=provider.name,
                iss=provider.issuer,
                sub="1" if provider is HOME else "x",
                expires=NOW + timedelta(hours=1),
            )
        )
    unlink(connection, who, AWAY.issuer, "x", now=NOW)
    # what was begun with it is over, too
    assert connection.execute(sa.select(session.c.provider)).scalars().all() == [HOME.name]
    assert standing_of(connection, person, now=NOW).duties == set()
    with pytest.raises(Conflict, match="only way"):
        unlink(connection, who, HOME.issuer, "1", now=NOW)
    with pytest.raises(NotFound):
        unlink(connection, who, AWAY.issuer, "x", now=NOW)


def test_an_identity_with_an_account_of_its_own_is_not_linked(connection):
    sign_in(connection, AWAY, told("x", iss=AWAY.issuer), now=NOW)
    person = sign_in(connection, HOME, told(), now=NOW)
    with pytest.raises(Conflict, match="another account"):
        link(connection, person, AWAY, told("x", iss=AWAY.issuer), now=NOW)


@pytest.mark.parametrize(
    "claims",
    [{}, {"iss": "x"}, told(""), told(7), told("a\0b"), told("a" * 256), {"iss": 3, "sub": "x"}],
)
def test_claims_that_name_nobody_are_refused(connection, claims):
    with pytest.raises(Invalid, match="who you are"):
        sign_in(connection, HOME, claims, now=NOW)


def test_who_comes_back_after_an_erasure_is_someone_new(connection):
    person = sign_in(connection, HOME, told(), now=NOW)
    connection.execute(sa.delete(identity))
    connection.execute(sa.update(account).values(erased_at=NOW))
    again = sign_in(connection, HOME, told(), now=NOW)
    assert again != person
    assert sign_in(connection, HOME, told(), now=NOW) == again


def test_an_erasure_at_the_moment_of_a_login_is_not_undone(engine):
    with engine.begin() as connection:
        person = sign_in(connection, HOME, told(name="Ada"), now=NOW)
    who = Who(person=person, via="session")
    found: list[str] = []

    def come_back():
        with engine.begin() as connection:
            found.append(sign_in(connection, HOME, told(name="Ada", email="a@x.example"), now=NOW))

    erasure = Erasure(engine, lambda: NOW)
    with engine.connect() as first:
        erasure._erase(first, who, person, reason="own wish")
        login = threading.Thread(target=come_back)
        login.start()
        deadline = time.monotonic() + 30
        while not waiting(engine) and time.monotonic() < deadline:
            time.sleep(0.01)
        first.commit()
        login.join()
    with engine.connect() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(account))}
        owner = connection.execute(sa.select(identity.c.account)).scalar_one()
    assert (rows[person].name, rows[person].email) == (None, None)
    assert found == [owner]
    assert owner != person


def test_nothing_is_linked_to_an_account_that_is_erased(connection):
    person = sign_in(connection, HOME, told(), now=NOW)
    connection.execute(sa.update(account).values(erased_at=NOW))
    with pytest.raises(NotFound, match="no account"):
        link(connection, person, AWAY, told("x", iss=AWAY.issuer), now=NOW)


@pytest.mark.parametrize("value", ["4\x002", " 42", "42" + " " * 900 + "x", "4\u007f2"])
def test_a_trusted_name_is_taken_as_it_is_or_not_at_all(connection, value):
    first = sign_in(connection, HOME, told("1", uo_key="42"), now=NOW)
    assert sign_in(connection, HOME, told("2", uo_key=value), now=NOW) != first


def waiting(engine):
    query = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()
