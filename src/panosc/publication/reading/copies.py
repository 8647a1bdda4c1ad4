"""Which records are copies of another catalogue's: it tells harvesters and search engines of them.

This node does not: whoever harvests both would have them twice, and two nodes that harvest each
other would keep what both have deleted. Records of an adopted catalogue are this node's own.
"""

from typing import Literal

import sqlalchemy as sa


def copied_sql(model: Literal["Dataset", "Document"]) -> str:
    """Return the condition, as SQL, that a row of the table of `model` is such a copy."""
    return (
        "exists (select from told join connector on connector.name = told.connector "
        f"where told.model = '{model}' and told.pid = {model.lower()}.pid "
        "and told.is_shown and not connector.is_adopted)"
    )


def is_copied(model: Literal["Dataset", "Document"]) -> sa.ColumnElement[bool]:
    """Return the same as a condition for a statement that selects from that table."""
    return sa.literal_column(copied_sql(model), sa.Boolean)
