"""Opening the database: a given one or one of our own, with its limits and its refusals."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from catalogue.homes import processes, server_pid, until
from panosc.catalogue import database
from panosc.catalogue.database import LAST, open_database, unlimited
from panosc.catalogue.embedded import postmaster
from panosc.catalogue.embedded.server import Server
from panosc.domain.errors import Invalid, Unavailable
from panosc.settings import Settings


def with_url(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def shown(connection: sa.Connection, name: str) -> object:
    return connection.exec_driver_sql(f"show {name}").scalar()


def test_without_an_address_it_is_one_of_our_own(open_folder: Path) -> None:
    settings = Settings(home=open_folder / "own")
    said: list[str] = []
    with open_database(settings, progress=said.append) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from dataset").scalar() == 0
        assert processes(settings.home)
        old = server_pid(settings.home)
    assert not processes(settings.home)
    with open_database(settings) as engine:
        assert server_pid(settings.home) != old
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1")
        old = server_pid(settings.home)
        os.kill(old, signal.SIGKILL)
        until(lambda: old not in processes(settings.home))
        until(lambda: postmaster.living(settings.home / "database" / "data"))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1
    assert not processes(settings.home)


def test_sessions_speak_utc_and_have_limits(settings: Settings) -> None:
    settings = settings.model_copy(update={"query_time_limit_s": 0.2})
    with open_database(settings) as engine, engine.connect() as connection:
        moment = connection.execute(
            sa.select(sa.literal(datetime(2024, 7, 1, tzinfo=UTC)))
        ).scalar_one()
        assert moment.isoformat() == "2024-07-01T00:00:00+00:00"
        assert shown(connection, "timezone") == "UTC"
        assert shown(connection, "lock_timeout") == "10s"
        connection.rollback()
        with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
            connection.exec_driver_sql("select pg_sleep(2)")
        connection.rollback()
        assert shown(connection, "statement_timeout") == "200ms"
        assert shown(connection, "timezone") == "UTC"


def test_a_writer_lifts_the_limits_for_its_transaction_only(settings: Settings) -> None:
    settings = settings.model_copy(update={"query_time_limit_s": 0.2})
    with open_database(settings) as engine, engine.connect() as connection:
        unlimited(connection)
        connection.exec_driver_sql("select pg_sleep(0.4)")
        assert shown(connection, "lock_timeout") == "0"
        connection.commit()
        assert shown(connection, "statement_timeout") == "200ms"
        assert shown(connection, "lock_timeout") == "10s"


def test_on_a_connection_that_commits_by_itself_until_it_is_given_back(
    settings: Settings,
) -> None:
    settings = settings.model_copy(update={"query_time_limit_s": 0.2})
    with open_database(settings) as engine:
        with engine.connect() as connection:
            first = connection.exec_driver_sql("select pg_backend_pid()").scalar()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            unlimited(connection)
            connection.exec_driver_sql("select pg_sleep(0.4)")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select pg_backend_pid()").scalar() == first
            assert shown(connection, "statement_timeout") == "200ms"
            assert shown(connection, "lock_timeout") == "10s"


def test_usual_spellings_of_an_address_are_understood(settings: Settings) -> None:
    rest = url_of(settings).partition("://")[2]
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        given = with_url(settings, f"{scheme}://{rest}")
        with open_database(given) as engine, engine.connect() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1


def test_the_cursor_of_a_lost_connection_is_closed(settings: Settings) -> None:
    many = sa.select(sa.func.generate_series(1, 100_000))
    options = {"stream_results": True, "yield_per": 10}
    with (
        open_database(settings) as engine,
        engine.connect() as other,
        engine.connect() as connection,
    ):
        result = connection.execute(many, execution_options=options)
        cursor: Any = result.cursor
        blocks = result.partitions()
        next(blocks)
        pid = cursor.connection.info.backend_pid
        other.execute(sa.select(sa.func.pg_terminate_backend(pid)))
        with pytest.raises(sa.exc.OperationalError):
            list(blocks)
        assert cursor.closed


GIVING_WAY = """
import os, sys
from panosc.catalogue.database import give_way, open_database
from panosc.settings import Settings
with open_database(Settings(home=sys.argv[1])) as engine:
    give_way(engine)
    with engine.connect() as connection:
        server = connection.connection.dbapi_connection.info.backend_pid
        print(os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, server))
