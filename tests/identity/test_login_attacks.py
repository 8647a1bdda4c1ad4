"""Attacks on a login, each refused; the same login without the attack works."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from login_node import Clock, Node, Visitor, count, events
from login_scripted import CLIENT, Scripted, keyed, scripted, unsigned

from panosc.catalogue.people import account, attempt, identity, session

MakeNode = Callable[..., Node]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def evil(clock: Clock) -> Iterator[Scripted]:
    """A provider that can be made to say anything."""
    with scripted(clock) as provider:
        yield provider


@pytest.fixture
def node(signed_node: MakeNode, evil: Scripted, clock: Clock) -> Node:
    return signed_node(evil, clock=clock)


@pytest.fixture
def someone(node: Node, evil: Scripted) -> Visitor:
    return Visitor(node, evil)


def test_the_provider_of_these_tests_forges_what_it_is_told(evil: Scripted) -> None:
    for forger in FORGERS.values():
        assert isinstance(forger(evil)(evil.claims(CLIENT)), str)


def is_refused(someone: Visitor, answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in (statuses or (401, 502)), (answer.status_code, answer.text[:800])
    assert "__Host-panosc" not in answer.headers.get("set-cookie", "")
    assert "panosc=" not in answer.headers.get("set-cookie", "")
    assert count(someone.node, session) == 0
    assert count(someone.node, account) == 0
    assert not someone.is_signed_in()


def changed(address: str, **values: str | None) -> str:
    parts = urlsplit(address)
    given = dict(parse_qsl(parts.query)) | values
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return urlunsplit(parts._replace(query=query))


def test_nothing_wrong_is_let_in(node: Node, evil: Scripted, someone: Visitor) -> None:
    answer = someone.sign_in()
    assert answer.status_code == 303
    assert someone.is_signed_in()
    assert count(node, session) == 1
    with node.engine.connect() as connection:
        row = connection.execute(sa.select(identity)).one()
    assert (row.iss, row.sub) == (evil.issuer, "someone")
    assert evil.forms[0]["authorization"].startswith("Basic ")
    assert "client_secret" not in evil.forms[0]


# the way back


def test_state_that_was_never_given(someone: Visitor) -> None:
    back = someone.sent_back()
    is_refused(someone, someone.get(changed(back, state="A" * 43)), 401)
    is_refused(someone, someone.get(changed(back, state=None)), 401)


def test_state_of_another_browser(node: Node, evil: Scripted) -> None:
    attacker, victim = Visitor(node, evil), Visitor(node, evil)
    of_attacker, of_victim = attacker.sent_back(), victim.sent_back()
    # the victim is sent to the attacker's way back, to be signed in as the attacker
    is_refused(victim, victim.get(of_attacker), 401)
    state = parse_qs(urlsplit(of_attacker).query)["state"][0]
    is_refused(victim, victim.get(changed(of_victim, state=state)), 401)
    # who has no cookie at all
    stranger = Visitor(node, evil)
    is_refused(stranger, stranger.get(of_victim), 401)
    assert victim.get(of_victim).status_code == 303


def test_way_back_used_twice(node: Node, someone: Visitor) -> None:
    back = someone.sent_back()
    assert someone.get(back).status_code == 303
    assert someone.get(back).status_code == 401
    assert count(node, session) == 1


def test_login_that_takes_too_long(node: Node, someone: Visitor, clock: Clock) -> None:
    back = someone.sent_back()
    clock.forward(minutes=11)
    is_refused(someone, someone.get(back), 401)
    someone.get("/login/demo")
    assert count(node, attempt) == 1, "logins that were given up are forgotten"


def test_issuer_mix_up(evil: Scripted, someone: Visitor, subtests: pytest.Subtests) -> None:
    for issuer in [None, "https://other.example", ""]:
        with subtests.test(issuer=str(issuer)):
            evil.back = {"iss": issuer}
            is_refused(someone, someone.sign_in(), 401)
            assert not evil.forms, "the code went to nobody"


def test_answer_for_one_provider_given_to_another(
    evil: Scripted, clock: Clock, signed_node: MakeNode
) -> None:
    with scripted(clock) as honest:
        both = (evil.as_provider(), honest.as_provider(name="honest"))
        someone = Visitor(signed_node(evil, clock=clock, providers=both), evil)
        begun = someone.get("/login/honest").headers["location"]
        back = someone.http.get(begun).headers["location"]
        stolen = back.replace("/auth/callback/honest", "/auth/callback/demo")
        is_refused(someone, someone.get(stolen), 401)
        assert not evil.forms


def test_provider_that_announces_no_issuer_may_leave_it_out(node: Node, evil: Scripted) -> None:
    evil.document = {"authorization_response_iss_parameter_supported": False}
    evil.back = {"iss": None}
    assert Visitor(node, evil).sign_in().status_code == 303


def test_refusal_is_told_in_our_words(node: Node, evil: Scripted, someone: Visitor) -> None:
    evil.back = {"code": None, "error": "access_denied", "error_description": "<b>Evil</b>"}
    answer = someone.sign_in()
    is_refused(someone, answer, 401)
    assert "cancelled" in answer.text
    assert "<b>Evil" not in answer.text
    assert ("session.refused", None) in events(node)


# tokens


def _confused(evil: Scripted, secret: bytes) -> Callable[[dict[str, Any]], str]:
    """Sign with HMAC, the secret being the provider's public key as anyone can read it."""
    return lambda claims: keyed({"kid": evil.key.kid}, claims, secret)


