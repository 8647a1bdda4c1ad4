"""Kept searches: each person's own, and nobody else's.

What is kept is the question in its canonical spelling. It is asked anew, as whoever asks then:
a kept search finds what its owner may see at that moment, its feed what the reader of the feed may.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from panosc.catalogue.people import account, saved_search
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, NotFound, PanoscError
from panosc.policy.requiring import require
from panosc.search.known import KnownTo
from panosc.search.language.names import Names
from panosc.search.language.selection import Selection
from panosc.search.language.url import settled
from panosc.search.service import SearchService

MOST = 100
"""Searches of one person."""
LONGEST_NAME = 100
LONGEST = 4000
COUNTED = 20
"""Searches that are counted for one page, as far as `PATIENCE_S` goes."""
PATIENCE_S = 2.0
_MOST_PAIRS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A search that a person keeps."""

    id: str
    name: str
    params: str
    """The query part of its address."""
    created: datetime
    looked_at: datetime
    looked_total: int | None
    """How many it found then; None where that was not counted."""


class SavedSearches:
    """Keeps the searches of people; the first argument says whose."""

    def __init__(
        self, engine: sa.Engine, search: SearchService, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._search = search
        self._clock = clock

    def listed(self, who: Who) -> list[Saved]:
        """Return the caller's searches by name."""
        person = require(who, "read")
        query = sa.select(saved_search).where(saved_search.c.account == person)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(saved_search.c.name, saved_search.c.id))
            return [_saved(row) for row in rows]

    def save(self, who: Who, name: str, params: str) -> Saved:
        """Keep a search under a name.

        Parameters
        ----------
        who : Who
        name : str
        params : str
            The query part of its address, in any spelling.

        Raises
        ------
        Invalid
            If the name or something in the search cannot be used.
        Conflict
            If there is one of that name, or there are too many.
        """
        person = require(who, "write")
        named = _named(name)
        selection = self._read(self._known(who), params)
        now = self._clock()
        row = {
            "id": secrets.token_hex(8),
            "account": person,
            "name": named,
            "params": _written(selection),
            "created": now,
            "looked_at": now,
            "looked_total": self._count(who, selection),
        }
        with self._engine.begin() as connection:
            _lock(connection, person)
            theirs = saved_search.c.account == person
            count = sa.select(sa.func.count()).select_from(saved_search).where(theirs)
            if connection.execute(count).scalar_one() >= MOST:
                raise Conflict(f"You keep {MOST} searches already.", hint="Delete one first.")
            _refuse_second(connection, person, named)
            made = connection.execute(sa.insert(saved_search).values(row).returning(saved_search))
            return _saved(made.one())

    def rename(self, who: Who, number: str, name: str) -> None:
        """Give a search another name.

        Raises
        ------
        NotFound, Invalid, Conflict
        """
        person = require(who, "write")
        with self._engine.begin() as connection:
            _lock(connection, person)
            _one(connection, person, number)
            named = _named(name)
            _refuse_second(connection, person, named, but=number)
            change = sa.update(saved_search).where(saved_search.c.id == number)
            connection.execute(change.values(name=named))

    def delete(self, who: Who, number: str) -> None:
        """Keep a search no longer.

        Raises
        ------
        NotFound
        """
        person = require(who, "write")
        with self._engine.begin() as connection:
            _one(connection, person, number)
            connection.execute(sa.delete(saved_search).where(saved_search.c.id == number))

    def look(self, who: Who, number: str) -> Saved:
        """Return a search, and count what is new from now on.

        Raises
        ------
        NotFound
        """
        person = require(who, "write")
        with self._engine.begin() as connection:
            found = _one(connection, person, number)
        total = self._total(who, self._known(who), found)
        with self._engine.begin() as connection:
            change = sa.update(saved_search).where(
                saved_search.c.id == number, saved_search.c.account == person
            )
            connection.execute(change.values(looked_at=self._clock(), looked_total=total))
        return found

    def totals(self, who: Who, searches: Iterable[Saved]) -> dict[str, int]:
        """Return how many the first of `searches` find now, as far as that is counted in time."""
        ends = time.monotonic() + PATIENCE_S
        known = self._known(who)
        found: dict[str, int] = {}
        for _, item in zip(range(COUNTED), searches, strict=False):
            if time.monotonic() > ends:
                break
            total = self._total(who, known, item)
            if total is not None:
                found[item.id] = total
        return found

    def _total(self, who: Who, known: Names, item: Saved) -> int | None:
        """Return how many a search finds now; None if it cannot be asked or takes too long."""
        try:
            return self._count(who, self._read(known, item.params))
        except Invalid:
            return None

    def _known(self, who: Who) -> Names:
        return KnownTo(self._search, who).names

    def _read(self, known: Names, params: str) -> Selection:
        if len(params) > LONGEST:
            raise Invalid(
                f"The search has more than {LONGEST} characters.",
                field="params",
                hint="Leave out some of its filters.",
            )
        try:
            pairs = parse_qsl(params.removeprefix("?"), max_num_fields=_MOST_PAIRS)
        except ValueError:
            raise Invalid(
                "The search is no query part of an address.",
                field="params",
                hint="Take what stands after the question mark of the page /search.",
            ) from None
        selection = settled(pairs, known)
        if selection.problems:
            raise Invalid(
                " ".join(selection.problems),
                field="params",
                hint="Ask it on the page /search, and keep what you see there.",
            )
        return selection

    def _count(self, who: Who, selection: Selection) -> int | None:
        try:
            return self._search.count(who, selection.query())
        except PanoscError:
            return None


def _written(selection: Selection) -> str:
    pairs = selection.params()
    kept = [pair for pair in pairs if pair[0] not in {"page", "after", "size"}]
    return urlencode(kept, safe=":/,")


def _named(name: str) -> str:
    named = " ".join(name.split())
    if not named or len(named) > LONGEST_NAME or not named.isprintable():
        raise Invalid(
            f"A name has 1 to {LONGEST_NAME} characters that can be seen.",
            field="name",
            hint="Say in a few words what it finds.",
        )
    return named


def _lock(connection: sa.Connection, person: str) -> None:
    """Let changes of one person come one after the other: their number and names are looked at."""
    connection.execute(sa.select(account.c.id).where(account.c.id == person).with_for_update())


def _refuse_second(
    connection: sa.Connection, person: str, name: str, *, but: str | None = None
) -> None:
    query = sa.select(saved_search.c.id).where(
        saved_search.c.account == person,
        saved_search.c.name == name,
        saved_search.c.id != (but or ""),
    )
    if connection.execute(query).first() is not None:
        raise Conflict(
            f"You keep a search called “{name}” already.", hint="Give another name, or delete it."
        )


def _one(connection: sa.Connection, person: str, number: str) -> Saved:
    query = sa.select(saved_search).where(
        saved_search.c.id == number, saved_search.c.account == person
    )
    row = connection.execute(query).first() if number.isalnum() else None
    if row is None:
        raise NotFound("You keep no such search.", hint="The page /account/searches lists yours.")
    return _saved(row)


def _saved(row: "sa.Row[tuple[object, ...]]") -> Saved:
    kept = ("id", "name", "params", "created", "looked_at", "looked_total")
    return Saved(**{name: row._mapping[name] for name in kept})  # noqa: SLF001 - its API
