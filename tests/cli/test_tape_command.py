"""`panosc tape status` tells what is wanted from tape."""

from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from panosc.catalogue.tape.tables import recall, tape_mount
from panosc.cli.main import app
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def wanted(engine: sa.Engine) -> None:
    mount = {"request": "r", "volume": "A1", "files": 2, "started": NOW, "beat": NOW}
    times = {"asked": NOW, "changed": NOW, "next_try": NOW, "mtime_ns": 0, "size": 7}
    with engine.begin() as connection:
        key = connection.execute(
            sa.insert(tape_mount).values(mount).returning(tape_mount.c.id)
        ).scalar_one()
        for number, (state, volume, text) in enumerate(
            [("staging", "A1", None), ("queued", "B2", None), ("failed", None, "It is torn.")]
        ):
            row = {"url": f"file:///{number}", "state": state, "volume": volume, "message": text}
            row["mount_id"] = key if state == "staging" else None
            connection.execute(sa.insert(recall).values(**row, **times))


@pytest.mark.usefixtures("wanted")
def test_it_tells_files_volumes_and_troubles(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.database_url is not None
    monkeypatch.setenv("PANOSC_DATABASE_URL", settings.database_url.get_secret_value())
    words = ["tape", "status", "--home", str(settings.home)]
    plain = CliRunner().invoke(app, words)
    assert plain.exit_code == 0
    assert "A1\tlive\t1\t7\t2026-06-01T00:00:00+00:00\t" in plain.output
    assert "B2\tqueued\t1\t7" in plain.output
    told = orjson.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert told["files"] == {"failed": 1, "queued": 1, "staging": 1}
    assert told["troubles"] == ["It is torn."]
    assert told["tape"] is None
