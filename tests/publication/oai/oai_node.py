"""A node for harvesters without its web service: a catalogue, a clock to turn, who keeps it up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import publication_catalogue as given
import sqlalchemy as sa
from oai_reading import Page, pairs, read

from panosc.catalogue import changes
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.identity.keys import node_keys
from panosc.publication.gathering import Gatherer, Sources
from panosc.publication.oai.following import Keeper
from panosc.publication.oai.provider import Provider
from panosc.publication.record import Organisation, Term
from panosc.search.panet import lineage
from panosc.settings import Settings

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOMAIN = "node.example"


def _term(pid: str, name: str | None, _panet: str | None) -> Term:
    return Term(label=name or pid, id=pid)


@dataclass(slots=True)
class Node:
    """What a test needs of a node."""

    engine: sa.Engine
    settings: Settings
    now: datetime = FIRST
    keeper: Keeper = field(init=False)
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.engine, self.clock, lineage, self.settings.facility)
        sources = Sources(
            facility=Organisation(name=self.settings.facility),
            term=_term,
            licence=lambda _policy, _kind: "CC-BY-4.0",
        )
        self.provider = Provider(
            self.engine,
            self.clock,
            Gatherer(self.engine, self.clock, sources),
            settings=self.settings,
            keys=node_keys(self.settings),
            lineage=lineage,
        )

    def clock(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        """Let time pass; a second where nothing else is said."""
        self.now += timedelta(**time) if time else timedelta(seconds=1)

    def write(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Write records, and take them up a second later; then another second passes."""
        with self.engine.begin() as connection:
            write(connection, rows, now=self.now)
        self.keep()

    def remove(self, pids: Iterable[str]) -> None:
        """Delete datasets, as the undoing of an ingest does."""
        gone = list(pids)
        with self.engine.begin() as connection:
            connection.execute(sa.delete(dataset).where(dataset.c.pid.in_(gone)))
            changes.append(connection, [("Dataset", pid) for pid in gone], deleted=True)
        self.keep()

    def keep(self) -> None:
        self.wait()
        self.keeper.catch_up()
        self.wait()

    def ask(self, query: str) -> Page:
        """Ask by an address."""
        return read(self.answer(query))

    def answer(self, query: str) -> bytes:
        return self.provider.answer(pairs(query), given.address)

    def walk(self, query: str) -> Iterator[Page]:
        """Ask for a list, and for what is left of it, until its end."""
        page = self.ask(query)
        verb = page.asked.get("verb")
        yield page
        while page.token is not None:
            page = self.ask(f"verb={verb}&resumptionToken={page.token}")
            assert page.error is None, page.error
            yield page


def oai(pid: str, folder: str = "datasets") -> str:
    """Return the identifier of a record of the node."""
    return f"oai:{DOMAIN}:{folder}/{pid}"


def small() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the small catalogue of publishing."""
    for model, lines in given.CATALOGUE.items():
        yield from ((model, line) for line in lines)


def open_dataset(pid: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "Dataset", {"pid": pid, "title": f"Title of {pid}", "isPublic": True, **more}
