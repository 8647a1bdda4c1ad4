"""A browser without scripts at a node with a login provider, and a clock that tests move."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urljoin

import httpx
import identity_providers as providers
import sqlalchemy as sa

from panosc.settings import Provider, Settings


class Signer(Protocol):
    """A provider at which people can sign in by forms."""

    @property
    def issuer(self) -> str: ...

    def as_provider(self, node: str, *, name: str = ...) -> Provider: ...

    def answers(self, person: str) -> dict[str, str]: ...


class Node(Protocol):
    """A node that is served."""

    engine: sa.Engine
    settings: Settings
    address: str


@dataclass
class Clock:
    """The time of this machine, moved on by a test."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **how: float) -> None:
        self.ahead += timedelta(**how)


@dataclass
class Visitor:
    """Someone with a browser that has no scripts."""

    node: Node
    provider: Signer
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(
            trust_env=False,
            timeout=30,
            headers={"Accept": "text/html", "User-Agent": "Visitor"},
            limits=httpx.Limits(max_keepalive_connections=0),
        )
    )

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.http.get(urljoin(self.node.address, address), **options)

    def post(self, address: str, values: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.http.post(
            urljoin(self.node.address, address), data=values or {}, headers=headers
        )

    def sent_back(self, person: str = "ada", begin: str = "/login/demo") -> str:
        """Sign in as `person` up to where the provider sends the browser back; not followed."""
        return providers.go(
            self.http,
            urljoin(self.node.address, begin),
            issuer=self.provider.issuer,
            answers=self.provider.answers(person),
        )

    def sign_in(self, person: str = "ada", begin: str = "/login/demo") -> httpx.Response:
        """Sign in as `person`; return the node's answer to the provider's."""
        return self.http.get(self.sent_back(person, begin))

    def is_signed_in(self) -> bool:
        """Whether the node knows who this is."""
        answer = self.get("/accessibility")
        assert answer.status_code == 200, answer.text
        return "Sign out" in answer.text


def count(node: Node, table: sa.Table) -> int:
    """Return how many rows a table has."""
    with node.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def rows(node: Node, table: sa.Table) -> list[Any]:
    """Return all rows of a table."""
    with node.engine.connect() as connection:
        return list(connection.execute(sa.select(table)))


def events(node: Node, like: str = "session.%") -> list[tuple[str, str | None]]:
    """Return what the audit trail says, oldest first."""
    text = sa.text("select event, reason from audit where event like :like order by number")
    with node.engine.connect() as connection:
        return [(row.event, row.reason) for row in connection.execute(text, {"like": like})]
