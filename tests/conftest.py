"""Fixtures for everyone: one real PostgreSQL a run, a fresh migrated database a test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings as hypothesis

from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server, running
from panosc.settings import Settings

_numbers = itertools.count()

# the same examples in every run; HYPOTHESIS_PROFILE=nightly looks further
hypothesis.register_profile("ci", derandomize=True, deadline=None)
hypothesis.register_profile("nightly", max_examples=2000, deadline=None)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:

    for name in [name for name in os.environ if name.startswith("PANOSC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that other accounts may enter, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="panosc-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(open_folder: Path) -> Iterator[Server]:
    """The PostgreSQL of this run."""
    with running(open_folder / "home") as server:
        yield server


def _address(cluster: Server, database: str) -> str:
    address = cluster.address()
    return (
        sa.URL.create(
            "postgresql",
            username=address["user"],
            password=address["password"],
            port=address["port"],
            database=database,
            query={"host": address["host"], "sslmode": "disable"},
        )
    ).render_as_string(hide_password=False)


def _administer(cluster: Server, statement: str) -> None:
    with cluster.connect("postgres", is_admin=True) as connection:
        connection.autocommit = True
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def template(cluster: Server, open_folder: Path) -> str:
    """A migrated database that stays empty: the others are copies of it."""
    _administer(cluster, "create database panosc_template owner panosc")
    address = _address(cluster, "panosc_template")
    with open_database(Settings(home=open_folder / "template", database_url=address)):
        pass
    return "panosc_template"


@pytest.fixture
def empty_database(cluster: Server) -> Iterator[str]:
    """The address of a database without a schema."""
    name = f"test_{next(_numbers)}"
    _administer(cluster, f"create database {name} owner panosc")
    yield _address(cluster, name)
    _administer(cluster, f"drop database {name} with (force)")


@pytest.fixture
def database_url(cluster: Server, template: str) -> Iterator[str]:
    """The address of a fresh migrated database."""
    name = f"test_{next(_numbers)}"
    _administer(cluster, f"create database {name} template {template} owner panosc")
    yield _address(cluster, name)
    _administer(cluster, f"drop database {name} with (force)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a node of this test's own; its database is that of `engine`."""
    return Settings(home=tmp_path / "home", database_url=database_url)


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """A fresh migrated database, dropped at the end."""
    with open_database(settings) as opened:
        yield opened
