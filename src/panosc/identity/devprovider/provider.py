"""The provider as a whole: its application, its server, and what a node is told of it."""

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import SecretStr
from starlette.middleware.trustedhost import TrustedHostMiddleware

from panosc.domain.errors import Invalid, Unavailable, Upstream
from panosc.identity import outbound
from panosc.identity.devprovider import authorization, discovery, leaving, pages, tokens
from panosc.identity.devprovider.clients import Client
from panosc.identity.devprovider.context import Context
from panosc.identity.devprovider.people import RULES, SCOPES
from panosc.identity.devprovider.refusals import BadRequestError, RefusedError
from panosc.identity.devprovider.signing import Signer
from panosc.identity.devprovider.state import Lifetimes, State
from panosc.settings import Provider, Settings

NAME = "demo"
"""Name of the provider at the node; part of the node's addresses."""
HOST = "127.0.0.1"
_LOG = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class DevProvider:
    """One provider; not for a node that anyone else can reach.

    Parameters
    ----------
    settings : Settings
        Of the node that it is for.
    clock : callable
        Tells the time, by which things expire.
    lifetimes : Lifetimes
        How long they last.

    Raises
    ------
    Invalid
        If the node is one for real people.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = _now,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        _refuse_production(settings)
        times = lifetimes or Lifetimes()
        self._port = settings.dev_login_port
        self._settings = settings.model_copy(update={"dev_login": True})
        self._context = Context(
            issuer=lambda: self.issuer,
            state=State(clock, times),
            signer=Signer(lambda: self.issuer, clock, times),
            tell_logout=self._tell_logout,
        )

    @property
    def issuer(self) -> str:
        """The provider's address, once it runs."""
        return f"http://{HOST}:{self._port}"

    def rotate_keys(self) -> None:
        """Sign with a new key; the one before stays published."""
        self._context.signer.rotate()

    def register(self, client: Client) -> None:
        """Let a client send people here."""
        self._context.clients[client.id] = client

    def as_provider(self, node: str, *, name: str = NAME) -> Provider:
        """Register the node at the address `node` and return what its settings need."""
        places = _spellings(node.rstrip("/"))
        client = Client(
            id=f"node-{secrets.token_hex(4)}",
            name=node,
            secret=secrets.token_urlsafe(24),
            redirect_uris=frozenset(f"{place}/auth/callback/{name}" for place in places),
            post_logout_uris=frozenset(f"{place}{end}" for place in places for end in _ENDS),
            backchannel_uri=f"{node.rstrip('/')}/auth/backchannel",
            audiences=frozenset({node.rstrip("/")}),
        )
        self.register(client)
        return Provider(
            name=name,
            title="Made-up people of the demo",
            issuer=self.issuer,
            client_id=client.id,
            client_secret=SecretStr(client.secret or ""),
            scopes=SCOPES,
            audience=node.rstrip("/"),
            groups=RULES,
        )

    def app(self) -> FastAPI:
        """Return the web application."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        # a page of another site may have a name of its own lead here
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST])
        for part in (discovery, authorization, tokens, leaving):
            app.include_router(part.router(self._context))

        @app.get("/style.css")
        def style() -> PlainTextResponse:
            return PlainTextResponse(pages.STYLE, media_type="text/css")

        @app.get("/")
        def home() -> HTMLResponse:
            return pages.done("This is the login provider of a panosc node that is tried out.")

        @app.exception_handler(BadRequestError)
        def bad(_request: Request, error: BadRequestError) -> HTMLResponse:
            return pages.refused(str(error))

        @app.exception_handler(RefusedError)
        def refused(_request: Request, error: RefusedError) -> JSONResponse:
            headers = {"Cache-Control": "no-store"}
            if error.status == 401:  # noqa: PLR2004
                headers["WWW-Authenticate"] = 'Basic realm="token"'
            body = {"error": error.error, "error_description": error.description}
            return JSONResponse(body, error.status, headers=headers)

        return app

    @contextmanager
    def running(self) -> Iterator["DevProvider"]:
        """Answer requests while the block runs; a second time on the same port.

        Raises
        ------
        Unavailable
            If the port is taken.
        """
        listener = _listen(self._port)
        self._port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(self.app(), log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield self
        finally:
            server.should_exit = True
            thread.join()
            listener.close()

    def _tell_logout(self, address: str, token: str) -> None:
        try:
            with outbound.client(self._settings) as client:
                status = client.post(address, data={"logout_token": token}).status_code
        except Upstream as error:
            _LOG.warning("A node was not told of a logout: %s", error.detail)
        else:
            if status >= 400:  # noqa: PLR2004
                _LOG.warning("A node refused to hear of a logout: status %d", status)


_ENDS = ("", "/", "/login", "/logout", "/my")
"""Pages of a node to which people may come back after signing out."""


def _spellings(node: str) -> set[str]:
    """Return the address of a node under all usual names of this machine."""
    parts = urlsplit(node)
    port = "" if parts.port is None else f":{parts.port}"
    return {node, *(f"{parts.scheme}://{name}{port}" for name in (HOST, "localhost", "[::1]"))}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_production(settings: Settings) -> None:
    reason = None
    if not _is_loopback(settings.host):
        reason = f"the node listens on {settings.host}, where others can reach it"
    elif settings.base_url and not _is_loopback(urlsplit(settings.base_url).hostname or ""):
        reason = f"the node has a public address, {settings.base_url}"
    elif settings.providers:
        reason = "the node has a login provider for real people"
    if reason is not None:
        raise Invalid(
            f"The demo's login cannot be used: {reason}.",
            field="dev_login",
            hint="Anyone can sign in there as anyone. Run a node of its own, on loopback, for it.",
        )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"The demo's login cannot listen on port {port}: {error.strerror}.",
            hint="Choose another `dev_login_port`; 0 takes a free one.",
        ) from None
    return listener
