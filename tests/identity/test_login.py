"""Logins at two providers: the embedded one, and the certified one that others wrote."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import identity_providers as providers
import pytest
import sqlalchemy as sa
from login_node import Clock, Node, Visitor, count, events, rows

from panosc.catalogue.people import account, attempt, identity, session
from panosc.catalogue.tables import group_member
from panosc.domain.access import Who
from panosc.identity import accounts
from panosc.identity import service as services

MakeNode = Callable[..., Node]
LATER: dict[str, float] = {"seconds": 305}
"""When the provider is asked again: its access tokens last five minutes."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(signed_node: MakeNode, any_provider: providers.AnyProvider, clock: Clock) -> Node:
    return signed_node(any_provider, clock=clock)


@pytest.fixture
def someone(node: Node, any_provider: providers.AnyProvider) -> Visitor:
    return Visitor(node, any_provider)


@pytest.fixture
def ada(someone: Visitor) -> Visitor:
    """Ada, signed in."""
    answer = someone.sign_in("ada")
    assert answer.status_code == 303, answer.text
    return someone


def held(node: Node) -> set[tuple[str, str]]:
    return {(row.role, row.group) for row in rows(node, group_member)}


def test_login(someone: Visitor, node: Node) -> None:
    page = someone.get("/login?back=/search?q=beads")
    assert "/login/demo?back=/search%3Fq%3Dbeads" in page.text
    answer = someone.sign_in("ada", "/login/demo?back=/search%3Fq%3Dbeads")
    assert answer.status_code == 303
    assert someone.is_signed_in()
    assert "Ada Demo" in someone.get("/").text
    (person,) = rows(node, account)
    (known,) = rows(node, identity)
    assert (known.sub, known.account) == ("demo-ada", person.id)
    assert (person.name, person.email) == ("Ada Demo", "ada@demo.test")
    assert person.orcid == "https://orcid.org/0009-9999-0000-0019"
    assert held(node) == {("pi", "demo-1001")}
    assert count(node, attempt) == 0
    assert events(node) == [("session.began", None)]
    leads = urlsplit(answer.headers["location"])
    if leads.path == "/account/terms":
        assert parse_qs(leads.query)["back"] == ["/search?q=beads"]
        with node.engine.begin() as connection:
            connection.execute(sa.update(account).values(terms=node.settings.terms_version))
    answer = someone.sign_in("ada", "/login/demo?back=/search%3Fq%3Dbeads")
    assert answer.headers["location"] == "/search?q=beads"
    assert count(node, account) == 1
    assert count(node, session) == 1, "the session of before has ended"


def test_login_without_a_place_to_go_back_to(ada: Visitor, node: Node) -> None:
    with node.engine.begin() as connection:
        connection.execute(sa.update(account).values(terms=node.settings.terms_version))
    assert ada.sign_in("ada").headers["location"] == "/my"


def test_two_people_are_two_accounts(
    ada: Visitor, node: Node, any_provider: providers.AnyProvider
) -> None:
    hana = Visitor(node, any_provider)
    hana.sign_in("hana")
    assert count(node, account) == 2
    assert held(node) == {("pi", "demo-1001"), ("steward", "node")}
    assert "Ada Demo" in ada.get("/").text
    assert "Hana Demo" in hana.get("/").text


def test_code_is_good_once(ada: Visitor, node: Node, any_provider: providers.AnyProvider) -> None:
    back = ada.sent_back("ada")
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert ada.http.get(back).status_code == 303
    again = ada.sent_back("ada")
    other = parse_qs(urlsplit(again).query)["code"][0]
    stranger = Visitor(node, any_provider)
    stranger.http.cookies = ada.http.cookies
    stranger.http.cookies.delete("panosc")
    assert stranger.http.get(again.replace(other, code)).status_code == 502
    assert not stranger.is_signed_in()


def test_wrong_verifier(someone: Visitor, node: Node) -> None:
    back = someone.sent_back("ada")
    with node.engine.begin() as connection:
        connection.execute(sa.update(attempt).values(verifier="A" * 43))
    assert someone.http.get(back).status_code == 502
    assert count(node, account) == 0


