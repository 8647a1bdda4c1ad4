"""Overviews and plots of files that lie in a real S3 alone: as those of the same file here."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
import sqlalchemy as sa
from seaweed import BUCKET, Seaweed, free_ports
from test_storage_node import storage

from panosc.catalogue.changes import append
from panosc.catalogue.tables import location
from panosc.catalogue.writer import write
from panosc.data.overviews.following import Keeper
from panosc.data.overviews.keeping import OverviewStore
from panosc.data.overviews.service import Overviews
from panosc.domain.access import ANYONE
from panosc.domain.errors import Unreadable
from panosc.files.service import PlotService
from panosc.files.storage.opening import connected, open_source
from panosc.files.storage.places import stores_of
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SIGNAL = "/entry/data/counts"
STACK = np.random.default_rng(6).poisson(3, (7, 200, 210)).astype("u2")
HERE, THERE, MADE, TAPE = "local/here", "local/there", "local/made", "local/tape"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictured")
    with h5py.File(folder / "stack.nxs", "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        how = dict(hdf5plugin.Bitshuffle())
        data.create_dataset("counts", data=STACK, chunks=(1, 200, 210), **how)
        # only the HDF5 library knows its filter
        odd = {"scaleoffset": 5, "chunks": (1, 200, 210)}
        data.create_dataset("odd", data=STACK % 16, **odd)
    with h5py.File(folder / "made.nxs", "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        layout = h5py.VirtualLayout((2, *STACK.shape), "<u2")
        for number, name in enumerate(("counts", "odd")):
            layout[number] = h5py.VirtualSource("stack.nxs", f"entry/data/{name}", STACK.shape)
        data.create_virtual_dataset("counts", layout)
    return folder


@pytest.fixture
def site(engine: sa.Engine, settings: Settings, seaweed: Seaweed, files: Path) -> Settings:
    """A node that knows a file here and in the storage, and a virtual one there."""
    site = settings.model_copy(update={"storages": (storage(seaweed),)})
    rows = []
    for pid, names in (
        (HERE, ["stack.nxs"]),
        (THERE, ["stack.nxs"]),
        (MADE, ["made.nxs", "stack.nxs"]),
        (TAPE, ["stack.nxs"]),
    ):
        more = {"defaultPlot": SIGNAL, "defaultFile": names[0]}
        rows.append(("Dataset", {"pid": pid, "access": "open", "title": pid, **more}))
        for name in names:
            seaweed.put(f"node/{pid}/{name}", (files / name).read_bytes())
            url = f"s3://{BUCKET}/node/{pid}/{name}"
            with open_source(url, stores_of(site)) as source:
                size, mtime_ns = source.size, source.mtime_ns
            if pid == HERE:
                url, mtime_ns = (files / name).as_uri(), (files / name).stat().st_mtime_ns
            tier = "nearline" if pid == TAPE else "online"
            row = {"url": url, "datasetId": pid, "name": name, "tier": tier}
            rows.append(("Location", row | {"size": size, "mtimeNs": mtime_ns}))
    with engine.begin() as connection:
        write(connection, rows, now=NOW)
    return site


@pytest.fixture
def plots(engine: sa.Engine, site: Settings) -> Iterator[PlotService]:
    with PlotService(engine, site, lambda: NOW) as it:
        yield it


def test_they_are_those_of_the_same_file_here(
    engine: sa.Engine, site: Settings, plots: PlotService
) -> None:
    Keeper(engine, site, lambda: NOW).catch_up()
    overviews = Overviews(engine, site.home, lambda: NOW, stores=stores_of(site))
    here, there, made = (overviews.shown(ANYONE, pid) for pid in (HERE, THERE, MADE))
    assert here is not None
    assert there is not None
    assert made is not None
    assert there.note is None
    assert (there.svg, there.plot) == (here.svg, here.plot)
    assert there.overview.statistics == here.overview.statistics
    assert there.overview.statistics["mean"] == pytest.approx(STACK.mean())
    for name in ("3", "max"):
        pictures = [
            overviews.picture(ANYONE, pid, size="large", frame=name, form="webp").content()
            for pid in (HERE, THERE)
        ]
        assert pictures[0] == pictures[1]
    assert plots.plot(ANYONE, THERE) == plots.plot(ANYONE, HERE) == here.plot
    both = np.stack([STACK, STACK % 16])
    assert made.overview.shape == both.shape
    assert made.overview.statistics["std"] == pytest.approx(both.std())
    assert plots.plot(ANYONE, MADE) == made.plot


def test_what_is_on_tape_is_not_asked_for(
    engine: sa.Engine, site: Settings, plots: PlotService
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(location).where(location.c.url.like("file:%")))
        connection.execute(sa.update(location).values(tier="nearline"))
    (store,) = stores_of(site)
    before = connected(store).requests
    Keeper(engine, site, lambda: NOW).catch_up()
    for pid in (THERE, MADE, TAPE):
        with pytest.raises(Unreadable) as caught:
            plots.plot(ANYONE, pid)
        assert caught.value.reason == "nearline"
    assert connected(store).requests == before
    assert list(OverviewStore(site.home).all()) == []


def test_a_storage_that_is_down_is_told_and_tried_again(
    engine: sa.Engine, site: Settings, seaweed: Seaweed
) -> None:
    nowhere = storage(seaweed, endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    down = site.model_copy(update={"storages": (nowhere,)})
    Keeper(engine, down, lambda: NOW).catch_up()
    found = OverviewStore(site.home).look(THERE)
    assert found is not None
    assert found.failure is not None
    assert found.failure[0] == "not-reachable"
    with PlotService(engine, down, lambda: NOW) as plots, pytest.raises(Unreadable) as caught:
        plots.plot(ANYONE, THERE)
    assert caught.value.reason == "not-reachable"
    with engine.begin() as connection:
        append(connection, [("Dataset", THERE)])
    Keeper(engine, site, lambda: NOW + timedelta(hours=1)).catch_up()
    assert Overviews(engine, site.home, lambda: NOW).shown(ANYONE, THERE) is not None


def test_a_file_that_was_replaced_is_not_drawn(
    engine: sa.Engine, site: Settings, seaweed: Seaweed, files: Path, plots: PlotService
) -> None:
    for pid in (THERE, MADE):
        seaweed.put(f"node/{pid}/stack.nxs", (files / "stack.nxs").read_bytes()[::-1])
    Keeper(engine, site, lambda: NOW).catch_up()
    store = OverviewStore(site.home)
    assert store.look(THERE) is None
    made = store.look(MADE)
    assert made is not None
    assert made.failure is not None
    assert made.failure[0] == "missing-source"
    for pid, reason in ((THERE, "changed"), (MADE, "missing-source")):
        with pytest.raises(Unreadable) as caught:
            plots.plot(ANYONE, pid)
        assert caught.value.reason == reason
