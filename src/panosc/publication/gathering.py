"""From the catalogue to `Publication`: what is to be said of records, with fallbacks.

The one place, with `makers`, `relating` and `detailing`, where it is decided what is a creator,
which date is which, and how a record relates to others. Reading is `store`, writing `exports`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from panosc.domain.access import ALWAYS, NEVER, Who
from panosc.domain.errors import Gone, NotFound
from panosc.domain.pid import pid_path
from panosc.publication import identifiers
from panosc.publication.reading import store
from panosc.publication.reading.describing import description, kind_words, licence, plain
from panosc.publication.reading.detailing import detail, parameters
from panosc.publication.reading.makers import agents, instrument_of
from panosc.publication.reading.relating import Relating, funding, keywords
from panosc.publication.reading.store import Found
from panosc.publication.record import (
    Address,
    Detail,
    Model,
    Organisation,
    Part,
    Publication,
    Term,
)

_BLOCK: Final = 100
MOST_PARTS: Final = 200
"""Of datasets, that one package is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a node knows that is not in the record."""

    facility: Organisation
    term: Callable[[str, str | None, str | None], Term]
    """PID, name and PaNET id of a technique → the term."""
    licence: Callable[[str | None, str | None], str | None]
    """Version of the policy and kind of a dataset → licence that the policy gives it."""
    mints: str | None = None
    """Prefix under which the node registers DOIs: what looks like one of these is none before."""


class Gatherer:
    """Tells what there is to say of records.

    Parameters
    ----------
    engine : Engine
    clock : callable
        On the time depends what is open.
    sources : Sources
    is_core : bool, default False
        Whether to tell the core alone, whoever asks: a third of the work, for long lists.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        sources: Sources,
        *,
        is_core: bool = False,
    ) -> None:
        self._engine, self._clock, self._sources = engine, clock, sources
        self._is_core = is_core

    @property
    def core(self) -> "Gatherer":
        """The same, telling of records their core alone."""
        return Gatherer(self._engine, self._clock, self._sources, is_core=True)

    def one(self, who: Who, model: Model, pid: str, address: Address) -> Publication:
        """Return what `who` may know of one record.

        Raises
        ------
        NotFound
            If there is none, or none that `who` may know of.
        Gone
            If it was erased.
        """
        with self._engine.connect() as connection:
            for found in self.many(connection, who, model, [pid], address):
                return found
            if store.is_erased(connection, model, pid):
                raise Gone(
                    f"The {model.lower()} “{pid}” was here and has been erased.",
                    hint="Nothing of it is kept. Ask the operator of this node.",
                )
        raise NotFound(
            f"There is no {model.lower()} “{pid}” at this node.",
            hint="Search for it, or ask whoever gave you the identifier.",
        )

    def many(
        self,
        connection: sa.Connection,
        who: Who,
        model: Model,
        pids: Sequence[str],
        address: Address,
    ) -> list[Publication]:
        """Return what `who` may know of records, in the order of `pids`; others are left out.

        The number of statements does not depend on the number of records.
        """
        asked = [pid for pid in pids if "\0" not in pid]
        if not asked:
            return []
        now = self._clock()
        if model == "Dataset":
            found = store.datasets(connection, who, asked, now=now, is_core=self._is_core)
            made = {row.pid: self._dataset(row, found, address) for row in found.records}
        else:
            found = store.documents(connection, who, asked, now=now, is_core=self._is_core)
            made = {row.pid: self._document(row, found, address) for row in found.records}
        return [made[pid] for pid in dict.fromkeys(asked) if pid in made]

    def each(
        self, who: Who, model: Model, pids: Iterable[str], address: Address
    ) -> Iterator[Publication]:
        """Yield what `who` may know of any number of records, in the order of `pids`.

        They are read in blocks, and between two of them no connection is held.
        """
        rest = iter(pids)
        while block := list(islice(rest, _BLOCK)):
            with self._engine.connect() as connection:
                found = self.many(connection, who, model, block, address)
            yield from found

    def granted(self, kinds: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the licence that the policy gives datasets that bring none, by PID.

        Parameters
        ----------
        kinds : mapping
            PID → kind of data; the caller was told of both.
        """
        if not kinds:
            return {}
        with self._engine.connect() as connection:
            policies = store.policies(connection, kinds)
        return {pid: self._sources.licence(policies.get(pid), kinds[pid]) for pid in kinds}

    def _dataset(self, row: Any, found: Found, address: Address) -> Publication:
        # what a package says holds for the package
        documents = [item for item in found.documents.get(row.id, []) if item.type != "collection"]
        extra = row.extra or {}
        terms = [
            self._sources.term(plain(item.pid), plain(item.name) or None, item.panet_id)
            for item in found.techniques.get(row.id, [])
        ]
        publisher = self._publisher(row.facility)
        creators, contributors = agents(found.members.get(row.id, []), publisher)
        instrument = instrument_of(row, address)
        given = row.license or next((item.license for item in documents if item.license), None)
        collected = (row.creation_date, row.end_date)
        own = plain(row.description)
        return Publication(
            model="Dataset",
            kind=plain(row.kind) or "raw",
            pid=row.pid,
            url=address(f"/datasets/{pid_path(row.pid)}"),
            doi=self._doi("Dataset", row.pid, found),
            title=plain(row.title) or plain(row.pid),
            description=own
            or description(
                kind_words(row.kind),
                terms=terms,
                instrument=instrument,
                facility=publisher.name,
                collected=collected,
            ),
            is_described=bool(own),
            creators=creators,
            contributors=contributors,
            publisher=publisher,
            keywords=keywords(
                [extra, *(item.extra or {} for item in documents)],
                [word for item in documents for word in item.keywords or ()],
                [*(term.label for term in terms), *([instrument.name] if instrument else [])],
            ),
            techniques=tuple(terms),
            instrument=instrument,
            licence=licence(given or self._sources.licence(row.policy, row.kind)),
            access=row.state,
            opens=_opens(row),
            reason=plain(row.mark_reason) or None if row.state == "withdrawn" else None,
            collected=collected,
            issued=_issued(row, row.creation_date),
            changed=row.changed,
            size=row.size,
            related=self._relating(found, address).of_dataset(row),
            funding=funding([extra, *(item.extra or {} for item in documents)]),
            detail=detail(row, found, address) if row.sees else None,
            facility=self._sources.facility.name,
            node=address("/"),
        )

    def _document(self, row: Any, found: Found, address: Address) -> Publication:
        extra = row.extra or {}
        publisher = self._sources.facility
        creators, contributors = agents(found.members.get(row.id, []), publisher)
        collected = (row.start_date, row.end_date)
        own = plain(row.summary)
        kind = plain(row.type).lower() or "document"
        return Publication(
            model="Document",
            kind=kind,
            pid=row.pid,
            url=address(f"/documents/{pid_path(row.pid)}"),
            doi=self._doi("Document", row.pid, found, row.doi),
            title=plain(row.title) or plain(row.pid),
            description=own
            or description(
                kind.capitalize(),
                terms=(),
                instrument=None,
                facility=publisher.name,
                collected=collected,
            ),
            is_described=bool(own),
            creators=creators,
            contributors=contributors,
            publisher=publisher,
            keywords=keywords([extra], row.keywords or (), ()),
            techniques=(),
            instrument=None,
            licence=licence(row.license),
            access=row.state,
            opens=_opens(row),
            reason=plain(row.mark_reason) or None if row.state == "withdrawn" else None,
            collected=collected,
            issued=_issued(row, row.start_date),
            changed=row.changed,
            size=None,
            related=self._relating(found, address).of_document(row),
            funding=funding([extra]),
            detail=Detail(parameters=parameters(row, found)) if row.sees else None,
            facility=self._sources.facility.name,
            node=address("/"),
            parts=_parts(extra.get("parts"), found.datasets.get(row.id, [])),
        )

    def _relating(self, found: Found, address: Address) -> Relating:
        def doi(model: Model, pid: str, given: str | None) -> str | None:
            return self._doi(model, pid, found, given)

        return Relating(found=found, address=address, doi=doi)

    def _doi(self, model: Model, pid: str, found: Found, given: str | None = None) -> str | None:
        """Return a DOI that leads somewhere: registered from here, or brought along."""
        minted = found.dois.get((model, pid))
        if minted is not None:
            return minted
        for text in (given, pid):
            own = identifiers.doi(text)
            if own is not None and own.partition("/")[0] != self._sources.mints:
                return own
        return None

    def _publisher(self, facility: str | None) -> Organisation:
        name = plain(facility)
        own = self._sources.facility
        return own if not name or name == own.name else Organisation(name=name)


def _parts(given: Any, datasets: Sequence[Any]) -> tuple[Part, ...]:
    """Return the parts that a package is about, of datasets whose detail is seen."""
    seen = {item.pid for item in datasets if item.sees}
    names = ("pid", "file", "path", "selection")
    lines = given[:MOST_PARTS] if isinstance(given, list) else []
    found = [
        Part(**{name: line[name] for name in names})
        for line in lines
        if isinstance(line, dict) and all(isinstance(line.get(name), str) for name in names)
    ]
    return tuple(part for part in found if part.pid in seen)


def _issued(row: Any, began: datetime | None) -> datetime:
    """Return when it was published: as its source says, when it opened, or when it came here."""
    if row.release_date is not None and row.state != "embargoed":
        issued: datetime = row.release_date
        return issued
    if row.state in {"open", "withdrawn"} and ALWAYS < row.open_at < NEVER:
        opened: datetime = row.open_at
        return opened
    found: datetime = began or row.created
    return found


def _opens(row: Any) -> datetime | None:
    if row.state != "embargoed" or row.open_at == NEVER:
        return None
    opens: datetime = row.open_at
    return opens
