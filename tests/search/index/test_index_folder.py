"""The folder of the index: what is damaged, old or of another database is built anew."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from following_index import caught_up, clock, fill, until
from tantivy import Query

from panosc.catalogue import changes
from panosc.catalogue.database import open_database
from panosc.domain.errors import Unavailable
from panosc.search.index import schema
from panosc.search.index.folder import Folder, Mark, Snapshot
from panosc.search.index.following import following, rebuild
from panosc.search.index.keeping.generation import Generation
from panosc.search.index.keeping.standing import Telling, Told, standing
from panosc.settings import Settings


@pytest.fixture
def folder(engine: sa.Engine, settings: Settings) -> Folder:
    """The folder of a node with a small catalogue and an index of it."""
    fill(engine)
    rebuild(engine, settings, clock, tell=lambda *_: None)
    return Folder(settings.home)


def opened(folder: Folder) -> Snapshot:
    found = folder.reader()
    assert found is not None
    return found


def path_of(folder: Folder) -> Path:
    return folder.path / opened(folder).generation


def mark_of(folder: Folder) -> Mark:
    mark = folder.mark(opened(folder).generation)
    assert mark is not None
    return mark


def without_files(folder: Folder) -> None:
    for path in path_of(folder).glob("*.idx"):
        path.unlink()


def cut_short(folder: Folder) -> None:
    for path in path_of(folder).glob("*.store"):
        os.truncate(path, path.stat().st_size // 2)


def without_meta(folder: Folder) -> None:
    (path_of(folder) / "meta.json").unlink()


def broken_meta(folder: Folder) -> None:
    (path_of(folder) / "meta.json").write_text("{}")


def broken_mark(folder: Folder) -> None:
    (path_of(folder) / "panosc.json").write_text('{"position": 1')


def of_another_version(folder: Folder) -> None:
    mark = replace(mark_of(folder), schema=schema.VERSION + 1)
    folder.write_mark(opened(folder).generation, mark)


def of_another_library(folder: Folder) -> None:
    mark = replace(mark_of(folder), format="tantivy v9.9.9, index_format v99")
    folder.write_mark(opened(folder).generation, mark)


def of_another_history(folder: Folder) -> None:
    folder.write_mark(opened(folder).generation, replace(mark_of(folder), seal="Dataset other"))


def of_the_future(folder: Folder) -> None:
    folder.write_mark(opened(folder).generation, replace(mark_of(folder), position=10**9))


def wrong_name(folder: Folder) -> None:
    (folder.path / "current").write_text("../elsewhere\n")


def deleted(folder: Folder) -> None:
    shutil.rmtree(folder.path)


DAMAGES = [
    without_files,
    cut_short,
    without_meta,
    broken_meta,
    broken_mark,
    of_another_version,
    of_another_library,
    of_another_history,
    of_the_future,
    wrong_name,
    deleted,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_used_is_built_anew(
    engine: sa.Engine, settings: Settings, folder: Folder, damage: Callable[[Folder], None]
) -> None:
    before = opened(folder).generation
    damage(folder)
    with following(engine, settings, clock):
        until(lambda: Folder(settings.home).current() not in {before, "../elsewhere", None})
        found = caught_up(engine, Folder(settings.home))
    assert len(found.searcher.search(Query.all_query(), 1000).hits) == found.searcher.num_docs > 20
    until(lambda: opened(folder).generation == found.generation)
    assert Folder(settings.home).others() == []


@pytest.mark.parametrize(
    "damage", [broken_meta, broken_mark, of_another_version, of_another_library]
)
def test_who_reads_does_not_use_it_either(
    engine: sa.Engine, settings: Settings, folder: Folder, damage: Callable[[Folder], None]
) -> None:
    damage(folder)
    assert Folder(settings.home).reader() is None
    found = standing(Folder(settings.home), engine, clock())
    assert (found.usable, found.documents) == (False, {})


def test_an_index_that_is_deleted_while_it_is_kept_comes_again(
    engine: sa.Engine, settings: Settings, folder: Folder
) -> None:
    with following(engine, settings, clock):
        before = caught_up(engine, folder).generation

        def is_deleted() -> bool:
            # what is written meanwhile stays: whoever deletes it does so once more
            shutil.rmtree(folder.path, ignore_errors=True)
            return folder.current() != before

        until(is_deleted)
        until(lambda: folder.current() not in {before, None})
        assert caught_up(engine, folder).searcher.num_docs > 20


def test_the_index_of_another_database_is_not_used(
    settings: Settings,
    folder: Folder,
    new_database: Callable[..., AbstractContextManager[str]],
    template: str,
) -> None:
    with (
        new_database(template) as address,
        open_database(Settings(home=settings.home, database_url=address)) as other,
    ):
        fill(other, seed=9)
        opened_for, fault = Generation.taken_up(other, folder)
        assert (opened_for, fault) == (None, "it is not an index of this database")


def test_a_database_that_went_back_in_time_is_noticed(
    engine: sa.Engine, settings: Settings, folder: Folder
) -> None:
    position = opened(folder).position
    with engine.begin() as connection:
        # a restored copy has the follower of that generation, and writes other changes since
        connection.exec_driver_sql(f"delete from changes where number > {position - 3}")
        connection.exec_driver_sql(f"select setval('changes_number', {position - 3})")
        changes.append(connection, [("Dataset", f"other/{n}") for n in range(9)])
    assert Generation.taken_up(engine, folder) == (None, "the database has another history")


def test_readers_elsewhere_see_a_commit_and_keep_what_they_have(
    engine: sa.Engine, settings: Settings, folder: Folder
) -> None:
    elsewhere = Folder(settings.home)
    before = opened(elsewhere)
    assert opened(elsewhere) is before
    assert before.generation == folder.current()
    rebuild(engine, settings, clock, tell=lambda *_: None)
    after = opened(elsewhere)
    assert after.generation != before.generation
    assert not (folder.path / before.generation).exists()
    # its files are gone, what was opened reads on
    everything = before.searcher.search(Query.all_query(), 1000).hits
    assert len(before.searcher.fast_field_values("key", [place for _, place in everything])) > 20


def test_the_position_of_a_reader_is_never_newer_than_what_it_finds(
    engine: sa.Engine, settings: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens between the reading of the mark and of the index."""
    reader = Folder(settings.home)
    opened(reader)
    generation, _ = Generation.taken_up(engine, folder)
    assert generation is not None
    fill(engine, seed=5)
    read = Folder.mark

    def slowly(self: Folder, name: str) -> Mark | None:
        found = read(self, name)
        if self is reader:
            generation.follow()
        return found

    generation.follow(1)
    monkeypatch.setattr(Folder, "mark", slowly)
    between = opened(reader)
    monkeypatch.undo()
    after = opened(reader)
    generation.close()
    assert between.position < after.position
    assert after.position == generation.position


def test_looking_costs_little(folder: Folder) -> None:
    opened(folder)
    start = time.thread_time()
    for _ in range(1000):
        folder.reader()
    # some 5 microseconds each on an idle machine
    assert time.thread_time() - start < 0.5


def test_what_the_writer_tells_is_short_and_survives_nonsense(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.path.mkdir()
    telling = Telling(folder)
    assert telling.read() == Told()
    telling.write(Told(state="failing", error="ü" * 10_000, answer="x" * 10_000))
    found = telling.read()
    assert (found.state, len(found.error or ""), len(found.answer or "")) == ("failing", 1000, 1000)
    telling.path.write_text("{")
    assert telling.read() == Told()
    telling.path.write_text('{"new": 1}')
    assert telling.read() == Told()


def test_a_folder_that_cannot_be_written_is_explained(
    engine: sa.Engine, settings: Settings
) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "index").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be written"):
        rebuild(engine, settings, clock, tell=lambda *_: None)
