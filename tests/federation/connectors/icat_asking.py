"""Asking a stand-in of ICAT by its connector, at a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from cloud.standins import icat as standin
from conformance import calling
from pydantic import SecretStr

from panosc.federation.connectors.icat import IcatConnector
from panosc.federation.source import Source

T = TypeVar("T")
AT = datetime(2026, 10, 1, tzinfo=UTC)
"""When the newest investigation of a stand-in began, a day after all was written."""
NOW = datetime(2026, 10, 10, tzinfo=UTC)


def source_of(
    url: str, *, account: str | None = "reader", secret: str = "reader", **options: str
) -> Source:
    """Return a source with an account, or without one."""
    return Source(
        name="icat",
        kind="icat",
        url=url,
        title="ESNF",
        prefix="icat/",
        account=account,
        secret=SecretStr(secret),
        options=options,
        is_private=True,
    )


def asked(
    icat: standin.Icat,
    what: Callable[[IcatConnector], Awaitable[T]],
    *,
    now: datetime = NOW,
    account: str | None = "reader",
    **options: str,
) -> T:
    """Return what a connector answers of a stand-in."""

    async def ask() -> T:
        icat.clock = lambda: now
        with standin.serving(icat) as url:
            source = source_of(url, account=account, **options)
            async with calling(source) as caller:
                connector = IcatConnector(source, caller)
                connector.clock = lambda: now
                return await what(connector)

    return asyncio.run(ask())
