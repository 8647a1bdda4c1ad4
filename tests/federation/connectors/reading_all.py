"""What a connector brings from beginning to end, and a clock to turn."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance import calling

from panosc.federation.contract import Batch, Connector
from panosc.federation.source import Source


class Clock:
    """A clock to turn."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


def harvested(
    kind: type[Connector], told: Source, cursor: Any = None, *, most: int = 10_000
) -> list[Batch]:
    """Return the batches of a harvest, the first of them."""

    async def read() -> list[Batch]:
        found: list[Batch] = []
        async with calling(told) as caller:
            async for batch in kind(told, caller).changes(cursor):
                found.append(batch)
                if len(found) == most:
                    break
        return found

    return asyncio.run(read())


def swept(kind: type[Connector], told: Source) -> list[str]:
    """Return the identifiers of a sweep."""

    async def read() -> list[str]:
        async with calling(told) as caller:
            return [name async for page in kind(told, caller).sweep_ids() for _, name in page]

    return asyncio.run(read())


def ids(batches: list[Batch]) -> list[str]:
    return [raw.external_id for batch in batches for raw in batch.raws]
