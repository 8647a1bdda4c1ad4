"""Undoing runs: the catalogue is again what it was, whatever came in between."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from runs_catalogue import NOW, Rows, dataset, location, state, undone, written

from panosc.catalogue import changes, rulings
from panosc.catalogue.intake import announcement, quarantine
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.domain.pid import surrogate
from panosc.ingest.runs import journal
from panosc.ingest.runs.undoing import undo
from panosc.policy import audit

PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["wavelength", "temperature", "remark"]),
        st.one_of(st.floats(), st.sampled_from(["cold", ""])),
        st.sampled_from(["angstrom", "K", None, "furlongs"]),
    ),
    max_size=3,
)


@st.composite
def batches(draw: st.DrawFn) -> Rows:
    """Rows as an ingest writes them: new datasets, known ones, further and moved places."""
    rows: Rows = []
    for number in draw(st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True)):
        rows += dataset(
            number,
            instrument=draw(st.sampled_from([None, 0, 1])),
            people=draw(st.lists(st.integers(0, 2), max_size=2, unique=True)),
            samples=draw(st.lists(st.integers(0, 1), max_size=2, unique=True)),
            title=draw(st.sampled_from(["Scan", "Other", "«Ångström»\t1"])),
            parameters=draw(PARAMETERS),
            access=draw(st.sampled_from([None, "closed", "open"])),
            note=draw(st.sampled_from([None, {"deep": [None, 1]}])),
        )
        if draw(st.booleans()):
            # what lay at a place that another dataset may have had
            rows.append(location(number, f"file:///shared/{draw(st.integers(0, 1))}"))
        if draw(st.booleans()):
            pid = f"local/document/{draw(st.integers(0, 1))}"
            document = {"pid": pid, "title": draw(st.sampled_from(["A", "B"])), "isPublic": True}
            rows += [
                ("Document", document),
                ("DocumentDataset", {"documentId": pid, "datasetId": f"local/{number}"}),
            ]
    return rows


@given(steps=st.lists(st.one_of(batches(), st.sampled_from(["undo", "redo"])), max_size=7))
@hypothesis(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_the_last_run_gives_the_catalogue_that_was(
    engine: sa.Engine, tmp_path: Path, steps: list[Any]
) -> None:
    _empty(engine)
    folder = tmp_path / "dump"
    shutil.rmtree(folder, ignore_errors=True)
    now = state(engine, folder)
    # each entry: the run, the catalogue before it, and whether it was an undo
    done: list[tuple[int, dict[str, bytes]]] = []
    undos: list[tuple[int, dict[str, bytes]]] = []
    for step in steps:
        if step == "undo" and done:
            run, before = done.pop()
            undos.append((undone(engine, run), now))
            now = state(engine, folder)
            assert now == before
        elif step == "redo" and undos:
            by, before = undos.pop()
            again = now
            undone(engine, by)
            now = state(engine, folder)
            assert now == before
            run = _undone_by(engine, by)
            done.append((run, again))
        elif isinstance(step, list):
            undos.clear()
            done.append((written(engine, step), now))
            now = state(engine, folder)
    while done:
        run, before = done.pop()
        undone(engine, run)
        assert state(engine, folder) == before


def _undone_by(engine: sa.Engine, by: int) -> int:
    with engine.connect() as connection:
        return int(
            connection.execute(
                sa.text("select undoes from run where id = :by"), {"by": by}
            ).scalar_one()
        )


def _empty(engine: sa.Engine) -> None:
    names = (
        "affiliation, person, instrument, technique, sample, document, dataset, location,"
        " ruling, share, changes, run, arrival, quarantine, announcement"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(f"truncate {names} cascade")


@given(chosen=st.permutations([0, 1, 2]))
@hypothesis(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_runs_of_different_datasets_are_undone_in_any_order(
    engine: sa.Engine, tmp_path: Path, chosen: list[int]
) -> None:
    """They share instrument, people and samples, which go with the last of them."""
    _empty(engine)
    folder = tmp_path / "dump"
    shutil.rmtree(folder, ignore_errors=True)
    empty = state(engine, folder)
    runs = [written(engine, dataset(number)) for number in range(3)]
    for left, place in enumerate(chosen):
        undone(engine, runs[place])
        now = state(engine, folder)
        assert now.get("Dataset.ndjson", b"").count(b"\n") == 2 - left
        assert ("Instrument.ndjson" in now) == ("Person.ndjson" in now) == (left < 2)
    assert now == empty


def test_what_a_later_run_changed_is_not_undone_from_under_it(engine: sa.Engine) -> None:
    first = written(engine, dataset(0))
    second = written(engine, dataset(0, title="Better"))
    third = written(engine, [location(0, "file:///copy/0.h5")])
    with pytest.raises(Conflict, match=f"run {second} changed the same records") as refused:
        undone(engine, first)
    assert f"Undo run {second} first" in str(refused.value.hint)
    undone(engine, second)
    # the copy of its data goes with the dataset, and is the third run's
    with pytest.raises(Conflict, match=f"run {third} changed"):
        undone(engine, first)
    undone(engine, third)
    undone(engine, first)
    assert _count(engine, "dataset") == _count(engine, "location") == 0


def test_a_run_is_undone_once_and_only_when_it_has_ended(engine: sa.Engine) -> None:
    run = journal.begin(engine, kind="ingest", who=OPERATOR, asked={}, now=NOW)
    with pytest.raises(Conflict, match="still at work"):
        undone(engine, run)
    # killed: not heard of for longer than two minutes
    by = undone(engine, run, now=NOW + timedelta(minutes=3))
    with pytest.raises(Conflict, match=f"undone already, by run {by}"):
        undone(engine, run)
    with pytest.raises(NotFound, match="no run 99"):
        undone(engine, 99)
    with pytest.raises(Invalid, match="reason is missing"):
        undo(engine, by, who=OPERATOR, reason=" ", now=NOW)


def test_undoing_tells_the_feed_and_the_audit_trail(engine: sa.Engine) -> None:
    run = written(engine, dataset(0))
    with engine.connect() as connection:
        number = changes.last(connection)
    by = undone(engine, run)
    with engine.connect() as connection:
        told = changes.since(connection, number, limit=100)
        line = audit.newest(connection)[0]
    gone = {(item.model, item.pid) for item in told}
    assert {("Dataset", "local/0"), ("Instrument", "local/instrument/0")} <= gone
    assert all(item.deleted for item in told)
    assert (line.event, line.subject, line.person) == ("run.undone", f"run:{run}", "u-steward")
    assert line.reason == "It was wrong."
    assert line.detail["run"] == by
    number = told[-1].number
    undone(engine, by)
    with engine.connect() as connection:
        again = changes.since(connection, number, limit=100)
    assert {(item.model, item.pid) for item in again} == gone
    assert not any(item.deleted for item in again)


def test_a_dataset_that_comes_back_is_as_closed_as_was_decided(engine: sa.Engine) -> None:
    """Decisions on it are no part of the run: a withdrawal and a release outlast undo and redo."""
    run = written(engine, dataset(0) + dataset(1, isPublic=False, access="closed"))
    by = undone(engine, run)
    with engine.begin() as connection:
        for number, values in ((0, "mark"), (1, "released_at")):
            key = surrogate("Dataset", f"local/{number}")
            value = {"mark": "withdrawn", "released_at": NOW}[values]
            connection.execute(
                sa.text(f"insert into ruling (dataset_id, {values}) values (:key, :value)"),
                {"key": key, "value": value},
            )
    undone(engine, by)
    with engine.connect() as connection:
        found = connection.execute(sa.text("select pid, mark, open_at from dataset order by pid"))
        withdrawn, released = found.all()
    assert withdrawn.mark == "withdrawn"
    assert (released.mark, released.open_at) == ("normal", NOW)


def test_what_the_policy_decides_on_stays_embargoed(engine: sa.Engine) -> None:
    """Without the policy's ruling a record that says nothing of access would not be open either."""
    rows = dataset(0, isPublic=None, access="embargoed", embargoUntil="2030-01-01T00:00:00Z")
    run = written(engine, rows)
    edited = written(engine, dataset(0, access="open"), kind="edit")
    undone(engine, edited)
    assert _opens(engine) == datetime(2030, 1, 1, tzinfo=UTC)
    undone(engine, undone(engine, run))
    assert _opens(engine) == datetime(2030, 1, 1, tzinfo=UTC)


