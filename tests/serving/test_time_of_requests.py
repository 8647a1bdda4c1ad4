"""A request has one limit of time for all that it asks, and an id in whatever answers it."""

import contextvars
import json
import logging
import re
import time

import httpx
import pytest
import sqlalchemy as sa
from fastapi.responses import StreamingResponse

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database, unlimited
from panosc.cli.serving import logs
from panosc.domain import underway
from panosc.domain.underway import Underway
from panosc.portal.guards.requests import _question

LIMIT_S = 0.8


@pytest.fixture
def address(settings):
    chosen = settings.model_copy(update={"query_time_limit_s": LIMIT_S, "slow_query_s": 0.2})
    with open_database(chosen, connections=2) as engine:
        app = create_app(chosen, engine)
        for name, part in [*long_routes(engine), ("limit", limit_of(engine)), ("broken", broken)]:
            app.add_api_route(f"/test-{name}", part, include_in_schema=False)
        with serving(app) as found:
            yield found


def nap(connection, seconds):
    connection.execute(sa.text("select pg_sleep(:s)"), {"s": seconds})


def long_routes(engine):
    def many(number: int, seconds: float, is_writing: bool = False) -> dict[str, int]:
        with engine.begin() as connection:
            if is_writing:
                unlimited(connection)
            for _ in range(number):
                nap(connection, seconds)
        return {"done": number}

    def alone(seconds: float) -> dict[str, str]:
        looking = engine.execution_options(isolation_level="AUTOCOMMIT")
        with looking.connect() as connection:
            for _ in range(4):
                nap(connection, seconds)
        return {}

    def stream() -> StreamingResponse:
        def pieces():
            yield "begun "
            for _ in range(3):
                with engine.connect() as connection:
                    nap(connection, LIMIT_S / 2)
            yield "done"

        return StreamingResponse(pieces())

    return [("many", many), ("alone", alone), ("stream", stream)]


def limit_of(engine):
    def limit() -> dict[str, str]:
        with engine.connect() as connection:
            return {"limit": connection.exec_driver_sql("show statement_timeout").scalar_one()}

    return limit


def broken() -> None:
    raise RuntimeError("a fault of ours")


def ask(address, path, **headers):
    began = time.monotonic()
    answer = httpx.get(address + path, trust_env=False, timeout=30, headers=headers)
    return answer, time.monotonic() - began


def test_all_questions_of_a_request_together_have_one_limit(address):
    # half a minute in all
    answer, seconds = ask(address, "/test-many?number=150&seconds=0.2")
    assert answer.status_code == 503
    assert LIMIT_S / 2 < seconds < 15
    said = answer.json()
    assert said["type"].endswith("#busy")
    assert "longer than this node allows" in said["detail"]
    assert "conditions" in said["hint"]
    assert said["requestId"] == answer.headers["x-request-id"]
    assert int(answer.headers["retry-after"]) > 0
    page, _ = ask(address, "/test-many?number=150&seconds=0.2", Accept="text/html")
    assert page.status_code == 503
    assert "longer than this node allows" in page.text
    assert page.headers["x-request-id"] in page.text
    # one that has little time left ends in time, too, and its connection is as before
    answer, seconds = ask(address, f"/test-many?number=3&seconds={LIMIT_S / 2}")
    assert answer.status_code == 503
    assert seconds < 15
    assert ask(address, "/test-limit")[0].json() == {"limit": "800ms"}


def test_a_connection_that_commits_by_itself_gets_its_limit_back(address):
    assert ask(address, f"/test-alone?seconds={LIMIT_S / 3}")[0].status_code == 503
    for _ in range(3):
        assert ask(address, "/test-limit")[0].json() == {"limit": "800ms"}


def test_writers_have_no_limit(address):
    answer, _ = ask(address, f"/test-many?number=3&seconds={LIMIT_S / 2}&is_writing=1")
    assert answer.json() == {"done": 3}


def test_a_shorter_limit_stays(engine):
    def look(first):
        with engine.begin() as connection:
            connection.exec_driver_sql(first)
            underway.begin(Underway(id="test-test", deadline=time.monotonic() + 2))
            shown = connection.exec_driver_sql("show statement_timeout").scalar_one()
            return int(re.sub("s$", "000", shown.replace("ms", "")))

    short = "set local statement_timeout = 100"
    assert contextvars.copy_context().run(look, short) == 100
    assert 1000 < contextvars.copy_context().run(look, "select 1") <= 2000


def test_an_answer_that_has_begun_takes_its_time(address):
    answer, seconds = ask(address, "/test-stream")
    assert answer.text == "begun done"
    assert seconds > LIMIT_S


def test_an_id_is_taken_or_made_and_stands_on_every_answer(address):
    for given, is_kept in [
        ("0a1b2c3d-4e5f", True),
        ("a" * 65, False),
        ("short", False),
        ('x"><script>8', False),
    ]:
        for path in ("/search", "/nothing", "/-/metrics", "/test-broken", "/static/1/none.css"):
            answer, _ = ask(address, path, **{"X-Request-Id": given})
            found = answer.headers["x-request-id"]
            assert (found == given) is is_kept
            if answer.status_code >= 400:
                assert answer.json()["requestId"] == found
            if answer.status_code == 500:
                assert f"(id {found})" in answer.json()["detail"]


def test_what_waits_too_long_for_a_connection_is_told_so(settings, monkeypatch):
    monkeypatch.setattr("panosc.catalogue.database.POOL_WAIT_S", 0.1)
    with open_database(settings, connections=1) as engine:
        app = create_app(settings, engine)
        with serving(app) as address, engine.connect():
            answer, _ = ask(address, "/panosc-api/Datasets/count")
    assert answer.status_code == 503
    assert "Too many" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("/search", "q=neutron+halo&technique=PaNET1", "q=neutron+halo&technique=PaNET1"),
        (
            "/search",
            "q=x&signed=ey.J&access_token=s",
            "q=x&signed=%E2%80%A6&access_token=%E2%80%A6",
        ),
        ("/auth/callback/demo", "code=secret&state=s", None),
        ("/share/ab", "x=1", None),
        ("/search", "", None),
    ],
)
def test_no_secret_is_in_a_question_that_is_logged(path, query, told):
    assert _question({"path": path, "query_string": query.encode()}) == told


def test_a_line_of_the_log_is_json_whatever_is_in_it():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nb “%s”", ("\udcff",), None)
    record.place = object()
    line = logs._Lines().format(record)
    assert "\n" not in line
    assert json.loads(line)["level"] == "error"
