"""JPQL as ICAT speaks it: literals that can be nothing but literals, and queries of clauses.

Whatever comes from a question enters a query through `literal` alone: a text stands between single
quotes with its own doubled, as ICAT's tokenizer reads them; names of entities and properties are
this node's own. ICAT knows times to the second, written ``{ts 2026-11-22 06:00:00}``; a ``T`` or a
fraction in one is an error there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NOTHING = "e.id < 0"
"""A condition that nothing fulfils, of the entity `e`."""
LONGEST = 500
"""Characters of a text in a query."""
_SECOND = timedelta(seconds=1)


class Unsayable(ValueError):
    """A value cannot stand in JPQL."""


def literal(value: object) -> str:
    """Return a value as JPQL spells it.

    Raises
    ------
    Unsayable

    Examples
    --------
    >>> literal("O'Neill"), literal(datetime(2026, 11, 22, 6, tzinfo=UTC)), literal(7)
    ("'O''Neill'", '{ts 2026-11-22 06:00:00}', '7')
    """
    if isinstance(value, datetime):
        return f"{{ts {value.astimezone(UTC):%Y-%m-%d %H:%M:%S}}}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unsayable(type(value).__name__)
    if isinstance(value, str):
        if len(value) > LONGEST or not value.isprintable():
            raise Unsayable("text")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise Unsayable("number")
        return str(value)
    # ICAT reads digits with a point and an exponent, and knows no infinity
    if value != value or abs(value) > 1e300:  # noqa: PLR0124, PLR2004 - not a number
        raise Unsayable("number")
    return repr(float(value))


def among(path: str, values: Iterable[object]) -> str:
    """Return that a property is one of some values; of none: that nothing fits."""
    found = ", ".join(literal(value) for value in values)
    return f"{path} IN ({found})" if found else NOTHING


def holds(path: str, text: str) -> str:
    """Return that a property holds a text, whatever the case.

    ``%`` and ``_`` in the text stand for anything, for ICAT knows no escape: `is_wild` tells.
    """
    return f"UPPER({path}) LIKE UPPER({literal(f'%{text}%')})"


def is_wild(text: str) -> bool:
    """Return whether a text in LIKE stands for more than itself."""
    return bool({"%", "_", "\\"} & set(text))


def ceiling(time: datetime) -> datetime:
    """Return the next full second."""
    return time if time.microsecond == 0 else time.replace(microsecond=0) + _SECOND


def either(conditions: Sequence[str]) -> str:
    """Return that one of some conditions holds."""
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


@dataclass(slots=True, kw_only=True)
class Select:
    """One query for entities."""

    entity: str
    alias: str
    joins: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    includes: Sequence[str] = ()

    def text(self, *, what: str | None = None, order: str | None = None, count: int = 0) -> str:
        """Return the query: for the entities, or for what of them is wanted."""
        is_whole = what is None
        # a join repeats an entity for each that is joined
        distinct = "DISTINCT " if self.joins and is_whole else ""
        parts = [f"SELECT {distinct}{what or self.alias} FROM {self.entity} {self.alias}"]  # noqa: S608 - see `literal`
        parts += [f"JOIN {join}" for join in self.joins]
        if self.where:
            parts.append(f"WHERE {' AND '.join(self.where)}")
        if order:
            parts.append(f"ORDER BY {order}")
        if is_whole and self.includes:
            parts.append("INCLUDE " + ", ".join(f"{self.alias}.{path}" for path in self.includes))
        if count:
            parts.append(f"LIMIT 0,{count}")
        return " ".join(parts)
