"""`panosc links`: links of records with works elsewhere, from events of DataCite and Scholix."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid, TooLarge, Upstream
from panosc.identity import outbound
from panosc.publication.links.importing import Imported, Importer
from panosc.publication.links.reading import events, next_page
from panosc.settings import Settings

app = typer.Typer(help="Links between records and works elsewhere.", no_args_is_help=True)
LONGEST: Final = 64 << 20
"""Bytes of one answer."""
MOST_PAGES: Final = 1000
_SECONDS: Final = 60.0


@app.callback()
def _group() -> None:
    """Links between records and works elsewhere."""


@app.command("import")
def import_(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|URL…",
            help="Answers of DataCite's events or of Scholix; at an address, all its pages.",
        ),
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Keep the links that events tell of records of this node; the same twice changes nothing."""
    settings = settings_of(home)
    total = Imported()
    with open_database(settings, progress=terminal.say) as engine:
        importer = Importer(engine, lambda: datetime.now(UTC))
        for place in places:
            for content in _contents(settings, place):
                found = importer.take(OPERATOR, events(content))
                total = Imported(
                    **{name: value + asdict(found)[name] for name, value in asdict(total).items()}
                )
    if as_json:
        terminal.show_json(asdict(total))
    else:
        terminal.show_rows(["events", "count"], list(asdict(total).items()))


def _contents(settings: Settings, place: str) -> Iterator[bytes]:
    if not place.startswith(("https://", "http://")):
        yield _file(Path(place))
        return
    following: str | None = place
    host = httpx.URL(place).host
    with outbound.client(settings, timeout_s=_SECONDS, limit=LONGEST) as client:
        for _ in range(MOST_PAGES):
            if following is None:
                return
            answer = client.get(following, headers={"Accept": "application/json"})
            if answer.status_code != httpx.codes.OK:
                raise Upstream(
                    f"{host} answered {answer.status_code}.",
                    provider=host,
                    hint="Open the address in a browser, or try again later.",
                )
            yield answer.content
            following = next_page(answer.content)


def _file(path: Path) -> bytes:
    try:
        if path.stat().st_size > LONGEST:
            raise TooLarge(
                f"{path} is larger than {LONGEST >> 20} MB.",
                limit=LONGEST,
                hint="Divide it into several files.",
            )
        return path.read_bytes()
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read: {error.strerror}.", hint="Give a file, or a web address."
        ) from None
