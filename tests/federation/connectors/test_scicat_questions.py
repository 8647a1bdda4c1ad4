"""What a live SciCat is asked for, and that the answer is what was asked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cloud.standins.scicat import SciCat
from cloud.standins.scicat_records import dataset_pid, some
from scicat_asking import quantity, search

from panosc.domain.query import And, Compare, Include, Query, Related, Text, Word


@pytest.mark.parametrize(
    ("clause", "unasked"),
    [
        (Text("micelles"), set()),
        (Compare(property="title", operator="ilike", operands=("MICELLES",)), set()),
        (Compare(property="title", operator="like", operands=("a%b",)), {"title"}),
        (Compare(property="title", operator="nlike", operands=("x",)), {"title"}),
        (Compare(property="pid", operator="inq", operands=(dataset_pid(0),)), set()),
        (Compare(property="size", operator="between", operands=(1, 7000)), set()),
        (
            Compare(
                property="creationDate",
                operator="lt",
                operands=(datetime(2024, 1, 2, 12, tzinfo=UTC),),
            ),
            set(),
        ),
        (
            # broader than small angle neutron scattering
            Related(
                "techniques",
                Compare(property="pid", operator="eq", operands=("PaNET01124",)),
            ),
            set(),
        ),
        (
            Related("instrument", Compare(property="name", operator="eq", operands=("LoKI",))),
            set(),
        ),
        (quantity("incident_wavelength", "lte", 0.2, "nm"), set()),
        (quantity("incident_wavelength", "lte", 1, "no unit"), {"incident_wavelength"}),
        (quantity("run_number", "lte", 1, "m"), {"run_number"}),
        (Related("samples", Text("x")), {"samples"}),
    ],
    ids=lambda value: None,
)
def test_conditions_find_what_fits(clause: Any, unasked: set[str]) -> None:
    found = search(SciCat(records=some(30)), Query(model="Dataset", where=clause, limit=50))
    assert found.unasked == unasked
    pids = {item["pid"] for item in found.items}
    assert dataset_pid(0) in pids
    assert (len(pids) == 27) is bool(unasked), "what is not asked for narrows nothing"


def test_conditions_and_quantities_together_both_count() -> None:
    where = And(
        (
            Compare(property="size", operator="gt", operands=(5000,)),
            quantity("incident_wavelength", "lt", 4, "angstrom"),
            Related(
                "parameters",
                And(
                    (
                        Compare(property="name", operator="eq", operands=("sample_temperature",)),
                        Compare(property="value", operator="lt", operands=(20,)),
                    )
                ),
            ),
        )
    )
    found = search(SciCat(records=some(30)), Query(model="Dataset", where=where, limit=50))
    assert {item["pid"] for item in found.items} == {dataset_pid(10), dataset_pid(11)}
    assert found.unasked == frozenset()


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ([Word(text="micelles"), Word(text="silk")], {"micelles", "silk"}),
        ([Word(text="copper"), Word(text="oxide", occurs="all")], {"oxide"}),
        ([Word(text="LoKI"), Word(text="micelles", occurs="not")], set()),
        ([Word(text="spider silk", kind="phrase")], {"silk"}),
        ([Word(text='li"quid -x')], set()),
    ],
    ids=["any", "all", "not", "phrase", "odd"],
)
def test_words(words: list[Word], titles: set[str]) -> None:
    found = search(SciCat(records=some(12)), Query(model="Dataset", words=tuple(words), limit=50))
    assert {item["title"].split()[-2] for item in found.items} == titles
    assert found.unasked == frozenset()


def test_elements_are_left_to_who_asks() -> None:
    words = (Word(text="Cu,O", kind="elements"),)
    found = search(SciCat(records=some(12)), Query(model="Dataset", words=words, limit=50))
    assert found.unasked == {"words"}


@pytest.mark.parametrize(
    ("model", "word", "count"), [("Document", "lysozyme", 1), ("Instrument", "odin", 1)]
)
def test_documents_and_instruments(model: str, word: str, count: int) -> None:
    query = Query(model=model, words=(Word(text=word),), limit=5)
    found = search(SciCat(records=some(100)), query)
    assert len(found.items) == count
    assert word in str(found.items[0]).lower()


def test_an_item_has_its_relations_inside() -> None:
    include = Include(relation="instrument", scope=Query(model="Instrument"))
    where = Compare(property="pid", operator="eq", operands=(dataset_pid(0),))
    query = Query(model="Dataset", where=where, includes=(include,), limit=5)
    [item] = search(SciCat(records=some(12)), query).items
    assert item["instrument"]["name"] == "LoKI"
    assert item["techniques"][0]["panetId"].endswith("PaNET01189")
    assert item["samples"] == [{"pid": "ess/S-1"}]
    assert {row["name"] for row in item["parameters"]} >= {"incident_wavelength", "mode"}
    assert item["members"][0]["person"]["fullName"] == "Lise Meitner"
    assert item["home"].endswith("/datasets/20.500.12269%2F00000000-0000-4000-8000-000000000000")


def test_what_two_conditions_would_replace_is_left_to_who_asks() -> None:
    def without_unit(name: str, value: float) -> Related:
        named = Compare(property="name", operator="eq", operands=(name,))
        than = Compare(property="value", operator="gte", operands=(value,))
        return Related("parameters", And((named, than)))

    sizes = tuple(
        Compare(property="size", operator=sign, operands=(size,))
        for sign, size in (("gt", 2000), ("lt", 9000))
    )
    query = Query(model="Dataset", where=And(sizes), limit=50)
    found = search(SciCat(records=some(30)), query)
    assert {item["size"] for item in found.items} == {3000, 4000, 5000, 6000, 7000, 8000}
    assert found.unasked == frozenset()
    both = (without_unit("sample_temperature", 5), without_unit("incident_wavelength", 4))
    found = search(
        SciCat(records=some(30)), Query(model="Dataset", where=And((*sizes, *both)), limit=50)
    )
    assert found.unasked == {"size 2"}
    assert {item["size"] for item in found.items} >= {3000, 4000, 23000}
    assert 1000 not in {item["size"] for item in found.items}


@pytest.mark.parametrize("unit", ["m", "mm", None])
def test_a_name_with_dots_is_asked_and_told(unit: str | None) -> None:
    """Some versions find nothing by a ``scientific`` condition with dots in its name."""
    clause = quantity("detector.distance", "lte", 2000 if unit == "mm" else 2, unit or "m")
    if unit is None:
        assert isinstance(clause.clause, And)
        clause = Related("parameters", And(clause.clause.clauses[:2]))
    server = SciCat(records=some(30))
    found = search(server, Query(model="Dataset", where=clause, limit=50))
    assert found.unasked == {"detector.distance"}, "its unit is looked at by who asks"
    numbers = {int(item["title"].rpartition(" ")[2]) for item in found.items}
    assert {number % 5 for number in numbers} == {0, 1}
    assert not any('scientific":' in target for target in server.asked)
