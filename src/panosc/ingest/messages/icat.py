"""Messages of ICAT's ingester, as `pyicat-plus` sends them to the queue `icatIngest`: XML in.

What a message says becomes an announcement like any other. Entities and document types are
refused; sizes are bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import ValidationError

from panosc.domain.errors import Invalid
from panosc.ingest.messages.bodies import Announced
from panosc.ingest.messages.icat_tables import names, places, terms

LARGEST = 4 * 2**20
NAMESPACE = "{http://www.esrf.fr/icat}"
_LONGEST_VALUE = 2000
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d*)?([eE][+-]?\d{1,3})?|[+-]?\.\d{1,20}([eE][+-]?\d{1,3})?")
_PANET = re.compile(r"PaNET\d{5}")
_SAID = frozenset(
    {
        *("datasetName", "location", "proposal", "beamlineID", "startDate", "endDate"),
        *("complete", "input_datasets", "Sample_name", "technique_pid", "definition"),
        *("technique_pid_esrfet_version", "Sample_description", "investigationId"),
    }
)
"""Parameters that have a place of their own, or repeat one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """That an experiment begins at an instrument."""

    proposal: str
    instrument: str
    start: str | None


Message = Announced | Investigation


def read(content: bytes) -> Message:
    """Return what a message says.

    Raises
    ------
    Invalid
        If it makes no sense, with the reason.
    """
    if len(content) > LARGEST:
        raise Invalid(f"The message has {len(content)} bytes; the most is {LARGEST}.")
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except ParseError as error:
        raise Invalid(f"The message is not XML: {error}.") from None
    except (DefusedXmlException, ValueError, LookupError) as error:
        # the second and third: an encoding that is none
        raise Invalid(f"The message is XML that is not read: {error}.") from None
    match root.tag.removeprefix(NAMESPACE):
        case "dataset":
            return _dataset(root)
        case "investigation":
            return _investigation(root)
        case other:
            raise Invalid(
                f"The message is a {other[:100]!r}: neither a dataset nor an investigation."
            )


def _investigation(root: Element) -> Investigation:
    proposal, instrument = _text(root, "experiment"), _text(root, "instrument")
    if not proposal or not instrument:
        raise Invalid("The investigation lacks its experiment or its instrument.")
    return Investigation(
        proposal=proposal[:500], instrument=instrument[:500], start=_text(root, "startDate")
    )


def _dataset(root: Element) -> Announced:
    location = _text(root, "location")
    if not location:
        raise Invalid("The dataset lacks its location.")
    values = dict(_values(root))
    inputs = [item for item in values.get("input_datasets", "").split(",") if item.strip()]
    said: dict[str, Any] = {
        "paths": [location],
        "complete": root.get("complete", "true").strip().lower() in {"true", "1"},
        "title": _text(root, "name"),
        "kind": "reduced" if inputs else "raw",
        "proposal": _text(root, "investigation"),
        "instrument": _text(root, "instrument"),
        "start": _text(root, "startDate"),
        "end": _text(root, "endDate"),
        "samples": _samples(root, values),
        "parameters": [*_parameters(_values(root)), *_of_sample(root)],
        "techniques": list(_techniques(values)),
        "derivedFrom": [item.strip() for item in inputs],
    }
    listed = [text for file in _all(root, "datafile") if (text := _text(file, "location"))]
    if listed:
        said["paths"] = [str(PurePosixPath(location, item)) for item in listed]
    given = {name: value for name, value in said.items() if value is not None}
    try:
        return Announced.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"The {place} of the dataset cannot be used: {first['msg']}.") from None


def _samples(root: Element, values: dict[str, str]) -> list[dict[str, str]]:
    sample = next(_all(root, "sample"), None)
    name = None if sample is None else _text(sample, "name")
    found = {
        "name": name or values.get("Sample_name"),
        "description": values.get("Sample_description"),
        "formula": values.get("Sample_chemical_formula"),
    }
    kept = {key: value for key, value in found.items() if value}
    return [kept] if kept else []


def _of_sample(root: Element) -> Iterator[dict[str, Any]]:
    for sample in _all(root, "sample"):
        yield from _parameters(_values(sample))


def _parameters(values: Iterator[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for name, value in values:
        if name in _SAID or not value:
            continue
        place = places().get(name)
        found: dict[str, Any] = {
            "name": names().get(name, name),
            "value": value[:_LONGEST_VALUE],
            "path": name,
        }
        if place is not None and _NUMBER.fullmatch(value):
            path, unit = place
            found |= {"value": float(value), "path": path}
            if unit:
                found["unit"] = unit
        yield found


def _techniques(values: dict[str, str]) -> Iterator[str]:
    """Yield terms of PaNET: named as such, or meant by a term of the ESRF."""
    seen = set()
    for word in f"{values.get('technique_pid', '')} {values.get('definition', '')}".split():
        name = word.rpartition("/")[2].rpartition("#")[2]
        term = name if _PANET.fullmatch(name) else terms().get(name)
        if term is not None and term not in seen:
            seen.add(term)
            yield term


def _values(element: Element) -> Iterator[tuple[str, str]]:
    for item in _all(element, "parameter"):
        name = _text(item, "name")
        if name:
            yield name, _text(item, "value") or ""


def _all(element: Element, name: str) -> Iterator[Element]:
    yield from element.iterfind(NAMESPACE + name)
    yield from element.iterfind(name)


def _text(element: Element, name: str) -> str | None:
    found = next(_all(element, name), None)
    text = None if found is None else (found.text or "").strip()
    return text or None


def shown(content: bytes, most: int) -> str:
    """Return a message as a text that can be kept, cut where it is too long."""
    return content[:most].decode("utf-8", "replace").replace("\0", "\ufffd")
