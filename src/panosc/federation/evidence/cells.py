"""The cells of the table of facilities: each says what was asked, what came, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["yes", "no", "partly", "unknown"]
COLUMNS: Mapping[str, str] = {
    "policy": "Data policy",
    "catalogue": "Catalogue",
    "definition": "Metadata definition",
    "doi": "DOI",
    "open": "Open data",
    "services": "Data services",
    "api": "Common API",
}
"""The columns in their order: name and heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One finding on one facility."""

    name: str
    """One of `COLUMNS`."""
    state: State
    said: str
    """What came, in a few words for the cell: ``SciCat 4.5``, ``1 204 of 1 300 records``."""
    asked: str
    """What was asked, in a sentence."""
    at: datetime | None = None
    """When it came; None if nothing has come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One facility's row of the table."""

    source: str
    """The name of its catalogue among the connectors."""
    title: str
    cells: tuple[Cell, ...]
    """One for each of `COLUMNS`, in their order."""
