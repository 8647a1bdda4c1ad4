"""What is decided on one dataset: release, extension, withdrawal, restoring, erasure.

Each act asks first whether the caller may know of the dataset, then whether they may do it; what
they may not know of is absent, as if it never was. The ruling, its effect, the line of the audit
trail and the entry of the feed are one transaction. Data that were open to all are never closed
again. Who is given access is `sharing`, what is asked for is `petitions`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue import changes, rulings
from panosc.catalogue.tables import dataset, ruling
from panosc.domain.access import NEVER, Act, State, Who, may, may_do, state_of
from panosc.domain.errors import Conflict, Forbidden, Gone
from panosc.policy import audit
from panosc.policy.decisions.records import (
    Record,
    absent,
    is_text,
    load,
    signed_in,
    text_of,
    wrong_scope,
    years_later,
)

Rules = Mapping[str, frozenset[str]]
"""Role → acts, as one version of a policy says."""
RulesOf = Callable[[str | None], Rules]
"""The rules of a policy version by its name; None: of records without one."""
OpensOf = Callable[[sa.Connection, int, datetime], datetime | None]
"""When the policy opens a dataset, by its key, with all years that it was extended by."""

_DO: dict[Act, str] = {
    "share": "share it",
    "answer": "answer requests for it",
    "release": "release it",
    "extend": "ask for a longer embargo of it",
    "approve": "grant a longer embargo",
    "publish": "have a DOI registered for it",
    "withdraw": "withdraw or restore it",
    "erase": "have it erased",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision under way: its transaction, the locked dataset and the time."""

    connection: sa.Connection
    record: Record
    now: datetime

    @property
    def state(self) -> State:
        """The state of the dataset before the decision."""
        return state_of(self.record.guard, now=self.now)


