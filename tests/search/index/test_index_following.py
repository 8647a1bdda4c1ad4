"""Following the feed: in whatever steps, the index comes to say what the catalogue does."""

import os
import random
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from following_index import (
    NOW,
    Changing,
    assert_equals_catalogue,
    caught_up,
    clock,
    expected,
    fill,
    followers,
    kill,
    until,
)
from index_dump import index_dump
from tantivy import Query

from panosc.catalogue import changes, tables
from panosc.catalogue.database import LAST
from panosc.catalogue.writer import write
from panosc.domain.pid import surrogate
from panosc.search.index import gathering
from panosc.search.index.folder import Folder, Snapshot
from panosc.search.index.following import following, rebuild
from panosc.search.index.keeping import building, lagging
from panosc.search.index.keeping import generation as generation_module
from panosc.search.index.keeping.generation import Generation, follower_of
from panosc.search.index.keeping.lagging import pending
from panosc.search.index.keeping.standing import standing
from panosc.settings import Settings


@dataclass(frozen=True)
class Node:
    """A home with a catalogue."""

    engine: sa.Engine
    settings: Settings

    @property
    def folder(self) -> Folder:
        return Folder(self.settings.home)

    def write(self, *rows: tuple[str, dict[str, object]]) -> None:
        with self.engine.begin() as connection:
            write(connection, rows, now=NOW)

    def rebuild(self) -> None:
        rebuild(self.engine, self.settings, clock, tell=lambda *_: None)

    def snapshot(self) -> Snapshot:
        found = self.folder.reader()
        assert found is not None
        return found


@pytest.fixture
def node(engine: sa.Engine, settings: Settings) -> Node:
    """A node with a small catalogue, without an index."""
    fill(engine)
    return Node(engine, settings)


def finds(snapshot: Snapshot, model: str, pid: str) -> bool:
    return holds(snapshot, surrogate(model, pid))


def holds(snapshot: Snapshot, key: int) -> bool:
    query = Query.term_query(snapshot.schema, "key", key)
    return snapshot.searcher.search(query, 1).count == 1


@pytest.mark.parametrize("limit", [2, 50])
def test_any_division_of_the_changes_leads_to_the_same_index(
    node: Node, tmp_path: Path, limit: int
) -> None:
    node.rebuild()
    changing = Changing(node.engine, limit)
    for _ in range(20):
        changing.step()
    generation, fault = Generation.taken_up(node.engine, node.folder)
    assert (generation is not None, fault) == (True, None)
    while generation.follow(limit):
        pass
    generation.close()
    found = index_dump(node.snapshot(), node.settings.home, node.engine)
    assert found == expected(node.engine, tmp_path / "elsewhere")


def test_a_document_forgets_what_it_had_from_a_dataset_that_left_it(
    node: Node, tmp_path: Path
) -> None:
    """Also when the dataset was read again, for another reason, before its own change comes."""
    node.write(
        ("Document", {"pid": "x", "isPublic": True}),
        ("Document", {"pid": "y", "isPublic": True}),
        ("Instrument", {"pid": "i", "name": "unheard-of"}),
        ("Dataset", {"pid": "d", "isPublic": True, "instrumentId": "i", "access": "open"}),
        ("DocumentDataset", {"documentId": "x", "datasetId": "d"}),
        ("DocumentDataset", {"documentId": "y", "datasetId": "d"}),
    )
    node.rebuild()
    with node.engine.begin() as connection:
        changes.append(connection, [("Document", "x")])
    with node.engine.begin() as connection:
        link = tables.document_dataset
        connection.execute(sa.delete(link).where(link.c.document_id == surrogate("Document", "y")))
        changes.append(connection, [("Dataset", "d")])
    generation, _ = Generation.taken_up(node.engine, node.folder)
    assert generation is not None
    while generation.follow(1):
        pass
    generation.close()
    found = index_dump(node.snapshot(), node.settings.home, node.engine)
    assert found == expected(node.engine, tmp_path / "elsewhere")


def test_what_is_written_is_found_within_a_second_and_what_is_deleted_is_not(node: Node) -> None:
    with following(node.engine, node.settings, clock):
        caught_up(node.engine, node.folder)
        if sys.platform == "linux":
            threads = {one.name: one.native_id for one in threading.enumerate()}
            assert os.getpriority(os.PRIO_PROCESS, threads["index"] or 0) == LAST
        node.write(("Dataset", {"pid": "new", "title": "hello"}))
        start = time.monotonic()
        assert finds(caught_up(node.engine, node.folder), "Dataset", "new")
        # a second when idle; others may be at work on this machine
        assert time.monotonic() - start < 5
        with node.engine.begin() as connection:
            connection.execute(sa.delete(tables.dataset).where(tables.dataset.c.pid == "new"))
            changes.append(connection, [("Dataset", "new")], deleted=True)
        assert not finds(caught_up(node.engine, node.folder), "Dataset", "new")


