"""A catalogue in which every state and every hostile text occurs, and how a node serves it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import httpx
import numpy as np
import sqlalchemy as sa
from fastapi import FastAPI

from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&\u202eabc\x07 {{ 7*7 }}"
EVIL_PID = "10.5072/<b>\"'&?#%2f é"
OPEN = "10.5072/sans-118"
EMBARGOED = "10.5072/embargoed-1"
CLOSED = "10.5072/closed-1"
WITHDRAWN = "10.5072/withdrawn-1"
ERASED = "10.5072/erased-1"
BARE = "10.5072/bare-1"
DOCUMENT = "10.5072/proposal-118"
INSTRUMENT = "10.5072/d22"
SECRET = "Sesame-4711"
TECHNIQUE = "http://purl.org/pan-science/PaNET/PaNET01189"
FILES = 230

PAGES = [
    "/",
    "/search",
    "/search?q=lysozyme&technique=PaNET01189&access=open",
    "/search?q=nothingatall&year=1901",
    "/search?nonsense=1",
    "/search/help",
    f"/datasets/{OPEN}",
    f"/datasets/{OPEN}/-/metadata",
    f"/datasets/{OPEN}/-/files",
    f"/datasets/{EMBARGOED}",
    f"/datasets/{WITHDRAWN}",
    f"/datasets/{BARE}",
    f"/documents/{DOCUMENT}",
    "/instruments",
    f"/instruments/{INSTRUMENT}",
    "/selection",
    "/techniques",
    "/techniques/PaNET01188",
    "/techniques/PaNET01189",
    "/api",
    "/accessibility",
    "/privacy",
    "/credits",
    "/docs/errors/",
    "/-/patterns",
]
ERRORS = {
    f"/datasets/{CLOSED}": 404,
    f"/datasets/{ERASED}": 410,
    "/datasets/10.5072/never": 404,
    "/techniques/PaNET99999": 404,
    "/nowhere": 404,
}


@dataclass(frozen=True)
class Node:
    """A running node: where it answers, and what it is made of."""

    app: FastAPI
    engine: sa.Engine
    settings: Settings
    address: str

    def get(self, path: str, **options: object) -> httpx.Response:
        """Ask as a browser does, without following."""
        headers = {"Accept": "text/html,*/*;q=0.5", **options.pop("headers", {})}  # type: ignore[dict-item]
        return httpx.get(self.address + path, headers=headers, trust_env=False, timeout=30)


def measured_file(folder: Path) -> Path:
    """Write a NeXus file with a curve that falls."""
    path = folder / "118000.nxs"
    q = np.geomspace(0.01, 0.4, 120)
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I", "axes": "Q"})
        data["Q"], data["I"] = q, 12.3 * np.exp(-q * 20) + 0.004
        data["Q"].attrs["units"], data["I"].attrs["units"] = "1/angstrom", "1/cm"
    return path


def rows(measured: Path) -> list[tuple[str, dict[str, object]]]:
    """Return the whole catalogue."""
    status = measured.stat()
    datasets = [
        {
            "pid": OPEN,
            "title": "Small-angle scattering of lysozyme in D2O",
            "isPublic": True,
            "creationDate": "2021-11-03T08:12:00Z",
            "endDate": "2021-11-04T01:40:00Z",
            "releaseDate": "2023-05-17T00:00:00Z",
            "size": 18_400_000_000,
            "kind": "raw",
            "description": "Scattering patterns of a protein solution.\nSeven temperatures.",
            "license": "CC-BY-4.0",
            "definition": "NXsas",
            "defaultPlot": "/entry/data/I",
            "instrumentId": INSTRUMENT,
        },
        {
            "pid": EMBARGOED,
            "title": "Spin echo of supercooled water",
            "access": "embargoed",
            "embargoUntil": "2031-05-01T00:00:00Z",
            "creationDate": "2026-05-03T08:12:00Z",
            "size": 9_100_000_000,
            "kind": "raw",
            "defaultPlot": "/entry/data/I",
            "instrumentId": INSTRUMENT,
        },
        {"pid": CLOSED, "title": SECRET, "access": "closed", "instrumentId": INSTRUMENT},
        {
            "pid": WITHDRAWN,
            "title": "Diffraction of a mislabelled sample",
            "access": "withdrawn",
            "withdrawnReason": "The sample was not what its label said.",
            "creationDate": "2020-06-03T08:12:00Z",
            "defaultPlot": "/entry/data/I",
            "instrumentId": INSTRUMENT,
        },
        {"pid": ERASED, "title": SECRET, "access": "erased"},
        {"pid": BARE, "access": "open"},
        {
            "pid": EVIL_PID,
            "title": EVIL,
            "isPublic": True,
            "description": EVIL,
            "license": "javascript:alert(1)",
            "kind": EVIL,
            "definition": EVIL,
            "instrumentId": EVIL,
            "defaultPlot": EVIL,
            "creationDate": "2022-06-03T08:12:00Z",
        },
    ]
    found: list[tuple[str, dict[str, object]]] = [
        ("Instrument", {"pid": INSTRUMENT, "name": "D22", "facility": "ILL"}),
        ("Instrument", {"pid": EVIL, "name": EVIL, "facility": EVIL}),
        ("Affiliation", {"id": "ill", "name": "Institut Laue-Langevin"}),
        ("Affiliation", {"id": "evil", "name": EVIL}),
        (
            "Person",
            {
                "id": "lise",
                "fullName": "Lise Meitner",
                "firstName": "Lise",
                "lastName": "Meitner",
                "orcid": "0000-0002-1825-0097",
            },
        ),
        ("Person", {"id": "evil", "fullName": EVIL, "orcid": "javascript:alert(1)"}),
        ("Technique", {"pid": "t1", "name": "SANS", "panetId": TECHNIQUE}),
        ("Technique", {"pid": EVIL, "name": EVIL}),
        ("Sample", {"pid": "s1", "name": f"Lysozyme {SECRET}"}),
        ("Sample", {"pid": EVIL, "name": EVIL, "description": EVIL}),
        (
            "Document",
            {
                "pid": DOCUMENT,
                "isPublic": True,
                "type": "proposal",
                "title": "Protein solutions under pressure",
                "summary": "How proteins swell.",
                "startDate": "2021-11-03T08:00:00Z",
                "license": "CC-BY-4.0",
                "keywords": ["protein", "pressure"],
            },
        ),
        (
            "Document",
            {
                "pid": f"{EVIL_PID}/doc",
                "isPublic": True,
                "type": EVIL,
                "title": EVIL,
                "summary": EVIL,
                "doi": EVIL,
                "license": EVIL,
                "keywords": [EVIL],
            },
        ),
        *(("Dataset", item) for item in datasets),
        *(("Dataset", many(number)) for number in range(60)),
        ("DocumentDataset", {"documentId": DOCUMENT, "datasetId": OPEN}),
        ("DocumentDataset", {"documentId": DOCUMENT, "datasetId": EMBARGOED}),
        ("DocumentDataset", {"documentId": f"{EVIL_PID}/doc", "datasetId": EVIL_PID}),
        (
            "Member",
            {
                "id": "m1",
                "documentId": DOCUMENT,
                "personId": "lise",
                "affiliationId": "ill",
                "role": "principal investigator",
            },
        ),
        (
            "Member",
            {
                "id": "m2",
                "datasetId": EVIL_PID,
                "personId": "evil",
                "affiliationId": "evil",
                "role": EVIL,
            },
        ),
        (
            "Member",
            {
                "id": "m3",
                "documentId": f"{EVIL_PID}/doc",
                "personId": "evil",
                "affiliationId": "evil",
                "role": EVIL,
            },
        ),
        ("DatasetTechnique", {"datasetId": OPEN, "techniqueId": "t1"}),
        ("DatasetTechnique", {"datasetId": EMBARGOED, "techniqueId": "t1"}),
        ("DatasetTechnique", {"datasetId": EVIL_PID, "techniqueId": EVIL}),
        ("DatasetSample", {"datasetId": EMBARGOED, "sampleId": "s1"}),
        ("DatasetSample", {"datasetId": EVIL_PID, "sampleId": EVIL}),
        *(
            (
                "Parameter",
                {
                    "name": "temperature",
                    "value": value,
                    "unit": "K",
                    "datasetId": OPEN,
                    "path": "/entry/sample/temperature",
                },
            )
            for value in (280, 290, 320)
        ),
        (
            "Parameter",
            {
                "name": "wavelength",
                "value": 6.0,
                "unit": "angstrom",
                "datasetId": OPEN,
                "path": "/entry/instrument/beam/incident_wavelength",
            },
        ),
        ("Parameter", {"name": "remark", "value": SECRET, "datasetId": EMBARGOED}),
        (
            "Parameter",
            {"name": EVIL, "value": EVIL, "unit": EVIL, "path": EVIL, "datasetId": EVIL_PID},
        ),
        *(
            (
                "File",
                {
                    "id": f"f{number}",
                    "name": f"{118000 + number}.nxs",
                    "size": 80_000_000,
                    "sha256": f"{number:064x}",
                    "format": "NeXus/HDF5",
                    "datasetId": OPEN,
                },
            )
            for number in range(FILES)
        ),
        ("File", {"id": "e", "name": f"{SECRET}.nxs", "size": 5, "datasetId": EMBARGOED}),
        ("File", {"id": "x", "name": EVIL, "size": 5, "format": EVIL, "datasetId": EVIL_PID}),
        (
            "Location",
            {
                "url": measured.as_uri(),
                "datasetId": OPEN,
                "name": "118000.nxs",
                "size": status.st_size,
                "mtimeNs": status.st_mtime_ns,
            },
        ),
    ]
    return found


def many(number: int) -> dict[str, object]:
    """Return one of many like datasets with long titles: for pages of results."""
    return {
        "pid": f"local/{number:026d}",
        "title": f"Powder diffraction of a delithiated cathode in an operando cell, scan {number}",
        "isPublic": True,
        "creationDate": f"20{number % 20 + 5:02d}-02-0{number % 9 + 1}T00:00:00Z",
        "size": 10**number if number < 18 else None,
        "kind": "raw",
        "instrumentId": INSTRUMENT,
    }
