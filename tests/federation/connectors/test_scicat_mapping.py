"""What records of SciCat mean: recorded ones, odd ones, and those that scitacean can make."""

import json
from datetime import datetime
from typing import Any

import hypothesis
import pytest
import scitacean
from cloud.standins.scicat import serving
from hypothesis import strategies as st
from scicat_asking import mapped, rows
from scicat_recorded import answer, recorded
from scitacean.testing import strategies

from panosc.federation.connectors.scicat_parts.metadata import MOST

PID = "scicat_testing/c79ec96a-add2-4bf3-9e14-5c4b7ec985f2"
OWN = f"ess/{PID}"


def test_a_recorded_dataset() -> None:
    made = mapped("dataset", answer("15-")[1])
    [dataset] = rows(made, "Dataset")
    assert dataset == {
        "pid": OWN,
        "source": "ess",
        "title": "LoKI run 1",
        "isPublic": True,
        "creationDate": "2025-03-01T10:00:00+00:00",
        "endDate": "2025-03-01T10:00:00+00:00",
        "size": 1048576,
        "kind": "raw",
        "description": "SANS run 1",
        "instrumentId": "ess/scicat_testing/ee90eb77-8220-46b1-ab13-ea35e7309b05",
    }
    assert made.homes == {
        OWN: "https://scicat.example.org/datasets/scicat_testing%2Fc79ec96a-add2-4bf3-9e14-"
        "5c4b7ec985f2"
    }
    told = {row["name"]: (row["value"], row.get("unit")) for row in rows(made, "Parameter")}
    assert told == {
        "incident_wavelength": (6, "angstrom"),
        "sample_temperature": (298, "K"),
        "nested.detector.distance": (5, "m"),
        "plain": ("text value", None),
        "keywords": ("sans, micelles, updated", None),
        "run_number": ("1", None),
        "creation_location": ("ESS:LoKI", None),
        "data_format": ("NeXus", None),
    }
    panet = "http://purl.org/pan-science/PaNET/PaNET01189"
    assert rows(made, "DatasetTechnique") == [{"datasetId": OWN, "techniqueId": panet}]
    assert rows(made, "DatasetSample") == [{"datasetId": OWN, "sampleId": "ess/S-1"}]
    assert rows(made, "DocumentDataset") == [{"datasetId": OWN, "documentId": "ess/20250001"}]
    [person] = rows(made, "Person")
    assert (person["fullName"], person["orcid"]) == ("Ada Lovelace", "0000-0002-1825-0097")
    assert [row["role"] for row in rows(made, "Member")] == ["principal investigator"]
    files = rows(made, "File")
    assert files[0] == {
        "datasetId": OWN,
        "name": "loki_1.nxs",
        "path": "/data/loki/20250001/raw/run1/loki_1.nxs",
        "size": 1048000,
        "sha256": "ab12",
    }
    assert len(files) == 2
    assert made.warnings == []


def test_a_derived_dataset_drops_its_nulls_and_names_its_origin() -> None:
    given = answer("11-")
    assert given["proposalIds"] == [None]
    made = mapped("dataset", given)
    [dataset] = rows(made, "Dataset")
    assert dataset["derivedFrom"] == [OWN]
    assert dataset["kind"] == "reduced"
    assert rows(made, "DocumentDataset") == []
    assert {"name": "jobParameters.bins", "value": 100, "datasetId": dataset["pid"]} in rows(
        made, "Parameter"
    )


def test_what_is_not_published_stays_with_its_group() -> None:
    given = answer("11-")
    made = mapped("dataset", given, is_adopted=True, prefix="")
    [dataset] = rows(made, "Dataset")
    assert dataset["pid"] == given["pid"]
    assert made.readers == {given["pid"]: ["group2"]}
    assert not mapped("dataset", given | {"isPublished": True}).readers
    assert (dataset["isPublic"], dataset["access"]) == (False, "closed")
    assert dataset["ownerGroup"] == "group1"
    assert dataset["embargoUntil"] == "2026-10-31T00:00:00+00:00"
    for odd in (None, "true", 1, {}, "yes"):
        [dataset] = rows(mapped("dataset", given | {"isPublished": odd}), "Dataset")
        assert dataset["access"] == "closed", odd