def test_the_feed_is_kept_until_the_index_has_it(node: Node) -> None:
    node.rebuild()
    node.write(("Dataset", {"pid": "late"}))
    position = node.snapshot().position
    with node.engine.begin() as connection:
        changes.prune(connection, before=datetime.now(UTC) + timedelta(days=1))
        assert changes.since(connection, position, limit=1)
    with following(node.engine, node.settings, clock):
        assert finds(caught_up(node.engine, node.folder), "Dataset", "late")
    with node.engine.begin() as connection:
        changes.prune(connection, before=datetime.now(UTC) + timedelta(days=1))
        assert not changes.since(connection, 0, limit=1)
    # nothing is left of the feed to know the database by, and nothing is built anew for that
    before = node.folder.current()
    with following(node.engine, node.settings, clock):
        node.write(("Dataset", {"pid": "later"}))
        assert finds(caught_up(node.engine, node.folder), "Dataset", "later")
    assert node.folder.current() == before


def test_a_failing_record_is_told_and_the_last_moment_serves_on(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.rebuild()
    before = node.snapshot().position

    def fails(*_: object) -> None:
        raise KeyError("odd")

    with monkeypatch.context() as patch:
        patch.setattr("panosc.search.index.gathering.touched", fails)
        with following(node.engine, node.settings, clock):
            node.write(("Dataset", {"pid": "odd"}))

            def is_failing() -> bool:
                return standing(node.folder, node.engine, clock()).state == "failing"

            until(is_failing)
            found = standing(node.folder, node.engine, clock())
            assert "KeyError: 'odd'" in str(found.error)
            assert (found.usable, found.position, found.behind) == (True, before, 1)
    with following(node.engine, node.settings, clock):
        assert finds(caught_up(node.engine, node.folder), "Dataset", "odd")
        until(lambda: standing(node.folder, node.engine, clock()).error is None)


def test_a_node_that_stops_does_not_wait_for_what_takes_long(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.rebuild()
    for number in range(30):
        node.write(("Dataset", {"pid": f"many/{number}"}))
    monkeypatch.setattr(generation_module, "CHUNK", 1)
    read = gathering.documents
    begun = threading.Event()

    def slowly(*given: Any) -> Any:
        begun.set()
        time.sleep(1)
        return read(*given)

    monkeypatch.setattr(gathering, "documents", slowly)
    before = node.snapshot().position
    with following(node.engine, node.settings, clock):
        assert begun.wait(30)
        start = time.monotonic()
    # thirty would take half a minute
    assert time.monotonic() - start < 15
    assert node.snapshot().position == before
    monkeypatch.undo()
    with following(node.engine, node.settings, clock):
        assert finds(caught_up(node.engine, node.folder), "Dataset", "many/29")


def test_only_one_process_writes_and_the_next_goes_on_after_it(node: Node, tmp_path: Path) -> None:
    with followers(node.settings) as program:
        first = program.start()
        caught_up(node.engine, node.folder)
        second = program.start()
        changing = Changing(node.engine, 5)
        for _ in range(5):
            changing.step()
        caught_up(node.engine, node.folder)
        with node.folder.writing() as lock:
            assert lock is None
        kill(first)
        for _ in range(5):
            changing.step()
        assert_equals_catalogue(node.engine, node.settings, tmp_path / "elsewhere")
        kill(second)
    assert len([*(node.settings.home / "index").glob("g-*")]) == 1


def test_a_rebuild_is_asked_of_who_writes_and_no_search_fails_meanwhile(node: Node) -> None:
    told: list[tuple[int, int]] = []
    faults: list[Exception] = []
    seen: set[str] = set()
    ends = threading.Event()

    def search() -> None:
        folder = node.folder
        while not ends.is_set():
            try:
                snapshot = folder.reader()
                assert snapshot is not None
                assert finds(snapshot, "Dataset", "ds/1")
                seen.add(snapshot.generation)
            except Exception as error:
                faults.append(error)
            time.sleep(0.001)

    with followers(node.settings) as program:
        process = program.start()
        before = caught_up(node.engine, node.folder).generation
        searching = threading.Thread(target=search)
        searching.start()
        try:
            for _ in range(2):
                rebuild(
                    node.engine,
                    node.settings,
                    clock,
                    tell=lambda done, total: told.append((done, total)),
                )
            time.sleep(0.1)
        finally:
            ends.set()
            searching.join()
        after = node.folder.current()
        kill(process)
    assert faults == []
    assert before != after
    assert {before, after} <= seen
    assert told
    # the old ones are gone, and the feed waits for them no more
    assert node.folder.others() == []
    with node.engine.connect() as connection:
        assert follower_of(before).position(connection) is None


def test_an_index_is_followed_while_another_is_built(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.rebuild()
    generation, _ = Generation.taken_up(node.engine, node.folder)
    assert generation is not None
    fresh: list[bool] = []

    def meanwhile() -> None:
        node.write(("Dataset", {"pid": f"m{len(fresh)}"}))
        assert generation.follow()
        snapshot = node.snapshot()
        assert snapshot.generation == generation.name
        fresh.append(finds(snapshot, "Dataset", f"m{len(fresh)}"))

    monkeypatch.setattr(building, "CHUNK", 5)
    made = building.build(
        node.engine,
        node.folder,
        tell=lambda *_: None,
        meanwhile=lambda: meanwhile() if len(fresh) < 4 else None,
    )
    assert fresh == [True] * 4
    assert node.snapshot().generation == made.name
    assert all(finds(node.snapshot(), "Dataset", f"m{n}") for n in range(4))


def test_what_changed_after_the_position_is_pending(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.rebuild()
    snapshot = node.snapshot()
    with node.engine.connect() as connection:
        assert not pending(connection, snapshot.position, snapshot.searcher)
    node.write(("Dataset", {"pid": "ds/1"}), ("Dataset", {"pid": "new"}))
    node.write(("Sample", {"pid": "s0", "name": "none of the index"}))
    old, new = surrogate("Dataset", "ds/1"), surrogate("Dataset", "new")
    with node.engine.connect() as connection:
        found = pending(connection, snapshot.position, snapshot.searcher)
        assert set(found.keys) == {old, new}
        assert not found.is_partial
        assert pending(connection, snapshot.position, snapshot.searcher) is found
    # of very many, those that cannot be in the index are left aside
    monkeypatch.setattr(lagging, "MOST", 1)
    node.write(("Document", {"pid": "doc/1"}))
    with node.engine.begin() as connection:
        table = tables.document
        connection.execute(sa.delete(table).where(table.c.pid == "doc/2"))
        changes.append(connection, [("Document", "doc/2")], deleted=True)
    node.write(("Document", {"pid": "doc/2"}))
    documents = {surrogate("Document", f"doc/{n}") for n in (1, 2)}
    with node.engine.connect() as connection:
        found = lagging._Lagging().pending(connection, snapshot.position, snapshot.searcher)
        assert set(found.keys) == {old, *documents}
        assert found.is_partial


def test_what_is_pending_is_read_once_and_forgotten_as_the_index_follows(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lagging, "MOST", 3)
    node.rebuild()
    before = node.snapshot()
    rng, asked = random.Random(11), lagging._Lagging()
    for number in range(12):
        # some at once, some alone, old ones again, some deleted and back
        for pid in rng.sample([f"ds/{n}" for n in range(3)] + [f"new/{n}" for n in range(9)], 5):
            node.write(("Dataset", {"pid": pid, "title": f"written {number}"}))
        with node.engine.begin() as connection:
            pid = rng.choice(["ds/1", "new/2"])
            connection.execute(sa.delete(tables.dataset).where(tables.dataset.c.pid == pid))
            changes.append(connection, [("Dataset", pid)], deleted=True)
        if number % 3 == 2:
            # some way, not to the end
            generation, _ = Generation.taken_up(node.engine, node.folder)
            assert generation is not None
            generation.follow(7)
            generation.close()
        snapshot = node.snapshot()
        with node.engine.connect() as connection:
            found = asked.pending(connection, snapshot.position, snapshot.searcher)
            feed = tables.changes.c
            after = sa.select(feed.pid).where(feed.number > snapshot.position)
            changed = {surrogate("Dataset", one) for one in connection.scalars(after)}
            assert set(found.keys) <= changed
            # whatever the index holds of it is told
            assert {key for key in changed if holds(snapshot, key)} <= set(found.keys)
            assert found.is_partial == (changed != set(found.keys))
    assert node.snapshot().position > before.position
