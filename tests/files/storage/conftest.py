"""One SeaweedFS a run; connections to storages that end with the test that made them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from seaweed import Seaweed, running

from panosc.files.storage import opening, trying


@pytest.fixture(scope="session")
def seaweed(open_folder: Path) -> Iterator[Seaweed]:
    """A real S3 on loopback."""
    folder = open_folder / "seaweed"
    folder.mkdir()
    with running(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "FIRST_PAUSE_S", 0.02)


@pytest.fixture(scope="module", autouse=True)
def _no_connections_left() -> Iterator[None]:
    yield
    opening.disconnect()
