"""`panosc search`: put a question to the catalogues that this node knows, as anybody may."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import ANYONE
from panosc.domain.query import Include, Query
from panosc.federation.live.answer import Merged
from panosc.federation.live.asking import Fanout
from panosc.federation.live.records.shaping import MOST
from panosc.federation.overview import fates
from panosc.federation.overview.names import opened
from panosc.federation.routes.streaming import as_json as fate_as_json
from panosc.search.index.opening import SearchIndex
from panosc.search.known import KnownTo
from panosc.search.language.selection import Selection
from panosc.search.language.url import read_box
from panosc.search.service import SearchService
from panosc.settings import Settings

PARTLY = 3
_COLUMNS = ("pid", "title", "created", "facility", "instrument", "access")
_FIELDS = frozenset({"pid", "title", "creationDate", "releaseDate", "size", "kind", "access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was understood, and what all that were asked answered."""

    selection: Selection
    merged: Merged
    is_everywhere: bool


def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="As in the search box: lysozyme technique:SANS; -- before a minus."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 25,
    everywhere: Annotated[
        bool | None,
        typer.Option(
            "--everywhere/--here",
            help="Ask the catalogues that are asked live as well, or this node alone.",
            show_default="everywhere, where others are asked live",
        ),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Search the catalogues that this node knows, for what anybody may see.

    What cannot be used is explained, who did not answer is named; the rest is answered, and the
    exit code is 3.
    """
    settings = settings_of(home)
    found = _found(settings, " ".join(text or ()), limit, everywhere)
    merged, problems = found.merged, found.selection.problems
    if as_json:
        answer: dict[str, Any] = {"total": merged.total, "problems": problems}
        if found.is_everywhere:
            answer |= {"isLeast": merged.is_least, "fates": list(map(fate_as_json, merged.fates))}
        terminal.show_json(answer | {"datasets": list(merged.items)})
    else:
        terminal.show_rows(_COLUMNS, [_row(item) for item in merged.items])
        if merged.total > len(merged.items):
            least = "≥ " if merged.is_least else ""
            terminal.say(f"{least}{merged.total:,} datasets fit; --limit shows more than {limit}.")
    if found.is_everywhere:
        _tell(merged, settings.federation_deadline_s)
    for sentence in problems:
        terminal.say(sentence)
    is_whole = all(fate.fared == "answered" and not fate.unasked for fate in merged.fates)
    if problems or not is_whole:
        raise typer.Exit(PARTLY)


def _found(settings: Settings, text: str, limit: int, everywhere: bool | None) -> _Found:
    with _asking(settings) as (service, live):
        is_everywhere = everywhere is not False and live.has_live()
        if everywhere and not is_everywhere:
            terminal.say("No other catalogue is asked live: `panosc connector add` adds one.")
        names = KnownTo(service, ANYONE).names
        selection = read_box(text, opened(names) if is_everywhere else names)
        instrument = Include(relation="instrument", scope=Query(model="Instrument"))
        asked = replace(
            selection.query(), limit=limit, skip=0, fields=_FIELDS, includes=(instrument,)
        )
        if is_everywhere:
            merged = live.ask(ANYONE, replace(asked, limit=min(limit, MOST)))
        else:
            answer = service.answer(ANYONE, asked)
            merged = Merged(
                items=list(answer.items), fates=(), total=answer.total, is_least=answer.is_least
            )
    return _Found(selection=selection, merged=merged, is_everywhere=is_everywhere)


@contextmanager
def _asking(settings: Settings) -> Iterator[tuple[SearchService, Fanout]]:
    def now() -> datetime:
        return datetime.now(UTC)

    with open_database(settings, progress=terminal.say) as engine:
        service = SearchService(engine, settings, now, SearchIndex(settings.home))
        with Fanout(engine, settings, now, service) as live:
            yield service, live


def _tell(merged: Merged, seconds: float) -> None:
    took = fates.seconds_of(merged.fates)
    terminal.say(f"{fates.headline(merged.fates)} in {took:.1f} s.")
    for sentence in fates.sentences(merged.fates, seconds):
        terminal.say(sentence)


def _row(item: Mapping[str, Any]) -> list[str | None]:
    instrument = item.get("instrument") or {}
    return [
        item["pid"],
        item.get("title"),
        (item.get("creationDate") or "")[:10],
        instrument.get("facility"),
        instrument.get("name"),
        item.get("access"),
    ]
