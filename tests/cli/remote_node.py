"""A node that serves in a process, its database at hand, and a user with a home elsewhere."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import group_member
from panosc.identity.service import Identity, build
from panosc.settings import Settings

PERSON, OTHER = "u-alice", "u-bob"
ORCID = "orcid:0000-0002-1825-0097"


@dataclass
class RemoteNode:
    """A node in a process, and what tests know of it from behind."""

    address: str
    engine: sa.Engine
    settings: Settings
    identity: Identity
    user_home: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def browser(self, person: str) -> httpx.Client:
        """Return a browser in which a person has signed in."""
        with self.engine.begin() as connection:
            value = self.identity.sessions.begin(
                connection, person, provider="test", iss="https://idp.example", sub=person
            )
        return httpx.Client(
            base_url=self.address,
            cookies={self.identity.sessions.cookie: value},
            headers={"Origin": self.address, "Accept": "text/html"},
            trust_env=False,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the user."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PANOSC_")}
        kept.update(HOME=str(self.user_home), XDG_CONFIG_HOME=str(self.user_home / "config"))
        return kept | more

    @property
    def credentials(self) -> Path:
        return self.user_home / "config" / "panosc" / "credentials.json"

    def run(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run ``panosc WORDS`` as the user, to its end."""
        return subprocess.run(
            [_panosc(), *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment(**more),
        )

    def operate(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run ``panosc WORDS`` as the operator, on the node."""
        return self.run(*words, "--home", str(self.settings.home))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start ``panosc WORDS`` as the user."""
        process = subprocess.Popen(
            [_panosc(), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            start_new_session=True,
            # a run of the tests in the background of a shell ignores it, and hands that on
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        self.started.append(process)
        return process

    def code_of(self, process: "subprocess.Popen[str]") -> str:
        """Return the code that a login shows."""
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(
            rf"Open {re.escape(self.address)}/device .* code ([A-Z]{{4}}-[A-Z]{{4}})", line
        )
        assert found, line + process.stderr.read()
        return found[1]

    def answer(self, person: str, code: str, answer: str = "approved") -> None:
        """Answer a program in a browser."""
        with self.browser(person) as browser:
            page = browser.get("/device", params={"user_code": code})
            assert page.status_code == 200, page.text
            sent = browser.post("/device", data={"user_code": code, "answer": answer})
            assert sent.status_code == 303, sent.text

    def log_in(self, person: str = PERSON) -> None:
        """Log the user in."""
        process = self.start("login", self.address)
        self.answer(person, self.code_of(process))
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


def _panosc() -> str:
    return str(Path(sys.executable).with_name("panosc"))


@contextmanager
def remote_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, folder: Path
) -> Iterator[RemoteNode]:
    """Serve a node with two people in a process of its own."""
    home, user_home = folder / "node", folder / "user"
    home.mkdir(mode=0o755)
    user_home.mkdir()
    with new_database(template) as database:
        (home / "panosc.toml").write_text(f"database_url = '{database}'\n")
        settings = Settings(home=home, database_url=database)
        with open_database(settings) as engine:
            _add_people(engine)
            identity = build(engine, settings, lambda: datetime.now(UTC))
            node = RemoteNode("", engine, settings, identity, user_home)
            server = node.start("serve", "--workers", "1", "--port", "0", "--home", str(home))
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                assert line.startswith("ready "), server.stderr and server.stderr.read()
                node.address = line.split()[1]
                yield node
            finally:
                for process in node.started:
                    process.kill()
                    process.communicate()


def _add_people(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for person in (PERSON, OTHER):
            row = {"id": person, "kind": "person", "name": person[2:].title(), "terms": "1"}
            connection.execute(sa.insert(account).values(row))
        connection.execute(sa.insert(alias).values(name=ORCID, person=PERSON))
        member = {"group": "proposal-1", "person": PERSON, "role": "pi"}
        connection.execute(sa.insert(group_member).values(member))
