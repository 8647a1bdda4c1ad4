"""Whether an operation makes sense: fields, kinds, units, and who is meant. Changes nothing."""

import re
from difflib import get_close_matches
from math import isfinite
from typing import Any

import sqlalchemy as sa

from panosc.domain.errors import Invalid
from panosc.domain.pid import surrogate
from panosc.domain.units import Scale, canonical, category_of, scale_of
from panosc.ingest.knowledge import panet
from panosc.ingest.records import NAME_LENGTH, orcid, slug
from panosc.ingest.runs.editing.operations import (
    FIELDS,
    KINDS,
    TEXTS,
    Edit,
    Operation,
    ReplaceText,
    SetField,
)

_PANET = re.compile(r"PaNET\d{5}")
MOST_OPERATIONS = 50
LONGEST = 20_000
_REQUIRED = frozenset({"title", "name"})
_UNITS = (
    *("angstrom", "nm", "um", "mm", "cm", "m", "km", "1/angstrom", "1/nm", "1/cm", "eV", "meV"),
    *("keV", "MeV", "GeV", "J", "K", "degC", "degF", "s", "ms", "us", "ns", "minute", "hour"),
    *("day", "Hz", "kHz", "MHz", "GHz", "THz", "deg", "rad", "mrad", "T", "mT", "gauss", "V", "mV"),
    *("kV", "A", "mA", "uA", "nA", "W", "kW", "Pa", "kPa", "MPa", "GPa", "bar", "mbar", "torr"),
    *("N", "kN", "g", "mg", "kg", "mol", "count", "pixel", "%", "rpm", "barn", "C", "F", "ohm"),
)
"""What somebody may have meant by a unit that nobody knows."""


def check(edit: Edit, model: str) -> None:
    """Refuse operations that can never be done.

    Raises
    ------
    Invalid
    """
    if model not in FIELDS:
        raise Invalid(
            f"Records of the class {model!r} cannot be edited.",
            field="model",
            hint=f"Use {', '.join(FIELDS)}.",
        )
    if not 0 < len(edit.operations) <= MOST_OPERATIONS:
        raise Invalid(
            f"An edit has 1 to {MOST_OPERATIONS} operations, not {len(edit.operations)}.",
            field="operations",
        )
    for operation in edit.operations:
        _check_texts(operation)
        if isinstance(operation, SetField):
            _check_field(operation, model)
        elif isinstance(operation, ReplaceText):
            _one_of(operation.field, TEXTS[model], "text can be replaced in")
            if not operation.old:
                raise Invalid("There is no text to look for.", field="old")
        elif model != "Dataset":
            raise Invalid(
                f"A {model} knows no such operation: its fields can be set and texts replaced.",
                field="operations",
            )


def _check_texts(operation: Operation) -> None:
    for name in operation.__slots__:
        value = getattr(operation, name)
        if isinstance(value, float) and not isfinite(value):
            raise Invalid(f"The {name} is no number that can be kept.", field=name)
        if not isinstance(value, str):
            continue
        bad = "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value)
        if bad or len(value) > LONGEST:
            raise Invalid(f"The {name} is too long, or no text.", field=name)
        if name in {"name", "to", "person", "technique", "sample"} and not value.strip():
            raise Invalid(f"The {name} is missing.", field=name)


def _check_field(operation: SetField, model: str) -> None:
    _one_of(operation.field, FIELDS[model], "can be set:")
    if operation.field in _REQUIRED and not (operation.value or "").strip():
        raise Invalid(f"A record needs a {operation.field}.", field=operation.field)
    if operation.field == "kind" and operation.value is not None and operation.value not in KINDS:
        raise Invalid(
            f"The kind {operation.value!r} is unknown.",
            field="kind",
            hint=f"Use {', '.join(KINDS)}.",
        )


