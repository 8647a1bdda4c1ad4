"""Make `src/panosc/ingest/knowledge.json` and `docs/parameters.md`.

Which NeXus fields become parameters, and under which name, is decided in the table below.
What is known of each field is taken from two published sources: its type and unit category
from the NXDL definitions, its name and unit at the ESRF from icat-esrf-definitions. Facts
only: no wording of either is copied.

    python scripts/make_knowledge.py NXDL_FOLDER ICAT_XML

NXDL_FOLDER is the folder `definitions` of the nexusformat or pynxtools package; ICAT_XML is
`hdf5_cfg.xml` of icat-esrf-definitions.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ICAT_VERSION = "3.8.0"
ROOT = Path(__file__).parents[1]
NXDL = "{http://definition.nexusformat.org/nxdl/3.1}"

PARAMETERS = {
    "NXentry": {
        "duration": "duration",
        "collection_time": "collection_time",
        "entry_identifier": "entry_identifier",
        "experiment_identifier": "experiment_identifier",
        "collection_identifier": "collection_identifier",
        "program_name": "program_name",
        "run_cycle": "run_cycle",
        "run": "run_number",
        "run_number": "run_number",
    },
    "NXmonochromator": {
        "energy": "photon_energy",
        "wavelength": "wavelength",
    },
    "NXbeam": {
        "incident_energy": "photon_energy",
        "incident_wavelength": "wavelength",
        "incident_wavelength_spread": "wavelength_spread",
        "incident_beam_size": "beam_size",
        "extent": "beam_size",
        "flux": "flux",
        "total_flux": "total_flux",
        "incident_polarization": "incident_polarization",
    },
    "NXcrystal": {
        "wavelength": "wavelength",
        "d_spacing": "monochromator_d_spacing",
        "type": "monochromator_crystal",
    },
    "NXsource": {
        "type": "source_type",
        "probe": "probe",
        "energy": "source_energy",
        "current": "source_current",
        "frequency": "source_frequency",
        "power": "source_power",
        "incident_wavelength": "wavelength",
    },
    "NXinsertion_device": {
        "gap": "undulator_gap",
        "taper": "undulator_taper",
        "type": "insertion_device_type",
    },
    "NXattenuator": {"attenuator_transmission": "attenuator_transmission"},
    "NXcollimator": {"length": "collimator_length"},
    "NXdetector": {
        "distance": "detector_distance",
        "description": "detector_description",
        "type": "detector_type",
        "x_pixel_size": "x_pixel_size",
        "y_pixel_size": "y_pixel_size",
        "beam_center_x": "beam_center_x",
        "beam_center_y": "beam_center_y",
        "count_time": "exposure_time",
        "frame_time": "frame_time",
        "sensor_material": "detector_material",
        "sensor_thickness": "detector_thickness",
        "SDD": "detector_distance",
        "detector_distance": "detector_distance",
    },
    "NXmonitor": {"mode": "monitor_mode", "preset": "monitor_preset"},
    "NXfermi_chopper": {"rotation_speed": "chopper_speed", "energy": "incident_energy"},
    "NXdisk_chopper": {"rotation_speed": "chopper_speed"},
    "NXsample": {
        "temperature": "sample_temperature",
        "pressure": "sample_pressure",
        "magnetic_field": "magnetic_field",
        "electric_field": "electric_field",
        "chemical_formula": "chemical_formula",
        "thickness": "sample_thickness",
        "mass": "sample_mass",
        "density": "sample_density",
        "concentration": "sample_concentration",
        "rotation_angle": "sample_rotation",
        "situation": "sample_situation",
        "type": "sample_type",
        "transmission": "sample_transmission",
        "preparation_date": "sample_preparation_date",
    },
}
"""NeXus class → field → name of the parameter."""

NOT_IN_BASE = {
    ("NXentry", "run"): ("NX_CHAR", None),
    ("NXentry", "run_number"): ("NX_CHAR", None),
    ("NXsource", "incident_wavelength"): ("NX_NUMBER", "NX_WAVELENGTH"),
    ("NXbeam", "incident_beam_size"): ("NX_NUMBER", "NX_LENGTH"),
    ("NXbeam", "total_flux"): ("NX_NUMBER", "NX_FREQUENCY"),
    ("NXcollimator", "length"): ("NX_NUMBER", "NX_LENGTH"),
    ("NXdetector", "SDD"): ("NX_NUMBER", "NX_LENGTH"),
    ("NXdetector", "detector_distance"): ("NX_NUMBER", "NX_LENGTH"),
    ("NXsample", "transmission"): ("NX_NUMBER", "NX_DIMENSIONLESS"),
}
"""Fields that application definitions (NXmx, NXcanSAS) and detectors of DECTRIS add."""

PROBES = {
    "x-ray": ["synchrotron", "x-ray", "x ray", "free-electron laser", "free electron laser"],
    "neutron": ["neutron", "spallation", "reactor"],
    "muon": ["muon"],
    "electron": ["electron microscope", "electron gun"],
}
"""Probe → words in a source's type or a beam's description that tell it; first match counts."""

REDUCED = [
    "NXazint1d",
    "NXazint2d",
    "NXcanSAS",
    "NXiqproc",
    "NXreflections",
    "NXspe",
    "NXsqom",
    "NXtomoproc",
    "NXxasproc",
]
"""Application definitions of what comes after measuring."""


def field_facts(folder: Path, kind: str) -> dict[str, tuple[str, str | None]]:
    """Return field → (type, unit category) of a class and of those that it extends."""
    facts: dict[str, tuple[str, str | None]] = {}
    while kind and kind != "NXobject":
        path = next(folder.rglob(f"{kind}.nxdl.xml"))
        root = ET.parse(path).getroot()
        for field in root.findall(f"{NXDL}field"):
            facts.setdefault(
                field.get("name", ""), (field.get("type", "NX_CHAR"), field.get("units"))
            )
        kind = root.get("extends", "")
    return facts


def icat_facts(path: Path) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return (NeXus class, field) → (ICAT name, unit); of several places the first."""
    facts: dict[tuple[str, str], tuple[str, str | None]] = {}
    for group in ET.parse(path).getroot().iter("group"):
        for field in group:
            name = re.fullmatch(r"\$\{(\w+)\}", (field.text or "").strip())
            if name is not None and field.tag != "group":
                key = (group.get("NX_class", ""), field.tag)
                facts.setdefault(key, (name[1], field.get("units")))
    root = ET.parse(path).getroot()
    for field in root:
        name = re.fullmatch(r"\$\{(\w+)\}", (field.text or "").strip())
        if name is not None:
            facts.setdefault(("NXentry", field.tag), (name[1], field.get("units")))
    return facts


