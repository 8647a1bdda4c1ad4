"""DataCite by prefix: whole lists, changes, what was hidden; words that are no operators."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cloud.standins.datacite import Lists, described, parsed, phrases, serving
from conformance import Known, ServedConformance, calling, source_of
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from reading_all import Clock, asked, harvested, ids, mapped_by, swept

from panosc.domain.errors import Upstream
from panosc.domain.query import Compare, Query, Word
from panosc.federation.calling import Caller, Patience
from panosc.federation.connectors import datacite
from panosc.federation.connectors.datacite import DataCiteConnector
from panosc.federation.connectors.datacite_parts.live import lucene
from panosc.federation.contract import Batch, Found, Mapped, Raw
from panosc.federation.source import Source
from panosc.identity.outbound.beyond import Bounds, beyond
from panosc.settings import Settings

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
SANS = "http://purl.org/pan-science/PaNET/PaNET01189"


def lists(count: int = 450) -> tuple[Lists, Clock]:
    clock = Clock()
    made = Lists(clock=clock)
    for number in range(count):
        made.put(f"10.5072/d-{number}", **described(f"Scattering of iron, run {number}"))
    clock.wait(hours=1)
    return made, clock


def source(url: str, **options: str) -> Source:
    return source_of(DataCiteConnector, url, **{"prefix": "10.5072"} | options)


def harvest(url: str, cursor: Any = None, *, most: int = 1000, **options: str) -> list[Batch]:
    return harvested(DataCiteConnector, source(url, **options), cursor, most=most)


def sweep(url: str) -> list[str]:
    return swept(DataCiteConnector, source(url))


def search(url: str, query: Query, **options: str) -> Found:
    told = source(url, **options)
    return asked(DataCiteConnector, told, lambda connector: connector.search(query))


def mapped(content: dict[str, Any], changed: datetime | None = FIRST) -> Mapped:
    raw = Raw(kind="doi", external_id="10.5072/x", content=content, changed=changed)
    return mapped_by(DataCiteConnector, source("http://127.0.0.1"), raw)


def rows(found: Mapped, model: str) -> list[dict[str, Any]]:
    return [row for name, row in found.rows if name == model]


class TestConformance(ServedConformance):
    connector = DataCiteConnector
    options: ClassVar[Mapping[str, str]] = {"prefix": "10.5072"}
    question = Query(model="Dataset", words=(Word(text="iron"),), limit=10)
    known = (
        Known(
            kind="doi",
            external_id="10.5072/d-3",
            model="Dataset",
            pid="10.5072/d-3",
            has={
                "title": "Scattering of iron, run 3",
                "license": "CC-BY-4.0",
                "creationDate": "2024-02-01T00:00:00Z",
                "endDate": "2024-02-03T00:00:00Z",
                "isPublic": True,
            },
            home="https://facility.example/data/1",
        ),
    )

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        made, _ = lists(25)
        page = datacite.PAGE
        datacite.PAGE = 10
        try:
            with serving(made) as url:
                yield url
        finally:
            datacite.PAGE = page


def test_it_takes_all_then_only_what_changed_and_finds_what_was_hidden() -> None:
    made, clock = lists()
    with serving(made) as url:
        first = harvest(url)
        assert [len(batch.raws) for batch in first] == [200, 200, 50]
        assert first[0].total == 450
        clock.wait(hours=1)
        assert ids(harvest(url, first[-1].cursor)) == []
        made.put("10.5072/d-7", **described("Another title"))
        made.put("10.5072/new", **described("New"))
        made.put("10.5072/d-8", "hide")
        clock.wait(hours=1)
        made.asked.clear()
        later = harvest(url, first[-1].cursor)
        assert sorted(ids(later)) == ["10.5072/d-7", "10.5072/new"]
        # by its own clock at the first harvest, ten minutes earlier
        assert made.asked[0]["query"] == 'updated:["2026-03-01T12:50:00Z" TO *]'
        assert set(ids(first)) - set(sweep(url)) == {"10.5072/d-8"}


def test_a_harvest_goes_on_where_it_was_killed() -> None:
    made, clock = lists()
    with serving(made) as url:
        begun = harvest(url, most=1)
        clock.wait(minutes=5)
        made.put("10.5072/d-0", **described("Changed meanwhile"))
        rest = harvest(url, begun[-1].cursor)
        assert sorted(ids(begun) + ids(rest)) == sorted(made.made)
        assert "10.5072/d-0" in ids(harvest(url, rest[-1].cursor))


def test_counts_that_change_by_themselves_are_no_change() -> None:
    made, clock = lists(1)
    with serving(made) as url:
        before = harvest(url)[0].raws[0].content
        clock.wait(hours=1)
        made.put("10.5072/d-0", viewCount=100, viewsOverTime=[{"total": 7}])
        assert harvest(url)[0].raws[0].content == before


def test_large_pages_are_asked_for_in_smaller_ones() -> None:
    made, _ = lists(0)
    for number in range(60):
        more = {"descriptions": [{"description": "x" * 50_000, "descriptionType": "Abstract"}]}
        made.put(f"10.5072/d-{number}", **described(f"Run {number}", **more))

    async def read(url: str) -> list[int]:
        told = source(url)
        async with calling(told, limit=1 << 20) as caller:
            pages = DataCiteConnector(told, caller).changes(None)
            return [len(batch.raws) async for batch in pages]

    with serving(made) as url:
        assert asyncio.run(read(url)) == [12] * 5 + [0]


def test_it_waits_where_it_is_asked_to() -> None:
    made, _ = lists(3)
    made.busy = 2
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def read(url: str) -> int:
        told, settings = source(url), Settings(home=Path("/nonexistent"))
        async with beyond(settings, trusted=["127.0.0.1"]) as calls:
            bounds, patience = Bounds(seconds=5, limit=1 << 20), Patience(first_wait_s=0.01)
            caller = Caller(calls, told, bounds, patience, sleep=wait)
            pages = DataCiteConnector(told, caller).changes(None)
            return sum([len(batch.raws) async for batch in pages])

    with serving(made) as url:
        assert asyncio.run(read(url)) == 3
    assert waits == [1.0, 1.0]


def test_a_list_that_goes_round_is_ended() -> None:
    made, _ = lists()
    made.circles = True
    with serving(made) as url:
        with pytest.raises(Upstream, match="round in circles"):
            harvest(url)
        with pytest.raises(Upstream, match="round in circles"):
            sweep(url)


@pytest.mark.parametrize(
    "options", [{"prefix": "x"}, {"prefix": ""}, {"types": "a b"}, {"other": "x"}]
)
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        harvest("http://127.0.0.1:9", **options)


def test_types_may_be_chosen() -> None:
    made, _ = lists(3)
    made.put("10.5072/c", **described("All", general="Collection"))
    with serving(made) as url:
        assert ids(harvest(url, types="collection")) == ["10.5072/c"]
        for model, count in (("Dataset", 0), ("Document", 1)):
            found = search(url, Query(model=model, limit=5), types="collection")
            assert len(found.items) == count


# -- live -----------------------------------------------------------------------------------------


def test_words_are_asked_and_what_is_not_is_named() -> None:
    made, _ = lists(5)
    made.put("10.5072/p", **described("Iron for all", general="Project"))
    made.put("10.5072/i", **described("IRON-1", general="Instrument"))
    with serving(made) as url:
        words = (Word(text="iron"), Word(text="run 3", kind="phrase", occurs="all"))
        found = search(url, Query(model="Dataset", words=words, limit=5))
        assert [item["pid"] for item in found.items] == ["10.5072/d-3"]
        (item,) = found.items
        assert item["members"][0]["person"]["orcid"] == "0000-0002-1825-0097"
        assert item["members"][0]["affiliation"]["name"] == "A University"
        assert item["home"] == "https://facility.example/data/1"
        assert (found.total, found.is_cut, found.unasked) == (1, False, frozenset())
        where = Compare(property="title", operator="eq", operands=("Iron for all",))
        documents = search(url, Query(model="Document", where=where, limit=5))
        assert [item["pid"] for item in documents.items] == ["10.5072/p"]
        assert (documents.unasked, documents.total) == ({"title"}, None)
        instruments = search(url, Query(model="Instrument", words=words[:1], limit=5))
        assert [item["name"] for item in instruments.items] == ["IRON-1"]
        elements = (Word(text="Fe", kind="elements"),)
        assert search(url, Query(model="Dataset", words=elements, limit=2)).unasked == {"words"}


WORDS = st.builds(
    Word,
    text=st.text(max_size=30)
    | st.sampled_from(
        [
            '" OR "',
            "\\",
            '\\"',
            "a) OR (b",
            "NOT",
            "AND",
            "*:*",
            "updated:[* TO *]",
            "a~ b^2",
            "/x/",
        ]
    ),
    kind=st.sampled_from(["word", "phrase"]),
    occurs=st.sampled_from(["any", "all", "not"]),
)


@given(st.lists(WORDS, max_size=6))
def test_no_text_of_a_person_becomes_an_operator(words: list[Word]) -> None:
    query = lucene(words)
    if not query:
        return
    # it is one of the syntax, and each phrase in it is the text of a word
    parsed(query)
    texts = {
        " ".join("".join(c if c >= " " and c != "\x7f" else " " for c in w.text).split())
        for w in words
    }
    assert set(phrases(query)) <= texts
    # and beside the phrases there is nothing but what this program wrote
    bare = query
    for word in sorted(texts, key=len, reverse=True):
        escaped = word.replace("\\", "\\\\").replace('"', '\\"')
        bare = bare.replace(f'"{escaped}"', "P")
    assert set(bare.replace("(", " ").replace(")", " ").split()) <= {"P", "AND", "OR", "NOT"}


# -- what records mean ----------------------------------------------------------------------------


def test_a_record_that_says_all_is_understood() -> None:
    found = mapped(
        described(
            "Sans of <i>ice</i>",
            subjects=[
                {
                    "subject": "small angle neutron scattering",
                    "subjectScheme": "PaNET",
                    "valueUri": SANS,
                },
                {"subject": "ice"},
            ],
            contributors=[
                {"name": "Other Place", "contributorType": "HostingInstitution"},
                {"name": "Helper, Bo", "contributorType": "DataCollector"},
                {"name": "Curator, Cy", "contributorType": "DataCurator"},
            ],
            relatedIdentifiers=[
                {"relationType": "IsDerivedFrom", "relatedIdentifier": "10.5072/raw"},
                {"relationType": "IsPartOf", "relatedIdentifier": "https://doi.org/10.5072/all"},
                {"relationType": "IsNewVersionOf", "relatedIdentifier": "10.5072/old"},
                {"relationType": "IsIdenticalTo", "relatedIdentifier": "hdl:20.500.1/same"},
                {"relationType": "IsCitedBy", "relatedIdentifier": "10.1107/s1"},
            ],
            relatedItems=[
                {
                    "relatedItemType": "Instrument",
                    "titles": [{"title": "SANS-1"}],
                    "relatedItemIdentifier": {"relatedItemIdentifier": "20.500.1/sans1"},
                }
            ],
            sizes=["12 files", "1.5 GB"],
            descriptions=[
                {"description": "How.", "descriptionType": "Methods"},
                {"description": "<p>What.</p>", "descriptionType": "Abstract"},
            ],
            fundingReferences=[{"funderName": "EC", "awardNumber": "823852"}],
        )
    )
    (dataset,) = rows(found, "Dataset")
    wanted = {
        "pid": "10.5072/x",
        "title": "Sans of ice",
        "description": "What.",
        "size": 1_500_000_000,
        "derivedFrom": ["10.5072/raw"],
        "isNewVersionOf": "10.5072/old",
        "instrumentId": "20.500.1/sans1",
        "funding": [{"funderName": "EC", "awardNumber": "823852"}],
        "kind": "raw",
    }
    assert {name: dataset[name] for name in wanted} == wanted
    assert dataset["relatedIdentifiers"] == [
        {"relatedIdentifier": "10.1107/s1", "relationType": "IsCitedBy"}
    ]
    assert rows(found, "Instrument")[0]["facility"] == "Other Place"
    assert [row["pid"] for row in rows(found, "Technique")] == [SANS]
    assert rows(found, "DocumentDataset")[0]["documentId"] == "10.5072/all"
    roles = {row["personId"]: row["role"] for row in rows(found, "Member")}
    assert roles == {"0000-0002-1825-0097": "creator", "src/Helper, Bo": "local contact"}
    assert rows(found, "Affiliation")[0]["id"] == "https://ror.org/02550n020"
    assert found.also == {"10.5072/x": ("20.500.1/same",)}
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("general", "words", "model", "kind"),
    [
        ("Dataset", "Simulated data", "Dataset", "simulated"),
        ("Dataset", "", "Dataset", None),
        ("Collection", "Dataset", "Document", "collection"),
        ("Project", "", "Document", "proposal"),
        ("Other", "Proposal", "Document", "proposal"),
        ("Text", "", "Document", "publication"),
        ("Text", "Technical report", "Document", "technical report"),
        ("JournalArticle", "", "Document", "publication"),
        ("Software", "", "Document", "software"),
        ("Instrument", "", "Instrument", None),
    ],
)
def test_what_a_resource_is_decides_what_it_becomes(
    general: str, words: str, model: str, kind: str | None
) -> None:
    types = {"resourceTypeGeneral": general, "resourceType": words}
    found = mapped(described("A", types=types) | {"types": types})
    top = [name for name, _ in found.rows if name in {"Dataset", "Document", "Instrument"}]
    assert top == [model]
    (row,) = rows(found, model)
    assert row.get("kind" if model == "Dataset" else "type") == kind


OPEN = {"rightsUri": "info:eu-repo/semantics/openAccess"}


@pytest.mark.parametrize(
    ("rights", "available", "access", "until"),
    [
        ([], None, None, None),
        ([OPEN], "2024-01-01", None, None),
        ([], "2030-01-01", "embargoed", "2030-01-01T00:00:00Z"),
        ([OPEN], "2030-01-01", "embargoed", "2030-01-01T00:00:00Z"),
        ([{"rights": "Embargoed Access"}], "2030-01-01", "embargoed", "2030-01-01T00:00:00Z"),
        ([{"rights": "embargoedAccess"}], None, "embargoed", None),
        ([{"rights": "Restricted Access"}, OPEN], None, "embargoed", None),
        ([{"rightsUri": "http://purl.org/coar/access_right/c_14cb"}], "2020", "embargoed", None),
    ],
)
def test_access_is_never_more_than_was_said(
    rights: list[dict[str, str]], available: str | None, access: str | None, until: str | None
) -> None:
    dates = [] if available is None else [{"date": available, "dateType": "Available"}]
    found = mapped(described("A", dates=dates) | {"rightsList": rights, "dates": dates})
    (row,) = rows(found, "Dataset")
    assert (row.get("access"), row.get("embargoUntil")) == (access, until)
    assert row["isPublic"] is (access is None)


def test_what_is_strange_is_dropped_and_said() -> None:
    strange: dict[str, Any] = {
        "doi": "10.5072/x",
        "titles": "A title alone",
        "creators": [{"name": 7}, {}, None, "x", {"name": "ESRF", "nameType": "Organizational"}],
        "publisher": "ESRF",
        "dates": [
            {"date": "soon", "dateType": "Issued"},
            {"date": "2021", "dateType": "Collected"},
        ],
        "sizes": "5 pages",
        "types": None,
        "rightsList": {"rights": "CC0"},
        "publicationYear": "20x1",
    }
    found = mapped(strange)
    (row,) = rows(found, "Dataset")
    assert (row["title"], row["creationDate"]) == ("A title alone", "2021-01-01T00:00:00Z")
    assert row["license"] == "CC0"
    assert [item["fullName"] for item in rows(found, "Person")] == ["7"]
    assert [item["name"] for item in rows(found, "Affiliation")] == ["ESRF"]
    assert any("“soon”" in text for text in found.warnings)
    assert any("taken for a dataset" in text for text in found.warnings)
