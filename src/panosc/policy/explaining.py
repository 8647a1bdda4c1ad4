"""Why a dataset is closed, embargoed or open, until when, and who may do something about it.

Whoever may not know of a dataset is told that there is none. Names of people are told only to
those whose care the data are. Nothing is decided here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import dataset, document, document_dataset, group, group_member
from panosc.catalogue.tables import ruling as rulings
from panosc.domain.access import (
    ALWAYS,
    NEVER,
    NODE_GROUP,
    Act,
    State,
    Who,
    may,
    may_do,
    state_of,
)
from panosc.domain.errors import Gone
from panosc.policy.decisions.records import Record, absent, in_charge, is_text, load
from panosc.policy.document import Document
from panosc.policy.opening import words
from panosc.policy.shelf import Shelf

MOST_NAMES = 100
_IN: Mapping[State, frozenset[str]] = {
    "open": frozenset({"publish", "withdraw", "erase"}),
    "embargoed": frozenset(get_args(Act)),
    "closed": frozenset({"share", "answer", "release", "withdraw", "erase"}),
    "withdrawn": frozenset({"withdraw", "erase"}),
    "erased": frozenset(),
}
"""What can be done at all in a state; of a withdrawn dataset `withdraw` takes it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """One way to belong to a dataset, and how many people do; names only for whom they concern."""

    role: str
    number: int
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One thing that can be done, the roles that may, and whether whoever asks does."""

    act: Act
    roles: tuple[str, ...]
    you_may: bool
    terms: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What decides on one dataset, in words."""

    pid: str
    title: str | None
    state: State
    since: datetime | None
    """From when it is in this state; None: from the start, or it is not known."""
    until: datetime | None
    """When it opens by itself; None: it is open, or does not open by itself."""
    reasons: tuple[str, ...]
    policy: str | None
    policy_title: str | None
    data_class: str
    counted_from: datetime | None
    counted_by: str | None
    group: str | None
    readers: tuple[Readers, ...]
    shared_with: int | None
    can_do: tuple[Doing, ...]
    may_request: bool
    """Whether it makes sense for whoever asks to ask for access."""


