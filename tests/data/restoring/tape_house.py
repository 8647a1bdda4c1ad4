"""An archive behind a node that is served, with people who are signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import sqlalchemy as sa
from archive import Archive

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.people import account
from panosc.identity.sessions import SessionStore
from panosc.search.index.following import rebuild

PEOPLE = ("ada", "ben", "eve", "kim")


@dataclass
class House:
    """A served node whose files are on tape."""

    archive: Archive
    address: str
    cookie: str
    """Name of the cookie of sessions."""
    sessions: dict[str, str]

    def client(self, person: str | None = None) -> httpx.Client:
        """Return a browser without a screen."""
        cookies = None if person is None else {self.cookie: self.sessions[person]}
        return httpx.Client(
            base_url=self.address,
            cookies=cookies,
            headers={"Origin": self.address},
            trust_env=False,
            timeout=60,
        )


@contextmanager
def housed(archive: Archive) -> Iterator[House]:
    """Serve the node of an archive."""
    sessions = SessionStore(archive.engine, archive.settings, archive.now)
    made = {}
    with archive.engine.begin() as connection:
        for name in PEOPLE:
            terms = {"terms": archive.settings.terms_version, "terms_at": archive.now()}
            row = {"id": f"u-{name}", "kind": "person", "name": name, **terms}
            connection.execute(sa.insert(account).values(row))
            made[name] = sessions.begin(
                connection, f"u-{name}", provider="x", iss="https://x.example", sub=name
            )
    rebuild(archive.engine, archive.settings, archive.now, tell=lambda _done, _total: None)
    app = create_app(archive.settings, archive.engine, clock=archive.now)
    with serving(app) as address:
        yield House(archive, address, sessions.cookie, made)
