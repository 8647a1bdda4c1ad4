"""The feed: the order of numbers is the order of commits, and followers miss nothing."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue import changes
from panosc.catalogue.changes import Change, Follower
from panosc.catalogue.database import unlimited
from panosc.domain.errors import Conflict

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SOME_DAY = datetime(2100, 1, 1, tzinfo=UTC)


def feed(engine: sa.Engine, number: int = 0) -> list[Change]:
    with engine.connect() as connection:
        return list(changes.since(connection, number, limit=10**6))


def write(engine: sa.Engine, *pids: str, deleted: bool = False) -> None:
    with engine.begin() as connection:
        changes.append(connection, [("Dataset", pid) for pid in pids], deleted=deleted)


def started(engine: sa.Engine, name: str) -> Follower:
    follower = Follower(name)
    with engine.begin() as connection:
        follower.start(connection, changes.last(connection))
    return follower


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_was_appended_is_read_in_its_order(engine: sa.Engine) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    write(engine, "b", "a", "c")
    write(engine, "a", deleted=True)
    found = feed(engine)
    assert [(row.model, row.pid, row.deleted) for row in found] == [
        ("Dataset", "b", False),
        ("Dataset", "a", False),
        ("Dataset", "c", False),
        ("Dataset", "a", True),
    ]
    numbers = [row.number for row in found]
    assert numbers == sorted(set(numbers))
    assert all(before < row.at <= datetime.now(UTC) for row in found)
    assert feed(engine, numbers[1]) == found[2:]
    with engine.connect() as connection:
        assert changes.since(connection, 0, limit=2) == found[:2]
        assert changes.last(connection) == numbers[-1]


def test_nothing_is_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert changes.append(connection, []) == 0
        assert changes.last(connection) == 0
    assert feed(engine) == []


def test_any_text_is_an_identifier_and_batches_keep_the_order(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BATCH", 7)
    pids = [*(f"'; drop table changes; --{{}}\"\\,{n}" for n in range(20)), "", "NULL", "ü €"]
    with engine.begin() as connection:
        assert changes.append(connection, (("Dataset", pid) for pid in pids)) == len(pids)
    assert [row.pid for row in feed(engine)] == pids


def test_a_query_is_appended_in_its_order(engine: sa.Engine) -> None:
    given = sa.func.generate_series(1, 1000).table_valued("n").render_derived()
    pid = sa.cast(given.c.n, sa.Text)
    with engine.begin() as connection:
        count = changes.append_select(
            connection,
            sa.select(sa.literal("Sample"), pid).order_by(sa.func.md5(pid)),
            deleted=True,
        )
    with engine.connect() as connection:
        expected = connection.exec_driver_sql(
            "select n::text from generate_series(1, 1000) n order by md5(n::text)"
        ).scalars()
        assert [row.pid for row in feed(engine)] == list(expected)
    assert count == 1000
    assert {(row.model, row.deleted) for row in feed(engine)} == {("Sample", True)}


@pytest.mark.slow
def test_a_million_changes_at_once(engine: sa.Engine) -> None:
    given = sa.func.generate_series(1, 1_000_000).table_valued("n").render_derived()
    with engine.begin() as connection:
        unlimited(connection)
        changes.append_select(
            connection, sa.select(sa.literal("Dataset"), sa.cast(given.c.n, sa.Text))
        )
    with engine.connect() as connection:
        count, first, last = connection.exec_driver_sql(
            "select count(*), min(number), max(number) from changes"
        ).one()
    assert (count, last - first) == (1_000_000, 999_999)


def test_a_writer_waits_for_the_one_before_it(engine: sa.Engine) -> None:
    """The second appends only after the first has committed, so it gets the later number."""
    done = threading.Event()

    def second() -> None:
        write(engine, "second")
        done.set()

    with engine.begin() as connection:
        changes.append(connection, [("Dataset", "first")])
        thread = in_thread(second)
        assert not done.wait(0.3)
        assert feed(engine) == []
    thread.join()
    assert [row.pid for row in feed(engine)] == ["first", "second"]


def test_what_is_rolled_back_leaves_a_gap_and_no_wait(engine: sa.Engine) -> None:
    write(engine, "one")
    with engine.connect() as connection:
        changes.append(connection, [("Dataset", "never")])
        connection.rollback()
    write(engine, "two")
    assert [row.pid for row in feed(engine)] == ["one", "two"]


def test_numbers_never_come_again(engine: sa.Engine) -> None:
    """Not even when everything was pruned: a follower would pass over them."""
    write(engine, "one")
    follower = started(engine, "index")
    with engine.begin() as connection:
        assert changes.prune(connection, before=SOME_DAY) == 1
    assert feed(engine) == []
    write(engine, "two")
    with follower.batch(engine) as (_, found):
        assert [change.pid for change in found] == ["two"]


def test_also_for_a_transaction_that_sees_an_older_state(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        assert changes.last(connection) == 0
        write(engine, "one")
        changes.append(connection, [("Dataset", "two")])
        connection.commit()
    assert [row.pid for row in feed(engine)] == ["one", "two"]


def test_a_follower_that_never_started_says_so(engine: sa.Engine) -> None:
    follower = Follower("index")
    with engine.connect() as connection:
        assert follower.position(connection) is None
    with pytest.raises(Conflict, match="never started"), follower.batch(engine):
        pass
    with engine.begin() as connection:
        follower.start(connection, 0)
    with engine.connect() as connection:
        assert follower.position(connection) == 0


def test_a_batch_and_its_work_are_kept_together(engine: sa.Engine) -> None:
    follower = started(engine, "index")
    other = started(engine, "other")
    write(engine, "a", "b", "c")
    half = "insert into \"group\" (name) values ('half'); select 1 / 0"
    with pytest.raises(sa.exc.DataError), follower.batch(engine) as (connection, found):
        connection.exec_driver_sql(half)
    with engine.connect() as connection:
        assert connection.exec_driver_sql('select count(*) from "group"').scalar() == 0
    with follower.batch(engine, limit=2) as (connection, found):
        assert [change.pid for change in found] == ["a", "b"]
        connection.exec_driver_sql("insert into \"group\" (name) values ('done')")
    with engine.connect() as connection:
        assert connection.exec_driver_sql('select count(*) from "group"').scalar() == 1
    with follower.batch(engine, limit=2) as (_, found):
        assert [change.pid for change in found] == ["c"]
    with follower.batch(engine) as (_, found):
        assert found == []
    with other.batch(engine) as (_, found):
        assert len(found) == 3


def test_two_processes_of_one_follower_take_turns(engine: sa.Engine) -> None:
    follower = started(engine, "index")
    write(engine, "a")
    seen: list[str] = []

    def work() -> None:
        with follower.batch(engine) as (_, found):
            time.sleep(0.1)
            seen.extend(change.pid for change in found)

    threads = [in_thread(work) for _ in range(3)]
    for thread in threads:
        thread.join()
    assert seen == ["a"]


def test_pruning_spares_what_is_young_or_not_yet_followed(engine: sa.Engine) -> None:
    slow, fast = started(engine, "slow"), started(engine, "fast")
    write(engine, "a", "b", "c")
    with fast.batch(engine):
        pass
    with slow.batch(engine, limit=1):
        pass
    with engine.begin() as connection:
        assert changes.prune(connection, before=LONG_AGO) == 0
        assert changes.prune(connection, before=SOME_DAY) == 1
    assert [row.pid for row in feed(engine)] == ["b", "c"]
    with engine.begin() as connection:
        slow.forget(connection)
        assert changes.prune(connection, before=SOME_DAY) == 2


def test_a_follower_that_starts_while_the_feed_is_pruned_is_told(engine: sa.Engine) -> None:
    """It read its number, then a whole catalogue; meanwhile what came after it was deleted."""
    write(engine, "a")
    newcomer = Follower("new")
    with engine.begin() as connection:
        number = changes.last(connection)
        write(engine, "b")
        with engine.begin() as pruning:
            assert changes.prune(pruning, before=SOME_DAY) == 2
        with pytest.raises(Conflict, match="pruned"):
            newcomer.start(connection, number)
    assert started(engine, "new").position is not None


def test_the_feed_without_rows_still_knows_where_a_newcomer_begins(engine: sa.Engine) -> None:
    write(engine, "a")
    with engine.begin() as connection:
        changes.prune(connection, before=SOME_DAY)
    newcomer = started(engine, "new")
    write(engine, "b")
    with newcomer.batch(engine) as (_, found):
        assert [change.pid for change in found] == ["b"]


class Writers:
    """Threads that dawdle before and after appending, and give up now and then."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.commits: list[list[str]] = []
        self._guard = threading.Lock()
        self._numbers = itertools.count()

    def write(self, seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(25):
            pids = [f"{seed}-{next(self._numbers)}" for _ in range(rng.randint(1, 5))]
            with self.engine.connect() as connection:
                connection.exec_driver_sql("select 1")
                time.sleep(rng.uniform(0, 0.01))
                if rng.random() < 0.3:
                    listed = sa.func.unnest(sa.literal(pids, ARRAY(sa.Text)))
                    given = listed.table_valued("pid").render_derived()
                    select = sa.select(sa.literal("Dataset"), given.c.pid)
                    changes.append_select(connection, select)
                else:
                    changes.append(connection, [("Dataset", pid) for pid in pids])
                time.sleep(rng.uniform(0, 0.01))
                if rng.random() < 0.2:
                    connection.rollback()
                    continue
                connection.commit()
            with self._guard:
                self.commits.append(pids)


def test_interleaved_writers_never_make_a_follower_miss_a_row(engine: sa.Engine) -> None:
    follower = started(engine, "index")
    writers = Writers(engine)
    seen: list[Change] = []
    ended = threading.Event()

    def follow() -> None:
        while True:
            is_last_look = ended.is_set()
            with follower.batch(engine, limit=7) as (_, found):
                seen.extend(found)
            if is_last_look and not found:
                return
            time.sleep(0.001)

    reader = in_thread(follow)
    threads = [threading.Thread(target=writers.write, args=[seed]) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    reader.join()
    pids = [change.pid for change in seen]
    assert len(writers.commits) > 75
    assert sorted(pids) == sorted(itertools.chain.from_iterable(writers.commits))
    assert [change.number for change in seen] == sorted({change.number for change in seen})
    place = {pid: index for index, pid in enumerate(pids)}
    for together in writers.commits:
        begin = place[together[0]]
        assert pids[begin : begin + len(together)] == together


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 3)),
            st.tuples(st.just("roll back"), st.integers(1, 3)),
            st.tuples(st.sampled_from(["read a", "read b"]), st.integers(1, 4)),
            st.tuples(st.just("fail"), st.integers(1, 4)),
            st.tuples(st.just("prune"), st.just(0)),
        ),
        max_size=20,
    )
)
def test_whatever_happens_each_follower_gets_each_change_once(
    engine: sa.Engine, steps: list[tuple[str, int]]
) -> None:
    """Against a plain list as the model of the feed."""
    with engine.begin() as connection:
        connection.exec_driver_sql("truncate changes, follower")
    followers = {name: started(engine, name) for name in "ab"}
    model: list[str] = []
    read: dict[str, list[str]] = {"a": [], "b": []}
    for number, (step, size) in enumerate(steps):
        pids = [f"{number}-{n}" for n in range(size)]
        if step == "write":
            write(engine, *pids)
            model += pids
        elif step == "roll back":
            with engine.connect() as connection:
                changes.append(connection, [("Dataset", pid) for pid in pids])
        elif step == "prune":
            with engine.begin() as connection:
                changes.prune(connection, before=SOME_DAY)
        elif step == "fail":
            with pytest.raises(ZeroDivisionError), followers["a"].batch(engine, limit=size):
                assert 1 / 0
        else:
            with followers[step[-1]].batch(engine, limit=size) as (_, found):
                read[step[-1]] += [change.pid for change in found]
    for name, follower in followers.items():
        with follower.batch(engine, limit=1000) as (_, found):
            read[name] += [change.pid for change in found]
        assert read[name] == model
