"""InvenioRDM: lists beyond its window, what changed and what went, access, files, live search."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cloud.standins.invenio import Repository, record, serving
from conformance import Known, ServedConformance, source_of
from pydantic import SecretStr, ValidationError
from reading_all import Clock, asked, harvested, ids, mapped_by, swept

from panosc.domain.errors import Upstream
from panosc.domain.query import Query, Word
from panosc.federation.connectors import invenio
from panosc.federation.connectors.invenio import InvenioConnector
from panosc.federation.contract import Batch, Found, Mapped, Raw
from panosc.federation.source import Source

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def repository(count: int = 250, **how: Any) -> tuple[Repository, Clock]:
    clock = Clock()
    made = Repository(clock=clock, **how)
    for number in range(count):
        key = f"r{number:03}"
        made.put(key, metadata=record(key, title=f"Iron, run {number}")["metadata"])
        clock.wait(seconds=1)
    clock.wait(hours=1)
    return made, clock


def source(url: str, **options: str) -> Source:
    return source_of(InvenioConnector, url, **options)


def harvest(url: str, cursor: Any = None, *, most: int = 1000, **options: str) -> list[Batch]:
    return harvested(InvenioConnector, source(url, **options), cursor, most=most)


def sweep(url: str, **options: str) -> list[str]:
    return swept(InvenioConnector, source(url, **options))


def search(told: Source, query: Query) -> Found:
    return asked(InvenioConnector, told, lambda connector: connector.search(query))


def mapped(content: dict[str, Any]) -> Mapped:
    raw = Raw(kind="record", external_id="r1", content=content, changed=FIRST)
    return mapped_by(InvenioConnector, source("http://127.0.0.1"), raw)


def rows(found: Mapped, model: str) -> list[dict[str, Any]]:
    return [row for name, row in found.rows if name == model]


class TestConformance(ServedConformance):
    connector = InvenioConnector
    question = Query(model="Dataset", words=(Word(text="iron"),), limit=10)
    known = (
        Known(
            kind="record",
            external_id="r003",
            model="Dataset",
            pid="10.5281/inv.r003",
            has={
                "title": "Iron, run 3",
                "description": "What was measured.",
                "license": "CC-BY-4.0",
                "size": 3000,
                "creationDate": "2018-01-01T00:00:00Z",
                "derivedFrom": ["10.5072/raw"],
                "isPublic": True,
            },
            home="https://inv.example/records/r003",
        ),
    )

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        made, _ = repository(25)
        sizes = invenio.SIZES
        invenio.SIZES = (10, 10)
        try:
            with serving(made) as url:
                yield url
        finally:
            invenio.SIZES = sizes


def test_it_takes_all_then_only_what_changed_and_finds_what_was_deleted() -> None:
    made, clock = repository()
    with serving(made) as url:
        first = harvest(url)
        assert sorted(set(ids(first))) == sorted(made.records)
        # a page begins with the last record of the page before
        assert len(ids(first)) == 250 + 2
        assert first[0].total == 250
        clock.wait(hours=1)
        assert ids(harvest(url, first[-1].cursor)) == []
        made.put("r007", metadata=record("r007", title="Another")["metadata"])
        made.delete("r008")
        clock.wait(hours=1)
        later = harvest(url, first[-1].cursor)
        assert ids(later) == ["r007"]
        assert ids(harvest(url, later[-1].cursor)) == []
        assert set(ids(first)) - set(sweep(url)) == {"r008"}


def test_it_reads_beyond_the_window_of_ten_thousand() -> None:
    # a window of 300 stands for that of 10 000
    made, _ = repository(650, window=300)
    with serving(made) as url:
        assert set(ids(harvest(url))) == set(sweep(url)) == set(made.records)
        assert max(int(asked["page"]) for asked in made.asked) == 1


def test_records_of_one_moment_are_read_by_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    made, clock = repository(0)
    for number in range(250):
        made.put(f"r{number:03}")
    clock.wait(hours=1)
    with serving(made) as url:
        assert set(ids(harvest(url))) == set(sweep(url)) == set(made.records)
        monkeypatch.setattr(invenio, "WINDOW", 200)
        with pytest.raises(Upstream, match="more than 200 records of one moment"):
            harvest(url)


@pytest.mark.parametrize("is_silent", [False, True])
def test_smaller_pages_than_asked_for_lose_nothing(*, is_silent: bool) -> None:
    made, clock = repository(60, largest=25, is_silent=is_silent)
    for number in range(60):
        # and of one moment
        made.put(f"s{number:03}")
    clock.wait(hours=1)
    with serving(made) as url:
        assert set(ids(harvest(url))) == set(sweep(url)) == set(made.records)


def test_what_changes_while_it_reads_is_not_skipped() -> None:
    made, clock = repository()
    with serving(made) as url:
        begun = harvest(url, most=1)
        # moves to the end of the list: by numbers of pages another would be skipped
        made.put("r000")
        clock.wait(hours=1)
        rest = harvest(url, begun[-1].cursor)
        assert set(ids(begun)) | set(ids(rest)) == set(made.records)
        assert ids(rest)[-1] == "r000"


def test_counts_that_change_by_themselves_are_no_change() -> None:
    made, clock = repository(1)
    with serving(made) as url:
        before = harvest(url)[0].raws[0].content
        clock.wait(hours=1)
        made.put("r000", stats={"all_versions": {"views": 9999}})
        assert harvest(url)[0].raws[0].content == before


def test_one_community_may_be_asked_for() -> None:
    made, _ = repository(3)
    made.put("r001", community="ess")
    with serving(made) as url:
        assert ids(harvest(url, community="ess")) == sweep(url, community="ess") == ["r001"]
        assert made.asked[-1]["path"] == "/api/communities/ess/records"
    with pytest.raises(ValidationError):
        harvest("http://127.0.0.1:9", community="../x")


def test_it_rests_when_no_calls_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = repository(limits=[2, 0, 30])
    rests: list[float] = []

    class Loop:
        @staticmethod
        async def sleep(seconds: float) -> None:
            rests.append(seconds)

    monkeypatch.setattr(invenio, "asyncio", Loop)
    with serving(made) as url:
        harvest(url)
    assert rests == [0.0, 30.0]


def test_an_order_that_is_not_kept_is_told_of() -> None:
    made, _ = repository()
    answer = made.answer

    def turned(path: str, asked: dict[str, str]) -> tuple[int, Any]:
        return answer(path, asked | {"sort": "newest"})

    made.answer = turned  # type: ignore[method-assign]
    with serving(made) as url, pytest.raises(Upstream):
        sweep(url)


def test_words_are_asked_live() -> None:
    made, _ = repository(5)
    made.put("p", metadata=record("p", kind="publication-article", title="Iron")["metadata"])
    with serving(made) as url:
        words = (Word(text="iron"), Word(text="run 3", kind="phrase", occurs="all"))
        found = search(source(url), Query(model="Dataset", words=words, limit=5))
        assert [item["pid"] for item in found.items] == ["10.5281/inv.r003"]
        assert found.items[0]["home"] == "https://inv.example/records/r003"
        assert found.items[0]["files"][0]["name"] == "a.h5"
        assert (found.total, found.is_cut, found.unasked) == (1, False, frozenset())
        documents = search(source(url), Query(model="Document", words=words[:1], limit=5))
        assert [item["type"] for item in documents.items] == ["publication"]
        assert search(source(url), Query(model="Instrument", limit=5)).items == ()


def test_an_account_shows_its_token_to_the_repository() -> None:
    made, _ = repository(1)
    with serving(made) as url:
        told = replace(source(url), secret=SecretStr("t0ken"))
        search(told, Query(model="Dataset", limit=1))
    assert made.headers[-1]["Authorization"] == "Bearer t0ken"
    assert "inveniordm" in made.headers[-1]["Accept"]


OPEN = {"record": "public", "files": "public", "embargo": {"active": False}, "status": "open"}
EMBARGO = {"active": True, "until": "2031-01-02"}


@pytest.mark.parametrize(
    ("access", "wanted"),
    [
        (OPEN, (True, None, None, 1)),
        (
            {**OPEN, "files": "restricted", "embargo": EMBARGO, "status": "embargoed"},
            (False, "embargoed", "2031-01-02T00:00:00Z", 0),
        ),
        (
            {**OPEN, "embargo": EMBARGO, "status": "embargoed"},
            (False, "embargoed", "2031-01-02T00:00:00Z", 0),
        ),
        ({**OPEN, "files": "restricted", "status": "restricted"}, (False, "embargoed", None, 0)),
        ({**OPEN, "record": "restricted", "status": "restricted"}, (False, "closed", None, 1)),
        ({}, (False, "closed", None, 0)),
        (None, (False, "closed", None, 0)),
        ({"record": "public"}, (False, "embargoed", None, 0)),
    ],
)  # fmt: skip
def test_access_is_never_more_than_was_said(
    access: dict[str, Any] | None, wanted: tuple[bool, str | None, str | None, int]
) -> None:
    found = mapped({**record("r1"), "access": access})
    (row,) = rows(found, "Dataset")
    told = (row["isPublic"], row.get("access"), row.get("embargoUntil"))
    assert (*told, len(rows(found, "File"))) == wanted


def test_a_record_is_understood() -> None:
    more = {
        "contributors": [
            {
                "person_or_org": {"type": "organizational", "name": "ESS"},
                "role": {"id": "hostinginstitution"},
            },
            {"person_or_org": {"name": "Helper, Bo"}, "role": {"id": "contactperson"}},
        ],
        "dates": [{"date": "2017-02-03/2017-02-04", "type": {"id": "collected"}}],
        "funding": [
            {
                "funder": {"id": "00k4n6c32", "name": "European Commission"},
                "award": {"number": "823852", "title": {"en": "PaNOSC"}},
            }
        ],
    }
    found = mapped(record("r1", **more))
    (dataset,) = rows(found, "Dataset")
    assert (dataset["creationDate"], dataset["endDate"]) == (
        "2017-02-03T00:00:00Z",
        "2017-02-04T00:00:00Z",
    )
    assert dataset["funding"] == [
        {
            "funderName": "European Commission",
            "funderIdentifier": "https://ror.org/00k4n6c32",
            "awardNumber": "823852",
            "awardTitle": "PaNOSC",
        }
    ]
    assert dataset["keywords"] == ["ice"]
    assert {row["id"] for row in rows(found, "Person")} == {"0000-0002-1825-0097", "src/Helper, Bo"}
    assert rows(found, "Affiliation")[0]["id"] == "https://ror.org/02550n020"
    assert rows(found, "File") == [
        {"name": "a.h5", "path": "a.h5", "size": 3000, "datasetId": "10.5281/inv.r1"}
    ]
    assert found.also["10.5281/inv.r1"] == ("oai:inv.example:r1", "src/r1")
    # the DOI of all versions is that of none of them
    assert {"relationType": "IsVersionOf", "relatedIdentifier": "10.5281/inv.pr1"} in [
        *dataset["relatedIdentifiers"]
    ]


def test_a_tombstone_is_news_of_a_deletion() -> None:
    made, _ = repository(2)
    made.put("r001", tombstone={"note": "x"})
    made.put("r000", deletion_status={"is_deleted": True, "status": "D"})
    with serving(made) as url:
        assert all(raw.is_gone for raw in harvest(url)[0].raws)
