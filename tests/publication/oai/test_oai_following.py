"""The follower: killed anywhere, and beside writers that do not wait for each other."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from oai_node import Node, oai, open_dataset, small

from panosc.catalogue import changes
from panosc.catalogue.beside import leading
from panosc.catalogue.changes import Follower
from panosc.catalogue.publishing.tables import oai_record
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.domain.access import NEVER
from panosc.domain.pid import surrogate
from panosc.publication.oai import following, keeping
from panosc.publication.oai.following import Keeper

DC = "metadataPrefix=oai_dc"
HARVESTER = Path(__file__).with_name("oai_killed.py")


class Killed(Exception):
    """Stands for the end of the process between two steps."""


def state(node: Node) -> list[tuple[Any, ...]]:
    """Return what harvesters are told, whenever it was stamped."""
    known = sa.or_(oai_record.c.was_listed, oai_record.c.listed_at <= node.now)
    told = [oai_record.c[name] for name in ("model", "pid", "listed_at", "opened_at")]
    query = sa.select(*told, known, oai_record.c.sets).order_by(oai_record.c.id)
    with node.engine.connect() as connection:
        return [(*row[:-1], tuple(sorted(row[-1]))) for row in connection.execute(query)]


def dying(step: Callable[..., Any], turn: int) -> Callable[..., Any]:
    """Return a step that is the last of its process when it is done for the `turn`-th time."""
    calls = iter(range(1000))

    def done(*given: Any, **named: Any) -> Any:
        if next(calls) == turn:
            raise Killed
        return step(*given, **named)

    return done


def test_a_follower_that_is_ended_anywhere_loses_nothing(
    bare_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = bare_node
    monkeypatch.setattr(following, "CHUNK", 10)
    monkeypatch.setattr(following, "BATCH", 15)
    pids = [f"d{number}" for number in range(40)]
    with node.engine.begin() as connection:
        write(connection, [*small(), *(open_dataset(pid) for pid in pids)], now=node.now)
    # a change of the dataset is one of its proposal, which is taken up before it
    link = ("DocumentDataset", {"documentId": "10.5072/proposal", "datasetId": "d1"})
    for turn in range(8):
        with monkeypatch.context() as patch:
            name = ("take_up", "stamp")[turn // 2 % 2]
            patch.setattr(
                keeping, name, dying(getattr(keeping, name), turn // 2 if turn < 4 else turn % 2)
            )
            with pytest.raises(Killed):
                node.keeper.catch_up()
        node.wait()
        if turn == 3:
            node.keep()
        if turn >= 3:
            with node.engine.begin() as connection:
                rows = [open_dataset(f"late{turn}"), open_dataset("d1"), link]
                write(connection, rows, now=node.now)
                gone = [f"d{turn + 10}"]
                connection.execute(sa.delete(dataset).where(dataset.c.pid.in_(gone)))
                changes.append(connection, [("Dataset", pid) for pid in gone], deleted=True)
    node.keep()
    kept = state(node)
    dead = [oai(f"d{turn + 10}") for turn in range(3, 8)]
    found = {item.identifier: item.is_deleted for item in node.ask(f"verb=ListRecords&{DC}").items}
    assert sorted(name for name in found if found[name]) == dead
    assert oai("late7") in found
    # a follower that begins anew comes to the same, and forgets no deletion
    with node.engine.begin() as connection:
        Follower("oai").forget(connection)
    node.keep()
    assert state(node) == kept


def test_a_process_that_is_killed_goes_on(bare_node: Node) -> None:
    node = bare_node
    with node.engine.begin() as connection:
        write(connection, (open_dataset(f"d{number}") for number in range(600)), now=node.now)
    url = node.engine.url.render_as_string(hide_password=False)
    for wanted in (50, 300):
        with subprocess.Popen([sys.executable, str(HARVESTER), url], env=dict(os.environ)) as child:
            deadline = time.monotonic() + 60
            while _count(node) < wanted:
                assert time.monotonic() < deadline
                assert child.poll() is None
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
        assert _count(node) < 600
    node.now = datetime.now(UTC)
    node.keep()
    pages = list(node.walk(f"verb=ListIdentifiers&{DC}"))
    assert len({item.identifier for page in pages for item in page.items}) == 600


def _count(node: Node) -> int:
    with node.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(oai_record)) or 0


def test_a_harvest_by_time_misses_nothing_of_writers_side_by_side(bare_node: Node) -> None:
    """In real time, whose seconds are what harvesters ask by."""
    node = bare_node
    node.now = datetime.now(UTC)
    ended = time.monotonic() + 3.2
    keeper = Keeper(node.engine, lambda: datetime.now(UTC), node.keeper._lineage, "Test Source")

    def writing(name: str) -> None:
        number = 0
        while time.monotonic() < ended:
            rows = [open_dataset(f"{name}-{number % 5}", description=f"version {number}.")]
            with node.engine.begin() as connection:
                write(connection, rows, now=node.now)
                if number % 3 == 0:
                    # what is written first is seen last
                    time.sleep(0.05)
            number += 1

    threads = [threading.Thread(target=writing, args=(f"w{name}",)) for name in range(3)]
    follower = leading.Keeper(node.engine, following.POST, keeper, look_s=0.1)
    following_it = threading.Thread(target=follower.run)
    for thread in [*threads, following_it]:
        thread.start()
    seen: dict[str, str] = {}
    since = "2000-01-01T00:00:00Z"
    harvests = 0
    while any(thread.is_alive() for thread in threads):
        since = _harvest(node, since, seen)
        harvests += 1
    while keeper_lags(node):
        time.sleep(0.05)
    follower.stop()
    following_it.join()
    time.sleep(1.1)
    _harvest(node, since, seen)
    with node.engine.connect() as connection:
        rows = connection.execute(sa.select(dataset.c.pid, dataset.c.description)).all()
    assert seen == {oai(row.pid): row.description for row in rows}
    assert harvests > 3


def keeper_lags(node: Node) -> bool:
    with node.engine.connect() as connection:
        return Follower("oai").position(connection) != changes.last(connection)


def _harvest(node: Node, since: str, seen: dict[str, str]) -> str:
    """Harvest what is new since a time; return the time from which to go on."""
    node.now = datetime.now(UTC)
    pages = list(node.walk(f"verb=ListRecords&{DC}&from={since}"))
    for page in pages:
        for item in page.items:
            assert item.metadata is not None
            said = item.metadata.findtext("{http://purl.org/dc/elements/1.1/}description")
            seen[item.identifier] = said or ""
    return f"{pages[0].answered:%Y-%m-%dT%H:%M:%SZ}"


def test_what_a_record_names_changes_it(node: Node) -> None:
    shared = {
        "Instrument": {"pid": "20.500.1/sans1", "name": "SANS-One"},
        "Technique": {"pid": "PaNET01189", "name": "Small angles", "panetId": "PaNET01189"},
        "Person": {"id": "p1", "fullName": "Ada Later"},
        "Affiliation": {"id": "a1", "name": "Elsewhere"},
    }
    for model, row in shared.items():
        before = node.now
        node.write([(model, row)])
        found = node.ask(f"verb=ListIdentifiers&{DC}&from={before:%Y-%m-%dT%H:%M:%SZ}")
        named = {item.identifier for item in found.items}
        assert oai("10.5072/open") in named, model
        assert (oai("10.5072/proposal", "documents") in named) == (
            model in {"Person", "Affiliation"}
        )
        assert oai("local/bare") not in named


def test_one_follower_at_a_time(bare_node: Node) -> None:
    with bare_node.engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(following.POST.lock)))
        leading.Keeper(bare_node.engine, following.POST, bare_node.keeper)._lead()
        with bare_node.engine.connect() as other:
            assert Follower("oai").position(other) is None
        connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))


def test_a_harvest_waits_for_what_is_being_stamped(bare_node: Node) -> None:
    node = bare_node
    node.write([open_dataset("a")])
    with node.engine.begin() as connection:
        write(connection, [open_dataset("b")], now=node.now)
    found: list[str] = []

    def harvest() -> None:
        found.extend(item.identifier for item in node.ask(f"verb=ListIdentifiers&{DC}").items)

    asking = threading.Thread(target=harvest)
    with keeping.stamping(node.engine, node.clock) as (connection, at):
        key = [surrogate("Dataset", "b")]
        naming = keeping.Naming.of(connection, node.keeper._lineage, "Test Source")
        keeping.take_up(connection, "Dataset", key, at, naming)
        # whoever asks now is told that it is later than the stamp
        node.wait()
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
    asking.join()
    assert sorted(found) == [oai("a"), oai("b")]


def test_stamps_grow_though_the_clock_is_put_back(bare_node: Node) -> None:
    node = bare_node
    node.write([open_dataset("a")])
    begun = node.now
    node.now -= timedelta(minutes=10)
    node.write([open_dataset("b"), open_dataset("a", description="Anew")])
    node.now = begun + timedelta(seconds=1)
    found = node.ask(f"verb=ListIdentifiers&{DC}").items
    stamps = {item.identifier: item.datestamp for item in found}
    assert stamps[oai("b")] >= begun - timedelta(seconds=1)
    assert stamps[oai("a")] == stamps[oai("b")]


def test_what_changes_while_everything_is_taken_up_comes_after(
    bare_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, step = bare_node, keeping.take_up
    pids = sorted((f"d{number}" for number in range(20)), key=lambda pid: surrogate("Dataset", pid))
    with node.engine.begin() as connection:
        write(connection, map(open_dataset, pids), now=node.now)
    gone: list[str] = []

    def taking_up(*given: Any) -> None:
        step(*given)
        if not gone:
            gone.append(pids[0])
            with node.engine.begin() as connection:
                connection.execute(sa.delete(dataset).where(dataset.c.pid == pids[0]))
                changes.append(connection, [("Dataset", pids[0])], deleted=True)

    monkeypatch.setattr(following, "CHUNK", 10)
    monkeypatch.setattr(keeping, "take_up", taking_up)
    # the sweep for what is in no catalogue any more would find it, too
    monkeypatch.setattr(Keeper, "_miss", lambda *_: None)
    node.keep()
    # by the table: an answer would also look at what the catalogue says
    with node.engine.connect() as connection:
        deleted = sa.select(oai_record.c.pid).where(oai_record.c.listed_at == NEVER)
        assert connection.scalars(deleted).all() == [pids[0]]
