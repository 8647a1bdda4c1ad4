"""Plans of proposals: written by their teams and by stewards, prefilled until somebody did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.publishing.tables import plan
from panosc.catalogue.tables import document
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Forbidden
from panosc.policy import audit
from panosc.policy.requiring import require
from panosc.policy.shelf import Shelf
from panosc.publication.gathering import Gatherer
from panosc.publication.plans import madmp
from panosc.publication.plans.prefilling import prefilled
from panosc.publication.record import Address
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The plan of a proposal."""

    title: str
    """Of the proposal."""
    content: dict[str, Any]
    version: int
    """How often it was written; 0: it is prefilled, nobody wrote it."""
    changed: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Keeps plans."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    settings: Settings
    gatherer: Gatherer
    shelf: Shelf

    def get(self, who: Who, pid: str, address: Address) -> Held:
        """Return the plan of a proposal; for its team and for stewards.

        Raises
        ------
        NotFound, Gone
            As for the proposal itself.
        Unauthenticated, WrongScope, Forbidden
        """
        proposal = self.gatherer.one(who, "Document", pid, address)
        require(who, "read")
        with self.engine.connect() as connection:
            self._require_theirs(connection, who, pid)
            row = connection.execute(sa.select(plan).where(plan.c.document == pid)).first()
        if row is not None:
            return Held(
                title=proposal.title,
                content=row.content,
                version=row.version,
                changed=row.changed,
            )
        now = self.clock()
        contact = (self.settings.contact or "").removeprefix("mailto:")
        content = prefilled(
            proposal,
            self.shelf.current(now),
            facility=proposal.publisher,
            contact=contact if "@" in contact else None,
            now=now,
        )
        return Held(title=proposal.title, content=content, version=0, changed=None)

    def put(
        self, who: Who, pid: str, content: dict[str, Any], *, before: int, address: Address
    ) -> int:
        """Write the plan of a proposal, and return its version.

        Parameters
        ----------
        before : int
            The version that it is based on: what somebody else wrote meanwhile is not lost.

        Raises
        ------
        Conflict
            If there is a newer version.
        Invalid
            If it is none after the standard.
        NotFound, Gone, Unauthenticated, WrongScope, Forbidden
            As `get`; it needs the scope ``write``.
        """
        self.gatherer.one(who, "Document", pid, address)
        person = require(who, "write")
        now = self.clock()
        stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        with self.engine.begin() as connection:
            self._require_theirs(connection, who, pid)
            content = madmp.checked(content)
            content = {**content, "dmp": {**content["dmp"], "modified": stamp}}
            values = {"document": pid, "content": content, "by": person, "changed": now}
            if before:
                newer = sa.update(plan).where(plan.c.document == pid, plan.c.version == before)
                written = connection.execute(
                    newer.values(**values, version=before + 1).returning(plan.c.version)
                ).scalar()
            else:
                first = insert(plan).values(**values, version=1).on_conflict_do_nothing()
                written = connection.execute(first.returning(plan.c.version)).scalar()
            if written is None:
                raise Conflict(
                    "Somebody else has changed this plan meanwhile.",
                    hint="Load the page again and make your change there.",
                )
            audit.record(connection, who, "plan.written", now=now, subject=pid)
        return int(written)

    def _require_theirs(self, connection: sa.Connection, who: Who, pid: str) -> None:
        if who.is_steward:
            return
        group = connection.scalar(sa.select(document.c.owner_group).where(document.c.pid == pid))
        if group is None or group not in who.groups:
            raise Forbidden(
                "The plan of a proposal is for its team.", hint="Ask its principal investigator."
            )
