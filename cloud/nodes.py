"""Nodes of the cloud: one PostgreSQL with a database for each, a home, a process that serves.

A node's home is a node's home: `panosc … --home HOME` works with it while the cloud runs.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server, running
from panosc.settings import Settings

CONNECTIONS = 300
"""Seven nodes on one server need more than it has by itself."""
_EMPTY = "empty"


class NotReady(Exception):
    """A node did not start."""


@dataclass(slots=True, kw_only=True)
class Node:
    """One node; `process` is there while it serves."""

    name: str
    title: str
    home: Path
    port: int
    database: str
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """What its home says."""
        return Settings(
            home=self.home,
            database_url=self.database,
            facility=self.title,
            port=self.port,
            workers=1,
            base_url=self.address,
        )

    def write_home(self) -> None:
        """Make its home, with its settings."""
        self.home.mkdir(parents=True, exist_ok=True)
        lines = [
            f'facility = "{self.title}"',
            f'database_url = "{self.database}"',
            f"port = {self.port}",
            "workers = 1",
            f'base_url = "{self.address}"',
        ]
        path = self.home / "panosc.toml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        # the address holds the database's password
        path.chmod(0o600)

    def command(self, *words: str) -> list[str]:
        """Return a command line for this node."""
        return [str(Path(sys.executable).with_name("panosc")), *words, "--home", str(self.home)]

    def serve(self) -> None:
        """Start it, and return once it answers.

        Raises
        ------
        NotReady
        """
        with (self.home / "serve.log").open("w") as log:
            self.process = subprocess.Popen(
                self.command("serve"), stdout=subprocess.PIPE, stderr=log, text=True, env=_clean()
            )
        for line in self.process.stdout or ():
            if line.startswith("ready "):
                return
        raise NotReady(f"{self.title} did not start; see {self.home / 'serve.log'}.")

    def end(self) -> None:
        """Tell it to end; `stop` waits until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process is None:
            return
        self.end()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def _clean() -> dict[str, str]:
    """Return the environment without settings of another node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PANOSC_")}


def free_port(wanted: int = 0) -> int:
    """Return a port that is free, the one wanted if it is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotReady("There is no free port on this machine.")


@contextmanager
def databases(home: Path) -> Iterator[Callable[[str], str]]:
    """Run PostgreSQL in a home; yield what makes a migrated database and returns its address."""
    with running(home) as server:
        _administer(server, f"alter system set max_connections = {CONNECTIONS}")
    with running(home) as server:
        _administer(server, f"create database {_EMPTY} owner panosc")
        with open_database(Settings(home=home, database_url=_address(server, _EMPTY))):
            pass

        def make(name: str) -> str:
            _administer(server, f"create database {name} template {_EMPTY} owner panosc")
            return _address(server, name)

        yield make


def _administer(server: Server, statement: str) -> None:
    with server.connect("postgres", is_admin=True) as connection:
        connection.autocommit = True
        connection.execute(statement.encode())


def _address(server: Server, name: str) -> str:
    where = server.address()
    return sa.URL.create(
        "postgresql",
        username=where["user"],
        password=where["password"],
        port=where["port"],
        database=name,
        query={"host": where["host"], "sslmode": "disable"},
    ).render_as_string(hide_password=False)
