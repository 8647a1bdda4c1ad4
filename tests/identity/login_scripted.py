"""A login provider that says whatever a test makes it say; it signs everyone in at once."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from login_node import Clock
from pydantic import SecretStr

from panosc.settings import Provider

CLIENT = "a-node"
ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Return a JWT that no library would write."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def keyed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Return a JWT signed with HMAC, with a secret that a library would refuse."""
    text = unsigned({"alg": "HS256"} | header, claims).rpartition(".")[0]
    digest = hmac.new(secret, text.encode(), "sha256").digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@dataclass
class Scripted:
    """The provider; tests change its fields while it runs."""

    clock: Clock
    key: RSAKey | ECKey | OKPKey
    taken: socket.socket
    sub: str = "someone"
    id_token: dict[str, Any] = field(default_factory=dict)
    """Claims that are put over the right ones; None takes one away."""
    header: dict[str, Any] = field(default_factory=dict)
    raw_id_token: Any = None
    """Makes the ID token of the right claims itself."""
    userinfo: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    back: dict[str, str | None] = field(default_factory=dict)
    token_status: int = 200
    published: list[dict[str, Any]] | None = None
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.taken.getsockname()[1]}"

    def as_provider(self, _node: str = "", *, name: str = "demo", **more: Any) -> Provider:
        return Provider(
            name=name,
            title="The provider",
            issuer=self.issuer,
            client_id=CLIENT,
            client_secret=SecretStr("a secret: with % and :"),
            **more,
        )

    def answers(self, _person: str) -> dict[str, str]:
        return {}

    def claims(self, audience: str, **more: Any) -> dict[str, Any]:
        """Return claims that are right, but for what `more` says; None leaves one out."""
        now = int(self.clock().timestamp())
        right = {
            "iss": self.issuer,
            "sub": self.sub,
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "sid": f"sid-of-{self.sub}",
        }
        return {name: value for name, value in (right | more).items() if value is not None}

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        alg = header.pop("alg", None) or ALGORITHMS[self.key.key_type]
        whole = {"alg": alg, "kid": self.key.kid, **self.header, **header}
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(whole, claims, self.key, algorithms=[alg], default_type=None)

    def public(self) -> dict[str, Any]:
        return {"alg": ALGORITHMS[self.key.key_type], "use": "sig"} | self.key.as_dict(
            private=False
        )

    def _id_token(self, audience: str, access: str, nonce: str | None) -> str:
        digest = hashlib.sha256(access.encode()).digest()[:16]
        if self.key.key_type == "OKP":
            digest = hashlib.sha512(access.encode()).digest()[:32]
        half = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        claims = self.claims(audience, **({"nonce": nonce, "at_hash": half} | self.id_token))
        return self.raw_id_token(claims) if self.raw_id_token else self.signed(claims)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def note(request: Request, call_next: Any) -> Response:
            self.asked.append(request.url.path)
            answer: Response = await call_next(request)
            return answer

        @app.get("/.well-known/openid-configuration")
        def discovery() -> dict[str, Any]:
            right = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
                "end_session_endpoint": f"{self.issuer}/logout",
                "authorization_response_iss_parameter_supported": True,
            }
            return right | self.document

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return {"keys": [self.public()] if self.published is None else self.published}

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            given = dict(request.query_params)
            code = f"code-{len(self._codes)}"
            self._codes[code] = given
            back = {"code": code, "state": given["state"], "iss": self.issuer} | self.back
            query = urlencode({name: value for name, value in back.items() if value is not None})
            return RedirectResponse(f"{given['redirect_uri']}?{query}", 303)

        @app.post("/token")
        async def token(request: Request) -> Response:
            given = {name: str(value) for name, value in (await request.form()).items()}
            authorization = request.headers.get("authorization", "")
            self.forms.append(given | {"authorization": authorization})
            coded = authorization.removeprefix("Basic ")
            client = given.get("client_id") or base64.b64decode(coded).decode().split(":")[0]
            begun = self._codes.get(given.get("code", ""), {})
            access = f"access-{len(self.forms)}"
            right = {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 600,
                "id_token": self._id_token(client, access, begun.get("nonce")),
                "refresh_token": f"refresh-{len(self.forms)}",
            }
            told = {name: value for name, value in (right | self.tokens).items() if value}
            return JSONResponse(told, self.token_status)

        @app.get("/userinfo")
        def userinfo() -> dict[str, Any]:
            return {"sub": self.sub, "name": "Some One"} | self.userinfo

        return app


@contextmanager
def scripted(clock: Clock, key: RSAKey | ECKey | OKPKey | None = None) -> Iterator[Scripted]:
    """Serve such a provider."""
    made = key or ECKey.generate_key("P-256", {"kid": "one"})
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.bind(("127.0.0.1", 0))
    provider = Scripted(clock=clock, key=made, taken=taken)
    server = uvicorn.Server(uvicorn.Config(provider.app(), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        taken.close()
