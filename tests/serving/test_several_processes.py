"""Two web processes are one node: one address, one limit, one set of numbers."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter

import httpx
import pytest
import sqlalchemy as sa
from serving_node import commands, running, until

from panosc.portal.guards.limits import GUESSES

LIMIT = 60


@pytest.fixture(scope="module")
def node(new_database, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("serving") / "home"
    with (
        new_database(template) as database,
        running(
            home,
            database,
            "--workers",
            "2",
            rate_limit=LIMIT,
            trusted_proxies=["127.0.0.0/8"],
            metrics_hosts=["192.0.2.77/32"],
            slow_query_s=0.3,
        ) as found,
    ):
        found.database = database
        yield found


def from_(address):
    return {"X-Forwarded-For": address}


def numbers(node):
    text = node.get("/-/metrics", headers=from_("192.0.2.77")).text
    assert text.endswith("# EOF\n")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_they_are_ready_together_and_carry_no_secret_on_their_command_lines(node):
    assert len(node.workers()) == 2
    password = re.search(":([^:@]+)@", node.database)[1]
    ours = [words for pid, words in commands() if pid in node.left()]
    assert len(ours) == 3
    assert password not in json.dumps(ours)
    assert node.get("/-/health").json() == {"status": "ok"}
    assert node.get("/-/ready").json() | {"index": ""} == {
        "status": "ready",
        "database": "ok",
        "schema": "ok",
        "index": "",
    }


def test_their_numbers_are_those_of_the_node(node):
    path = "/panosc-api/Instruments/count"
    for number in range(30):
        assert node.get(path, headers=from_(f"198.51.100.{number}")).status_code == 200
    name = f'panosc_http_requests_total{{method="GET",route="{path}",status="2xx"}}'
    for _ in range(8):
        # whoever of them is asked
        found = numbers(node)
        assert found[name] == 30
        labels = f'method="GET",route="{path}"'
        assert found[f"panosc_http_request_duration_seconds_count{{{labels}}}"] == 30
        assert found[f'panosc_http_request_duration_seconds_bucket{{{labels},le="+Inf"}}'] == 30
        assert found["panosc_web_processes"] == 2
        assert found["panosc_http_requests_in_flight"] == 1, "the question for the numbers itself"
        assert found["panosc_database_connections_in_use"] >= 1


def test_a_limit_holds_for_all_of_them_together(node):
    codes = [
        node.get("/accessibility", headers=from_("192.0.2.1")).status_code
        for _ in range(LIMIT + 20)
    ]
    assert codes == [200] * LIMIT + [429] * 20
    assert node.get("/accessibility", headers=from_("192.0.2.2")).status_code == 200


def test_whoever_guesses_is_locked_out_of_all_of_them(node):
    def guess(secret):
        headers = {**from_("192.0.2.3"), "Authorization": f"Bearer {secret}"}
        return node.get("/panosc-api/Datasets/count", headers=headers).status_code

    assert [guess(f"guess{number}") for number in range(GUESSES)] == [401] * GUESSES
    assert [guess(f"more{number}") for number in range(8)] == [429] * 8


def test_a_slow_question_is_in_the_log(node):
    engine = sa.create_engine(node.database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("lock table dataset in access exclusive mode")
        timer = threading.Timer(0.6, connection.connection.rollback)
        timer.start()
        answer = node.get(
            "/search?q=neutron+halo",
            headers={**from_("192.0.2.4"), "X-Request-Id": "slow-question-1"},
        )
        timer.join()
    engine.dispose()
    assert answer.status_code == 200, node.log.read_text()[-3000:]

    def told():
        return [said for said in node.logged("panosc.slow") if said["route"] == "/search"]

    # the line is written after the answer
    assert until(told)
    (said,) = told()
    assert said["requestId"] == "slow-question-1" == answer.headers["x-request-id"]
    assert said["question"] == "q=neutron+halo"
    assert said["seconds"] >= 0.3
    assert said["status"] == 200
    assert numbers(node)["panosc_http_slow_requests_total"] >= 1


def test_one_is_killed_and_the_others_go_on(node):
    before = node.workers()
    ends = threading.Event()
    found = Counter()

    def ask(number):
        while not ends.is_set():
            try:
                answer = node.get("/-/ready", headers=from_(f"203.0.113.{number}"))
                found[answer.status_code] += 1
            except httpx.TransportError:
                found["broken"] += 1

    threads = [threading.Thread(target=ask, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    os.kill(before[0], signal.SIGKILL)
    reached = found[200]
    assert until(lambda: found[200] > reached + 20), "nobody answers any more"
    assert until(lambda: len(node.workers()) == 2 and before[0] not in node.workers())
    ends.set()
    for thread in threads:
        thread.join()
    # those that the killed one had in its hands, and those it took at that moment
    assert found["broken"] <= 2 * len(threads)
    assert set(found) <= {200, "broken"}
    assert "was killed by signal 9; another one is started" in node.log.read_text()[-3000:]
    assert before[1] in node.workers()
    assert until(lambda: numbers(node)["panosc_web_process_starts_total"] == 3)
    assert numbers(node)["panosc_http_requests_in_flight"] == 1
