"""What asking "may they see it?" costs, in one run: the same questions with and without it.

    python benchmarks/authorisation.py [DATASETS]    # a million unless said otherwise

A catalogue of DATASETS with 10 000 groups (60 % open, 30 % under embargo, 10 % closed) is asked by
a person in 200 of the groups, signed in by a cookie over HTTP, and once more by a service whose
access conditions are `true`, in the database and in the index. Rounds take turns; medians are
compared: all of them together may take a tenth longer with access.
"""

import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import httpx
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI, Request
from tantivy import Query

from panosc.app import create_app
from panosc.catalogue.database import open_database, unlimited
from panosc.domain.access import Who
from panosc.domain.pid import surrogate
from panosc.identity.sessions import SessionStore
from panosc.policy import asking
from panosc.search import reading
from panosc.search.index import opening
from panosc.search.index.access import Gate
from panosc.search.index.following import rebuild
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
    "ranked words": '/panosc-api/Datasets?filter={"limit":25,"query":"silver protein"}',
    "ranked words, by parameter": '/panosc-api/Datasets?filter={"limit":25,"query":"steel",'
    '"include":[{"relation":"parameters","scope":{"where":{"and":[{"name":"temperature"},'
    '{"value":{"lt":200}},{"unit":"K"}]}}}]}',
    "by words in the title": '/panosc-api/Datasets?filter={"limit":25,"where":{"title":'
    '{"ilike":"run 4711"}}}',
    "count everything": "/panosc-api/Datasets/count",
    "count a range of dates": '/panosc-api/Datasets/count?where={"creationDate":'
    '{"between":["2025-01-01","2025-03-01"]}}',
    "one dataset": "/panosc-api/Datasets/20.500.1%2F10000",
    "its files": "/panosc-api/Datasets/20.500.1%2F10000/files",
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
    """Compile no access condition at all, neither in SQL nor in the index."""
    with (
        mock.patch.object(Gate, "hidden", return_value=Query.empty_query()),
        mock.patch.object(opening, "shared_with", return_value=()),
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
            start = time.perf_counter()
            rebuild(engine, settings, lambda: datetime.now(UTC), tell=lambda _done, _total: None)
            print(f"indexed in {time.perf_counter() - start:.0f} s", flush=True)
            compare(engine, settings)


def compare(engine: sa.Engine, settings: Settings) -> None:
    """Print the times of three applications: the real one and two that ask nothing about access.

    The second finds out who asks and forgets it; the third does not even do that.
    """
    sessions = SessionStore(engine, settings, lambda: datetime.now(UTC))
    with engine.begin() as connection:
        row = {"provider": "p", "iss": "i", "sub": "s"}
        cookie = sessions.begin(connection, PERSON, **row)
    guarded, known, plain = (create_app(settings, engine) for _ in range(3))
    find = known.state.authenticate

    def forget(request: Request) -> Who:
        find(request)
        return asking.ANYONE

    known.state.authenticate = forget
    plain.dependency_overrides[asking.who_asks] = lambda: asking.ANYONE
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(app)) for app in (guarded, known, plain)]
        cookies = {sessions.cookie: cookie}
        client = stack.enter_context(httpx.Client(cookies=cookies, timeout=120, trust_env=False))
        show("question", ("with", "without", "unknown"))
        total = [0.0, 0.0, 0.0]
        for name, path in QUESTIONS.items():
            medians = turns(client, addresses, path)
            total = [one + more for one, more in zip(total, medians, strict=True)]
            show(name, [f"{one:.1f} ms" for one in medians], medians)
        show("all together", [f"{one:.1f} ms" for one in total], total)


def turns(client: httpx.Client, addresses: Sequence[str], path: str) -> list[float]:
    """Return the median time of each application, in milliseconds."""
    rounds: list[list[float]] = []
    for _ in range(ROUNDS + 1):
        spent = [timed(lambda: client.get(addresses[0] + path))]
        with unguarded():
            spent += [timed(lambda at=at: client.get(at + path)) for at in addresses[1:]]
        rounds.append(spent)
    # the first one warms up
    return [statistics.median(side) for side in zip(*rounds[1:], strict=True)]


def show(name: str, values: Sequence[str], ms: Sequence[float] = ()) -> None:
    """Print one row; with times also what access costs, without and with the login."""
    ratios = [f"{ms[0] / one:.2f}" for one in ms[1:]] if ms else ["access", "and login"]
    print(f"{name:<28}" + "".join(f"{one:>12}" for one in (*values, *ratios)), flush=True)


if __name__ == "__main__":
    main()
