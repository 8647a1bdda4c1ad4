"""Where a record is that is known by another identifier, or became a part of another record."""

import sqlalchemy as sa

from panosc.catalogue.federating.tables import told
from panosc.federation.same.keys import FOLDING, identifier_key

_t = told.c


def canonical(connection: sa.Connection, model: str, pid: str) -> str | None:
    """Return the PID of the record that `pid` is a part of; None if it is none that was told of.

    Whether whoever asks may know of that record is to be decided as for any.
    """
    own = sa.select(_t.pid).where(_t.model == model, _t.own_pid == pid)
    found = connection.scalar(own.order_by(_t.pid).limit(1))
    if found is None and model in FOLDING:
        key = sa.literal([identifier_key(pid)], _t["keys"].type)
        known = sa.select(_t.pid).where(_t.model == model, _t["keys"].op("@>")(key))
        found = connection.scalar(known.order_by(_t.pid).limit(1))
    return None if found == pid else found
