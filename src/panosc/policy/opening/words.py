"""The reasons for the state of a dataset as sentences."""

from dataclasses import dataclass
from datetime import datetime

from panosc.domain.access import ALWAYS, NEVER, RULES, Act, State
from panosc.policy.decisions.records import Record
from panosc.policy.document import KINDS, OTHER_KIND, Document

__all__ = ["RULES", "Case", "Facts", "class_name", "day", "reasons", "terms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the record of a dataset, its group and its ruling say."""

    kind: str | None
    is_public: bool | None
    access: str | None
    own_date: datetime | None
    end_date: datetime | None
    creation_date: datetime | None
    created: datetime
    owner_group: str | None
    access_type: str | None
    ends: datetime | None
    known_group: str | None
    policy_opens: datetime | None
    released_at: datetime | None
    extended_years: int
    document_date: datetime | None

    @property
    def is_silent(self) -> bool:
        """Whether the record leaves access to the policy."""
        return self.access is None and self.is_public is None and self.own_date is None

    @property
    def counted(self) -> datetime:
        """From when the embargo counts: as `reckoning.counted_from`."""
        return self.ends or self.end_date or self.creation_date or self.created

    @property
    def counted_by(self) -> str:
        """What happened then."""
        if self.ends is not None:
            return "the end of the experiment"
        if self.end_date is not None:
            return "the end of the measurement (that of the experiment is not known)"
        if self.creation_date is not None:
            return "the start of the measurement (no end is known)"
        return "the day it was registered (no date of the experiment is known)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One dataset and what decides on it."""

    record: Record
    facts: Facts
    policy: Document | None
    now: datetime
    state: State


def class_name(kind: str | None) -> str:
    """Return which class of data a kind of dataset is."""
    return KINDS.get(kind or "", OTHER_KIND)


def day(moment: datetime) -> str:
    """Return the day of a time."""
    return moment.date().isoformat()


def reasons(case: Case) -> tuple[str, ...]:
    """Return why the dataset is in its state, the main reason first."""
    if case.state in {"withdrawn", "erased"}:
        said = case.record.reason
        return (f"It was withdrawn: {said}" if said else "It was withdrawn.",)
    return tuple(_open(case) if case.state == "open" else _waiting(case))


def _open(case: Case) -> list[str]:
    facts, record = case.facts, case.record
    opens = record.guard.open_at
    if facts.released_at is not None and facts.released_at == opens:
        return [f"It was released early, on {day(opens)}. That cannot be undone."]
    if case.policy is not None:
        return [*_under(case), f"It opened on {day(opens)} and is not closed again."]
    if facts.access == "open" or facts.is_public:
        return ["Its record says that it is open."]
    if opens > ALWAYS:
        return [f"Its embargo ended on {day(opens)}."]
    return ["Nothing says that it is not."]


def _waiting(case: Case) -> list[str]:
    if case.policy is not None:
        return _under(case)
    return _by_record(case) or _ungoverned(case.facts)


def _under(case: Case) -> list[str]:
    """Return what the policy says of it."""
    policy, facts = case.policy, case.facts
    assert policy is not None  # noqa: S101 - whoever calls has looked
    title = f"the policy “{policy.policy.title}” ({policy.name})"
    cover = policy.scope.access_types.get(facts.access_type or "")
    if facts.access_type is not None and cover != "covered" and case.state != "open":
        named = "leaves out" if cover == "excluded" else "does not name"
        return [f"Its beam time was “{facts.access_type}”, which {title} {named}: it stays closed."]
    name = class_name(facts.kind)
    years = policy.years(policy.class_of(facts.kind)[0])
    if not years:
        return [f"Under {title}, {name} data have no embargo."]
    stay = f"Under {title}, {name} data stay with their team for {_years(years)}"
    found = [f"{stay} after {facts.counted_by}, {day(facts.counted)}."]
    if facts.extended_years:
        found.append(f"The embargo was extended by {_years(facts.extended_years)}.")
    return found


def _by_record(case: Case) -> list[str]:
    facts, opens = case.facts, case.record.guard.open_at
    if facts.access == "closed":
        return ["Its record says that it is closed."]
    if opens < NEVER:
        found = [f"Its record, or the proposal's, gives {day(opens)} as the end of its embargo."]
        if facts.extended_years:
            found.append(f"The embargo was extended by {_years(facts.extended_years)}.")
        return found
    if facts.access == "embargoed":
        return ["Its record says that it is under embargo, and no day on which that ends."]
    if facts.is_public is False:
        return ["Its record says that it is not public, and no day from which it is."]
    if facts.own_date is not None:
        return ["Its record gives a day that has passed, and does not call it public."]
    return []


def _ungoverned(facts: Facts) -> list[str]:
    """Return why no policy opens it, although its record is silent."""
    silent = "Its record says nothing of access"
    if facts.owner_group is None:
        return [f"{silent}, and it belongs to no proposal."]
    if facts.known_group is None:
        return [f"{silent}, and its proposal is not known here: the user office has to name it."]
    if facts.access_type is None:
        return [f"{silent}, and its group is no proposal with a kind of access."]
    return [f"{silent}, and no policy in force covers beam time of the kind “{facts.access_type}”."]


def terms(act: Act, case: Case) -> str | None:
    """Return under which terms something can be done."""
    if act == "release":
        return "at once and for ever"
    if act == "withdraw" and case.state == "withdrawn":
        return "takes it back"
    if case.policy is None or act not in {"extend", "approve"}:
        return None
    extension = case.policy.embargo.extension
    years = case.policy.embargo.default_years + case.facts.extended_years
    left = max(0, min(extension.max_years_each, extension.max_total_years - years))
    if not left:
        return f"no more: {_years(extension.max_total_years)} in all are reached"
    until = day(case.record.guard.open_at)
    return f"by {_years(left)} at most, before {until}, approved by {_roles(extension.approve)}"


def _years(number: int) -> str:
    return "1 year" if number == 1 else f"{number} years"


def _roles(roles: tuple[str, ...]) -> str:
    return " or ".join(role.replace("_", " ") for role in roles)
