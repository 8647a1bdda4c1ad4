"""Access that the team of a dataset gives: to a person, to a group, or by a secret link.

Of a link only the SHA-256 is kept; whoever opens it gets it into a cookie, so that it gives that
one dataset in this browser. Who may share is said by the policy; the decision is `domain.access`.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.federating.tables import connector
from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import dataset, group, group_member, share
from panosc.domain.access import NODE_GROUP, Who, may, state_of
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound
from panosc.policy.decisions.acts import Acts, Decision
from panosc.policy.decisions.records import Record, in_charge, is_text, load, text_of

COOKIE = "panosc-links"
"""Holds the secrets of the links that a browser has opened, the newest last."""
MOST_LINKS = 20
LINK_DAYS = 30
"""How long a link lives when nothing else is said."""
LONGEST_LINK = timedelta(days=366)
LONGEST = timedelta(days=36525)

Kind = Literal["person", "group", "link"]
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One share, as the team sees it; `name` is of a person or group, None for a link."""

    id: str
    kind: Kind
    reader: str
    name: str | None
    until: datetime | None
    note: str | None
    by: str
    by_name: str | None
    at: datetime
    is_over: bool
    source: str | None = None
    """The adopted catalogue that gives it, and alone takes it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A share that was just given; the `secret` of a link is told this once."""

    id: str
    secret: str | None = field(default=None, repr=False)
    until: datetime | None = None