def probe_names(folder: Path) -> list[str]:
    """Return the probes that NXDL lists for a source."""
    root = ET.parse(next(folder.rglob("NXsource.nxdl.xml"))).getroot()
    field = next(item for item in root.findall(f"{NXDL}field") if item.get("name") == "probe")
    return [item.get("value", "") for item in field.iter(f"{NXDL}item")]


def main() -> None:
    folder, icat_path = Path(sys.argv[1]), Path(sys.argv[2])
    icat = icat_facts(icat_path)
    rows = []
    for kind, fields in PARAMETERS.items():
        facts = field_facts(folder, kind)
        for field, name in fields.items():
            type_, category = NOT_IN_BASE.get((kind, field)) or facts.get(field, (None, None))
            if type_ is None:
                raise SystemExit(f"{kind}/{field} is in no NXDL definition")
            icat_name, icat_unit = icat.get((kind, field), (None, None))
            rows.append(
                {
                    "class": kind,
                    "field": field,
                    "name": name,
                    "type": "text" if type_ in {"NX_CHAR", "NX_DATE_TIME"} else "number",
                    "category": None if category in {None, "NX_ANY"} else category,
                    "icat": icat_name,
                    "icat_unit": icat_unit,
                }
            )
    content = {
        "sources": {
            "NXDL": (folder / "NXDL_VERSION").read_text().strip(),
            "icat-esrf-definitions": ICAT_VERSION,
        },
        "parameters": rows,
        "probes": PROBES,
        "probe_names": probe_names(folder),
        "reduced": REDUCED,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (ROOT / "src/panosc/ingest/knowledge.json").write_text(text)
    (ROOT / "docs/parameters.md").write_text(page(content))
    print(len(rows), "parameters,", sum(1 for row in rows if row["icat"]), "with an ICAT name")


def page(content: dict) -> str:
    """Return the table as a page of the documentation."""
    sources = content["sources"]
    lines = [
        "# Parameters",
        "",
        "What `panosc ingest` takes from a NeXus file as a parameter, and what it calls it. A",
        "field of up to 64 elements is read; longer ones are data. A value keeps the unit of the",
        "file in its canonical spelling and is stored in SI units beside it. The unit category of",
        "NXDL decides where a spelling has two meanings: `A` is ångström for a wavelength and",
        "ampere for a current. A placeholder such as `NX_LENGTH` is no unit.",
        "",
        "An energy of a beam of neutrons or electrons is called `incident_energy` instead of",
        "`photon_energy`. A field that is an NXlog or a sensor group gives its average.",
        "",
        "| NeXus class | field | parameter | kind | unit category | ICAT (ESRF) | unit there |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in content["parameters"]:
        cells = (
            row["class"],
            row["field"],
            f"`{row['name']}`",
            row["type"],
            row["category"] or "",
            row["icat"] or "",
            row["icat_unit"] or "",
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "## Where this comes from",
        "",
        "Names and the choice of fields are ours. Types and unit categories are facts of the",
        f"[NeXus definitions](https://manual.nexusformat.org) (NXDL {sources['NXDL']}, by the",
        "NeXus International Advisory Committee, LGPL-3.0-or-later), those of the ESRF of",
        "[icat-esrf-definitions](https://pypi.org/project/icat-esrf-definitions/)",
        f"({sources['icat-esrf-definitions']}, MIT). No text of either is included.",
        "The table is written by `scripts/make_knowledge.py`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
