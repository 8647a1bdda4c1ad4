"""Opening the catalogue's database: a server of our own or a given one, with the newest schema.

And what its failures mean to whoever asked. What is in the tables is not known here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from panosc.catalogue import schema
from panosc.catalogue.embedded.server import Progress, running
from panosc.domain import underway
from panosc.domain.errors import Busy, Invalid, PanoscError, Unavailable
from panosc.settings import Settings

OLDEST = 17
"""The first PostgreSQL with the collation `pg_c_utf8`."""
LOCK_TIME_LIMIT_S = 10
CONNECTIONS = 30
"""The most that one process opens."""
POOL_WAIT_S = 10
"""How long a request waits for one of them."""
LAST = 10
"""The priority (`nice`) of long work beside those who ask."""

_DIALECT = "postgresql+psycopg"
_LIFTED = "limits lifted"
UNHURRIED = 0.75
"""While more of a request's time is left, the limit of one statement is enough."""
# a limit that is shorter already, as for regular expressions, stays
_SHORTEN = """
select set_config('statement_timeout', least(
  extract(epoch from current_setting('statement_timeout')::interval) * 1000, %s
)::int::text, %s)
"""
_URL_HINT = "Give PANOSC_DATABASE_URL as postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


@contextmanager
def open_database(
    settings: Settings, *, progress: Progress | None = None, connections: int = CONNECTIONS
) -> Iterator[sa.Engine]:
    """Open the node's database for a block of code, with the newest schema.

    Connections speak UTC and give up a statement after ``settings.query_time_limit_s``;
    writers call `unlimited` in their transaction. All statements of a request together have
    the time that the request has.

    Parameters
    ----------
    settings : Settings
        Names the database, or the home that has one of its own.
    progress : callable, optional
        Told about once a second what is being waited for.
    connections : int
        The most to open at once.

    Raises
    ------
    Unavailable
        If the database cannot be started, reached or used.
    Invalid
        If the address in the settings is none.
    """
    if settings.database_url is not None:
        url = _url(settings.database_url.get_secret_value())
        options = _options(connections)
        engine = sa.create_engine(url, connect_args={"client_encoding": "utf8"}, **options)
        where = url.render_as_string(hide_password=True)
        with _opened(engine, settings, where=where, progress=progress) as opened:
            yield opened
        return
    with running(settings.home, progress=progress) as server:
        engine = sa.create_engine(f"{_DIALECT}://", creator=server.connect, **_options(connections))
        where = str(server.folder.path)
        with _opened(engine, settings, where=where, progress=progress) as opened:
            yield opened


def unlimited(connection: sa.Connection) -> None:
    """Lift the time limits, for writers: until the end of this transaction.

    On a connection that commits by itself they are lifted until it goes back to the pool.
    """
    if (request := underway.current()) is not None:
        request.lift()
    scope = "local"
    if getattr(connection.connection, "autocommit", False):
        scope = "session"
        connection.info[_LIFTED] = True
    connection.exec_driver_sql(f"set {scope} statement_timeout = 0; set {scope} lock_timeout = 0")


def give_way(engine: sa.Engine) -> None:
    """Let this process, and what the database does for it, take the processor last.

    For long work beside a node: those who ask are answered first. A database on another machine,
    or one of a system without ``/proc``, is left as it is.
    """
    os.nice(LAST)

    @sa.event.listens_for(engine, "connect")
    def _lower(connection: Any, _record: ConnectionPoolEntry) -> None:
        number = connection.info.backend_pid
        if connection.info.host.startswith("/"):
            with suppress(OSError):
                if Path(f"/proc/{number}/comm").read_text("ascii").strip() == "postgres":
                    os.setpriority(os.PRIO_PROCESS, number, LAST)

    # those that are open already
    engine.dispose()


