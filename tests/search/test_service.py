"""The use cases: one record, words, facets, and how many statements they take."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from search_catalogue import NOW, Catalogue
from search_oracle import Oracle
from search_samples import catalogue

from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Gone, Invalid, NotFound
from panosc.domain.query import Query
from panosc.search.language import selection as url
from panosc.search.language.url import parse
from panosc.search.loopback import read_filter
from panosc.search.panet import ontology
from panosc.search.service import SearchService
from panosc.search.sql.ranking import tokens
from panosc.settings import Settings

INSIDER = Who(person="a", groups=frozenset({"g"}))
STATES = ("open", "embargoed", "closed", "withdrawn", "erased")
DETAIL = ["parameters", "files", "samples", "instrument", "techniques"]


@pytest.fixture(scope="module")
def states(filled: Callable[..., Catalogue]) -> Catalogue:
    """One dataset in each state, all with the same detail."""
    until = (NOW + timedelta(days=10)).isoformat()
    rows: list[tuple[str, dict[str, Any]]] = [
        ("Instrument", {"pid": "i", "name": "I"}),
        ("Technique", {"pid": "t", "name": "T"}),
        ("Sample", {"pid": "s", "name": "secret sample"}),
    ]
    for state in STATES:
        pid = f"x/{state}"
        owner = {"datasetId": pid}
        dataset = {"pid": pid, "title": f"Copper {state}", "instrumentId": "i", "size": 5}
        guard = {"access": state, "ownerGroup": "g", "embargoUntil": until, "defaultPlot": "/p"}
        rows += [
            ("Dataset", dataset | guard),
            ("Parameter", {"name": "temperature", "value": 4, "unit": "K", **owner}),
            ("File", {"name": "secret.nxs", **owner}),
            ("DatasetSample", {**owner, "sampleId": "s"}),
            ("DatasetTechnique", {**owner, "techniqueId": "t"}),
        ]
    return filled(rows)


def pids(
    service: SearchService, who: Who, filter_: dict[str, Any], model: str = "Dataset"
) -> list[str]:
    return [item["pid"] for item in service.find(who, read_filter(filter_, model))]


def test_one_record_in_each_state(states: Catalogue) -> None:
    service = states.service
    query = read_filter({"include": DETAIL}, "Dataset")
    full = service.get(ANYONE, "Dataset", "x/open", query)
    assert full["isPublic"] is True
    assert [len(full[name]) for name in ("parameters", "files", "samples", "techniques")] == [1] * 4
    assert full["instrument"] == {"pid": "i", "name": "I"}
    assert "score" not in full
    bare = service.get(ANYONE, "Dataset", "x/embargoed", query)
    assert bare["isPublic"] is False
    assert [bare[name] for name in ("parameters", "files", "samples")] == [[], [], []]
    assert (len(bare["techniques"]), bare["instrument"]["pid"], bare["size"]) == (1, "i", 5)
    assert service.get(INSIDER, "Dataset", "x/embargoed", query)["samples"][0]["pid"] == "s"
    assert service.get(INSIDER, "Dataset", "x/closed", query)["files"]
    gone = service.get(ANYONE, "Dataset", "x/withdrawn", query)
    assert (gone["access"], gone["files"], gone["title"]) == ("withdrawn", [], "Copper withdrawn")
    assert service.get(OPERATOR, "Dataset", "x/withdrawn", query)["files"]
    for who in (ANYONE, INSIDER, OPERATOR):
        with pytest.raises(Gone):
            service.get(who, "Dataset", "x/erased", query)


def test_a_closed_record_is_as_one_that_never_was(states: Catalogue) -> None:
    said = []
    for pid in ("x/closed", "x/never"):
        with pytest.raises(NotFound) as caught:
            states.service.get(ANYONE, "Dataset", pid)
        said.append((caught.value.detail.replace(pid, "PID"), caught.value.hint))
        with pytest.raises(NotFound):
            states.service.files(ANYONE, pid, Query(model="File"))
    assert said[0] == said[1]
    for pid in ("", "\0", "\ud800", "x" * 10_000):
        with pytest.raises(NotFound):
            states.service.get(ANYONE, "Dataset", pid)


def test_own_properties_when_they_are_named(states: Catalogue) -> None:
    names = frozenset({"pid", "access", "embargoUntil", "defaultPlot", "kind"})
    query = Query(model="Dataset", fields=names)
    found = {item["pid"]: item for item in states.service.find(ANYONE, query)}
    assert found["x/open"]["access"] == "open"
    assert found["x/open"]["defaultPlot"] == "/p"
    assert found["x/embargoed"]["access"] == "embargoed"
    assert found["x/embargoed"]["embargoUntil"] == "2025-06-11T12:00:00.000Z"
    assert "defaultPlot" not in found["x/embargoed"]
    assert set(found) == {"x/open", "x/embargoed"}
    inside = {item["pid"]: item for item in states.service.find(INSIDER, query)}
    assert inside["x/embargoed"]["defaultPlot"] == "/p"
    assert inside["x/closed"]["access"] == "closed"


@pytest.mark.parametrize(
    "filter_",
    [
        {"include": [{"relation": "parameters", "scope": {"where": {"value": {"lt": 5}}}}]},
        {"include": [{"relation": "files", "scope": {"where": {"text": "secret"}}}]},
        {"include": [{"relation": "samples", "scope": {"where": {"name": {"like": "secret"}}}}]},
        {"include": [{"relation": "samples", "scope": {"where": {"name": {"neq": "other"}}}}]},
        {"include": [{"relation": "files", "scope": {"where": {"name": {"nlike": "zzz"}}}}]},
        {"include": [{"relation": "parameters", "scope": {"where": {"value": {"nin": [9]}}}}]},
        {"where": {"defaultPlot": {"neq": None}}},
        {"where": {"defaultPlot": "/p"}},
        {"query": "secret"},
    ],
)
def test_detail_under_embargo_is_not_found_by(states: Catalogue, filter_: dict[str, Any]) -> None:
    assert pids(states.service, ANYONE, filter_) == ["x/open"]
    assert set(pids(states.service, INSIDER, filter_)) == {"x/open", "x/embargoed", "x/closed"}


def test_nor_by_its_absence(states: Catalogue) -> None:
    assert pids(states.service, ANYONE, {"where": {"defaultPlot": None}}) == ["x/embargoed"]
    by_plot = pids(states.service, ANYONE, {"order": "defaultPlot", "where": {"pid": {"neq": "?"}}})
    assert by_plot == ["x/open", "x/embargoed"]
    sample = {"include": [{"relation": "datasets", "scope": {"include": ["samples"]}}]}
    (instrument,) = states.service.find(ANYONE, read_filter(sample, "Instrument"))
    found = {item["pid"]: len(item["samples"]) for item in instrument["datasets"]}
    assert found == {"x/embargoed": 0, "x/open": 1}
    assert states.service.count_files(ANYONE, "x/embargoed", Query(model="File").where) == 0
    assert states.service.count_files(INSIDER, "x/embargoed", Query(model="File").where) == 1


def test_the_day_it_opens(states: Catalogue) -> None:
    """No job has to run: the clock decides."""
    later = SearchService(states.engine, Settings(), lambda: NOW + timedelta(days=11))
    found = pids(later, ANYONE, {"where": {"isPublic": True}})
    assert found == ["x/embargoed", "x/open"]
    assert later.get(ANYONE, "Dataset", "x/embargoed", read_filter({"include": DETAIL}, "Dataset"))[
        "files"
    ]


def test_parts_are_found_by_their_record(states: Catalogue) -> None:
    for model in ("File", "Parameter", "Member"):
        with pytest.raises(Invalid, match="found by the record"):
            list(states.service.find(ANYONE, Query(model=model)))
    assert [item["pid"] for item in states.service.find(ANYONE, Query(model="Sample"))] == ["s"]
    assert [item["pid"] for item in states.service.find(ANYONE, Query(model="Technique"))] == ["t"]


def test_a_sample_of_hidden_data_alone_is_hidden(filled: Callable[..., Catalogue]) -> None:
    rows = [
        ("Sample", {"pid": "s", "name": "new"}),
        ("Person", {"id": "p", "fullName": "A"}),
        ("Dataset", {"pid": "d", "access": "embargoed"}),
        ("Document", {"pid": "c", "access": "closed"}),
        ("DatasetSample", {"datasetId": "d", "sampleId": "s"}),
        ("Member", {"documentId": "c", "personId": "p", "role": "owner"}),
    ]
    service = filled(rows).service
    for model in ("Sample", "Person"):
        assert list(service.find(ANYONE, Query(model=model))) == []
        assert service.count(OPERATOR, Query(model=model)) == 1
    with pytest.raises(NotFound):
        service.get(ANYONE, "Sample", "s")


# words


@pytest.fixture(scope="module")
def library(filled: Callable[..., Catalogue]) -> Catalogue:
    titles = ["Copper and zinc", "Zinc", "A copper copper pot", "Gel", "100% gel_x"]
    rows: list[tuple[str, dict[str, Any]]] = [
        ("Instrument", {"pid": "i", "name": "LoKI", "facility": "ESS"}),
        ("Technique", {"pid": "t", "name": "copper tomography"}),
        ("Sample", {"pid": "s", "name": "zinc plate"}),
    ]
    for n, title in enumerate(titles):
        rows.append(("Dataset", {"pid": f"d{n}", "title": title, "isPublic": True}))
    rows += [
        ("Dataset", {"pid": "d9", "title": "Other", "isPublic": True, "instrumentId": "i"}),
        ("DatasetTechnique", {"datasetId": "d1", "techniqueId": "t"}),
        ("DatasetSample", {"datasetId": "d3", "sampleId": "s"}),
        ("Document", {"pid": "c1", "title": "Proposal", "summary": "about GEL", "isPublic": True}),
        ("Document", {"pid": "c2", "keywords": ["zinc", "gel"], "isPublic": True}),
        ("Document", {"pid": "c3", "title": "Empty", "isPublic": True}),
        ("DocumentDataset", {"documentId": "c3", "datasetId": "d1"}),
    ]
    return filled(rows)


@pytest.mark.parametrize(
    ("model", "words", "expected"),
    [
        ("Dataset", "copper", ["d2", "d0", "d1"]),
        ("Dataset", "Copper ZINC", ["d0", "d1", "d2", "d3"]),
        ("Dataset", "loki", ["d9"]),
        ("Dataset", "the gel of", ["d3", "d4"]),
        ("Dataset", "100%", ["d4"]),
        ("Dataset", "gel_x", ["d4"]),
        ("Dataset", "nothing at all like it", []),
        ("Dataset", "!!!", []),
        ("Document", "gel", ["c2", "c1"]),
        ("Document", "tomography", ["c3"]),
        ("Instrument", "ess", ["i"]),
    ],
)
def test_ranked_words(library: Catalogue, model: str, words: str, expected: list[str]) -> None:
    found = list(library.service.find(ANYONE, read_filter({"query": words}, model)))
    assert [item["pid"] for item in found] == expected
    scores = [item["score"] for item in found]
    assert all(0 < score < 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    answer = library.service.answer(ANYONE, read_filter({"query": words, "limit": 1}, model))
    assert answer.total == len(expected)


def test_words_and_conditions(library: Catalogue) -> None:
    filter_ = {"query": "copper", "where": {"pid": {"neq": "d0"}}, "order": "pid DESC", "skip": 1}
    assert pids(library.service, ANYONE, filter_) == ["d1"]


def test_tokens() -> None:
    assert tokens("") == []
    assert tokens("of the") == ["of", "the"]
    assert tokens("a B b c-d 1.5") == ["b", "c-d", "1.5"]
    assert len(tokens(" ".join(map(str, range(100))))) == 10


# facets


def brute_force(seed: int, who: Who, selection: url.Selection) -> dict[str, Counter[str]]:
    """Count the values of each facet over the datasets that the oracle finds."""
    oracle, panet = Oracle(catalogue(seed, NOW), who, NOW), ontology()
    rows = oracle.rows["Technique"]
    spelt = {
        row["pid"]: panet.find(row.get("panetId") or "") or panet.find(row["pid"]) for row in rows
    }
    value = {pid: concept.id if concept else pid for pid, concept in spelt.items()}

    def under(pid: str) -> set[str]:
        shown = {*value.values(), *(item for item in selection.technique if panet.find(item))}
        return (set(panet.ancestors([value[pid]])) | {value[pid]}) & shown

    def values(row: dict[str, Any], name: str) -> set[str]:
        found = oracle.related("Dataset", row, "instrument")[1]
        match name:
            case "facility" | "instrument":
                return {one["facility" if name == "facility" else "pid"] for one in found}
            case "technique":
                tags = oracle.related("Dataset", row, "techniques")[1]
                return {item for tag in tags for item in under(tag["pid"])}
            case "year":
                return {str(row["creationDate"].year)} if row.get("creationDate") else set()
            case _:
                return {row[name]} if row.get(name) else set()

    result = {}
    for facet in url.FACETS:
        rest = selection.without(facet)
        fits = [
            row
            for row in oracle.matching("Dataset", {})
            if all(
                values(row, name) & set(rest.chosen(name))
                for name in url.FACETS
                if rest.chosen(name)
            )
        ]
        result[facet] = Counter(item for row in fits for item in values(row, facet))
    return result


@pytest.mark.parametrize("who", [ANYONE, OPERATOR], ids=["anyone", "operator"])
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("facility", "ESS")],
        [("facility", "ESS"), ("kind", "raw")],
        [("access", "embargoed"), ("access", "closed")],
        [("technique", "PaNET01124")],
        [("technique", "PaNET01189"), ("year", "2020"), ("instrument", "i1")],
        [("kind", "nothing")],
    ],
    ids=str,
)
def test_facets(
    filled: Callable[..., Catalogue],
    request: pytest.FixtureRequest,
    pairs: list[tuple[str, str]],
    who: Who,
) -> None:
    known = request.config.stash.setdefault(_FILLED, {})
    if "facets" not in known:
        known["facets"] = filled(catalogue(5, NOW))
    selection = parse(pairs)
    assert not selection.problems
    found = known["facets"].service.facets(who, selection, url.FACETS)
    counted = {name: {one.value: one.count for one in items} for name, items in found.items()}
    assert counted == brute_force(5, who, selection)
    for name, items in found.items():
        for one in items:
            # choosing the value gives as many as it says
            values = {name: (one.value,)}
            chosen = replace(selection.without(name), **values)
            assert known["facets"].service.count(who, chosen.query()) == one.count, (name, one)


_FILLED: pytest.StashKey[dict[str, Catalogue]] = pytest.StashKey()


def test_facets_follow_the_words(library: Catalogue) -> None:
    found = library.service.facets(ANYONE, parse([("q", "tomography")]), ["technique", "facility"])
    assert [(one.value, one.label, one.count) for one in found["technique"]] == [
        ("t", "copper tomography", 1)
    ]
    assert found["facility"] == []


def test_parameter_names(filled: Callable[..., Catalogue], standard: Catalogue) -> None:
    rows: list[tuple[str, dict[str, Any]]] = []
    for state in STATES:
        rows.append(("Dataset", {"pid": state, "access": state, "ownerGroup": "g"}))
        rows.append(("Parameter", {"name": f"in_{state}", "value": 1, "datasetId": state}))
    service = filled(rows).service
    assert service.parameter_names(ANYONE) == ["in_open"]
    assert service.parameter_names(INSIDER) == ["in_closed", "in_embargoed", "in_open"]
    names = ["chemical_formula", "photon_energy", "sample_state", "temperature", "wavelength"]
    assert standard.service.parameter_names(ANYONE) == names
    assert filled([]).service.parameter_names(OPERATOR) == []


def test_a_selection_is_answered(standard: Catalogue) -> None:
    for pairs, number in (
        ([("wavelength", "1..1.1 um")], 1),
        ([("wavelength", "1.. m")], 0),
        ([("temperature", "20 degC")], 1),
        ([("photon_energy", "0.93 keV")], 1),
        ([("technique", "PaNET01124")], 2),
        ([("technique", "x-ray absorption"), ("facility", "ESS")], 2),
        ([("chemical_formula", "cu"), ("chemical_formula", "Fe")], 1),
        ([("year", "2020")], 4),
        ([("year", "..2019")], 0),
        ([("q", "dataset 3")], 1),
    ):
        selection = parse(pairs, parameters=standard.service.parameter_names(ANYONE))
        assert not selection.problems
        assert standard.service.count(ANYONE, selection.query()) == number, pairs


def test_counts_follow_the_catalogue_and_the_clock(filled: Callable[..., Catalogue]) -> None:
    later = NOW + timedelta(days=1)
    embargo = {"access": "embargoed", "embargoUntil": later.isoformat()}
    found = filled([("Dataset", {"pid": "a", "kind": "raw", **embargo})])
    times = [NOW]
    service = SearchService(found.engine, Settings(), lambda: times[-1])

    def counts(name: str) -> dict[str, int]:
        facets = service.facets(ANYONE, url.Selection(), [name])[name]
        return {facet.value: facet.count for facet in facets}

    assert counts("access") == {"embargoed": 1}
    with found.engine.begin() as connection:
        rows = [("Dataset", {"pid": "b", "kind": "raw", "isPublic": True})]
        write(connection, rows, now=NOW)
    assert counts("access") == {"embargoed": 1, "open": 1}
    assert counts("kind") == {"raw": 2}
    times.append(later + timedelta(seconds=1))
    assert counts("access") == {"open": 2}


# statements


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def test_the_number_of_statements_does_not_grow_with_the_rows(
    filled: Callable[..., Catalogue],
) -> None:
    def rows(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "Instrument", {"pid": "i", "name": "I"}
        yield "Technique", {"pid": "t", "name": "T"}
        for n in range(number):
            pid = f"d{n:04}"
            yield "Dataset", {"pid": pid, "isPublic": True, "instrumentId": "i"}
            yield "Document", {"pid": f"c{n:04}", "isPublic": True}
            yield "DocumentDataset", {"documentId": f"c{n:04}", "datasetId": pid}
            yield "DatasetTechnique", {"datasetId": pid, "techniqueId": "t"}
            yield "Parameter", {"name": "p", "value": n, "datasetId": pid}
            yield "File", {"name": "f", "datasetId": pid}

    inner = {"include": ["instrument", "techniques", "parameters", "files", "samples"]}
    filter_ = {"include": [{"relation": "datasets", "scope": inner}], "limit": 500}
    query = read_filter(filter_, "Document")
    counts = []
    for number in (3, 300):
        found = filled(rows(number))
        with statements(found.engine) as seen:
            answer = found.service.answer(ANYONE, query)
            assert len(list(answer.items)) == number
        counts.append(len(seen))
    # documents, their datasets, and one for each of the five relations
    assert counts == [7, 7]
    with statements(found.engine) as seen:
        found.service.facets(ANYONE, parse([]), url.FACETS)
    # the newest change for the index and for what is kept, the instruments, the techniques,
    # and when the next record opens
    assert len(seen) == 5
    with statements(found.engine) as seen:
        found.service.facets(ANYONE, parse([("page", "2")]), url.FACETS)
    assert len(seen) == 2


def test_what_is_asked_together_is_of_one_moment_and_one_person(states: Catalogue) -> None:
    service, taken = states.service, Counter[str]()

    def take(*_: object) -> None:
        taken["connections"] += 1

    sa.event.listen(states.engine, "checkout", take)
    try:
        with service.together(ANYONE):
            answer = service.answer(ANYONE, Query(model="Dataset"))
            assert service.facets(ANYONE, url.Selection(), ["access"])["access"]
            assert answer.total == len(list(answer.items)) == 2
            assert taken["connections"] == 1
            # somebody else sees by another one what is theirs, and nothing of it is left behind
            assert service.count(INSIDER, Query(model="Dataset")) == 3
            assert service.count(ANYONE, Query(model="Dataset")) == 2
            assert taken["connections"] == 2
        assert service.count(INSIDER, Query(model="Dataset")) == 3
        assert taken["connections"] == 3
    finally:
        sa.event.remove(states.engine, "checkout", take)
