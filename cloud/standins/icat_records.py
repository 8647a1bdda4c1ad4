"""Records of a facility for the stand-in of ICAT: the same each time.

python -m cloud.standins.icat_records PORT serves some; ``reader``, ``reader`` sees what is
released or under embargo, nobody's account only what is released.
"""

import random
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.standins.icat import Icat, serving
from cloud.standins.icat_jpql import Row

INSTRUMENTS = ("SAXS", "XAFS", "MCX", "SYRMEP")
TECHNIQUES = {
    "PaNET:PaNET01188": "small angle x-ray scattering",
    "PaNET:PaNET01101": "x-ray powder diffraction",
    "PaNET:PaNET01207": "x-ray tomography",
}
SAMPLES = ("iron", "lysozyme", "bone", "perovskite", "zeolite", "silica")
PARAMETERS = (("photon_energy", "keV"), ("temperature", "K"), ("operator note", "N/A"))
_OPEN = ("Facility", "Instrument", "InvestigationType", "DatasetType", "ParameterType", "User")
_BELOW = {
    "Investigation": "o",
    "InvestigationUser": "o.investigation",
    "InvestigationInstrument": "o.investigation",
    "InvestigationParameter": "o.investigation",
    "Keyword": "o.investigation",
    "Sample": "o.investigation",
    "Dataset": "o.investigation",
    "DatasetParameter": "o.dataset.investigation",
    "DatasetTechnique": "o.dataset.investigation",
    "DatasetInstrument": "o.dataset.investigation",
    "Datafile": "o.dataset.investigation",
}
RULES = (
    *((None, entity) for entity in (*_OPEN, "SampleType", "Technique")),
    *(
        (None, f"SELECT o FROM {entity} o WHERE {path}.releaseDate < CURRENT_TIMESTAMP")
        for entity, path in _BELOW.items()
    ),
    *((frozenset({"db/reader"}), entity) for entity in _BELOW),
)


class Writing:
    """Writes entities, each with its own times."""

    def __init__(self, icat: Icat, at: datetime) -> None:
        self.icat = icat
        self.at = at
        self._last = 0

    def add(self, entity: str, **values: Any) -> Row:
        """Add an entity."""
        rows = self.icat.store.rows.get(entity, {})
        # the last has the highest
        row = {"id": next(reversed(rows), 0) + 1, "createId": "root", "createTime": self.at}
        row |= {"modId": "root", "modTime": self.at, **values}
        return self.icat.store.put(entity, row)

    def change(self, entity: str, number: int, **values: Any) -> Row:
        """Change an entity: its own time moves, and no other."""
        row = self.icat.store.rows[entity][number]
        return self.icat.store.put(entity, {**row, "modTime": self.at, **values})


def some(
    count: int, *, at: datetime, each: int = 10, facility: str = "CERIC", seed: int = 7
) -> Writing:
    """Return an ICAT with so many investigations, the newest at a time; half under embargo."""
    dice = random.Random(seed)
    icat = Icat(rules=RULES, accounts={"reader": "reader", "root": "root"})
    writing = Writing(icat, at - timedelta(days=1))
    place = writing.add("Facility", name=facility, fullName=f"{facility} (stand-in)")["id"]
    for name in INSTRUMENTS:
        writing.add("Instrument", name=name, facility=place)
    for pid, name in TECHNIQUES.items():
        writing.add("Technique", pid=pid, name=name)
    for name, unit in PARAMETERS:
        writing.add("ParameterType", name=name, units=unit)
    for name in ("raw", "processed"):
        writing.add("DatasetType", name=name)
    writing.add("InvestigationType", name="experiment", facility=place)
    for number, name in enumerate(SAMPLES, 1):
        writing.add("SampleType", name=name, molecularFormula=f"X{number}")
    for first, last, orcid in (
        ("Ada", "Example", "0000-0002-1825-0097"),
        ("Bob", "Beispiel", None),
    ):
        writing.add(
            "User",
            name=f"db/{first.lower()}",
            fullName=f"{first} {last}",
            givenName=first,
            familyName=last,
            orcidId=orcid,
            affiliation="University of Examples",
        )
    for number in range(1, count + 1):
        start = at - timedelta(days=30 * (count - number))
        release = start + timedelta(days=3 * 365 if number % 2 else -100)
        _investigation(writing, number, start, release, dice)
        for turn in range(each):
            _dataset(writing, number, start + timedelta(minutes=7 * turn), turn, dice)
    return writing


def _investigation(
    writing: Writing, number: int, start: datetime, release: datetime, dice: random.Random
) -> None:
    sample = dice.randrange(len(SAMPLES))
    writing.add(
        "Investigation",
        name=f"P{2000 + number}",
        visitId="1",
        title=f"Structure of {SAMPLES[sample]} under pressure",
        summary=f"We want to see how {SAMPLES[sample]} changes.",
        startDate=start,
        endDate=start + timedelta(days=3),
        releaseDate=release,
        doi=f"10.5072/inv-{number}" if number % 2 == 0 else None,
        facility=1,
        type=1,
    )
    instrument = dice.randrange(len(INSTRUMENTS)) + 1
    writing.add("InvestigationInstrument", investigation=number, instrument=instrument)
    for user, role in ((1, "Principal investigator"), (2, "Investigator")):
        writing.add("InvestigationUser", investigation=number, user=user, role=role)
    writing.add("Keyword", investigation=number, name=SAMPLES[sample])
    writing.add("Sample", investigation=number, type=sample + 1, name=f"{SAMPLES[sample]} {number}")


def _dataset(
    writing: Writing, number: int, start: datetime, turn: int, dice: random.Random
) -> None:
    store = writing.icat.store
    instrument = store.many("InvestigationInstrument", "investigation", number)[0]["instrument"]
    sample = store.rows["Sample"][number]
    files = 1 + turn % 3
    made = writing.add(
        "Dataset",
        name=f"scan_{number:04}_{turn:03}",
        investigation=number,
        sample=number,
        type=1 if turn % 4 else 2,
        startDate=start,
        endDate=start + timedelta(minutes=5),
        complete=True,
        fileCount=files,
        fileSize=files * 1000,
        description=f"A scan of {sample['name']}.",
    )["id"]
    technique = dice.randrange(len(TECHNIQUES)) + 1
    writing.add("DatasetTechnique", dataset=made, technique=technique)
    writing.add("DatasetInstrument", dataset=made, instrument=instrument)
    energy = round(dice.uniform(5, 40), 3)
    writing.add("DatasetParameter", dataset=made, type=1, numericValue=energy)
    writing.add(
        "DatasetParameter", dataset=made, type=2, numericValue=float(dice.randrange(4, 900))
    )
    writing.add("DatasetParameter", dataset=made, type=3, stringValue="beam lost twice")
    for part in range(files):
        name = f"scan_{turn:03}_{part}.nxs"
        writing.add(
            "Datafile",
            dataset=made,
            name=name,
            location=f"/data/P{2000 + number}/{name}",
            fileSize=1000,
        )


if __name__ == "__main__":
    with serving(some(300, at=datetime.now(UTC)).icat, port=int(sys.argv[1])) as address:
        print(f"ready {address}", flush=True)
        threading.Event().wait()
