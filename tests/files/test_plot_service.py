"""A dataset's plot: for those who may see it, from files that are still what they were."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hostile
import pytest
import sqlalchemy as sa

from panosc.catalogue.tables import plot as plots
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR
from panosc.domain.errors import NotFound, Unreadable
from panosc.domain.plots import LinePlot
from panosc.files.service import PlotService
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PID = "local/a"


@pytest.fixture
def service(engine: sa.Engine, settings: Settings) -> Iterator[PlotService]:
    with PlotService(engine, settings, lambda: NOW) as it:
        yield it


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ä file.nxs"
    hostile.nexus(path).close()
    return path


def _register(
    engine: sa.Engine, path: Path, *, access: str = "open", plot: str | None = None
) -> None:
    status = path.stat()
    until = (NOW + timedelta(days=9)).isoformat() if access == "embargoed" else None
    with engine.begin() as connection:
        dataset = {"pid": PID, "access": access, "embargoUntil": until, "defaultPlot": plot}
        place = {"url": path.as_uri(), "datasetId": PID, "name": path.name}
        size = {"size": status.st_size, "mtimeNs": status.st_mtime_ns}
        write(connection, [("Dataset", dataset), ("Location", place | size)], now=NOW)


def test_the_plot_is_read_once_and_kept(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    _register(engine, path, plot="/entry/data/I")
    first = service.plot(ANYONE, PID)
    assert isinstance(first, LinePlot)
    assert (first.points, first.x.label) == (64, "Q")
    path.unlink()
    assert service.plot(ANYONE, PID) == first


def test_who_may_not_see_detail_is_told_that_there_is_nothing(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    _register(engine, path, access="embargoed", plot="/entry/data/I")
    with pytest.raises(NotFound):
        service.plot(ANYONE, PID)
    with pytest.raises(NotFound):
        service.plot(ANYONE, "local/other")
    assert service.plot(OPERATOR, PID) is not None
    # what was read for one who may see it is not shown to one who may not
    with pytest.raises(NotFound):
        service.plot(ANYONE, PID)


def test_a_file_without_a_default_plot_has_none(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    _register(engine, path)
    assert service.plot(ANYONE, PID) is None


def test_a_file_that_has_gone_or_changed_is_told(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    _register(engine, path, plot="/entry/data/I")
    before = path.stat()
    os.utime(path, ns=(0, 0))
    with pytest.raises(Unreadable, match="changed") as caught:
        service.plot(ANYONE, PID)
    assert caught.value.reason == "changed"
    away = path.rename(path.with_name("away"))
    with pytest.raises(Unreadable, match="not where") as caught:
        service.plot(ANYONE, PID)
    assert caught.value.reason == "gone"
    # both may pass, so neither is remembered
    os.utime(away.rename(path), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert service.plot(ANYONE, PID) is not None


def test_a_plot_that_cannot_be_read_is_tried_once(
    service: PlotService, engine: sa.Engine, path: Path
) -> None:
    hostile.huge_shape(path)
    _register(engine, path, plot="/entry/data/I")
    for _ in range(2):
        with pytest.raises(Unreadable) as caught:
            service.plot(ANYONE, PID)
        assert caught.value.reason == "too-large"
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(plots)).all()) == 1


def test_a_plot_that_took_too_long_is_tried_again_later(
    engine: sa.Engine, settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(engine, path, plot="/entry/data/I")
    times = [NOW]
    hasty = settings.model_copy(update={"file_time_limit_s": 0.2})
    monkeypatch.setattr("panosc.files.service.READ", "worker_tasks:never")
    with PlotService(engine, hasty, lambda: times[-1]) as service, pytest.raises(Unreadable) as it:
        service.plot(ANYONE, PID)
    assert it.value.reason == "time-limit"
    monkeypatch.undo()
    with PlotService(engine, settings, lambda: times[-1]) as service:
        with pytest.raises(Unreadable):
            service.plot(ANYONE, PID)
        times.append(NOW + timedelta(hours=1))
        assert isinstance(service.plot(ANYONE, PID), LinePlot)