def test_a_recorded_proposal_sample_and_instrument() -> None:
    made = mapped("proposal", answer("29-")[0])
    [document] = rows(made, "Document")
    assert (document["pid"], document["title"]) == ("ess/20250001", "SANS of micelles")
    assert document["summary"] == "abs"
    assert document["startDate"] == "2025-03-01T08:00:00+00:00"
    assert document["access"] == "closed"
    assert [row["role"] for row in rows(made, "Member")] == [
        "principal investigator",
        "proposer",
    ]
    assert "pi@uni.eu" not in json.dumps(made.rows), "addresses are not passed on"
    [sample] = rows(mapped("sample", answer("30-")[0]), "Sample")
    assert sample["description"] == "SDS micelles; formula C12H25NaO4S; temperature 298 K"
    [instrument] = rows(mapped("instrument", answer("28-")[0]), "Instrument")
    assert (instrument["name"], instrument["facility"]) == ("LoKI", "ESS")


def test_published_data_are_the_same_in_both_shapes() -> None:
    flat, nested = (mapped("publication", answer(begin)[0]) for begin in ("41-", "42-"))
    assert flat.rows == nested.rows
    [document] = rows(nested, "Document")
    doi = "10.17199/dcf623b0-7421-470f-a1ef-4b960bf77b5a"
    assert (document["pid"], document["doi"]) == (doi, doi)
    assert document["releaseDate"] == "2026-11-22T06:51:20.153000+00:00"
    assert document["isPublic"] is True
    assert rows(nested, "DocumentDataset") == [{"documentId": doi, "datasetId": OWN}]
    assert [row["fullName"] for row in rows(nested, "Person")] == ["Ada Lovelace"]
    assert rows(nested, "Affiliation") == [], "an affiliation without a name is none"


def test_published_data_that_wait_are_not_public() -> None:
    for state in ("private", "pending_registration", "", None, "REGISTERED?"):
        [row] = rows(mapped("publication", answer("42-")[0] | {"status": state}), "Document")
        assert row["access"] == "closed", state


def test_a_publication_tells_orcid_and_affiliation() -> None:
    creator = {
        "name": "Meitner, Lise",
        "nameIdentifiers": [{"nameIdentifier": "https://orcid.org/0000-0002-1825-0097"}],
        "affiliation": [{"name": "Lund", "affiliationIdentifier": "https://ror.org/012a77v79"}],
    }
    metadata = {
        "creators": [creator],
        "subjects": [{"subject": "fission"}],
        "publicationYear": 1939,
    }
    given = {"doi": "10.1/x1", "status": "public", "metadata": metadata}
    made = mapped("publication", given | {"doi": "10.17199/x1"})
    assert rows(made, "Person")[0]["id"] == "0000-0002-1825-0097"
    assert rows(made, "Affiliation")[0]["id"] == "https://ror.org/012a77v79"
    [document] = rows(made, "Document")
    assert document["releaseDate"] == "1939-01-01T00:00:00+00:00"
    assert document["keywords"] == ["fission"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"t": {"value": 4, "unit": "K"}}, [("t", 4, "K")]),
        ({"t": {"v": 4, "u": "K"}}, [("t", 4, "K")]),
        ({"t": {"value": "4.5", "unit": "K"}}, [("t", 4.5, "K")]),
        ({"t": {"value": 4, "unit": ""}}, [("t", 4, None)]),
        ({"t": {"value": 4}}, [("t", 4, None)]),
        ({"a": {"b": {"c": 1}}, "d": True}, [("a.b.c", 1, None), ("d", True, None)]),
        ({"r": {"value": [1, 2], "unit": "m"}}, [("r.min", 1, "m"), ("r.max", 2, "m")]),
        ({"r": [1, 2]}, [("r.min", 1, None), ("r.max", 2, None)]),
        ({"l": [1, 2, 3]}, [("l", "1, 2, 3", None)]),
        ({"l": ["a", "b"]}, [("l", "a, b", None)]),
        ({"o": {"value": {"x": 1}, "unit": ""}}, [("o", '{"x":1}', None)]),
        # a unit that only SciCat knows
        (
            {"t": {"value": 2, "unit": "fortnight_", "valueSI": 2419200, "unitSI": "s"}},
            [("t", 2419200, "s")],
        ),
        # what SciCat said in SI of a unit that is known is not taken for it
        ({"t": {"value": 6, "unit": "Å", "valueSI": 6e-10, "unitSI": "m"}}, [("t", 6, "Å")]),
        ({"n": None, "e": "", "x": {}, "y": []}, []),
        ({"nan": float("nan"), "big": 2**70}, []),
    ],
)
def test_metadata_become_parameters(tree: Any, expected: list[tuple[str, Any, Any]]) -> None:
    made = mapped("dataset", {"pid": "p/1", "isPublished": True, "scientificMetadata": tree})
    found = [(row["name"], row["value"], row.get("unit")) for row in rows(made, "Parameter")]
    assert found == expected


