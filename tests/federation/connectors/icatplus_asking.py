"""Asking a stand-in of ICAT+ by its connector, at a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from cloud.standins import icatplus as standin
from conformance import calling
from pydantic import SecretStr

from panosc.federation.connectors.icatplus import IcatPlusConnector
from panosc.federation.source import Source

T = TypeVar("T")
AT = datetime(2026, 10, 1, tzinfo=UTC)
"""When the newest investigation of a stand-in began."""
NOW = datetime(2026, 10, 10, tzinfo=UTC)


def source_of(url: str, *, is_known: bool = True, **options: str) -> Source:
    """Return a source with an account, or without one."""
    return Source(
        name="esrf",
        kind="icatplus",
        url=url,
        title="ESRF",
        prefix="esrf/",
        account=standin.ACCOUNT if is_known else None,
        secret=SecretStr(standin.PASSWORD),
        options={"plugin": "db", **options},
        is_private=True,
    )


def asked(
    plus: standin.Plus,
    what: Callable[[IcatPlusConnector], Awaitable[T]],
    *,
    now: datetime = NOW,
    is_known: bool = True,
    **options: str,
) -> T:
    """Return what a connector answers of a stand-in."""

    async def ask() -> T:
        with standin.serving(plus) as url:
            source = source_of(url, is_known=is_known, **options)
            async with calling(source) as caller:
                connector = IcatPlusConnector(source, caller)
                connector.clock = lambda: now
                return await what(connector)

    return asyncio.run(ask())
