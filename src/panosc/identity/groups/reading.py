"""What a user office says, line by line: groups, members, people with several names.

Three kinds of JSON objects, told apart by their keys or by the name of their file. Every line is
checked on its own here; bringing them into the database is `importing`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any, Literal, TypeAlias

import orjson

from panosc.domain.access import GROUP_ROLES, NODE_GROUP
from panosc.domain.errors import Invalid
from panosc.identity import claims

Row: TypeAlias = dict[str, Any]
Kind = Literal["Group", "GroupMember", "PersonAlias"]
KINDS: tuple[Kind, ...] = ("Group", "GroupMember", "PersonAlias")
LONGEST_LINE = 1 << 20
LONGEST_NAME = 200
"""Characters of the name of a group or a person."""
_OPENED = "link:"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPELLINGS: dict[str, str] = {
    "pi": "pi",
    "principal investigator": "pi",
    "main proposer": "pi",
    "proposer": "pi",
    "proposal leader": "pi",
    "leader": "pi",
    "team leader": "pi",
    "owner": "pi",
    "team": "team",
    "team member": "team",
    "member": "team",
    "user": "team",
    "experimenter": "team",
    "participant": "team",
    "collaborator": "team",
    "co proposer": "team",
    "coproposer": "team",
    "co investigator": "team",
    "coinvestigator": "team",
    "co pi": "team",
    "local contact": "local_contact",
    "localcontact": "local_contact",
    "contact": "local_contact",
    "second local contact": "local_contact",
    "instrument scientist": "instrument_scientist",
    "instrument responsible": "instrument_scientist",
    "instrument team": "instrument_scientist",
    "beamline scientist": "instrument_scientist",
    "beamline responsible": "instrument_scientist",
    "guest": "guest",
    "visitor": "guest",
}
_ACCESS_TYPES = {"in house": "inhouse", "in house research": "inhouse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person in one group."""

    group: str
    person: str
    role: str
    until: datetime | None = None
    place: str = ""
    """Where it was read: for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A proposal or another group; `members` where its line lists them."""

    name: str
    title: str | None = None
    access_type: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    document_pid: str | None = None
    extra: Row = field(default_factory=dict)
    members: tuple[Member, ...] | None = None
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePerson:
    """Names that are one person; the first is the one to keep."""

    names: tuple[str, ...]


Said = Group | Member | OnePerson


def lines(source: Iterable[bytes], name: str, kind: Kind | None = None) -> Iterator[Said]:
    """Yield what the NDJSON lines of `source` say; `kind` where all are of one.

    Raises
    ------
    Invalid
        With `name` and the number of the line.
    """
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        try:
            if len(line) > LONGEST_LINE:
                raise Invalid("the line is longer than 1 MB")  # noqa: TRY301 - named below
            yield said(orjson.loads(line), kind, place=f"{name}, line {number}")
        except (Invalid, orjson.JSONDecodeError) as error:
            text = error.detail if isinstance(error, Invalid) else f"not JSON: {error}"
            raise Invalid(
                f"{name}, line {number}: {text}",
                field=getattr(error, "field", None),
                hint=getattr(error, "hint", None) or "Nothing was taken over. Mend the line.",
            ) from None


def said(row: Any, kind: Kind | None = None, *, place: str = "") -> Said:
    """Return what one JSON object says.

    Raises
    ------
    Invalid
        If it is none of the three kinds, or a value cannot be used.
    """
    if not isinstance(row, dict):
        raise Invalid("not a JSON object")
    kind = kind or _kind(row)
    if kind == "Group":
        return group_of(row, place=place)
    if kind == "GroupMember":
        return member_of(row, place=place)
    also = row.get("alsoKnownAs")
    also = also if isinstance(also, list) else [also]
    names = [person_name(row.get("person")), *(person_name(item) for item in also)]
    return OnePerson(names=tuple(dict.fromkeys(names)))


def _kind(row: Row) -> Kind:
    if "alsoKnownAs" in row:
        return "PersonAlias"
    return "GroupMember" if "person" in row and "group" in row else "Group"


