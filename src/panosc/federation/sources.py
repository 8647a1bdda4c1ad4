"""The catalogues that an administrator has told this node of, and what was found of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.federating.tables import connector
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.federation.connectors import connector_of
from panosc.federation.contract import Connector, Probed, Support
from panosc.federation.source import Source, checked_name, read_secret

_c = connector.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A catalogue, how far its harvest is, and what its last probe found."""

    source: Source
    by: str
    added: datetime
    probed: Probed | None = None
    probed_at: datetime | None = None
    swept: datetime | None = None
    due: datetime | None = None
    cursor: dict[str, Any] | None = None


class Sources:
    """Keeps them."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, source: Source, *, secret_file: Path | None, by: str) -> None:
        """Keep one; whoever calls has decided that `by` may.

        Raises
        ------
        Invalid
            If its kind, name, options or secret cannot be used.
        Conflict
            If there is one of that name.
        """
        found = self.check(source)
        read_secret(secret_file)
        now = self._clock()
        row = {
            "name": source.name,
            "kind": source.kind,
            "url": source.url.rstrip("/"),
            "title": source.title,
            "options": dict(source.options),
            "prefix": source.prefix,
            "account": source.account,
            "secret_file": None if secret_file is None else str(secret_file.resolve()),
            "is_private": source.is_private,
            "is_live": source.is_live and "search" in found.abilities,
            "is_harvested": source.is_harvested and "changes" in found.abilities,
            "is_adopted": source.is_adopted,
            "every_s": source.every_s,
            "by": by,
            "added": now,
        }
        row["due"] = now if row["is_harvested"] else None
        with self._engine.begin() as connection:
            added = insert(connector).values(row).on_conflict_do_nothing().returning(_c.name)
            if connection.scalar(added) is None:
                raise Conflict(
                    f"There is a catalogue {source.name!r} already.",
                    hint=f"Remove it first (`panosc connector remove {source.name}`), or take "
                    "another name.",
                )

    def check(self, source: Source) -> type[Connector]:
        """Return the connector of a source that could be kept.

        Raises
        ------
        Invalid
            If its kind, name or options cannot be used.
        """
        checked_name(source.name)
        found = connector_of(source.kind)
        try:
            found.Options.model_validate(dict(source.options))
        except ValidationError as error:
            first = error.errors()[0]
            raise Invalid(
                f"The option {'.'.join(map(str, first['loc']))}: {first['msg']}.",
                field="options",
                hint=f"{found.title} knows {', '.join(found.Options.model_fields) or 'none'}.",
            ) from None
        return found

    def all(self) -> list[Known]:
        """Return all, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(connector).order_by(_c.name)).all()
        return [known_of(row) for row in rows]

    def get(self, name: str) -> Known:
        """Return one.

        Raises
        ------
        NotFound
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(connector).where(_c.name == name)).one_or_none()
        if row is None:
            raise NotFound(
                f"There is no catalogue {name!r}.", hint="`panosc connector list` shows all."
            )
        return known_of(row)

    def keep_probed(self, name: str, probed: Probed) -> None:
        """Keep what a probe found."""
        values = {"probed": asdict(probed), "probed_at": self._clock()}
        with self._engine.begin() as connection:
            connection.execute(sa.update(connector).where(_c.name == name).values(values))


def with_secret(row: "sa.Row[Any]") -> Source:
    """Return a source with its secret, read from its file.

    Raises
    ------
    Invalid
        If it cannot be read any more.
    """
    path = None if row.secret_file is None else Path(row.secret_file)
    return replace(source_of(row), secret=read_secret(path))


def source_of(row: "sa.Row[Any]") -> Source:
    """Return a source without its secret."""
    return Source(
        name=row.name,
        kind=row.kind,
        url=row.url,
        title=row.title,
        options=row.options,
        prefix=row.prefix,
        account=row.account,
        is_private=row.is_private,
        is_live=row.is_live,
        is_harvested=row.is_harvested,
        is_adopted=row.is_adopted,
        every_s=row.every_s,
    )


def known_of(row: "sa.Row[Any]") -> Known:
    """Return a line of the table."""
    return Known(
        source=with_secret(row),
        by=row.by,
        added=row.added,
        probed=_probed(row.probed),
        probed_at=row.probed_at,
        swept=row.swept,
        due=row.due,
        cursor=row.cursor,
    )


def _probed(given: dict[str, Any]) -> Probed | None:
    if not given:
        return None
    features = {name: Support(**found) for name, found in given["features"].items()}
    return Probed(**(given | {"features": features}))
