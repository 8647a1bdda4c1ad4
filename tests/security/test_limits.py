"""One client cannot ask too often, guess, or send too much; others are not touched by it."""

import socket
from datetime import UTC, datetime

import httpx
import pytest
import security_node as given
from hypothesis import given as holds
from hypothesis import strategies as st
from pydantic import ValidationError

from panosc.domain.access import OPERATOR
from panosc.portal.guards.clients import Clients
from panosc.portal.guards.limits import GUESSES, LOCKED_S, Limits, Windows
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def limited(settings, **values):
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.0/8",), **values})


def from_(address):
    return {"X-Forwarded-For": address}


def test_loopback_has_no_limit_unless_told(node):
    assert {node.get("/accessibility").status_code for _ in range(30)} == {200}


def test_a_client_that_asks_too_often_waits_and_others_do_not(settings, engine):
    with given.running(limited(settings, rate_limit=20), engine) as node:
        first = [node.get("/", headers=from_("192.0.2.1")).status_code for _ in range(25)]
        assert first == [200] * 20 + [429] * 5
        assert node.get("/", headers=from_("192.0.2.2")).status_code == 200
        answer = node.get("/panosc-api/Datasets", headers=from_("192.0.2.1"))
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "60"
        assert answer.json()["type"].endswith("#too-many")
        assert answer.json()["error"]["statusCode"] == 429
        assert answer.headers["cache-control"] == "no-store"
        node.clock.pass_(seconds=60)
        assert node.get("/", headers=from_("192.0.2.1")).status_code == 200


def test_the_default_spares_this_machine_only(settings, engine):
    with given.running(limited(settings), engine) as node:
        with httpx.Client(trust_env=False, headers=from_("192.0.2.1")) as remote:
            found = [remote.get(node.address + "/test-whole").status_code for _ in range(601)]
        assert found[-2:] == [200, 429]
        assert node.get("/test-whole").status_code == 200


def test_a_proxy_on_this_machine_that_nobody_named_is_limited(settings, engine):
    with given.running(settings, engine) as node:
        found = [node.get("/login", headers=from_("192.0.2.1")).status_code for _ in range(61)]
    assert (set(found[:60]), found[60]) == ({200}, 429)


def test_where_credentials_are_handled_the_limit_is_lower(settings, engine):
    with given.running(limited(settings, rate_limit=200), engine) as node:
        found = [node.get("/login", headers=from_("192.0.2.1")).status_code for _ in range(21)]
        assert 429 not in found[:20]
        assert found[20] == 429
        assert node.get("/", headers=from_("192.0.2.1")).status_code == 200


def test_ipv6_addresses_of_one_network_are_one_client(settings, engine):
    with given.running(limited(settings, rate_limit=20), engine) as node:
        for number in range(20):
            node.get("/", headers=from_(f"2001:db8:1:2::{number:x}"))
        assert node.get("/", headers=from_("2001:db8:1:2:ffff::1")).status_code == 429
        assert node.get("/", headers=from_("2001:db8:1:3::1")).status_code == 200


# ---- guessing ----


def bad(node, address, secret, path="/panosc-api/Datasets"):
    headers = {**from_(address), "Authorization": f"Bearer {secret}"}
    return node.get(path, headers=headers).status_code


def test_who_guesses_tokens_is_locked_out_and_nobody_else(settings, engine):
    with given.running(limited(settings), engine) as node:
        made = node.identity.tokens.create(
            OPERATOR, name="good", scopes=("read",), days=1, owner="u-pi"
        )
        assert [bad(node, "192.0.2.1", f"guess{i}") for i in range(GUESSES)] == [401] * GUESSES
        assert bad(node, "192.0.2.1", "one more") == 429
        # not even with a good one: an answer would tell it from the others
        assert bad(node, "192.0.2.1", made.secret) == 429
        assert bad(node, "192.0.2.2", made.secret) == 200, "the account is not locked"
        assert node.get("/", headers=from_("192.0.2.1")).status_code == 200
        node.clock.pass_(seconds=LOCKED_S)
        assert bad(node, "192.0.2.1", made.secret) == 200


def test_a_program_that_repeats_an_old_token_does_not_lock_out_its_neighbours(settings, engine):
    with given.running(limited(settings), engine) as node:
        found = [bad(node, "192.0.2.1", "expired") for _ in range(3 * GUESSES)]
        assert set(found) == {401}
        assert bad(node, "192.0.2.1", "another") == 401


def test_every_wrong_code_of_a_device_counts(settings):
    async def wrong(scope, receive, send):
        await send({"type": "http.response.start", "status": 422, "headers": []})

    async def sent(message):
        assert message["status"] == 422

    limits = Limits(wrong, limited(settings, rate_limit=10_000), lambda: NOW)
    for number in range(GUESSES):
        state = {"client": "192.0.2.1"}
        scope = {"type": "http", "method": "POST", "path": "/device", "headers": [], "state": state}
        assert limits._guessed.seen("192.0.2.1")[0] == number
        with pytest.raises(StopIteration):
            limits(scope, None, sent).send(None)
        # the next request may lie where this one lay
        del scope, state
    assert limits._guessed.seen("192.0.2.1")[0] == GUESSES


