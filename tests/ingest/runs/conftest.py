"""A node that the tests of a module share: what they do to it they undo."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.settings import Settings


@pytest.fixture(scope="module")
def shared(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[tuple[sa.Engine, Settings]]:
    """The engine and the settings of a node."""
    with new_database(template) as address:
        settings = Settings(home=open_folder / "runs", database_url=address)
        with open_database(settings) as engine:
            yield engine, settings
