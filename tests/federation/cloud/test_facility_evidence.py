"""The table of facilities says what was asked and what came, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from panosc.catalogue.writer import write
from panosc.federation.contract import Probed, Support
from panosc.federation.evidence.cells import COLUMNS, Cell
from panosc.federation.evidence.table import findings
from panosc.federation.source import Source
from panosc.federation.sources import Sources

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERM = "http://purl.org/pan-science/PaNET/PaNET01188"


def _add(engine: sa.Engine, name: str, kind: str, features: dict[str, Support] | None) -> None:
    sources = Sources(engine, lambda: NOW)
    source = Source(name=name, kind=kind, url="https://a.example", title=name.upper(), prefix="p/")
    sources.add(source, secret_file=None, by="a test")
    if features is not None:
        probed = Probed(version="4.5", totals={"Dataset": 4}, features=features)
        sources.keep_probed(name, probed)


def _dataset(number: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "Dataset", {"pid": f"p/{number}", "title": "A", "isPublic": True, "source": "a"} | more


def _cells(engine: sa.Engine) -> dict[str, dict[str, Cell]]:
    with engine.connect() as connection:
        found = findings(connection, now=NOW)
    assert [row.title for row in found] == sorted(row.title for row in found)
    for row in found:
        assert [cell.name for cell in row.cells] == list(COLUMNS)
        assert all(cell.asked for cell in row.cells)
    return {row.source: {cell.name: cell for cell in row.cells} for row in found}


def test_what_nobody_asked_is_unknown(engine: sa.Engine) -> None:
    _add(engine, "a", "scicat", None)
    assert {cell.state for cell in _cells(engine)["a"].values()} == {"unknown"}
    assert all(cell.at is None for cell in _cells(engine)["a"].values())


def test_cells_rest_on_the_probe_and_on_the_records(engine: sa.Engine) -> None:
    listed = Support(state="yes", evidence="It listed 2 files of a dataset.")
    wrong = Support(state="wrong", evidence="Nothing came.")
    _add(engine, "a", "scicat", {"files": wrong})
    _add(engine, "b", "panosc", {"files": listed, "where:isPublic": wrong})
    later = (NOW + timedelta(days=900)).isoformat()
    with engine.begin() as connection:
        write(
            connection,
            [
                ("Technique", {"pid": TERM, "name": "SAXS", "panetId": TERM}),
                _dataset(1, pid="10.5072/one", license="CC-BY-4.0", definition="NXsas"),
                _dataset(2, isPublic=False, access="embargoed", embargoUntil=later),
                _dataset(3),
                # nobody may know of it, so it is not counted
                _dataset(4, isPublic=False, access="closed"),
                ("DatasetTechnique", {"datasetId": "p/3", "techniqueId": TERM}),
                _dataset(5, source=None),
            ],
            now=NOW,
        )
    cells = _cells(engine)
    a, b = cells["a"], cells["b"]
    assert {name: cell.state for name, cell in a.items()} == {
        "policy": "partly",
        "catalogue": "yes",
        "definition": "partly",
        "doi": "partly",
        "open": "partly",
        "services": "no",
        "api": "no",
    }
    assert a["catalogue"].said == "SciCat 4.5"
    assert a["open"].said == "2 of 3"
    assert a["doi"].said == "1 of 3"
    assert a["policy"].said == "1 with a licence, 1 with a date"
    assert a["definition"].said == "1 with a definition, 1 with PaNET"
    assert (b["api"].state, b["api"].said) == ("partly", "1 of 2 features work")
    assert (b["services"].state, b["services"].at) == ("yes", NOW)
    assert b["open"].state == "unknown", "none of its records are known here"


@pytest.mark.parametrize(("count", "state"), [(0, "no"), (1, "partly"), (2, "yes")])
def test_all_some_none(engine: sa.Engine, count: int, state: str) -> None:
    _add(engine, "a", "scicat", None)
    pids = ["10.5072/a", "10.5072/b"][:count] + ["p/1", "p/2"][count:]
    with engine.begin() as connection:
        write(connection, [_dataset(0, pid=pid) for pid in pids], now=NOW)
    assert _cells(engine)["a"]["doi"].state == state
