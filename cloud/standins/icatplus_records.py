"""Records of a synchrotron for the stand-in of ICAT+: the same each time.

python -m cloud.standins.icatplus_records PORT serves some.
"""

import random
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.standins.icatplus import Plus, serving

PANET = "http://purl.org/pan-science/PaNET/"
TECHNIQUES = {
    "PaNET01188": "small angle x-ray scattering",
    "PaNET01101": "x-ray powder diffraction",
    "PaNET01207": "x-ray tomography",
}
INSTRUMENTS = ("ID01", "ID02", "ID11", "ID15A", "ID19", "BM23")
SAMPLES = ("iron", "lysozyme", "bone", "perovskite", "zeolite", "silica")
UNITS = {
    "InstrumentBeam_incident_energy": "keV",
    "SampleTemperature": "K",
    "scanNumber": "NA",
    "title": "NA",
    "__volume": "NA",
    "__fileCount": "NA",
}
LISTS: dict[str, Any] = {
    "/catalogue/instruments": [
        {"id": number, "name": name, "description": None}
        for number, name in enumerate(INSTRUMENTS, 1)
    ],
    "/catalogue/techniques": [
        {"id": number, "pid": f"{PANET}{pid}", "name": name}
        for number, (pid, name) in enumerate(TECHNIQUES.items(), 1)
    ],
    "/catalogue/parameters": [
        {"_id": str(number), "name": name, "value": "", "units": unit}
        for number, (name, unit) in enumerate(UNITS.items())
    ],
    "/catalogue/investigationtypes": [{"id": 1, "name": "ES", "description": "Earth Science"}],
    "/facilities": [{"name": "ESRF", "fullName": "European Synchrotron (stand-in)"}],
}


def some(count: int, *, at: datetime, each: int = 10, seed: int = 7) -> Plus:
    """Return an ICAT+ with so many investigations, the newest at a time, a third under embargo."""
    dice = random.Random(seed)
    plus = Plus(lists=dict(LISTS), units=dict(UNITS))
    for number in range(1, count + 1):
        # the older the smaller the number, as their ids grow with time
        start = at - timedelta(days=20 * (count - number) + dice.randrange(10))
        _investigation(plus, 1000 + number, start, dice)
        for turn in range(each):
            _dataset(plus, 100_000 + number * 100 + turn, 1000 + number, start, dice)
    return plus


def _investigation(plus: Plus, number: int, start: datetime, dice: random.Random) -> None:
    sample, beamline = dice.choice(SAMPLES), dice.choice(INSTRUMENTS)
    plus.investigations[number] = {
        "id": number,
        "name": f"ES-{number}",
        "title": f"Structure of {sample} under pressure",
        "summary": f"We want to see how {sample} changes.",
        "visitId": f"{beamline} {start:%d-%m-%Y}",
        "doi": f"10.5072/ESRF-ES-{number}",
        "startDate": _iso(start),
        "endDate": _iso(start + timedelta(days=3)),
        "releaseDate": _iso(start + timedelta(days=3 * 365)),
        "type": {"id": 1, "name": "ES"},
        "instrument": {"id": INSTRUMENTS.index(beamline) + 1, "name": beamline},
        "sample": sample,
    }
    plus.users[number] = [
        {
            "id": number * 10 + turn,
            "name": f"user{turn}",
            "fullName": name,
            "familyName": name.split()[1],
            "givenName": name.split()[0],
            "role": role,
            "orcidId": orcid,
            "investigationName": f"ES-{number}",
            "investigationId": number,
        }
        for turn, (name, role, orcid) in enumerate(
            (
                ("Ada Example", "Principal investigator", "0000-0002-1825-0097"),
                ("Bob Beispiel", "Participant", None),
            )
        )
    ]


def _dataset(plus: Plus, number: int, above: int, start: datetime, dice: random.Random) -> None:
    investigation = plus.investigations[above]
    pid = dice.choice(sorted(TECHNIQUES))
    begin = start + timedelta(minutes=7 * (number % 100))
    light = ("id", "name", "doi", "releaseDate", "title", "startDate")
    folder = f"/data/visitor/es{above}/{investigation['instrument']['name'].lower()}/{number}"
    made: dict[str, Any] = {
        "id": number,
        "name": f"{investigation['sample']}_{number % 100:04}",
        "startDate": _iso(begin),
        "endDate": _iso(begin + timedelta(minutes=5)),
        "location": folder,
        "sampleName": investigation["sample"],
        "sampleId": above * 10,
        "type": "acquisition",
        "instrumentName": investigation["instrument"]["name"],
        "investigation": {key: investigation[key] for key in light},
        "techniques": [{"id": 1, "pid": f"{PANET}{pid}", "name": TECHNIQUES[pid]}],
        "parameters": {
            "InstrumentBeam_incident_energy": f"{dice.uniform(5, 60):.3f}",
            "SampleTemperature": str(dice.randrange(4, 900)),
            "scanNumber": "1 2 3",
            "__volume": str(dice.randrange(10**6, 10**9)),
            "__fileCount": "2",
        },
        "outputDatasets": [],
    }
    if number % 5 == 0:
        made["outputDatasets"] = [
            made
            | {
                "id": number + 50,
                "name": f"{made['name']}_integrated",
                "type": "processed",
                "location": f"{folder}/PROCESSED",
                "parameters": {"title": "azimuthal integration"},
                "outputDatasets": [],
            }
        ]
    plus.datasets[number] = made
    plus.files[number] = [
        {
            "id": number * 10 + turn,
            "name": f"{made['name']}_{turn}.h5",
            "location": f"{folder}/scan{turn}/{made['name']}_{turn}.h5",
            "fileSize": dice.randrange(10**5, 10**8),
        }
        for turn in range(2)
    ]


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


if __name__ == "__main__":
    with serving(some(300, at=datetime.now(UTC)), port=int(sys.argv[1])) as address:
        print(f"ready {address}", flush=True)
        threading.Event().wait()
