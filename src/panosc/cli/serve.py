"""`panosc serve`: run the node's web service."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
import uvicorn
from typing_extensions import override

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import Home, settings_of
from panosc.domain.errors import Unavailable
from panosc.identity.personal.retention import daily
from panosc.settings import Settings

LONGEST_REQUEST = 1 << 20
"""Bytes of a request's head: an address may hold a whole filter."""


def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    dev_login: Annotated[
        bool | None,
        typer.Option("--dev-login", help="Let made-up people sign in, to try it out."),
    ] = None,
) -> None:
    """Run the node. Prints `ready http://HOST:PORT` once it answers; Ctrl-C stops all of it."""
    # the web service takes a second to import, which no other verb should wait for
    from panosc.app import create_app  # noqa: PLC0415
    from panosc.ingest.messages.running import announcements  # noqa: PLC0415
    from panosc.ingest.watching.service import watching  # noqa: PLC0415

    chosen = settings_of(home, host=host, port=port, dev_login=dev_login)
    listener = _listen(chosen.host, chosen.port)
    address = f"http://{_written(chosen.host)}:{listener.getsockname()[1]}"
    with (
        listener,
        _with_people(chosen, address) as settings,
        open_database(settings, progress=terminal.say) as engine,
    ):
        app = create_app(settings, engine)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            # which proxies are believed is a setting of the node
            proxy_headers=False,
            # a long filter is answered with its fault, not cut off
            h11_max_incomplete_event_size=LONGEST_REQUEST,
        )
        server = _Announcing(config, f"ready {address}")
        # the server stops by itself at a signal and then passes it on: it has been obeyed
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with (
            suppress(KeyboardInterrupt),
            daily(engine, settings, _now),
            announcements(engine, settings, _now),
            watching(engine, settings, _now),
        ):
            server.run(sockets=[listener])


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _with_people(settings: Settings, address: str) -> Iterator[Settings]:
    """Run the provider of made-up people where it is wanted; yield settings that know it."""
    if not settings.dev_login:
        yield settings
        return
    from panosc.identity.devprovider import DevProvider  # noqa: PLC0415

    with DevProvider(settings).running() as provider:
        known = provider.as_provider(settings.base_url or address)
        yield settings.model_copy(update={"providers": (known,)})


class _Announcing(uvicorn.Server):
    """A server that says where it answers, as soon as it does."""

    def __init__(self, config: uvicorn.Config, text: str) -> None:
        super().__init__(config)
        self._text = text

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        await super().startup(sockets)
        typer.echo(self._text)


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else a client that
    # keeps its connection waits 40 ms for each answer
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Cannot listen on {host} port {port}: {error.strerror}.",
            hint="Choose another --port; 0 takes a free one.",
        ) from None
    return listener