def test_who_guesses_links_is_locked_out(settings, engine):
    with given.running(limited(settings), engine) as node:
        for number in range(GUESSES):
            assert node.get(f"/share/guess{number}", headers=from_("192.0.2.1")).status_code == 404
        assert node.get("/share/more", headers=from_("192.0.2.1")).status_code == 429
        assert node.get("/share/more", headers=from_("192.0.2.9")).status_code == 404


@holds(st.lists(st.tuples(st.text(max_size=2), st.floats(0, 100)), max_size=60))
def test_the_table_counts_like_a_list_and_stays_small(events):
    clock = given.Clock()
    table = Windows(clock, most=1000)
    begun: dict[str, tuple[float, int]] = {}
    for name, seconds in events:
        clock.pass_(seconds=seconds)
        now = clock().timestamp()
        start, number = begun.get(name, (now, 0))
        if now >= start + 60:
            start, number = now, 0
        begun[name] = (start, number + 1)
        assert table.count(name, 60)[0] == number + 1


def test_the_table_is_bounded():
    table = Windows(given.Clock(), most=100)
    for number in range(10_000):
        table.count(str(number), 60)
    assert 90 <= len(table) <= 100
    assert table.seen("9999")[0] == 1
    assert table.seen("0") == (0, 0)


# ---- who the client is ----


def client(headers, peer="10.0.0.1", trusted=("10.0.0.0/8",)):
    scope = {
        "type": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-for", value.encode("latin-1")) for value in headers],
    }
    return Clients(None, Settings(trusted_proxies=trusted)).client(scope)


@pytest.mark.parametrize(
    ("headers", "peer", "expected"),
    [
        ([], "10.0.0.1", "10.0.0.1"),
        (["192.0.2.1"], "10.0.0.1", "192.0.2.1"),
        (["192.0.2.1"], "192.0.2.99", "192.0.2.99"),
        (["1.1.1.1, 192.0.2.1"], "10.0.0.1", "192.0.2.1"),
        (["1.1.1.1, 192.0.2.1, 10.0.0.7"], "10.0.0.1", "192.0.2.1"),
        (["1.1.1.1", "192.0.2.1"], "10.0.0.1", "192.0.2.1"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.1", "10.0.0.3"),
        (["192.0.2.1, nonsense"], "10.0.0.1", "10.0.0.1"),
        (["192.0.2.1, "], "10.0.0.1", "10.0.0.1"),
        (["::ffff:192.0.2.1"], "::ffff:10.0.0.1", "192.0.2.1"),
        (["2001:db8::1"], "10.0.0.1", "2001:db8::/64"),
        (["é\xff"], "10.0.0.1", "10.0.0.1"),
        (["x"], "", "unknown"),
    ],
)
def test_forwarded_addresses_are_believed_from_the_right(headers, peer, expected):
    assert client(headers, peer) == expected


def test_nobody_is_believed_by_default(settings, engine):
    with given.running(settings.model_copy(update={"rate_limit": 20}), engine) as node:
        found = [node.get("/", headers=from_(f"192.0.2.{i}")).status_code for i in range(21)]
        assert found[20] == 429


@holds(st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=3))
def test_no_header_is_too_odd(headers):
    assert client(headers)


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=("10.0.0.0/99",))


# ---- sizes ----


def test_a_large_body_is_refused_before_it_is_read(node):
    answer = node.ask("POST", "/test-length", content=b"x" * 1_000_001)
    assert answer.status_code == 413
    assert answer.json()["type"].endswith("#too-large")
    assert node.ask("POST", "/test-length", content=b"x" * 1_000_000).text == "1000000"
    assert node.ask("POST", "/test-length", content=b"").text == "0"


def test_a_large_body_without_a_length_is_refused(node):
    pieces = (b"x" * 100_000 for _ in range(1000))
    try:
        status = node.ask("POST", "/test-length", content=pieces).status_code
    except httpx.WriteError:
        return  # closed while it was being sent
    assert status == 413
    small = (b"x" * 10 for _ in range(10))
    assert node.ask("POST", "/test-length", content=small).text == "100"


def test_half_a_body_is_not_acted_upon(node):
    host, _, port = node.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /test-act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf"
        )
    assert node.get("/accessibility").status_code == 200
    assert node.done == []


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "x", "1, 2"])
def test_a_length_that_is_none_is_refused(node, length):
    host, _, port = node.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST /test-length HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        status = connection.makefile("rb").readline().split()[1]
    assert int(status) in {400, 413}
