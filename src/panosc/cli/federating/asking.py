"""What the verbs about other catalogues take from the command line."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import settings_of
from panosc.domain.errors import Invalid, PanoscError
from panosc.federation.connectors import kinds
from panosc.federation.sources import Sources
from panosc.settings import Settings

BY = "operator"
Title = Annotated[
    str | None, typer.Option(help="The facility, as pages call it.", show_default="its name")
]
KeyValues = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="May be repeated.")]
Account = Annotated[str | None, typer.Option(help="Account there that may read.")]
SecretFile = Annotated[
    Path | None, typer.Option(help="File with its password or token; only its path is kept.")
]
Private = Annotated[
    bool, typer.Option("--private", help="It may be in a private network, without TLS.")
]
Every = Annotated[str, typer.Option(help="Time between harvests: 30m, 1h, 1d.")]
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def now() -> datetime:
    """Return what time it is."""
    return datetime.now(UTC)


@contextmanager
def opened(home: Path | None) -> Iterator[tuple[Settings, sa.Engine, Sources]]:
    """Open the node's database."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        yield settings, engine, Sources(engine, now)


def options_of(given: Sequence[str] | None) -> dict[str, str]:
    """Return options given as KEY=VALUE.

    Raises
    ------
    Invalid
    """
    pairs = [text.partition("=") for text in given or ()]
    for key, sign, _ in pairs:
        if not sign or not key:
            raise Invalid(f"{key!r} is no option.", field="option", hint="Give KEY=VALUE.")
    return {key: value for key, _, value in pairs}


def seconds_of(text: str) -> int:
    """Return how many seconds a span such as ``1h`` or ``30m`` has.

    Raises
    ------
    Invalid
    """
    found = _SPAN.fullmatch(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2] or "s"] if found else 0
    if seconds < 60:  # noqa: PLR2004 - a minute
        raise Invalid(
            f"{text!r} is no time between harvests.",
            field="every",
            hint="Give a minute at least: 30m, 1h, 1d.",
        )
    return seconds


def address_of(text: str) -> str:
    """Return an address; that of a folder of this machine may be its path."""
    if "://" in text:
        return text.rstrip("/")
    return Path(text).expanduser().absolute().as_uri()


def complete_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of catalogues that begin so."""
    try:
        with opened(ctx.params.get("home")) as (_, _, sources):
            names = [known.source.name for known in sources.all()]
    except (PanoscError, sa.exc.SQLAlchemyError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_kinds(incomplete: str) -> list[str]:
    """Return the kinds of catalogues that begin so."""
    return [name for name in sorted(kinds()) if name.startswith(incomplete)]
