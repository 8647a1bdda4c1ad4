"""A node elsewhere, over HTTP: device login, refresh, and calls with a token.

Tokens travel encrypted, or to this machine itself.
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from panosc.cli.remote.credentials import Credentials, Login
from panosc.domain.errors import Forbidden, Invalid, Unauthenticated, Upstream

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_EARLY_S = 30
"""An access token is refreshed so long before it is over."""
_SLOWER_S = 5
_UNAUTHORISED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A device login that waits for its owner."""

    device_code: str = field(repr=False)
    user_code: str
    address: str
    whole_address: str
    lasts_s: float
    interval_s: float


class Node:
    """One node, by its address; close it after use."""

    def __init__(self, address: str, *, clock: Callable[[], float] = time.time) -> None:
        self.address = checked(address)
        self._clock = clock
        self._client = httpx.Client(base_url=self.address, timeout=30)

    def __enter__(self) -> "Node":
        """Use it for a block of code."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self._client.close()

    def begin(self, program: str, scopes: list[str]) -> Begun:
        """Begin a device login."""
        answer = self._post("/oauth/device", client_id=program, scope=" ".join(scopes))
        if "error" in answer:
            raise self._refused(answer)
        try:
            begun = Begun(
                device_code=str(answer["device_code"]),
                user_code=str(answer["user_code"]),
                address=str(answer["verification_uri"]),
                whole_address=str(answer.get("verification_uri_complete", "")),
                lasts_s=float(answer["expires_in"]),
                interval_s=max(1.0, float(answer.get("interval", _SLOWER_S))),
            )
        except (KeyError, TypeError, ValueError):
            raise self._odd() from None
        # what it says goes to a terminal
        if not (begun.user_code + begun.address + begun.whole_address).isprintable():
            raise self._odd()
        return begun

    def wait(
        self, program: str, begun: Begun, *, sleep: Callable[[float], None] = time.sleep
    ) -> Login:
        """Ask until the owner has answered.

        Raises
        ------
        Forbidden
            If they denied it.
        Unauthenticated
            If nobody answered in time.
        """
        interval, ends = begun.interval_s, self._clock() + begun.lasts_s
        while self._clock() < ends:
            sleep(interval)
            answer = self._post(
                "/oauth/token",
                grant_type=DEVICE_GRANT,
                client_id=program,
                device_code=begun.device_code,
            )
            match answer.get("error"):
                case None:
                    return self._login(program, answer)
                case "authorization_pending":
                    continue
                case "slow_down":
                    interval += _SLOWER_S
                case "access_denied":
                    raise Forbidden("The login was denied in the browser.", hint="Nothing is kept.")
                case "expired_token":
                    break
                case _:
                    raise self._refused(answer)
        raise Unauthenticated(
            "Nobody approved the login in time.", hint=f"Begin again: panosc login {self.address}"
        )

    def access(self, credentials: Credentials, *, bad: str | None = None) -> str:
        """Return an access token that is good, refreshed if need be.

        Parameters
        ----------
        bad : str, optional
            One that the node has just refused.

        Raises
        ------
        Unauthenticated
            If there is no login, or it is over.
        """
        kept = credentials.read().get(self.address)
        if kept is not None and self._is_good(kept, bad):
            return kept.access
        with credentials.locked():
            # another process may have done it while this one waited
            kept = credentials.read().get(self.address)
            if kept is None:
                raise Unauthenticated(
                    f"You are not logged in at {self.address}.",
                    hint=f"Run: panosc login {self.address}",
                )
            if self._is_good(kept, bad):
                return kept.access
            answer = self._post(
                "/oauth/token",
                grant_type="refresh_token",
                client_id=kept.program,
                refresh_token=kept.refresh,
            )
            if answer.get("error") == "invalid_grant":
                credentials.put(self.address, None)
                raise Unauthenticated(
                    f"Your login at {self.address} is over, or was revoked.",
                    hint=f"Run: panosc login {self.address}",
                )
            if "error" in answer:
                raise self._refused(answer)
            fresh = self._login(kept.program, answer)
            credentials.put(self.address, fresh)
            return fresh.access

    def me(self, token: str) -> dict[str, Any] | None:
        """Return who the node takes the holder of a token for; None if it refuses the token."""
        return self._asked("GET", "/api/v1/me", token)

    def announce(self, token: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Announce a dataset; return what became of it, None if the node refuses the token."""
        return self._asked("POST", "/api/v1/ingest", token, json=body)

    def _asked(self, method: str, path: str, token: str, **options: Any) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._call(method, path, headers=headers, **options)
        if answer.status_code == _UNAUTHORISED:
            return None
        content = self._content(answer)
        if not answer.is_success:
            text = " ".join(str(content.get(key, "")) for key in ("detail", "hint"))
            raise Forbidden(f"{self.address} says: {_clean(text)}")
        return content

    def revoke(self, token: str) -> None:
        """Let a token, with its login, be good no more."""
        answer = self._call("POST", "/oauth/revoke", data={"token": token})
        if not answer.is_success:
            raise self._odd()

    def _is_good(self, login: Login, bad: str | None) -> bool:
        return login.access != bad and login.expires > self._clock() + _EARLY_S

    def _login(self, program: str, answer: dict[str, Any]) -> Login:
        try:
            return Login(
                program=program,
                access=str(answer["access_token"]),
                refresh=str(answer["refresh_token"]),
                expires=self._clock() + float(answer["expires_in"]),
            )
        except (KeyError, TypeError, ValueError):
            raise self._odd() from None

    def _post(self, path: str, **form: str) -> dict[str, Any]:
        return self._content(self._call("POST", path, data=form))

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Upstream(
                f"{self.address} does not answer: {error}.",
                provider=self.address,
                hint="Is the address right, and the node running?",
            ) from None

    def _content(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            content = answer.json()
        except ValueError:
            raise self._odd() from None
        if not isinstance(content, dict):
            raise self._odd()
        if not answer.is_success and "error" not in content and "detail" not in content:
            raise self._odd()
        if answer.status_code != _UNAUTHORISED and "error" not in content and answer.is_error:
            content["error"] = content["detail"]
        return content

    def _refused(self, answer: dict[str, Any]) -> Forbidden:
        text = answer.get("error_description") or answer.get("error")
        return Forbidden(f"{self.address} refuses the login: {_clean(str(text))}")

    def _odd(self) -> Upstream:
        return Upstream(
            f"{self.address} does not answer as a node does.",
            provider=self.address,
            hint="Give the address of its front page.",
        )


def checked(address: str) -> str:
    """Return the address of a node in its one spelling.

    Raises
    ------
    Invalid
        If it is none, or would send tokens over a network unencrypted.
    """
    try:
        parts = urlsplit(address.strip().rstrip("/"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if not host or parts.scheme not in {"http", "https"} or not is_bare:
        raise Invalid(
            f"{address!r} is not the address of a node.",
            field="url",
            hint="Give it as https://HOST.",
        )
    if parts.scheme == "http" and not _is_here(host):
        raise Invalid(
            f"{address} is not encrypted: a token would travel readable.",
            field="url",
            hint="Give it as https://….",
        )
    written = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{written}{f':{port}' if port else ''}{parts.path}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:500]
