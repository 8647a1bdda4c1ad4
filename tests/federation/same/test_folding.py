"""Several catalogues tell of the same: it is one record here, in whatever order they came."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.federation.harvesting.made import MadeConnector, feed

from panosc.catalogue.dumping import dump
from panosc.catalogue.federating.tables import connector, told
from panosc.catalogue.writer import write
from panosc.federation import connectors
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.harvesting.removing import remove
from panosc.federation.same.resolving import canonical
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WISH = Wish(by="test")
SAXS = "http://purl.org/pan-science/PaNET/PaNET01188"


class Aggregator(MadeConnector):
    """The same, of a kind that tells of what others hold."""

    kind = "datacite"


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    known = connectors.kinds() | {"made": MadeConnector, "datacite": Aggregator}
    monkeypatch.setattr(connectors, "kinds", lambda: known)


def dataset(pid: str, **other: Any) -> list[Any]:
    return ["Dataset", {"pid": pid, "title": f"The title of {pid}", "isPublic": True} | other]


def event(name: str, *rows: Any, also: dict[str, list[str]] | None = None) -> tuple[str, Any]:
    return name, {"rows": list(rows), "also": also or {}}


LIKE = {"title": "Diffraction of ice XV", "creationDate": "2026-01-01T10:00:30Z", "size": 7}
FEEDS: dict[str, list[tuple[str, Any]]] = {
    "esrf": [
        event("1", dataset("esrf/1"), also={"esrf/1": ["https://doi.org/10.1234/ONE"]}),
        event("2", dataset("esrf/2", **LIKE)),
        event(
            "p",
            ["Document", {"pid": "esrf/p", "title": "Proposal", "isPublic": True}],
            ["DocumentDataset", {"documentId": "esrf/p", "datasetId": "esrf/1"}],
            ["DocumentDataset", {"documentId": "esrf/p", "datasetId": "esrf/9"}],
        ),
    ],
    "datacite": [
        event(
            "a",
            dataset("10.1234/one", license="CC-BY-4.0"),
            ["Technique", {"pid": SAXS, "name": "SAXS"}],
            ["DatasetTechnique", {"datasetId": "10.1234/one", "techniqueId": SAXS}],
        ),
        event(
            "d",
            ["Document", {"pid": "10.1234/paper", "title": "A paper", "isPublic": True}],
            ["DocumentDataset", {"documentId": "10.1234/paper", "datasetId": "10.1234/one"}],
        ),
    ],
    "mirror": [
        event("m", dataset("mirror/1"), also={"mirror/1": ["10.1234/one"]}),
        event("n", dataset("mirror/2", **LIKE)),
    ],
}
KINDS = {"esrf": "made", "datacite": "datacite", "mirror": "made"}


def add(engine: sa.Engine, tmp_path: Path, names: Any = FEEDS) -> None:
    """Add the catalogues: the mirror has been known the longest, but for the aggregator."""
    for number, name in enumerate(("datacite", "mirror", "esrf")):
        if name not in names:
            continue
        path = tmp_path / name
        if not path.exists():
            feed(path, FEEDS[name])
        source = Source(
            name=name,
            kind=KINDS[name],
            url=path.as_uri(),
            title="ESRF",
            prefix=f"{name}/",
            is_adopted=name == "esrf",
        )
        Sources(engine, lambda n=number: NOW + timedelta(days=n)).add(  # type: ignore[misc]
            source, secret_file=None, by="test"
        )


@pytest.fixture
def harvester(engine: sa.Engine, settings: Settings) -> Harvester:
    return Harvester(engine, settings, lambda: NOW)


def state(engine: sa.Engine, folder: Path) -> tuple[Any, Any]:
    dump(engine, folder, bare=True)
    t = told.c
    with engine.connect() as connection:
        lines = connection.execute(
            sa.select(t.connector, t.own_pid, t.pid, t.is_shown, t.evidence).order_by(
                t.connector, t.own_pid
            )
        ).all()
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return [tuple(line) for line in lines], files


def empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(connector))
        tables = "dataset, document, sample, instrument, technique, person, affiliation"
        connection.execute(sa.text(f"truncate {tables} cascade"))


def rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture
def all_three(engine: sa.Engine, harvester: Harvester, tmp_path: Path) -> None:
    add(engine, tmp_path)
    for name in FEEDS:
        harvester.harvest(name, WISH)


def test_the_order_of_harvests_does_not_matter(
    engine: sa.Engine, harvester: Harvester, tmp_path: Path
) -> None:
    found = []
    for number, order in enumerate(itertools.permutations(FEEDS)):
        add(engine, tmp_path)
        for name in order:
            harvester.harvest(name, WISH)
        found.append(state(engine, tmp_path / f"dump{number}"))
        empty(engine)
    assert all(one == found[0] for one in found)
    assert [line[:4] for line in found[0][0]] == [
        ("datacite", "10.1234/one", "esrf/1", False),
        ("datacite", "10.1234/paper", "10.1234/paper", True),
        ("esrf", "esrf/1", "esrf/1", True),
        ("esrf", "esrf/2", "esrf/2", True),
        ("esrf", "esrf/p", "esrf/p", True),
        ("mirror", "mirror/1", "esrf/1", False),
        ("mirror", "mirror/2", "esrf/2", False),
    ]


@pytest.mark.usefixtures("all_three")
def test_what_is_lacking_comes_from_others(engine: sa.Engine) -> None:
    assert rows(engine, "select pid, source, license from dataset order by pid") == [
        ("esrf/1", "esrf", "CC-BY-4.0"),
        ("esrf/2", "esrf", None),
    ]
    assert rows(engine, "select count(*) from dataset_technique") == [(1,)]
    links = (
        "select c.pid, d.pid from document_dataset l join document c on c.id = document_id"
        " join dataset d on d.id = dataset_id order by 1"
    )
    assert rows(engine, links) == [("10.1234/paper", "esrf/1"), ("esrf/p", "esrf/1")]


@pytest.mark.usefixtures("all_three")
def test_a_pid_that_was_folded_still_resolves(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for pid in ("10.1234/one", "mirror/1", "10.1234/ONE", "https://doi.org/10.1234/one"):
            assert canonical(connection, "Dataset", pid) == "esrf/1"
        assert canonical(connection, "Dataset", "esrf/1") is None
        assert canonical(connection, "Dataset", "nothing") is None
        assert canonical(connection, "Document", "10.1234/one") is None


@pytest.mark.usefixtures("all_three")
@pytest.mark.parametrize("name", list(FEEDS))
def test_removing_one_leaves_what_the_others_tell(
    name: str, engine: sa.Engine, harvester: Harvester, settings: Settings, tmp_path: Path
) -> None:
    source = Sources(engine, lambda: NOW).get(name).source
    remove(engine, source, lambda: NOW, by="test", settings=settings)
    found = state(engine, tmp_path / "one")
    empty(engine)
    others = [other for other in FEEDS if other != name]
    add(engine, tmp_path, others)
    for other in others:
        harvester.harvest(other, WISH)
    assert found == state(engine, tmp_path / "two")


def test_this_nodes_own_records_stay_as_they_are(
    engine: sa.Engine, harvester: Harvester, settings: Settings, tmp_path: Path
) -> None:
    own = [
        ("Dataset", {"pid": "10.1234/one", "title": "Our own", "isPublic": True}),
        ("Dataset", {"pid": "local/like", "isPublic": True, **LIKE}),
        ("Document", {"pid": "own-doc", "title": "Ours", "doi": "10.1234/PAPER", "isPublic": True}),
    ]
    with engine.begin() as connection:
        write(connection, own, now=NOW)
    before = state(engine, tmp_path / "one")[1]
    add(engine, tmp_path, ["datacite", "mirror"])
    harvester = Harvester(engine, settings.model_copy(update={"facility": "ESRF"}), lambda: NOW)
    for name in ("datacite", "mirror"):
        harvester.harvest(name, WISH)
    lines, after = state(engine, tmp_path / "two")
    assert after == before
    assert {line[2] for line in lines} == {"10.1234/one", "local/like", "own-doc"}
    assert not any(line[3] for line in lines)
    for name in ("datacite", "mirror"):
        source = Sources(engine, lambda: NOW).get(name).source
        remove(engine, source, lambda: NOW, by="test", settings=settings)
    assert state(engine, tmp_path / "three")[1] == before