"""


def test_long_work_comes_after_those_who_ask(open_folder: Path) -> None:
    words = [sys.executable, "-c", GIVING_WAY, str(open_folder / "home")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    # only Linux tells, by /proc, that the number is that of a server of the database
    server = LAST if sys.platform == "linux" else before
    # 19 is as far back as anyone can stand
    assert done.stdout.split() == [str(min(before + LAST, 19)), str(server)]


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "mysql://a:b@c/d", "http://[", ""])
def test_what_is_no_address_is_refused(settings: Settings, url: str) -> None:
    with pytest.raises(Invalid) as caught, open_database(with_url(settings, url)):
        pass
    assert caught.value.field == "database_url"
    assert "postgresql://" in str(caught.value.hint)


def test_a_server_that_is_not_there_is_told_without_the_password(settings: Settings) -> None:
    url = "postgresql://me:hidden-word@127.0.0.1:1/panosc"
    with (
        pytest.raises(Unavailable, match="cannot be reached") as caught,
        open_database(with_url(settings, url)),
    ):
        pass
    assert "127.0.0.1" in caught.value.detail
    assert "hidden-word" not in caught.value.detail + str(caught.value.hint)


def test_an_unknown_option_of_an_address_is_told(settings: Settings) -> None:
    given = with_url(settings, url_of(settings) + "&colour=blue")
    with pytest.raises(Unavailable, match="colour"), open_database(given):
        pass


def test_a_wrong_password_is_told_without_it(settings: Settings, cluster: Server) -> None:
    right = cluster.address()["password"]
    url = url_of(settings).replace(right, "hidden-word")
    given = with_url(settings, url)
    with pytest.raises(Unavailable, match="password") as caught, open_database(given):
        pass
    assert "hidden-word" not in caught.value.detail


def test_a_server_that_is_too_old_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "OLDEST", 99)
    with pytest.raises(Unavailable, match="99 or newer"), open_database(settings):
        pass


def test_a_database_that_cannot_hold_every_text_is_refused(
    settings: Settings, cluster: Server
) -> None:
    with cluster.connect("postgres", is_admin=True) as connection:
        connection.autocommit = True
        connection.execute(
            "create database latin owner panosc encoding 'LATIN1' locale 'C' "
            "locale_provider libc template template0"
        )
    try:
        url = url_of(settings)
        name = sa.make_url(url).database
        given = with_url(settings, url.replace(f"/{name}?", "/latin?"))
        with pytest.raises(Unavailable, match="LATIN1") as caught, open_database(given):
            pass
        assert "encoding 'UTF8'" in str(caught.value.hint)
    finally:
        with cluster.connect("postgres", is_admin=True) as connection:
            connection.autocommit = True
            connection.execute("drop database latin with (force)")


def test_a_database_that_holds_something_else_is_refused(
    settings: Settings, empty_database: str
) -> None:
    engine = sa.create_engine(empty_database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table dataset (theirs text)")
    given = with_url(settings, empty_database)
    with pytest.raises(Unavailable, match="already exists") as caught, open_database(given):
        pass
    assert "empty database" in str(caught.value.hint)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["dataset"]
    engine.dispose()


def test_a_database_of_a_newer_panosc_is_refused(settings: Settings, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(Unavailable, match="9999"), open_database(settings):
        pass


def test_those_who_arrive_together_make_the_schema_once(
    settings: Settings, empty_database: str
) -> None:
    given = with_url(settings, empty_database)
    problems: list[BaseException] = []

    def arrive() -> None:
        try:
            with open_database(given) as engine, engine.connect() as connection:
                connection.exec_driver_sql("select from dataset")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=arrive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_connection_that_broke_is_replaced(engine: sa.Engine, cluster: Server) -> None:
    with engine.connect() as connection:
        number = connection.exec_driver_sql("select pg_backend_pid()").scalar()
    with cluster.connect("postgres", is_admin=True) as connection:
        connection.execute("select pg_terminate_backend(%s)", [number])
    time.sleep(0.1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select pg_backend_pid()").scalar() != number


def test_text_sorts_by_code_point_and_folds_case_by_unicode(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql(
            "select array_agg(t order by t) from unnest(array['b', 'B', 'a', 'é', 'z']) t"
        ).scalar() == ["B", "a", "b", "z", "é"]
        assert connection.exec_driver_sql(
            "select lower('ÅNGSTRÖM' collate pg_c_utf8), 'ÅNG' ilike 'å_g' collate pg_c_utf8"
        ).one() == ("ångström", True)
