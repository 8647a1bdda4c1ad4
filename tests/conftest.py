"""Fixtures for everyone: a real PostgreSQL a run, a fresh migrated database a test, a browser."""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from playwright.sync_api import Browser, sync_playwright

from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server, running
from panosc.settings import Settings

# the same examples in every run; HYPOTHESIS_PROFILE=nightly looks further
_SLOW = [HealthCheck.too_slow]
"""How long it takes to think up an example says more of the machine than of the test."""
hypothesis.register_profile(
    "ci", max_examples=60, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
hypothesis.register_profile(
    "nightly", max_examples=2000, deadline=None, suppress_health_check=_SLOW
)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
# five seconds are not enough where several tests keep the machine busy
for _name in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _name, 60.0)
# the certificates of all authorities take as long to read as many a test; nothing here adds others
httpx._config.create_ssl_context = cache(httpx._config.create_ssl_context)
httpx._transports.default.create_ssl_context = httpx._config.create_ssl_context
# a node of one process starts sooner; tests/serving asks for several by name
os.environ.setdefault("PANOSC_WORKERS", "1")


_run = asyncio.run


def _run_apart(main: Any, **options: Any) -> Any:
    """Run a coroutine, in a thread of its own where Playwright keeps a loop running in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(main, **options)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, _run, main, **options).result()


asyncio.run = _run_apart

MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30
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


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among what the tests have imported.

    Each application leaves some hundred thousand objects; to walk through all that there is for
    them took a fifth of the time of the tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True)
def _apart_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    # commands that give way to others would make all tests after them slow
    monkeypatch.setattr("os.nice", lambda _: 0)
    for name in [name for name in os.environ if name.startswith("PANOSC_")]:
        monkeypatch.delenv(name)


@contextmanager
def _open_folder(parent: Path | None = None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="panosc-test-", dir=parent))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that other accounts may enter, which pytest's own is not."""
    with _open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Server]:
    """The PostgreSQL of this run.

    It does not wait for the disk, and lies in memory where there is enough: what tests kill are
    processes, and a database for each of thousands of tests would wait for little else.
    """
    is_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    with _open_folder(MEMORY if is_room else None) as folder, running(folder / "home") as server:
        with server.connect("postgres", is_admin=True) as connection:
            connection.autocommit = True
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"alter system set {name} = off".encode())
            connection.execute(b"alter system set max_wal_size = '256MB'")
            connection.execute(b"select pg_reload_conf()")
        yield server


NewDatabase = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def new_database(cluster: Server) -> NewDatabase:
    """Makes a database, empty or a copy of `template`: its address for a block of code."""
    numbers = itertools.count()

    def administer(statement: str) -> None:
        with cluster.connect("postgres", is_admin=True) as connection:
            connection.autocommit = True
            connection.execute(statement.encode())

    @contextmanager
    def make(template: str = "template1") -> Iterator[str]:
        name = f"test_{next(numbers)}"
        administer(f"create database {name} template {template} owner panosc strategy file_copy")
        where = cluster.address()
        yield sa.URL.create(
            "postgresql",
            username=where["user"],
            password=where["password"],
            port=where["port"],
            database=name,
            query={"host": where["host"], "sslmode": "disable"},
        ).render_as_string(hide_password=False)
        administer(f"drop database {name} with (force)")

    return make


@pytest.fixture(scope="session")
def template(new_database: NewDatabase, open_folder: Path) -> Iterator[str]:
    """A migrated database that stays empty: the others are copies of it."""
    with new_database() as address:
        with open_database(Settings(home=open_folder / "template", database_url=address)):
            pass
        yield str(sa.make_url(address).database)


@pytest.fixture
def empty_database(new_database: NewDatabase) -> Iterator[str]:
    """The address of a database without a schema."""
    with new_database() as address:
        yield address


@pytest.fixture
def database_url(new_database: NewDatabase, template: str) -> Iterator[str]:
    """The address of a fresh migrated database."""
    with new_database(template) as address:
        yield address


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a node of this test's own; its database is that of `engine`."""
    return Settings(home=tmp_path / "home", database_url=database_url)


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """A fresh migrated database, dropped at the end."""
    with open_database(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for the whole run."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("These tests need Chromium: on Debian and Ubuntu apt-get install chromium.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield chromium
        chromium.close()
