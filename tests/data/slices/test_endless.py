"""Virtual datasets without an end through the API, and in the overview of their dataset."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import sqlalchemy as sa
from h5_node import NOW, OPEN, Node, h5_node
from h5py import h5d, h5p, h5s, h5t

from panosc.catalogue.tables import dataset, location
from panosc.data.overviews.following import Keeper
from panosc.data.overviews.service import Overviews
from panosc.domain.access import ANYONE
from panosc.settings import Settings

FRAMES = np.random.default_rng(4).poisson(5, (6, 8, 9)).astype("u2") + 1
SIGNAL = "/entry/data/frames"


def space(count: int, block: int, *, extent: int = 0) -> h5s.SpaceID:
    made = h5s.create_simple((extent, 8, 9), (h5s.UNLIMITED, 8, 9))
    made.select_hyperslab((0, 0, 0), (count, 1, 1), (block, 1, 1), (block, 8, 9))
    return made


def endless(group: h5py.Group, name: str, source: str, block: int) -> None:
    """Put blocks of `source`, which has ``%b`` in its name, or all of it, one after the other."""
    plan = h5p.create(h5p.DATASET_CREATE)
    there = space(1 if "%b" in source else h5s.UNLIMITED, block)
    plan.set_virtual(space(h5s.UNLIMITED, block), source.encode(), b"d", there)
    h5d.create(group.id, name.encode(), h5t.STD_U16LE, space(1, 1), plan).close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for number in range(3):
        with h5py.File(tmp_path / f"part_{number}.h5", "w") as file:
            some = FRAMES[2 * number : 2 * number + 2]
            file.create_dataset("d", data=some, maxshape=(None, 8, 9), chunks=(1, 8, 9))
    with h5py.File(tmp_path / "master.h5", "w", libver="latest") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "frames"})
        endless(data, "frames", "part_%b.h5", 2)
        endless(data, "growing", "part_1.h5", 1)
        endless(data, "lost", "gone.h5", 1)
        file["soft"] = h5py.SoftLink(SIGNAL)
    with h5py.File(tmp_path / "beside.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("master.h5", SIGNAL)
    return {path.name: path for path in sorted(tmp_path.glob("*.h5"))}


@pytest.fixture
def node(engine: sa.Engine, settings: Settings, files: dict[str, Path]) -> Iterator[Node]:
    with h5_node(engine, settings, {OPEN: files}) as served:
        yield served


def shape(node: Node, path: str, file: str = "master.h5") -> list[int]:
    told = node.h5("meta", file, path)
    assert told.status_code == 200, told.text
    found: list[int] = told.json()["shape"]
    return found


def test_they_are_as_long_as_h5py_says_and_hold_the_same(
    node: Node, files: dict[str, Path]
) -> None:
    with h5py.File(files["master.h5"]) as file:
        group = file["entry/data"]
        for name in ("frames", "growing"):
            assert shape(node, f"/entry/data/{name}") == list(group[name].shape)
            for selection, index in (("", ...), ("1", 1), ("0:2,3,::2", np.s_[0:2, 3, ::2])):
                asked = {"format": "bin"} | ({"selection": selection} if selection else {})
                answer = node.h5("data", "master.h5", f"/entry/data/{name}", **asked)
                assert answer.content == group[name][index].tobytes(), answer.text
        assert shape(node, SIGNAL) == [6, 8, 9]
    listed = node.h5("meta", "master.h5", "/entry/data").json()["children"]
    assert {one["name"]: one["shape"][0] for one in listed} == {
        "frames": 6,
        "growing": 2,
        "lost": 0,
    }
    root = node.h5("meta", "master.h5", "/").json()["children"]
    assert [one["shape"] for one in root if one["name"] == "soft"] == [[6, 8, 9]]
    assert shape(node, "/linked", "beside.h5") == [6, 8, 9]
    (linked,) = node.h5("meta", "beside.h5", "/").json()["children"]
    assert linked["shape"] == [6, 8, 9]
    stats = node.h5("stats", "master.h5", SIGNAL).json()
    assert (stats["min"], stats["mean"]) == (FRAMES.min(), pytest.approx(FRAMES.mean()))


def test_one_whose_source_is_not_there_says_so(node: Node) -> None:
    for what in ("data", "stats"):
        answer = node.h5(what, "master.h5", "/entry/data/lost")
        assert answer.status_code == 422
        assert answer.json()["reason"] == "missing-source"
        assert "gone.h5" in answer.json()["detail"]
    # the third file is no longer of the dataset: two are there, as when it was never written
    with node.engine.begin() as connection:
        chosen = sa.update(location).where(location.c.name == "part_2.h5")
        connection.execute(chosen.values(tier="nearline"))
    answer = node.h5("data", "master.h5", SIGNAL, selection="5")
    assert answer.json()["reason"] == "nearline"
    with node.engine.begin() as connection:
        connection.execute(sa.delete(location).where(location.c.name == "part_2.h5"))


def test_its_overview_is_drawn(engine: sa.Engine, settings: Settings, node: Node) -> None:
    with engine.begin() as connection:
        values = {"default_plot": SIGNAL, "default_file": "master.h5"}
        connection.execute(sa.update(dataset).values(**values))
    Keeper(engine, settings, lambda: NOW).catch_up()
    shown = Overviews(engine, settings.home, lambda: NOW).shown(ANYONE, OPEN)
    assert shown is not None
    assert shown.overview.shape == (6, 8, 9)
    assert shown.overview.statistics["mean"] == pytest.approx(FRAMES.mean())
