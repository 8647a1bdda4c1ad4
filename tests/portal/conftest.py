"""One node for all tests of the portal, and the writers of files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.search.index.following import rebuild
from panosc.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "files"))


@pytest.fixture(scope="session")
def node_settings(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Settings]:
    with new_database(template) as address:
        yield Settings(home=open_folder / "portal", database_url=address, facility="ILL & friends")


@pytest.fixture(scope="session")
def node(node_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[given.Node]:
    measured = given.measured_file(tmp_path_factory.mktemp("measured"))
    with open_database(node_settings) as engine:
        with engine.begin() as connection:
            write(connection, given.rows(measured), now=given.NOW)
        rebuild(engine, node_settings, lambda: given.NOW, tell=lambda _done, _total: None)
        app = create_app(node_settings, engine, clock=lambda: given.NOW)
        with serving(app) as address:
            yield given.Node(app=app, engine=engine, settings=node_settings, address=address)
