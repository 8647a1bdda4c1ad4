"""Groups as their administrator and their members see them: imported, shown, given by hand.

What a membership is worth is `standing`; sharing single datasets is `policy`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.database import unlimited
from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import group, group_member, instrument
from panosc.domain.access import GROUP_ROLES, NODE_GROUP, NODE_ROLES, Who
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound
from panosc.identity.groups.files import read
from panosc.identity.groups.importing import Imported, take_over
from panosc.identity.groups.reading import Said, person_name
from panosc.policy import audit
from panosc.policy.requiring import require

Settle = Callable[[sa.Connection, Sequence[str], datetime], None]
"""Brings the datasets of groups in line with the policy, after their dates or type changed."""
_INSTRUMENT = "instrument:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A proposal or another group, and how many belong to it now."""

    name: str
    title: str | None
    access_type: str | None
    starts: datetime | None
    ends: datetime | None
    document_pid: str | None
    members: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One person in one group, whoever says so: user office, login, node."""

    group: str
    title: str | None
    person: str
    account: str | None
    """The account that the name leads to; None when nobody has signed in with it yet."""
    role: str
    until: datetime | None
    source: str
    starts: datetime | None = None
    ends: datetime | None = None


class GroupStore:
    """Reads and changes groups; `settle` is told which ones changed."""

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], datetime], settle: Settle | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._settle: Settle = settle or (lambda *_: None)

    def take(self, who: Who, said: Iterable[Said], *, has_members: bool = False) -> Imported:
        """Take over what the user office says: all of it or nothing.

        Raises
        ------
        Forbidden, WrongScope, Unauthenticated
            If `who` is no administrator.
        Invalid
            With the place of the first fault.
        """
        require_administrator(who)
        with self._engine.begin() as connection:
            unlimited(connection)
            return self.take_within(connection, said, who=who, has_members=has_members)

    def take_files(self, who: Who, paths: Sequence[Path]) -> Imported:
        """Take over files, told apart by their names or their lines, as one import."""
        require_administrator(who)
        with self._engine.begin() as connection:
            unlimited(connection)
            return self.load(connection, paths, who=who)

    def load(self, connection: sa.Connection, paths: Sequence[Path], *, who: Who) -> Imported:
        """Take over files in the caller's transaction: `catalogue load` does."""
        has_members = any(path.name.startswith("GroupMember.ndjson") for path in paths)
        said = (item for path in paths for item in read(path))
        return self.take_within(connection, said, who=who, has_members=has_members)

    def take_within(
        self, connection: sa.Connection, said: Iterable[Said], *, who: Who, has_members: bool
    ) -> Imported:
        """Take over what is said in the caller's transaction, and settle what changed."""
        now = self._clock()
        done = take_over(connection, said, who=who, now=now, has_members=has_members)
        if done.changed:
            self._settle(connection, done.changed, now)
        return done

    def listed(self, who: Who) -> list[Group]:
        """Return all groups by name."""
        require_administrator(who)
        with self._engine.connect() as connection:
            return _groups(connection, sa.true(), now=self._clock())

    def shown(self, who: Who, name: str) -> tuple[Group, list[Membership]]:
        """Return a group with its members, also those whose time is over.

        Raises
        ------
        NotFound
        """
        require_administrator(who)
        with self._engine.connect() as connection:
            found = _groups(connection, group.c.name == name, now=self._clock())
            members = _memberships(connection, group_member.c["group"] == name)
        if not found and not members and name != NODE_GROUP:
            raise NotFound(
                f"There is no group {name[:100]!r}.", hint="`panosc group list` shows all."
            )
        bare = Group(
            name=name, title=None, access_type=None, starts=None, ends=None, document_pid=None
        )
        return found[0] if found else bare, members

    def of(self, person: str) -> list[Membership]:
        """Return the memberships of an account that are not over, by group."""
        names = sa.select(alias.c.name).where(alias.c.person == person)
        until = group_member.c.until
        mine = sa.and_(
            sa.or_(group_member.c.person == person, group_member.c.person.in_(names)),
            sa.or_(until.is_(None), until > self._clock()),
        )
        with self._engine.connect() as connection:
            return _memberships(connection, mine)

    def add(
        self, who: Who, name: str, person: str, *, role: str, until: datetime | None = None
    ) -> Membership:
        """Make someone a member by hand: a guest for a time, or with a role in the whole node.

        `person` is an account, an ORCID iD or another name; whoever has not signed in yet
        finds it when they do.

        Raises
        ------
        NotFound, Invalid, Conflict
        """
        require_administrator(who)
        now, roles = self._clock(), NODE_ROLES if name == NODE_GROUP else GROUP_ROLES
        if role not in roles:
            raise Invalid(
                f"There is no role {role[:60]!r} in the group {name[:100]!r}.",
                field="role",
                hint=f"It is one of {', '.join(sorted(roles))}.",
            )
        if until is not None and until <= now:
            raise Invalid(f"{until:%Y-%m-%d %H:%M} is over already.", field="until")
        row = {"group": name, "role": role, "until": until, "source": "node"}
        with self._engine.begin() as connection:
            _require_group(connection, name)
            row["person"] = _resolved(connection, person)
            added = pg.insert(group_member).values(row)
            changed = connection.execute(
                added.on_conflict_do_update(
                    index_elements=["group", "person", "role"],
                    set_={"until": until, "source": "node"},
                    where=group_member.c.source.is_not(None),
                ).returning(group_member.c.person)
            ).first()
            if changed is None:
                raise Conflict(
                    f"{person} has this role in {name} by the user office already.",
                    hint="Nothing has to be done.",
                )
            [found] = _memberships(connection, _is(row))
            # the trail outlives an erasure: it has an account, never another name of a person
            audit.record(
                connection,
                who,
                "member.added",
                now=now,
                subject=name,
                member=found.account,
                role=role,
                until=None if until is None else until.isoformat(),
                source="node",
            )
        return found

    def remove(self, who: Who, name: str, person: str, *, role: str | None = None) -> None:
        """Take back what was given by hand: one role, or all that a person has in a group.

        Raises
        ------
        NotFound
            If this node gave them none; the user office and logins take back their own.
        """
        require_administrator(who)
        now, columns = self._clock(), group_member.c
        with self._engine.begin() as connection:
            found = _resolved(connection, person)
            names = sa.select(alias.c.name).where(alias.c.person == found)
            gone = sa.and_(
                columns["group"] == name,
                columns.source == "node",
                sa.or_(columns.person == found, columns.person.in_(names)),
            )
            if role is not None:
                gone = sa.and_(gone, columns.role == role)
            removed = connection.execute(
                sa.delete(group_member).where(gone).returning(columns.person, columns.role)
            ).all()
            if not removed:
                raise NotFound(
                    f"This node gave {person} no such role in {name}.",
                    hint=f"`panosc group show {name}` shows who is in it, and by whom.",
                )
            known = sa.select(account.c.id).where(account.c.id == found)
            member = connection.execute(known).scalar()
            for row in removed:
                audit.record(
                    connection,
                    who,
                    "member.removed",
                    now=now,
                    subject=name,
                    member=member,
                    role=row.role,
                    source="node",
                )