def test_an_erased_dataset_does_not_come_back(engine: sa.Engine) -> None:
    run = written(engine, dataset(0))
    edited = written(engine, dataset(0, title="Better"), kind="edit")
    with engine.begin() as connection:
        key = surrogate("Dataset", "local/0")
        connection.execute(
            sa.text("insert into ruling (dataset_id, mark) values (:key, 'erased')"), {"key": key}
        )
        rulings.apply(connection, [key])
        kept = connection.scalars(sa.text("select before::text from run_record")).all()
    assert not any("Scan" in (text or "") for text in kept)
    undone(engine, edited)
    undone(engine, run)
    with engine.connect() as connection:
        row = connection.execute(sa.text("select title, mark from dataset")).one()
    assert (row.title, row.mark) == (None, "erased")


def test_a_later_ingest_reads_the_files_of_an_undone_run_again(engine: sa.Engine) -> None:
    run = written(engine, dataset(0))
    with engine.begin() as connection:
        connection.execute(
            sa.insert(quarantine).values(
                url="file:///bad", reason="r", detail="d", size=1, mtime_ns=1, seen=NOW
            )
        )
        connection.execute(
            sa.insert(announcement).values(id="a", kind="http", who="x", run_id=run, state="done")
        )
    undone(engine, run)
    for table in ("location", "quarantine", "announcement"):
        assert _count(engine, table) == 0


def test_two_runs_that_made_the_same_record_at_once(engine: sa.Engine) -> None:
    """Both noted that it was not there; undoing the second leaves it to the first."""
    first = journal.begin(engine, kind="ingest", who=OPERATOR, asked={}, now=NOW)
    second = journal.begin(engine, kind="ingest", who=OPERATOR, asked={}, now=NOW)
    with engine.begin() as one, engine.begin() as other:
        journal.note(one, first, [("Instrument", "i")])
        journal.note(other, second, [("Instrument", "i")])
        write(one, [("Instrument", {"pid": "i", "name": "D22"})], now=NOW)
    for run in (first, second):
        journal.end(engine, run, state="done", report={}, now=NOW)
    undone(engine, second)
    assert _count(engine, "instrument") == 1
    undone(engine, first)
    assert _count(engine, "instrument") == 0


def _count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text(f"select count(*) from {table}")).scalar_one())


def _opens(engine: sa.Engine) -> datetime:
    with engine.connect() as connection:
        found: datetime = connection.execute(sa.text("select open_at from dataset")).scalar_one()
    return found
