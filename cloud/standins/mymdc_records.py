"""Records for the stand-in of myMdC: of an X-ray laser, the same for the same numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

Json = Any
FIRST = 2000
"""The number of the first proposal."""
_BEGIN = datetime(2024, 1, 1, 8, tzinfo=UTC)
_INSTRUMENTS = ("SPB", "FXE", "MID", "HED", "SCS", "SQS")
_MATTER = ("lysozyme", "warm dense iron", "water jets", "xenon clusters", "magnetic skyrmions")
_PEOPLE = (("Ada", "Lovelace"), ("Lise", "Meitner"), ("Dorothy", "Hodgkin"))
_TECHNIQUES = (
    ("PaNET01168", "serial femtosecond crystallography"),
    ("PaNET01188", "small angle x-ray scattering"),
    ("PaNET01196", "x-ray absorption spectroscopy"),
)


def _at(**more: float) -> str:
    return (_BEGIN + timedelta(**more)).isoformat(timespec="milliseconds")


def some(proposals: int, runs: int) -> dict[str, list[dict[str, Json]]]:
    """Return a catalogue with proposals of so many runs each."""
    every = [(number, run) for number in range(proposals) for run in range(runs)]
    return {
        "instruments": [_instrument(number) for number in range(len(_INSTRUMENTS))],
        "techniques": [_technique(number) for number in range(len(_TECHNIQUES))],
        "users": [_user(number) for number in range(len(_PEOPLE))],
        "units": [{"id": 1, "name": "metre", "identifier": "METER", "symbol": "m"}],
        "proposals": [_proposal(number) for number in range(proposals)],
        "experiments": [_experiment(number) for number in range(proposals)],
        "samples": [_sample(number) for number in range(proposals)],
        "runs": [_run(number, run, number * runs + run + 1) for number, run in every],
        "data_groups": [_group(number, run, number * runs + run + 1) for number, run in every],
        "dataset_files": [
            file for number, run in every for file in _files(number, run, number * runs + run + 1)
        ],
    }


def _instrument(number: int) -> dict[str, Json]:
    name = _INSTRUMENTS[number]
    return {
        "id": number + 1,
        "name": f"{name} instrument",
        "identifier": name,
        "url": f"https://www.example.org/{name.lower()}",
        "facility_id": 1,
        "topic_id": 1,
        "instrument_type_id": 1,
        "repository_id": 1,
        "flg_available": True,
        "description": "",
    }


def _technique(number: int) -> dict[str, Json]:
    identifier, name = _TECHNIQUES[number]
    url = f"http://purl.org/pan-science/PaNET/{identifier}"
    own = {"id": number + 1, "identifier": f"PaNET:{identifier}", "name": name, "url": url}
    return own | {"flg_available": True, "flg_xfel_available": True}


def _user(number: int) -> dict[str, Json]:
    first, last = _PEOPLE[number]
    own = {"id": number + 1, "first_name": first, "last_name": last, "name": f"{first} {last}"}
    return own | {"email": f"{first.lower()}@example.org", "nickname": first.lower(), "uid": "x"}


def _proposal(number: int) -> dict[str, Json]:
    matter = _MATTER[number % len(_MATTER)]
    return {
        "id": 100 + number,
        "number": FIRST + number,
        "title": f"Snapshots of {matter}",
        "abstract": f"What {matter} does in femtoseconds.",
        "url": f"https://in.example.org/upex/proposal/{FIRST + number}",
        "instrument_id": number % len(_INSTRUMENTS) + 1,
        "instrument_cycle_id": 1,
        "principal_investigator_id": number % len(_PEOPLE) + 1,
        "main_proposer_id": (number + 1) % len(_PEOPLE) + 1,
        "begin_at": _at(days=number),
        "end_at": _at(days=number + 5),
        "release_at": _at(days=number + 600),
        "flg_beamtime_status": "F",
        "beamtime_start_at": _at(days=number),
        "beamtime_end_at": _at(days=number + 5),
        "flg_proposal_system": "U",
        "flg_available": True,
        "description": "",
        "proposal_folder": f"p{FIRST + number:06d}",
    }


def _experiment(number: int) -> dict[str, Json]:
    return {
        "id": 200 + number,
        "name": "Default",
        "doi": f"xfel.mdc.exp.{200 + number}",
        "experiment_type_id": 1,
        "proposal_id": 100 + number,
        "flg_available": True,
        "publisher": "",
        "contributor": "",
        "description": "",
    }


def _sample(number: int) -> dict[str, Json]:
    name = _MATTER[number % len(_MATTER)].capitalize()
    own = {"id": 300 + number, "name": name, "url": "", "sample_type_id": 1}
    return own | {"proposal_id": 100 + number, "flg_available": True, "description": "In a jet."}


def _run(number: int, run: int, key: int) -> dict[str, Json]:
    technique = _technique(run % len(_TECHNIQUES))
    return {
        "id": key,
        "run_number": run + 1,
        "run_alias": "dark" if run % 4 == 0 else "",
        "experiment_id": 200 + number,
        "sample_id": 300 + number,
        "begin_at": _at(days=number, minutes=10 * run),
        "end_at": _at(days=number, minutes=10 * run + 8),
        "first_train": 1000 * key,
        "last_train": 1000 * key + 4799,
        "flg_available": True,
        "flg_status": 2,
        "flg_run_quality": 1,
        "original_format": "",
        "system_msg": "",
        "description": f"Run {run + 1}",
        "size": 3_000_000 * (run + 1),
        "num_files": 2,
        "repositories": {"XFEL_GPFS": {"name": "GPFS", "mount_point": "/gpfs", "data_groups": 1}},
        "techniques": [technique],
        "data_groups": [500 + key],
    }


def _group(number: int, run: int, key: int) -> dict[str, Json]:
    return {
        "id": 500 + key,
        "name": f"r{run + 1:04d}",
        "language": "en",
        "doi": f"xfel.mdc.dg.{500 + key}",
        "data_group_type_id": 1,
        "experiment_id": 200 + number,
        "user_id": 1,
        "prefix_path": f"/gpfs/exfel/p{FIRST + number:06d}/raw/r{run + 1:04d}",
        "flg_available": True,
        "flg_writing": False,
        "flg_public": number % 3 != 2,  # noqa: PLR2004 - two of three
        "format": "cbf",
        "data_passport": "",
        "removed_at": None,
        "description": "",
        "parameters": [
            {
                "id": key,
                "data_source": "SPB_XTD9/MOTOR/Z",
                "name": "actualPosition",
                "value": "15.6",
                "mean": "15.5",
                "unit_id": 1,
                "unit_prefix": "Milli",
            }
        ],
    }


def _files(number: int, run: int, key: int) -> list[dict[str, Json]]:
    return [
        {
            "id": 10 * key + part,
            "filename": f"RAW-R{run + 1:04d}-{name}-S00000.h5",
            "flg_available": True,
            "flg_immutable": True,
            "file_creation_at": _at(days=number, minutes=10 * run),
            "data_group_id": 500 + key,
            "data_group_type_id": 1,
            "byte_size": 1_000_000 * (run + 1) * (part + 1),
            "checksum": "0" * 32,
            "format": "hdf5",
            "year": 2024,
        }
        for part, name in enumerate(("DA01", "AGIPD00"))
    ]