def require_administrator(who: Who) -> None:
    """Let an administrator pass, or a shell on the node.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    """
    if who.via == "shell":
        return
    require(who, "manage")
    if "administrator" not in who.roles:
        raise Forbidden(
            "Groups are in the care of the user office and the administrators of this node.",
            hint="Ask one of them.",
        )


def rows(connection: sa.Connection, name: str) -> Iterable[Mapping[str, Any]]:
    """Yield what the user office said, as lines of ``Group`` or ``GroupMember``, sorted.

    Logins and this node give memberships to accounts, which are not of the catalogue.
    """
    if name == "Group":
        columns = group.c
        selected: list[Any] = [
            columns.name,
            columns.title,
            columns.access_type.label("accessType"),
            columns.starts.label("startDate"),
            columns.ends.label("endDate"),
            columns.document_pid.label("documentPid"),
        ]
        query = sa.select(*selected, columns.extra).order_by(columns.name)
        for row in connection.execute(query).mappings():
            values = {str(key): value for key, value in row.items() if key != "extra"}
            yield {**values, **(row["extra"] or {})}
        return
    kept = group_member.c
    query = (
        sa.select(kept.person, kept["group"], kept.role, kept.until)
        .where(kept.source.is_(None))
        .order_by(kept["group"], kept.person, kept.role)
    )
    # the names of columns are no plain text, which JSON asks for
    for row in connection.execute(query).mappings():
        yield {str(key): value for key, value in row.items()}


def _is(row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    keys = ("group", "person", "role")
    return sa.and_(*(group_member.c[key] == row[key] for key in keys))


def _groups(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], *, now: datetime
) -> list[Group]:
    until = group_member.c.until
    counted = (
        sa.select(group_member.c["group"], sa.func.count(group_member.c.person.distinct()))
        .where(sa.or_(until.is_(None), until > now))
        .group_by(group_member.c["group"])
        .subquery()
    )
    kept = ("name", "title", "access_type", "starts", "ends", "document_pid")
    query = (
        sa.select(*(group.c[name] for name in kept), sa.func.coalesce(counted.c[1], 0))
        .outerjoin(counted, counted.c[0] == group.c.name)
        .where(chosen)
        .order_by(group.c.name)
    )
    return [
        Group(**dict(zip((*kept, "members"), row, strict=True)))
        for row in connection.execute(query)
    ]


def _memberships(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> list[Membership]:
    columns = group_member.c
    query = (
        sa.select(
            group_member,
            group.c.title,
            group.c.starts,
            group.c.ends,
            account.c.id.label("account"),
        )
        .outerjoin(group, group.c.name == columns["group"])
        .outerjoin(alias, alias.c.name == columns.person)
        .outerjoin(account, account.c.id == sa.func.coalesce(alias.c.person, columns.person))
        .where(chosen)
        .order_by(columns["group"], columns.role, columns.person)
    )
    found = connection.execute(query).mappings()
    return [Membership(**{**row, "source": row["source"] or "user office"}) for row in found]


def _require_group(connection: sa.Connection, name: str) -> None:
    query = sa.select(group.c.name).where(group.c.name == name)
    hint = "`panosc group list` shows all; the user office makes them."
    if name.startswith(_INSTRUMENT):
        query = sa.select(instrument.c.id).where(instrument.c.pid == name[len(_INSTRUMENT) :])
        hint = "Instruments come with the datasets."
    if name != NODE_GROUP and connection.execute(query).first() is None:
        raise NotFound(f"There is no group {name[:100]!r}.", hint=hint)


def _resolved(connection: sa.Connection, person: str) -> str:
    """Return the account behind a name, or the name of someone who has not come yet."""
    name = person_name(person)
    query = sa.select(alias.c.person).where(alias.c.name == name)
    found = str(connection.execute(query).scalar() or name)
    known = connection.execute(sa.select(account.c.id).where(account.c.id == found)).first()
    if known is None and found.startswith(("u-", "svc-")):
        raise NotFound(f"There is no account {name!r}.", hint="`panosc user list` shows all.")
    return found