class Explaining:
    """Explains single datasets; sees what the caller may see."""

    def __init__(self, engine: sa.Engine, shelf: Shelf, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._shelf = shelf
        self._clock = clock

    def explain(self, who: Who, pid: str) -> Explanation:
        """Return what decides on a dataset.

        Raises
        ------
        NotFound
            If there is none, or none that `who` may know of.
        Gone
            If it was erased.
        """
        now = self._clock()
        with self._engine.connect() as connection:
            record = load(connection, dataset.c.pid == pid) if is_text(pid) else None
            if record is not None and record.guard.mark == "erased":
                raise Gone(
                    f"The dataset “{pid}” was here and has been erased.",
                    hint="Nothing of it is kept. Ask the operator of this node.",
                )
            if record is None or not may(who, "core", record.guard, now=now):
                raise absent(pid)
            return self._explained(connection, who, record, now)

    def _explained(
        self, connection: sa.Connection, who: Who, record: Record, now: datetime
    ) -> Explanation:
        facts = _facts(connection, record.key)
        policy = None
        if record.policy is not None and facts.policy_opens is not None:
            policy = self._shelf.version(connection, record.policy)
        state = state_of(record.guard, now=now)
        # whom it is shared with sees the data, not who else does
        is_theirs = in_charge(who, record)
        case = words.Case(record=record, facts=facts, policy=policy, now=now, state=state)
        opens, core = record.guard.open_at, record.guard.core_at
        waits = state in {"embargoed", "closed"} and opens < NEVER
        since = {"open": opens, "embargoed": core}.get(state, ALWAYS)
        class_name, _ = policy.class_of(facts.kind) if policy else (words.class_name(facts.kind), 0)
        counts = policy is not None and facts.access_type is not None
        return Explanation(
            pid=record.pid,
            title=record.title,
            state=state,
            since=since if since > ALWAYS else None,
            until=opens if waits else None,
            reasons=words.reasons(case),
            policy=policy.name if policy else None,
            policy_title=policy.policy.title if policy else None,
            data_class=class_name,
            counted_from=facts.counted if counts else None,
            counted_by=facts.counted_by if counts else None,
            group=record.guard.group if is_theirs else None,
            readers=self._readers(connection, record, now, with_names=is_theirs),
            shared_with=len(record.guard.shares) if is_theirs else None,
            can_do=_doing(who, case, policy),
            may_request=state == "embargoed" and not may(who, "detail", record.guard, now=now),
        )

    def _readers(
        self, connection: sa.Connection, record: Record, now: datetime, *, with_names: bool
    ) -> tuple[Readers, ...]:
        """Return who sees it before everyone does: its group, its instrument's, the stewards."""
        guard = record.guard
        groups = {NODE_GROUP} | ({guard.group} if guard.group else set())
        if guard.instrument:
            groups.add(f"instrument:{guard.instrument}")
        held = group_member.c
        person = sa.func.coalesce(alias.c.person, held.person)
        query = (
            sa.select(
                held.group,
                held.role,
                sa.func.count(person.distinct()).label("number"),
                sa.func.array_agg(sa.func.coalesce(account.c.name, person).distinct()).label(
                    "names"
                ),
            )
            .outerjoin(alias, alias.c.name == held.person)
            .outerjoin(account, account.c.id == person)
            .where(
                held.group == sa.any_(sa.literal(sorted(groups), sa.ARRAY(sa.Text))),
                sa.or_(held.until.is_(None), held.until > now),
                sa.or_(held.group != NODE_GROUP, held.role == "steward"),
            )
            .group_by(held.group, held.role)
            .order_by((held.group == NODE_GROUP), held.group, held.role)
        )
        return tuple(
            Readers(
                role=row.role,
                number=row.number,
                names=tuple(row.names[:MOST_NAMES]) if with_names else None,
            )
            for row in connection.execute(query)
        )


def _facts(connection: sa.Connection, key: int) -> words.Facts:
    """Return what else decides on one dataset."""
    dated = (
        sa.select(sa.func.max(document.c.release_date))
        .join(document_dataset, document_dataset.c.document_id == document.c.id)
        .where(document_dataset.c.dataset_id == key)
        .scalar_subquery()
    )
    query = (
        sa.select(
            dataset.c.kind,
            dataset.c.is_public,
            dataset.c.access,
            sa.func.coalesce(dataset.c.embargo_until, dataset.c.release_date).label("own_date"),
            dataset.c.end_date,
            dataset.c.creation_date,
            dataset.c.created,
            dataset.c.owner_group,
            group.c.access_type,
            group.c.ends,
            group.c.name.label("known_group"),
            rulings.c.policy_opens,
            rulings.c.released_at,
            sa.func.coalesce(rulings.c.extended_years, 0).label("extended_years"),
            dated.label("document_date"),
        )
        .outerjoin(group, group.c.name == dataset.c.owner_group)
        .outerjoin(rulings, rulings.c.dataset_id == dataset.c.id)
        .where(dataset.c.id == key)
    )
    row = connection.execute(query).one()
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - its API
    return words.Facts(**values)


def _doing(who: Who, case: words.Case, policy: Document | None) -> tuple[Doing, ...]:
    rules = policy.rules if policy else words.RULES
    found: list[Doing] = []
    for act in _ordered(case.state):
        roles = tuple(role for role in rules if act in rules[role])
        if roles:
            found.append(
                Doing(
                    act=act,
                    roles=roles,
                    you_may=may_do(who, act, case.record.guard, rules=rules),
                    terms=words.terms(act, case),
                )
            )
    return tuple(found)


def _ordered(state: State) -> Sequence[Act]:
    return [act for act in get_args(Act) if act in _IN[state]]
