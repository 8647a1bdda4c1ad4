"""A node with datasets to publish, and what registers their DOIs at the stand-in of DataCite."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from panosc.app import publications
from panosc.catalogue.writer import write
from panosc.policy.shelf import open_shelf
from panosc.publication.minting.rounds import Terms
from panosc.publication.minting.standin import StandIn
from panosc.publication.minting.working import Worker, worker
from panosc.publication.service import Publications
from panosc.settings import Settings

NODE = "https://node.example.org"
START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = Terms(first=timedelta(), longest=timedelta())


class Clock:
    """Tells a time that tests move."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        # no two moments are the same
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_by(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def with_account(settings: Settings, stand_in: StandIn) -> Settings:
    """Return the settings of a node with an account at the stand-in."""
    return settings.model_copy(
        update={
            "base_url": NODE,
            "datacite_url": stand_in.url,
            "datacite_account": stand_in.account,
            "datacite_password_file": password_file(settings, stand_in),
            "outbound_hosts": ("127.0.0.1",),
            "facility": "Example Source",
        }
    )


def password_file(settings: Settings, stand_in: StandIn) -> object:
    """Write the password where the node finds it."""
    path = settings.home / "datacite.password"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{stand_in.password}\n")
    return path


def dataset(number: int, **more: object) -> dict[str, object]:
    """Return a dataset of the catalogue, open to everyone."""
    return {
        "pid": f"local/{number:026d}",
        "title": f"Measurement {number}",
        "isPublic": True,
        "creationDate": "2025-05-05T00:00:00Z",
        "ownerGroup": "team-a",
        **more,
    }


def load(engine: sa.Engine, *rows: tuple[str, dict[str, object]]) -> None:
    """Write records into the catalogue."""
    with engine.begin() as connection:
        write(connection, rows, now=START)


class House:
    """The services of the node, and its worker."""

    def __init__(
        self, services: Publications, work: Worker, clock: Clock, stand_in: StandIn
    ) -> None:
        self.services = services
        self.minting = services.minting
        self.work = work
        self.clock = clock
        self.stand_in = stand_in

    def settle(self, *, most: int = 200) -> None:
        """Work until nothing is due."""
        for _ in range(most):
            if not self.work.step(lambda: True):
                return
        raise AssertionError("There is always more to do.")


@contextmanager
def house(
    engine: sa.Engine, settings: Settings, stand_in: StandIn, *, terms: Terms | None = None
) -> Iterator[House]:
    """Open the services of a node with an account at the stand-in, which runs."""
    clock = Clock()
    chosen = with_account(settings, stand_in)
    services = publications(engine, chosen, clock, shelf=open_shelf(chosen, engine))
    with worker(
        engine, chosen, services.minting, services.gatherer, terms=terms, time_limit_s=1.0
    ) as work:
        yield House(services, work, clock, stand_in)