def _none(evil: Scripted) -> Callable[[dict[str, Any]], str]:
    return lambda claims: unsigned({"alg": "none", "kid": evil.key.kid}, claims)


def _other_key(evil: Scripted, **header: Any) -> Callable[[dict[str, Any]], str]:
    key = ECKey.generate_key("P-256", {"kid": evil.key.kid})

    def make(claims: dict[str, Any]) -> str:
        whole = {"alg": "ES256", "kid": key.kid, **header}
        if "jwk" in header:
            whole["jwk"] = key.as_dict(private=False)
        return jwt.encode(whole, claims, key)

    return make


FORGERS: dict[str, Callable[[Scripted], Callable[[dict[str, Any]], str]]] = {
    "none": _none,
    "None": lambda evil: lambda claims: unsigned({"alg": "None", "kid": evil.key.kid}, claims),
    "no algorithm": lambda evil: lambda claims: unsigned({"kid": evil.key.kid}, claims),
    "number": lambda evil: lambda claims: unsigned({"alg": 1, "kid": [2]}, claims),
    "public key as secret, PEM": lambda evil: _confused(evil, evil.key.as_pem(private=False)),
    "public key as secret, DER": lambda evil: _confused(evil, evil.key.as_der(private=False)),
    "another key": _other_key,
    "key in the token": lambda evil: _other_key(evil, jwk=True),
    "address of a key": lambda evil: _other_key(evil, jku="http://127.0.0.1:9/jwks"),
    "signature cut off": lambda evil: lambda claims: evil.signed(claims).rpartition(".")[0] + ".",
    "claims changed": lambda evil: lambda claims: _swapped(evil.signed(claims | {"x": 1}), claims),
    "no token": lambda _: lambda _claims: "a.b.c",
    "no parts": lambda _: lambda _claims: "abc",
    "empty": lambda _: lambda _claims: "",
    "list": lambda _: lambda _claims: unsigned({"alg": "ES256"}, []),  # type: ignore[arg-type]
}


def _swapped(token: str, claims: dict[str, Any]) -> str:
    head, _, tail = token.split(".")
    return f"{head}.{unsigned({}, claims).split('.')[1]}.{tail}"


def test_forged_id_token(evil: Scripted, someone: Visitor, subtests: pytest.Subtests) -> None:
    for name, forger in FORGERS.items():
        with subtests.test(name=name):
            evil.raw_id_token = forger(evil)
            is_refused(someone, someone.sign_in(), 502)


