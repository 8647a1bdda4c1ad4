"""What is ICAT+'s own: windows, units, nesting, embargo, filters; on a stand-in that is true."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cloud.standins.icatplus import Plus
from cloud.standins.icatplus_records import some
from icat_plus_client import models
from icatplus_asking import AT, NOW, asked, source_of
from reading_all import batches_of, raws_of

from panosc.domain.query import And, Clause, Compare, Or, Query, Related, Text, Word
from panosc.federation.connectors.icatplus import IcatPlusConnector
from panosc.federation.connectors.icatplus_parts.question import ask
from panosc.federation.contract import Found, Mapped, Raw
from panosc.federation.naming import Names


def mapped(raw: Raw, **options: str) -> Mapped:
    return IcatPlusConnector(source_of("http://x", **options), None).map(raw)  # type: ignore[arg-type]


def by_model(raw: Raw, **options: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, row in mapped(raw, **options).rows:
        found.setdefault(name, []).append(row)
    return found


def is_(name: str, value: Any, operator: Any = "eq") -> Compare:
    return Compare(property=name, operator=operator, operands=(value,))


def live(plus: Plus, query: Query, **options: Any) -> Found:
    return asked(plus, lambda connector: connector.search(query), **options)


# -- the stand-in --------------------------------------------------------------------------------


def test_the_stand_in_answers_what_the_models_of_its_client_say() -> None:
    plus = some(3, at=AT, each=6)
    plus.sessions.add("s")
    for path, model in {
        "/catalogue/instruments": models.Instrument,
        "/catalogue/parameters": models.Parameter,
        "/catalogue/techniques": models.Technique,
        "/catalogue/investigationtypes": models.Investigationtype,
        "/facilities": models.Facility,
        "/catalogue/s/investigation": models.Investigation,
        "/catalogue/s/investigation/id/1001/investigationusers": models.Investigationuser,
        "/catalogue/s/datafile": models.Datafilewrapper,
        "/catalogue/datasets": models.Dataset,
        "/catalogue/datasets/documents": models.DatasetDocument,
    }.items():
        params = {"startDate": "2020-01-01", "datasetId": "100100", "nested": "true"}
        answer = plus.answer("GET", path, params, None, "s")
        assert answer, path
        for record in answer:
            model.from_dict(record)
            assert record.keys() - {"sample"} <= set(_names(model)), path
    doi = plus.answer("GET", "/doi/10.5072/ESRF-ES-1001/json-datacite", {}, None, "")
    models.JsonDatacite.from_dict(doi)
    login = {"username": "reader", "password": "reader"}
    models.Session.from_dict(plus.answer("POST", "/session", {}, login, ""))


def _names(model: Any) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


# -- harvest -------------------------------------------------------------------------------------


def test_everything_once_a_week_else_what_was_measured_lately() -> None:
    plus = some(8, at=AT, each=1)
    first = asked(plus, batches_of)
    numbers = [str(1000 + number) for number in range(1, 9)]
    assert sorted(key for kind, key in raws_of(first) if kind == "investigation") == numbers
    next_day = asked(
        plus, lambda one: batches_of(one, first[-1].cursor), now=NOW + timedelta(days=1)
    )
    recent = sorted(key for kind, key in raws_of(next_day) if kind == "investigation")
    # 90 days reach back over four of them
    assert recent == numbers[-len(recent) :]
    assert 3 <= len(recent) <= 5
    next_week = asked(
        plus, lambda one: batches_of(one, next_day[-1].cursor), now=NOW + timedelta(days=8)
    )
    assert raws_of(next_week).keys() == raws_of(first).keys()


def test_a_harvest_that_is_broken_off_goes_on_with_the_next_investigation() -> None:
    plus = some(4, at=AT, each=1)
    batches = asked(plus, batches_of)
    plus.asked.clear()
    rest = asked(plus, lambda one: batches_of(one, batches[1].cursor))
    assert {key for kind, key in raws_of(rest) if kind == "investigation"} == {"1003", "1004"}
    assert not any("investigationIds=1001" in line for line in plus.asked)
    # a week is counted from when the run began
    assert rest[-1].cursor == batches[-1].cursor


def test_what_changes_with_its_investigation_changes() -> None:
    plus = some(2, at=AT, each=1)
    before = raws_of(asked(plus, batches_of))
    # ICAT+ tells each dataset's investigation in short: what it leaves out is taken from the list
    for record in plus.datasets.values():
        record["investigation"] = {key: record["investigation"][key] for key in ("id", "name")}
    plus.investigations[1001]["releaseDate"] = "2021-01-01"
    after = raws_of(asked(plus, batches_of))
    dataset = by_model(after["dataset", "100100"])["Dataset"][0]
    assert dataset["embargoUntil"] == "2021-01-01T00:00:00+00:00"
    assert (
        after["dataset", "100200"].content["investigation"]["releaseDate"]
        == (before["dataset", "100200"].content["investigation"]["releaseDate"])
    )


def test_units_come_from_the_list_of_parameters_where_values_have_none() -> None:
    plus = some(1, at=AT, each=1)
    plus.tells_units = False
    dataset = by_model(raws_of(asked(plus, batches_of))["dataset", "100100"])
    found = {row["name"]: (row["value"], row.get("unit")) for row in dataset["Parameter"]}
    values = plus.datasets[100100]["parameters"]
    assert found == {
        "photon_energy": (float(values["InstrumentBeam_incident_energy"]), "keV"),
        "SampleTemperature": (int(values["SampleTemperature"]), "K"),
        "scanNumber": ("1 2 3", None),
    }


def test_datasets_made_of_others_say_of_which() -> None:
    plus = some(1, at=AT, each=1)
    raws = raws_of(asked(plus, batches_of))
    made = by_model(raws["dataset", "100150"])["Dataset"][0]
    assert made["derivedFrom"] == ["esrf/100100"]
    assert made["kind"] == "reduced"
    assert made["access"] == "embargoed"


def test_people_and_a_title_come_from_datacite_where_nobody_may_see_the_team() -> None:
    plus = some(1, at=AT, each=1)
    plus.investigations[1001]["title"] = None
    content = raws_of(asked(plus, batches_of))["investigation", "1001"].content
    assert [user["fullName"] for user in content["users"]] == ["Ada Example", "Bob Beispiel"]
    datacite = {
        "titles": {"title": "Iron"},
        "creators": [{"name": "Ada Example"}],
        "subjects": [{"subject": "steel"}],
    }
    raw = Raw(
        kind="investigation",
        external_id="1001",
        content=plus.investigations[1001] | {"users": [], "datacite": datacite},
    )
    rows = by_model(raw)
    assert rows["Document"][0]["title"] == "Iron"
    assert rows["Document"][0]["keywords"] == ["steel"]
    assert [row["fullName"] for row in rows["Person"]] == ["Ada Example"]
    assert rows["Member"][0]["role"] == "creator"


def test_members_have_their_orcid_and_role() -> None:
    rows = by_model(raws_of(asked(some(1, at=AT, each=1), batches_of))["investigation", "1001"])
    assert [(row["personId"], row["role"]) for row in rows["Member"]] == [
        ("0000-0002-1825-0097", "Principal investigator"),
        ("esrf/user1", "Participant"),
    ]


@pytest.mark.parametrize(
    ("release", "access"),
    [("2030-01-01", "embargoed"), ("2001-01-01", "embargoed"), (None, "closed"), ("x", "closed")],
)
def test_the_release_date_alone_opens(release: str | None, access: str) -> None:
    content = {"id": 1, "name": "a", "doi": "10.5072/a", "releaseDate": release}
    rows = by_model(Raw(kind="investigation", external_id="1", content=content))
    assert rows["Document"][0]["access"] == access
    assert rows["Document"][0].get("isPublic") is not True


def test_the_feed_is_closed_unless_the_administrator_says_it_is_open() -> None:
    content = {"id": 1, "name": "a", "investigation": {"id": 2, "name": "hg1"}, "parameters": []}
    raw = Raw(kind="datasetdocument", external_id="1", content=content)
    assert by_model(raw)["Dataset"][0]["access"] == "closed"
    assert by_model(raw, feed_access="open")["Dataset"][0]["isPublic"] is True
    assert by_model(raw)["Document"][0]["title"] == "hg1"


def test_a_session_that_ended_is_begun_anew() -> None:
    plus = some(3, at=AT, each=1)

    async def read(connector: IcatPlusConnector) -> int:
        count = 0
        connector._plus._begun = -1e9
        async for batch in connector.changes(None):
            plus.sessions.clear()
            connector._plus._begun = -1e9
            count += len(batch.raws)
        return count

    assert asked(plus, read) == 3 * 3
    assert sum(line == "POST /session" for line in plus.asked) == 3


# -- live ----------------------------------------------------------------------------------------


def test_a_range_is_asked_in_the_unit_that_icat_keeps() -> None:
    plus = some(4, at=AT, each=9)
    temperature = Related(
        "parameters",
        And((is_("name", "SampleTemperature"), is_("value", 400, "lt"))),
    )
    question = Query(model="Dataset", where=temperature, limit=50)
    found = live(plus, question)
    expected = {
        f"esrf/{number}"
        for number, item in plus.datasets.items()
        if int(item["parameters"]["SampleTemperature"]) < 400
    }
    assert expected
    # whether one is in the range must not tell the value to whom the record does not
    assert not found.items
    assert found.total is None
    nowhere = Related("parameters", And((is_("name", "SampleTemperature"), is_("value", -1.0))))
    nothing = live(plus, Query(model="Dataset", where=nowhere, limit=50))
    assert (nothing.total, nothing.is_cut) == (found.total, found.is_cut)
    for record in plus.datasets.values():
        record["investigation"]["releaseDate"] = "2020-01-01"
    found = live(plus, question)
    assert not found.unasked
    assert {item["pid"] for item in found.items} == expected


def asked_as(*clauses: Clause, model: str = "Dataset", words: tuple[Word, ...] = ()) -> Any:
    query = Query(model=model, where=And(clauses), words=words)
    return ask(query, Names(source_of("http://x")))


def parameter(name: str, *clauses: Clause) -> Related:
    return Related("parameters", And((is_("name", name), *clauses)))


def test_what_it_filters_by_is_asked() -> None:
    made = asked_as(
        Related("instrument", is_("pid", "esrf/instrument-ID02")),
        Related("techniques", is_("pid", "http://purl.org/pan-science/PaNET/PaNET01188")),
        parameter(
            "InstrumentSlitPrimary_vertical_gap",
            Compare(property="value", operator="between", operands=(1, 2)),
        ),
        Text("iron"),
    )
    assert not made.unasked
    assert made.text == "iron"
    techniques = made.params.pop("techniquePids").split(",")
    assert techniques[0] == "http://purl.org/pan-science/PaNET/PaNET01188"
    # what is narrower is that as well, such as its tomography
    assert "http://purl.org/pan-science/PaNET/PaNET01286" in techniques
    assert made.params == {
        "instrumentName": "ID02",
        "parameters": (
            "InstrumentSlitPrimary_vertical_gap~gteq~1,InstrumentSlitPrimary_vertical_gap~lteq~2"
        ),
    }


def test_a_unit_becomes_that_of_the_definition() -> None:
    distance = "ApertureGeometry_distance"
    made = asked_as(parameter(distance, is_("value", 2.5, "gte"), is_("unit", "mm")))
    assert made.params == {"parameters": f"{distance}~gteq~0.0025"}
    strange = asked_as(parameter(distance, is_("value", 1.0, "gte"), is_("unit", "keV")))
    assert strange.params == {}
    assert strange.unasked == {distance}


@pytest.mark.parametrize(
    "clause",
    [
        # two of ICAT's parameters mean it, and a filter has one name
        parameter("photon_energy", is_("value", 12.0, "gte"), is_("unit", "keV")),
        # what separates filters cannot stand in one
        parameter("a,b", is_("value", 1)),
        parameter("a", is_("value", "x~eq~1")),
        Related("members", Related("person", is_("fullName", "Ada"))),
        Or((is_("title", "a"), is_("title", "b"))),
        Related("instrument", is_("facility", "ESRF")),
        is_("pid", "10.5072/x"),
    ],
    ids=["several names", "comma", "tilde", "people", "or", "facility", "doi"],
)
def test_what_it_cannot_filter_by_is_named(clause: Clause) -> None:
    made = asked_as(clause)
    assert made.params == {}
    assert len(made.unasked) == 1


def test_times_and_words_are_asked_loosely_and_looked_at_again() -> None:
    made = asked_as(is_("creationDate", NOW, "lt"), words=(Word(text="iron"), Word(text="steel")))
    assert made.params == {"endDate": "2026-10-11"}
    assert made.text is None
    assert made.unasked == {"creationDate", "words"}
    needed = asked_as(words=(Word(text="iron", occurs="all"), Word(text="x", occurs="not")))
    assert (needed.text, needed.unasked) == ("iron", {"words"})


def test_a_text_finds_the_datasets_of_investigations_too() -> None:
    plus = some(3, at=AT, each=2)
    plus.investigations[1002]["summary"] = "About martensite."
    found = live(plus, Query(model="Dataset", where=Text("martensite"), limit=10))
    # and those that were made of them are told beneath them only
    assert {item["pid"] for item in found.items} == {"esrf/100200", "esrf/100201"}
    paths = [urlsplit(line.split()[1]) for line in plus.asked]
    searched = [parse_qs(part.query) for part in paths if part.path == "/catalogue/datasets"]
    assert {"martensite"} in [set(query.get("search", [])) for query in searched]


def test_nothing_under_embargo_is_found_by_the_name_of_its_sample() -> None:
    plus = some(2, at=AT, each=2)
    for record in plus.datasets.values():
        record["sampleName"] = "secret"
    question = Query(model="Dataset", where=Text("secret"), limit=10)
    assert not live(plus, question).items
    plus.datasets[100100]["investigation"]["releaseDate"] = "2020-01-01"
    assert [item["pid"] for item in live(plus, question).items] == ["esrf/100100"]


def test_documents_are_found_with_their_dates() -> None:
    plus = some(3, at=AT, each=1)
    plus.investigations[1002]["title"] = "Martensite"
    found = live(plus, Query(model="Document", where=Text("martensite"), limit=10))
    assert [item["title"] for item in found.items] == ["Martensite"]
    assert not found.unasked
    assert found.items[0]["isPublic"] is False


def test_live_answers_show_no_detail_of_what_is_under_embargo_and_nothing_of_what_is_closed() -> (
    None
):
    plus = some(2, at=AT, each=1)
    question = Query(model="Dataset", limit=10)
    assert {item["isPublic"] for item in live(plus, question).items} == {False}
    assert "SampleTemperature" not in json.dumps(live(plus, question).items)
    for record in plus.datasets.values():
        record["investigation"]["releaseDate"] = "2020-01-01"
    assert "SampleTemperature" in json.dumps(live(plus, question).items)
    for record in plus.datasets.values():
        record["investigation"]["releaseDate"] = None
    for investigation in plus.investigations.values():
        investigation["releaseDate"] = None
    assert not live(plus, question).items


def test_what_is_open_is_asked_within_one_session_and_without_secrets_in_addresses() -> None:
    plus = some(2, at=AT, each=1)
    live(plus, Query(model="Dataset", where=Text("iron"), limit=10))
    assert sum(line == "POST /session" for line in plus.asked) == 1
    assert not [line for line in plus.asked if re.search(r"password|\?.*session", line)]


def test_probe_tells_filters_that_are_true_from_those_that_are_not() -> None:
    plus = some(2, at=AT, each=2)
    probed = asked(plus, lambda connector: connector.probe())
    states = {name: support.state for name, support in probed.features.items()}
    assert set(states.values()) == {"yes"}, probed
    assert probed.totals["Document"] == 2
    assert probed.title == "European Synchrotron (stand-in)"
    for record in plus.datasets.values():
        record["instrumentName"] = "elsewhere"
    plus.lists["/catalogue/parameters"] = []
    probed = asked(plus, lambda connector: connector.probe())
    assert probed.features["units"].state == "no"
