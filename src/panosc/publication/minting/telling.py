"""What DataCite is told of a record: what anyone may know of it, and no more.

What was withdrawn keeps its metadata, with the reason. Of what was erased, or is not public, no
more than the facility is told.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa

from panosc.domain.access import ANYONE
from panosc.domain.pid import pid_path
from panosc.publication.gathering import Gatherer
from panosc.publication.minting.account import Account
from panosc.publication.minting.datacite import State
from panosc.publication.minting.queue import Task
from panosc.publication.reading import store, versions
from panosc.publication.record import Publication, Related

Attributes = dict[str, Any]
Describe = Callable[[Publication], Attributes]
"""Tells a record as DataCite's JSON does: its `attributes`."""
_HIDDEN: Final = "A record that is not public"
_ERASED: Final = "A record that was erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What DataCite is to have of one DOI."""

    attributes: Attributes
    state: State | None
    """None: nothing at all, for it never was public and is erased."""
    opens: datetime | None
    """When it will have to be told anew, though nobody changes the record."""

    @property
    def digest(self) -> str:
        """A short sign of all of it."""
        text = orjson.dumps([self.attributes, self.state], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()

    @property
    def title(self) -> str:
        """The first title."""
        return str(self.attributes["titles"][0]["title"])


class Teller:
    """Tells of records what anyone may know, as DataCite's JSON."""

    def __init__(
        self, gatherer: Gatherer, account: Account, describe: Describe, *, facility: str
    ) -> None:
        self._gatherer = gatherer
        self._facility = facility
        self._account = account
        self._describe = describe

    def tell(self, connection: sa.Connection, task: Task, *, now: datetime) -> Told:
        """Return what DataCite is to have of a DOI."""
        found = self._publication(connection, task, now=now)
        if found is None:
            return self._hidden(connection, task)
        # DataCite keeps a list that it is not told of
        attributes = {
            **{name: [] for name in _LISTS},
            **self._describe(replace(found, doi=task.doi)),
            "url": self._url(task),
        }
        return Told(attributes=attributes, state=task.wanted, opens=found.opens)

    def _publication(
        self, connection: sa.Connection, task: Task, *, now: datetime
    ) -> Publication | None:
        def one(pid: str) -> Publication | None:
            for found in self._gatherer.many(
                connection, ANYONE, task.model, [pid], self._account.address
            ):
                return found
            return None

        if task.kind == "version":
            return one(task.pid)
        chain = versions.public(connection, ANYONE, task.pid, now=now)
        newest = one(chain[0].pid) if chain else None
        if newest is None:
            return None
        has = tuple(
            Related(
                relation="HasVersion",
                identifier=item.doi or self._page(item.pid),
                scheme="DOI" if item.doi else "local",
                url=self._page(item.pid),
                general="Dataset",
                title=item.title,
            )
            for item in chain
        )
        return replace(newest, related=has)

    def _page(self, pid: str) -> str:
        return self._account.address(f"/datasets/{pid_path(pid)}")

    def _url(self, task: Task) -> str:
        return self._account.address(f"/doi/{pid_path(task.doi)}")

    def _hidden(self, connection: sa.Connection, task: Task) -> Told:
        """Return what remains of a DOI whose record nobody may know of, or no more."""
        is_erased = store.is_erased(connection, task.model, task.pid)
        was_public = task.state in {"registered", "findable"}
        state: State | None = "registered" if was_public else "draft"
        if is_erased and task.state is None:
            state = None
        facility = self._facility
        attributes: Attributes = {
            "creators": [{"name": facility, "nameType": "Organizational"}],
            "titles": [{"title": _ERASED if is_erased else _HIDDEN}],
            "publisher": {"name": facility},
            "publicationYear": task.asked.year,
            "types": {"resourceTypeGeneral": "Other"},
            "url": self._url(task),
            **{name: [] for name in _LISTS},
        }
        return Told(attributes=attributes, state=state, opens=None)


_LISTS: Final = (
    "contributors",
    "subjects",
    "dates",
    "descriptions",
    "relatedIdentifiers",
    "relatedItems",
    "rightsList",
    "fundingReferences",
    "sizes",
    "formats",
    "geoLocations",
    "alternateIdentifiers",
)
