"""Who may see what and do what, and from when: the decision itself, as pure functions.

A record carries a `state`, two times, its groups and what it was shared with, and these are enough:

- before `core_at` nobody outside its groups learns that it exists (``closed``);
- between `core_at` and `open_at` anyone sees the core metadata (``embargoed``);
- from `open_at` anyone sees everything (``open``): no job has to run on the day.

The same rule as SQL is `policy.sql`. Where facts come from is `catalogue`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, assert_never

from panosc.domain.errors import Invalid

Action = Literal["list", "core", "detail", "bytes"]
"""`list`: appear among results; `core`: page and core metadata; `detail`: sample,
parameters, file names, plots; `bytes`: the data themselves."""
State = Literal["open", "embargoed", "closed", "withdrawn", "erased"]
Mark = Literal["normal", "withdrawn", "erased"]

NEVER = datetime.max.replace(tzinfo=UTC)
"""A time that does not come: the `core_at` of a closed record."""
ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
"""A time that has always passed: the `open_at` of an open record."""


Scope = Literal["read", "data", "write", "manage"]
SCOPES: dict[Scope, str] = {
    "read": "see in the catalogue what you may see",
    "data": "fetch data that you may fetch",
    "write": "add data; share, release and request on your behalf",
    "manage": "act as steward, director or administrator",
}
"""What a credential may be used for: scope → what a person is told of it."""
EVERY_SCOPE: frozenset[str] = frozenset(SCOPES)

Role = Literal[
    "pi",
    "team",
    "local_contact",
    "instrument_scientist",
    "guest",
    "steward",
    "director",
    "administrator",
]
NODE_ROLES: frozenset[str] = frozenset({"steward", "director", "administrator"})
"""Roles for the whole node; the others are held in one group."""
GROUP_ROLES: frozenset[str] = frozenset(
    {"pi", "team", "local_contact", "instrument_scientist", "guest"}
)
NODE_GROUP = "node"
"""The group whose members hold roles for the whole node."""

Via = Literal["nobody", "session", "token", "bearer", "link", "shell"]
"""By what a caller is known: a browser session, a token of this node, one of a provider (RFC
9068), a signed link, or a shell on the node."""
Act = Literal["share", "answer", "release", "extend", "approve", "publish", "withdraw", "erase"]
"""`answer`: to requests for access; `extend`: ask for a longer embargo; `approve`: grant that;
`publish`: have a DOI registered."""
RULES: Mapping[str, frozenset[str]] = {
    "pi": frozenset({"share", "answer", "release", "extend", "publish"}),
    "local_contact": frozenset(),
    "instrument_scientist": frozenset(),
    "team": frozenset(),
    "guest": frozenset(),
    "steward": frozenset({"answer", "publish", "withdraw", "erase"}),
    "director": frozenset({"approve"}),
    "administrator": frozenset(),
}
"""Who may do what where a record has no policy that says otherwise: role → acts."""

_NEEDED: dict[str, Scope] = {"list": "read", "core": "read", "detail": "read", "bytes": "data"}


@dataclass(frozen=True, kw_only=True)
class Who:
    """Who is asking: the first argument of every service."""

    person: str | None = None
    """The account, such as ``u-…``; None for whoever has not signed in."""
    groups: frozenset[str] = frozenset()
    """Groups whose records are theirs; also ``instrument:PID`` for whoever is in charge of an
    instrument, and ``link:…`` for links that were opened."""
    roles: frozenset[str] = frozenset()
    """Roles for the whole node."""
    scopes: frozenset[str] = EVERY_SCOPE
    """What the credential may be used for; a browser session may for everything."""
    duties: frozenset[tuple[str, str]] = frozenset()
    """(role, group) for each of the groups."""
    user_class: str = "open-data"
    """Whom the budget is taken from: visitor, open-data, industry …"""
    via: Via = "nobody"

    @property
    def is_steward(self) -> bool:
        """Whether every record of the node is in this person's care."""
        return "steward" in self.roles

    @cached_property
    def readers(self) -> frozenset[str]:
        """Everything that a record may have been shared with to reach this person."""
        if self.person is None:
            return self.groups
        return self.groups | {f"person:{self.person}"}

    @cached_property
    def instruments(self) -> frozenset[str]:
        """PIDs of the instruments that this person is in charge of."""
        return frozenset(
            name.removeprefix("instrument:")
            for name in self.groups
            if name.startswith("instrument:")
        )

    def may_use(self, action: Action) -> bool:
        """Whether the credential may be used for `action` beyond what is open to anyone."""
        return _NEEDED[action] in self.scopes


