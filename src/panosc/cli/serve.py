"""`panosc serve`: run the node's web service."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import Home, settings_of
from panosc.cli.serving import logs
from panosc.domain.errors import Unavailable
from panosc.identity.personal.retention import daily
from panosc.settings import Settings


def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Web processes.")] = None,
    dev_login: Annotated[
        bool | None,
        typer.Option("--dev-login", help="Let made-up people sign in, to try it out."),
    ] = None,
) -> None:
    """Run the node. Prints `ready http://HOST:PORT` once it answers; Ctrl-C stops all of it."""
    chosen = settings_of(home, host=host, port=port, workers=workers, dev_login=dev_login)
    logs.install()
    listener = _listen(chosen.host, chosen.port)
    address = f"http://{_written(chosen.host)}:{listener.getsockname()[1]}"
    # until there is something that finishes what it is at
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        listener,
        _with_people(chosen, address) as settings,
        open_database(settings, progress=terminal.say) as engine,
        _leading(engine, settings),
    ):
        answer = _answer_here if settings.workers == 1 else _answer_by_others
        answer(settings, engine, listener, lambda: typer.echo(f"ready {address}"))


@contextmanager
def _leading(engine: sa.Engine, settings: Settings) -> Iterator[None]:
    """Do what one process of a node does for all of it, beside whatever the block does."""
    # what they need takes a second to import, which no other verb should wait for
    from panosc.data.overviews.following import overviewing  # noqa: PLC0415
    from panosc.data.restoring.running import restoring  # noqa: PLC0415
    from panosc.federation.harvesting.running import harvesting  # noqa: PLC0415
    from panosc.ingest.messages.running import announcements  # noqa: PLC0415
    from panosc.ingest.watching.service import watching  # noqa: PLC0415
    from panosc.publication.oai.following import harvested  # noqa: PLC0415
    from panosc.search.index.following import following  # noqa: PLC0415
    from panosc.search.panet import lineage  # noqa: PLC0415

    with (
        daily(engine, settings, _now),
        announcements(engine, settings, _now),
        watching(engine, settings, _now),
        following(engine, settings, _now),
        overviewing(engine, settings, _now),
        restoring(engine, settings, _now),
        harvested(engine, settings, _now, lineage),
        harvesting(engine, settings, _now),
        _publishing(engine, settings),
    ):
        yield


@contextmanager
def _publishing(engine: sa.Engine, settings: Settings) -> Iterator[None]:
    """Keep how FAIR datasets are, and register DOIs if the node has an account at DataCite."""
    from panosc.app import publications  # noqa: PLC0415
    from panosc.policy.shelf import open_shelf  # noqa: PLC0415
    from panosc.publication.fair.following import scoring  # noqa: PLC0415

    services = publications(engine, settings, _now, shelf=open_shelf(settings, engine))
    with services.registering(), scoring(engine, services.gatherer):
        yield


def _answer_here(
    settings: Settings, engine: sa.Engine, listener: socket.socket, ready: Callable[[], None]
) -> None:
    from panosc.app import create_app  # noqa: PLC0415
    from panosc.cli.serving.web import Web, settle  # noqa: PLC0415
    from panosc.portal.operating.board import Board  # noqa: PLC0415

    obeyed = (signal.SIGINT, signal.SIGTERM)
    board = Board()
    app = create_app(settings, engine, board=board)
    web = Web(app, settings, board, started=ready, obeyed=obeyed)
    settle()
    web.run(sockets=[listener])


def _answer_by_others(
    settings: Settings, _engine: sa.Engine, listener: socket.socket, ready: Callable[[], None]
) -> None:
    from panosc.cli.serving.workers import Workers  # noqa: PLC0415
    from panosc.portal.operating.board import shared  # noqa: PLC0415

    with shared(settings.workers) as board:
        Workers(settings, listener, board=board, tell=terminal.say).run(ready)


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
