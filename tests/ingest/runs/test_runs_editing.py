"""Edits: the preview says what will be, exactly that is done, and undone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from runs_catalogue import NOW, STEWARD, dataset, state, written

from panosc.catalogue import changes
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    WrongScope,
)
from panosc.ingest.runs.editing.operations import (
    Edit,
    Operation,
    People,
    RemoveParameter,
    RenameParameter,
    ReplaceText,
    Selection,
    SetField,
    SetParameter,
    SetSample,
    Technique,
)
from panosc.ingest.runs.service import Runs
from panosc.policy import audit
from panosc.search.choosing import Chooser
from panosc.search.service import SearchService
from panosc.settings import Settings

BOTH = Selection(pids=("local/0", "local/1"))
PARAMETERS = (("wavelength", 1.5, "angstrom"), ("temperature", 20, "degC"), ("remark", "a", None))


@pytest.fixture
def runs(engine: sa.Engine, settings: Settings) -> Runs:
    """Runs over three datasets."""
    return filled(engine, settings)


@pytest.fixture(scope="module")
def shared_runs(shared: tuple[sa.Engine, Settings]) -> Runs:
    """The same on the node that tests share."""
    return filled(*shared)


def filled(engine: sa.Engine, settings: Settings) -> Runs:
    """Write three datasets; return what edits them."""
    rows = dataset(0, parameters=PARAMETERS, title="Scan of iron")
    rows += dataset(1, parameters=PARAMETERS[:1], title="Scan of 100% lead", people=(0, 1))
    rows += dataset(2, instrument=1, samples=(1,))
    written(engine, rows)
    search = SearchService(engine, settings, lambda: NOW)
    return Runs(engine, settings, lambda: NOW, choose=Chooser(search).pids)


def apply(runs: Runs, selection: Selection, *operations: Operation) -> int:
    """Preview and apply."""
    edit = Edit(operations=operations)
    shown = runs.preview(STEWARD, selection, edit)
    return runs.apply(STEWARD, selection, edit, reason="Mended.", token=shown.token)


def parameters(engine: sa.Engine, number: int) -> dict[str, Any]:
    """Name → (value, unit, SI value, SI unit) of a dataset."""
    query = sa.text(
        "select p.* from parameter p join dataset d on d.id = p.dataset_id where d.pid = :pid"
    )
    with engine.connect() as connection:
        return {
            row.name: (
                row.value_text if row.value_number is None else row.value_number,
                row.unit,
                row.si_value,
                row.si_unit,
            )
            for row in connection.execute(query, {"pid": f"local/{number}"})
        }


CHANGES = {
    "title": (SetField(field="title", value="New"), {("title", "Scan of iron", "New")}),
    "none": (SetField(field="license", value=None), set()),
    "instrument": (
        SetField(field="instrument", value="local/instrument/1"),
        {("instrument", "ILL D0", "ILL D1")},
    ),
    "text": (
        ReplaceText(field="title", old="Scan", new="Map"),
        {("title", "Scan of iron", "Map of iron")},
    ),
    "technique": (
        Technique(act="add", technique="http://purl.org/pan-science/PaNET/PaNET01189"),
        {("techniques", None, "small angle neutron scattering")},
    ),
    "no technique": (
        Technique(act="remove", technique="PaNET01188"),
        {("techniques", "SANS", None)},
    ),
    "sample": (
        SetSample(sample="local/sample/1"),
        {("samples", "Sample 0", None), ("samples", None, "Sample 1")},
    ),
    "no sample": (SetSample(sample=None), {("samples", "Sample 0", None)}),
    "value": (
        SetParameter(name="wavelength", value=0.2, unit="nm"),
        {("parameter wavelength", "1.5 angstrom", "0.2 nm")},
    ),
    "unit": (
        SetParameter(name="wavelength", unit="nanometer"),
        {("parameter wavelength", "1.5 angstrom", "1.5 nm")},
    ),
    "new parameter": (
        SetParameter(name="mode", value="fast"),
        {("parameter mode", None, "fast")},
    ),
    "renamed": (
        RenameParameter(name="remark", to="note"),
        {("parameter remark", "a", None), ("parameter note", None, "a")},
    ),
    "renamed to another": (RenameParameter(name="remark", to="wavelength"), set()),
    "removed": (RemoveParameter(name="remark"), {("parameter remark", "a", None)}),
    "person": (
        People(act="add", person="Marie Curie", role="pi"),
        {("people", None, "Marie Curie (pi)")},
    ),
    "no person": (
        People(act="remove", person="Person 0"),
        {("people", "Person 0 (creator)", None)},
    ),
    "other person": (
        People(act="replace", person="person-0", to="Person 1"),
        {("people", "Person 0 (creator)", None), ("people", None, "Person 1 (creator)")},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_preview_says_what_becomes_of_a_dataset(
    shared: tuple[sa.Engine, Settings], shared_runs: Runs, tmp_path: Path, name: str
) -> None:
    engine, runs = shared[0], shared_runs
    operation, expected = CHANGES[name]
    selection, edit = Selection(pids=("local/0",)), Edit(operations=(operation,))
    before = state(engine, tmp_path / "dump")
    shown = runs.preview(STEWARD, selection, edit)
    assert state(engine, tmp_path / "dump") == before
    told = {(item.field, item.old, item.new) for row in shown.examples for item in row.changes}
    assert told == expected
    assert (shown.total, shown.changed, shown.unchanged) == (1, bool(expected), not expected)
    if not expected:
        with pytest.raises(Conflict, match="Nothing would change"):
            runs.apply(STEWARD, selection, edit, reason="x", token=shown.token)
        return
    run = runs.apply(STEWARD, selection, edit, reason="Mended.", token=shown.token)
    entry = runs.history(STEWARD, "Dataset", "local/0")[0]
    assert {(item.field, item.old, item.new) for item in entry.changes} == expected
    assert (entry.run, entry.who, entry.reason, entry.act) == (
        run,
        "u-steward",
        "Mended.",
        "changed",
    )
    assert state(engine, tmp_path / "dump") != before
    runs.undo(STEWARD, run, reason="Not so.")
    assert state(engine, tmp_path / "dump") == before


def test_values_are_kept_in_si_as_well(engine: sa.Engine, runs: Runs) -> None:
    apply(runs, BOTH, SetParameter(name="wavelength", value=12, unit="keV"))
    assert parameters(engine, 0)["wavelength"][:2] == (12.0, "keV")
    assert parameters(engine, 0)["wavelength"][2] == pytest.approx(1.922612e-15, rel=1e-5)
    apply(runs, BOTH, SetParameter(name="wavelength", value=2, unit="A"))
    assert parameters(engine, 1)["wavelength"] == (2.0, "angstrom", pytest.approx(2e-10), "m")
    apply(runs, BOTH, SetParameter(name="temperature", unit="K"))
    assert parameters(engine, 0)["temperature"] == (20.0, "K", 20.0, "K")
    apply(runs, BOTH, SetParameter(name="temperature", unit="celsius"))
    assert parameters(engine, 0)["temperature"] == (20.0, "degC", pytest.approx(293.15), "K")
    # the name tells what a unit means: C of a temperature is no charge
    with engine.begin() as connection:
        connection.execute(sa.text("update parameter set unit = 'C' where name = 'temperature'"))
    apply(runs, BOTH, RenameParameter(name="temperature", to="charge"))
    assert parameters(engine, 0)["charge"] == (20.0, "C", 20.0, "A*s")
    apply(runs, BOTH, SetParameter(name="charge", value="much"))
    assert parameters(engine, 0)["charge"] == ("much", None, None, None)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (SetParameter(name="wavelength", value=1, unit="angstrm"), "Did you mean angstrom"),
        (SetField(field="titel", value="x"), "Did you mean title"),
        (SetField(field="title", value=" "), "needs a title"),
        (SetField(field="kind", value="cooked"), "raw, reduced, simulated"),
        (SetField(field="instrument", value="none"), "no instrument"),
        (SetSample(sample="none"), "no sample"),
        (Technique(act="add", technique="SAXS"), "PaNET identifier"),
        (People(act="remove", person="Nobody"), "Nobody here is"),
        (People(act="add", person="0000-0002-1825-0097"), "Nobody here is"),
        (ReplaceText(field="title", old="", new="x"), "no text to look for"),
        (ReplaceText(field="kind", old="r", new="x"), "no field 'kind'"),
        (SetField(field="title", value="a\0"), "no text"),
    ],
    ids=[
        *("unit", "field", "empty", "kind", "instrument", "sample", "technique", "person"),
        *("orcid", "nothing", "text", "zero"),
    ],
)
def test_what_cannot_be_is_refused(shared_runs: Runs, operation: Operation, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        shared_runs.preview(STEWARD, BOTH, Edit(operations=(operation,)))
    assert said in f"{refused.value.detail} {refused.value.hint}"


def test_only_what_was_shown_is_applied(engine: sa.Engine, runs: Runs) -> None:
    edit = Edit(operations=(SetField(field="license", value="CC0"),))
    shown = runs.preview(STEWARD, BOTH, edit)
    with pytest.raises(Conflict, match="no longer those of the preview"):
        runs.apply(STEWARD, Selection(pids=("local/0",)), edit, reason="x", token=shown.token)
    with pytest.raises(Invalid, match="reason is missing"):
        runs.apply(STEWARD, BOTH, edit, reason="", token=shown.token)
    apply(runs, Selection(pids=("local/1",)), SetField(field="title", value="Other"))
    with pytest.raises(Conflict, match="no longer those of the preview"):
        runs.apply(STEWARD, BOTH, edit, reason="x", token=shown.token)
    again = runs.preview(STEWARD, BOTH, edit)
    run = runs.apply(STEWARD, BOTH, edit, reason="All is free.", token=again.token)
    with engine.connect() as connection:
        line = audit.newest(connection)[0]
        told = changes.since(connection, changes.last(connection) - 2, limit=10)
    assert (line.event, line.subject, line.detail["changed"]) == ("records.edited", f"run:{run}", 2)
    assert {(item.model, item.pid) for item in told} == {
        ("Dataset", "local/0"),
        ("Dataset", "local/1"),
    }
    assert runs.run(STEWARD, run).report == {"changed": 2, "of": 2}


def test_datasets_are_chosen_by_a_search(shared_runs: Runs) -> None:
    runs = shared_runs
    edit = Edit(operations=(SetField(field="license", value="CC0"),))

    def chosen(where: str) -> int:
        return runs.preview(STEWARD, Selection(where=where), edit).total

    assert chosen("instrument=local/instrument/1") == 1
    assert chosen("q=iron") == 1
    assert chosen("wavelength=1..2 angstrom&sort=title&page=2") == 3
    assert chosen('{"where": {"title": {"like": "%lead"}}}') == 1
    for bad in ("sort=title", '{"where": {}}', "colour=red", "{", '{"where": {"a": 1}}'):
        with pytest.raises(Invalid):
            chosen(bad)
    with pytest.raises(Invalid, match="by their PIDs, or by a search"):
        chosen("")


def test_what_is_not_here_is_said(shared_runs: Runs) -> None:
    runs = shared_runs
    edit = Edit(operations=(RenameParameter(name="remark", to="wavelength"),))
    shown = runs.preview(STEWARD, Selection(pids=("local/0", "local/9")), edit)
    assert shown.total == 1
    assert shown.problems == (
        "Not here, or erased (1): local/9",
        "1 of them have a parameter wavelength already; there nothing is renamed.",
    )


def test_other_records_are_edited_one_by_one(engine: sa.Engine, runs: Runs, tmp_path: Path) -> None:
    before = state(engine, tmp_path / "dump")
    one = Selection(pids=("local/instrument/0",), model="Instrument")
    run = apply(runs, one, SetField(field="name", value="D22"))
    entry = runs.history(STEWARD, "Instrument", "local/instrument/0")[0]
    assert [(item.field, item.old, item.new) for item in entry.changes] == [("name", "D0", "D22")]
    # an ingest that comes by the instrument does not stand in the way
    written(engine, dataset(5, instrument=None) + dataset(6)[:0])
    with pytest.raises(Invalid, match="knows no such operation"):
        runs.preview(STEWARD, one, Edit(operations=(RemoveParameter(name="x"),)))
    runs.undo(STEWARD, run, reason="x")
    after = state(engine, tmp_path / "dump")
    assert after["Instrument.ndjson"] == before["Instrument.ndjson"]


def test_only_stewards_who_may_manage(shared_runs: Runs) -> None:
    runs = shared_runs
    edit = Edit(operations=(SetField(field="license", value="CC0"),))
    reader = Who(person="u-1", roles=frozenset({"steward"}), scopes=frozenset({"read", "write"}))
    for who, error in (
        (ANYONE, Unauthenticated),
        (Who(person="u-1", roles=frozenset({"administrator"})), Forbidden),
        (reader, WrongScope),
    ):
        for use in (
            lambda who: runs.preview(who, BOTH, edit),
            lambda who: runs.apply(who, BOTH, edit, reason="x", token="x"),
            lambda who: runs.undo(who, 1, reason="x"),
            runs.runs,
            lambda who: runs.run(who, 1),
            runs.quarantine,
            runs.retry,
        ):
            with pytest.raises(error):
                use(who)
    assert runs.runs(OPERATOR)[-1].id == 1


def test_the_history_is_for_whoever_may_see_the_detail(engine: sa.Engine, runs: Runs) -> None:
    run = written(engine, dataset(7, isPublic=False, access="closed", ownerGroup="P-1"))
    team = Who(person="u-2", groups=frozenset({"P-1"}))
    assert [item.run for item in runs.history(team, "Dataset", "local/7")] == [run]
    for who in (ANYONE, Who(person="u-3")):
        with pytest.raises(NotFound):
            runs.history(who, "Dataset", "local/7")
    for pid in ("none", "a\0"):
        with pytest.raises(NotFound):
            runs.history(STEWARD, "Dataset", pid)
    # what anyone may see names no account
    assert [item.who for item in runs.history(ANYONE, "Dataset", "local/0")] == [""]
    undone = runs.undo(STEWARD, run, reason="Wrong proposal.")
    assert [item.act for item in runs.history(STEWARD, "Dataset", "local/7")] == [
        "deleted",
        "created",
    ]
    runs.undo(STEWARD, undone, reason="It was right.")
    acts = [(item.act, item.is_undone) for item in runs.history(team, "Dataset", "local/7")]
    assert acts == [("restored", False), ("deleted", True), ("created", False)]


def test_runs_are_listed_with_what_they_did(engine: sa.Engine, settings: Settings) -> None:
    first = written(engine, dataset(0))
    later = Runs(engine, settings, lambda: NOW + timedelta(minutes=3))
    by = later.undo(STEWARD, first, reason="x")
    with engine.begin() as connection:
        connection.execute(
            sa.text("update run set state = 'running', ended = null where id = :by"), {"by": by}
        )
        connection.execute(
            sa.text("update run set beat = :now where id = :by"), {"now": NOW, "by": by}
        )
    newest, oldest = later.runs(STEWARD)
    assert (newest.id, newest.state, newest.undoes) == (by, "stopped", first)
    assert (oldest.state, oldest.undone_by, oldest.records["Dataset"]) == ("undone", by, 1)
    assert later.runs(STEWARD, before=by) == [oldest]
    again = written(engine, dataset(0))
    edited = written(engine, dataset(0, title="Better"), kind="edit")
    assert later.run(STEWARD, again).blocked_by == (edited,)
    assert not later.run(STEWARD, again).may_be_undone
    assert later.run(STEWARD, edited).may_be_undone


def test_files_set_aside_are_listed_and_forgotten(engine: sa.Engine, settings: Settings) -> None:
    runs = Runs(engine, settings, lambda: NOW)
    with engine.begin() as connection:
        for name in "abc":
            connection.execute(
                sa.text(
                    "insert into quarantine (url, reason, detail, size, mtime_ns)"
                    " values (:url, 'broken', 'It ends early.', 1, 1)"
                ),
                {"url": f"file:///{name}"},
            )
    total, files = runs.quarantine(STEWARD, after="file:///a", limit=1)
    assert (total, [item.url for item in files]) == (3, ["file:///b"])
    assert runs.retry(STEWARD, ["file:///a", "file:///none"]) == 1
    assert runs.retry(STEWARD) == 2
    with engine.connect() as connection:
        assert audit.newest(connection)[0].event == "quarantine.retried"
