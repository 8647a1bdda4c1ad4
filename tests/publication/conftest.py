"""What all tests of publishing share: a node that tells of the small catalogue."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import publication_catalogue as given
import pytest
import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, Who
from panosc.publication.gathering import Gatherer, Sources
from panosc.publication.record import Model, Organisation, Publication, Term
from panosc.settings import Settings

Tell = Callable[..., Publication]
PANET = "http://purl.org/pan-science/PaNET/"


def _term(pid: str, name: str | None, panet: str | None) -> Term:
    return Term(label=name or pid, id=pid, uri=f"{PANET}{panet}" if panet else None)


def _gatherer(engine: sa.Engine) -> Gatherer:
    rows = ((model, line) for model, lines in given.CATALOGUE.items() for line in lines)
    with engine.begin() as connection:
        write(connection, rows, now=given.TOLD_AT)
    sources = Sources(
        facility=Organisation(name=given.FACILITY, ror="https://ror.org/02550n020"),
        term=_term,
        licence=lambda _policy, _kind: "CC-BY-4.0",
    )
    return Gatherer(engine, lambda: given.TOLD_AT, sources)


@pytest.fixture
def telling(engine: sa.Engine) -> Gatherer:
    """What tells of a small catalogue of this test's own, techniques with their place in PaNET."""
    return _gatherer(engine)


@pytest.fixture(scope="session")
def _shared(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Gatherer]:
    with (
        new_database(template) as address,
        open_database(Settings(home=open_folder / "told", database_url=address)) as engine,
    ):
        yield _gatherer(engine)


@pytest.fixture
def told(_shared: Gatherer) -> Tell:
    """Tells of one record of the small catalogue what `who` may know of it; nobody changes it."""

    def tells(pid: str, who: Who = ANYONE, model: Model = "Dataset") -> Publication:
        return _shared.one(who, model, pid, given.address)

    return tells
