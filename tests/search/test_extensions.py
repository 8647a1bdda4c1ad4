"""Our extensions of the filter: ``not`` and relations in ``where``; the standard's way beside."""

import json
from collections.abc import Callable, Iterable, Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_catalogue import Catalogue, serving

from panosc.domain.access import ANYONE
from panosc.domain.errors import BadFilter
from panosc.domain.query import Compare, Not, Related
from panosc.search.language.url import read_box
from panosc.search.loopback import read_filter, write_filter, write_standard

PANET = "http://purl.org/pan-science/PaNET/"


def rows() -> Iterable[tuple[str, dict[str, object]]]:
    yield "Instrument", {"pid": "d22", "name": "D22", "facility": "ILL"}
    yield "Instrument", {"pid": "v20", "name": "V20", "facility": "ESS"}
    for panet in ("PaNET01188", "PaNET01189", "PaNET01216"):
        yield "Technique", {"pid": panet, "name": panet, "panetId": PANET + panet}
    yield "Person", {"id": "lise", "fullName": "Lise Meitner"}
    yield "Sample", {"pid": "ice", "name": "Ice"}
    for number in range(12):
        pid = f"n{number:02}"
        yield (
            "Dataset",
            {
                "pid": pid,
                "title": f"Scan {number} of {'silver' if number % 2 else 'ice'}",
                "instrumentId": ("d22", "v20", None)[number % 3],
                "kind": ("raw", "reduced")[number % 2],
                "creationDate": f"20{10 + number}-03-0{1 + number % 9}T00:00:00Z",
                "size": 10**number,
                "access": "embargoed" if number == 7 else "open",
                **({"embargoUntil": "2031-01-01T00:00:00Z"} if number == 7 else {}),
            },
        )
        if number % 4:
            panet = ("", "PaNET01188", "PaNET01189", "PaNET01216")[number % 4]
            yield "DatasetTechnique", {"datasetId": pid, "techniqueId": panet}
        if number % 5 != 4:
            yield (
                "Parameter",
                {"name": "temperature", "value": number * 10, "unit": "K", "datasetId": pid},
            )
        if number % 3 == 1:
            yield "Member", {"id": f"m{number}", "personId": "lise", "datasetId": pid}
            yield "DatasetSample", {"datasetId": pid, "sampleId": "ice"}


@pytest.fixture(scope="module")
def catalogue(filled: Callable[..., Catalogue]) -> Catalogue:
    return filled(rows())


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[httpx.Client]:
    with serving(catalogue.app()) as found:
        yield found


def pids(client: httpx.Client, filter_: object) -> list[str]:
    answer = client.get("/Datasets", params={"filter": json.dumps(filter_)})
    assert answer.status_code == 200, answer.text
    return [item["pid"] for item in answer.json()]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"not": {"kind": "raw"}}, {1, 3, 5, 7, 9, 11}),
        ({"not": {"techniques": {"pid": "PaNET01216"}}}, {0, 1, 2, 4, 5, 6, 8, 9, 10}),
        ({"not": {"not": {"kind": "raw"}}}, {0, 2, 4, 6, 8, 10}),
        ({"not": {"or": [{"kind": "raw"}, {"title": {"like": "Scan 1 "}}]}}, {3, 5, 7, 9, 11}),
        ({"instrument": {"facility": "ILL"}}, {0, 3, 6, 9}),
        ({"not": {"instrument": {"facility": "ILL"}}}, {1, 2, 4, 5, 7, 8, 10, 11}),
        ({"members": {"person": {"fullName": {"ilike": "meitner"}}}}, {1, 4, 7, 10}),
        (
            {"parameters": {"and": [{"name": "temperature"}, {"value": {"lt": 30}}]}},
            {0, 1, 2},
        ),
        # detail of the embargoed one counts for nothing, neither way
        (
            {"not": {"parameters": {"and": [{"name": "temperature"}, {"value": {"gte": 30}}]}}},
            {0, 1, 2, 4, 7, 9},
        ),
        ({"not": {"samples": {"name": "Ice"}}}, {0, 2, 3, 5, 6, 7, 8, 9, 11}),
        ({"and": [{"kind": "raw"}, {"not": {"techniques": {"name": "SANS"}}}]}, {0, 4, 8}),
        ({"not": {}}, set()),
    ],
)
def test_extensions_are_answered(
    client: httpx.Client, where: dict[str, object], found: set[int]
) -> None:
    assert {int(pid[1:]) for pid in pids(client, {"where": where})} == found
    count = client.get("/Datasets/count", params={"where": json.dumps(where)})
    assert count.json() == {"count": len(found)}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"where": {"techniques": {"not": {"name": "a"}}}}, "where.techniques.not"),
        (
            {"where": {"members": {"person": {"or": [{"not": {}}]}}}},
            "where.members.person.or[0].not",
        ),
        (
            {"include": [{"relation": "parameters", "scope": {"where": {"not": {"name": "a"}}}}]},
            "include[0].scope.where.not",
        ),
        ({"where": {"not": [{"kind": "raw"}]}}, "where.not"),
        ({"where": {"techniques": "SANS"}}, "where.techniques"),
        ({"where": {"techniques": {"nam": "a"}}}, "where.techniques.nam"),
        ({"where": {"or": [{"files": {"name": "a"}}] * 51}}, "where.or[50].files"),
    ],
    ids=["not in a relation", "deeper", "in a scope", "list", "text", "property", "too many"],
)
def test_what_is_wrong_is_said_with_its_place(value: dict[str, object], field: str) -> None:
    with pytest.raises(BadFilter) as caught:
        read_filter(value, "Dataset")
    assert caught.value.field == field


def test_not_may_be_nested_so_deep_and_no_deeper() -> None:
    value: dict[str, object] = {"kind": "raw"}
    for _ in range(14):
        value = {"not": value}
    assert isinstance(read_filter({"where": value}, "Dataset").where, Not)
    with pytest.raises(BadFilter, match="nested"):
        read_filter({"where": {"not": value}}, "Dataset")


def test_the_place_of_an_extension_in_the_tree() -> None:
    query = read_filter({"where": {"not": {"instrument": {"facility": "ILL"}}}}, "Dataset")
    facility = Compare(property="facility", operator="eq", operands=("ILL",))
    assert query.where == Not(Related("instrument", facility))


TEXTS = [
    "technique:SANS",
    'technique:"small angle scattering"',
    "facility:ILL",
    "-facility:ILL",
    "-technique:SAXS",
    "temperature:<50K",
    "temperature:-200..-150°C",
    "-temperature:>=30K",
    "temperature:(<20K or >90K)",
    "author:meitner",
    "sample:ice",
    "title:silver",
    "kind:raw",
    "year:2012..2015",
    "bytes:1kB..1GB",
    "created:2015-03",
]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True))
def test_the_standard_way_finds_the_same(catalogue: Catalogue, texts: list[str]) -> None:
    query = read_box(" ".join(texts)).query()
    standard, exact = write_standard(query), write_filter(query)
    found = [
        [item["pid"] for item in catalogue.service.find(ANYONE, read_filter(one, "Dataset"))]
        for one in (standard, exact)
    ]
    assert found[0] == found[1]
    assert read_filter(exact, "Dataset") == query
    if not any(text.startswith(("-", "author")) for text in texts):
        # nothing in it that another node would not know
        words = json.dumps(standard.get("where", {}))
        assert not any(name in words for name in ('"not"', "techniques", "parameters", "samples"))