CLAIMS: dict[str, dict[str, Any]] = {
    "for another": {"aud": "another"},
    "for nobody": {"aud": None},
    "for an empty list": {"aud": []},
    "for many, by nobody": {"aud": [CLIENT, "another"]},
    "made by another": {"aud": [CLIENT, "another"], "azp": "another"},
    "made by another for us": {"azp": "another"},
    "of another issuer": {"iss": "https://other.example"},
    "of no issuer": {"iss": None},
    "expired": {"exp": 1_000_000_000},
    "for ever": {"exp": None},
    "expires as text": {"exp": "2099-01-01"},
    "of the future": {"iat": 9_999_999_999},
    "not valid yet": {"nbf": 9_999_999_999},
    "never made": {"iat": None},
    "of nobody": {"sub": None},
    "sub is a number": {"sub": 7},
    "of another login": {"nonce": "another"},
    "of no login": {"nonce": None},
    "nonce is a list": {"nonce": ["x"]},
    "of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "logout token": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
}


def test_id_token_that_says_something_else(
    evil: Scripted, someone: Visitor, subtests: pytest.Subtests
) -> None:
    for name, claims in CLAIMS.items():
        with subtests.test(name=name):
            evil.id_token = claims
            is_refused(someone, someone.sign_in(), 502)


def test_token_of_another_type(evil: Scripted, someone: Visitor, subtests: pytest.Subtests) -> None:
    for kind in ("at+jwt", "logout+jwt", "application/at+jwt"):
        with subtests.test(kind=kind):
            evil.header = {"typ": kind}
            is_refused(someone, someone.sign_in(), 502)


def test_key_is_used_with_the_algorithm_that_it_announces(
    clock: Clock, signed_node: MakeNode
) -> None:
    with scripted(clock, RSAKey.generate_key(2048, {"kid": "rsa"})) as evil:
        someone = Visitor(signed_node(evil, clock=clock), evil)
        evil.raw_id_token = lambda claims: evil.signed(claims, alg="PS256")
        is_refused(someone, someone.sign_in(), 502)
        evil.raw_id_token = None
        assert someone.sign_in().status_code == 303


def test_key_without_a_name_and_a_newer_curve(clock: Clock, signed_node: MakeNode) -> None:
    with scripted(clock, OKPKey.generate_key("Ed25519")) as evil:
        evil.header = {"kid": None}
        someone = Visitor(signed_node(evil, clock=clock), evil)
        assert someone.sign_in().status_code == 303


def test_clock_may_be_off_by_a_minute_and_no_more(
    evil: Scripted, someone: Visitor, clock: Clock
) -> None:
    now = int(clock().timestamp())
    evil.id_token = {"exp": now - 90}
    is_refused(someone, someone.sign_in(), 502)
    evil.id_token = {"exp": now - 30, "iat": now + 30}
    assert someone.sign_in().status_code == 303


def test_userinfo_of_someone_else(
    evil: Scripted, someone: Visitor, subtests: pytest.Subtests
) -> None:
    for told in [{"sub": "another"}, {"sub": None}, {"sub": ""}, {"sub": 1}]:
        with subtests.test(told=str(told)):
            evil.userinfo = told
            is_refused(someone, someone.sign_in(), 502)


def test_answer_without_tokens(evil: Scripted, someone: Visitor, subtests: pytest.Subtests) -> None:
    for told in [{"access_token": None}, {"token_type": "mac"}, {"id_token": None}, {"error": "x"}]:
        with subtests.test(told=str(told)):
            evil.tokens = told
            is_refused(someone, someone.sign_in(), 502)


# the provider