def _one_of(name: str, names: tuple[str, ...], what: str) -> None:
    if name not in names:
        near = get_close_matches(name, names, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise Invalid(
            f"There is no field {name!r} to be edited.",
            field=name[:100],
            hint=f"{meant}These {what} {', '.join(names)}.",
        )


def unit_of(name: str, unit: str | None) -> tuple[str | None, Scale | None]:
    """Return the one spelling of the unit of the parameter `name`, and what it means.

    Raises
    ------
    Invalid
        For a unit that nobody knows, with the nearest that are known.
    """
    if unit is None or not unit.strip():
        return None, None
    category = category_of(name)
    scale = scale_of(unit, category=category)
    if scale is None:
        near = get_close_matches(unit.strip(), _UNITS, n=3, cutoff=0.4)
        meant = (
            f"Did you mean {' or '.join(near)}?" if near else "Spell it as in NeXus: mm, keV, K."
        )
        raise Invalid(f"Nobody knows the unit {unit!r} of {name}.", field="unit", hint=meant)
    return canonical(unit, category=category), scale


Rows = list[tuple[str, dict[str, Any]]]


class Meant:
    """Finds the records that operations name; those to be made come together in `made`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.made: Rows = []

    def record(self, model: str, pid: str) -> int:
        """Return the key of an instrument or a sample.

        Raises
        ------
        Invalid
            If there is none with this PID.
        """
        table = model.lower()
        found = self._first(f"select id from {table} where pid = :name", pid)
        if found is None:
            raise Invalid(
                f"There is no {table} “{pid[:100]}” at this node.",
                field=table,
                hint=f"Give the PID of a {table} of the catalogue.",
            )
        return found

    def technique(self, name: str) -> int:
        """Return the key of a technique by its PaNET identifier, its address or its PID.

        Raises
        ------
        Invalid
        """
        short = name.rstrip("/").rpartition("/")[2].rpartition("#")[2]
        found = self._first(
            "select id from technique where pid = :name or panet_id = :name or panet_id = :short"
            " or pid = :short or panet_id like '%/' || :short order by pid limit 1",
            name,
            short=short,
        )
        term = panet(short) if found is None and _PANET.fullmatch(short) else None
        if term is not None and term.label != term.panet:
            row = {"pid": term.pid, "panetId": term.pid, "name": term.label}
            self.made.append(("Technique", row))
            return surrogate("Technique", term.pid)
        if found is None:
            raise Invalid(
                f"No dataset of this node has the technique “{name[:100]}”.",
                field="technique",
                hint="Give its PaNET identifier, such as PaNET01188, as on the page /techniques.",
            )
        return found

    def person(self, name: str, *, may_be_new: bool) -> int:
        """Return the key of a person by ORCID, key or full name.

        Raises
        ------
        Invalid
            If there is none, or several have this name.
        """
        number = orcid(name)
        query = sa.text(
            "select id, key from person where key = :name or orcid = :orcid or full_name = :name"
            " order by (orcid is not distinct from :orcid) desc, (key = :name) desc limit 3"
        )
        rows = self._connection.execute(query, {"name": name, "orcid": number}).all()
        exact = [row for row in rows if row.key == name or (number and row.key == number)]
        if len(exact or rows) > 1:
            keys = ", ".join(row.key for row in rows)
            raise Invalid(
                f"Several people are called {name!r}.", field="person", hint=f"Use one of {keys}."
            )
        if rows:
            return int((exact or rows)[0].id)
        if not may_be_new or number is not None:
            hint = "Give an ORCID, a key or a full name of the catalogue."
            raise Invalid(f"Nobody here is {name[:100]!r}.", field="person", hint=hint)
        key = slug(name)
        if self._first("select id from person where key = :name", key) is None:
            self.made.append(("Person", {"id": key, "fullName": name[:NAME_LENGTH]}))
        return surrogate("Person", key)

    def _first(self, query: str, name: str, **more: str) -> int | None:
        given = {"name": name, **more}
        found: int | None = self._connection.execute(sa.text(query), given).scalar()
        return found
