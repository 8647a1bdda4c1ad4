"""What a connector brings from beginning to end, and a clock to turn."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from conformance import calling

from panosc.federation.contract import Batch, Connector, Cursor, Mapped, Raw
from panosc.federation.source import Source

C = TypeVar("C", bound=Connector)
T = TypeVar("T")


class Clock:
    """A clock to turn."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


def asked(kind: type[C], told: Source, what: Callable[[C], Awaitable[T]]) -> T:
    """Return what a connector answers."""

    async def ask() -> T:
        async with calling(told) as caller:
            return await what(kind(told, caller))

    return asyncio.run(ask())


def mapped_by(kind: type[Connector], told: Source, raw: Raw) -> Mapped:
    """Return what a connector makes of a record; for that it calls nobody."""
    return kind(told, None).map(raw)  # type: ignore[arg-type]


def harvested(
    kind: type[Connector], told: Source, cursor: Any = None, *, most: int = 10_000
) -> list[Batch]:
    """Return the batches of a harvest, the first of them."""

    async def read(connector: Connector) -> list[Batch]:
        found: list[Batch] = []
        async for batch in connector.changes(cursor):
            found.append(batch)
            if len(found) == most:
                break
        return found

    return asked(kind, told, read)


def swept(kind: type[Connector], told: Source) -> list[str]:
    """Return the identifiers of a sweep."""

    async def read(connector: Connector) -> list[str]:
        return [name async for page in connector.sweep_ids() for _, name in page]

    return asked(kind, told, read)


async def batches_of(connector: Connector, cursor: Cursor | None = None) -> list[Batch]:
    """Return all batches."""
    return [batch async for batch in connector.changes(cursor)]


def raws_of(batches: list[Batch]) -> dict[tuple[str, str], Raw]:
    """Return the records of batches by kind and id."""
    return {(raw.kind, raw.external_id): raw for batch in batches for raw in batch.raws}


def ids(batches: list[Batch]) -> list[str]:
    return [raw.external_id for batch in batches for raw in batch.raws]
