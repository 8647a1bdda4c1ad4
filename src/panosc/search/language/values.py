"""Values of the fields, brought to their one spelling, or a sentence on why they cannot be."""

import re
from dataclasses import dataclass

from panosc.search.language import spans
from panosc.search.language.names import (
    Names,
    did_you_mean,
    technique_names,
    techniques_named,
)
from panosc.search.language.selection import STATES
from panosc.search.panet import ontology

KINDS = ("raw", "reduced", "simulated")
_SHORT = 40
_STATE_NAMES = {"public": "open", "embargo": "embargoed", "under embargo": "embargoed"}
_RESOLVER = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a value is left out."""

    sentence: str


def settle(name: str, value: str, names: Names) -> tuple[str, ...] | Unusable:
    """Return the values of the field `name` that `value` means."""
    match name:
        case "technique":
            return _techniques(value, names)
        case "facility" | "instrument":
            return _listed(name, value, names)
        case "year" | "created" | "released" | "bytes":
            return _span(name, value)
        case "access":
            state = _STATE_NAMES.get(value.casefold(), value.casefold())
            wrong = Unusable(f"Access is one of {', '.join(STATES)}, not “{short(value)}”.")
            return (state,) if state in STATES else wrong
        case _:
            return (_plain(name, value),)


def _plain(name: str, value: str) -> str:
    match name:
        case "kind":
            lower = value.casefold()
            return lower if lower in KINDS else value
        case "pid" | "document":
            return _RESOLVER.sub("", value, count=1).strip() or value
        case _:
            return value


def _span(name: str, value: str) -> tuple[str, ...] | Unusable:
    if name == "year":
        found, wanted = spans.read_years(value), "no year; write 2020, 2020..2024 or 2020.."
    elif name == "bytes":
        found, wanted = spans.read_sizes(value), "no size; write 10MB, 1GB..20GB or >1TB"
    else:
        found = spans.read_days(value)
        wanted = "no date; write 2024, 2024-03, 2024-03-17 or 2024-03..2024-05"
    return Unusable(f"“{short(value)}” is {wanted}.") if found is None else (found,)


def _listed(name: str, value: str, names: Names) -> tuple[str, ...] | Unusable:
    known = names.spellings(name)
    if known is None or value in known.values():
        return (value,)
    if value.casefold() in known:
        return (known[value.casefold()],)
    near = did_you_mean(value, [*known, *known.values()])
    return Unusable(f"There is no {name} “{short(value)}” here.{near}")


def _techniques(value: str, names: Names) -> tuple[str, ...] | Unusable:
    found = techniques_named(value)
    if found:
        return found
    known = names.spellings("technique")
    if known is None or value in known.values():
        return (value,)
    if value.casefold() in known:
        return (known[value.casefold()],)
    near = did_you_mean(value.replace("-", " "), [*technique_names(), *known], cutoff=0.5)
    return Unusable(f"There is no technique “{short(value)}” in PaNET.{near}")


def label_of(technique: str) -> str:
    """Return the label of a technique, or its identifier where PaNET has none."""
    return ontology().label(technique) or technique


def short(text: str) -> str:
    """Return a short printable form of what was written."""
    clean = "".join(letter for letter in text if letter.isprintable())
    return clean if len(clean) <= _SHORT else clean[: _SHORT - 1] + "…"
