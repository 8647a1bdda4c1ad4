"""What a history may not tell, and edits that would fill the memory."""

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from runs_catalogue import NOW, STEWARD, dataset, written

from panosc.domain.access import ANYONE, Who
from panosc.ingest.profiles.outside.people import WrongList, read_list
from panosc.ingest.runs.editing.operations import Edit, ReplaceText, Selection
from panosc.ingest.runs.service import Runs
from panosc.portal.pages.intake.forms import quantity
from panosc.settings import Settings


@pytest.fixture
def runs(engine: sa.Engine, settings: Settings) -> Runs:
    """What shows and changes the catalogue."""
    return Runs(engine, settings, lambda: NOW)


def _told(runs: Runs, who: Who) -> str:
    return str(runs.history(who, "Dataset", "local/0"))


def test_a_history_names_no_document_that_is_closed(engine: sa.Engine, runs: Runs) -> None:
    rows = dataset(0)
    for name, is_open in (("hidden", False), ("shown", True)):
        pid = f"10.5072/{name}"
        access = {"isPublic": is_open, "access": "open" if is_open else "closed"}
        rows.append(("Document", {"pid": pid, "title": "T", "ownerGroup": "P-1", **access}))
        rows.append(("DocumentDataset", {"documentId": pid, "datasetId": "local/0"}))
    rows[1][1]["unheard"] = "of the archive alone"
    written(engine, rows)
    team = Who(person="u-2", groups=frozenset({"P-1"}))
    for who, is_there in (
        (STEWARD, True),
        (team, True),
        (ANYONE, False),
        (Who(person="u-3"), False),
    ):
        assert ("10.5072/hidden" in _told(runs, who)) == is_there
        assert "10.5072/shown" in _told(runs, who)
        assert ("of the archive" in _told(runs, who)) == (who is STEWARD)


def test_a_history_names_no_account_that_has_announced(engine: sa.Engine, runs: Runs) -> None:
    run = written(engine, dataset(0), kind="message")
    with engine.begin() as connection:
        words = {"reason": "Announced as u-somebody:run-1", "id": run}
        connection.execute(sa.text("update run set reason = :reason where id = :id"), words)
    assert "u-somebody" not in _told(runs, ANYONE)
    assert "u-somebody" in _told(runs, Who(person="u-3"))


def test_texts_do_not_grow_without_end(engine: sa.Engine, runs: Runs) -> None:
    written(engine, dataset(0, title="a"))
    step = ReplaceText(field="title", old="a", new="a" * 20_000)
    edit = Edit(operations=(step,) * 50)
    shown = runs.preview(STEWARD, Selection(pids=("local/0",)), edit)
    assert (shown.changed, len(shown.problems)) == (1, 49)
    assert "20,000" in shown.problems[0]


def test_a_number_of_many_digits_takes_no_time() -> None:
    since = time.thread_time()
    assert quantity("1" * 20_000 + "x") == "1" * 20_000 + "x"
    assert time.thread_time() - since < 1


def test_a_list_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.csv")
    with pytest.raises(WrongList, match="no file"):
        read_list(tmp_path / "list.csv")
