"""A dataset as decisions on it need it, and what is checked before any of them.

Reads and checks; decides nothing.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.tables import dataset, instrument, ruling, share
from panosc.domain.access import NEVER, Guard, Mark, Share, Who
from panosc.domain.errors import Invalid, NotFound, Unauthenticated, WrongScope

LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A dataset as far as decisions on it need it."""

    key: int
    pid: str
    title: str | None
    guard: Guard
    policy: str | None = None
    extended_years: int = 0
    reason: str | None = None
    """Why it was withdrawn."""
    policy_opens: datetime | None = None
    access: str | None = None
    """What its source says."""


def load(
    connection: sa.Connection, condition: sa.ColumnElement[bool], *, lock: bool = False
) -> Record | None:
    """Return the one dataset that fits, whoever asks; None if there is none."""
    query = (
        sa.select(
            dataset.c.id,
            dataset.c.pid,
            dataset.c.title,
            dataset.c.mark,
            dataset.c.mark_reason,
            dataset.c.core_at,
            dataset.c.open_at,
            dataset.c.owner_group,
            dataset.c.access,
            instrument.c.pid.label("instrument"),
            ruling.c.policy,
            ruling.c.policy_opens,
            sa.func.coalesce(ruling.c.extended_years, 0).label("years"),
        )
        .outerjoin(instrument, instrument.c.id == dataset.c.instrument_id)
        .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(condition)
    )
    row = connection.execute(query.with_for_update(of=dataset) if lock else query).first()
    if row is None:
        return None
    given = connection.execute(
        sa.select(share.c.reader, share.c.until).where(share.c.dataset_id == row.id)
    )
    mark: Mark = row.mark
    return Record(
        key=row.id,
        pid=row.pid,
        title=row.title,
        guard=Guard(
            mark=mark,
            core_at=row.core_at,
            open_at=row.open_at,
            group=row.owner_group,
            instrument=row.instrument,
            shares=frozenset(Share(reader=item.reader, until=item.until) for item in given),
        ),
        policy=row.policy,
        extended_years=row.years,
        reason=row.mark_reason,
        policy_opens=row.policy_opens,
        access=row.access,
    )


def signed_in(who: Who) -> str:
    """Return the person who asks.

    Raises
    ------
    Unauthenticated
        If nobody has signed in.
    """
    if who.person is None:
        raise Unauthenticated("This is for people who have signed in.", hint="Sign in first.")
    return who.person


def wrong_scope(scope: str) -> WrongScope:
    """Return the error for a credential that lacks `scope`."""
    return WrongScope(
        f"This needs the scope “{scope}”, which your credential does not have.",
        scope=scope,
        hint="Make a token with that scope; in a browser, accept the terms of use first.",
    )


def absent(pid: str) -> NotFound:
    """Return the error for a dataset that never was, or that the caller may not know of."""
    return NotFound(
        f"There is no dataset “{pid}” at this node.",
        hint="Search for it, or ask whoever gave you the identifier.",
    )


def is_text(value: str) -> bool:
    """Whether the database can hold the text."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def text_of(value: str | None, field: str, *, most: int = LONGEST_TEXT) -> str:
    """Return what somebody wrote, trimmed.

    Raises
    ------
    Invalid
        If it is empty, too long, or no text.
    """
    text = (value or "").strip()
    name = field.replace("_", " ")
    if not text:
        raise Invalid(f"The {name} is missing.", field=field, hint="Write a sentence.")
    if len(text) > most:
        raise Invalid(
            f"The {name} has {len(text):,} characters, at most {most:,} are kept.",
            field=field,
            hint="Say it in fewer words.",
        )
    if not is_text(text):
        raise Invalid(f"The {name} holds characters that are none.", field=field)
    return text


def years_later(when: datetime, years: int) -> datetime:
    """Return the same day some years later; the last of February stays one."""
    if when.year + years > NEVER.year:
        return NEVER
    try:
        return when.replace(year=when.year + years)
    except ValueError:
        return when.replace(year=when.year + years, day=28)


def in_charge(who: Who, record: Record) -> bool:
    """Whether the dataset is in this person's hands: its team, its instrument, a steward."""
    guard = record.guard
    is_theirs = guard.group in who.groups or guard.instrument in who.instruments
    return who.may_use("detail") and (who.is_steward or is_theirs)
