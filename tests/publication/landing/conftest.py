"""One node for all tests of landing pages."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import publication_catalogue as given
import pytest
from landing_node import NOW, Node, fill

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.search.index.following import rebuild
from panosc.settings import Settings


@pytest.fixture(scope="session")
def landing_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Node]:
    """A running node."""
    folder = open_folder / "landing-data"
    folder.mkdir()
    with new_database(template) as address:
        settings = Settings(
            home=open_folder / "landing",
            database_url=address,
            facility=given.FACILITY,
            contact="data@node.example",
            pid_prefix="local",
        )
        with open_database(settings) as engine:
            sans = fill(engine, settings, folder)
            rebuild(engine, settings, lambda: NOW, tell=lambda _done, _total: None)
            app = create_app(settings, engine, clock=lambda: NOW)
            with serving(app) as where:
                yield Node(address=where, engine=engine, sans=sans)
