"""What the provider remembers: logins, and what was granted to clients. In memory, for a while.

A grant is one yes of one person to one client. Codes, refresh tokens and access tokens belong to
it and die with it. What stands in requests and answers is `authorization` and `tokens`.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from panosc.identity.devprovider.refusals import RefusedError

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_SLOWER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things last, in seconds."""

    code_s: float = 60
    access_s: float = 300
    id_token_s: float = 300
    refresh_s: float = 8 * 3600
    login_s: float = 8 * 3600
    device_s: float = 600
    interval_s: float = 5
    """Seconds that a device waits between two questions."""


@dataclass(slots=True, kw_only=True)
class Login:
    """One browser, signed in as one person."""

    person: str
    at: datetime
    sid: str = field(default_factory=lambda: secrets.token_hex(8))
    clients: set[str] = field(default_factory=set)
    is_over: bool = False


@dataclass(slots=True, kw_only=True)
class Grant:
    """What one client may do for one person."""

    client: str
    login: Login
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
    is_dead: bool = False

    @property
    def is_good(self) -> bool:
        """Whether anything of it may still be used."""
        return not self.is_dead and not self.login.is_over


@dataclass(slots=True, kw_only=True)
class Code:
    """What a client can fetch tokens with, once."""

    grant: Grant
    redirect_uri: str
    challenge: str
    nonce: str | None
    expires: datetime
    is_used: bool = False


@dataclass(slots=True, kw_only=True)
class Token:
    """An opaque access token, or a refresh token."""

    grant: Grant
    scopes: tuple[str, ...]
    expires: datetime
    is_used: bool = False


@dataclass(slots=True, kw_only=True)
class Device:
    """A device that waits for a person to say yes in a browser."""

    client: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    user_code: str
    expires: datetime
    interval_s: float
    asked: datetime | None = None
    grant: Grant | None = None
    is_denied: bool = False


