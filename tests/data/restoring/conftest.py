"""An archive of this test's own."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from archive import Archive

from panosc.settings import Settings


@pytest.fixture
def archive(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Archive:
    taped = settings.model_copy(update={"tape": "slow", "restore_settle_s": 0.0})
    return Archive(engine=engine, settings=taped, folder=tmp_path)
