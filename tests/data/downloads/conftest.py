"""One node for all tests of downloads that change nothing, and one for each that does."""

from collections.abc import Iterator

import download_node
import pytest

from panosc.catalogue.database import open_database
from panosc.settings import DataDoor, Settings


def _settings(address: str, folder) -> Settings:
    door = DataDoor(
        kind="globus",
        title="Globus",
        root=folder / "measured",
        address="0a1b2c3d-0000-4000-8000-000000000000",
        path="/raw",
    )
    https = DataDoor(
        kind="https",
        title="Fast lane",
        root=folder / "measured" / "open",
        address="https://data.example",
    )
    return Settings(home=folder / "home", database_url=address, data_doors=(door, https))


@pytest.fixture(scope="session")
def node(new_database, template, tmp_path_factory) -> Iterator[download_node.Node]:
    """A node that tests leave as it was."""
    folder = tmp_path_factory.mktemp("downloads")
    with new_database(template) as address:
        settings = _settings(address, folder)
        with (
            open_database(settings) as engine,
            download_node.download_node(engine, settings, folder) as made,
        ):
            yield made


@pytest.fixture
def own_node(new_database, template, tmp_path) -> Iterator[download_node.Node]:
    """A node of one test's own."""
    with new_database(template) as address:
        settings = _settings(address, tmp_path)
        with (
            open_database(settings) as engine,
            download_node.download_node(engine, settings, tmp_path) as made,
        ):
            yield made
