"""What all routes of one provider share, and how they read what was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import ImmutableMultiDict

from panosc.identity.devprovider.clients import Client
from panosc.identity.devprovider.people import SCOPES
from panosc.identity.devprovider.refusals import RefusedError
from panosc.identity.devprovider.signing import Signer
from panosc.identity.devprovider.state import Login, State

COOKIE = "panosc-demo-login"
_MANY = "resource"
"""The one parameter that may be sent more than once (RFC 8707)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts of one provider."""

    issuer: Callable[[], str]
    state: State
    signer: Signer
    tell_logout: Callable[[str, str], None]
    """Posts a logout token (second) to a client's address (first)."""
    clients: dict[str, Client] = field(default_factory=dict)

    def login(self, request: Request) -> Login | None:
        """Return who is signed in in the browser that asks."""
        return self.state.login(request.cookies.get(COOKIE))

    def end(self, login: Login) -> None:
        """End a login and tell every client that took part in it."""
        self.state.sign_out(login)
        for name in sorted(login.clients):
            client = self.clients.get(name)
            if client is not None and client.backchannel_uri is not None:
                token = self.signer.logout_token(login, name)
                self.tell_logout(client.backchannel_uri, token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The parameters of a request, each there once."""

    values: Mapping[str, str]
    resources: tuple[str, ...]
    twice: frozenset[str]
    """Names that were sent more than once, which the protocol forbids."""

    def get(self, name: str) -> str | None:
        """Return a parameter; an empty one counts as not sent."""
        return self.values.get(name) or None


def sent(given: ImmutableMultiDict[str, object]) -> Sent:
    """Return the parameters of a query or a form."""
    pairs = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    names = [name for name, _ in pairs]
    return Sent(
        values={name: value for name, value in pairs if name != _MANY},
        resources=tuple(value for name, value in pairs if name == _MANY),
        twice=frozenset(name for name in names if name != _MANY and names.count(name) > 1),
    )


async def form(request: Request) -> Sent:
    """Return the parameters of a form; a dependency of routes."""
    return sent(await request.form())


def scopes_of(text: str | None) -> tuple[str, ...]:
    """Return scopes that were asked for.

    Raises
    ------
    RefusedError
        If there is one that this provider does not have.
    """
    wanted = tuple(dict.fromkeys((text or "openid").split()))
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise RefusedError("invalid_scope", f"There is no scope {unknown[0][:50]!r} here.")
    return wanted


def resources_of(client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return resources that a client may ask for.

    Raises
    ------
    RefusedError
        If one is not registered for it.
    """
    if not set(asked) <= client.audiences:
        raise RefusedError("invalid_target", "This resource is not registered for the client.")
    return tuple(dict.fromkeys(asked))
