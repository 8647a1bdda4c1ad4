"""No way from a URL of the catalogue to a file that is not online."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hostile
import pytest
import sqlalchemy as sa

from panosc.catalogue.tables import plot as plots
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE
from panosc.domain.errors import Unreadable
from panosc.files.service import PlotService
from panosc.files.tiers import online_files, require_online
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = Path(__file__).parents[2] / "src" / "panosc"


@pytest.fixture
def service(engine: sa.Engine, settings: Settings) -> Iterator[PlotService]:
    with PlotService(engine, settings, lambda: NOW) as it:
        yield it


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ä file.nxs"
    hostile.nexus(path).close()
    return path


def _register(engine: sa.Engine, **places: tuple[Path, str]) -> None:
    rows = []
    for name, (path, tier) in places.items():
        status = path.stat()
        size = {"size": status.st_size, "mtimeNs": status.st_mtime_ns, "tier": tier}
        place = {"url": path.as_uri(), "datasetId": "local/a", "name": name}
        rows.append(("Location", place | size))
    dataset = {"pid": "local/a", "access": "open", "defaultPlot": "/entry/data/I"}
    with engine.begin() as connection:
        write(connection, [("Dataset", dataset), *rows], now=NOW)


def test_the_path_of_an_online_file() -> None:
    assert require_online("file:///data/%C3%A4%20b%ff.nxs", "online") == "/data/ä b\udcff.nxs"


@pytest.mark.parametrize(
    ("url", "tier", "reason"),
    [
        ("file:///tape/a.nxs", "nearline", "nearline"),
        ("file:///tape/a.nxs", "removed", "gone"),
        ("file:///tape/a.nxs", "a tier to come", "gone"),
        ("https://example.org/a.nxs", "online", "not-here"),
        ("file://elsewhere/a.nxs", "online", "not-here"),
    ],
)
def test_no_path_of_any_other_file(url: str, tier: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        require_online(url, tier)
    assert caught.value.reason == reason


def test_a_plot_on_tape_is_refused_and_not_remembered(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    _register(engine, a=(path, "nearline"))
    with pytest.raises(Unreadable, match="on tape") as caught:
        service.plot(ANYONE, "local/a")
    assert caught.value.reason == "nearline"
    assert "Ask for it" in str(caught.value.hint)
    with engine.begin() as connection:
        assert connection.execute(sa.select(plots)).all() == []
        connection.execute(sa.text("update location set tier = 'online'"))
    assert service.plot(ANYONE, "local/a") is not None


def test_a_second_place_on_disk_is_read_instead(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    tape = path.with_name("a first by name")
    tape.write_bytes(b"never looked at")
    _register(engine, a=(tape, "nearline"), b=(path, "online"))
    assert service.plot(ANYONE, "local/a") is not None
    with engine.connect() as connection:
        key = connection.scalar(sa.text("select id from dataset"))
        assert key is not None
        assert [item.path for item in online_files(connection, key)] == [str(path)]
        assert [item.path for item in online_files(connection, key, name="b")] == [str(path)]
        with pytest.raises(Unreadable, match="on tape"):
            online_files(connection, key, name="a")
        with pytest.raises(Unreadable, match="not where"):
            online_files(connection, key, name="c")


@pytest.mark.parametrize(
    ("what", "where"),
    [
        # a URL becomes a path here alone; ingest takes apart its own URLs to compare paths
        (
            r"\bunquote_to_bytes\(|\burl2pathname\(|\bfrom_uri\(",
            "files/storage/places.py ingest/walking.py",
        ),
        # HDF5 is opened by what runs in workers, and by the formats, which read what was walked
        (
            r"\bopen_path\(|\bh5py\.File\(",
            (
                "files/opening.py files/plots.py files/chunks/library.py files/index/building.py"
                " files/storage/fileobj.py data/overviews/reading.py ingest/formats/"
            ),
        ),
        # and storages are read by who has asked `files.tiers`
        (r"\bopen_source\(", "files/storage/ files/chunks/ data/"),
        # the plot worker is sent paths by the service alone
        (r"files\.plots:read", "files/service.py"),
    ],
)
def test_there_is_no_other_way(what: str, where: str) -> None:
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(what, path.read_text("utf-8"))
    }
    assert found
    assert not {name for name in found if not name.startswith(tuple(where.split()))}
