"""One node for all tests of the portal, and one browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import portal_catalogue as given
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, sync_playwright

from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server
from panosc.catalogue.writer import write
from panosc.settings import Settings

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = [
    f"--{option}"
    for option in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]


@pytest.fixture(scope="session")
def node_settings(cluster: Server, template: str, open_folder: Path) -> Iterator[Settings]:
    def administer(statement: str) -> None:
        with cluster.connect("postgres", is_admin=True) as connection:
            connection.autocommit = True
            connection.execute(statement.encode())

    administer(f"create database portal template {template} owner panosc")
    where = cluster.address()
    address = sa.URL.create(
        "postgresql",
        username=where["user"],
        password=where["password"],
        port=where["port"],
        database="portal",
        query={"host": where["host"], "sslmode": "disable"},
    ).render_as_string(hide_password=False)
    yield Settings(home=open_folder / "portal", database_url=address, facility="ILL & friends")
    administer("drop database portal with (force)")


@pytest.fixture(scope="session")
def node(node_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[given.Node]:
    measured = given.measured_file(tmp_path_factory.mktemp("measured"))
    with open_database(node_settings) as engine:
        with engine.begin() as connection:
            write(connection, given.rows(measured), now=given.NOW)
        app = create_app(node_settings, engine, clock=lambda: given.NOW)
        with given.serving(app) as address:
            yield given.Node(app=app, engine=engine, settings=node_settings, address=address)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("These tests need Chromium: on Debian and Ubuntu apt-get install chromium.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield chromium
        chromium.close()
