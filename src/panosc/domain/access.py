"""Who may see what, and from when: the decision itself, as pure functions.

A record carries a `state`, two times and its groups, and these are enough:

- before `core_at` nobody outside its groups learns that it exists (``closed``);
- between `core_at` and `open_at` anyone sees the core metadata (``embargoed``);
- from `open_at` anyone sees everything (``open``): no job has to run on the day.

The same rule as SQL is `policy.sql`. Where facts come from is `catalogue`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who is asking: the first argument of every service."""

    person: str | None = None
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()

    @property
    def is_steward(self) -> bool:
        """Whether every record of the node is in this person's care."""
        return "steward" in self.roles


ANYONE = Who()
"""A caller who has not signed in."""
OPERATOR = Who(person="operator", roles=frozenset({"steward"}))
"""Whoever has a shell on the node: may read the database anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What of a record decides on access."""

    mark: Mark = "normal"
    core_at: datetime = ALWAYS
    open_at: datetime = ALWAYS
    group: str | None = None


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

    A steward and the record's group see it in every normal state. Withdrawn records keep
    their core for everyone and their detail for stewards; erased ones keep nothing.
    """
    state = state_of(guard, now=now)
    if state == "erased":
        return False
    if state == "withdrawn":
        return action == "core" or (action == "detail" and who.is_steward)
    if who.is_steward or (guard.group is not None and guard.group in who.groups):
        return True
    return state == "open" or (state == "embargoed" and action in {"list", "core"})


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
