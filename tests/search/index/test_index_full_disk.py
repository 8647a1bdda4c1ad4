"""No space left while indexing, met at the write itself: the old index serves on, and recovers."""

import mmap
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from following_index import (
    Changing,
    assert_equals_catalogue,
    caught_up,
    clock,
    fill,
    followers,
    kill,
    until,
)
from tantivy import Query

from panosc.domain.errors import Unavailable
from panosc.portal.operating import indexed
from panosc.search.index.folder import Folder
from panosc.search.index.following import explained, rebuild
from panosc.search.index.keeping.standing import standing
from panosc.settings import Settings

ANY = -1
LEFT = (0, 700, 6_000)
"""Bytes that can still be written: nothing, part of a segment, part of what makes it count."""

Disk = tuple[dict[str, str], Callable[[int], None]]


@pytest.fixture
def disk(settings: Settings, tmp_path: Path) -> Iterator[Disk]:
    """An environment in which the disk of the index may be full, and what says how much is left."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("This test needs a C compiler: on Debian and Ubuntu apt-get install gcc.")
    library, shared = tmp_path / "full_disk.so", tmp_path / "left"
    source = Path(__file__).with_name("full_disk.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True
    )
    shared.write_bytes(struct.pack("l", ANY))
    environment = {
        "LD_PRELOAD": str(library),
        "FULL_FOLDER": str(settings.home / "index"),
        "FULL_LEFT": str(shared),
    }
    with shared.open("r+b") as file, mmap.mmap(file.fileno(), 0) as left:

        def leave(size: int) -> None:
            left[:] = struct.pack("l", size)

        yield environment, leave


def test_a_full_disk_is_told_and_the_old_index_serves_on(
    engine: sa.Engine, settings: Settings, disk: Disk, tmp_path: Path
) -> None:
    environment, leave = disk
    folder, changing = Folder(settings.home), Changing(engine, 3)
    fill(engine)
    with followers(settings, environment) as program:
        process = program.start()
        for size in LEFT:
            before = caught_up(engine, folder)
            until(lambda: standing(folder, engine, clock()).error is None)
            count = before.searcher.num_docs
            leave(size)
            for _ in range(5):
                changing.step()
            until(lambda: standing(folder, engine, clock()).error is not None)
            found = standing(folder, engine, clock())
            assert found.state == "failing"
            assert found.error is not None
            assert f"The disk of {folder.path} is full" in found.error
            assert found.usable
            assert indexed.word(folder) == "failing"
            assert "panosc_index_failing 1" in list(indexed.lines(found))
            assert found.behind > 0
            now = folder.reader()
            assert now is not None
            assert (now.generation, now.position) == (before.generation, before.position)
            assert len(now.searcher.search(Query.all_query(), 1000).hits) == count
            leave(ANY)
        assert_equals_catalogue(engine, settings, tmp_path / "elsewhere")
        until(lambda: standing(folder, engine, clock()).error is None)
        kill(process)


def test_a_rebuild_that_finds_no_space_says_so_and_leaves_nothing_behind(
    engine: sa.Engine, settings: Settings, disk: Disk
) -> None:
    environment, leave = disk
    folder = Folder(settings.home)
    fill(engine)
    with followers(settings, environment) as program:
        process = program.start()
        before = caught_up(engine, folder)
        leave(5_000)
        with pytest.raises(Unavailable, match="is full") as caught:
            rebuild(engine, settings, clock, tell=lambda *_: None)
        assert caught.value.hint is not None
        assert "serves on" in caught.value.hint
        assert folder.current() == before.generation
        until(lambda: folder.others() == [])
        leave(ANY)
        # what began while there was no space has failed by then
        until(lambda: standing(folder, engine, clock()).error is None)
        rebuild(engine, settings, clock, tell=lambda *_: None)
        assert caught_up(engine, folder).generation != before.generation
        kill(process)


def test_other_troubles_of_the_disk_are_named(tmp_path: Path) -> None:
    found = explained(ValueError("io"), tmp_path / "not" / "there")
    assert "cannot be written: No such file or directory" in found.detail
    assert "cannot be written: io" in explained(ValueError("io"), tmp_path).detail
    assert list(tmp_path.iterdir()) == []
