"""The journal: each run, and what every record was before the run first touched it.

A run may be undone as long as this remembers (`undoing`). What is between two runs is not known
here: a catalogue that is loaded from a folder writes no journal.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.ingest.runs.entries import RunKind, RunState

PART = "\x1f"
"""Stands between the URL of a location and its part, where it has one."""


def begin(
    engine: sa.Engine,
    *,
    kind: RunKind,
    who: Who,
    asked: Mapping[str, Any],
    reason: str | None = None,
    now: datetime,
) -> int:
    """Write down that a run begins, and commit; return its number."""
    raise NotImplementedError


def note(connection: sa.Connection, run: int, records: Iterable[tuple[str, str]]) -> None:
    """Keep what `records` of (class, identifier) are, before the transaction changes them.

    Of a record noted twice the first time counts. The identifier of a Location is its URL, or
    URL + `PART` + part. Other classes than those with identifiers of their own are passed over.
    """
    raise NotImplementedError


def beat(engine: sa.Engine, run: int, *, report: Mapping[str, Any], now: datetime) -> None:
    """Say that a run is alive, and how far it has come."""
    raise NotImplementedError


def end(
    engine: sa.Engine, run: int, *, state: RunState, report: Mapping[str, Any], now: datetime
) -> None:
    """Write down how a run ended."""
    raise NotImplementedError
