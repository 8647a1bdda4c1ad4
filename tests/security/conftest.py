"""A node for each test of the guards, and one browser."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import security_node as given
from playwright.sync_api import Browser, sync_playwright

from panosc.catalogue.database import open_database
from panosc.settings import Settings

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("These tests need Chromium: on Debian and Ubuntu apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()
