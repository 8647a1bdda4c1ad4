"""Tokens that arrive by other ways: RFC 9068 in a header, logout tokens from a provider."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey
from login_node import Clock, Node, Visitor, count, events
from login_scripted import CLIENT, Scripted, keyed, scripted, unsigned

from panosc.catalogue.people import account, session
from panosc.domain.errors import Unauthenticated, Upstream
from panosc.identity.oidc.providers import Providers
from panosc.identity.oidc.verifying import LOGOUT_EVENT, Verifier
from panosc.settings import Settings

AUDIENCE = "https://node.example/api"
MakeNode = Callable[..., Node]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def evil(clock: Clock) -> Iterator[Scripted]:
    with scripted(clock) as provider:
        yield provider


@pytest.fixture
def told(settings: Settings, evil: Scripted) -> Settings:
    provider = evil.as_provider(audience=AUDIENCE)
    return settings.model_copy(update={"providers": (provider,), "outbound_hosts": ("127.0.0.1",)})


@pytest.fixture
def verifier(told: Settings, engine: sa.Engine, clock: Clock) -> Verifier:
    return Verifier(engine, told, Providers(told, clock), clock)


def access_token(evil: Scripted, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    right = evil.claims(AUDIENCE, jti="1", client_id="a-program", scope="openid read panosc:data")
    whole = {name: value for name, value in (right | claims).items() if value is not None}
    return evil.signed(whole, **({"typ": "at+jwt"} | (header or {})))


def test_bearer_is_known_by_issuer_and_subject(
    verifier: Verifier, evil: Scripted, engine: sa.Engine
) -> None:
    who = verifier.bearer(access_token(evil))
    assert who is not None
    assert (who.via, who.scopes) == ("bearer", frozenset()), "the terms are not accepted yet"
    with engine.begin() as connection:
        connection.execute(sa.update(account).values(terms="1"))
    again = verifier.bearer(access_token(evil))
    assert again is not None
    assert again.person == who.person
    assert again.scopes == {"read", "data"}
    assert not again.roles
    other = verifier.bearer(access_token(evil, sub="another", scope=None))
    assert other is not None
    assert other.person != who.person


def test_bearer_of_a_locked_account(verifier: Verifier, evil: Scripted, engine: sa.Engine) -> None:
    verifier.bearer(access_token(evil))
    with engine.begin() as connection:
        connection.execute(sa.update(account).values(locked_at=sa.func.now()))
    with pytest.raises(Unauthenticated, match="locked"):
        verifier.bearer(access_token(evil))


@pytest.mark.parametrize("text", ["", "abc", "pan_x_y", "a.b.c", "..", "a" * 9000, "é.é.é"])
def test_what_is_no_token_of_a_provider(verifier: Verifier, evil: Scripted, text: str) -> None:
    assert verifier.bearer(text) is None
    assert not evil.asked, "nobody is asked about it"


def test_bearer_of_an_unknown_issuer(verifier: Verifier, evil: Scripted) -> None:
    assert verifier.bearer(access_token(evil, iss="https://other.example")) is None


def forged(evil: Scripted) -> dict[str, str]:
    """Return access tokens that are not good, by what is wrong with them."""
    right = evil.claims(AUDIENCE, scope="read")
    kid = evil.key.kid
    pem = evil.key.as_pem(private=False)
    other = ECKey.generate_key("P-256", {"kid": kid})
    at = {"typ": "at+jwt", "kid": kid}
    return {
        "ID token": evil.signed(evil.claims(CLIENT, nonce="x"), typ="JWT"),
        "ID token for this audience": evil.signed(evil.claims(AUDIENCE)),
        "logout token": access_token(evil, header={"typ": "logout+jwt"}),
        "no type": access_token(evil, header={"typ": None}),
        "none": unsigned({"alg": "none", **at}, right),
        "public key as secret": keyed(at, right, pem),
        "another key": jwt.encode({"alg": "ES256", **at}, right, other),
        "another audience": access_token(evil, aud="https://other.example"),
        "for the client": access_token(evil, aud=CLIENT),
        "no audience": access_token(evil, aud=None),
        "expired": access_token(evil, exp=int(evil.clock().timestamp()) - 61),
        "for ever": access_token(evil, exp=None),
        "not yet": access_token(evil, nbf=int(evil.clock().timestamp()) + 120),
        "future": access_token(evil, iat=int(evil.clock().timestamp()) + 120),
        "nobody": access_token(evil, sub=None),
        "claims are not of their kind": access_token(evil, exp="tomorrow", aud=[7]),
    }


def test_forged_bearer(
    verifier: Verifier, evil: Scripted, engine: sa.Engine, subtests: pytest.Subtests
) -> None:
    for name, text in forged(evil).items():
        with subtests.test(name):
            with pytest.raises(Unauthenticated) as refused:
                verifier.bearer(text)
            assert refused.value.reason == "invalid_token"
            assert text not in str(refused.value)
    with engine.connect() as connection:
        assert not connection.execute(sa.select(account)).all()


def test_bearer_over_http(signed_node: MakeNode, evil: Scripted, clock: Clock) -> None:
    node = signed_node(evil, clock=clock, providers=(evil.as_provider(audience=AUDIENCE),))

    def ask(text: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {text}"}
        return httpx.get(f"{node.address}/accessibility", headers=headers, trust_env=False)

    assert ask(access_token(evil)).status_code == 200
    refused = ask(evil.signed(evil.claims(CLIENT)))
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_strangers_cannot_make_us_ask_the_provider_again_and_again(
    verifier: Verifier, evil: Scripted, clock: Clock
) -> None:
    verifier.bearer(access_token(evil))
    for number in range(20):
        with pytest.raises(Unauthenticated):
            verifier.bearer(access_token(evil, header={"kid": f"unknown-{number}"}))
    assert evil.asked.count("/jwks") == 1
    clock.forward(seconds=31)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            verifier.bearer(access_token(evil, header={"kid": f"unknown-{number}"}))
    assert evil.asked.count("/jwks") == 2
    assert evil.asked.count("/.well-known/openid-configuration") == 1


def test_rotated_key_is_found(verifier: Verifier, evil: Scripted, clock: Clock) -> None:
    old = access_token(evil)
    verifier.bearer(old)
    clock.forward(seconds=31)
    evil.key = ECKey.generate_key("P-256", {"kid": "two"})
    assert verifier.bearer(access_token(evil)) is not None
    with pytest.raises(Unauthenticated):
        verifier.bearer(old)


def test_key_that_was_withdrawn_is_forgotten(
    verifier: Verifier, evil: Scripted, clock: Clock
) -> None:
    stolen = evil.key
    assert verifier.bearer(access_token(evil)) is not None
    evil.key = ECKey.generate_key("P-256", {"kid": "two"})
    clock.forward(minutes=61)
    forged_token = jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": stolen.kid},
        evil.claims(AUDIENCE, scope="read"),
        stolen,
    )
    with pytest.raises(Unauthenticated):
        verifier.bearer(forged_token)


def test_provider_that_is_down_is_left_alone_for_some_seconds(
    verifier: Verifier, evil: Scripted, clock: Clock
) -> None:
    evil.document = {"issuer": None}
    for _ in range(2):
        with pytest.raises(Upstream, match="The provider"):
            verifier.bearer(access_token(evil))
    asked = len(evil.asked)
    evil.published = []
    evil.document = {"jwks_uri": f"{evil.issuer}/nothing"}
    clock.forward(seconds=4)
    for _ in range(3):
        with pytest.raises(Upstream):
            verifier.bearer(access_token(evil))
    assert evil.asked.count("/nothing") == 1
    assert len(evil.asked) == asked + 2
    evil.document, evil.published = {}, None
    clock.forward(minutes=61)
    assert verifier.bearer(access_token(evil)) is not None


# logout tokens


@pytest.fixture
def node(signed_node: MakeNode, evil: Scripted, clock: Clock) -> Node:
    return signed_node(evil, clock=clock)


@pytest.fixture
def someone(node: Node, evil: Scripted) -> Visitor:
    visitor = Visitor(node, evil)
    assert visitor.sign_in().status_code == 303
    return visitor


def logout_token(evil: Scripted, **claims: Any) -> str:
    right = evil.claims(CLIENT, jti="one", events={LOGOUT_EVENT: {}})
    whole = {name: value for name, value in (right | claims).items() if value is not None}
    return evil.signed(whole, typ="logout+jwt")


def tell(node: Node, token: str) -> httpx.Response:
    address = f"{node.address}/auth/backchannel"
    answer = httpx.post(address, data={"logout_token": token}, trust_env=False)
    assert answer.headers["cache-control"] == "no-store"
    return answer


def test_provider_ends_a_session(node: Node, evil: Scripted, someone: Visitor) -> None:
    assert someone.is_signed_in()
    assert tell(node, logout_token(evil)).status_code == 200
    assert not someone.is_signed_in()
    assert events(node)[-1] == ("session.ended", "signed out at the provider")


def test_provider_ends_all_sessions_of_a_person(
    node: Node, evil: Scripted, someone: Visitor
) -> None:
    evil.sub = "other"
    other = Visitor(node, evil)
    other.sign_in()
    assert tell(node, logout_token(evil, sub="someone", sid=None)).status_code == 200
    assert (someone.is_signed_in(), other.is_signed_in()) == (False, True)
    assert tell(node, logout_token(evil, sub=None, sid="sid-of-other", jti="2")).status_code == 200
    assert not other.is_signed_in()


def test_logout_token_that_comes_again_ends_nothing_more(
    node: Node, evil: Scripted, someone: Visitor
) -> None:
    token = logout_token(evil)
    assert tell(node, token).status_code == 200
    assert someone.sign_in().status_code == 303
    assert someone.is_signed_in()
    assert tell(node, token).status_code == 200
    assert someone.is_signed_in()


def test_logout_token_that_is_not_good(
    node: Node, evil: Scripted, someone: Visitor, clock: Clock, subtests: pytest.Subtests
) -> None:
    now = int(clock().timestamp())
    bad = {
        "nonce": logout_token(evil, nonce="x"),
        "no event": logout_token(evil, events=None),
        "another event": logout_token(evil, events={"x": {}}),
        "another audience": logout_token(evil, aud="other"),
        "another issuer": logout_token(evil, iss="https://other.example"),
        "no jti": logout_token(evil, jti=None),
        "nobody": logout_token(evil, sub=None, sid=None),
        "sid is a number": logout_token(evil, sid=7),
        "no time": logout_token(evil, iat=None),
        "old": logout_token(evil, iat=now - 700, exp=None),
        "expired": logout_token(evil, exp=now - 100),
        "ID token": evil.signed(evil.claims(CLIENT)),
        "access token": evil.signed(evil.claims(CLIENT, jti="2"), typ="at+jwt"),
        "none": unsigned({"alg": "none"}, evil.claims(CLIENT, jti="3", events={LOGOUT_EVENT: {}})),
        "nothing": "",
        "text": "a.b.c",
    }
    for name, token in bad.items():
        with subtests.test(name):
            answer = tell(node, token)
            assert answer.status_code == 400
            assert answer.json()["error"] == "invalid_request"
    empty = httpx.post(f"{node.address}/auth/backchannel", trust_env=False)
    assert empty.status_code == 400
    assert someone.is_signed_in()
    assert count(node, session) == 1


def test_session_ends_by_itself(node: Node, someone: Visitor, clock: Clock) -> None:
    clock.ahead += timedelta(hours=node.settings.session_hours, seconds=1)
    assert not someone.is_signed_in()
    someone.get("/login/demo")
    assert count(node, session) == 0
