"""What the ESRF's names of parameters and techniques mean: shipped tables, without any text.

``icat_parameters.csv`` and ``icat_techniques.csv`` are made from icat-esrf-definitions and
esrf-ontologies (MIT, ESRF) by ``scripts/make_icat_tables.py``.
"""

import csv
import json
from functools import cache
from importlib.resources import files


@cache
def places() -> dict[str, tuple[str, str]]:
    """Return ICAT's name of a number → (its NeXus path, its unit)."""
    return {row["icat"]: (row["path"], row["unit"]) for row in _table("icat_parameters.csv")}


@cache
def names() -> dict[str, str]:
    """Return ICAT's name of a parameter → the one that NeXus files give the same here."""
    text = files("panosc.ingest").joinpath("knowledge.json").read_text("utf-8")
    rows = json.loads(text)["parameters"]
    return {row["icat"]: row["name"] for row in rows if row["icat"]}


@cache
def terms() -> dict[str, str]:
    """Return the ESRF's term of a technique → that of PaNET."""
    return {row["esrfet"]: row["panet"] for row in _table("icat_techniques.csv")}


def _table(name: str) -> list[dict[str, str]]:
    text = files("panosc.ingest.messages").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
