"""The register of announcements: kept under their id before anybody is told that they are.

Who may announce what is decided here. They are worked on by `desk`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.intake import announcement
from panosc.catalogue.tables import instrument
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound
from panosc.ingest.messages import places
from panosc.ingest.messages.bodies import Announced, AnnouncementBody
from panosc.policy import audit
from panosc.policy.decisions.records import is_text
from panosc.policy.requiring import require
from panosc.settings import Settings

State = Literal["waiting", "done", "failed"]
HTTP = "http"
BY = "instruments"
"""Beside what was said: the instruments by which somebody might say it; none for stewards."""
_SERVICE = "svc-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One announcement; `body` is what was said."""

    id: str
    kind: str
    who: str
    at: datetime
    body: dict[str, Any]
    state: State
    tries: int
    next_try: datetime
    detail: str | None
    pids: tuple[str, ...]
    run: int | None


class Register:
    """Keeps announcements and tells what became of them."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._engine = engine
        self._roots, self._roots_of = settings.ingest_roots, settings.instrument_roots
        self._clock = clock
        self._new_id = new_id

    def announce(self, who: Who, body: AnnouncementBody, *, key: str | None = None) -> Announcement:
        """Keep what is announced; `key` is its id where the body has none.

        Raises
        ------
        Unauthenticated, WrongScope
        Forbidden
            Unless a steward, or a service or whoever is in charge of the instrument that it
            names, of files in the folders of that instrument.
        Invalid
            With the path that may not be announced.
        Conflict
            If other content was announced under the id.
        """
        person = require(who, "write")
        if body.id and key and body.id != key:
            raise Invalid(
                "The id in the body and the one in the header Idempotency-Key differ.",
                field="id",
                hint="Send one of the two.",
            )
        name = f"{person}:{body.id or key or self._new_id()}"
        content: dict[str, Any] = {"said": body.kept()}
        now = self._clock()
        with self._engine.begin() as connection:
            content[BY] = self._right(connection, who, body)
            row = {"id": name, "kind": HTTP, "who": person, "at": now, "next_try": now}
            if _added(connection, {**row, "body": content}):
                paths = len(body.paths)
                audit.record(
                    connection, who, "ingest.announced", now=now, subject=name, paths=paths
                )
            elif not _is_same(connection, name, content):
                raise Conflict(
                    f"Something else was announced as {name.partition(':')[2]!r} before.",
                    hint="Announce it under an id of its own.",
                )
            return _one(connection, name)

    def keep(
        self,
        name: str,
        *,
        kind: str,
        who: Who,
        body: dict[str, Any],
        fault: str | None = None,
    ) -> None:
        """Keep a message of a broker; with a `fault` it has failed already.

        The same message again does nothing, but that one which had failed is tried again.
        """
        now = self._clock()
        row = {"id": name, "kind": kind, "who": who.person, "at": now, "next_try": now}
        state = "waiting" if fault is None else "failed"
        with self._engine.begin() as connection:
            if _added(connection, {**row, "body": body, "state": state, "detail": fault}):
                event = "ingest.announced" if fault is None else "ingest.refused"
                audit.record(connection, who, event, now=now, subject=name, reason=fault)
            elif fault is None:
                _again(connection, name, now)

    def find(self, who: Who, name: str) -> Announcement:
        """Return one's own announcement by the id that one gave, or by the one of this node.

        A steward may see all.

        Raises
        ------
        Unauthenticated, WrongScope, NotFound
        """
        with self._engine.connect() as connection:
            return self._known(connection, who, name)

    def retry(self, who: Who, name: str) -> Announcement:
        """Let one that has failed be tried again.

        Raises
        ------
        Unauthenticated, WrongScope, NotFound
        Forbidden
            If they may not announce it any more.
        Conflict
            If it has not failed.
        """
        require(who, "write")
        now = self._clock()
        with self._engine.begin() as connection:
            found = self._known(connection, who, name)
            if not who.is_steward and "said" in found.body:
                # they may be in charge no more
                self._right(connection, who, Announced.model_validate(found.body["said"]))
            if not _again(connection, found.id, now):
                raise Conflict(
                    f"The announcement has not failed: it is {found.state}.",
                    hint="There is nothing to be done.",
                )
            audit.record(connection, who, "ingest.retried", now=now, subject=found.id)
            return _one(connection, found.id)

    def _right(self, connection: sa.Connection, who: Who, said: Announced) -> list[str] | None:
        """Return the instruments by which somebody may announce this; None: stewards may all."""
        instruments = None if who.is_steward else _in_charge(connection, who, said.instrument)
        places.inside(said.paths, self._roots)
        if instruments is not None:
            places.refuse_others(said.places(), instruments, self._roots_of)
        return instruments

    def is_there(self) -> None:
        """Fail unless the database answers."""
        with self._engine.connect() as connection:
            connection.execute(sa.select(1))

    def _known(self, connection: sa.Connection, who: Who, name: str) -> Announcement:
        # a token that may only announce may also ask what became of it
        person = require(who, "write" if "write" in who.scopes else "read")
        if not is_text(name):
            raise _missing(name)
        found = _one(connection, name if ":" in name else f"{person}:{name}")
        if not (who.is_steward or found.who == person):
            raise _missing(name)
        return found


def _missing(name: str) -> NotFound:
    return NotFound(
        f"There is no announcement {name[:100]!r}.",
        hint="Ask with the id that you gave, as the account that announced it.",
    )


def _added(connection: sa.Connection, row: dict[str, Any]) -> bool:
    statement = insert(announcement).values(row).on_conflict_do_nothing()
    return connection.scalar(statement.returning(announcement.c.id)) is not None


def _again(connection: sa.Connection, name: str, now: datetime) -> bool:
    statement = (
        sa.update(announcement)
        .where(announcement.c.id == name, announcement.c.state == "failed")
        .where(sa.or_(announcement.c.body.has_key("said"), announcement.c.body.has_key("proposal")))
        .values(state="waiting", tries=0, next_try=now, detail=None)
    )
    return bool(connection.execute(statement).rowcount)


def _is_same(connection: sa.Connection, name: str, content: dict[str, Any]) -> bool:
    # the database compares: a number may come back from it in another spelling
    same = announcement.c.body["said"] == sa.literal(content["said"], pg.JSONB)
    return bool(connection.scalar(sa.select(same).where(announcement.c.id == name)))


def _one(connection: sa.Connection, name: str) -> Announcement:
    row = connection.execute(sa.select(announcement).where(announcement.c.id == name)).first()
    if row is None:
        raise _missing(name)
    return from_row(row)


def from_row(row: Any) -> Announcement:
    """Return the announcement in a row of the table."""
    names = ("id", "kind", "who", "at", "body", "state", "tries", "next_try", "detail")
    return Announcement(
        **{name: getattr(row, name) for name in names}, pids=tuple(row.pids or ()), run=row.run_id
    )


def _in_charge(connection: sa.Connection, who: Who, named: str | None) -> list[str]:
    """Return those of the instruments of `who` that the announcement names."""
    is_service = (who.person or "").startswith(_SERVICE)
    if named is None and is_service:
        return sorted(who.instruments)
    if named is not None and (found := named_by(connection, named) & who.instruments):
        return sorted(found)
    raise Forbidden(
        "Datasets are announced by stewards, by services of their instrument, and by whoever is "
        "in charge of the instrument that the announcement names.",
        hint="Name your instrument in `instrument`, by its PID or as its page does.",
    )


def named_by(connection: sa.Connection, name: str) -> set[str]:
    """Return the PIDs that a name of an instrument, or a PID, may mean."""
    query = sa.select(instrument.c.pid).where(
        sa.or_(instrument.c.pid == name, sa.func.lower(instrument.c.name) == name.lower())
    )
    return {name, *connection.scalars(query)}
