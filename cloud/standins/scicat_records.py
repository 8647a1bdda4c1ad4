"""Records for the stand-in of SciCat: of a neutron source, the same for the same number."""

from datetime import UTC, datetime, timedelta
from typing import Any

Json = Any
PREFIX = "20.500.12269/"
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_INSTRUMENTS = ("LoKI", "DREAM", "ODIN", "NMX", "BIFROST", "ESTIA")
_MATTER = ("micelles", "copper oxide", "lysozyme", "spider silk", "battery cathode", "concrete")
_TECHNIQUES = (
    ("http://purl.org/pan-science/PaNET/PaNET01189", "small angle neutron scattering"),
    ("http://purl.org/pan-science/PaNET/PaNET01100", "neutron powder diffraction"),
    ("http://purl.org/pan-science/PaNET/PaNET01239", "neutron reflectometry"),
)
_ORCID = "https://orcid.org/0000-0002-1825-0097"
_PEOPLE = ("Ada Lovelace", "Lise Meitner", "Clifford Shull", "Rosalind Franklin")


def some(count: int) -> dict[str, list[dict[str, Json]]]:
    """Return a catalogue with `count` datasets and what belongs to them."""
    proposals = max(1, count // 20)
    return {
        "instruments": [_instrument(number) for number in range(len(_INSTRUMENTS))],
        "samples": [_sample(number) for number in range(len(_MATTER))],
        "proposals": [_proposal(number) for number in range(proposals)],
        "datasets": [_dataset(number, proposals) for number in range(count)],
        "origdatablocks": [_block(number) for number in range(count)],
        "publisheddata": [_publication(number, count) for number in range(max(1, count // 50))],
    }


def _at(number: int, **more: int) -> str:
    time = _BEGIN + timedelta(hours=5 * number, **more)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _owned(number: int, *, is_public: bool = True) -> dict[str, Json]:
    return {
        "ownerGroup": f"group{number % 7}",
        "accessGroups": ["staff"],
        "isPublished": is_public,
        "createdAt": _at(number),
        "updatedAt": _at(number, minutes=number % 3),
        "__v": 0,
    }


def _instrument(number: int) -> dict[str, Json]:
    name = _INSTRUMENTS[number]
    pid = f"{PREFIX}instrument-{name.lower()}"
    stamps = {"createdAt": _at(number), "updatedAt": _at(number)}
    return {"_id": pid, "pid": pid, "uniqueName": name.lower(), "name": name} | stamps


def _sample(number: int) -> dict[str, Json]:
    theirs = f"S-{number + 1}"
    own = {"_id": theirs, "sampleId": theirs, "description": _MATTER[number].capitalize()}
    own["sampleCharacteristics"] = {"temperature": _quantity(280 + number, "K", 1, "K")}
    return own | _owned(number)


def _proposal(number: int) -> dict[str, Json]:
    theirs = str(20240001 + number)
    first, last = _PEOPLE[number % len(_PEOPLE)].split()
    return {
        "_id": theirs,
        "proposalId": theirs,
        "title": f"Neutrons for {_MATTER[number % len(_MATTER)]}",
        "abstract": f"What {_MATTER[number % len(_MATTER)]} does when it is cold.",
        "pi_firstname": first,
        "pi_lastname": last,
        "pi_email": "pi@example.org",
        "firstname": first,
        "lastname": last,
        "email": "pi@example.org",
        "startTime": _at(number * 20),
        "endTime": _at(number * 20 + 19),
        "type": "Default Proposal",
        "metadata": {},
        "instrumentIds": [],
    } | _owned(number)


def _quantity(value: float, unit: str, factor: float, si: str) -> dict[str, Json]:
    return {"value": value, "unit": unit, "valueSI": float(f"{value * factor:.12g}"), "unitSI": si}


def dataset_pid(number: int) -> str:
    """Return the identifier of a dataset."""
    return f"{PREFIX}{number:08d}-0000-4000-8000-000000000000"


def _dataset(number: int, proposals: int) -> dict[str, Json]:
    pid = dataset_pid(number)
    instrument = _INSTRUMENTS[number % len(_INSTRUMENTS)]
    technique, name = _TECHNIQUES[number % len(_TECHNIQUES)]
    is_derived = not (number + 1) % 5
    matter = _MATTER[number % len(_MATTER)]
    return {
        "_id": pid,
        "pid": pid,
        "owner": _PEOPLE[number % len(_PEOPLE)],
        "orcidOfOwner": _ORCID if number % 4 == 0 else None,
        "contactEmail": "pi@example.org",
        "sourceFolder": f"/data/{instrument.lower()}/{number:06d}",
        "size": 1000 * (number + 1),
        "numberOfFiles": 2,
        "creationTime": _at(number),
        "endTime": _at(number, minutes=30),
        "type": "derived" if is_derived else "raw",
        "keywords": [matter, "neutrons"],
        "description": f"Run {number} on {matter}",
        "datasetName": f"{instrument} {matter} {number}",
        "techniques": [{"pid": technique, "name": name}],
        "scientificMetadata": {
            "incident_wavelength": _quantity(2 + number % 10, "angstrom", 1e-10, "m"),
            "sample_temperature": _quantity(4 + number % 300, "K", 1, "K"),
            "detector": {"distance": _quantity(1 + number % 5, "m", 1, "m")},
            "range": {"value": [1, number + 2], "unit": "K"},
            "mode": "fast" if number % 2 else "slow",
        },
        "principalInvestigators": [_PEOPLE[(number + 1) % len(_PEOPLE)]],
        "creationLocation": f"ESS:{instrument}",
        "dataFormat": "NeXus",
        "runNumber": str(number),
        "proposalIds": [] if is_derived else [str(20240001 + number % proposals)],
        "sampleIds": [] if is_derived else [f"S-{number % len(_MATTER) + 1}"],
        "instrumentIds": [f"{PREFIX}instrument-{instrument.lower()}"],
        "inputDatasets": [dataset_pid(number - 1)] if is_derived else [],
        "usedSoftware": ["scipp"] if is_derived else [],
    } | _owned(number, is_public=bool((number + 1) % 10))  # fmt: skip


def _block(number: int) -> dict[str, Json]:
    files = [
        {"path": f"run_{number}.nxs", "size": 900 * (number + 1), "time": _at(number), "chk": "ab"},
        {"path": "log/run.txt", "size": 100 * (number + 1), "time": _at(number)},
    ]
    own = {"_id": f"block-{number}", "datasetId": dataset_pid(number), "chkAlg": "md5"}
    return own | {"size": 1000 * (number + 1), "dataFileList": files} | _owned(number)


def _publication(number: int, count: int) -> dict[str, Json]:
    doi = f"10.17199/ess.{number:05d}"
    person = _PEOPLE[number % len(_PEOPLE)]
    pids = [dataset_pid(one) for one in range(number * 50, min(count, number * 50 + 3))]
    creator = {
        "name": person,
        "affiliation": [
            {"name": "Lund University", "affiliationIdentifier": "https://ror.org/012a77v79"}
        ],
        "nameIdentifiers": [{"nameIdentifier": _ORCID, "nameIdentifierScheme": "ORCID"}],
    }
    return {
        "_id": doi,
        "doi": doi,
        "pid": f"{PREFIX}publication-{number}",
        "title": f"Data of {_MATTER[number % len(_MATTER)]}",
        "abstract": "Published data.",
        "datasetPids": pids,
        "status": "registered" if (number + 1) % 3 else "private",
        "registeredTime": _at(number),
        "metadata": {
            "publisher": {"name": "ESS"},
            "publicationYear": 2025,
            "creators": [creator],
            "subjects": [{"subject": "neutrons"}],
        },
        "createdAt": _at(number),
        "updatedAt": _at(number),
    }