def test_discovery_that_leads_astray(node: Node, evil: Scripted, subtests: pytest.Subtests) -> None:
    for document in [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"token_endpoint": "http://other.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "https://a.example;script-src */x"},
    ]:
        with subtests.test(document=str(document)):
            evil.document = document
            answer = Visitor(node, evil).get("/login/demo")
            assert answer.status_code == 502
            assert "The provider" in answer.text
            assert count(node, attempt) == 0


def test_keys_for_shared_secrets_are_not_taken(evil: Scripted, someone: Visitor) -> None:
    secret = OctKey.import_key(b"0123456789abcdef0123456789abcdef")
    evil.published = [{**secret.as_dict(private=True), "kid": "one"}]
    evil.raw_id_token = lambda claims: jwt.encode({"alg": "HS256", "kid": "one"}, claims, secret)
    is_refused(someone, someone.sign_in(), 502)


# the browser


def test_open_redirect(someone: Visitor, subtests: pytest.Subtests) -> None:
    for back in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=1",
        " //evil.example",
        "/\t/evil.example",
        "///evil.example",
        "/login/demo?back=/login/demo",
        "/logout",
    ]:
        with subtests.test(back=str(back)):
            answer = someone.sign_in(begin="/login/demo?" + urlencode({"back": back}))
            assert answer.status_code == 303
            leads = answer.headers["location"]
            target = parse_qs(urlsplit(leads).query).get("back", [leads])[0]
            for path in (leads, target):
                assert re.match(r"/(?![/\\])", path), path
                assert urlsplit(path).netloc == ""
            assert not target.startswith(("/login", "/logout"))
            assert set(answer.headers.get_list("set-cookie")) == {
                cookie
                for cookie in answer.headers.get_list("set-cookie")
                if cookie.startswith("panosc=")
            }


def test_session_fixation(node: Node, evil: Scripted) -> None:
    attacker, victim = Visitor(node, evil), Visitor(node, evil)
    attacker.sign_in()
    fixed = attacker.http.cookies["panosc"]
    victim.http.cookies.set("panosc", fixed, domain="127.0.0.1", path="/")
    answer = victim.sign_in()
    made = answer.headers["set-cookie"].partition(";")[0].removeprefix("panosc=")
    assert made != fixed
    assert not attacker.is_signed_in(), "the session that was handed over is over"
    # a cookie that nobody has given out
    guest = Visitor(node, evil)
    guest.http.cookies.set("panosc", "x" * 43, domain="127.0.0.1", path="/")
    assert guest.sign_in().headers["set-cookie"].partition(";")[0] != f"panosc={'x' * 43}"


def test_cookies_are_out_of_reach(node: Node, someone: Visitor) -> None:
    begun = someone.get("/login/demo")
    done = someone.get(someone.http.get(begun.headers["location"]).headers["location"])
    for answer in (begun, done):
        flags = answer.headers["set-cookie"].lower()
        assert "httponly" in flags
        assert "samesite=lax" in flags
        assert "path=/" in flags
        assert "domain" not in flags
    kept = someone.http.cookies["panosc"]
    with node.engine.connect() as connection:
        rows = [str(dict(row._mapping)) for row in connection.execute(sa.select(session))]
    assert not any(kept in row or "refresh-" in row for row in rows)


def test_cookies_behind_tls(evil: Scripted, signed_node: MakeNode) -> None:
    node = signed_node(evil, base_url="https://data.example")
    answer = Visitor(node, evil).get("/login/demo")
    assert answer.headers["set-cookie"].startswith("__Host-panosc-login=")
    assert "secure" in answer.headers["set-cookie"].lower()
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://data.example/auth/callback/demo"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43


def test_token_in_an_address(evil: Scripted, someone: Visitor, subtests: pytest.Subtests) -> None:
    for name in ["access_token", "id_token", "token", "refresh_token"]:
        with subtests.test(name=str(name)):
            token = evil.signed(evil.claims(CLIENT))
            assert someone.get(f"/?{name}={token}").status_code == 422
            back = someone.sent_back()
            is_refused(someone, someone.get(f"{back}&{name}={token}"), 422)
