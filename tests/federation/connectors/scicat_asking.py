"""Asking a stand-in for SciCat through the connector."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from cloud.standins.scicat import ACCOUNT, PASSWORD, SciCat, serving
from conformance import calling
from pydantic import SecretStr

from panosc.domain.query import And, Compare, Query, Related
from panosc.federation.connectors import scicat
from panosc.federation.contract import Found, Mapped, Raw
from panosc.federation.source import Source

T = TypeVar("T")


def source_of(url: str = "https://scicat.example.org", **more: Any) -> Source:
    """Return a SciCat as an administrator tells of it; ``account=True`` with its account."""
    if more.pop("account", False):
        more |= {"account": ACCOUNT, "secret": SecretStr(more.pop("password", PASSWORD))}
    given = {"name": "ess", "kind": "scicat", "url": url, "title": "ESS", "prefix": "ess/"}
    return Source(**(given | {"is_private": True} | more))


def asked(
    server: SciCat,
    what: Callable[[scicat.ScicatConnector], Awaitable[T]],
    *,
    limit: int = 4 * 2**20,
    **more: Any,
) -> T:
    """Return what the connector answers about a stand-in."""

    async def ask(source: Source) -> T:
        async with calling(source, limit=limit) as caller:
            return await what(scicat.ScicatConnector(source, caller))

    with serving(server) as address:
        return asyncio.run(ask(source_of(address + more.pop("path", ""), **more)))


def harvested(
    server: SciCat, cursor: Mapping[str, Any] | None = None, **more: Any
) -> tuple[list[Raw], dict[str, Any]]:
    """Return what changed since a cursor, and the last cursor."""

    async def read(connector: scicat.ScicatConnector) -> tuple[list[Raw], dict[str, Any]]:
        raws: list[Raw] = []
        last = dict(cursor or {})
        async for batch in connector.changes(cursor):
            raws += batch.raws
            last = json.loads(json.dumps(batch.cursor))
        return raws, last

    return asked(server, read, **more)


def swept(server: SciCat, **more: Any) -> set[tuple[str, str]]:
    """Return all identifiers."""

    async def read(connector: scicat.ScicatConnector) -> set[tuple[str, str]]:
        return {key async for keys in connector.sweep_ids() for key in keys}

    return asked(server, read, **more)


def mapped(kind: str, content: Any, **more: Any) -> Mapped:
    """Return what a record means."""
    theirs = "x" if not isinstance(content, dict) else str(content.get("pid"))
    raw = Raw(kind=kind, external_id=theirs, content=content)
    never: Any = None
    return scicat.ScicatConnector(source_of(**more), never).map(raw)


def rows(made: Mapped, name: str) -> list[dict[str, Any]]:
    """Return the rows of a class."""
    return [row for model, row in made.rows if model == name]


def search(server: SciCat, query: Query, **more: Any) -> Found:
    """Return what a live search finds."""
    return asked(server, lambda connector: connector.search(query), **more)


def quantity(name: str, operator: Any, value: float, unit: str) -> Related:
    """Return a condition on a parameter."""
    parts = {"name": ("eq", name), "value": (operator, value), "unit": ("eq", unit)}
    return Related(
        "parameters",
        And(
            tuple(
                Compare(property=key, operator=sign, operands=(operand,))
                for key, (sign, operand) in parts.items()
            )
        ),
    )
