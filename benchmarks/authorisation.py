"""What asking "may they see it?" costs, in one run: the same questions with and without it.

    python benchmarks/authorisation.py [DATASETS]    # a million unless said otherwise

A catalogue of DATASETS with 10 000 groups (60 % open, 30 % under embargo, 10 % closed) is asked by
a person in 200 of the groups, signed in by a cookie over HTTP, and once more by a service whose
access conditions are `true` and which knows nobody. Rounds take turns; medians are compared.
"""

import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import httpx
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from panosc.app import create_app
from panosc.catalogue.database import open_database, unlimited
from panosc.domain.pid import surrogate
from panosc.identity.sessions import SessionStore
from panosc.policy import asking
from panosc.search import reading
from panosc.search.sql import columns
from panosc.settings import Settings

NOW = datetime.now(UTC)
GROUPS, MINE, ROUNDS = 10_000, 200, 9
PERSON = "u-benchmark"
FILL = """
create or replace function pg_temp.word(n bigint) returns text language sql immutable as
$$ select (array['structure','dynamics','phase','strain','growth','order','silver','copper',
  'protein','glass','film','steel'])[1 + (hashint8(n)::bigint & 2147483647) % 12] $$;
insert into instrument(id, pid, name, facility)
  select {instrument}, 'i1', 'BL1', 'F1';
insert into technique(id, pid, name, panet_id)
  select {technique}, 't1', 'SAXS', 'http://purl.org/pan-science/PaNET/PaNET01188';
insert into dataset(id, pid, title, creation_date, size, instrument_id, owner_group, mark,
                    core_at, open_at, is_public, embargo_until)
  select i, '20.500.1/' || i,
    pg_temp.word(i) || ' ' || pg_temp.word(i * 7) || ' ' || pg_temp.word(i * 13) || ' of run ' || i,
    timestamptz '2026-01-01' - make_interval(secs => i * 60), i * 1000, {instrument},
    'P' || (i % {groups}), 'normal',
    case when i % 10 = 9 then '9999-12-31 23:59:59.999999+00' else '0001-01-01 00:00:00+00' end
      ::timestamptz,
    case when i % 10 = 9 then '9999-12-31 23:59:59.999999+00'
         when i % 10 >= 6 then '2040-01-01 00:00:00+00'
         else '0001-01-01 00:00:00+00' end::timestamptz,
    i % 10 < 6, case when i % 10 between 6 and 8 then timestamptz '2040-01-01' end
  from generate_series(1::bigint, {count}) i;
insert into parameter(name, value_number, unit, si_value, si_unit, dataset_id)
  select (array['temperature', 'wavelength', 'pressure'])[p], (hashint8(i * p) & 65535) / 100.0,
         (array['K', 'nm', 'bar'])[p], (hashint8(i * p) & 65535) / 100.0,
         (array['K', 'm', 'Pa'])[p], i
  from generate_series(1::bigint, {count}) i, generate_series(1, 3) p;
insert into dataset_technique(dataset_id, technique_id)
  select i, {technique} from generate_series(1::bigint, {count}, 5) i;
insert into file(name, size, dataset_id)
  select 'run' || i || '.nxs', i * 1000, i from generate_series(1::bigint, {count}) i;
insert into account(id, kind, terms, name) values ('{person}', 'person', '1', 'Somebody');
insert into group_member("group", person, role)
  select 'P' || (g * {groups} / {mine} + g % 10), '{person}', 'team'
  from generate_series(0, {mine} - 1) g;
insert into group_member("group", person, role)
  select 'P' || (m % {groups}), 'u-' || (m / 20), 'team' from generate_series(1, 200000) m
  on conflict do nothing;
"""
QUESTIONS = {
    "newest 25": '/panosc-api/Datasets?filter={"limit":25,"order":"creationDate DESC"}',
    "by parameter": '/panosc-api/Datasets?filter={"limit":25,"include":[{"relation":"parameters",'
    '"scope":{"where":{"and":[{"name":"temperature"},{"value":{"between":[100,110]}},'
    '{"unit":"K"}]}}}]}',
    "by technique": '/panosc-api/Datasets?filter={"limit":25,"include":[{"relation":"techniques",'
    '"scope":{"where":{"name":"SAXS"}}}]}',
    "by words in the title": '/panosc-api/Datasets?filter={"limit":25,"where":{"title":'
    '{"ilike":"run 4711"}}}',
    "count everything": "/panosc-api/Datasets/count",
    "count a range of dates": '/panosc-api/Datasets/count?where={"creationDate":'
    '{"between":["2025-01-01","2025-03-01"]}}',
    "one dataset": "/panosc-api/Datasets/20.500.1%2F100000",
    "its files": "/panosc-api/Datasets/20.500.1%2F100000/files",
}


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve `app` beside this program, on a free port."""
    # as `panosc serve` does it: else Nagle's algorithm adds 40 ms to every answer
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def fill(engine: sa.Engine, count: int) -> None:
    statements = FILL.format(
        count=count,
        groups=GROUPS,
        mine=MINE,
        person=PERSON,
        instrument=surrogate("Instrument", "i1"),
        technique=surrogate("Technique", "t1"),
    )
    with engine.begin() as connection:
        unlimited(connection)
        connection.exec_driver_sql(statements.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        unlimited(connection)
        connection.exec_driver_sql("vacuum analyze")


def timed(ask: Callable[[], httpx.Response]) -> float:
    start = time.perf_counter()
    answer = ask()
    spent = time.perf_counter() - start
    assert answer.status_code == 200, answer.text
    return spent * 1000


@contextmanager
def unguarded() -> Iterator[None]:
    """Compile no access condition at all."""
    with (
        mock.patch.object(columns, "visible", return_value=sa.true()),
        mock.patch.object(reading, "visible", return_value=sa.true()),
    ):
        yield


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        settings = Settings(home=Path(home) / "node", query_time_limit_s=120)
        with open_database(settings) as engine:
            start = time.perf_counter()
            fill(engine, count)
            print(f"{count} datasets in {time.perf_counter() - start:.0f} s")
            compare(engine, settings)


def compare(engine: sa.Engine, settings: Settings) -> None:
    sessions = SessionStore(engine, settings, lambda: datetime.now(UTC))
    with engine.begin() as connection:
        row = {"provider": "p", "iss": "i", "sub": "s"}
        cookie = sessions.begin(connection, PERSON, **row)
    guarded, plain = create_app(settings, engine), create_app(settings, engine)
    plain.dependency_overrides[asking.who_asks] = lambda: asking.ANYONE
    with (
        serving(guarded) as here,
        serving(plain) as there,
        httpx.Client(cookies={sessions.cookie: cookie}, timeout=120, trust_env=False) as client,
    ):
        total = [0.0, 0.0]
        print(f"{'question':<24}{'with':>10}{'without':>10}{'ratio':>8}")
        for name, path in QUESTIONS.items():
            rounds: list[tuple[float, float]] = []
            for _ in range(ROUNDS + 1):
                with_it = timed(lambda path=path: client.get(here + path))
                with unguarded():
                    without = timed(lambda path=path: client.get(there + path))
                rounds.append((with_it, without))
            first, second = (
                statistics.median(pair[side] for pair in rounds[1:]) for side in (0, 1)
            )
            total[0] += first
            total[1] += second
            print(f"{name:<24}{first:>8.1f}ms{second:>8.1f}ms{first / second:>8.2f}")
        print(
            f"{'all together':<24}{total[0]:>8.1f}ms{total[1]:>8.1f}ms{total[0] / total[1]:>8.2f}"
        )


if __name__ == "__main__":
    main()
