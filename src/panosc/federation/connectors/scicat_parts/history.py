"""What was deleted in SciCat, from its history: where the site keeps one and lets us read it."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.scicat_parts.asking import KINDS, Asking, Kind
from panosc.federation.contract import Raw
from panosc.federation.values import mapping, moment, text

PATH = "api/v3/history"
SIZE = 100
MOST_PAGES = 1000
_BEGIN = "1970-01-01T00:00:00+00:00"
_NOT_GRANTED = frozenset({400, 401, 403, 404})


async def page(asking: Asking, kind: Kind, skip: int = 0) -> list[dict[str, Any]] | None:
    """Return some deletions of a class, the latest first; None if they may not be read.

    Raises
    ------
    Failed
    """
    wanted = {"subsystem": kind.subsystem, "operation": "delete"}
    try:
        found = await asking.get(PATH, {"filter": wanted, "skip": skip, "limit": SIZE})
    except BadStatus as error:
        if error.answered in _NOT_GRANTED:
            return None
        raise
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise asking.garbage(f"{PATH} with what is no history")
    return items


async def deleted(asking: Asking, cursor: object) -> tuple[list[Raw], dict[str, str]]:
    """Return what was deleted since a cursor, nothing without one, and the next cursor.

    Raises
    ------
    Failed
    """
    found: dict[tuple[str, str], Raw] = {}
    known: dict[str, str] = {}
    for kind in KINDS:
        since = mapping(cursor).get(kind.name)
        begin = moment(since)
        async for item in _items(asking, kind, begin):
            at, theirs = moment(item.get("timestamp")), text(item.get("documentId"), 1000)
            if at is None:
                continue
            known[kind.name] = max(known.get(kind.name, _BEGIN), at.isoformat())
            if theirs and begin is not None and at >= begin:
                raw = Raw(kind=kind.name, external_id=theirs, changed=at)
                found.setdefault((kind.name, theirs), raw)
        known.setdefault(kind.name, _BEGIN if begin is None else begin.isoformat())
    return list(found.values()), known


async def _items(
    asking: Asking, kind: Kind, begin: datetime | None
) -> AsyncIterator[dict[str, Any]]:
    """Yield deletions until those before `begin`; without it those of the first page."""
    for number in range(1 if begin is None else MOST_PAGES):
        items = await page(asking, kind, number * SIZE)
        for item in items or ():
            yield item
        times = [time for item in items or () if (time := moment(item.get("timestamp")))]
        is_older = bool(times) and begin is not None and times[-1] < begin
        if not items or len(items) < SIZE:
            return
        if is_older and times == sorted(times, reverse=True):
            return
