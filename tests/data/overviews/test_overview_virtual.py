"""Overviews and plots of virtual datasets: drawn when all sources are there, else said why not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import overview_files as given
import pytest
import sqlalchemy as sa

from panosc.catalogue.changes import append
from panosc.catalogue.tables import location
from panosc.catalogue.writer import write
from panosc.data.overviews import following
from panosc.data.overviews.drawing import PRELOAD
from panosc.data.overviews.keeping import OverviewStore
from panosc.data.overviews.service import Overviews
from panosc.domain.access import ANYONE
from panosc.domain.errors import Unreadable
from panosc.domain.plots import ImagePlot
from panosc.files.chunks.selection import whole
from panosc.files.service import PlotService
from panosc.files.workers import Pool
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PID = "local/virtual"
MASTER = "run/master.nxs"
STACK = np.random.default_rng(8).poisson(7, (9, 30, 50)).astype("u2") + 1
ALL = whole(STACK.shape)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of three frames, and one that is made of them; an axis lies in the first."""
    (tmp_path / "run" / "raw").mkdir(parents=True)
    layout = h5py.VirtualLayout(STACK.shape, "<u2")
    for number in range(3):
        with h5py.File(tmp_path / "run" / "raw" / f"{number}.h5", "w") as file:
            part = STACK[3 * number : 3 * number + 3]
            how = dict(hdf5plugin.Bitshuffle()) if number else {}
            chunks = (1, 30, 50) if number else None
            node = file.create_dataset("frames", data=part, chunks=chunks, **how)
            file["x"] = np.linspace(0, 5, 50)
            layout[3 * number : 3 * number + 3] = h5py.VirtualSource(
                f"raw/{number}.h5", "frames", node.shape
            )
    with h5py.File(tmp_path / MASTER, "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": [".", ".", "x"]})
        data.create_virtual_dataset("counts", layout, fillvalue=0)
        axis = h5py.VirtualLayout((50,), "<f8")
        axis[...] = h5py.VirtualSource("raw/0.h5", "x", (50,))
        data.create_virtual_dataset("x", axis)
    return tmp_path


def register(engine: sa.Engine, folder: Path) -> None:
    rows = [("Dataset", {"pid": PID, "access": "open", "title": "Virtual"})]
    rows[0][1].update({"defaultPlot": given.SIGNAL, "defaultFile": MASTER})
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        place = {"url": path.as_uri(), "datasetId": PID, "name": str(path.relative_to(folder))}
        rows.append(("Location", place | {"size": status.st_size, "mtimeNs": status.st_mtime_ns}))
    with engine.begin() as connection:
        write(connection, rows, now=NOW)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=1, memory_mb=1024, time_limit_s=30, preload=PRELOAD) as made:
        yield made


class Node:
    """What draws, keeps and shows."""

    def __init__(self, engine: sa.Engine, settings: Settings, pool: Pool) -> None:
        self.engine, self.now = engine, NOW
        self.store = OverviewStore(settings.home)
        self.overviews = Overviews(engine, settings.home, self.clock)
        self.keeper = following.Keeper(engine, settings, self.clock, pool=pool)
        self.plots = PlotService(engine, settings, self.clock)

    def clock(self) -> datetime:
        return self.now

    def set(self, known: str, **values: object) -> None:
        """Change what is known of a file, as what moves it does."""
        with self.engine.begin() as connection:
            chosen = sa.update(location).where(location.c.name == known)
            connection.execute(chosen.values(**values))
            append(connection, [("Dataset", PID)])

    def failure(self) -> tuple[str, str] | None:
        self.keeper.catch_up()
        found = self.store.look(PID)
        assert found is not None
        assert (self.overviews.shown(ANYONE, PID) is None) == (found.failure is not None)
        return found.failure


@pytest.fixture
def node(engine: sa.Engine, settings: Settings, pool: Pool) -> Iterator[Node]:
    made = Node(engine, settings, pool)
    with made.plots:
        yield made


def test_it_is_drawn_when_all_sources_are_there(node: Node, folder: Path) -> None:
    register(node.engine, folder)
    plot = node.plots.plot(ANYONE, PID)
    assert isinstance(plot, ImagePlot)
    assert np.array_equal(np.array(plot.rows), STACK[0])
    assert plot.x.values == pytest.approx(np.linspace(0, 5, 50), rel=1e-5)
    assert node.failure() is None
    shown = node.overviews.shown(ANYONE, PID)
    assert shown is not None
    assert (shown.overview.shape, shown.overview.read) == ((9, 30, 50), 9)
    assert shown.plot == plot
    told = node.overviews.statistics(PID, given.SIGNAL, file=MASTER, part=ALL)
    assert told == pytest.approx(given.expected(STACK), rel=1e-12)
    # it stays when a source goes to tape, for it shows what that holds
    node.set("run/raw/1.h5", tier="nearline")
    (folder / "run/raw/1.h5").unlink()
    assert node.failure() is None
    # a source of another content makes it a picture of something else
    node.set("run/raw/1.h5", size=5)
    assert node.overviews.statistics(PID, given.SIGNAL, file=MASTER, part=ALL) is None


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        ({"tier": "nearline"}, "nearline", "raw/2.h5:frames is on tape"),
        ({"name": "elsewhere/2.h5"}, "missing-source", "raw/2.h5:frames is not there"),
        ({"size": 12}, "missing-source", "raw/2.h5:frames cannot be read"),
        ({"part": "entry2"}, "missing-source", "raw/2.h5:frames is not there"),
    ],
    ids=["on-tape", "elsewhere", "changed", "of-another-dataset"],
)
def test_a_source_that_is_not_there_is_told_and_never_zeros(
    node: Node, folder: Path, values: dict[str, object], reason: str, words: str
) -> None:
    register(node.engine, folder)
    node.set("run/raw/2.h5", **values)
    failure = node.failure()
    assert failure is not None
    assert failure[0] == reason
    assert words in failure[1]
    # the plot is of the first frame alone, which is there
    assert node.plots.plot(ANYONE, PID) is not None
    with node.engine.begin() as connection:
        connection.execute(sa.text("delete from plot"))
        connection.execute(
            sa.update(location).where(location.c.name == "run/raw/0.h5").values(**values)
        )
    with pytest.raises(Unreadable) as caught:
        node.plots.plot(ANYONE, PID)
    assert caught.value.reason == reason
    # neither is remembered: when all is there again, it is drawn
    with node.engine.begin() as connection:
        connection.execute(sa.text("delete from location"))
    register(node.engine, folder)
    with node.engine.begin() as connection:
        append(connection, [("Dataset", PID)])
    node.now += timedelta(hours=1)
    assert node.failure() is None
    assert node.plots.plot(ANYONE, PID) is not None