def test_wrong_secret(
    signed_node: MakeNode, any_provider: providers.AnyProvider, tmp_path: Any
) -> None:
    file = tmp_path / "secret"
    node = signed_node(any_provider)
    registered = node.settings.providers[0]
    file.write_text("not the secret\n")
    wrong = registered.model_copy(update={"client_secret_file": file})
    login = services.build(
        node.engine, node.settings.model_copy(update={"providers": (wrong,)}), Clock()
    ).login
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    status, answer = login.providers.post(wrong, form)
    assert (status, answer["error"]) == (401, "invalid_client")
    assert registered.client_secret is not None
    # replaced on disk: no restart is needed
    file.write_text(registered.client_secret.get_secret_value() + "\n")
    status, answer = login.providers.post(wrong, form)
    assert (status, answer["error"]) == (400, "invalid_grant")


def test_refused_by_the_person(someone: Visitor, node: Node) -> None:
    back = someone.sent_back("ada")
    state = parse_qs(urlsplit(back).query)["state"][0]
    issuer = node.settings.providers[0].issuer
    told = {"error": "access_denied", "state": state, "iss": issuer}
    answer = someone.get("/auth/callback/demo", params=told)
    assert answer.status_code == 401
    assert "cancelled" in answer.text
    assert 'href="/login"' in answer.text


# refreshing


def due(node: Node) -> None:
    """Let it be time to ask the provider again, which keeps the time of this machine."""
    with node.engine.begin() as connection:
        connection.execute(sa.update(session).values(refresh_at=node_time()))


def node_time() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


def sealed(node: Node) -> str:
    (row,) = rows(node, session)
    return str(row.sealed)


def test_refresh(ada: Visitor, node: Node, clock: Clock) -> None:
    before = sealed(node)
    assert ada.is_signed_in()
    assert sealed(node) == before, "it is not time yet"
    with node.engine.begin() as connection:
        connection.execute(sa.update(account).values(name="Somebody"))
        connection.execute(sa.delete(group_member))
        connection.execute(sa.update(identity).values(claims={}))
    clock.forward(**LATER)
    assert ada.is_signed_in()
    assert "Ada Demo" in ada.get("/").text, "the provider was asked again who she is"
    assert held(node) == {("pi", "demo-1001")}
    after = sealed(node)
    assert after != before
    # the refresh token was replaced: it works once more, and the one before is not used again
    due(node)
    assert ada.is_signed_in()
    assert sealed(node) not in {before, after}
    assert events(node) == [("session.began", None)]


def test_refresh_token_that_was_used_before_ends_the_session(
    ada: Visitor, node: Node, clock: Clock
) -> None:
    before = sealed(node)
    due(node)
    assert ada.is_signed_in()
    # a thief has a copy of the row as it was
    with node.engine.begin() as connection:
        connection.execute(sa.update(session).values(sealed=before))
    due(node)
    assert not ada.is_signed_in()
    assert count(node, session) == 0
    assert events(node)[-1] == ("session.ended", "ended by the provider")


def test_one_request_refreshes_and_the_others_go_on(ada: Visitor, node: Node, clock: Clock) -> None:
    due(node)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ada.is_signed_in(), range(8)))
    assert all(found)
    due(node)
    assert ada.is_signed_in(), "no refresh token was used twice"


def test_provider_down_while_refreshing(
    ada: Visitor, node: Node, clock: Clock, any_provider: providers.AnyProvider
) -> None:
    before = sealed(node)
    any_provider.stop()
    try:
        due(node)
        assert ada.is_signed_in(), "who was signed in stays so"
        assert sealed(node) == before
    finally:
        any_provider.start()
    assert ada.is_signed_in()
    assert sealed(node) == before, "it is left alone for a minute"
    clock.forward(seconds=61)
    assert ada.is_signed_in()
    assert sealed(node) != before


def test_identity_that_was_unlinked_is_not_refreshed(
    ada: Visitor, node: Node, clock: Clock
) -> None:
    with node.engine.begin() as connection:
        connection.execute(sa.delete(identity))
    due(node)
    assert not ada.is_signed_in()
    assert count(node, account) == 1, "no other account is made"


# the provider's keys, and a provider that is down


def test_keys_rotate(
    ada: Visitor, node: Node, clock: Clock, any_provider: providers.AnyProvider
) -> None:
    any_provider.rotate_keys()
    assert ada.sign_in("ada").status_code == 303, "at once: the provider itself sent the token"
    any_provider.rotate_keys()
    due(node)
    assert ada.is_signed_in()
    assert count(node, session) == 1


