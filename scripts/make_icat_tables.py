"""Write what the ESRF's names of parameters and techniques mean, from its own definitions.

Facts of `hdf5_cfg.xml` of icat-esrf-definitions and of the tables of esrf-ontologies (both MIT,
European Synchrotron Radiation Facility): names, NeXus paths, units, identifiers. No text is taken.

    python scripts/make_icat_tables.py
"""

import csv
import json
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

FOLDER = Path(__file__).parents[1] / "src" / "panosc" / "ingest" / "messages"
NUMBERS = {"NX_NUMBER", "NX_FLOAT", "NX_INT"}


def parameters(element: Element, path: str = "") -> list[tuple[str, str, str]]:
    """Return (name, NeXus path, unit) of what is a number."""
    found = []
    for child in element:
        if child.tag == "group":
            found += parameters(child, f"{path}/{child.get('groupName')}")
            continue
        name = re.fullmatch(r"\$\{(\w+)\}", (child.text or "").strip())
        if name and child.get("NAPItype") in NUMBERS:
            found.append((name[1], f"{path}/{child.tag}", child.get("units") or ""))
    return found


def plain(name: str) -> str:
    return re.sub(r"[\s-]+", " ", name.lower())


def techniques() -> list[tuple[str, str]]:
    """Return (term of ESRFET, term of PaNET) where both have a name in common."""
    folder = files("esrf_ontologies.db")
    known = {
        plain(name): term["iri"].rpartition("/")[2]
        for term in json.loads(folder.joinpath("PaNET.json").read_text("utf-8"))
        for name in term["names"]
    }
    found = []
    for term in json.loads(folder.joinpath("ESRFET.json").read_text("utf-8")):
        ids = {known[plain(name)] for name in term["names"] if plain(name) in known}
        if len(ids) == 1:
            found.append((term["iri"].rpartition("#")[2], ids.pop()))
    return found


def write(name: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([head, *rows])
    print(name, len(rows))


def main() -> None:
    text = files("icat_esrf_definitions").joinpath("hdf5_cfg.xml").read_text("utf-8")
    unique = {row[0]: row for row in parameters(fromstring(text))}
    write("icat_parameters.csv", ("icat", "path", "unit"), sorted(unique.values()))
    write("icat_techniques.csv", ("esrfet", "panet"), sorted(techniques()))
    print(version("icat-esrf-definitions"), version("esrf-ontologies"))


if __name__ == "__main__":
    main()