class Acts:
    """Decides on datasets, and tells the services beside it what a caller may know and do.

    Parameters
    ----------
    rules_of : callable
        Which role may do what under a version of a policy.
    opens_of : callable, optional
        From when a policy opens a dataset; without it years are added to the day that it had.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        rules_of: RulesOf,
        opens_of: OpensOf | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.rules_of = rules_of
        self._opens_of = opens_of

    def may_do(self, who: Who, act: Act, record: Record) -> bool:
        """Whether the policy of `record` lets `who` do it."""
        return may_do(who, act, record.guard, rules=self.rules_of(record.policy))

    def demand(self, who: Who, act: Act, record: Record) -> None:
        """Refuse whoever may not do it.

        Raises
        ------
        WrongScope
            If the person may, but not with this credential.
        Forbidden
        """
        if self.may_do(who, act, record):
            return
        for scope in ("write", "manage"):
            able = replace(who, scopes=who.scopes | {scope})
            if self.may_do(able, act, record):
                raise wrong_scope(scope)
        rules = self.rules_of(record.policy)
        able_roles = sorted(role.replace("_", " ") for role in rules if act in rules[role])
        raise Forbidden(
            f"You may not {_DO[act]}: the policy leaves that to {_listed(able_roles)}.",
            hint="The page “Who may see this” of the dataset says whom to ask.",
        )

    def known(self, connection: sa.Connection, who: Who, pid: str, *, lock: bool = False) -> Record:
        """Return a dataset that `who` may know of.

        Raises
        ------
        NotFound, Gone
        """
        record = load(connection, dataset.c.pid == pid, lock=lock) if is_text(pid) else None
        if record is not None and record.guard.mark == "erased":
            raise Gone(
                f"The dataset “{pid}” was here and has been erased.",
                hint="Nothing of it is kept. Ask the operator of this node.",
            )
        if record is None or not may(who, "core", record.guard, now=self.clock()):
            raise absent(pid)
        return record

    @contextmanager
    def deciding(self, who: Who, pid: str, act: Act) -> Iterator[Decision]:
        """Give the locked dataset to a block that decides on it; commit when the block ends.

        Raises
        ------
        Unauthenticated, NotFound, Gone, Forbidden, WrongScope
        """
        signed_in(who)
        with self.engine.begin() as connection:
            record = self.known(connection, who, pid, lock=True)
            self.demand(who, act, record)
            yield Decision(connection=connection, record=record, now=self.clock())
            changes.append(connection, [("Dataset", record.pid)])

    def check(self, who: Who, pid: str, act: Act) -> None:
        """Refuse what `deciding` would refuse, and change nothing.

        Raises
        ------
        Unauthenticated, NotFound, Gone, Forbidden, WrongScope
        """
        signed_in(who)
        with self.engine.connect() as connection:
            self.demand(who, act, self.known(connection, who, pid))

    def look(self, who: Who, pid: str) -> tuple[Record, State]:
        """Return a dataset that `who` may know of, and its state.

        Raises
        ------
        NotFound, Gone
        """
        with self.engine.connect() as connection:
            record = self.known(connection, who, pid)
        return record, state_of(record.guard, now=self.clock())

    def release(self, who: Who, pid: str, *, reason: str | None = None) -> None:
        """Open a dataset to everyone, for ever; asks for `release`.

        Raises
        ------
        Conflict
            If it is open already, or withdrawn.
        """
        words = text_of(reason, "reason") if reason else None
        with self.deciding(who, pid, "release") as decision:
            if decision.state not in {"embargoed", "closed"}:
                raise _unfit(decision, "released", "Only what is embargoed or closed can be.")
            rule(decision, released_at=decision.now)
            self.note(who, "dataset.released", decision, words)

    def withdraw(
        self, who: Who, pid: str, *, reason: str, superseded_by: str | None = None
    ) -> None:
        """Take a published dataset back; its page stays with the reason. Asks for `withdraw`.

        Raises
        ------
        Conflict
            If it never was published, or is withdrawn already.
        """
        words = text_of(reason, "reason")
        newer = text_of(superseded_by, "superseded_by", most=300) if superseded_by else None
        with self.deciding(who, pid, "withdraw") as decision:
            if decision.state not in {"open", "embargoed"}:
                raise _unfit(
                    decision,
                    "withdrawn",
                    "Only what was published can be: a withdrawn dataset has a page for everyone.",
                )
            told = f"{words} It is superseded by {newer}." if newer else words
            rule(decision, mark="withdrawn", mark_reason=told)
            detail = {"superseded_by": newer} if newer else {}
            self.note(who, "dataset.withdrawn", decision, words, **detail)

    def restore(self, who: Who, pid: str, *, reason: str) -> None:
        """Undo a withdrawal; the dataset is again what it would be. Asks for `withdraw`.

        Raises
        ------
        Conflict
            If it is not withdrawn, or its source says so.
        """
        words = text_of(reason, "reason")
        with self.deciding(who, pid, "withdraw") as decision:
            if decision.state != "withdrawn":
                raise _unfit(decision, "restored", "Only what is withdrawn can be.")
            if decision.record.access == "withdrawn":
                raise Conflict(
                    "The source of this record says that it is withdrawn.",
                    hint="Change it there, and load it again.",
                )
            decision.connection.execute(
                sa.update(dataset)
                .values(mark="normal", mark_reason=None)
                .where(dataset.c.id == decision.record.key)
            )
            rule(decision, mark=None, mark_reason=None)
            self.note(who, "dataset.restored", decision, words)

    def extend(self, who: Who, decision: Decision, years: int, *, reason: str | None) -> None:
        """Put off the end of an embargo within a decision; `petitions` has asked who may.

        Raises
        ------
        Conflict
            If the embargo is over, or has no end.
        """
        record, opens = decision.record, decision.record.guard.open_at
        if decision.state != "embargoed" or opens == NEVER:
            raise _unfit(decision, "extended", "Only an embargo that ends on a later day can be.")
        # `rulings` puts off a date of the record itself, however often that comes anew
        rule(decision, extended_years=record.extended_years + years)
        if record.policy_opens is not None:
            later = years_later(record.policy_opens, years)
            if self._opens_of is not None:
                # from the end of the experiment: not from 28 February, where that was the 29th
                later = self._opens_of(decision.connection, record.key, decision.now) or later
            rule(decision, policy_opens=later)
        self.note(who, "dataset.extended", decision, reason, years=years)

    def erase(self, who: Who, decision: Decision, *, reason: str, asked_by: str) -> None:
        """Leave nothing of a dataset within a decision; `petitions` has asked two people."""
        rule(decision, mark="erased", mark_reason=None)
        self.note(who, "dataset.erased", decision, reason, asked_by=asked_by)

    def note(
        self, who: Who, event: str, decision: Decision, reason: str | None = None, **detail: object
    ) -> None:
        """Write the line of the audit trail in the transaction of the decision."""
        audit.record(
            decision.connection,
            who,
            event,
            now=decision.now,
            subject=decision.record.pid,
            reason=reason,
            **detail,
        )


def rule(decision: Decision, **values: object) -> None:
    """Keep a ruling and let it take effect."""
    given = insert(ruling).values(dataset_id=decision.record.key, **values)
    decision.connection.execute(
        given.on_conflict_do_update(index_elements=["dataset_id"], set_=values)
    )
    rulings.apply(decision.connection, [decision.record.key])


def _listed(roles: list[str]) -> str:
    if not roles:
        return "nobody"
    return ("the " if len(roles) == 1 else "the roles ") + ", ".join(roles)


_STATES: dict[State, str] = {
    "open": "open to everyone",
    "embargoed": "under embargo",
    "closed": "closed",
    "withdrawn": "withdrawn",
    "erased": "erased",
}


def _unfit(decision: Decision, done: str, hint: str) -> Conflict:
    return Conflict(f"It cannot be {done}: it is {_STATES[decision.state]}.", hint=hint)
