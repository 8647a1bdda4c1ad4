"""``h5/stats`` and the viewer's text: what an overview has reckoned is not read again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import overview_files as given
import pytest
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.tables import location
from panosc.data.overviews.following import Keeper
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PID = "local/a"
STACK = np.random.default_rng(3).poisson(9, (11, 40, 60)).astype("u2")
STACK[5, 2, 1] = 65535
PARTS = ["", ":,:,:", "0:11", "5,:,:", "8", "10,0:40"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return given.squeezed(tmp_path / "a.nxs", STACK, (1, 40, 60))


@pytest.fixture
def http(engine: sa.Engine, settings: Settings, path: Path) -> Iterator[httpx.Client]:
    given.register(engine, path, pid=PID, now=NOW)
    app = create_app(settings, engine, clock=lambda: NOW)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def stats(http: httpx.Client, part: str) -> httpx.Response:
    asked = {"path": given.SIGNAL} | ({"selection": part} if part else {})
    return http.get(f"/datasets/{PID}/-/h5/stats", params=asked)


def test_they_are_the_same_and_read_once(
    engine: sa.Engine, settings: Settings, http: httpx.Client, path: Path
) -> None:
    read = {part: stats(http, part).json() for part in PARTS}
    assert read[""]["max"] == 65535
    Keeper(engine, settings, lambda: NOW).catch_up()
    away = path.rename(path.with_name("away"))
    for part in PARTS:
        kept = stats(http, part)
        assert kept.status_code == 200, (part, kept.text)
        assert list(kept.json()) == list(read[part])
        assert kept.json() == pytest.approx(read[part], rel=1e-13), part
    # what it did not reckon has to be read
    for part in ("1,:,:", "::2", "5,:,:59", "0:10", "3:5"):
        assert stats(http, part).json()["reason"] == "gone"
    page = http.get(f"/datasets/{PID}/-/view", params={"path": given.SIGNAL, "frame": "5"})
    assert page.status_code == 200
    away.rename(path)
    page = http.get(f"/datasets/{PID}/-/view", params={"path": given.SIGNAL, "frame": "5"})
    assert "65,535" in page.text or "65535" in page.text


def test_those_of_another_content_are_not_told(
    engine: sa.Engine, settings: Settings, http: httpx.Client, path: Path
) -> None:
    Keeper(engine, settings, lambda: NOW).catch_up()
    given.squeezed(path, STACK[:5, ::-1] // 2, (1, 40, 60))
    status = path.stat()
    with engine.begin() as connection:
        values = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        connection.execute(sa.update(location).values(**values))
    for part, expected in (("", STACK[:5] // 2), ("3", STACK[3] // 2)):
        told = stats(http, part).json()
        assert told["max"] == expected.max()
        assert told["mean"] == pytest.approx(expected.mean())


def test_they_stay_when_the_file_goes_to_tape(
    engine: sa.Engine, settings: Settings, http: httpx.Client, path: Path
) -> None:
    assert stats(http, "1").status_code == 200
    Keeper(engine, settings, lambda: NOW).catch_up()
    with engine.begin() as connection:
        connection.execute(sa.update(location).values(tier="nearline"))
    path.unlink()
    assert stats(http, "").json()["mean"] == pytest.approx(STACK.mean())
    assert stats(http, "1").json()["reason"] == "nearline"
