"""Two nodes that differ in what is hidden, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import matrix_catalogue as given
import pytest
from matrix_people import Node, served_node

from panosc.catalogue.database import open_database
from panosc.settings import Provider, Settings


@pytest.fixture(scope="session")
def node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Node]:
    """The node of the matrix."""
    with _node(given.VARIANTS[0], new_database, template, open_folder) as made:
        yield made


@pytest.fixture(scope="session")
def other(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[Node]:
    """The node at which everything hidden is different, and nothing is closed."""
    with _node(given.VARIANTS[1], new_database, template, open_folder) as made:
        yield made


@contextmanager
def _node(
    variant: str,
    new_database: Callable[..., AbstractContextManager[str]],
    template: str,
    open_folder: Path,
) -> Iterator[Node]:
    folder = open_folder / f"matrix-{variant}"
    folder.mkdir()
    with new_database(template) as address:
        away = Provider(name="away", title="Away", issuer="http://127.0.0.1:9", client_id="x")
        settings = Settings(
            home=folder / "home",
            database_url=address,
            facility="ILL",
            providers=(away,),
            outbound_hosts=("127.0.0.1",),
            # a busy machine is not what is tested
            regexp_time_limit_s=20,
            security_contact="mailto:security@example.org",
            ingest_roots=(Path("/measured"),),
            instrument_roots={given.D22: (Path("/measured"),)},
        )
        with (
            open_database(settings) as engine,
            served_node(variant, engine, settings, folder) as made,
        ):
            yield made
