"""Who may have a DOI registered, and what they are told of it.

Nothing is sent from here: what is asked for is queued, and `working` sends it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from panosc.catalogue.beside.leading import is_led
from panosc.catalogue.tables import dataset, document
from panosc.domain.access import RULES, Guard, Who, may
from panosc.domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from panosc.policy import audit
from panosc.policy.decisions.acts import Acts
from panosc.policy.decisions.records import Record, is_text, load, signed_in, wrong_scope
from panosc.policy.document import Document
from panosc.publication import identifiers
from panosc.publication.minting import queue
from panosc.publication.minting.account import Account, account_of, needed
from panosc.publication.minting.datacite import STATES, State
from panosc.publication.minting.queue import Line, Wish
from panosc.publication.minting.suffixes import doi_of
from panosc.publication.record import Model
from panosc.settings import Settings

SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the DOIs of a node stand."""

    counts: Mapping[str, int]
    lines: list[Line]
    """Those that wait or are stuck, the first of them."""
    is_led: bool
    """Whether some process registers them now."""


class Minting:
    """Takes what people want of DOIs, and tells how it stands.

    Parameters
    ----------
    find : callable
        A version of a policy by its name.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        find: Callable[[str], Document],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self.clock = clock
        self.find = find
        self._acts = Acts(engine, clock, self._rules)
        self.account: Account | None = account_of(settings)

    def mint(self, who: Who, model: Model, pid: str, *, state: State = "findable") -> Line:
        """Queue a DOI of a record, or another state of the one that it has; asks for `publish`.

        Raises
        ------
        Unavailable
            If the node has no account at DataCite.
        Unauthenticated, NotFound, Gone, Forbidden, WrongScope
        Conflict
            If the policy gives it none, it brought one along, or it cannot come to that state.
        """
        with self._engine.begin() as connection:
            return self.mint_in(connection, who, model, pid, state=state)

    def mint_in(
        self,
        connection: sa.Connection,
        who: Who,
        model: Model,
        pid: str,
        *,
        state: State = "findable",
    ) -> Line:
        """Do the same in the caller's transaction."""
        person, now = signed_in(who), self.clock()
        prefix = needed(self._settings).prefix
        if state not in STATES:
            raise Invalid(
                f"There is no state “{str(state)[:40]}” of a DOI.",
                field="state",
                hint=f"Use one of {', '.join(STATES)}.",
            )
        record = self._allowed(connection, who, model, pid, prefix)
        held = queue.line_of(connection, model, pid)
        if held is not None and held.state in {"registered", "findable"} and state == "draft":
            raise Conflict(
                f"The DOI {held.doi} is {held.state}: it leads to this node for ever.",
                hint="Take it back to “registered”: then it is in no index.",
            )
        if record.guard.mark != "normal" and held is None:
            raise Conflict(
                "What is withdrawn gets no DOI.", hint="Restore it first, if it was a mistake."
            )
        wish = Wish(
            doi=doi_of(model, pid, prefix=prefix) if held is None else held.doi,
            model=model,
            pid=pid,
            wanted=state,
            by=person,
        )
        try:
            with connection.begin_nested():
                queue.want(connection, wish, now=now)
        except IntegrityError:
            raise Conflict(
                f"The DOI {wish.doi} is that of another record.",
                hint="Ask the operator of this node.",
            ) from None
        audit.record(connection, who, "doi.wanted", now=now, subject=pid, doi=wish.doi, state=state)
        found = queue.line_of(connection, model, pid)
        if found is None:
            raise Conflict("The record was changed meanwhile.", hint="Try again.")
        return found

    def check(self, who: Who, model: Model, pid: str) -> None:
        """Refuse what `mint` would refuse, and change nothing.

        Raises
        ------
        Unavailable, Unauthenticated, NotFound, Gone, Forbidden, WrongScope, Conflict
        """
        signed_in(who)
        with self._engine.connect() as connection:
            self._allowed(connection, who, model, pid, needed(self._settings).prefix)

    def may_publish(self, connection: sa.Connection, who: Who, pid: str) -> Record | None:
        """Return a dataset that `who` may have DOIs registered for, else None."""
        record = load(connection, dataset.c.pid == pid) if is_text(pid) else None
        is_theirs = record is not None and self._acts.may_do(who, "publish", record)
        return record if is_theirs else None

    def line(self, model: Model, pid: str) -> Line | None:
        """Return how the DOI of a record stands; the caller has asked who may know of it."""
        with self._engine.connect() as connection:
            return queue.line_of(connection, model, pid)

    def standing(self, who: Who, *, after: str = "") -> Standing:
        """Return how the DOIs of the node stand, for stewards.

        Raises
        ------
        Unauthenticated, Forbidden
        """
        _demand_steward(who)
        with self._engine.connect() as connection:
            return Standing(
                counts=queue.counts(connection),
                lines=queue.unfinished(connection, limit=SHOWN, after=after),
                is_led=is_led(connection, queue.POST),
            )

    def retry(self, who: Who) -> int:
        """Try everything again that waits after a fault or for a person; for stewards.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope
        """
        _demand_steward(who)
        if "manage" not in who.scopes:
            raise wrong_scope("manage")
        with self._engine.begin() as connection:
            count = queue.retry(connection, now=self.clock())
            audit.record(connection, who, "doi.retried", now=self.clock(), count=count)
        return count

    def _rules(self, policy: str | None) -> Mapping[str, frozenset[str]]:
        return RULES if policy is None else self.find(policy).rules

    def _allowed(
        self, connection: sa.Connection, who: Who, model: Model, pid: str, prefix: str
    ) -> Record:
        """Return the record, locked where it is a dataset, if `who` may have a DOI for it."""
        if model == "Dataset":
            record = self._acts.known(connection, who, pid)
            self._acts.demand(who, "publish", record)
            self._obey_policy(connection, record)
            brought = identifiers.doi(pid)
        else:
            record, given = self._document(connection, who, pid)
            self._acts.demand(who, "publish", record)
            brought = identifiers.doi(given) or identifiers.doi(pid)
        if brought is not None and not brought.startswith(f"{prefix}/"):
            raise Conflict(
                f"It has a DOI that it brought along, {brought}.",
                hint="Nothing is to be done: it is cited by that one.",
            )
        return record

    def _obey_policy(self, connection: sa.Connection, record: Record) -> None:
        if record.policy is None:
            return
        kind = connection.scalar(sa.select(dataset.c.kind).where(dataset.c.id == record.key))
        name, part = self.find(record.policy).class_of(kind)
        if part.doi == "none":
            raise Conflict(
                f"The policy {record.policy} gives {name} data no DOI.",
                hint="Publish a selection: a package gets one.",
            )
        if part.doi == "inherit":
            raise Conflict(
                f"By the policy {record.policy}, {name} data are cited by the DOI of what they "
                "belong to.",
                hint="Have the DOI of its proposal registered.",
            )

    def _document(self, connection: sa.Connection, who: Who, pid: str) -> tuple[Record, str | None]:
        columns = document.c
        row: Any = None
        if is_text(pid):
            row = connection.execute(
                sa.select(
                    columns.id,
                    columns.pid,
                    columns.title,
                    columns.doi,
                    columns.mark,
                    columns.core_at,
                    columns.open_at,
                    columns.owner_group,
                ).where(columns.pid == pid)
            ).first()
        if row is not None and row.mark == "erased":
            raise Gone(
                f"The document “{pid}” was here and has been erased.",
                hint="Nothing of it is kept. Ask the operator of this node.",
            )
        guard = None
        if row is not None:
            guard = Guard(
                mark=row.mark, core_at=row.core_at, open_at=row.open_at, group=row.owner_group
            )
        if row is None or guard is None or not may(who, "core", guard, now=self.clock()):
            raise NotFound(
                f"There is no document “{pid}” at this node.",
                hint="Search for it, or ask whoever gave you the identifier.",
            )
        return Record(key=row.id, pid=row.pid, title=row.title, guard=guard), row.doi


def _demand_steward(who: Who) -> None:
    signed_in(who)
    if not who.is_steward:
        raise Forbidden(
            "The queue of DOIs is for data stewards.", hint="Ask one of them, or the operator."
        )
