"""Real files that packages ship, and the writers of hostile ones."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
sys.path.append(str(Path(__file__).parents[1] / "files"))
sys.path.append(str(Path(__file__).parent / "formats_other"))


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of example files; `make test` has fetched them."""
    from example_data import provide  # noqa: PLC0415 - only found by the line above

    return provide()
