"""What a harvest makes of records: in whatever order, with faults, never over this node's own."""

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from tests.federation.harvesting.conftest import NOW, Added
from tests.federation.harvesting.folders import catalogue
from tests.federation.harvesting.made import Event, MadeConnector, events_of, feed

from panosc.catalogue.dumping import dump
from panosc.catalogue.federating.tables import connector, raw
from panosc.catalogue.writer import write
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

WISH = Wish(by="test")


def rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def event(name: str, *given: Any) -> Event:
    return name, {"rows": [list(item) for item in given]}


def dataset(pid: str, **other: Any) -> tuple[str, Any]:
    return "Dataset", {"pid": pid, "title": f"Title of {pid}", "isPublic": True} | other


PIECES = [
    event(
        "d",
        dataset("t/d", instrumentId="t/i"),
        ("DatasetSample", {"datasetId": "t/d", "sampleId": "t/s"}),
        ("DocumentDataset", {"documentId": "t/p", "datasetId": "t/d"}),
    ),
    event("i", ("Instrument", {"pid": "t/i", "name": "D1"})),
    event("s", ("Sample", {"pid": "t/s", "name": "Ice"})),
    event("p", ("Document", {"pid": "t/p", "title": "Proposal", "isPublic": True})),
]
LINKED = (
    "select d.pid, i.pid, s.pid, c.pid from dataset d"
    " left join instrument i on i.id = d.instrument_id"
    " left join dataset_sample x on x.dataset_id = d.id left join sample s on s.id = x.sample_id"
    " left join document_dataset y on y.dataset_id = d.id"
    " left join document c on c.id = y.document_id"
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2)], ids=str)
def test_what_a_record_names_may_come_later(
    order: tuple[int, ...], engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    assert order in set(permutations(range(4)))
    add(feed(tmp_path / "feed", [PIECES[number] for number in order]), options={"size": "1"})
    harvester.harvest("there", WISH)
    assert rows(engine, LINKED) == [("t/d", "t/i", "t/s", "t/p")]
    feed(tmp_path / "feed", [("p", None), ("i", None)])
    harvester.harvest("there", WISH)
    assert rows(engine, LINKED) == [("t/d", "t/i", "t/s", None)]
    feed(tmp_path / "feed", [PIECES[3], ("d", None)])
    harvester.harvest("there", WISH)
    assert rows(engine, "select pid from instrument") == []
    assert rows(engine, "select pid from document") == [("t/p",)]
    feed(tmp_path / "feed", [("s", None), ("p", None)])
    harvester.harvest("there", WISH)
    assert rows(engine, "select pid from sample union select pid from document") == []


def test_what_cannot_be_understood_is_kept_with_the_reason(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    bad = [
        ("a", {"broken": "no such field"}),
        ("b", {"rows": [["Dataset", {"title": "without a name"}]]}),
        ("c", {"rows": [["Gopher", {"pid": "x"}]]}),
        event("d", dataset("t/d", size="large", creationDate="yesterday")),
    ]
    path = feed(tmp_path / "feed", bad)
    add(path)
    outcome = harvester.harvest("there", WISH)
    assert (outcome.counts.new, outcome.counts.refused, outcome.is_partly) == (4, 3, True)
    problems = rows(engine, "select external_id, problem from raw where problem is not null")
    assert [name for name, _ in sorted(problems)] == ["a", "b", "c"]
    assert dict(problems)["a"] == "ValueError: no such field"
    assert rows(engine, "select pid, size, creation_date from dataset") == [("t/d", None, None)]
    feed(path, [("d", {"broken": "now it is"}), event("a", dataset("t/a"))])
    harvester.harvest("there", WISH)
    assert rows(engine, "select pid from dataset") == [("t/a",)]


def test_a_better_mapping_is_applied_without_asking(
    engine: sa.Engine,
    harvester: Harvester,
    add: Added,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(feed(tmp_path / "feed", events_of(catalogue(15, documents=1))))
    harvester.harvest("there", WISH)
    MadeConnector.fetched.clear()
    before = MadeConnector.map

    def better(self: MadeConnector, item: Any) -> Any:
        found = before(self, item)
        for name, row in found.rows:
            if name == "Dataset":
                row["license"] = "CC0-1.0"
        return found

    monkeypatch.setattr(MadeConnector, "map", better)
    harvester.harvest("there", WISH)
    assert rows(engine, "select distinct license from dataset") == [(None,)]
    monkeypatch.setattr(MadeConnector, "mapping_version", 2)
    outcome = harvester.harvest("there", WISH)
    assert outcome.counts.changed == 16
    assert MadeConnector.fetched == []
    assert rows(engine, "select distinct license from dataset") == [("CC0-1.0",)]
    assert rows(engine, "select distinct mapping from raw") == [(2,)]


def test_what_is_this_nodes_own_stays(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    own = [
        ("Instrument", {"pid": "i", "name": "Ours"}),
        ("Person", {"id": "0000-0002-1825-0097", "fullName": "Josiah Carberry"}),
        ("Sample", {"pid": "s", "name": "Our sample"}),
        ("Dataset", {"pid": "one", "title": "Our own", "isPublic": False, "instrumentId": "i"}),
        ("Member", {"datasetId": "one", "personId": "0000-0002-1825-0097", "role": "author"}),
        ("DatasetSample", {"datasetId": "one", "sampleId": "s"}),
    ]
    with engine.begin() as connection:
        write(connection, own, now=NOW)
    dump(engine, tmp_path / "one", bare=True)
    stranger = event(
        "1",
        dataset("one", instrumentId="i"),
        ("Instrument", {"pid": "i", "name": "Theirs"}),
        ("Person", {"id": "0000-0002-1825-0097", "fullName": "Somebody else"}),
        ("Sample", {"pid": "s", "name": "Their sample"}),
        ("DatasetSample", {"datasetId": "one", "sampleId": "s"}),
        ("Member", {"datasetId": "one", "personId": "0000-0002-1825-0097"}),
        ("Location", {"datasetId": "one", "url": "file:///etc/passwd", "name": "p", "size": 1}),
        ("DocumentDataset", {"documentId": "two", "datasetId": "one"}),
    )
    more = event(
        "2",
        dataset("other", instrumentId="i"),
        ("Instrument", {"pid": "i", "name": "Theirs"}),
        ("Sample", {"pid": "s", "name": "Their sample"}),
        ("DatasetSample", {"datasetId": "other", "sampleId": "s"}),
        ("Location", {"datasetId": "other", "url": "file:///etc/passwd", "name": "p", "size": 1}),
    )
    add(feed(tmp_path / "feed", [stranger, more]))
    harvester.harvest("there", WISH)
    assert rows(engine, "select name from instrument") == [("Ours",)]
    assert rows(engine, "select name from sample") == [("Our sample",)]
    assert rows(engine, "select count(*) from location") == [(0,)]
    feed(tmp_path / "feed", [("1", None), ("2", None)])
    harvester.harvest("there", WISH)
    dump(engine, tmp_path / "two", bare=True)
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "two" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("is_adopted", [True, False])
def test_groups_hold_only_where_a_catalogue_is_adopted(
    is_adopted: bool, engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    closed = dataset("secret", isPublic=False, ownerGroup="p7", embargoUntil="2999-01-01")
    path = feed(tmp_path / "feed", [event("1", closed)])
    source = Source(
        name="there", kind="made", url=path.as_uri(), title="There", is_adopted=is_adopted
    )
    Sources(engine, lambda: NOW).add(source, secret_file=None, by="test")
    harvester.harvest("there", WISH)
    found = rows(engine, "select owner_group, embargo_until::date::text, source from dataset")
    assert found == [("p7" if is_adopted else None, "2999-01-01", "there")]


def test_a_sweep_comes_after_a_day(
    engine: sa.Engine,
    settings: Settings,
    add: Added,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MadeConnector, "abilities", frozenset({"changes", "sweep"}))
    now = NOW
    harvester = Harvester(engine, settings, lambda: now)
    events = events_of(catalogue(15, documents=1))
    path = feed(tmp_path / "feed", events)
    add(path)
    assert not harvester.harvest("there", WISH).swept
    path.write_bytes(b"".join(orjson.dumps(list(one)) + b"\n" for one in events[:-3]))
    now = NOW + timedelta(hours=23)
    assert not harvester.harvest("there", WISH).swept
    now = NOW + timedelta(hours=24)
    outcome = harvester.harvest("there", WISH)
    assert (outcome.swept, outcome.counts.gone) == (True, 3)
    assert not harvester.harvest("there", WISH).swept
    with engine.connect() as connection:
        assert connection.scalar(sa.select(connector.c.swept)) == now
        gone = sa.select(sa.func.count()).select_from(raw).where(raw.c.gone == now)
        assert connection.scalar(gone) == 3


def test_several_raw_records_may_tell_of_the_same(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    """As where each dataset comes with the proposal that it belongs to."""
    proposal = ("Document", {"pid": "t/p", "title": "Proposal", "isPublic": True})
    given = [
        event(
            name,
            dataset(f"t/{name}"),
            proposal,
            ("DocumentDataset", {"documentId": "t/p", "datasetId": f"t/{name}"}),
        )
        for name in ("a", "b")
    ]
    path = feed(tmp_path / "feed", given)
    add(path, options={"size": "1"})
    harvester.harvest("there", WISH)
    links = (
        "select c.pid, d.pid from document_dataset join document c on c.id = document_id"
        " join dataset d on d.id = dataset_id order by 2"
    )
    assert rows(engine, links) == [("t/p", "t/a"), ("t/p", "t/b")]
    shown = "select external_id, is_shown, evidence from told where model = 'Document' order by 1"
    assert rows(engine, shown) == [("a", True, {}), ("b", False, {})]
    feed(path, [("a", None)])
    harvester.harvest("there", WISH)
    assert rows(engine, links) == [("t/p", "t/b")]
    assert rows(engine, shown) == [("b", True, {})]
    feed(path, [("b", None)])
    harvester.harvest("there", WISH)
    assert rows(engine, "select pid from document") == []
