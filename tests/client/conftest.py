"""A node for the client to talk to: the catalogue of the portal's tests, with a person's token."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "portal"))

from client_node import ClientNode, client_node


@pytest.fixture(scope="session")
def served(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[ClientNode]:
    with client_node(new_database, template, open_folder / "client") as node:
        yield node
