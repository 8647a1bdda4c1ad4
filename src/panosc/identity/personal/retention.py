"""Forgetting in time: logins, sessions, tokens, use and the audit trail, after their days.

`prune` may run at any time and as often as one likes; `panosc serve` does once a day.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.beside.leading import in_thread
from panosc.catalogue.people import attempt, device, session, spent, token, usage
from panosc.catalogue.tables import group_member
from panosc.policy import audit
from panosc.settings import Settings

EVERY = timedelta(days=1)
_log = logging.getLogger(__name__)


def prune(connection: sa.Connection, now: datetime, settings: Settings) -> dict[str, int]:
    """Delete what is over, and after ``audit_days`` what is kept for the record.

    Returns
    -------
    dict
        How many rows of each kind went.
    """
    before = now - timedelta(days=settings.audit_days)
    until = group_member.c.until
    over = {
        "sessions": sa.delete(session).where(session.c.expires <= now),
        "logins": sa.delete(attempt).where(attempt.c.expires <= now),
        "once": sa.delete(spent).where(spent.c.expires <= now),
        "devices": sa.delete(device).where(device.c.expires <= now),
        "tokens": sa.delete(token).where(
            sa.or_(token.c.expires <= before, token.c.revoked <= before)
        ),
        "use": sa.delete(usage).where(usage.c.day < before.date()),
        # what the user office says comes again with its next import
        "members": sa.delete(group_member).where(
            until <= before, group_member.c.source.is_not(None)
        ),
    }
    counts = {name: connection.execute(gone).rowcount for name, gone in over.items()}
    return {**counts, "audit": audit.prune(connection, before=before)}


@contextmanager
def daily(
    engine: sa.Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    every: timedelta = EVERY,
) -> Iterator[None]:
    """Prune now and then once a day, beside whatever the block does; a failure is logged."""
    ends = threading.Event()

    def run() -> None:
        while True:
            try:
                with engine.begin() as connection:
                    counts = prune(connection, clock(), settings)
                _log.info("Pruned: %s", counts)
            except SQLAlchemyError:
                _log.exception("Pruning failed; tried again in %s", every)
            if ends.wait(every.total_seconds()):
                return

    with in_thread(run, ends.set, name="retention"):
        yield
