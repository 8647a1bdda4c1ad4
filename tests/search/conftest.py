"""Catalogues that many tests read and none changes: one database each for the whole run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from search_catalogue import NOW, Catalogue, catalogue_over, serving

from panosc.catalogue.database import open_database
from panosc.catalogue.loading import load
from panosc.catalogue.writer import write
from panosc.settings import Settings

DATA = Path(__file__).parent / "data"

Row = tuple[str, dict[str, Any]]


@pytest.fixture(scope="session")
def empty_engine(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Callable[[], sa.Engine]]:
    """Makes a migrated database that lives until the end of the run."""
    with ExitStack() as stack:

        def make() -> sa.Engine:
            address = stack.enter_context(new_database(template))
            settings = Settings(home=open_folder / "search", database_url=address)
            return stack.enter_context(open_database(settings))

        yield make


@pytest.fixture(scope="session")
def filled(
    empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]
) -> Callable[[Iterable[Row]], Catalogue]:
    """Makes a catalogue of rows, with its index."""

    def fill(rows: Iterable[Row]) -> Catalogue:
        engine = empty_engine()
        with engine.begin() as connection:
            write(connection, rows, now=NOW)
        return catalogue_over(engine, new_home())

    return fill


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a folder for an index."""
    return lambda: tmp_path_factory.mktemp("home")


def _loaded(engine: sa.Engine, name: str, home: Path) -> Catalogue:
    load(engine, DATA / name, now=NOW)
    return catalogue_over(engine, home)


@pytest.fixture(scope="session")
def standard(empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]) -> Catalogue:
    """The example data of the standard."""
    return _loaded(empty_engine(), "fixture", new_home())


@pytest.fixture(scope="session")
def tagged(empty_engine: Callable[[], sa.Engine], new_home: Callable[[], Path]) -> Catalogue:
    """The ten datasets of the requirements on techniques."""
    return _loaded(empty_engine(), "fixture-panet", new_home())


@pytest.fixture(scope="session")
def standard_client(standard: Catalogue) -> Iterator[httpx.Client]:
    """The example data over HTTP."""
    with serving(standard.app()) as client:
        yield client


@pytest.fixture(scope="session")
def tagged_client(tagged: Catalogue) -> Iterator[httpx.Client]:
    """The ten datasets over HTTP."""
    with serving(tagged.app()) as client:
        yield client
