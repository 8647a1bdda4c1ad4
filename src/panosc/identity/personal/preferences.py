"""How pages are shown to a person, kept with their account: theme and units.

Pages go by cookies; what is kept here fills them when the person signs in with another browser.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from panosc.catalogue.people import account
from panosc.domain.access import Who
from panosc.policy.requiring import require_session

NAMES = ("theme", "units")
_LONGEST = 100


class Preferences:
    """Keeps the preferences of people."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, who: Who, preferences: Mapping[str, str]) -> None:
        """Keep the caller's preferences, instead of those before."""
        person = require_session(who)
        kept = {name: preferences[name][:_LONGEST] for name in NAMES if preferences.get(name)}
        with self._engine.begin() as connection:
            change = sa.update(account).where(account.c.id == person)
            connection.execute(change.values(preferences=kept or None))

    def of(self, person: str) -> dict[str, str]:
        """Return the preferences of an account."""
        query = sa.select(account.c.preferences).where(account.c.id == person)
        with self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        known = found if isinstance(found, dict) else {}
        return {name: str(known[name]) for name in NAMES if name in known}
