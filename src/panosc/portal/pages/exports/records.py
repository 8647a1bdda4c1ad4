"""A dataset that was found, as exports tell of it: the same facts whatever the format.

What the caller may not see is not in the answer of `search.service` and so in no export.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from panosc.domain.pid import pid_path
from panosc.domain.query import Compare, Include, Query
from panosc.portal import facts
from panosc.portal.words import clean, doi_address
from panosc.publication.record import Term
from panosc.publication.service import Publications

Item = Mapping[str, Any]

_OWN = frozenset(
    [
        "pid",
        "title",
        "creationDate",
        "releaseDate",
        "size",
        "kind",
        "access",
        "embargoUntil",
        "description",
        "license",
    ]
)
_BLOCK: Final = 100
_PARAMETER = frozenset({"name", "value", "unit"})
MOST_VALUES = 100
"""Values of the parameters asked for, of one dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One dataset of an export; texts are free of control characters."""

    pid: str
    title: str
    people: tuple[facts.Maker, ...]
    facility: str
    instrument: str | None
    techniques: tuple[Term, ...]
    kind: str | None
    access: str
    until: str | None
    measured: str | None
    released: str | None
    size: int | None
    licence: str | None
    abstract: str | None
    documents: tuple[str, ...]
    """PIDs of proposals and publications that it belongs to."""
    url: str
    parameters: tuple[Item, ...]
    """Those that were asked for, where the caller may see them."""

    @property
    def doi(self) -> str | None:
        """The address of its DOI, if its PID is one."""
        return doi_address(self.pid)


def asking(query: Query) -> Query:
    """Return the question with what exports tell."""
    person = Include(relation="person", scope=Query(model="Person"))
    members = Include(relation="members", scope=Query(model="Member", includes=(person,)))
    includes = [
        Include(relation="instrument", scope=Query(model="Instrument")),
        Include(relation="techniques", scope=Query(model="Technique")),
        Include(relation="documents", scope=Query(model="Document", includes=(members,))),
        members,
    ]
    return replace(query, fields=_OWN, includes=tuple(includes))


def measuring(names: Sequence[str]) -> Query:
    """Return the scope of the parameters with these names; it filters no dataset."""
    named = Compare(property="name", operator="inq", operands=tuple(names))
    return Query(model="Parameter", where=named, fields=_PARAMETER, limit=MOST_VALUES)


def records(
    items: Iterator[Item], publications: Publications, address: Callable[[str], str]
) -> Iterator[Record]:
    """Yield what an answer to `asking` holds; `address` makes a path a public address.

    Not to be read while a connection is held for something else: there may be no second one.
    """
    facility = publications.settings.facility
    for item, licence in _licensed(items, publications):
        instrument = item.get("instrument") or {}
        name = instrument.get("name")
        yield Record(
            pid=item["pid"],
            title=clean(item.get("title") or item["pid"]),
            people=tuple(facts.makers(item)),
            facility=clean(facts.publisher(item, facility)),
            instrument=None if name is None else clean(name),
            techniques=tuple(facts.methods(item)),
            kind=item.get("kind"),
            access=item["access"],
            until=facts.embargo_end(item),
            measured=item.get("creationDate"),
            released=item.get("releaseDate"),
            size=item.get("size"),
            licence=licence,
            abstract=item.get("description"),
            documents=tuple(document["pid"] for document in item.get("documents", ())),
            url=address(f"/datasets/{pid_path(item['pid'])}"),
            parameters=tuple(item.get("parameters", ())),
        )


def _licensed(
    items: Iterator[Item], publications: Publications
) -> Iterator[tuple[Item, str | None]]:
    """Yield datasets with their licence: what brings none is under that of the policy."""
    while block := list(islice(items, _BLOCK)):
        given = {item["pid"]: facts.license_of(item) for item in block}
        bare = {item["pid"]: item.get("kind") for item in block if given[item["pid"]] is None}
        given |= publications.gatherer.granted(bare)
        yield from ((item, given[item["pid"]]) for item in block)


def as_json(record: Record, *, score: float | None = None) -> dict[str, Any]:
    """Return a record as JSON tells it."""
    found: dict[str, Any] = {
        "pid": record.pid,
        "title": record.title,
        "url": record.url,
        "people": [{"name": person.name, "orcid": person.orcid} for person in record.people],
        "facility": record.facility,
        "instrument": record.instrument,
        "techniques": [{"id": method.id, "label": method.label} for method in record.techniques],
        "kind": record.kind,
        "access": record.access,
        "embargoUntil": record.until,
        "measured": record.measured,
        "released": record.released,
        "size": record.size,
        "licence": record.licence,
        "abstract": record.abstract,
        "documents": list(record.documents),
        "parameters": list(record.parameters),
    }
    return found if score is None else {**found, "score": score}
