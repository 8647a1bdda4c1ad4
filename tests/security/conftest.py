"""A node for each module of attacks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import security_node as given

from panosc.catalogue.database import open_database
from panosc.settings import Settings


@pytest.fixture(scope="module")
def shared_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[given.Node]:
    with new_database(template) as address:
        settings = Settings(home=open_folder / "security", database_url=address)
        with open_database(settings) as engine, given.running(settings, engine) as running:
            given.catalogue(engine)
            yield running


@pytest.fixture
def node(shared_node: given.Node) -> given.Node:
    """The node of a module, with nothing done yet."""
    shared_node.done.clear()
    return shared_node