def test_metadata_are_bounded() -> None:
    deep: dict[str, Any] = {"value": 1}
    for _ in range(100):
        deep = {"a": deep}
    tree = {"deep": deep} | {f"k{number}": number for number in range(MOST + 10)}
    made = mapped("dataset", {"pid": "p/1", "scientificMetadata": tree})
    assert len(rows(made, "Parameter")) == MOST
    assert any(str(MOST) in warning for warning in made.warnings)


def test_a_bad_field_is_dropped_and_said() -> None:
    given = answer("15-")[1] | {"size": "many", "creationTime": "yesterday", "keywords": "sans"}
    made = mapped("dataset", given)
    [dataset] = rows(made, "Dataset")
    assert "size" not in dataset
    assert "creationDate" not in dataset
    assert dataset["title"] == "LoKI run 1"
    said = " ".join(made.warnings)
    assert "size" in said
    assert "creationTime" in said


@hypothesis.given(dataset=strategies.datasets(for_upload=True))
@hypothesis.settings(
    max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_what_scitacean_uploads_is_all_there(dataset: scitacean.Dataset) -> None:
    """What scitacean sends, an independent reading of SciCat's model, is found again."""
    sent = json.loads(dataset.make_upload_model().model_dump_json(exclude_none=True))
    made = mapped("dataset", sent | {"pid": "20.500.12269/x"})
    [row] = rows(made, "Dataset")
    assert row["isPublic"] is bool(dataset.is_published)
    plain = (dataset.name or "").replace("\0", "").strip()
    if plain and len(plain) < 900:
        assert row["title"].encode() == plain.encode("utf-8", "replace")
    told = {item["name"]: item["value"] for item in rows(made, "Parameter")}
    for name, value in (dataset.meta or {}).items():
        if isinstance(value, str) and value.strip("\0 ") and name.strip("\0 ").isalnum():
            assert told[name], (name, value)
    linked = [item["documentId"] for item in rows(made, "DocumentDataset")]
    for proposal in dataset.proposal_ids or []:
        if proposal and proposal.isalnum():
            assert any(one.endswith(proposal) for one in linked), proposal
    names = {item["fullName"] for item in rows(made, "Person")}
    for name in [*(dataset.principal_investigators or []), dataset.owner]:
        if name and name.isalnum() and len(name) < 200:
            assert name in names


def test_scitacean_and_we_read_the_same() -> None:
    given = answer("15-")[1]
    with serving(recorded()) as address:
        client = scitacean.Client.without_login(url=f"{address}/api/v3", allow_http=True)
        theirs = client.get_dataset(PID)
    made = mapped("dataset", given)
    [ours] = rows(made, "Dataset")
    assert ours["title"] == theirs.name
    assert ours["size"] == theirs.size
    assert datetime.fromisoformat(ours["creationDate"]) == theirs.creation_time
    assert datetime.fromisoformat(ours["endDate"]) == theirs.end_time
    assert ours["description"] == theirs.description
    assert [row["pid"] for row in rows(made, "Technique")] == [
        technique.pid for technique in theirs.techniques or ()
    ]
    files = {row["path"]: row["size"] for row in rows(made, "File")}
    folder = theirs.source_folder
    assert files == {(folder / file.remote_path).posix: file.size for file in theirs.files}
    assert theirs.meta["incident_wavelength"]["value"] == 6


@st.composite
def _nothing(draw: st.DrawFn) -> Any:
    return draw(st.sampled_from([None, 7, "x", [], [{}], True]))


@hypothesis.given(content=_nothing(), kind=st.sampled_from(["dataset", "proposal", "publication"]))
def test_what_is_no_object_is_nothing(content: Any, kind: str) -> None:
    made = mapped(kind, content)
    assert made.rows == []
    assert made.warnings