class State:
    """Everything of one provider, with one lock around it."""

    def __init__(self, clock: Callable[[], datetime], lifetimes: Lifetimes) -> None:
        self.clock = clock
        self.lifetimes = lifetimes
        self._lock = threading.RLock()
        self._logins: dict[str, Login] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._devices: dict[str, Device] = {}

    def login(self, cookie: str | None) -> Login | None:
        """Return who is signed in in the browser with this cookie."""
        found = self._logins.get(cookie or "")
        if found is None or found.is_over or self._after(self.lifetimes.login_s, found.at) < 0:
            return None
        return found

    def sign_in(self, person: str) -> tuple[str, Login]:
        """Return the cookie and the login of a browser in which somebody has signed in."""
        cookie, login = secrets.token_urlsafe(24), Login(person=person, at=self.clock())
        with self._lock:
            self._logins[cookie] = login
        return cookie, login

    def sign_out(self, login: Login) -> None:
        """End a login and all that came of it."""
        login.is_over = True

    def make_code(
        self, grant: Grant, redirect_uri: str, *, challenge: str, nonce: str | None
    ) -> str:
        """Return a code for a client that was just said yes to."""
        grant.login.clients.add(grant.client)
        text = secrets.token_urlsafe(24)
        with self._lock:
            self._forget()
            self._codes[text] = Code(
                grant=grant,
                redirect_uri=redirect_uri,
                challenge=challenge,
                nonce=nonce,
                expires=self._until(self.lifetimes.code_s),
            )
        return text

    def take_code(self, text: str, client: str) -> Code:
        """Return the code, which is used up by that; a second time ends all it gave."""
        with self._lock:
            code = self._codes.get(text)
            if code is None or code.grant.client != client:
                raise RefusedError("invalid_grant", "The code is not known.")
            if code.is_used:
                code.grant.is_dead = True
                raise RefusedError("invalid_grant", "The code was used before.")
            code.is_used = True
            if code.expires <= self.clock() or not code.grant.is_good:
                raise RefusedError("invalid_grant", "The code has expired.")
            return code

    def make_access(self, grant: Grant, scopes: tuple[str, ...]) -> str:
        """Return an opaque access token, good for the person's claims."""
        return self._make(self._access, grant, scopes, self.lifetimes.access_s)

    def make_refresh(self, grant: Grant) -> str:
        """Return a refresh token, good for once."""
        return self._make(self._refresh, grant, grant.scopes, self.lifetimes.refresh_s)

    def access(self, text: str) -> Token | None:
        """Return a live access token."""
        token = self._access.get(text)
        if token is None or token.expires <= self.clock() or not token.grant.is_good:
            return None
        return token

    def take_refresh(self, text: str, client: str) -> Token:
        """Return the refresh token, used up by that; a second time ends its whole family."""
        with self._lock:
            token = self._refresh.get(text)
            if token is None or token.grant.client != client:
                raise RefusedError("invalid_grant", "The refresh token is not known.")
            if token.is_used:
                token.grant.is_dead = True
                raise RefusedError("invalid_grant", "The refresh token was used before.")
            if token.expires <= self.clock() or not token.grant.is_good:
                raise RefusedError("invalid_grant", "The refresh token is over.")
            token.is_used = True
            return token

    def revoke(self, text: str, client: str) -> None:
        """End a token of this client; a refresh token takes all of its grant with it."""
        with self._lock:
            if (token := self._refresh.get(text)) is not None and token.grant.client == client:
                token.grant.is_dead = True
            if (token := self._access.get(text)) is not None and token.grant.client == client:
                del self._access[text]

    def make_device(
        self, client: str, scopes: tuple[str, ...], resources: tuple[str, ...]
    ) -> tuple[str, Device]:
        """Return a device and the code by which it asks."""
        text = secrets.token_urlsafe(32)
        halves = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(2))
        device = Device(
            client=client,
            scopes=scopes,
            resources=resources,
            user_code="-".join(halves),
            expires=self._until(self.lifetimes.device_s),
            interval_s=self.lifetimes.interval_s,
        )
        with self._lock:
            self._forget()
            self._devices[text] = device
        return text, device

    def waiting_device(self, user_code: str) -> Device | None:
        """Return the device that shows this code and was not answered yet."""
        wanted = "".join(letter for letter in user_code.upper() if letter in _LETTERS)
        for device in list(self._devices.values()):
            is_open = device.grant is None and not device.is_denied
            if is_open and device.user_code.replace("-", "") == wanted:
                return device if device.expires > self.clock() else None
        return None

    def answer_device(self, device: Device, login: Login | None) -> None:
        """Say yes to a device as whoever is signed in, or no."""
        with self._lock:
            device.is_denied = login is None
            if login is not None:
                login.clients.add(device.client)
                device.grant = Grant(
                    client=device.client,
                    login=login,
                    scopes=device.scopes,
                    resources=device.resources,
                )

    def take_device(self, text: str, client: str) -> Grant:
        """Return what a device was granted, once; refuse while nobody has answered."""
        with self._lock:
            device = self._devices.get(text)
            if device is None or device.client != client:
                raise RefusedError("invalid_grant", "The device code is not known.")
            now, before = self.clock(), device.asked
            device.asked = now
            if device.expires <= now:
                raise RefusedError("expired_token", "Nobody answered in time.")
            if device.is_denied:
                raise RefusedError("access_denied", "The person said no.")
            if before is not None and (now - before).total_seconds() < device.interval_s:
                device.interval_s += _SLOWER_S
                raise RefusedError("slow_down", "Ask less often.")
            if device.grant is None:
                raise RefusedError("authorization_pending", "Nobody has answered yet.")
            del self._devices[text]
            return device.grant

    def _make(
        self, kept: dict[str, Token], grant: Grant, scopes: tuple[str, ...], seconds: float
    ) -> str:
        text = secrets.token_urlsafe(32)
        with self._lock:
            kept[text] = Token(grant=grant, scopes=scopes, expires=self._until(seconds))
        return text

    def _until(self, seconds: float) -> datetime:
        return self.clock() + timedelta(seconds=seconds)

    def _after(self, seconds: float, start: datetime) -> float:
        return (start + timedelta(seconds=seconds) - self.clock()).total_seconds()

    def _forget(self) -> None:
        # used codes and tokens are kept a while, so that a second use is noticed
        before = self.clock() - timedelta(seconds=self.lifetimes.refresh_s)
        self._codes = {key: code for key, code in self._codes.items() if code.expires > before}
        self._devices = {key: one for key, one in self._devices.items() if one.expires > before}
        self._access = {key: one for key, one in self._access.items() if one.expires > before}
        self._refresh = {key: one for key, one in self._refresh.items() if one.expires > before}
        self._logins = {
            key: one
            for key, one in self._logins.items()
            if not one.is_over and self._after(self.lifetimes.login_s, one.at) > 0
        }
