"""A file of which only a part could be indexed: the page of it says so."""

from dataclasses import replace
from pathlib import Path

import h5py
import httpx
import pytest
import sqlalchemy as sa
from h5_node import OPEN, h5_node

from panosc.files.index import building
from panosc.files.index.keeping import IndexStore, key_of
from panosc.settings import Settings


def test_what_took_too_long_is_told_on_the_page(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(5):
            file[f"entry/x{number}"] = number
    whole = building.build(str(path))
    assert whole.notes == ()
    monkeypatch.setattr(building, "ENOUGH_S", -1.0)
    cut = building.build(str(path))
    assert [word for word, _ in cut.notes] == ["too-long"]
    assert len(cut.things) < len(whole.things)
    # the time that was allowed is told as it is
    cut = replace(cut, notes=(("too-long", "/entry: only what was read in 30 s is here"),))
    status = path.stat()
    store = IndexStore(settings.home / "derived" / "index")
    key = key_of(path.as_uri(), status.st_size, status.st_mtime_ns)
    with h5_node(engine, settings, {OPEN: {"a.h5": path}}) as node:
        page = f"{node.address}/datasets/{OPEN}/-/view"
        words = "Not all of this file is shown"
        assert words not in httpx.get(page, params={"path": "/entry"}).text
        store.drop(key)
    store.write(key, cut)
    with h5_node(engine, settings, {OPEN: {"a.h5": path}}) as node:
        told = httpx.get(f"{node.address}/datasets/{OPEN}/-/view", params={"path": "/"}).text
        assert words in told
        assert "only what was read in 30 s" in told
