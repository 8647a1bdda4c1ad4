"""Random catalogues for the index: every way to be hidden, ties, gaps, numbers at the edges."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from panosc.catalogue import changes, tables
from panosc.catalogue.writer import write
from panosc.domain.access import ALWAYS, NEVER, Guard, Share, Who
from panosc.domain.pid import surrogate

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
PANET = "http://purl.org/pan-science/PaNET/"
GROUPS = ("P1", "P2", "P'3")
INSTRUMENTS = ("i/d11", "i/d22", "i'1", "i/none")
TECHNIQUES = (
    ("t-sans", "small angle neutron scattering", PANET + "PaNET01189"),
    ("t-saxs", "SAXS at home", "PaNET01188"),
    ("t-xas", "x-ray absorption", PANET + "PaNET01227"),
    (PANET + "PaNET01313", "magnetic tomography here", None),
    ("t-local", "mystery Imaging", None),
    ("t-null", None, PANET + "PaNET01012"),
)
LARGEST = 1.7976931348623157e308
SIZES = (None, 0, 1, 7, 10**6, 10**15, 2**53 + 1, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1, -5)
EDGES = (0.0, -0.0, math.inf, -math.inf, math.nan, LARGEST, -LARGEST, 1e308, 5e-324, 1e-300)
QUANTITIES: dict[str, tuple[tuple[str | None, ...], tuple[float, ...]]] = {
    "photon_energy": (("eV", "keV", "J", "furlong_x", None), (930, 0.93, 12.4, 8000, 1.5e-16)),
    "temperature": (("K", "degC", "celsius", ""), (20, 293.15, 4.2, 300, -10, 0)),
    "wavelength": (("nm", "angstrom", "um", "A"), (1.064, 10.64, 0.4, 1064, 5, 2**53 + 1)),
    "odd.name: 50% [é]": (("K", None), (1, 2, 3)),
}
TITLES = ("Copper", "gel", "Bone in ice", "50% LiFePO4", "É o'neil", None)
PEOPLE = (
    Who(),
    Who(),
    Who(person="u-a", via="session"),
    Who(person="u-b", groups=frozenset({"P1"}), via="session"),
    Who(person="u-c", groups=frozenset({"P1", "P'3", "link:0a"}), via="session"),
    Who(groups=frozenset({"link:0a"}), via="link"),
    Who(person="u-d", groups=frozenset({"instrument:i/d22", "instrument:i'1"}), via="session"),
    Who(person="u-e", roles=frozenset({"steward"}), via="session"),
    Who(person="u-e", roles=frozenset({"steward"}), scopes=frozenset({"data"}), via="token"),
    Who(person="u-b", groups=frozenset({"P1"}), scopes=frozenset({"write"}), via="token"),
)
MOMENTS = tuple(NOW + timedelta(days=days) for days in (-3, 0, 0, 0, 2, 400))
_READERS = ("person:u-a", "person:u-b", "P2", "P1", "link:0a")
Row = tuple[str, dict[str, Any]]


@dataclass(kw_only=True)
class Sample:
    """A catalogue: its rows, and what guards each dataset (`ds/…`) and document (`doc/…`)."""

    rows: list[Row] = field(default_factory=list)
    guards: dict[str, Guard] = field(default_factory=dict)

    def fill(self, connection: sa.Connection) -> None:
        """Write it, also over what is there."""
        write(connection, self.rows, now=NOW)
        for pid, guard in self.guards.items():
            table = tables.dataset if pid.startswith("ds/") else tables.document
            values = {"mark": guard.mark, "core_at": guard.core_at, "open_at": guard.open_at}
            connection.execute(sa.update(table).where(table.c.pid == pid).values(values))
        connection.execute(sa.delete(tables.share))
        given = list(self._shares())
        if given:
            connection.execute(sa.insert(tables.share), given)
        # whoever changes the access of a record tells so in the feed
        both = [("Dataset" if pid.startswith("ds/") else "Document", pid) for pid in self.guards]
        changes.append(connection, both)

    def _shares(self) -> Iterator[dict[str, Any]]:
        for pid, guard in self.guards.items():
            for item in sorted(guard.shares, key=lambda one: one.reader):
                yield {
                    "id": f"{pid}-{item.reader}",
                    "dataset_id": surrogate("Dataset", pid),
                    "reader": item.reader,
                    "until": item.until,
                    "by": "u-x",
                    # the groups of an adopted catalogue stand in the index itself
                    "source": "ess" if item.until is None and item.reader in GROUPS else None,
                }


def sample(seed: int, *, datasets: int = 90, documents: int = 30) -> Sample:
    """Return a random catalogue."""
    return _Making(random.Random(seed), datasets, documents).all()


class _Making:
    def __init__(self, rng: random.Random, datasets: int, documents: int) -> None:
        self.rng = rng
        self.datasets = [f"ds/{number}" for number in range(datasets)]
        self.documents = [f"doc/{number}" for number in range(documents)]
        self.made = Sample()
        self.number = 0

    def all(self) -> Sample:
        rng, rows = self.rng, self.made.rows
        for pid in INSTRUMENTS:
            facility = rng.choice(["ESS", "ILL", None])
            name = rng.choice(["D11", "D22", None])
            rows.append(("Instrument", {"pid": pid, "name": name, "facility": facility}))
        for pid, name, panet in TECHNIQUES:
            rows.append(("Technique", {"pid": pid, "name": name, "panetId": panet}))
        for pid in self.documents:
            self.document(pid)
        for pid in self.datasets:
            self.dataset(pid)
        return self.made

    def time(self) -> str | None:
        if self.rng.random() < 0.2:
            return None
        # few of them, so that many are equal
        days = self.rng.choice([-700, -3, 0, 1, 2, 3, 400, -40_000])
        hours = self.rng.choice([0, 7, 7.000000001])
        return (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=days, hours=hours)).isoformat()

    def guard(self, pid: str, group: str | None, instrument: str | None) -> None:
        rng = self.rng
        some = [NOW + timedelta(days=days) for days in (-3, -1, 0, 1, 3)]
        match rng.choice(["open"] * 3 + ["embargoed"] * 2 + ["closed", "dated", "marked"]):
            case "open":
                mark, core, opens = "normal", ALWAYS, ALWAYS
            case "embargoed":
                mark, core, opens = "normal", ALWAYS, rng.choice([NEVER, *some])
            case "closed":
                mark, core, opens = "normal", NEVER, NEVER
            case "dated":
                mark, core, opens = "normal", rng.choice(some), rng.choice([NEVER, *some])
            case _:
                mark = rng.choice(["withdrawn", "erased"])
                core = opens = rng.choice([ALWAYS, NEVER])
        shares = set()
        if pid.startswith("ds/") and rng.random() < 0.3:
            for reader in rng.sample(_READERS, rng.randint(1, 2)):
                shares.add(Share(reader=reader, until=rng.choice([None, *some])))
        self.made.guards[pid] = Guard(
            mark=mark,  # type: ignore[arg-type]
            core_at=core,
            open_at=opens,
            group=group,
            instrument=instrument,
            shares=frozenset(shares),
        )

    def document(self, pid: str) -> None:
        rng, group = self.rng, self.rng.choice([None, None, *GROUPS])
        row = {
            "pid": pid,
            "type": rng.choice(["proposal", "publication"]),
            "title": rng.choice(TITLES),
            "startDate": self.time(),
            "releaseDate": self.time(),
            "access": "open",
            "ownerGroup": group,
        }
        self.made.rows.append(("Document", row))
        self.guard(pid, group, None)
        for _ in range(rng.randint(0, 2)):
            self.parameter({"documentId": pid})

    def dataset(self, pid: str) -> None:
        rng, group = self.rng, self.rng.choice([None, None, *GROUPS])
        instrument = rng.choice([None, *INSTRUMENTS[:3]])
        row = {
            "pid": pid,
            "title": rng.choice(TITLES),
            "creationDate": self.time(),
            "releaseDate": self.time(),
            "size": rng.choice(SIZES),
            "kind": rng.choice([None, "raw", "reduced", "É"]),
            "instrumentId": instrument,
            "access": "open",
            "ownerGroup": group,
        }
        self.made.rows.append(("Dataset", row))
        self.guard(pid, group, instrument)
        owner = {"datasetId": pid}
        for _ in range(rng.randint(0, 4)):
            self.parameter(owner)
        techniques = [one[0] for one in TECHNIQUES]
        for one in rng.sample(techniques, rng.choice([0, 1, 1, 2, 3])):
            self.made.rows.append(("DatasetTechnique", {**owner, "techniqueId": one}))
        for one in rng.sample(self.documents, rng.choice([0, 1, 1, 2])):
            self.made.rows.append(("DocumentDataset", {**owner, "documentId": one}))

    def parameter(self, owner: dict[str, str]) -> None:
        rng = self.rng
        self.number += 1
        row: dict[str, Any] = {"id": self.number, **owner}
        if rng.random() < 0.15:
            row |= {"name": rng.choice(["state", "temperature"]), "unit": None}
            row["value"] = rng.choice(["solid", "300", "Cu"])
        else:
            row["name"] = rng.choice(list(QUANTITIES))
            units, values = QUANTITIES[row["name"]]
            row["value"] = float(rng.choice([*values, *values, rng.choice(EDGES)]))
            row["unit"] = rng.choice(units)
        self.made.rows.append(("Parameter", row))