def explained(error: DBAPIError | PoolTimeout) -> PanoscError | None:
    """Return the error to answer with; None when it is a fault of ours."""
    if isinstance(error, PoolTimeout):
        return Busy("Too many questions are being answered.", hint="Try again in a few seconds.")
    match error.orig:
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return _too_long()
        case errors.TooManyConnections() | errors.DiskFull() | errors.OutOfMemory():
            return Unavailable(f"The database cannot take more now: {error.orig}.")
        case errors.OperationalError() | errors.InterfaceError():
            return Unavailable(
                "The database cannot be reached now.", hint="Try again in a few seconds."
            )
        case _:
            return None


def _too_long() -> Busy:
    return Busy(
        "The question took longer than this node allows.",
        hint="Ask for less at once: add conditions, or a limit.",
    )


def _options(connections: int) -> dict[str, Any]:
    kept = max(connections // 3, 1)
    # what fails is logged with its statement, never with values: they are people's, or secret
    return {
        "pool_pre_ping": True,
        "pool_size": kept,
        "max_overflow": connections - kept,
        "pool_timeout": POOL_WAIT_S,
        "hide_parameters": True,
    }


def _url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        detail = "The address of the database is not a URL"
        raise Invalid(detail, field="database_url", hint=_URL_HINT) from None
    if url.drivername not in {"postgres", "postgresql", _DIALECT}:
        raise Invalid(
            f"The database has to be PostgreSQL, not {url.drivername!r}",
            field="database_url",
            hint=_URL_HINT,
        )
    return url.set(drivername=_DIALECT)


@contextmanager
def _opened(
    engine: sa.Engine, settings: Settings, *, where: str, progress: Progress | None
) -> Iterator[sa.Engine]:
    limit_ms = round(settings.query_time_limit_s * 1000)
    session = (
        f"set time zone 'UTC'; set statement_timeout = {limit_ms}; "
        f"set lock_timeout = '{LOCK_TIME_LIMIT_S}s'"
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        connection.execute(session)
        connection.autocommit = False

    @sa.event.listens_for(engine, "checkin")
    def _restore(connection: Any, record: ConnectionPoolEntry) -> None:
        if record.info.pop(_LIFTED, False) and connection is not None:
            _prepare(connection, record)

    @sa.event.listens_for(engine, "handle_error")
    def _close_cursor(context: Any) -> None:
        # SQLAlchemy leaves the cursor of a lost connection open
        statement = context.execution_context
        if context.is_disconnect and statement is not None:
            with suppress(psycopg.Error):
                statement.cursor.close()

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _hold(connection: sa.Connection, *_: object) -> None:
        request = underway.current()
        left = None if request is None else request.left_s()
        if left is not None and left < settings.query_time_limit_s * UNHURRIED:
            _shorten(connection, left)

    try:
        _check(engine, where)
        schema.upgrade(engine, progress=progress)
        yield engine
    finally:
        engine.dispose()


def _shorten(connection: sa.Connection, left_s: float) -> None:
    """Let the next statement of a request that has taken long already end in time.

    Raises
    ------
    Busy
        If the time is over.
    """
    if left_s <= 0:
        raise _too_long()
    raw: Any = connection.connection.dbapi_connection
    if raw.autocommit:
        connection.info[_LIFTED] = True
    raw.execute(_SHORTEN, [max(round(left_s * 1000), 1), not raw.autocommit])


def _check(engine: sa.Engine, where: str) -> None:
    """Refuse a server that cannot hold the catalogue."""
    try:
        with engine.connect() as connection:
            number, encoding = connection.exec_driver_sql(
                "select current_setting('server_version_num')::int, "
                "current_setting('server_encoding')"
            ).one()
    except sa.exc.DBAPIError as error:
        raise Unavailable(
            f"The database {where} cannot be reached: {str(error.orig).strip()}",
            hint="Is the server running, and are user and password right?",
        ) from None
    if number // 10000 < OLDEST:
        raise Unavailable(
            f"The database {where} is PostgreSQL {number // 10000}; {OLDEST} or newer is needed",
            hint="Use a newer server, or leave PANOSC_DATABASE_URL out to run one inside home",
        )
    if encoding != "UTF8":
        raise Unavailable(
            f"The database {where} stores text as {encoding}; UTF8 is needed",
            hint="Create one with: create database … encoding 'UTF8' template template0",
        )
