"""The catalogues as anyone may know of them: without account, secret, options or cursor.

What a private network's address is stays there, too: `Catalogue.address` is None then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector
from panosc.domain.errors import NotFound
from panosc.federation.connectors import kinds
from panosc.federation.contract import Support, Tried

_c = connector.c
_SHOWN = tuple(
    _c[name]
    for name in (
        "name",
        "kind",
        "url",
        "title",
        "is_private",
        "is_live",
        "is_harvested",
        "is_adopted",
        "every_s",
        "due",
        "swept",
        "probed",
        "probed_at",
        "by",
        "added",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One other catalogue."""

    name: str
    title: str
    kind: str
    kind_title: str
    """As people call that kind of catalogue; the kind, where its plug-in is gone."""
    address: str | None
    is_live: bool
    is_harvested: bool
    is_adopted: bool
    every_s: int
    due: datetime | None
    by: str
    added: datetime
    features: Mapping[str, Support]
    """What its last probe found, by feature."""
    version: str | None = None
    probed_at: datetime | None = None
    can_be_asked: bool = False
    """Whether its kind can be asked live at all."""
    can_be_harvested: bool = False
    tried: tuple[Tried, ...] = ()


def catalogues(connection: sa.Connection) -> list[Catalogue]:
    """Return all of them, by title."""
    rows = connection.execute(sa.select(*_SHOWN).order_by(_c.title, _c.name)).all()
    return [_catalogue(row) for row in rows]


def catalogue(connection: sa.Connection, name: str) -> Catalogue:
    """Return one.

    Raises
    ------
    NotFound
    """
    row = connection.execute(sa.select(*_SHOWN).where(_c.name == name)).one_or_none()
    if row is None:
        raise NotFound(
            f"This node knows no catalogue “{name}”.", hint="The page /facilities lists all."
        )
    return _catalogue(row)


def public(url: str) -> str | None:
    """Return an address without what may be a credential; None for what is no web address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _catalogue(row: "sa.Row[Any]") -> Catalogue:
    kind = kinds().get(row.kind)
    found = row.probed or {}
    return Catalogue(
        name=row.name,
        title=row.title,
        kind=row.kind,
        kind_title=row.kind if kind is None else kind.title,
        address=None if row.is_private else public(row.url),
        is_live=row.is_live,
        is_harvested=row.is_harvested,
        is_adopted=row.is_adopted,
        every_s=row.every_s,
        due=row.due,
        by=row.by,
        added=row.added,
        features={name: Support(**item) for name, item in found.get("features", {}).items()},
        version=found.get("version"),
        probed_at=row.probed_at,
        can_be_asked=kind is not None and "search" in kind.abilities,
        can_be_harvested=kind is not None and "changes" in kind.abilities,
        tried=() if kind is None else kind.tried,
    )