class Sharing:
    """Gives, lists and takes back access."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def give(
        self,
        who: Who,
        pid: str,
        *,
        kind: Kind,
        name: str | None = None,
        until: datetime | None = None,
        note: str | None = None,
    ) -> Made:
        """Share a dataset until a time; with a person or group also for good. Asks for `share`.

        `name` is an account, an ORCID, a key of the user office, or a group. Sharing again with
        the same reader changes the date and the note.

        Raises
        ------
        Invalid
            If the name is not known here, or the time is of no use.
        Conflict
            If there is nothing to share: it is open, or withdrawn.
        """
        words = text_of(note, "note", most=300) if note and note.strip() else None
        with self._acts.deciding(who, pid, "share") as decision:
            if decision.state not in {"embargoed", "closed"}:
                raise Conflict(
                    "There is nothing to share: what is open, everyone has; what is withdrawn, "
                    "nobody gets.",
                    hint="Send its address.",
                )
            ends = _end(kind, until, decision.now)
            secret = secrets.token_urlsafe(32) if kind == "link" else None
            reader = link_reader(secret) if secret else self._reader(decision, kind, name)
            made = self.add(who, decision, reader, until=ends, note=words)
        return Made(id=made, secret=secret, until=ends)

    def add(
        self,
        who: Who,
        decision: Decision,
        reader: str,
        *,
        until: datetime | None,
        note: str | None = None,
    ) -> str:
        """Add a share within a decision and return its id; asks nobody."""
        values = {"until": until, "note": note, "by": who.person, "at": decision.now}
        statement = insert(share).values(
            id=secrets.token_hex(8), dataset_id=decision.record.key, reader=reader, **values
        )
        made: str = decision.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["dataset_id", "reader", "source"], set_=values
            ).returning(share.c.id)
        ).scalar_one()
        self._acts.note(
            who,
            "share.given",
            decision,
            share=made,
            reader=_in_trail(reader),
            until=None if until is None else until.isoformat(),
        )
        return made

    def take_back(self, who: Who, pid: str, share_id: str) -> None:
        """End a share; whoever has it open loses it with the next request. Asks for `share`.

        Raises
        ------
        NotFound
            If the dataset has none with that id.
        Conflict
            If an adopted catalogue gives it.
        """
        with self._acts.deciding(who, pid, "share") as decision:
            gone = None
            if is_text(share_id):
                gone = decision.connection.execute(
                    sa.delete(share)
                    .where(share.c.dataset_id == decision.record.key, share.c.id == share_id)
                    .returning(share.c.reader, share.c.source)
                ).first()
            if gone is None:
                raise NotFound(
                    f"The dataset has no share {share_id!r}.", hint="It may be taken back already."
                )
            reader, source = gone
            if source is not None:
                raise Conflict(
                    f"The catalogue {source!r}, which this node follows, gives it.",
                    hint="Take it back there.",
                )
            self._acts.note(
                who, "share.taken_back", decision, share=share_id, reader=_in_trail(reader)
            )

    def listed(self, who: Who, pid: str) -> list[Given]:
        """Return the shares of a dataset, the newest first, for its team and stewards.

        Raises
        ------
        NotFound, Gone, Forbidden
        """
        with self._acts.engine.connect() as connection:
            record = self._acts.known(connection, who, pid)
            if not in_charge(who, record):
                raise Forbidden(
                    "With whom it is shared is for its team to see.",
                    hint="Sign in as one of them.",
                )
            return self._given(connection, record)

    def mine(self, who: Who, record: Record) -> tuple[bool, datetime | None]:
        """Tell whether `record` is shared with the caller now, and the latest end of that."""
        now = self._acts.clock()
        ends = [
            item.until
            for item in record.guard.shares
            if item.reader in who.readers and (item.until is None or item.until > now)
        ]
        if not ends:
            return False, None
        return True, None if None in ends else max(end for end in ends if end is not None)

    def opened(self, secret: str) -> str:
        """Return the PID of the dataset that a link gives.

        Raises
        ------
        NotFound
            If there is no such link, it is over or was taken back, or its dataset is not to be
            seen by it any more.
        """
        now = self._acts.clock()
        record = None
        if _SECRET.fullmatch(secret):
            reader = link_reader(secret)
            found = sa.select(share.c.dataset_id).where(
                share.c.reader == reader, share.c.until > now
            )
            with self._acts.engine.connect() as connection:
                record = load(connection, dataset.c.id.in_(found))
            holder = Who(groups=frozenset({reader}))
            if record is not None and not may(holder, "core", record.guard, now=now):
                record = None
        if record is None or state_of(record.guard, now=now) == "erased":
            raise NotFound(
                "This link does not lead to a dataset. It may have ended, been taken back by "
                "whoever made it, or lost a part on its way.",
                hint="Check that it was copied whole, or ask for a new one.",
            )
        return record.pid

    def _reader(self, decision: Decision, kind: Kind, name: str | None) -> str:
        text = text_of(name, "name", most=300)
        connection = decision.connection
        found = _person(connection, text) if kind == "person" else _group(connection, text)
        if found is not None:
            return found
        if kind == "group":
            raise Invalid(
                f"No group “{text}” is known here.",
                field="name",
                hint="Take the number of a proposal as the user office writes it.",
            )
        raise Invalid(
            f"Nobody who can be given access is known here as “{text}”.",
            field="name",
            hint="Take the account or ORCID of somebody who has signed in here before, or share "
            "by a link.",
        )

    def _given(self, connection: sa.Connection, record: Record) -> list[Given]:
        giver = account.alias()
        query = (
            sa.select(
                share,
                account.c.name.label("person"),
                group.c.title.label("title"),
                sa.func.coalesce(giver.c.name, connector.c.title).label("giver"),
            )
            .outerjoin(account, share.c.reader == "person:" + account.c.id)
            .outerjoin(group, share.c.reader == group.c.name)
            .outerjoin(giver, share.c.by == giver.c.id)
            .outerjoin(connector, share.c.source == connector.c.name)
            .where(share.c.dataset_id == record.key)
            .order_by(share.c.at.desc(), share.c.id)
        )
        now = self._acts.clock()
        return [
            Given(
                id=row.id,
                kind=_kind(row.reader),
                reader=_in_trail(row.reader),
                name=row.person or row.title,
                until=row.until,
                note=row.note,
                by=row.by,
                by_name=row.giver,
                at=row.at,
                is_over=row.until is not None and row.until <= now,
                source=row.source,
            )
            for row in connection.execute(query)
        ]


def opened_links(request: Request) -> frozenset[str]:
    """Return the readers of the links that the browser behind `request` has opened."""
    return frozenset(link_reader(secret) for secret in _held(request))


def with_link(request: Request, secret: str) -> str:
    """Return the value of the cookie once `secret` is opened; the oldest go."""
    kept = [item for item in _held(request) if item != secret]
    return ".".join([*kept, secret][-MOST_LINKS:])


def checked(until: datetime, now: datetime) -> datetime:
    """Return the end of a share, in UTC.

    Raises
    ------
    Invalid
        If it has passed, or is too far away to mean anything.
    """
    if until <= now:
        raise Invalid("That time has passed.", field="until", hint="Take a later day.")
    if until > now + LONGEST:
        raise Invalid(
            "That time is more than a hundred years away.", field="until", hint="Leave it out."
        )
    return until.astimezone(UTC)


def link_reader(secret: str) -> str:
    """Return what is kept of a link: enough to know it again, not to use it."""
    return f"link:{hashlib.sha256(secret.encode()).hexdigest()}"


def _held(request: Request) -> list[str]:
    cookie = request.cookies.get(COOKIE, "")
    return [item for item in cookie.split(".") if _SECRET.fullmatch(item)][-MOST_LINKS:]


def _in_trail(reader: str) -> str:
    """Return a reader as it may be told: of a link, which needs no name, nothing."""
    return "link" if reader.startswith("link:") else reader


def _kind(reader: str) -> Kind:
    if reader.startswith("link:"):
        return "link"
    return "person" if reader.startswith("person:") else "group"


def _end(kind: Kind, until: datetime | None, now: datetime) -> datetime | None:
    if until is None:
        return now + timedelta(days=LINK_DAYS) if kind == "link" else None
    until = checked(until, now)
    if kind == "link" and until > now + LONGEST_LINK:
        raise Invalid(
            "A link lives for a year at most, since anyone who has it can use it.",
            field="until",
            hint="Take an earlier day, or share with a person.",
        )
    return until


def _person(connection: sa.Connection, text: str) -> str | None:
    """Return the reader of somebody known here by account, ORCID or key of the user office.

    An ORCID counts where a trusted login or the user office has told it, not by mere claim.
    """
    orcid = _ORCID.fullmatch(text)
    names = [text, f"orcid:{orcid[1].upper()}"] if orcid else [text]
    known_as = sa.select(alias.c.person).where(alias.c.name.in_(names))
    either = (account.c.id == text, account.c.id.in_(known_as))
    live = sa.and_(account.c.erased_at.is_(None), account.c.locked_at.is_(None))
    found = connection.execute(sa.select(account.c.id).where(live, sa.or_(*either))).scalars().all()
    return f"person:{found[0]}" if len(found) == 1 else None


def _group(connection: sa.Connection, text: str) -> str | None:
    if text == NODE_GROUP or text.startswith(("person:", "link:")):
        return None
    held = sa.exists().where(group_member.c.group == text)
    known = sa.exists().where(group.c.name == text)
    return text if connection.execute(sa.select(sa.or_(held, known))).scalar() else None
