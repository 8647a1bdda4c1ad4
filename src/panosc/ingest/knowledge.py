"""What is known of NeXus fields, sources and techniques: two shipped tables.

``knowledge.json`` is made by ``scripts/make_knowledge.py``; ``techniques.csv`` leads from
application definition and probe to terms of PaNET, checked by hand against the ontology.
"""

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PANET = "http://purl.org/pan-science/PaNET/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A NeXus field that becomes a parameter."""

    name: str
    is_number: bool
    category: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A technique of the PaNET ontology."""

    panet: str
    label: str

    @property
    def pid(self) -> str:
        """The address of the term."""
        return PANET + self.panet


@cache
def _content() -> dict[str, Any]:
    text = files("panosc.ingest").joinpath("knowledge.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@cache
def fields() -> dict[str, dict[bytes, Field]]:
    """Return NeXus class → field → parameter."""
    found: dict[str, dict[bytes, Field]] = {}
    for row in _content()["parameters"]:
        found.setdefault(row["class"], {})[row["field"].encode()] = Field(
            name=row["name"], is_number=row["type"] == "number", category=row["category"]
        )
    return found


@cache
def reduced() -> frozenset[str]:
    """Return the application definitions of what comes after measuring."""
    return frozenset(_content()["reduced"])


def probe_of(words: str | None) -> str | None:
    """Return the probe that a description of a source or of radiation tells.

    Examples
    --------
    >>> probe_of("Spallation Neutron Source"), probe_of("X-ray"), probe_of("OPCPA")
    ('neutron', 'x-ray', None)
    """
    if not words:
        return None
    low = words.lower()
    for probe, hints in _content()["probes"].items():
        if low == probe or any(hint in low for hint in hints):
            return str(probe)
    return low if low in _content()["probe_names"] else None


@cache
def _terms() -> dict[tuple[str, str], tuple[Term, ...]]:
    found: dict[tuple[str, str], tuple[Term, ...]] = {}
    text = files("panosc.ingest").joinpath("techniques.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        if row["panet_id"]:
            key = (row["application_definition"], row["probe"])
            term = Term(panet=row["panet_id"], label=row["panet_label"])
            found[key] = (*found.get(key, ()), term)
    return found


@cache
def _labels() -> dict[str, str]:
    return {term.panet: term.label for terms in _terms().values() for term in terms}


def panet(name: str) -> Term:
    """Return the term of PaNET with this identifier, as PaNET01188 or as an address.

    Examples
    --------
    >>> panet("PaNET01188").label, panet("http://purl.org/pan-science/PaNET/PaNET01188").panet
    ('small angle x-ray scattering', 'PaNET01188')
    """
    number = name.rsplit("/", 1)[-1].removeprefix("PaNET:")
    return Term(panet=number, label=_labels().get(number, number))


def techniques(definitions: tuple[str, ...], probe: str | None) -> list[Term]:
    """Return the techniques that application definitions mean with this probe.

    Examples
    --------
    >>> [term.label for term in techniques(("NXsas",), "neutron")]
    ['small angle neutron scattering']
    """
    found: list[Term] = []
    for definition in definitions:
        terms = _terms().get((definition, probe or "*")) or _terms().get((definition, "*"), ())
        found += [term for term in terms if term not in found]
    return found
