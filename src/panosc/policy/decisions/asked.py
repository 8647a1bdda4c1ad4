"""Requests as rows: how they are read, and closed. Who may do so is `petitions`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from panosc.catalogue.people import account, petition
from panosc.catalogue.tables import dataset, instrument, ruling
from panosc.domain.access import ALWAYS, Guard, Who, state_of
from panosc.domain.errors import Conflict

Kind = Literal["access", "extension", "erasure"]
Standing = Literal["open", "granted", "refused", "taken back"]
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """One request with its answer; who asks is shown to whoever may answer."""

    id: str
    kind: Kind
    pid: str
    title: str | None
    account: str
    name: str | None
    orcid: str | None
    text: str
    years: int | None
    at: datetime
    state: Standing
    answer: str | None
    answered_by: str | None
    answered_by_name: str | None
    answered_at: datetime | None
    guard: Guard
    policy: str | None
    act: str | None
    """By which right an erasure was asked for: the other one confirms it."""
    now: datetime

    @property
    def is_moot(self) -> bool:
        """Whether there is nothing left to answer: the dataset is not what it was."""
        state = state_of(self.guard, now=self.now)
        fits = {"embargoed", "closed"} if self.kind == "access" else {"embargoed"}
        return self.kind != "erasure" and state not in fits


def read(
    connection: sa.Connection, *conditions: sa.ColumnElement[bool], now: datetime
) -> list[Petition]:
    """Return the requests that fit, the newest first."""
    asker, answerer = account.alias(), account.alias()
    names = [column for column in petition.c if column.name != "dataset_id"]
    query = (
        sa.select(
            *names,
            dataset.c.title,
            dataset.c.mark,
            dataset.c.core_at,
            dataset.c.open_at,
            dataset.c.owner_group,
            instrument.c.pid.label("instrument"),
            ruling.c.policy,
            asker.c.name.label("name"),
            asker.c.orcid.label("orcid"),
            answerer.c.name.label("answered_by_name"),
        )
        .outerjoin(dataset, dataset.c.id == petition.c.dataset_id)
        .outerjoin(instrument, instrument.c.id == dataset.c.instrument_id)
        .outerjoin(ruling, ruling.c.dataset_id == petition.c.dataset_id)
        .outerjoin(asker, asker.c.id == petition.c.account)
        .outerjoin(answerer, answerer.c.id == petition.c.answered_by)
        .where(*conditions)
        .order_by(petition.c.at.desc(), petition.c.id)
        .limit(MOST)
    )
    return [_petition(row._mapping, now) for row in connection.execute(query)]  # noqa: SLF001 - its API


_GUARD = ("mark", "core_at", "open_at", "owner_group", "instrument")


def _petition(row: Any, now: datetime) -> Petition:
    guard = Guard(
        mark=row["mark"] or "erased",
        core_at=row["core_at"] or ALWAYS,
        open_at=row["open_at"] or ALWAYS,
        group=row["owner_group"],
        instrument=row["instrument"],
    )
    values = {name: value for name, value in row.items() if name not in _GUARD}
    return Petition(**values, guard=guard, now=now)


def in_reach(who: Who) -> sa.ColumnElement[bool]:
    """Return the condition on a dataset that the caller's roles may reach it at all."""
    if who.roles:
        return sa.true()
    groups = sorted({group for _, group in who.duties})
    return sa.or_(dataset.c.owner_group.in_(groups), instrument.c.pid.in_(sorted(who.instruments)))


def close(
    connection: sa.Connection,
    asked: Petition,
    state: Standing,
    answer: str | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """Close an open request.

    Raises
    ------
    Conflict
        If it is not open any more.
    """
    closed = connection.execute(
        sa.update(petition)
        .values(state=state, answer=answer, answered_by=by, answered_at=now)
        .where(petition.c.id == asked.id, petition.c.state == "open")
    ).rowcount
    if not closed:
        raise Conflict(
            "This request has been answered or taken back.", hint="The page “Requests” says how."
        )
