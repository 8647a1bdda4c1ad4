"""Datasets as lines of a list: what search, instruments, techniques and documents show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from panosc.domain.query import Include, Query
from panosc.portal import facts
from panosc.search.service import Answer

_OWN = frozenset(["pid", "title", "creationDate", "releaseDate", "size", "access", "embargoUntil"])
_PEOPLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One dataset in a list."""

    pid: str
    title: str
    line: tuple[str, ...]
    """People, facility, instrument, day: what of these is known."""
    facility: str = ""
    instrument: str = ""
    day: str = ""
    access: str
    until: str | None
    size: int | None
    methods: str


def asking(query: Query) -> Query:
    """Return the question with what a line needs, and no more."""
    person = Include(relation="person", scope=Query(model="Person"))
    members = Include(
        relation="members", scope=Query(model="Member", includes=(person,), limit=_PEOPLE + 1)
    )
    return replace(
        query,
        fields=_OWN,
        includes=(
            Include(relation="instrument", scope=Query(model="Instrument")),
            Include(relation="techniques", scope=Query(model="Technique", limit=3)),
            Include(relation="documents", scope=Query(model="Document", includes=(members,))),
            members,
        ),
    )


def hits(answer: Answer | Iterable[Mapping[str, Any]]) -> list[Hit]:
    """Return the lines of an answer to `asking`."""
    items = answer.items if isinstance(answer, Answer) else answer
    return [_hit(item) for item in items]


def _hit(item: Mapping[str, Any]) -> Hit:
    people = [person.name for person in facts.makers(item)]
    if len(people) > _PEOPLE:
        people = [*people[: _PEOPLE - 1], "and others"]
    instrument = item.get("instrument") or {}
    facility, name = instrument.get("facility") or "", instrument.get("name") or ""
    day = (item.get("creationDate") or "")[:10]
    line = (", ".join(people), facility, name, day)
    return Hit(
        pid=item["pid"],
        title=item.get("title") or item["pid"],
        line=tuple(part for part in line if part),
        facility=facility,
        instrument=name,
        day=day,
        access=item["access"],
        until=facts.embargo_end(item),
        size=item.get("size"),
        methods=", ".join(method.label for method in facts.methods(item)),
    )