ANYONE = Who()
"""A caller who has not signed in."""
OPERATOR = Who(person="operator", roles=NODE_ROLES, via="shell")
"""Whoever has a shell on the node: may read the database anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Access that was given to a person, a group or a link, for ever or until a time."""

    reader: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What of a record decides on access."""

    mark: Mark = "normal"
    core_at: datetime = ALWAYS
    open_at: datetime = ALWAYS
    group: str | None = None
    instrument: str | None = None
    """PID of the instrument: whoever is in charge of it belongs to the team."""
    shares: frozenset[Share] = frozenset()


def state_of(guard: Guard, *, now: datetime) -> State:
    """Which of the five states the record is in at `now`."""
    match guard.mark:
        case "withdrawn" | "erased":
            return guard.mark
        case "normal":
            if guard.open_at <= now:
                return "open"
            return "embargoed" if guard.core_at <= now else "closed"
        case _:
            assert_never(guard.mark)


def may(who: Who, action: Action, guard: Guard, *, now: datetime) -> bool:
    """Whether `who` may do `action` with a record so guarded, at `now`.

    A steward, the record's group, whoever is in charge of its instrument and whom it is
    shared with see it in every normal state. Withdrawn records keep their core for everyone
    and their detail for stewards; erased ones keep nothing. A credential without the scope
    gives what anyone has.
    """
    state = state_of(guard, now=now)
    if state == "erased":
        return False
    trusted = who.may_use(action)
    if state == "withdrawn":
        return action == "core" or (action == "detail" and who.is_steward and trusted)
    if trusted and (who.is_steward or belongs(who, guard, now=now)):
        return True
    return state == "open" or (state == "embargoed" and action in {"list", "core"})


def belongs(who: Who, guard: Guard, *, now: datetime) -> bool:
    """Whether `who` is of the team of a record, or it is shared with them at `now`."""
    if guard.group is not None and guard.group in who.groups:
        return True
    if guard.instrument is not None and guard.instrument in who.instruments:
        return True
    return any(
        share.reader in who.readers and (share.until is None or share.until > now)
        for share in guard.shares
    )


def may_do(
    who: Who, act: Act, guard: Guard, *, rules: Mapping[str, frozenset[str]] = RULES
) -> bool:
    """Whether `who` may change a record so guarded.

    Parameters
    ----------
    rules : mapping
        Role → acts, as the policy of the record says; nobody may do what no role may.

    Notes
    -----
    Roles for the whole node need the scope ``manage``, those in the record's group ``write``.
    """
    if guard.mark == "erased":
        return False
    by_role = {role for role in rules if act in rules[role]}
    if "manage" in who.scopes and by_role & who.roles:
        return True
    own = {guard.group, None if guard.instrument is None else f"instrument:{guard.instrument}"}
    return "write" in who.scopes and any(
        role in by_role and group in own for role, group in who.duties
    )


def guard_of(
    access: str | None,
    *,
    is_public: bool,
    until: datetime | None,
    group: str | None = None,
    now: datetime,
) -> Guard:
    """Return the guard of a record as a catalogue describes it.

    Parameters
    ----------
    access : str or None
        What the record says of itself; None leaves it to `is_public`.
    is_public : bool
        The standard's flag: true is open whatever the dates.
    until : datetime or None
        End of the embargo: its own, or the release date.
    group : str or None
        Who sees it before everyone does.
    now : datetime
        A release date that has passed does not open what its source still calls not public.

    Raises
    ------
    Invalid
        If `access` is none of the five states.
    """
    if access is None:
        waits = until is not None and until > now
        access = "open" if is_public else "embargoed" if waits else "closed"
    match access:
        case "open":
            return Guard(group=group)
        case "embargoed":
            return Guard(open_at=until or NEVER, group=group)
        case "closed":
            return Guard(core_at=NEVER, open_at=NEVER, group=group)
        case "withdrawn" | "erased":
            return Guard(mark=access, group=group)
        case _:
            raise Invalid(
                f"The access {access!r} is unknown.",
                field="access",
                hint="Use open, embargoed, closed, withdrawn or erased.",
            )
