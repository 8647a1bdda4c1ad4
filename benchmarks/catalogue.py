"""A catalogue of any size for benchmarks: seeded, streamed as NDJSON in constant memory.

    python benchmarks/catalogue.py FOLDER DATASETS [SEED]

Proposals with people, samples and some datasets each; techniques of PaNET; parameters in several
units; 10 000 groups. Everything about a proposal depends on the seed and its number alone. Needles
are planted, and ``meta.json`` says how many rows hold them: for anyone, and in all.
"""

# ruff: noqa: SIM905 (long lists of words are easier to read as texts)

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from panosc.search.panet import ontology

GROUPS = 10_000
PREFIX = "20.500.99999"
EVERY_1000, EVERY_100000, IN_DOCUMENTS = "zirconolite", "kryptofauxite", "hapticine"
BEGINNING = datetime(2008, 1, 1, tzinfo=UTC)
RELEASED_AFTER = timedelta(days=1095)

FACILITIES = (
    "ESS,Lund,Sweden;ESRF,Grenoble,France;ILL,Grenoble,France;MAX IV,Lund,Sweden;"
    "PSI,Villigen,Switzerland;ISIS,Didcot,United Kingdom;EuXFEL,Schenefeld,Germany;"
    "ALBA,Barcelona,Spain;HZDR,Dresden,Germany;Elettra,Trieste,Italy"
)
BEAMLINES = (
    "LoKI ODIN DREAM MAGiC HEIMDAL NMX BEER ESTIA FREIA SKADI BIFROST CSPEC MIRACLES VESPA ID01 "
    "ID11 ID19 BM18 D33 IN5 D17 NanoMAX BioMAX SANS-I cSAXS TOMCAT SANS2D WISH IMAT SPB MID LOREA "
    "NOTOS XALOC HED P-ELBE SYRMEP TwinMic"
).split()
MATERIALS = (
    "iron copper silicon graphene perovskite zeolite cellulose lipid membrane protein haemoglobin "
    "collagen bone tooth enamel basalt meteorite glass steel aluminium alloy battery cathode anode "
    "electrolyte superconductor cuprate manganite ferrite skyrmion multiferroic polymer gel foam "
    "micelle colloid nanoparticle nanowire quantum dot thin film multilayer oxide sulfide nitride "
    "hydride clathrate ice concrete cement soil root leaf wood lung tissue brain heart kidney "
    "fossil amber pigment bronze"
).split()
VERBS = (
    "structure dynamics imaging mapping relaxation diffusion ordering phase transition strain "
    "texture reactivity degradation growth nucleation melting crystallisation adsorption swelling "
    "folding binding transport magnetism excitation spectroscopy tomography reflectivity scattering"
).split()
CONTEXT = (
    "in situ|operando|under high pressure|at low temperature|at high temperature|in an applied "
    "magnetic field|during cycling|under shear|time-resolved|room temperature|as a function of "
    "concentration|after annealing|with isotopic contrast|in confined geometry"
).split("|")
FILLER = (
    "we measured the sample at several positions and compared the result with a model of the "
    "instrument resolution the data were reduced with the standard software and normalised to "
    "monitor counts raw frames and logs are included background was subtracted and absolute "
    "intensity was obtained from a calibrated standard further measurements are planned with "
    "polarised beam and improved statistics"
).split()
STATES = ("solid", "liquid", "gas", "powder", "single crystal", "thin film", "solution")
ELEMENTS = "Cu Fe Si C O N Al Ti Mn Co Ni Zn Zr Nb Mo Pd Ag La Ce Gd Pt Au Pb Bi U".split()
FIRST = (
    "James Marie Lise Otto Chien-Shiung Rosalind Max Ada Kathleen Bertram Clifford Lawrence "
    "Dorothy Ernest Niels Enrico Irene Emmy Hans Vera Sonia Ravi Mei Akira Fatima Carlos Ingrid"
).split()
LAST = (
    "Chadwick Curie Meitner Frisch Wu Franklin Laue Lovelace Lonsdale Brockhouse Shull Bragg "
    "Hodgkin Rutherford Bohr Fermi Joliot Noether Bethe Rubin Petrova Iyer Chen Tanaka Hassan Novak"
).split()
ROLES = ("principal investigator", "co-proposer", "owner", "local contact", "data curator")
Units = tuple[tuple[str, float, float], ...]
QUANTITIES: tuple[tuple[str, float, float, float, bool, Units], ...] = (
    ("photon_energy", 0.55, 200, 40000, True, (("eV", 1, 0), ("keV", 1e-3, 0))),
    ("wavelength", 0.60, 0.02, 20, True, (("nm", 1, 0), ("angstrom", 10, 0), ("pm", 1000, 0))),
    ("temperature", 0.80, 1.5, 1500, True, (("K", 1, 0), ("celsius", 1, 273.15))),
    ("pressure", 0.35, 1e2, 5e9, True, (("Pa", 1, 0), ("bar", 1e-5, 0), ("GPa", 1e-9, 0))),
    ("magnetic_field", 0.20, 0, 15, False, (("T", 1, 0), ("mT", 1e3, 0))),
    ("exposure_time", 0.70, 1e-3, 3600, True, (("s", 1, 0), ("ms", 1e3, 0), ("minute", 1 / 60, 0))),
    ("sample_detector_distance", 0.50, 0.05, 40, True, (("m", 1, 0), ("mm", 1e3, 0))),
    ("beam_current", 0.40, 0.001, 0.5, False, (("A", 1, 0), ("mA", 1e3, 0))),
)
"""Name, share of the datasets, from, to (in the first unit), logarithmic, (unit, factor, offset):
value = (base - offset) · factor."""

