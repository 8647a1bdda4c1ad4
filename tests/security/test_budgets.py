"""Nobody uses more in a day than their class may; nothing that was counted is lost."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import security_node as given
import sqlalchemy as sa
from hypothesis import HealthCheck
from hypothesis import given as holds
from hypothesis import settings as run
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from panosc.catalogue.people import usage
from panosc.data.untouched import PASSED_ON
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import OverBudget
from panosc.policy.budgets import Allowance, Budgets
from panosc.portal.guards.counting import Counting

FEW = {"open-data": Allowance(requests_per_day=3), "industry": Allowance(bytes_per_day=1000)}
PI = Who(person="u-pi", user_class="visitor", via="session")
FIRM = Who(person="u-firm", user_class="industry", via="token")


@pytest.fixture
def clock():
    return given.Clock()


@pytest.fixture
def budgets(engine, clock):
    return Budgets(engine, clock, lambda: FEW)


def rows(engine):
    query = sa.select(usage.c.subject, usage.c.day, usage.c.requests, usage.c.bytes)
    with engine.connect() as connection:
        return {
            (row.subject, row.day): (row.requests, row.bytes) for row in connection.execute(query)
        }


def test_anyone_is_counted_by_address_as_open_data_user(budgets, clock):
    for _ in range(3):
        assert budgets.admit(ANYONE, "192.0.2.1") == "address:192.0.2.1"
    with pytest.raises(OverBudget) as refused:
        budgets.admit(ANYONE, "192.0.2.1")
    assert "3 of 3 requests" in refused.value.detail
    assert "'open-data'" in refused.value.detail
    assert refused.value.retry_after == 12 * 3600 + 1
    budgets.admit(ANYONE, "192.0.2.2")
    assert budgets.used(ANYONE, "192.0.2.1").requests == 3, "a refusal is not counted"
    clock.pass_(hours=12)
    budgets.admit(ANYONE, "192.0.2.1")


def test_bytes_are_counted_and_a_class_without_an_allowance_has_no_limit(budgets):
    payer = budgets.admit(FIRM, "192.0.2.1")
    budgets.spend(payer, 999)
    budgets.admit(FIRM, "192.0.2.1")
    budgets.spend(payer, 1)
    with pytest.raises(OverBudget, match="1000 of 1000 bytes"):
        budgets.admit(FIRM, "192.0.2.7")
    for _ in range(100):
        budgets.spend(budgets.admit(PI, "192.0.2.1"), 10**15)
    used = budgets.used(PI)
    assert (used.requests, used.bytes) == (100, 10**17)
    assert used.allowance == Allowance()


def test_a_shell_on_the_node_has_no_budget(budgets, engine):
    assert budgets.admit(OPERATOR, "x") is None
    budgets.write()
    assert rows(engine) == {}


def test_what_is_counted_reaches_the_table_and_comes_back(engine, clock, budgets):
    budgets.spend(budgets.admit(PI, "x"), 500)
    budgets.write()
    budgets.spend(budgets.admit(PI, "x"), 50)
    budgets.write()
    budgets.write()
    assert rows(engine) == {("u-pi", date(2026, 6, 1)): (2, 550)}
    again = Budgets(engine, clock).used(PI)
    assert (again.requests, again.bytes) == (2, 550)


def test_two_processes_add_up(engine, clock):
    first, second = (Budgets(engine, clock, lambda: FEW) for _ in range(2))
    for _ in range(2):
        first.admit(ANYONE, "a")
        second.admit(ANYONE, "a")
    first.write()
    second.write()
    assert rows(engine)["address:a", date(2026, 6, 1)] == (4, 0)
    with pytest.raises(OverBudget):
        second.admit(ANYONE, "a")
    # the other learns of it when it writes what it has itself
    first.spend("address:a", 1)
    first.write()
    with pytest.raises(OverBudget):
        first.admit(ANYONE, "a")


def test_a_database_that_is_away_loses_nothing(engine, clock, budgets, monkeypatch, caplog):
    budgets.admit(PI, "x")

    def away():
        raise OperationalError("select secret", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(engine.__class__, "begin", lambda *_: away())
        budgets._write_if_possible()
    assert "could not be written" in caplog.text
    assert "secret" not in caplog.text
    budgets.write()
    assert rows(engine)["u-pi", date(2026, 6, 1)] == (1, 0)


def test_it_is_written_by_itself_and_at_the_end(engine, clock):
    budgets = Budgets(engine, clock, write_every_s=0.05)
    with budgets:
        budgets.admit(PI, "x")
        limit = threading.Event()
        for _ in range(200):
            if rows(engine):
                break
            limit.wait(0.05)
        assert rows(engine)["u-pi", date(2026, 6, 1)] == (1, 0)
    slow = Budgets(engine, clock, write_every_s=1000)
    with slow:
        slow.admit(PI, "x")
    assert rows(engine)["u-pi", date(2026, 6, 1)] == (2, 0)


def test_midnight_loses_nothing_and_begins_again(engine, clock, budgets):
    budgets.admit(FIRM, "x")
    clock.pass_(hours=13)
    budgets.admit(FIRM, "x")
    budgets.write()
    days = {day: used for (_, day), used in rows(engine).items()}
    assert days == {date(2026, 6, 1): (1, 0), date(2026, 6, 2): (1, 0)}
    assert list(budgets._counts) == [(date(2026, 6, 2), "u-firm")]


def test_addresses_are_forgotten_and_people_are_not(engine, clock, budgets):
    budgets.admit(ANYONE, "192.0.2.1")
    budgets.admit(PI, "192.0.2.1")
    budgets.write()
    clock.pass_(days=3)
    budgets.write()
    assert [subject for subject, _ in rows(engine)] == ["u-pi"]


def test_memory_is_bounded(budgets, monkeypatch):
    monkeypatch.setattr("panosc.policy.budgets.MOST_KNOWN", 10)
    for number in range(30):
        budgets.admit(ANYONE, f"a{number}")
    budgets.write()
    assert len(budgets._counts) == 0
    for _ in range(2):
        budgets.admit(ANYONE, "a1")
    with pytest.raises(OverBudget):
        budgets.admit(ANYONE, "a1")


@holds(st.lists(st.integers(0, 5), min_size=1, max_size=120))
@run(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_count_is_lost_however_many_count_at_once(engine, sizes):
    clock = given.Clock()
    budgets = Budgets(engine, clock, write_every_s=0.001)
    with engine.begin() as connection:
        connection.execute(sa.delete(usage))

    def count(size):
        budgets.spend(budgets.admit(Who(person=f"u-{size % 2}"), "x"), size)

    with budgets, ThreadPoolExecutor(8) as pool:
        list(pool.map(count, sizes))
    found = rows(engine)
    for person in (0, 1):
        own = [size for size in sizes if size % 2 == person]
        expected = (len(own), sum(own)) if own else None
        assert found.get((f"u-{person}", given.NOW.date())) == expected


def test_no_more_get_through_than_may_however_many_ask_at_once(budgets):
    def ask(_):
        try:
            budgets.admit(ANYONE, "a")
        except OverBudget:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(300))) == 3


# ---- over HTTP ----


def test_a_node_counts_answers_and_refuses(settings, engine):
    with given.running(settings, engine) as node:
        budgets = node.app.state.asking[1].__self__
        budgets._allowances = lambda: {"open-data": Allowance(requests_per_day=5)}
        assert node.get("/test-whole?size=5000").status_code == 200
        assert node.get("/test-whole?size=3000000").status_code == 200
        used = budgets.used(ANYONE, "127.0.0.1")
        assert (used.requests, used.bytes) == (2, 3_005_000)
        for _ in range(20):
            node.get("/.well-known/security.txt")
            node.get("/-/health")
            node.get("/login")
        assert budgets.used(ANYONE, "127.0.0.1").requests == 2
        for _ in range(3):
            assert node.get("/panosc-api/Datasets").status_code == 200
        answer = node.get("/panosc-api/Datasets")
        assert answer.status_code == 429
        assert answer.json()["type"].endswith("#over-budget")
        assert int(answer.headers["retry-after"]) == 12 * 3600 + 1
        assert answer.headers["access-control-allow-origin"] == "*"
        page = node.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 429
        assert "The budget of a day is used up" in page.text
        # each has a budget of their own
        assert node.get("/panosc-api/Datasets", headers=node.cookie("pi")).status_code == 200
        assert node.ask("HEAD", "/test-whole?size=1000").status_code in {405, 429}
    assert rows(engine)["address:127.0.0.1", given.NOW.date()][0] == 5


def test_what_the_system_passes_on_is_counted_as_what_is_sent(budgets):
    payer = budgets.admit(FIRM, "x")

    async def answer(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for count in (3 << 20, 500):
            await send({"type": PASSED_ON, "file": 0, "offset": 0, "count": count})
        await send({"type": "http.response.body", "body": b"!"})

    async def drop(_message):
        pass

    scope = {"type": "http", "method": "GET", "state": {"payer": payer}}
    asyncio.run(Counting(answer, budgets=budgets)(scope, drop, drop))
    assert budgets.used(FIRM).bytes == (3 << 20) + 501