def group_of(row: Row, *, place: str = "") -> Group:
    """Return the group that a line describes; keys without a meaning here are kept.

    Its experiment lasts from the first start to the last end of `sessions` where the line has
    no `startDate` and `endDate` of its own; cancelled sessions do not count.
    """
    name = group_name(row.get("name"))
    known = {"name", "title", "accessType", "startDate", "endDate", "documentPid", "members"}
    sessions = [item for item in _list(row, "sessions") if not item.get("cancelled")]
    starts = moment(row, "startDate") or min(_times(sessions, "start"), default=None)
    ends = moment(row, "endDate", ends=True) or max(_times(sessions, "end"), default=None)
    if starts is not None and ends is not None and ends < starts:
        raise Invalid(f"the group {name} ends before it starts", field="endDate")
    members = None
    if row.get("members") is not None:
        listed = _list(row, "members")
        members = tuple(member_of({**item, "group": name}, place=place) for item in listed)
    return Group(
        name=name,
        title=_text(row, "title", longest=2000),
        access_type=_access_type(_text(row, "accessType")),
        starts=starts,
        ends=ends,
        document_pid=_text(row, "documentPid", longest=2000),
        extra=_storable({key: value for key, value in row.items() if key not in known}),
        members=members,
        place=place,
    )


def member_of(row: Row, *, place: str = "") -> Member:
    """Return the membership that a line describes; without a role it is one of the team."""
    return Member(
        group=group_name(row.get("group")),
        person=person_name(row.get("person")),
        role=role_of(row.get("role") or "team"),
        until=moment(row, "until", ends=True),
        place=place,
    )


def role_of(text: Any) -> str:
    """Return our word for a role in a group, of the many that user offices use.

    Examples
    --------
    >>> role_of("Principal Investigator"), role_of("co-proposer"), role_of("local_contact")
    ('pi', 'team', 'local_contact')
    """
    words = " ".join(re.findall(r"[a-z0-9]+", str(text).lower()))
    role = _SPELLINGS.get(words)
    if role is None:
        raise Invalid(
            f"the role {str(text)[:LONGEST_NAME]!r} is unknown",
            field="role",
            hint=f"Use one of {', '.join(sorted(GROUP_ROLES))}.",
        )
    return role


def group_name(value: Any) -> str:
    """Return the name of a group that may come from outside."""
    name = _name(value, "group")
    if name == NODE_GROUP or name.startswith((_OPENED, "person:")):
        raise Invalid(
            f"the group {name!r} is not one that a user office keeps",
            field="group",
            hint="Roles in the whole node are given by `panosc group add node PERSON`.",
        )
    return name


def person_name(value: Any) -> str:
    """Return the name of a person in its one spelling: ORCID iDs have many.

    Examples
    --------
    >>> person_name("https://orcid.org/0000-0002-1694-233x"), person_name("uo:42")
    ('orcid:0000-0002-1694-233X', 'uo:42')
    """
    name = _name(value, "person")
    is_orcid = name.lower().startswith("orcid:")
    text = name[len("orcid:") :] if is_orcid else name
    found = claims.orcid(text) if is_orcid or "-" in text else None
    if is_orcid and found is None:
        raise Invalid(f"{name} is no ORCID iD: mistyped?", field="person")
    return name if found is None else f"orcid:{found}"


def moment(row: Row, key: str, *, ends: bool = False) -> datetime | None:
    """Return the time under `key`; a day alone means its start, or with `ends` its end."""
    value = row.get(key)
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value)
        if _DATE.fullmatch(value) and ends:
            found = datetime.combine(found, time(23, 59, 59))
        zoned = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(
            f"{key} {str(value)[:LONGEST_NAME]!r} is no time",
            field=key,
            hint="Write it as 2026-11-22 or 2026-11-22T08:00:00Z.",
        ) from None
    return zoned


def _name(value: Any, what: str) -> str:
    text = claims.plain(value, longest=LONGEST_NAME)
    if text is None or text != value:
        raise Invalid(f"{what} has no usable name: {str(value)[:LONGEST_NAME]!r}", field=what)
    return text


def _text(row: Row, key: str, *, longest: int = LONGEST_NAME) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid(f"{key} is not a text", field=key)
    return claims.plain(value, longest=longest)


def _list(row: Row, key: str) -> list[Row]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(f"{key} is not a list of objects", field=key)
    return value


def _times(sessions: list[Row], key: str) -> Iterator[datetime]:
    for session in sessions:
        found = moment(session, key, ends=key == "end")
        if found is not None:
            yield found


def _access_type(text: str | None) -> str | None:
    if text is None:
        return None
    words = " ".join(re.findall(r"[a-z0-9]+", text.lower()))
    return _ACCESS_TYPES.get(words, words.replace(" ", "-")) or None


def _storable(extra: Row) -> Row:
    """Return `extra`, which the database has to be able to keep."""
    try:
        text = orjson.dumps(extra)
    except orjson.JSONEncodeError:
        raise Invalid("the line is nested too deep") from None
    if b"\\u0000" in text:
        raise Invalid("the line holds a NUL character")
    return extra
