"""Who may watch the audit trail, and which lines they ask for. The trail itself is `audit`."""

from dataclasses import dataclass

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid
from panosc.policy import audit
from panosc.policy.decisions.records import is_text, signed_in, wrong_scope


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which lines of the trail are asked for; `event` may end in ``*``."""

    subject: str | None = None
    person: str | None = None
    event: str | None = None

    def check(self) -> None:
        """Refuse what the database cannot hold.

        Raises
        ------
        Invalid
        """
        for name in ("subject", "person", "event"):
            if not is_text(getattr(self, name) or ""):
                raise Invalid("This is no text.", field=name)

    def read(
        self, engine: sa.Engine, after: int, limit: int, *, is_followed: bool = True
    ) -> list[audit.Event]:
        """Return the lines after a number, the oldest first: see `audit.follow`."""
        read = audit.follow if is_followed else audit.read
        with engine.connect() as connection:
            return read(
                connection,
                after=after,
                limit=limit,
                subject=self.subject,
                person=self.person,
                event=self.event,
            )

    def newest(self, engine: sa.Engine, before: int | None, limit: int) -> list[audit.Event]:
        """Return the newest lines first, below a number."""
        with engine.connect() as connection:
            return audit.newest(
                connection,
                before=before,
                limit=limit,
                subject=self.subject,
                person=self.person,
                event=self.event,
            )


def watcher(who: Who) -> None:
    """Let nobody but a steward or an administrator read the trail.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    """
    signed_in(who)
    if not who.roles & {"steward", "administrator"}:
        raise Forbidden(
            "The audit trail is for stewards and administrators.",
            hint="What you did yourself stands on the page /account.",
        )
    if "manage" not in who.scopes:
        raise wrong_scope("manage")
