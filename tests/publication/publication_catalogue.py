"""A small catalogue for publishing: each state, with people, licence, files and relations."""

from datetime import UTC, datetime
from typing import Any

Line = dict[str, Any]
OPEN, EMBARGOED, CLOSED, WITHDRAWN = (
    "10.5072/open",
    "10.5072/embargoed",
    "10.5072/closed",
    "10.5072/withdrawn",
)
BARE = "local/bare"
TOLD_AT = datetime(2026, 1, 1, tzinfo=UTC)
PROPOSAL = "10.5072/proposal"
PAPER = "local/paper"
FACILITY = "Test Source"

CATALOGUE: dict[str, list[Line]] = {
    "Instrument": [
        {"pid": "20.500.1/sans1", "name": "SANS-1", "facility": FACILITY},
    ],
    "Technique": [
        {"pid": "PaNET01189", "name": "SANS", "panetId": "PaNET01189"},
    ],
    "Sample": [{"pid": "s1", "name": "Secret lysozyme", "description": "In heavy water"}],
    "Affiliation": [
        {"id": "a1", "name": "University of Somewhere", "ror": "https://ror.org/02550n020"}
    ],
    "Person": [
        {
            "id": "p1",
            "fullName": "Ada Example",
            "firstName": "Ada",
            "lastName": "Example",
            "orcid": "0000-0002-1825-0097",
        },
        {"id": "p2", "fullName": "Bo Helper"},
    ],
    "Document": [
        {
            "pid": PROPOSAL,
            "type": "proposal",
            "title": "Proteins <in> water & salt",
            "summary": "We look at proteins.",
            "isPublic": True,
            "startDate": "2021-03-01T00:00:00Z",
            "license": "CC-BY-4.0",
            "keywords": ["proteins", "small angle"],
            "funding": [
                {
                    "funderName": "European Commission",
                    "funderIdentifier": "https://ror.org/00k4n6c32",
                    "awardNumber": "823852",
                    "awardTitle": "PaNOSC",
                }
            ],
        },
        {
            "pid": PAPER,
            "type": "publication",
            "title": "What proteins do",
            "doi": "10.1107/s0000000000000001",
            "isPublic": True,
        },
    ],
    "Dataset": [
        {
            "pid": OPEN,
            "title": "Lysozyme & “salt” <1>",
            "description": "Scattering of lysozyme.",
            "isPublic": True,
            "creationDate": "2021-05-05T10:00:00Z",
            "endDate": "2021-05-06T11:00:00Z",
            "releaseDate": "2022-01-02T00:00:00Z",
            "size": 3000,
            "instrumentId": "20.500.1/sans1",
            "license": "CC-BY-4.0",
            "definition": "NXcanSAS",
            "relatedIdentifiers": [
                {
                    "relatedIdentifier": "10.5281/zenodo.1",
                    "relationType": "IsCompiledBy",
                    "resourceTypeGeneral": "Software",
                }
            ],
        },
        {
            "pid": EMBARGOED,
            "title": "Not yet",
            "access": "embargoed",
            "embargoUntil": "2031-01-02T00:00:00Z",
            "creationDate": "2021-05-07T10:00:00Z",
            "size": 4000,
            "ownerGroup": "team-a",
            "instrumentId": "20.500.1/sans1",
            "isNewVersionOf": OPEN,
        },
        {
            "pid": CLOSED,
            "title": "Trade secret",
            "access": "closed",
            "creationDate": "2021-05-08T10:00:00Z",
            "size": 5000,
            "ownerGroup": "team-b",
            "instrumentId": "20.500.1/sans1",
            "isNewVersionOf": OPEN,
            "derivedFrom": [OPEN],
        },
        {
            "pid": WITHDRAWN,
            "title": "Was wrong",
            "access": "withdrawn",
            "withdrawnReason": "The detector was off.",
            "creationDate": "2021-05-09T10:00:00Z",
            "size": 6000,
        },
        {"pid": BARE, "isPublic": True},
    ],
    "DocumentDataset": [
        {"documentId": PROPOSAL, "datasetId": OPEN},
        {"documentId": PAPER, "datasetId": OPEN},
        {"documentId": PROPOSAL, "datasetId": EMBARGOED},
        {"documentId": PROPOSAL, "datasetId": CLOSED},
    ],
    "DatasetTechnique": [
        {"datasetId": OPEN, "techniqueId": "PaNET01189"},
        {"datasetId": EMBARGOED, "techniqueId": "PaNET01189"},
    ],
    "DatasetSample": [
        {"datasetId": OPEN, "sampleId": "s1"},
        {"datasetId": EMBARGOED, "sampleId": "s1"},
    ],
    "Member": [
        {"id": "m1", "documentId": PROPOSAL, "personId": "p1", "affiliationId": "a1", "role": "PI"},
        {"id": "m2", "documentId": PROPOSAL, "personId": "p2", "role": "local contact"},
    ],
    "Parameter": [
        {"id": "q1", "datasetId": OPEN, "name": "temperature", "value": 300.5, "unit": "K"},
        {"id": "q2", "datasetId": OPEN, "name": "chemical_formula", "value": "H2O"},
        {"id": "q3", "datasetId": EMBARGOED, "name": "temperature", "value": 77.25, "unit": "K"},
    ],
    "File": [
        {"id": "f1", "datasetId": OPEN, "name": "a b.nxs", "size": 1000, "sha256": "ab" * 32},
        {"id": "f2", "datasetId": OPEN, "name": "notes.txt", "size": 2000},
        {"id": "f3", "datasetId": EMBARGOED, "name": "hidden.nxs", "size": 4000},
    ],
}


def address(path: str) -> str:
    """Return where a path of the node is."""
    return f"https://node.example{path}"