Row = dict[str, Any]
Parameter = tuple[str, str | float, str]


def skewed(rng: random.Random, count: int) -> int:
    """Return a number below `count`, small ones far more often: as with beamlines, techniques."""
    return min(count - 1, int(count * rng.random() ** 2.2))


def headline(rng: random.Random) -> str:
    joint = rng.choice(("in", "on", "with", "and"))
    verb, one, other = rng.choice(VERBS), rng.choice(MATERIALS), rng.choice(MATERIALS)
    return f"{verb.capitalize()} of {one} {joint} {other} {rng.choice(CONTEXT)}"


class Catalogue:
    """Writes one catalogue; another kind of it has other `parameters` and `files`."""

    def __init__(self, folder: Path, datasets: int, seed: str) -> None:
        self.datasets, self.seed = datasets, seed
        self.written: Counter[str] = Counter()
        self.needles: dict[str, Counter[str]] = {"needles": Counter(), "needles_all": Counter()}
        self._folder, self._files = folder, {}
        self._techniques = [(one.iri, one.label) for one in ontology()]
        self._persons = max(20, datasets // 25)

    def parameters(self, rng: random.Random, number: int) -> Iterator[Parameter]:
        """Yield name, value and unit of the parameters of dataset `number`."""
        yield "chemical_formula", "".join(rng.sample(ELEMENTS, rng.randint(1, 3))), ""
        yield "sample_state", rng.choice(STATES), ""
        for name, share, low, high, is_logarithmic, units in QUANTITIES:
            if rng.random() >= share:
                continue
            part = rng.random()
            base = low * (high / low) ** part if is_logarithmic else low + (high - low) * part
            unit, factor, offset = units[0] if rng.random() < 0.7 else rng.choice(units)
            yield name, float(f"{(base - offset) * factor:.6g}"), unit

    def files(self, rng: random.Random, number: int) -> Iterator[tuple[str, int]]:
        """Yield name and size of the files of dataset `number`."""
        for part in range(rng.randint(1, 4)):
            yield f"scan_{number:07d}_{part:03d}.h5", int(10 ** rng.uniform(3, 10))

    def write(self) -> None:
        """Write the whole catalogue, and what it holds as ``meta.json``."""
        self._folder.mkdir(parents=True)
        self._shared()
        made = number = 0
        while made < self.datasets:
            number += 1
            made = self._proposal(number, made)
        for file in self._files.values():
            file.close()
        meta = {
            "datasets": self.datasets,
            "seed": self.seed,
            "groups": GROUPS,
            "rows": dict(sorted(self.written.items())),
            **{name: dict(found) for name, found in self.needles.items()},
        }
        (self._folder / "meta.json").write_text(json.dumps(meta, indent=1))

    def _put(self, model: str, **row: object) -> None:
        file = self._files.get(model)
        if file is None:
            file = self._files[model] = (self._folder / f"{model}.ndjson").open("w")
        file.write(json.dumps(row, separators=(",", ":")) + "\n")
        self.written[model] += 1

    def _number(self, model: str) -> int:
        return self.written[model] + 1

    def _planted(self, name: str, *, is_seen: bool) -> None:
        self.needles["needles_all"][name] += 1
        self.needles["needles"][name] += is_seen

    def _shared(self) -> None:
        places = [one.split(",") for one in FACILITIES.split(";")]
        for n, (iri, label) in enumerate(self._techniques, start=1):
            self._put("Technique", pid=f"{PREFIX}/tech{n}", name=label, panetId=iri)
        for n, name in enumerate(BEAMLINES, start=1):
            facility = places[(n - 1) % len(places)][0]
            self._put("Instrument", pid=f"{PREFIX}/ins{n}", name=name, facility=facility)
        for n, (name, city, country) in enumerate(places, start=1):
            self._put("Affiliation", id=n, name=name, city=city, country=country)
        for n in range(1, self._persons + 1):
            rng = random.Random(f"{self.seed}:person:{n}")
            first, last = rng.choice(FIRST), rng.choice(LAST)
            full = f"{first} {last}"
            self._put("Person", id=f"person{n}", fullName=full, firstName=first, lastName=last)

    def _proposal(self, number: int, made: int) -> int:
        """Write a document with all that belongs to it; return how many datasets there are now."""
        rng = random.Random(f"{self.seed}:doc:{number}")
        pid = f"{PREFIX}/doc{number}"
        start = BEGINNING + timedelta(days=rng.random() * 6200)
        is_public = rng.random() < 0.97
        release = start + RELEASED_AFTER
        is_listed = is_public or release > datetime.now(UTC)
        summary = " ".join([f"{headline(rng)}.", *rng.choices(FILLER, k=rng.randint(25, 70))])
        if number % 100 == 0:
            summary += f" {IN_DOCUMENTS}"
            self._planted(f"document_summary_{IN_DOCUMENTS}", is_seen=is_listed)
        self._put(
            "Document",
            pid=pid,
            isPublic=is_public,
            type="proposal" if rng.random() < 0.7 else "publication",
            title=headline(rng),
            summary=summary,
            startDate=start.isoformat(),
            endDate=(start + timedelta(days=rng.randint(1, 20))).isoformat(),
            releaseDate=release.isoformat(),
            keywords=sorted({rng.choice(MATERIALS) for _ in range(rng.randint(1, 5))}),
        )
        for role in (ROLES[0], *rng.choices(ROLES[1:], k=rng.randint(0, 4))):
            self._put(
                "Member",
                id=self._number("Member"),
                role=role,
                documentId=pid,
                personId=f"person{1 + skewed(rng, self._persons)}",
                affiliationId=1 + rng.randrange(10),
            )
        samples = [self._sample(rng) for _ in range(rng.randint(1, 3))]
        shared = {
            "isPublic": is_public,
            "ownerGroup": f"P{number % GROUPS}",
            "instrumentId": f"{PREFIX}/ins{1 + skewed(rng, len(BEAMLINES))}",
        }
        technique = skewed(rng, len(self._techniques))
        for _ in range(min(rng.randint(2, 18), self.datasets - made)):
            made += 1
            created = (start + timedelta(seconds=rng.random() * 8e5)).isoformat()
            row = {**shared, "creationDate": created, "size": int(10 ** rng.uniform(4, 12))}
            one = self._dataset(rng, made, row, is_listed=is_listed)
            self._put(
                "DocumentDataset", id=self._number("DocumentDataset"), documentId=pid, datasetId=one
            )
            self._put(
                "DatasetSample",
                id=self._number("DatasetSample"),
                datasetId=one,
                sampleId=rng.choice(samples),
            )
            more = {skewed(rng, len(self._techniques))} if rng.random() < 0.25 else set()
            for tag in sorted({technique} | more):
                self._put(
                    "DatasetTechnique",
                    id=self._number("DatasetTechnique"),
                    datasetId=one,
                    techniqueId=f"{PREFIX}/tech{tag + 1}",
                )
        return made

    def _sample(self, rng: random.Random) -> str:
        pid = f"{PREFIX}/sample{self._number('Sample')}"
        name = f"{rng.choice(MATERIALS)} {rng.choice(STATES)}"
        self._put("Sample", pid=pid, name=name, description=" ".join(rng.choices(MATERIALS, k=4)))
        return pid

    def _dataset(self, rng: random.Random, number: int, row: Row, *, is_listed: bool) -> str:
        pid, title = f"{PREFIX}/ds{number}", headline(rng)
        for every, needle in ((1000, EVERY_1000), (100_000, EVERY_100000)):
            if number % every == 0:
                title += f" {needle}"
                self._planted(f"dataset_title_{needle}", is_seen=is_listed)
        self._put("Dataset", pid=pid, title=title, **row)
        is_cold = False
        for name, value, unit in self.parameters(rng, number):
            self._put(
                "Parameter",
                id=self._number("Parameter"),
                name=name,
                value=value,
                unit=unit,
                datasetId=pid,
            )
            is_cold |= name == "temperature" and _below_10_k(value, unit)
        if is_cold:
            self._planted("dataset_temperature_below_10_K", is_seen=bool(row["isPublic"]))
        for name, size in self.files(rng, number):
            self._put("File", id=self._number("File"), name=name, size=size, datasetId=pid)
        return pid


def _below_10_k(value: str | float, unit: str) -> bool:
    kelvin = {"K": 0.0, "celsius": 273.15}
    return isinstance(value, float) and unit in kelvin and value + kelvin[unit] < 10


def main(kind: type[Catalogue] = Catalogue) -> None:
    folder, datasets = Path(sys.argv[1]), int(sys.argv[2])
    kind(folder, datasets, sys.argv[3] if len(sys.argv) > 3 else "1").write()
    print((folder / "meta.json").read_text())


if __name__ == "__main__":
    main()