def test_provider_down_before_a_login(
    someone: Visitor, clock: Clock, any_provider: providers.AnyProvider
) -> None:
    any_provider.stop()
    try:
        answer = someone.get("/login/demo")
        assert answer.status_code == 502
        assert "Try again in a minute" in answer.text
        assert someone.get("/login").status_code == 200
        assert someone.get("/").status_code == 200
    finally:
        any_provider.start()
    clock.forward(seconds=4)
    assert someone.sign_in("ada").status_code == 303


def test_provider_down_in_the_middle_of_a_login(
    someone: Visitor, node: Node, clock: Clock, any_provider: providers.AnyProvider
) -> None:
    back = someone.sent_back("ada")
    any_provider.stop()
    try:
        answer = someone.http.get(back)
        assert answer.status_code == 502
        assert count(node, session) == 0
        assert events(node) == [("session.refused", None)]
    finally:
        any_provider.start()
    clock.forward(seconds=4)
    assert someone.sign_in("ada").status_code == 303


# signing out


def test_logout_here_and_there(
    ada: Visitor, node: Node, any_provider: providers.AnyProvider
) -> None:
    page = ada.get("/logout")
    assert "Ada Demo" in page.text
    assert f"form-action 'self' {any_provider.issuer}" in page.headers["content-security-policy"]
    answer = ada.post("/logout")
    assert answer.status_code == 303
    leads = answer.headers["location"]
    asked = parse_qs(urlsplit(leads).query)
    assert asked["post_logout_redirect_uri"] == [f"{node.address}/logout"]
    assert leads.startswith(any_provider.issuer)
    assert not ada.is_signed_in()
    assert count(node, session) == 0
    back = providers.sign_out(ada.http, leads, provider=any_provider)
    assert back.partition("?")[0] == f"{node.address}/logout"
    assert "You are signed out" in ada.get(back).text
    assert events(node) == [("session.began", None), ("session.ended", "signed out")]
    # the provider asks again who it is: its own session is over, too
    again = ada.http.get(ada.get("/login/demo").headers["location"])
    while again.is_redirect:
        leads = str(again.next_request.url) if again.next_request else ""
        assert leads.startswith(any_provider.issuer)
        again = ada.http.get(leads)
    assert again.status_code == 200


def test_logout_twice(ada: Visitor) -> None:
    kept = ada.http.cookies["panosc"]
    ada.post("/logout")
    ada.http.cookies.set("panosc", kept, domain="127.0.0.1", path="/")
    answer = ada.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/logout")


def test_logout_while_the_provider_is_down(
    ada: Visitor, node: Node, clock: Clock, any_provider: providers.AnyProvider
) -> None:
    any_provider.stop()
    try:
        clock.forward(minutes=61)
        answer = ada.post("/logout")
        assert answer.status_code == 303
        assert count(node, session) == 0
    finally:
        any_provider.start()


def test_logout_at_the_provider_ends_the_session_here(
    ada: Visitor, node: Node, any_provider: providers.AnyProvider
) -> None:
    leads = services.build(node.engine, node.settings, Clock()).login.providers.discovered(
        node.settings.providers[0]
    )
    assert leads.end_session
    providers.sign_out(ada.http, leads.end_session, provider=any_provider)
    assert not ada.is_signed_in()
    assert events(node)[-1] == ("session.ended", "signed out at the provider")


def test_sessions_are_listed_and_ended_by_their_owner(
    ada: Visitor, node: Node, any_provider: providers.AnyProvider, clock: Clock
) -> None:
    second = Visitor(node, any_provider)
    second.sign_in("ada")
    whole = services.build(node.engine, node.settings, clock)
    (person,) = rows(node, account)
    who = Who(person=person.id, via="session")
    listed = whole.sessions.listed(who, ada.http.cookies["panosc"])
    assert [one.agent for one in listed] == ["Visitor", "Visitor"]
    assert sorted(one.is_this for one in listed) == [False, True]
    other = next(one for one in listed if not one.is_this)
    whole.sessions.end(who, other.handle)
    assert (ada.is_signed_in(), second.is_signed_in()) == (True, False)


def test_account_id_is_made_of_issuer_and_subject(ada: Visitor, node: Node) -> None:
    (person,) = rows(node, account)
    assert person.id == accounts.account_name(node.settings.providers[0].issuer, "demo-ada")
    assert ada.is_signed_in()
