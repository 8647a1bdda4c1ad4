"""Tending the catalogues that a node knows, from its pages: for stewards and administrators.

What would open more than the outside world - a secret, a private network, a folder of this
machine - is only for whoever has a shell on the node: `panosc connector add`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Forbidden, Invalid
from panosc.federation.connectors import connector_of
from panosc.federation.harvesting.removing import remove, would_go
from panosc.federation.overview import catalogues
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.probing import probe
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.policy import audit
from panosc.policy.decisions.records import signed_in, wrong_scope
from panosc.settings import Settings

ROLES = frozenset({"steward", "administrator"})
MOST_AT_ONCE = 5000
"""Records that may be removed while a page waits."""
_LONGEST_URL = 500
_LONGEST_TITLE = 200
_c = connector.c


class Tending:
    """Adds, probes, pauses and removes catalogues; every method needs one of `ROLES`.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._sources = Sources(engine, clock)

    def check(self, who: Who) -> str:
        """Return who asks, if they may tend catalogues."""
        person = signed_in(who)
        if not who.roles & ROLES:
            raise Forbidden(
                "Only stewards and administrators tend the catalogues that this node knows.",
                hint="Ask one of them; `panosc group member` names them.",
            )
        if "manage" not in who.scopes:
            raise wrong_scope("manage")
        return person

    def add(self, who: Who, wanted: Source) -> None:
        """Add a catalogue, if it answers as one of its kind.

        Raises
        ------
        Invalid, Conflict
        Upstream
            If it does not answer, or is none of that kind.
        """
        person = self.check(who)
        source = replace(wanted, title=wanted.title or wanted.name, prefix=f"{wanted.name}/")
        self._sources.check(source)
        _check_address(source.url)
        if len(source.title) > _LONGEST_TITLE:
            raise Invalid(f"The title has more than {_LONGEST_TITLE} letters.", field="title")
        probed = probe(self._settings, source)
        self._sources.add(source, secret_file=None, by=person)
        self._sources.keep_probed(source.name, probed)
        self._note(who, "added", source.name, kind=source.kind)

    def probe(self, who: Who, name: str) -> None:
        """Find out anew what a catalogue supports.

        Raises
        ------
        NotFound, Invalid, Upstream
        """
        self.check(who)
        known = self._sources.get(name)
        self._sources.keep_probed(name, probe(self._settings, known.source))
        self._note(who, "probed", name)

    def harvest(self, who: Who, name: str) -> None:
        """Let a catalogue be harvested as soon as may be.

        Raises
        ------
        NotFound, Conflict
        """
        self.check(who)
        if not self._known(name).is_harvested:
            raise Conflict(f"{name} is not harvested.", hint="Add it again with harvests.")
        self._set(name, {"due": self._clock()})
        self._note(who, "harvested", name)

    def ask_live(self, who: Who, name: str, *, is_live: bool) -> None:
        """Ask a catalogue live from now on, or no more.

        Raises
        ------
        NotFound, Conflict
        """
        self.check(who)
        known = self._known(name)
        if is_live and "search" not in connector_of(known.kind).abilities:
            raise Conflict(f"{name} cannot be asked live: {known.kind_title} has no way to do it.")
        self._set(name, {"is_live": is_live})
        self._note(who, "resumed" if is_live else "paused", name)

    def would_go(self, who: Who, name: str) -> Mapping[str, int]:
        """Return how many records would go with a catalogue, by class.

        Raises
        ------
        NotFound
        """
        self.check(who)
        self._known(name)
        return would_go(self._engine, name)

    def remove(self, who: Who, name: str) -> None:
        """Forget a catalogue, and the records that nobody else told of.

        Raises
        ------
        NotFound
        Conflict
            If it is being harvested, or has too many records for a page to wait.
        """
        person = self.check(who)
        going = sum(self.would_go(who, name).values())
        if going > MOST_AT_ONCE:
            raise Conflict(
                f"{going:,} records would go with {name}: more than a page can wait for.",
                hint=f"On the node: `panosc connector remove {name}`.",
            )
        # its secret may be gone: it is not needed for this
        known = self._known(name)
        source = Source(name=name, kind=known.kind, url="", title=known.title)
        remove(self._engine, source, self._clock, by=person, settings=self._settings)
        self._note(who, "removed", name, records=going)

    def _known(self, name: str) -> Catalogue:
        with self._engine.connect() as connection:
            return catalogues.catalogue(connection, name)

    def _set(self, name: str, values: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(connector).where(_c.name == name).values(dict(values)))

    def _note(self, who: Who, what: str, name: str, **detail: Any) -> None:
        with self._engine.begin() as connection:
            audit.record(
                connection, who, f"connector.{what}", now=self._clock(), subject=name, **detail
            )


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_fine = False
    if not is_fine or len(url) > _LONGEST_URL or not url.isprintable():
        raise Invalid(
            "The address is not one of the open network that begins with https://.",
            field="url",
            hint="Private networks, folders and secrets are given on the node itself: "
            "`panosc connector add`.",
        )
