"""Signed links over real sockets: one address, one way, one hour, and what its maker may see."""

import base64
import json
from datetime import timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa
import token_node as given
from token_node import EMBARGOED, FILES, NEWCOMER, PI, STRANGER, TEAM

from panosc.catalogue.people import account
from panosc.catalogue.tables import group_member
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Invalid

PID = quote(EMBARGOED, safe="")


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with given.token_node(new_database, template, tmp_path_factory.mktemp("links")) as found:
        yield found


@pytest.fixture
def node(served_node):
    with given.renewed(served_node) as found:
        yield found


def link(node, path=FILES, person=TEAM):
    answer = node.browser(person).post("/api/v1/links", json={"path": path})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["url"].startswith(node.address + path)
    return found["url"].removeprefix(node.address)


def opened(node, path, method="GET"):
    return node.client().request(method, path)


def test_a_link_opens_what_its_maker_sees(node):
    assert opened(node, FILES).json() == []
    found = opened(node, link(node))
    assert (found.status_code, len(found.json())) == (200, 1)
    assert opened(node, link(node), "HEAD").status_code == 200
    assert opened(node, link(node, person=STRANGER)).json() == []


def test_a_link_holds_the_query_of_its_address(node):
    path = FILES + "?filter=" + quote('{"limit":1}')
    signed = link(node, path)
    assert len(opened(node, signed).json()) == 1
    assert opened(node, signed.replace("%7B", "%7b")).status_code == 403
    assert opened(node, signed.replace("limit%22%3A1", "limit%22%3A2")).status_code == 403


def test_a_link_is_good_for_one_address(node):
    text = link(node).partition("?")[2]
    for path in (
        "/panosc-api/Datasets",
        FILES + "/count",
        FILES + "/",
        FILES.replace("10.5072/", "10.5072%2F"),
        FILES + "?filter=%7B%7D&x=1",
        "/account/tokens",
        "/api/v1/me",
        "/",
    ):
        joint = "&" if "?" in path else "?"
        answer = opened(node, f"{path}{joint}{text}")
        assert answer.status_code == 403, path
        assert "take a new one" in answer.text.lower()
    # with something before or behind
    assert opened(node, f"{FILES}?x=1&{text}").status_code == 403
    assert opened(node, f"{FILES}?{text}&x=1").status_code == 403
    assert opened(node, f"{FILES}?{text}&{text}").status_code == 403


def test_a_link_is_good_for_reading(node):
    signed = link(node)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert opened(node, signed, method).status_code in {403, 404, 405}
    text = signed.partition("?")[2]
    assert node.client().post(f"/api/v1/links?{text}", json={"path": FILES}).status_code == 403
    assert node.client().post(f"/account/tokens?{text}", data={"name": "x"}).status_code == 403


def test_a_link_ends_within_the_hour(node):
    signed = link(node)
    node.clock.forward(minutes=59)
    assert opened(node, signed).status_code == 200
    node.clock.forward(minutes=1, seconds=1)
    assert opened(node, signed).status_code == 403
    long = node.services.links.sign(node.who(TEAM), FILES, lifetime=timedelta(days=9))
    assert long.expires <= node.clock.now + timedelta(hours=1)


def test_who_left_the_team_sees_nothing_by_an_old_link(node):
    signed = link(node)
    node.run(sa.delete(group_member).where(group_member.c.person == TEAM))
    assert opened(node, signed).json() == []


def test_who_was_locked_or_is_gone_has_no_links(node):
    signed = link(node)
    node.services.services.lock(OPERATOR, TEAM)
    assert opened(node, signed).status_code == 403
    node.run(sa.delete(account).where(account.c.id == TEAM))
    assert opened(node, signed).status_code == 403


def test_terms_hold_for_links_too(node):
    signed = link(node)
    node.run(sa.update(account).values(terms="0").where(account.c.id == TEAM))
    assert opened(node, signed).json() == []


@pytest.mark.parametrize("ending", ["AAA", "", "tampered"])
def test_a_link_that_was_never_made_is_refused(node, ending):
    path, _, text = link(node).partition("?signed=")
    text = text[:-3] + "AAA" if ending == "AAA" else ending
    answer = opened(node, f"{path}?signed={text}")
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("#forbidden")


@pytest.mark.parametrize("header", [{"crit": 1}, {"crit": [1]}, {"b64": 1}, {"alg": []}, [], 1])
def test_a_header_of_the_wrong_kind_is_refused(node, header):
    value = {"alg": "HS256"} | header if isinstance(header, dict) else header
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    assert opened(node, f"{FILES}?signed={text}.e30.AAAA").status_code == 403


def test_a_link_of_another_purpose_is_refused(node):
    value = {"path": FILES, "account": TEAM, "scopes": ["read", "data"], "exp": 9e12}
    for text in (
        node.services.keys.sign(value, "another"),
        node.services.keys.seal(value, "link"),
    ):
        assert opened(node, f"{FILES}?signed={text}").status_code == 403


def test_a_link_gives_no_more_than_the_token_it_was_made_by(node):
    program = node.program(node.token(TEAM, "read"))
    answer = program.post("/api/v1/links", json={"path": f"/datasets/{PID}/-/download"})
    assert answer.status_code == 403
    assert 'scope="data"' in answer.headers["www-authenticate"]
    made = node.services.links.sign(node.services.tokens.bearer(node.token(TEAM, "read")), FILES)
    payload = node.services.keys.verify(made.suffix.partition("=")[2], "link")
    assert payload["scopes"] == ["read"]
    everything = node.services.links.sign(OPERATOR, FILES)
    payload = node.services.keys.verify(everything.suffix.partition("=")[2], "link")
    assert payload["scopes"] == ["data", "read"]


def test_a_link_of_nobody_shows_what_anyone_sees(node):
    signed = node.services.links.sign(ANYONE, FILES)
    assert opened(node, FILES + signed.suffix).json() == []
    of_link = Who(groups=frozenset({"link:x"}))
    assert opened(node, FILES + node.services.links.sign(of_link, FILES).suffix).json() == []


def test_who_has_not_signed_in_or_agreed_makes_none(node):
    wanted = {"path": FILES}
    assert node.client().post("/api/v1/links", json=wanted).status_code == 401
    assert node.browser(NEWCOMER).post("/api/v1/links", json=wanted).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/account/tokens",
        "/api/v1/me",
        "/panosc-api",
        "/datasets/10.1/a",
        "//evil.example/panosc-api/x",
        "https://evil.example/panosc-api/x",
        "/panosc-api/../account",
        "/panosc-api/%2e%2E/account",
        "/datasets/a/-/./b",
        "/panosc-api/a b",
        "/panosc-api/\N{SNOWMAN}",
        "/panosc-api/a\nb",
        "/panosc-api/a#b",
        "/panosc-api/a\\b",
        "/panosc-api/x?signed=1",
        "/panosc-api/" + "x" * 4000,
    ],
)
def test_links_are_made_for_data_alone(node, path):
    answer = node.browser(PI).post("/api/v1/links", json={"path": path})
    assert answer.status_code == 422, answer.text
    with pytest.raises(Invalid):
        node.services.links.sign(OPERATOR, path)


def test_a_link_does_not_sign_its_user_in(node):
    answer = opened(node, link(node))
    assert "set-cookie" not in answer.headers
