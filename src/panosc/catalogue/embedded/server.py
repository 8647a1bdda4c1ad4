"""Using the embedded server: being one of its users, and connecting to it.

The SQL that runs over the connections, and the schema, are no matter of this module.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from panosc.catalogue.embedded import cluster, locks, postmaster
from panosc.catalogue.embedded.folder import DESCRIPTORS, PORT, Folder, prepare
from panosc.domain.errors import PanoscError, Unavailable

Progress: TypeAlias = Callable[[str], None]

ELSEWHERE_S = 30.0
"""After this time a server that says it is ready and does not answer runs somewhere else."""
RECOVERY_PAUSE_S = 0.2
"""Between two questions to a server that recovers; each leaves a line in its log."""
TRIES = 3
"""Of starting a watchdog: it may be killed, too."""
GOODBYE_S = 15.0
"""How long the last user waits to see the server stop."""


class _Wait:
    """Tells about a wait, once a second."""

    def __init__(self, progress: Progress | None, text: str) -> None:
        self._progress = progress
        self.text = text
        self._told = time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if self._progress is not None and now - self._told >= 1.0:
            self._told = now
            self._progress(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs as long as it is used; see `running`."""

    folder: Folder
    host: str
    progress: Progress | None

    def address(self, *, is_admin: bool = False) -> dict[str, Any]:
        """Return the keyword arguments of a connection, but for the name of the database."""
        port = PORT
        if self.folder.is_tcp:
            there = postmaster.read(self.folder.data)
            port = there.port if there else PORT
        password = self.folder.admin_password if is_admin else self.folder.password
        return {
            "host": self.host,
            "port": port,
            "user": cluster.ADMIN if is_admin else cluster.OWNER,
            "password": self.folder.read_password(password),
            "sslmode": "disable",
            "gssencmode": "disable",
            "client_encoding": "utf8",
        }

    def connect(
        self, database: str = cluster.OWNER, *, is_admin: bool = False
    ) -> "psycopg.Connection[Any]":
        """Return a new connection, starting the server again if it has gone."""
        try:
            return psycopg.connect(dbname=database, **self.address(is_admin=is_admin))
        except psycopg.OperationalError:
            if self.answer() == Ping.OK:
                raise
        self.start()
        return psycopg.connect(dbname=database, **self.address(is_admin=is_admin))

    def answer(self) -> Ping:
        """Return how the server answers now."""
        about = self.address() | {"dbname": cluster.OWNER, "connect_timeout": 2}
        return Ping(PGconn.ping(make_conninfo(**about).encode()))

    def start(self) -> None:
        """Return once the server accepts connections, starting it if nobody else does.

        Raises
        ------
        Unavailable
            If it cannot be started; the end of its log is part of the message.
        """
        folder = self.folder
        waiting = _Wait(self.progress, "Another process is starting the database")
        account = folder.account
        with locks.held(
            folder.start_lock, uid=account.uid, gid=account.gid, waiting=waiting
        ) as lock:
            said = 0
            for _ in range(TRIES):
                said = folder.log_size()
                if not locks.is_held(folder.watchdog_lock):
                    if self.progress is not None and not folder.data.exists():
                        self.progress("A new database is being made")
                    if postmaster.living(folder.data) is None:
                        cluster.ensure(folder, lock=lock)
                    self._start_watchdog(lock)
                if self._becomes_ready(said):
                    return
            raise self._failure(said)

    def _start_watchdog(self, lock: int) -> None:
        log = self.folder.open_log()
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                [
                    *(sys.executable, "-P", "-m", "panosc.catalogue.embedded.watchdog"),
                    str(self.folder.path.parent),
                    "tcp" if self.folder.is_tcp else "socket",
                    str(lock),
                ],
                pass_fds=[lock],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)
        if done.returncode != 0:
            raise self._failure(0)

    def _becomes_ready(self, said: int) -> bool:
        """Wait for the server; False if its watchdog has gone, by itself or killed."""
        waiting = _Wait(self.progress, "The database is starting")
        silent_since: float | None = None
        while (answer := self.answer()) != Ping.OK:
            if not locks.is_held(self.folder.watchdog_lock):
                return False
            there = postmaster.read(self.folder.data)
            is_silent = answer == Ping.NO_RESPONSE and there and there.status == "ready"
            silent_since = (silent_since or time.monotonic()) if is_silent else None
            if silent_since and time.monotonic() - silent_since > ELSEWHERE_S:
                raise Unavailable(
                    f"The database in {self.folder.path} runs, but does not answer here",
                    hint="Is it used from another machine or container? Use it there, "
                    "choose another --home, or set PANOSC_DATABASE_URL",
                )
            waiting.text = f"The database is starting: {self._last_news(said)}"
            waiting()
            time.sleep(locks.PAUSE_S if answer == Ping.NO_RESPONSE else RECOVERY_PAUSE_S)
        return True

    def _last_news(self, said: int) -> str:
        """Return the last line of the log that is not about our own knocking."""
        lines = self.folder.log_tail(since=said, lines=20)
        news = [line for line in lines if not line.startswith(("FATAL:", "DETAIL:", "HINT:"))]
        return news[-1] if news else "please wait"

    def _failure(self, said: int) -> Unavailable:
        tail = "\n".join(self.folder.log_tail(since=said))
        return Unavailable(
            f"The database in {self.folder.path} does not start. Its log ends with:\n{tail}",
            hint=cluster.hint_for(tail),
        )


@contextmanager
def _host(folder: Folder) -> Iterator[str]:
    """Give the name of the socket's folder, a short one through our own open files if need be."""
    if folder.has_short_name:
        yield str(folder.run)
    elif folder.is_tcp:
        yield "127.0.0.1"
    else:
        descriptor = os.open(folder.run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield str(DESCRIPTORS / str(descriptor))
        finally:
            os.close(descriptor)


def _watchdog_number(folder: Folder) -> str:
    with suppress(OSError):
        return folder.watchdog_lock.read_text().strip()
    return ""


def _leave(folder: Folder, users: int) -> None:
    """Stop being a user; the last one waits until the server has stopped."""
    if not locks.is_held(folder.watchdog_lock) and postmaster.living(folder.data):
        # Its watchdog was killed: without another one the server would never be stopped.
        with suppress(PanoscError), _host(folder) as host:
            Server(folder=folder, host=host, progress=None).start()
    watchdog = _watchdog_number(folder)
    is_last = locks.try_lock(users)
    locks.release(users)
    deadline = time.monotonic() + GOODBYE_S
    while (
        is_last
        and time.monotonic() < deadline
        and locks.is_held(folder.watchdog_lock)
        and _watchdog_number(folder) == watchdog
    ):
        time.sleep(locks.PAUSE_S)


@contextmanager
def running(home: Path, *, progress: Progress | None = None) -> Iterator[Server]:
    """Use the server of a home: it runs inside this block, whoever else uses it too.

    Parameters
    ----------
    home : Path
        Folder of the node; the server's own files are in ``HOME/database``.
    progress : callable, optional
        Told about once a second what is being waited for.

    Raises
    ------
    Unavailable
        If the server cannot be started here.
    """
    folder = prepare(home)
    waiting = _Wait(progress, "The database is stopping; it will be started again")
    users = locks.take(
        folder.users_lock,
        uid=folder.account.uid,
        gid=folder.account.gid,
        shared=True,
        waiting=waiting,
    )
    try:
        with _host(folder) as host:
            server = Server(folder=folder, host=host, progress=progress)
            server.start()
            yield server
    finally:
        _leave(folder, users)
