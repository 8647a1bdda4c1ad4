"""`panosc ingest listen` and `announce`: datasets that somebody announces."""

import signal
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.cli.remote.credentials import Credentials
from panosc.cli.remote.login import plain_token, which
from panosc.cli.remote.node import Node
from panosc.domain.errors import Invalid, Unauthenticated
from panosc.settings import ClientSettings


class Kind(StrEnum):
    """What a dataset is."""

    raw = "raw"
    reduced = "reduced"
    simulated = "simulated"


def listen_command(
    home: Home = None,
    only_keep: Annotated[
        bool,
        typer.Option("--only-keep", help="Keep messages, and leave their files to another node."),
    ] = False,
) -> None:
    """Listen to the broker of the settings, keep what is announced, and ingest its files."""
    # the client of brokers is imported where there is one
    from panosc.ingest.messages.desk import Desk  # noqa: PLC0415
    from panosc.ingest.messages.listening import listener  # noqa: PLC0415
    from panosc.ingest.messages.register import Register  # noqa: PLC0415

    settings = settings_of(home)
    if settings.stomp_url is None:
        raise Invalid(
            "There is no broker to listen to.",
            field="stomp_url",
            hint="Set it as PANOSC_STOMP_URL or in panosc.toml.",
        )
    with ExitStack() as stack:
        engine = stack.enter_context(open_database(settings, progress=terminal.say))
        listening = listener(settings, Register(engine, settings, _now))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack.enter_context(suppress(KeyboardInterrupt))
        if settings.ingest_roots and not only_keep:
            stack.enter_context(Desk(engine, settings, _now).working())
        try:
            listening.listen(terminal.say)
        finally:
            listening.stop()


def announce_command(  # noqa: PLR0913, PLR0917 - the options of a command
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Folders or files of the dataset, as the node sees them.", metavar="PATH…"
        ),
    ],
    server: Annotated[
        str | None,
        typer.Option(help="Address of the node; not needed with one login alone."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--id", help="Id of your choice: announced twice, done once.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete/--growing", help="Whether all its files are there.")
    ] = True,
    profile: Annotated[str | None, typer.Option(help="Site profile to use.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the dataset.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What it is.")] = None,
    proposal: Annotated[str | None, typer.Option(help="Proposal whose data these are.")] = None,
    instrument: Annotated[
        str | None, typer.Option(help="Its instrument, by PID or as its page names it.")
    ] = None,
    derived_from: Annotated[
        list[str] | None,
        typer.Option("--derived-from", help="PID or path of what it was made from; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Announce a dataset at a node: its files are ingested there, where they lie."""
    body: dict[str, Any] = {
        "id": name,
        "paths": [str(Path(path).absolute()) for path in paths],
        "complete": complete,
        "profile": profile,
        "title": title,
        "kind": None if kind is None else kind.value,
        "proposal": proposal,
        "instrument": instrument,
        "derivedFrom": derived_from,
    }
    given = {key: value for key, value in body.items() if value is not None}
    credentials = Credentials(ClientSettings().config_home / "panosc")
    token = ClientSettings().token
    if token is not None and server is None:
        raise Invalid(
            "A token in PANOSC_TOKEN does not say for which node it is.",
            field="server",
            hint="Give its address: --server https://…",
        )
    with Node(which(credentials, server)) as node:
        bearer = plain_token(token) if token else node.access(credentials)
        found = node.announce(bearer, given)
        if found is None and token is None:
            found = node.announce(node.access(credentials, bad=bearer), given)
        if found is None:
            raise Unauthenticated(
                f"{node.address} does not take this token.",
                hint="Log in with the scope for it: panosc login --scope write ADDRESS.",
            )
    if as_json:
        terminal.show_json(found)
    else:
        shown = ("id", "state", "detail")
        terminal.show_rows(["what", "value"], [[key, found.get(key)] for key in shown])


def _now() -> datetime:
    return datetime.now(UTC)
