"""Rows of the NDJSON catalogue without what cannot be used in them: no record for a bad field."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from panosc.catalogue.rows import Shape
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.domain.errors import Invalid

_MOST_DROPPED = 40
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SHAPES = {name: Shape(name, now=_ANY_TIME) for name in (*MODEL_BY_NAME, *LINKS)}


def cleaned(name: str, given: Mapping[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    """Return a row of a class without the fields that cannot be used; None if it is of no use.

    Examples
    --------
    >>> cleaned("Dataset", {"pid": "a", "size": "large"}, [])
    {'pid': 'a'}
    """
    shape = _SHAPES.get(name)
    if shape is None:
        warnings.append(f"There is no class {name[:80]!r}.")
        return None
    row = dict(given)
    for _ in range(_MOST_DROPPED):
        try:
            shape.line(row)
        except Invalid as error:
            warnings.append(f"{name}: {error.detail}")
            if error.field is None or error.field not in row:
                return None
            del row[error.field]
        except (TypeError, ValueError, OverflowError) as error:
            warnings.append(f"{name}: {error}")
            return None
        else:
            return row
    return None
