"""One question to many catalogues: each fate is named, nobody waits for the slowest.

The catalogues are stand-ins on loopback, asked by the connector for the PaNOSC search API.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from live_providers import Providers

from panosc.catalogue.federating.tables import harvest, health, told
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE
from panosc.domain.errors import Invalid, Upstream
from panosc.domain.query import And, Compare, Include, Order, Query, Related, Text, Word
from panosc.federation.live.answer import HERE, Merged
from panosc.federation.live.calls import flights
from panosc.federation.live.gathering import Gathering
from panosc.federation.live.records.taking import FLOOR
from panosc.search.patterns import BadPattern

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
AddSource = Callable[..., None]
NewFanout = Callable[..., Any]


def record(pid: Any, title: Any = None, **more: Any) -> dict[str, Any]:
    return {"pid": pid, "isPublic": True, **({} if title is None else {"title": title}), **more}


def fates(merged: Merged) -> dict[str, str]:
    return {fate.name: fate.fared for fate in merged.fates}


def pids(merged: Merged) -> list[str]:
    return [item["pid"] for item in merged.items]


def words(*texts: str) -> tuple[Word, ...]:
    return tuple(Word(text=text) for text in texts)


@pytest.fixture
def keep(engine: sa.Engine) -> Callable[..., None]:
    """Writes datasets into this node."""

    def write_all(*records: dict[str, Any]) -> None:
        with engine.begin() as connection:
            write(connection, [("Dataset", one) for one in records], now=NOW)

    return write_all


def test_every_fate_is_named(
    providers: Providers,
    add_source: AddSource,
    new_fanout: NewFanout,
    keep: Callable[..., None],
    engine: sa.Engine,
) -> None:
    for name in ("good", "slow", "hanging", "closing", "garbage", "huge", "bare", "gone"):
        add_source(name, providers.url(name))
    add_source("dark", "http://127.0.0.1:9")
    add_source("untrusted", providers.secure)
    add_source("outside", providers.url("good"), is_private=False)
    providers.records["good"] = [record("1", "Copper"), record("10.5072/A", "Ice")]
    providers.records["bare"] = [{"pid": 7}, {"title": "no identifier"}]
    providers.delays["slow"] = 30.0
    providers.broken.add("gone")
    keep(record("own", "Copper here", creationDate="2024-01-01T00:00:00Z"))

    def told() -> dict[str, Any]:
        with engine.connect() as connection:
            return {row.connector: row for row in connection.execute(sa.select(health))}

    with new_fanout(federation_deadline_s=3.0) as fanout:
        begun = time.monotonic()
        merged = fanout.ask(ANYONE, Query(model="Dataset", limit=10))
        took = time.monotonic() - begun
        # the questions themselves end a little later than the patience of who asked them
        ends = time.monotonic() + 20
        while time.monotonic() < ends and not {"good", "hanging", "huge", "slow"} <= set(told()):
            time.sleep(0.1)
    assert took < providers.delays["slow"] / 2
    expected = {
        HERE: "answered",
        "bare": "answered",
        "closing": "failed",
        "dark": "failed",
        "garbage": "failed",
        "gone": "failed",
        "good": "answered",
        "hanging": "late",
        "huge": "failed",
        "outside": "failed",
        "slow": "late",
        "untrusted": "failed",
    }
    assert fates(merged) == expected
    said = {fate.name: fate.message or "" for fate in merged.fates}
    assert "larger than" in said["huge"]
    assert "broke off" in said["closing"]
    assert "no JSON" in said["garbage"]
    assert "500" in said["gone"]
    assert "cannot be reached" in said["untrusted"]
    assert "https" in said["outside"]
    assert all(said[name] for name, fared in expected.items() if fared != "answered")
    # of this node first: it alone says when it is from
    assert pids(merged) == ["own", "10.5072/A", "bare/7", "good/1"]
    assert merged.items[1]["sources"] == ["good"]
    assert (merged.total, merged.is_least) == (4, True)
    rows = told()
    assert (rows["good"].asked, rows["good"].answered) == (1, 1)
    assert (rows["huge"].asked, rows["huge"].failed) == (1, 1)
    assert (rows["hanging"].late, rows["slow"].late) == (1, 1)
    assert "larger than" in rows["huge"].message


def test_answers_come_as_they_come(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout, keep: Callable[..., None]
) -> None:
    for name, delay in (("quick", 0.0), ("slow", 0.4)):
        add_source(name, providers.url(name))
        providers.records[name] = [record("1", f"Copper of {name}")]
        providers.delays[name] = delay
    keep(record("own", "Copper"))
    with new_fanout() as fanout:
        seen = list(fanout.stream(ANYONE, Query(model="Dataset", limit=10)))
    assert len(seen) == 3
    assert fates(seen[1])["slow"] == "pending"
    assert len(seen[1].items) == 2
    assert set(fates(seen[-1]).values()) == {"answered"}
    assert len(seen[-1].items) == 3


def test_a_catalogue_that_lies_about_scores_gains_no_rank(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    for name in ("honest", "lying"):
        add_source(name, providers.url(name))
    providers.records["honest"] = [
        record("1", "Copper oxide tomography", score=0.01),
        record("2", "A long story of ice in which copper comes last of all", score=0.0),
    ]
    providers.records["lying"] = [
        record("1", "Something else", score=0.999999),
        record("2", "Copper oxide and much else that is not asked for", score=1e9),
        record("3", "Copper oxide tomography", score="best"),
    ]
    with new_fanout() as fanout:
        merged = fanout.ask(
            ANYONE, Query(model="Dataset", words=words("copper", "oxide", "tomography"), limit=10)
        )
    scores = {item["pid"]: item["score"] for item in merged.items}
    assert scores["honest/1"] == scores["lying/3"]
    assert pids(merged)[:2] == ["honest/1", "lying/3"]
    assert pids(merged)[-1] == "lying/1"
    assert scores["lying/1"] == FLOOR
    assert all(0 < score < 1 for score in scores.values())


def test_the_same_record_is_one_with_all_its_sources(
    providers: Providers,
    add_source: AddSource,
    new_fanout: NewFanout,
    keep: Callable[..., None],
    engine: sa.Engine,
) -> None:
    for name in ("ess", "ill", "all"):
        add_source(name, providers.url(name))
    doi = "10.5072/ESS-1"
    providers.records["ess"] = [record(doi, "Copper"), record("7", "Told before")]
    providers.records["ill"] = [record("doi:10.5072/ess-1", "Copper"), record("7", "Another")]
    providers.records["all"] = [record(f"https://doi.org/{doi}", "Copper")]
    keep(record("ess-copy", "Told before", creationDate="2024-01-01T00:00:00Z"))
    telling = {
        "model": "Dataset",
        "kind": "dataset",
        "pid": "ess-copy",
        "home": "https://ess.example/7",
        "is_shown": True,
        "fetched": NOW,
    }
    with engine.begin() as connection:
        row = telling | {"connector": "ess", "own_pid": "ess/7", "external_id": "7"}
        connection.execute(sa.insert(told).values(row))
        done = {"by": "t", "started": NOW, "beat": NOW, "ended": NOW, "state": "done"}
        connection.execute(sa.insert(harvest).values(connector="ess", kind="changes", **done))
    with new_fanout() as fanout:
        merged = fanout.ask(ANYONE, Query(model="Dataset", limit=10))
        found = {item["pid"]: item["sources"] for item in merged.items}
        one = fanout.get(ANYONE, "Dataset", "ess-copy")
    [spelt] = [pid for pid in found if pid.startswith("10.")]
    assert found == {"ess-copy": ["ess"], spelt: ["all", "ess", "ill"], "ill/7": ["ill"]}
    assert merged.total == 3
    copy = next(item for item in merged.items if item["pid"] == "ess-copy")
    assert copy["home"] == "https://ess.example/7"
    assert one["sources"] == ["ess"]
    assert one["home"] == "https://ess.example/7"


def test_copies_stand_in_for_a_catalogue_that_is_down(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout, engine: sa.Engine
) -> None:
    add_source("gone", providers.url("gone"))
    providers.broken.add("gone")
    with engine.begin() as connection:
        done = {"by": "t", "started": NOW, "beat": NOW, "ended": NOW, "state": "done"}
        connection.execute(sa.insert(harvest).values(connector="gone", kind="changes", **done))
    with new_fanout() as fanout:
        for number in range(5):
            merged = fanout.ask(ANYONE, Query(model="Dataset", limit=10 + number))
            assert fates(merged)["gone"] == "failed"
        asked = providers.asked["gone"]
        merged = fanout.ask(ANYONE, Query(model="Dataset", limit=20))
        [_, fate] = merged.fates
        assert (fate.fared, fate.copied) == ("down", NOW)
        assert providers.asked["gone"] == asked
        assert not merged.is_least
        providers.broken.clear()
        time.sleep(2.5)
        merged = fanout.ask(ANYONE, Query(model="Dataset", limit=21))
        assert fates(merged)["gone"] == "answered"
    with engine.connect() as connection:
        [row] = connection.execute(sa.select(health))
    assert (row.asked, row.failed, row.spared, row.answered) == (6, 5, 1, 1)


def test_a_question_at_fault_does_not_make_a_catalogue_down(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    add_source("strict", providers.url("strict"))
    providers.refused.add("strict")
    with new_fanout() as fanout:
        for number in range(30):
            merged = fanout.ask(ANYONE, Query(model="Dataset", limit=1 + number))
            assert fates(merged)["strict"] == "failed"


def test_the_same_question_of_many_is_put_once(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    add_source("one", providers.url("one"))
    providers.records["one"] = [record("1", "Copper")]
    providers.delays["one"] = 0.2
    query = Query(model="Dataset", limit=10)
    found: list[Merged] = []
    with new_fanout() as fanout:
        threads = [
            threading.Thread(target=lambda: found.append(fanout.ask(ANYONE, query)))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fanout.ask(ANYONE, query)
    assert [pids(one) for one in found] == [["one/1"]] * 12
    assert providers.asked["one"] == 1


def test_a_question_that_takes_long_is_put_again(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    add_source("moody", providers.url("moody"))
    with new_fanout() as fanout:
        for number in range(25):
            fanout.ask(ANYONE, Query(model="Dataset", limit=1 + number))
        providers.once["moody"] = 30.0
        begun = time.monotonic()
        merged = fanout.ask(ANYONE, Query(model="Dataset", limit=50))
        took = time.monotonic() - begun
        assert fates(merged)["moody"] == "answered"
        assert took < 15
    assert providers.asked["moody"] == 27


def test_what_a_catalogue_cannot_filter_by_is_applied_here_or_named(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout, engine: sa.Engine
) -> None:
    lacking = {
        name: {"state": "wrong", "evidence": "It takes no notice."}
        for name in ("text", "where:title", "include:parameters", "query", "include:samples")
    }
    probed = {"version": None, "title": None, "totals": {}, "features": lacking}
    add_source("plain", providers.url("plain"), probed=probed)
    providers.records["plain"] = [
        record("1", "Copper", parameters=[{"name": "photon_energy", "value": 0.93, "unit": "keV"}]),
        record("2", "Ice", parameters=[{"name": "photon_energy", "value": 8, "unit": "keV"}]),
        record("3", "Copper", parameters=[]),
    ]
    energy = Compare(property="name", operator="eq", operands=("photon_energy",))
    value = Compare(property="value", operator="between", operands=(900, 1000))
    unit = Compare(property="unit", operator="eq", operands=("eV",))
    where = And(
        (
            Related("parameters", And((energy, value, unit))),
            Text("copper"),
            Related("samples", Compare(property="name", operator="eq", operands=("x",))),
        )
    )
    with new_fanout() as fanout:
        merged = fanout.ask(ANYONE, Query(model="Dataset", where=where, limit=10))
        assert pids(merged) == ["plain/1"]
        [_, fate] = merged.fates
        assert fate.applied == ("photon_energy", "text")
        assert fate.unasked == ("samples",)
        ranked = fanout.ask(ANYONE, Query(model="Dataset", words=words("ice"), limit=10))
        assert pids(ranked) == ["plain/2"]


def test_pages_are_cut_after_merging(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout, keep: Callable[..., None]
) -> None:
    add_source("a", providers.url("a"))
    add_source("b", providers.url("b"))
    for name, hour in (("a", 1), ("b", 2)):
        providers.records[name] = [
            record(str(day), f"{name}{day}", creationDate=f"2024-01-{day:02}T0{hour}:00:00Z")
            for day in range(9, 0, -1)
        ]
    keep(record("own", "own", creationDate="2024-01-05T03:00:00Z"))
    query = Query(model="Dataset", order=(Order(property="creationDate", descending=True),))
    with new_fanout() as fanout:
        whole = pids(fanout.ask(ANYONE, replace(query, limit=100)))
        paged = [
            pid
            for skip in range(0, 21, 4)
            for pid in pids(fanout.ask(ANYONE, replace(query, limit=4, skip=skip)))
        ]
        deep = fanout.ask(ANYONE, replace(query, limit=10, skip=995))
    assert whole[:4] == ["b/9", "a/9", "b/8", "a/8"]
    assert len(whole) == 19
    assert paged == whole
    assert {fate.is_cut for fate in deep.fates if fate.name != HERE} == {True}


def test_one_record_comes_from_where_it_is(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout, keep: Callable[..., None]
) -> None:
    for name in ("ess", "ill", "gone"):
        add_source(name, providers.url(name))
    providers.broken.add("gone")
    files = [{"id": n, "name": f"{n}.nxs", "size": n} for n in range(5)]
    providers.records["ess"] = [record("1", "Wrong one")]
    providers.records["ill"] = [record(7, "Ice", files=files), record("10.5072/A/b(c)%2F", "DOI")]
    keep(record("own", "Here"))
    instrument = (Include(relation="instrument", scope=Query(model="Instrument")),)
    with new_fanout() as fanout:
        assert fanout.get(ANYONE, "Dataset", "own")["sources"] == [HERE]
        found = fanout.get(ANYONE, "Dataset", "ill/7", Query(model="Dataset", includes=instrument))
        assert found == {"pid": "ill/7", "title": "Ice", "isPublic": True, "sources": ["ill"]}
        assert fanout.get(ANYONE, "Dataset", "10.5072/A/b(c)%2F")["title"] == "DOI"
        assert fanout.get(ANYONE, "Dataset", "nobody/knows/it") is None
        with pytest.raises(Upstream, match="GONE"):
            fanout.get(ANYONE, "Dataset", "gone/3")
        size = Compare(property="size", operator="gte", operands=(2,))
        listed = fanout.files(ANYONE, "ill/7", Query(model="File", where=size, limit=2, skip=1))
        assert listed.total == 3
        assert [one["name"] for one in listed.items] == ["3.nxs", "4.nxs"]
        assert fanout.files(ANYONE, "ess/77", Query(model="File")) is None
        total, seen = fanout.count(ANYONE, Query(model="Dataset"))
        assert total == 4
        assert {fate.name: fate.fared for fate in seen}["gone"] == "failed"


def test_records_of_any_shape_neither_break_the_order_nor_the_answer(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    add_source("odd", providers.url("odd"))
    providers.records["odd"] = [
        record("1", 5, creationDate="soon", size="12"),
        record("2", None, creationDate=None, size="many", techniques={}),
        record("3", ["a"], creationDate="2024-01-01T00:00:00Z", parameters=None),
        record("4", "Title", creationDate="2024-01-01", members=[{"person": {}}], isPublic="yes"),
        record("5\0", "no identifier"),
    ]
    orders = ("title", "creationDate", "size", "isPublic", "pid")
    with new_fanout() as fanout:
        for name in orders:
            for is_down in (True, False):
                order = (Order(property=name, descending=is_down),)
                merged = fanout.ask(ANYONE, Query(model="Dataset", order=order, limit=10))
                assert set(fates(merged).values()) == {"answered"}
                assert len(merged.items) >= 3
        found = fanout.ask(ANYONE, Query(model="Dataset", words=words("title"), limit=10))
    assert found.items[0]["pid"] == "odd/4"


def test_a_question_that_cannot_be_asked_is_refused(
    providers: Providers, add_source: AddSource, new_fanout: NewFanout
) -> None:
    add_source("good", providers.url("good"))
    with new_fanout() as fanout:
        with pytest.raises(Invalid, match="go on after"):
            fanout.ask(ANYONE, Query(model="Dataset", after="x"))
        bad = Compare(property="title", operator="regexp", operands=("(",))
        # what goes wrong here is not hidden among the fates
        with pytest.raises(BadPattern):
            fanout.ask(ANYONE, Query(model="Dataset", where=bad))
        assert fates(fanout.ask(ANYONE, Query(model="Dataset"), names=["good"])) == {
            "good": "answered"
        }
        assert fates(fanout.ask(ANYONE, Query(model="Dataset"), names=[HERE])) == {HERE: "answered"}


def test_without_other_catalogues_nothing_runs(new_fanout: NewFanout) -> None:
    with new_fanout() as fanout:
        assert not fanout.has_live()
        assert fates(fanout.ask(ANYONE, Query(model="Dataset"))) == {HERE: "answered"}
        assert not any("other catalogues" in one.name for one in threading.enumerate())


def test_heavy_answers_keep_nobody_from_being_heard(
    providers: Providers,
    add_source: AddSource,
    new_fanout: NewFanout,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What takes long to score is scored beside the loop that hears the others."""
    add_source("good", providers.url("good"))
    score, where = flights.taken, []

    def noted(*args: Any, **named: Any) -> Any:
        where.append(threading.current_thread().name)
        return score(*args, **named)

    monkeypatch.setattr(flights, "taken", noted)
    with new_fanout() as fanout:
        for size in (10, 300_000):
            providers.records["good"] = [record("10.5072/a", "Copper", description="x" * size)]
            fanout.ask(ANYONE, Query(model="Dataset", words=words("copper"), limit=size % 99 + 1))
    loop = "asking other catalogues"
    assert (where[0], where[1] == loop) == (loop, False)


def test_few_threads_merge_at_once(
    keep: Callable[..., None], new_fanout: NewFanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it all that wait, the loop that hears the others would have no turn."""
    keep(record("10.5072/here", "Copper"))
    merged, lock, now, most = Gathering.merged, threading.Lock(), [0], [0]

    def counted(self: Gathering, *, is_final: bool) -> Merged:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        found = merged(self, is_final=is_final)
        with lock:
            now[0] -= 1
        return found

    monkeypatch.setattr(Gathering, "merged", counted)
    with new_fanout() as fanout, ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(fanout.ask, ANYONE, Query(model="Dataset")) for _ in range(24)]
        assert [pids(one.result()) for one in asked] == [["10.5072/here"]] * 24
    assert most[0] == 2
