"""Where the tests of overviews find what other tests have: tripwires, and example files."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
sys.path += [str(TESTS / "ingest" / "readers"), str(TESTS.parent / "scripts")]


@pytest.fixture(scope="session")
def example_files() -> list[Path]:
    """Real NeXus files; `make test` has fetched them."""
    from example_data import provide  # noqa: PLC0415 - only found by the line above

    return sorted(path for path in provide().rglob("*") if path.suffix in {".h5", ".nxs", ".hdf5"})
