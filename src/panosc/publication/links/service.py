"""What people tell of works elsewhere that belong to a record: adding, removing, listing.

Who may share a record, and stewards, may say what it is linked with. Each act is one line of
the audit trail and one entry of the feed, so that every channel hears of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue import changes
from panosc.catalogue.publishing.tables import related
from panosc.catalogue.tables import dataset, document, instrument, ruling
from panosc.domain.access import Guard, Who, may_do
from panosc.domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from panosc.policy import audit
from panosc.policy.decisions.records import signed_in, text_of
from panosc.policy.sql import visible
from panosc.publication import identifiers
from panosc.publication.reading.describing import plain
from panosc.publication.record import Model, Relation

MOST: Final = 100
"""Links of one record."""
RELATIONS: Final[tuple[str, ...]] = get_args(Relation)
KINDS: Final = ("JournalArticle", "Dataset", "Software", "Report", "Dissertation", "Other")
RulesOf = Callable[[str | None], Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A link that somebody told: a person, DataCite's events or Scholix."""

    number: int
    relation: str
    identifier: str
    url: str
    title: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody types of a work elsewhere."""

    relation: str
    identifier: str
    kind: str = ""
    title: str = ""


class Links:
    """Keeps what people tell.

    Parameters
    ----------
    rules_of : callable
        Which role may do what under a version of a policy; None: of records without one.
    """

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime], rules_of: RulesOf) -> None:
        self._engine, self._clock, self._rules_of = engine, clock, rules_of

    def told(self, who: Who, model: Model, pid: str) -> tuple[list[Told], bool]:
        """Return what was told of a record, and whether `who` may change it.

        Raises
        ------
        NotFound, Gone
        """
        with self._engine.connect() as connection:
            may = self._may(connection, who, model, pid)
            rows = connection.execute(
                sa.select(related)
                .where(related.c.model == model, related.c.pid == pid)
                .order_by(related.c.id)
            )
            found = [
                Told(
                    number=row.id,
                    relation=row.relation,
                    identifier=row.identifier,
                    url=row.url,
                    title=plain(row.title) or None,
                    source=row.source,
                )
                for row in rows
            ]
        return found, may

    def add(self, who: Who, model: Model, pid: str, typed: Typed) -> None:
        """Say that a record is linked with a work elsewhere; what is said already stays.

        Raises
        ------
        Unauthenticated, NotFound, Gone, Forbidden
        Invalid
            If the identifier is of no known kind, or the relation is none.
        Conflict
            If there are too many.
        """
        signed_in(who)
        with self._engine.begin() as connection:
            self._demand(connection, who, model, pid)
            values = _checked(typed)
            held = sa.select(sa.func.count()).where(related.c.model == model, related.c.pid == pid)
            if connection.execute(held).scalar_one() >= MOST:
                raise Conflict(
                    f"A record has at most {MOST} links.", hint="Remove one that is not needed."
                )
            now = self._clock()
            added = connection.execute(
                insert(related)
                .values(model=model, pid=pid, source="person", by=who.person, at=now, **values)
                .on_conflict_do_nothing()
                .returning(related.c.id)
            )
            if added.first() is not None:
                self._note(connection, who, "link.added", (model, pid), values)

    def remove(self, who: Who, model: Model, pid: str, number: int) -> None:
        """Take a link back.

        Raises
        ------
        Unauthenticated, Gone, Forbidden
        NotFound
            If the record has no such link.
        """
        signed_in(who)
        with self._engine.begin() as connection:
            self._demand(connection, who, model, pid)
            gone = connection.execute(
                sa.delete(related)
                .where(related.c.id == number, related.c.model == model, related.c.pid == pid)
                .returning(related.c.relation, related.c.identifier)
            ).first()
            if gone is None:
                raise NotFound(
                    "The record has no such link.", hint="Look at its page “Related works” again."
                )
            values = {"relation": gone.relation, "identifier": gone.identifier}
            self._note(connection, who, "link.removed", (model, pid), values)

    def _note(
        self,
        connection: sa.Connection,
        who: Who,
        event: str,
        record: tuple[Model, str],
        values: Mapping[str, str | None],
    ) -> None:
        said = {key: values[key] for key in ("relation", "identifier")}
        audit.record(connection, who, event, now=self._clock(), subject=record[1], **said)
        changes.append(connection, [record])

    def _demand(self, connection: sa.Connection, who: Who, model: Model, pid: str) -> None:
        if not self._may(connection, who, model, pid):
            raise Forbidden(
                "You may not say what it is linked with.",
                hint="The principal investigator and the stewards of the node may.",
            )

    def _may(self, connection: sa.Connection, who: Who, model: Model, pid: str) -> bool:
        """Whether `who` may change the links of a record; raises if they may not know of it."""
        table = dataset if model == "Dataset" else document
        known = visible(table, who, "core", now=self._clock())
        query = sa.select(table.c.mark, table.c.owner_group, known.label("known"))
        if model == "Dataset":
            query = (
                query.add_columns(instrument.c.pid.label("instrument"), ruling.c.policy)
                .outerjoin(instrument, instrument.c.id == dataset.c.instrument_id)
                .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
            )
        else:
            query = query.add_columns(sa.null().label("instrument"), sa.null().label("policy"))
        row = None if "\0" in pid else connection.execute(query.where(table.c.pid == pid)).first()
        if row is not None and row.mark == "erased":
            raise Gone(
                f"The {model.lower()} “{pid}” was here and has been erased.",
                hint="Nothing of it is kept. Ask the operator of this node.",
            )
        if row is None or not row.known:
            raise NotFound(
                f"There is no {model.lower()} “{pid}” at this node.",
                hint="Search for it, or ask whoever gave you the identifier.",
            )
        guard = Guard(mark=row.mark, group=row.owner_group, instrument=row.instrument)
        rules = self._rules_of(row.policy)
        return any(may_do(who, act, guard, rules=rules) for act in ("share", "withdraw"))


def _checked(typed: Typed) -> dict[str, str | None]:
    if typed.relation not in RELATIONS:
        raise Invalid("This relation is not known.", field="relation", hint="Choose one.")
    given = text_of(typed.identifier, "identifier")
    named = identifiers.known(given)
    if named is None:
        raise Invalid(
            f"“{given[:80]}” is no identifier that can be followed.",
            field="identifier",
            hint="Give a DOI, a web address, a handle, an arXiv number, an RRID or a PubMed id.",
        )
    if typed.kind and typed.kind not in KINDS:
        raise Invalid("This kind of work is not known.", field="kind", hint="Choose one.")
    identifier, scheme, url = named
    return {
        "relation": typed.relation,
        "identifier": identifier,
        "scheme": scheme,
        "url": url,
        "general": typed.kind or None,
        "title": text_of(typed.title, "title", most=500) if typed.title.strip() else None,
    }
