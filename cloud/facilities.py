"""The six facilities of the cloud, as in the project's own table: what each has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloud import trees
from cloud.records import Manner

_SANS = ("PaNET01189", "small angle neutron scattering")
_POWDER = ("PaNET01100", "neutron powder diffraction")
_SAXS = ("PaNET01188", "small angle x-ray scattering")
_TEMPERATURE = ("sample_temperature", 4.0, 300.0, "K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """One facility: its catalogue, its files, and what made-up records of it look like."""

    name: str
    title: str
    catalogue: str
    """Kind of the connector that its node follows its catalogue by."""
    manner: Manner
    account: str | None = None
    """With which its catalogue is read; the stand-ins' passwords are the same word."""
    options: Mapping[str, str] = field(default_factory=dict)
    profile: str = "plain"
    proposal: str | None = None
    """Whose data its files are; its time was long ago, so they are open."""
    tree: Callable[[Path, int | None], Path] | None = None
    """Lays its files into a folder; of measured ones no more than a number."""


FACILITIES: Sequence[Facility] = (
    Facility(
        name="esrf",
        title="ESRF",
        catalogue="icatplus",
        account="reader",
        manner=Manner(
            facility="ESRF",
            short="esrf",
            instruments=("ID01",),
            techniques=(_SAXS,),
            parameters=(),
        ),
    ),
    Facility(
        name="ill",
        title="ILL",
        catalogue="ndjson",
        tree=trees.nexus,
        manner=Manner(
            facility="ILL",
            short="ill",
            instruments=("D7", "D11", "D20", "D22", "IN5"),
            techniques=(_SANS, _POWDER),
            parameters=(("incident_wavelength", 0.8, 20.0, "angstrom"), _TEMPERATURE),
        ),
    ),
    Facility(
        name="xfel",
        title="European XFEL",
        catalogue="mymdc",
        account="reader",
        options={
            "proposals": "2000-2999",
            "email": "reader@example.org",
            "doi_prefix": "10.22003",
        },
        profile="european-xfel",
        proposal="2012",
        tree=trees.runs,
        manner=Manner(
            facility="European XFEL",
            short="xfel",
            instruments=("FXE", "SPB", "MID", "HED"),
            techniques=(
                ("PaNET01168", "serial femtosecond crystallography"),
                ("PaNET01124", "small angle scattering"),
            ),
            parameters=(("photon_energy", 5.0, 20.0, "keV"), _TEMPERATURE),
        ),
    ),
    Facility(
        name="ess",
        title="ESS",
        catalogue="scicat",
        manner=Manner(
            facility="ESS",
            short="ess",
            instruments=("LoKI",),
            techniques=(_SANS,),
            parameters=(),
        ),
    ),
    Facility(
        name="ceric",
        title="CERIC-ERIC",
        catalogue="icat",
        account="reader",
        manner=Manner(
            facility="CERIC-ERIC",
            short="ceric",
            instruments=("SAXS", "SISSI", "SYRMEP", "MCX"),
            techniques=(_SAXS, ("PaNET01101", "x-ray powder diffraction")),
            parameters=(("incident_energy", 5.4, 16.0, "keV"), _TEMPERATURE),
        ),
    ),
    Facility(
        name="eli",
        title="ELI ERIC",
        catalogue="ndjson",
        profile="eli",
        proposal="E2021-07",
        tree=trees.series,
        manner=Manner(
            facility="ELI ERIC",
            short="eli",
            instruments=("L3 HAPLS", "SYLOS", "HF-2"),
            techniques=(("PaNET01084", "time dependent study"), _SAXS),
            parameters=(("pulse_duration", 5.0, 150.0, "fs"), ("pulse_energy", 0.1, 30.0, "J")),
        ),
    ),
)
