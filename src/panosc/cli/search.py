"""`panosc search`: put a question to the catalogue of this machine, as anybody may."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import ANYONE
from panosc.domain.query import Include, Query
from panosc.search.index.opening import SearchIndex
from panosc.search.known import KnownTo
from panosc.search.language.url import read_box
from panosc.search.service import SearchService

PARTLY = 3
_COLUMNS = ("pid", "title", "created", "facility", "instrument", "access")
_FIELDS = frozenset({"pid", "title", "creationDate", "releaseDate", "size", "kind", "access"})


def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="As in the search box: lysozyme technique:SANS; -- before a minus."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 25,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Search the catalogue, for what anybody may see.

    What cannot be used is explained; the rest is answered, and the exit code is 3.
    """
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        index = SearchIndex(settings.home)
        service = SearchService(engine, settings, lambda: datetime.now(UTC), index)
        selection = read_box(" ".join(text or ()), KnownTo(service, ANYONE).names)
        instrument = Include(relation="instrument", scope=Query(model="Instrument"))
        asked = replace(
            selection.query(), limit=limit, skip=0, fields=_FIELDS, includes=(instrument,)
        )
        answer = service.answer(ANYONE, asked)
        items = list(answer.items)
    if as_json:
        found: dict[str, Any] = {"total": answer.total, "problems": selection.problems}
        terminal.show_json(found | {"datasets": items})
    else:
        terminal.show_rows(_COLUMNS, [_row(item) for item in items])
        if answer.total > len(items):
            terminal.say(f"{answer.total:,} datasets fit; --limit shows more than {limit}.")
    for sentence in selection.problems:
        terminal.say(sentence)
    if selection.problems:
        raise typer.Exit(PARTLY)


def _row(item: dict[str, Any]) -> list[str | None]:
    instrument = item.get("instrument") or {}
    return [
        item["pid"],
        item.get("title"),
        (item.get("creationDate") or "")[:10],
        instrument.get("facility"),
        instrument.get("name"),
        item.get("access"),
    ]
