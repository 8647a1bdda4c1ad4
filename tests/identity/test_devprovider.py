"""The embedded provider: the rules of its protocols, also where they say no.

Authlib's client and the certified provider are the oracles: what is said of both is run on both.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aarc_entitlement import G069
from authlib.integrations.requests_client import OAuth2Session
from identity_providers import AnyProvider, Embedded, sign_in, sign_out
from joserfc import jwt
from joserfc.jwk import KeySet

from panosc.domain.access import GROUP_ROLES, NODE_ROLES
from panosc.domain.errors import Invalid, Unavailable
from panosc.identity.claims import granted, orcid
from panosc.identity.devprovider import PEOPLE, DevProvider
from panosc.identity.devprovider.clients import Client
from panosc.settings import Provider, Settings

NODE = "http://127.0.0.1:8000"
CALLBACK = f"{NODE}/auth/callback/demo"
VERIFIER = "verifier-" * 6
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Party:
    """A client of a provider, and a browser."""

    at: AnyProvider
    registered: Provider
    http: httpx.Client
    meta: dict[str, Any]

    @property
    def secret(self) -> tuple[str, str]:
        assert self.registered.client_secret is not None
        return self.registered.client_id, self.registered.client_secret.get_secret_value()

    def query(self, **changes: str | list[str] | None) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "client_id": self.registered.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile",
            "state": "s t&a=te",
            "nonce": "n",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {key: value for key, value in (asked | changes).items() if value is not None}

    def authorize(self, **changes: Any) -> httpx.Response:
        return self.http.get(self.meta["authorization_endpoint"], params=self.query(**changes))

    def code(self, person: str = "ada", **changes: Any) -> str:
        url = httpx.URL(self.meta["authorization_endpoint"], params=self.query(**changes))
        back = sign_in(self.http, str(url), person, provider=self.at)
        return str(answer(back)["code"])

    def token(self, *, auth: Any = "own", **form: Any) -> httpx.Response:
        if auth == "own":
            auth = self.secret
        return self.http.post(self.meta["token_endpoint"], data=form, auth=auth)

    def redeem(self, code: str, *, auth: Any = "own", **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        } | changes
        return self.token(auth=auth, **{key: one for key, one in form.items() if one is not None})

    def refresh(self, text: str, **more: Any) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=text, **more)

    def userinfo(self, text: str) -> httpx.Response:
        return self.http.get(
            self.meta["userinfo_endpoint"], headers={"Authorization": f"Bearer {text}"}
        )

    def decoded(self, text: str) -> jwt.Token:
        keys = KeySet.import_key_set(self.http.get(self.meta["jwks_uri"]).json())
        return jwt.decode(text, keys, algorithms=["ES256", "RS256"])


def answer(url: str) -> dict[str, str]:
    """What a provider tells a client by a redirect."""
    assert url.startswith(CALLBACK), url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def error(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert "no-store" in response.headers["cache-control"]
    return str(response.json()["error"])


def party(at: AnyProvider) -> Party:
    meta = httpx.get(f"{at.issuer}/.well-known/openid-configuration").json()
    return Party(at=at, registered=at.as_provider(NODE), http=httpx.Client(timeout=30), meta=meta)


@pytest.fixture
def anywhere(any_provider: AnyProvider) -> Iterator[Party]:
    """A client of both providers in turn."""
    made = party(any_provider)
    yield made
    made.http.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedded(settings_of_demo: Settings, clock: Clock) -> Iterator[DevProvider]:
    provider = DevProvider(settings_of_demo, clock=clock)
    with provider.running():
        yield provider


@pytest.fixture
def here(embedded: DevProvider) -> Iterator[Party]:
    """A client of the embedded provider, the time of which a test sets."""
    wrapped = Embedded.__new__(Embedded)
    wrapped.provider = embedded
    made = party(wrapped)
    yield made
    made.http.close()


# what both do


def test_an_independent_client_goes_all_the_way(anywhere: Party) -> None:
    name, secret = anywhere.secret
    with OAuth2Session(
        name,
        secret,
        redirect_uri=CALLBACK,
        scope=" ".join(anywhere.registered.scopes),
        code_challenge_method="S256",
    ) as session:
        url, state = session.create_authorization_url(
            anywhere.meta["authorization_endpoint"], code_verifier=VERIFIER, nonce="n"
        )
        back = sign_in(anywhere.http, url, "ada", provider=anywhere.at)
        assert answer(back)["iss"] == anywhere.at.issuer
        first = session.fetch_token(
            anywhere.meta["token_endpoint"],
            authorization_response=back,
            state=state,
            code_verifier=VERIFIER,
        )
        claims = session.get(anywhere.meta["userinfo_endpoint"]).json()
        assert claims["sub"] == "demo-ada"
        assert claims["name"] == "Ada Demo"
        assert "@" in claims["voperson_id"]
        assert orcid(claims["orcid"])
        assert granted(anywhere.registered, claims).held == {("pi", "demo-1001")}
        second = session.refresh_token(anywhere.meta["token_endpoint"])
        assert second["refresh_token"] != first["refresh_token"]
        assert anywhere.userinfo(second["access_token"]).json()["sub"] == "demo-ada"


def test_what_the_id_token_says(anywhere: Party) -> None:
    told = anywhere.redeem(anywhere.code(max_age="100")).json()
    token = anywhere.decoded(told["id_token"])
    assert token.claims["iss"] == anywhere.at.issuer
    assert token.claims["aud"] == anywhere.registered.client_id
    assert (token.claims["sub"], token.claims["nonce"]) == ("demo-ada", "n")
    assert {"exp", "iat", "auth_time", "sid"} <= token.claims.keys()
    # group URNs are told at UserInfo alone, as the large proxies do
    assert "eduperson_entitlement" not in token.claims


def test_a_wrong_verifier_gets_nothing(anywhere: Party) -> None:
    assert error(anywhere.redeem(anywhere.code(), code_verifier="x" * 43)) == "invalid_grant"
    assert error(anywhere.redeem(anywhere.code(), code_verifier=None)) == "invalid_grant"


def test_pkce_is_needed(anywhere: Party) -> None:
    for lacking in ({"code_challenge": None}, {"code_challenge_method": "plain"}):
        told = answer(anywhere.authorize(**lacking).headers["location"])
        assert told["error"] == "invalid_request"
        assert told["state"] == "s t&a=te"


def test_a_code_is_good_once_and_a_replay_ends_what_it_gave(anywhere: Party) -> None:
    code = anywhere.code()
    told = anywhere.redeem(code).json()
    assert anywhere.userinfo(told["access_token"]).status_code == 200
    assert error(anywhere.redeem(code)) == "invalid_grant"
    assert anywhere.userinfo(told["access_token"]).status_code == 401
    assert error(anywhere.refresh(told["refresh_token"])) == "invalid_grant"


def test_a_refresh_token_is_good_once_and_reuse_ends_the_family(anywhere: Party) -> None:
    first = anywhere.redeem(anywhere.code()).json()
    second = anywhere.refresh(first["refresh_token"]).json()
    third = anywhere.refresh(second["refresh_token"]).json()
    assert error(anywhere.refresh(first["refresh_token"])) == "invalid_grant"
    assert error(anywhere.refresh(third["refresh_token"])) == "invalid_grant"
    assert anywhere.userinfo(third["access_token"]).status_code == 401


def test_nobody_is_sent_to_an_unknown_place(anywhere: Party) -> None:
    for place in (
        "https://evil.example/",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        CALLBACK.replace("http", "https"),
        "//evil.example",
    ):
        response = anywhere.authorize(redirect_uri=place)
        assert response.status_code == 400, place
        assert "location" not in response.headers
    unknown = anywhere.authorize(client_id="unknown")
    assert unknown.status_code == 400
    assert "location" not in unknown.headers


def test_another_clients_code_and_refresh_token_are_refused(anywhere: Party) -> None:
    other = anywhere.at.as_provider(NODE)
    assert other.client_secret is not None
    them = (other.client_id, other.client_secret.get_secret_value())
    assert error(anywhere.redeem(anywhere.code(), auth=them)) == "invalid_grant"
    told = anywhere.redeem(anywhere.code()).json()
    assert error(anywhere.refresh(told["refresh_token"], auth=them)) == "invalid_grant"


def test_clients_prove_themselves(anywhere: Party) -> None:
    name, secret = anywhere.secret
    code = anywhere.code()
    for auth in ((name, "wrong"), ("unknown", secret)):
        assert error(anywhere.redeem(code, auth=auth), 401) == "invalid_client"
    assert anywhere.redeem(code, auth=None, client_id=name).status_code in {400, 401}
    assert anywhere.redeem(code, auth=None).status_code in {400, 401}
    assert anywhere.redeem(code).status_code == 200


def test_prompts(anywhere: Party) -> None:
    told = answer(anywhere.authorize(prompt="none").headers["location"])
    assert told["error"] == "login_required"
    assert told["iss"] == anywhere.at.issuer
    anywhere.code()
    silent = answer(anywhere.authorize(prompt="none").headers["location"])
    assert "code" in silent
    assert not anywhere.authorize(prompt="login").headers.get("location", "").startswith(CALLBACK)
    assert anywhere.code(prompt="login")
    both = answer(anywhere.authorize(prompt="none login").headers["location"])
    assert both["error"] == "invalid_request"


def test_access_tokens_for_a_resource(anywhere: Party) -> None:
    told = anywhere.redeem(anywhere.code(resource=NODE), resource=NODE).json()
    token = anywhere.decoded(told["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["aud"] == NODE
    assert token.claims["client_id"] == anywhere.registered.client_id
    assert (token.claims["iss"], token.claims["sub"]) == (anywhere.at.issuer, "demo-ada")
    assert {"exp", "iat", "jti", "scope"} <= token.claims.keys()
    # it is for that resource, not for the claims of the person here
    assert anywhere.userinfo(told["access_token"]).status_code == 401
    assert anywhere.decoded(told["id_token"]).header.get("typ") != "at+jwt"
    refused = answer(anywhere.authorize(resource="https://elsewhere.example").headers["location"])
    assert refused["error"] == "invalid_target"


def test_a_device_is_signed_in(anywhere: Party) -> None:
    asked = anywhere.http.post(
        anywhere.meta["device_authorization_endpoint"],
        data={"scope": "openid profile"},
        auth=anywhere.secret,
    ).json()

    def poll() -> httpx.Response:
        return anywhere.token(grant_type=DEVICE, device_code=asked["device_code"])

    assert error(poll()) == "authorization_pending"
    with httpx.Client(timeout=30) as browser:
        url = asked["verification_uri_complete"]
        sign_in(browser, url, "emil", provider=anywhere.at)
    if isinstance(anywhere.at, Embedded):
        # it keeps the interval, which the other leaves to the client
        assert error(poll()) == "slow_down"
        return
    told = poll().json()
    assert anywhere.userinfo(told["access_token"]).json()["name"] == "Emil Demo"
    assert error(poll()) == "invalid_grant"


def test_revoked_tokens_are_over(anywhere: Party) -> None:
    told = anywhere.redeem(anywhere.code()).json()

    def revoke(text: str, auth: Any) -> int:
        where = anywhere.meta["revocation_endpoint"]
        return anywhere.http.post(where, data={"token": text}, auth=auth).status_code

    other = anywhere.at.as_provider(NODE)
    assert other.client_secret is not None
    revoke(told["access_token"], (other.client_id, other.client_secret.get_secret_value()))
    assert anywhere.userinfo(told["access_token"]).status_code == 200
    assert revoke("unknown", anywhere.secret) == 200
    assert revoke(told["access_token"], anywhere.secret) == 200
    assert anywhere.userinfo(told["access_token"]).status_code == 401
    assert revoke(told["refresh_token"], anywhere.secret) == 200
    assert error(anywhere.refresh(told["refresh_token"])) == "invalid_grant"


def test_signing_out_comes_back_to_a_known_place_and_ends_the_login(anywhere: Party) -> None:
    told = anywhere.redeem(anywhere.code()).json()
    end = anywhere.meta["end_session_endpoint"]
    more = {"id_token_hint": told["id_token"], "state": "x"}
    bad = anywhere.http.get(
        end, params=more | {"post_logout_redirect_uri": "https://evil.example/"}
    )
    assert bad.status_code == 400
    good = httpx.URL(end, params=more | {"post_logout_redirect_uri": f"{NODE}/"})
    back = sign_out(anywhere.http, str(good), provider=anywhere.at)
    assert back == f"{NODE}/?state=x"
    assert answer(anywhere.authorize(prompt="none").headers["location"])["error"]
    assert error(anywhere.refresh(told["refresh_token"])) == "invalid_grant"


def test_keys_change_and_the_one_before_is_still_known(anywhere: Party) -> None:
    old = anywhere.redeem(anywhere.code()).json()["id_token"]
    before = anywhere.decoded(old).header["kid"]
    anywhere.at.rotate_keys()
    new = anywhere.redeem(anywhere.code()).json()["id_token"]
    assert anywhere.decoded(new).header["kid"] != before
    assert anywhere.decoded(old).header["kid"] == before
    anywhere.at.rotate_keys()
    kids = {key["kid"] for key in anywhere.http.get(anywhere.meta["jwks_uri"]).json()["keys"]}
    assert before not in kids
    assert len(kids) == 2


def test_one_that_is_down_comes_back_with_what_it_knew(anywhere: Party) -> None:
    told = anywhere.redeem(anywhere.code()).json()
    anywhere.at.stop()
    with pytest.raises(httpx.ConnectError):
        anywhere.http.get(anywhere.meta["jwks_uri"])
    anywhere.at.start()
    assert anywhere.refresh(told["refresh_token"]).status_code == 200


def test_no_private_key_is_published(anywhere: Party) -> None:
    for key in anywhere.http.get(anywhere.meta["jwks_uri"]).json()["keys"]:
        assert not {"d", "p", "q"} & key.keys()


# what the embedded one does


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid offline_access"}, "invalid_scope"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "+" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "²"}, "invalid_request"),
        ({"max_age": "9" * 40}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"resource": [NODE, "https://elsewhere.example"]}, "invalid_target"),
    ],
)
def test_requests_that_are_refused(here: Party, changes: dict[str, Any], expected: str) -> None:
    for response in (
        here.authorize(**changes),
        here.http.post(here.meta["authorization_endpoint"], data=here.query(**changes)),
        here.http.post(
            f"{here.at.issuer}/sign-in", params=here.query(**changes), data={"person": "ada"}
        ),
    ):
        assert response.status_code == 303
        told = answer(response.headers["location"])
        assert told["error"] == expected
        assert (told["state"], told["iss"]) == ("s t&a=te", here.at.issuer)
        assert "code" not in told


def test_a_request_may_come_as_a_form(here: Party) -> None:
    page = here.http.post(here.meta["authorization_endpoint"], data=here.query())
    assert "Ada Demo" in page.text
    here.code()
    again = here.http.post(here.meta["authorization_endpoint"], data=here.query())
    assert "code" in answer(again.headers["location"])


def test_the_address_to_go_back_to_has_to_be_named(here: Party) -> None:
    assert here.authorize(redirect_uri=None).status_code == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_an_address_that_is_given_twice_is_not_gone_to(here: Party, name: str) -> None:
    query = here.query()
    query[name] = [query[name], query[name]]
    response = here.authorize(**query)
    assert response.status_code == 400
    assert "location" not in response.headers


def test_one_browser_may_change_to_another_person(here: Party) -> None:
    here.code()
    told = here.redeem(here.code("ben", prompt="select_account")).json()
    assert here.userinfo(told["access_token"]).json()["sub"] == "demo-ben"


def test_somebody_may_turn_back(here: Party) -> None:
    response = here.http.post(f"{here.at.issuer}/sign-in", params=here.query(), data={"deny": "1"})
    assert answer(response.headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize("form", [{}, {"person": ""}, {"person": "root"}, {"person": ["a", "b"]}])
def test_nobody_else_can_sign_in(here: Party, form: dict[str, Any]) -> None:
    response = here.http.post(f"{here.at.issuer}/sign-in", params=here.query(), data=form)
    assert response.status_code == 400
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/sign-in", "/device", "/logout/confirm"])
def test_forms_of_other_sites_are_refused(here: Party, path: str) -> None:
    for origin in ("https://evil.example", NODE, "null"):
        response = here.http.post(
            f"{here.at.issuer}{path}",
            params=here.query(),
            data={"person": "ada"},
            headers={"Origin": origin},
        )
        assert response.status_code == 400
        assert "set-cookie" not in response.headers


def test_other_names_of_this_machine_are_refused(here: Party) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io"):
        response = here.http.get(f"{here.at.issuer}/authorize", headers={"Host": host})
        assert response.status_code == 400


def test_a_code_expires(here: Party, clock: Clock) -> None:
    code = here.code()
    clock.forward(59)
    assert here.redeem(code).status_code == 200
    late = here.code()
    clock.forward(60)
    assert error(here.redeem(late)) == "invalid_grant"


def test_access_and_refresh_tokens_expire(here: Party, clock: Clock) -> None:
    told = here.redeem(here.code()).json()
    assert told["expires_in"] == 300
    clock.forward(299)
    assert here.userinfo(told["access_token"]).status_code == 200
    clock.forward(1)
    refused = here.userinfo(told["access_token"])
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    told = here.refresh(told["refresh_token"]).json()
    clock.forward(8 * 3600)
    assert error(here.refresh(told["refresh_token"])) == "invalid_grant"


def test_a_login_expires(here: Party, clock: Clock) -> None:
    here.code()
    clock.forward(8 * 3600 - 1)
    assert here.authorize().status_code == 303
    clock.forward(2)
    assert here.authorize().status_code == 200


def test_max_age_asks_again(here: Party, clock: Clock) -> None:
    here.code()
    clock.forward(100)
    assert here.authorize(max_age="100").status_code == 303
    clock.forward(1)
    assert here.authorize(max_age="100").status_code == 200
    claims = here.decoded(here.redeem(here.code(max_age="100")).json()["id_token"]).claims
    assert claims["auth_time"] == int(clock().timestamp())


def test_another_address_than_before_gets_nothing(here: Party) -> None:
    place = "http://localhost:8000/auth/callback/demo"
    assert error(here.redeem(here.code(), redirect_uri=place)) == "invalid_grant"
    assert error(here.redeem(here.code(), redirect_uri=None)) == "invalid_grant"


@pytest.mark.parametrize(
    "verifier", ["x" * 42, "x" * 129, "é" * 50], ids=["short", "long", "other letters"]
)
def test_verifiers_of_another_form_get_nothing(here: Party, verifier: str) -> None:
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    code = here.code(code_challenge=made.decode())
    assert error(here.redeem(code, code_verifier=verifier)) == "invalid_grant"


def test_a_code_is_used_up_by_a_wrong_guess(here: Party) -> None:
    code = here.code()
    assert error(here.redeem(code, code_verifier="x" * 43)) == "invalid_grant"
    assert error(here.redeem(code)) == "invalid_grant"


def test_scopes_can_shrink_and_not_grow(here: Party) -> None:
    told = here.redeem(here.code(scope="openid profile")).json()
    told = here.refresh(told["refresh_token"], scope="openid").json()
    assert told["scope"] == "openid"
    assert here.userinfo(told["access_token"]).json() == {"sub": "demo-ada"}
    told = here.refresh(told["refresh_token"]).json()
    assert told["scope"] == "openid profile"
    assert error(here.refresh(told["refresh_token"], scope="openid email")) == "invalid_scope"


def test_claims_come_by_scope(here: Party) -> None:
    told = here.redeem(here.code(scope="openid")).json()
    assert here.userinfo(told["access_token"]).json() == {"sub": "demo-ada"}
    told = here.redeem(here.code(scope="openid email", prompt="login")).json()
    claims = here.userinfo(told["access_token"]).json()
    assert claims == {"sub": "demo-ada", "email": "ada@demo.test", "email_verified": True}


def test_a_token_is_for_one_resource_that_was_granted(here: Party) -> None:
    told = here.redeem(here.code()).json()
    assert error(here.refresh(told["refresh_token"], resource=NODE)) == "invalid_target"


def test_the_claims_need_a_token_in_the_header(here: Party) -> None:
    told = here.redeem(here.code()).json()
    where, text = here.meta["userinfo_endpoint"], told["access_token"]
    for headers in ({}, {"Authorization": text}, {"Authorization": f"Basic {text}"}):
        assert here.http.get(where, headers=headers).status_code == 401
    assert here.http.get(where, params={"access_token": text}).status_code == 401
    assert here.userinfo(told["id_token"]).status_code == 401
    assert here.userinfo(told["refresh_token"]).status_code == 401
    good = here.http.post(where, headers={"Authorization": f"bearer {text}"})
    assert good.json()["sub"] == "demo-ada"


def test_ways_to_prove_a_client(here: Party, embedded: DevProvider) -> None:
    name, secret = here.secret
    for auth, more in (((name, ""), {}), (None, {"client_id": name}), (None, {})):
        assert error(here.redeem("x", auth=auth, **more), 401) == "invalid_client"
    posted = here.redeem(here.code(), auth=None, client_id=name, client_secret=secret)
    assert posted.status_code == 200
    twice = here.redeem(here.code(), client_id=name, client_secret=secret)
    assert error(twice) == "invalid_request"
    assert error(here.redeem(here.code(), client_id="other")) == "invalid_request"
    wrong = here.redeem(here.code(), auth=(name, "wrong"))
    assert wrong.headers["www-authenticate"].startswith("Basic")
    for header in ("Basic", "Basic %%%", "Basic " + base64.b64encode(b"x").decode(), "Bearer x"):
        response = here.http.post(
            here.meta["token_endpoint"],
            data={"grant_type": "authorization_code"},
            headers={"Authorization": header},
        )
        assert error(response, 401) == "invalid_client"
    public = Client(id="public", name="Public", redirect_uris=frozenset({CALLBACK}))
    embedded.register(public)
    code = here.code(client_id="public")
    assert here.redeem(code, auth=None, client_id="public").status_code == 200
    code = here.code(client_id="public")
    made_up = here.redeem(code, auth=None, client_id="public", client_secret="x")
    assert error(made_up, 401) == "invalid_client"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "ada"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": ["authorization_code", "refresh_token"]}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "scope": "y"}, "invalid_scope"),
        ({"grant_type": DEVICE}, "invalid_request"),
        ({"grant_type": DEVICE, "device_code": "x"}, "invalid_grant"),
    ],
)
def test_token_requests_that_are_refused(here: Party, form: dict[str, Any], expected: str) -> None:
    assert error(here.token(**form)) == expected


@pytest.fixture
def device(here: Party) -> Callable[[], dict[str, Any]]:
    """Begins to sign a device in."""

    def begin() -> dict[str, Any]:
        response = here.http.post(
            here.meta["device_authorization_endpoint"],
            data={"scope": "openid profile"},
            auth=here.secret,
        )
        return dict(response.json())

    return begin


def test_a_device_that_waits_its_turn(
    here: Party, clock: Clock, device: Callable[[], dict[str, Any]]
) -> None:
    asked = device()

    def poll() -> httpx.Response:
        return here.token(grant_type=DEVICE, device_code=asked["device_code"])

    assert error(poll()) == "authorization_pending"
    clock.forward(4)
    assert error(poll()) == "slow_down"
    clock.forward(9)
    # five seconds more each time that it was too fast
    assert error(poll()) == "slow_down"
    clock.forward(15)
    assert error(poll()) == "authorization_pending"
    # the code is read as people type it
    typed = asked["user_code"].replace("-", " ").lower()
    page = here.http.get(asked["verification_uri"], params={"user_code": typed})
    assert asked["user_code"] in page.text
    done = here.http.post(
        asked["verification_uri"], data={"user_code": asked["user_code"], "person": "emil"}
    )
    assert "You can go back" in done.text
    clock.forward(15)
    told = poll().json()
    assert here.userinfo(told["access_token"]).json()["name"] == "Emil Demo"
    assert error(poll()) == "invalid_grant"


def test_a_device_that_was_refused_or_forgotten(
    here: Party, clock: Clock, device: Callable[[], dict[str, Any]]
) -> None:
    asked = device()
    here.http.post(asked["verification_uri"], data={"user_code": asked["user_code"], "deny": "1"})
    refused = here.token(grant_type=DEVICE, device_code=asked["device_code"])
    assert error(refused) == "access_denied"
    asked = device()
    clock.forward(600)
    late = here.http.get(asked["verification_uri_complete"])
    assert late.status_code == 400
    assert error(here.token(grant_type=DEVICE, device_code=asked["device_code"])) == "expired_token"


def test_codes_of_no_device_are_asked_for_again(here: Party) -> None:
    page = here.http.get(f"{here.at.issuer}/device")
    assert 'name="user_code"' in page.text
    wrong = here.http.get(f"{here.at.issuer}/device", params={"user_code": "<b>ABCD"})
    assert wrong.status_code == 400
    assert "&lt;b&gt;ABCD" in wrong.text
    assert here.http.post(f"{here.at.issuer}/device", data={"person": "ada"}).status_code == 400


def test_without_a_hint_one_is_asked_before_signing_out(here: Party) -> None:
    here.code()
    page = here.http.get(here.meta["end_session_endpoint"])
    assert "Ada Demo" in page.text
    assert here.authorize(prompt="none").headers["location"].startswith(f"{CALLBACK}?code=")
    sign_out(here.http, here.meta["end_session_endpoint"], provider=here.at)
    assert answer(here.authorize(prompt="none").headers["location"])["error"] == "login_required"


def test_a_hint_of_somebody_else_signs_nobody_out(here: Party) -> None:
    hint = here.redeem(here.code()).json()["id_token"]
    here.code("ben", prompt="login")
    end = here.meta["end_session_endpoint"]
    assert "Ben Demo" in here.http.get(end, params={"id_token_hint": hint}).text
    assert "Ben Demo" in here.http.get(end, params={"id_token_hint": hint[:-4] + "AAAA"}).text
    other = here.http.get(end, params={"id_token_hint": hint, "client_id": "other"})
    assert other.status_code == 400


def test_the_nodes_are_told_of_a_logout(here: Party, embedded: DevProvider) -> None:
    told: list[tuple[str, str]] = []
    object.__setattr__(
        embedded._context, "tell_logout", lambda where, token: told.append((where, token))
    )
    id_token = here.decoded(here.redeem(here.code()).json()["id_token"]).claims
    sign_out(here.http, here.meta["end_session_endpoint"], provider=here.at)
    [(where, text)] = told
    assert where == f"{NODE}/auth/backchannel"
    token = here.decoded(text)
    assert token.header["typ"] == "logout+jwt"
    assert token.claims["aud"] == here.registered.client_id
    assert (token.claims["sub"], token.claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert list(token.claims["events"]) == ["http://schemas.openid.net/event/backchannel-logout"]
    assert "nonce" not in token.claims
    assert {"iat", "exp", "jti"} <= token.claims.keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "0.0.0.0"}, "others can reach"),
        ({"host": "::"}, "others can reach"),
        ({"host": "node.example"}, "others can reach"),
        ({"host": "192.168.1.5"}, "others can reach"),
        ({"base_url": "https://data.example.org"}, "public address"),
        ({"base_url": "https://127.0.0.1.example.org"}, "public address"),
        ({"base_url": "not an address"}, "public address"),
        (
            {
                "providers": (
                    Provider(name="real", title="Real", issuer="https://a.example", client_id="x"),
                )
            },
            "real people",
        ),
    ],
)
def test_it_does_not_run_beside_real_people(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        DevProvider(Settings(**changes))
    assert caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "127.0.0.5"},
        {"base_url": "http://localhost:8000"},
        {"base_url": "http://[::1]:8000/"},
    ],
)
def test_it_runs_on_loopback(changes: dict[str, Any]) -> None:
    with DevProvider(Settings(**changes)).running() as provider:
        assert provider.issuer.startswith("http://127.0.0.1:")
        assert httpx.get(provider.issuer).status_code == 200


def test_a_port_that_is_taken_is_said(here: Party) -> None:
    port = urlsplit(here.at.issuer).port
    assert port
    with (
        pytest.raises(Unavailable, match=str(port)),
        DevProvider(Settings(dev_login_port=port)).running(),
    ):
        pass


def test_the_people_are_made_up_and_well_formed() -> None:
    provider = DevProvider(Settings()).as_provider(NODE)
    held: set[tuple[str, str]] = set()
    for person in PEOPLE:
        claims = person.claims(provider.scopes)
        assert "Demo" in person.name
        assert orcid(claims["orcid"]) == person.orcid
        # ORCID gives out 0000-0001-5000-0007 to 0000-0003-5000-0001 and 0009-0000 to 0009-0010
        assert person.orcid.startswith("0009-9999")
        assert "@" in claims["voperson_id"]
        assert claims["email"].endswith(".test")
        for urn in person.entitlements:
            assert G069(urn).role
        grants = granted(provider, claims)
        assert not grants.ignored
        assert len(grants.held) == len(person.entitlements)
        held |= grants.held
    assert {role for role, group in held if group == "node"} == NODE_ROLES
    assert {role for role, _ in held} == NODE_ROLES | GROUP_ROLES - {"guest"}
    assert len({group for role, group in held if role == "pi"}) == 2


def test_pages_hold_no_script_and_say_where_forms_may_lead(here: Party) -> None:
    page = here.authorize()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {NODE};" in policy
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    for person in PEOPLE:
        assert person.name in page.text
