"""Many calls out at once, against real sockets: where they go, what they read, for how long."""

import asyncio
import datetime as dt
import gzip
import ssl
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_socket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from panosc.identity.outbound import default_tls, rules
from panosc.identity.outbound.beyond import (
    MOST_AT_ONE_PLACE,
    Beyond,
    Bounds,
    Failed,
    beyond,
)
from panosc.settings import Settings

PUBLIC = "93.184.216.34"
BOUNDS = Bounds(seconds=5, limit=1 << 20)
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 2\r\n\r\nhi"
TLS = default_tls()
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(
    reply: Reply | bytes, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """A server: yields its port and the heads of the requests that came; keeps connections."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if isinstance(reply, bytes):
                writer.write(reply)
                await writer.drain()
                if b"Connection: close" in reply or not reply.startswith(b"HTTP"):
                    break
            else:
                await reply(writer)

    async with listening(serve, tls=tls) as port:
        yield port, asked


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """A server that leaves nothing behind."""
    tasks: set[asyncio.Task[Any]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
                await writer.drain()
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        while tasks:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def calls(
    *,
    trusted: Iterable[str] = ("127.0.0.1",),
    addresses: list[str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Beyond]:
    """What is tried, with a resolver that gives `addresses` for any name."""
    how: dict[str, Any] = {}
    if addresses is not None:
        how["resolve"] = lambda _host, _port: addresses
    settings = Settings(home=Path("/nonexistent"))
    async with beyond(settings, trusted=trusted, tls=tls or TLS, **how) as found:
        yield found


async def get(client: Beyond, url: str, bounds: Bounds = BOUNDS, **headers: str) -> httpx.Response:
    request = httpx.Request("GET", url, headers=headers)
    return await client.call(request, bounds, name="there")


async def failure(client: Beyond, url: str, bounds: Bounds = BOUNDS) -> Failed:
    with pytest.raises(Failed) as caught:
        await get(client, url, bounds)
    assert caught.value.provider == "there"
    assert caught.value.detail.startswith("there was not used: ")
    return caught.value


def run(what: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(what)


# -- where calls go -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%1",
    ],
)
def test_names_that_lead_to_no_public_address_are_refused(address: str) -> None:
    async def go() -> None:
        # alone, and as one of several
        for addresses in ([address], [PUBLIC, address]):
            async with calls(addresses=addresses) as client:
                error = await failure(client, "https://host.example/")
                assert error.reason == "refused"
                assert "not in the public internet" in error.detail

    run(go())


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"])
def test_leave_for_a_host_does_not_open_the_services_of_the_machine(address: str) -> None:
    async def go() -> None:
        async with calls(trusted=["scicat.facility"], addresses=[address]) as client:
            assert (await failure(client, "http://scicat.facility/")).reason == "refused"

    run(go())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "①②⑦.⓪.⓪.①",
        "0",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_loopback_gets_through(scheme: str, host: str) -> None:
    async def go() -> None:
        async with answering(FINE) as (port, asked), calls(trusted=()) as client:
            with suppress(httpx.InvalidURL):
                await failure(client, f"{scheme}://{host}:{port}/")
            assert asked == []

    run(go())


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/",
        "ftp://host.example/",
        "file:///etc/passwd",
        "//host.example/",
        "https:///path",
        "https://scicat.facility@host.example/",
        "http://user:x@scicat.facility/",
        "https://:@host.example/",
    ],
)
def test_addresses_that_must_not_be_called_are_refused(url: str) -> None:
    async def go() -> None:
        async with calls(trusted=["scicat.facility"], addresses=[PUBLIC]) as client:
            assert (await failure(client, url)).reason == "refused"

    run(go())


def test_a_public_address_is_called_by_the_address_that_was_judged() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def go() -> None:
        settings = Settings(home=Path("/nonexistent"))
        async with beyond(settings, resolve=lambda *_: answers.pop(0), tls=TLS) as client:
            await get(client, "https://rebinding.example/")

    # which the tests' own guard then stops
    with pytest.raises(ExceptionGroup) as caught:
        run(go())
    (stopped,) = caught.value.exceptions
    assert isinstance(stopped, pytest_socket.SocketConnectBlockedError | UserWarning)
    assert PUBLIC in str(stopped)
    assert answers == [["127.0.0.1"]]


def test_a_name_that_turns_inward_between_two_calls_is_judged_anew() -> None:
    async def go() -> None:
        addresses = ["127.0.0.1"]
        trusted = ["scicat.facility"]
        async with (
            answering(FINE) as (port, asked),
            answering(FINE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as (other, _),
            calls(trusted=trusted, addresses=addresses) as client,
        ):
            for where in (port, other):
                assert (await get(client, f"http://scicat.facility:{where}/")).text == "hello"
            addresses[:] = ["169.254.169.254"]
            # a kept connection still leads to where it was judged to lead
            assert (await get(client, f"http://scicat.facility:{port}/")).text == "hello"
            assert len(asked) == 2
            error = await failure(client, f"http://scicat.facility:{other}/")
            assert error.reason == "refused"

    run(go())


# -- redirects ------------------------------------------------------------------------------------


def moved(to: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "refused"),
        ("https://10.0.0.1/", "refused"),
        ("https://[fd00:ec2::254]/", "refused"),
        ("http://127.0.0.1:{other}/", "refused"),
        ("https://127.0.0.1:{port}/", "refused"),
        ("http://localhost:{other}/", "refused"),
        ("http://me:x@127.0.0.1:{port}/", "refused"),
        ("file:///etc/passwd", "refused"),
        ("http://[::1", "garbage"),
        ("http://a:99999/", "refused"),
    ],
)
def test_a_private_host_leads_on_to_itself_alone(target: str, reason: str) -> None:
    async def go() -> None:
        async with answering(FINE) as (other, never):
            holder: list[bytes] = [b""]

            async def reply(writer: asyncio.StreamWriter) -> None:
                writer.write(holder[0])
                await writer.drain()

            async with (
                answering(reply) as (port, asked),
                calls(trusted=["127.0.0.1", "localhost"]) as client,
            ):
                holder[0] = moved(target.format(port=port, other=other))
                assert (await failure(client, f"http://127.0.0.1:{port}/")).reason == reason
                assert len(asked) == 1
            assert never == []

    run(go())


def test_redirects_within_a_server_are_followed_with_what_proves_who_asks() -> None:
    async def go() -> None:
        answers = [moved("/other?x=1", "307 Temporary Redirect"), FINE]

        async def reply(writer: asyncio.StreamWriter) -> None:
            writer.write(answers.pop(0))
            await writer.drain()

        async with answering(reply) as (port, asked), calls() as client:
            url = f"http://127.0.0.1:{port}/"
            assert (await get(client, url, Authorization="Bearer x")).text == "hello"
            assert asked[1].startswith("GET /other?x=1 ")
            assert "Bearer x" in asked[1]
            # what changes something is not sent on
            answers[:] = [moved("/other"), FINE]
            posted = await client.call(httpx.Request("POST", url), BOUNDS, name="there")
            assert posted.status_code == 302

    run(go())


def test_an_endless_redirect_is_given_up() -> None:
    async def go() -> None:
        async with answering(moved("/again")) as (port, asked), calls() as client:
            error = await failure(client, f"http://127.0.0.1:{port}/")
            assert "redirects more than" in error.detail
            assert len(asked) == 4

    run(go())


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for two public names, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("public.example"), x509.DNSName("elsewhere.example")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


@pytest.fixture
def public_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback counts as the public internet: there is no other in a test."""
    monkeypatch.setattr(rules, "is_public", lambda _address: True)


@pytest.mark.usefixtures("public_here")
def test_a_stranger_does_not_lead_to_a_host_that_has_leave(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, trusting = certified

    async def go() -> None:
        async with answering(FINE) as (inner, asked):
            for target in (f"http://scicat.facility:{inner}/", f"http://SCICAT.facility.:{inner}/"):
                async with (
                    answering(moved(target), tls=server) as (port, _),
                    calls(
                        trusted=["scicat.facility"], addresses=["127.0.0.1"], tls=trusting
                    ) as client,
                ):
                    error = await failure(client, f"https://public.example:{port}/")
                    assert error.reason == "refused"
                    assert "leave does not cover" in error.detail
            assert asked == []

    run(go())


@pytest.mark.usefixtures("public_here")
def test_what_proves_who_asks_goes_to_no_other_place(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, trusting = certified

    async def go() -> None:
        async with answering(FINE, tls=server) as (second, asked):
            to = moved(f"https://elsewhere.example:{second}/")
            async with (
                answering(to, tls=server) as (port, _),
                calls(trusted=(), addresses=["127.0.0.1"], tls=trusting) as client,
            ):
                secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "x"}
                url = f"https://public.example:{port}/"
                answer = await get(client, url, Accept="text/xml", **secrets)
                assert answer.text == "hello"
            head = asked[0].lower()
            assert f"host: elsewhere.example:{second}" in head
            assert "accept: text/xml" in head
            assert not [word for word in ("bearer", "cookie", "x-api-key") if word in head]

    run(go())


# -- TLS, and what is no answer -------------------------------------------------------------------


@pytest.mark.usefixtures("public_here")
def test_wrong_tls_is_told_as_such(certified: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, trusting = certified
    here = ["127.0.0.1"]

    async def go() -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(FINE)

        async with answering(FINE, tls=server) as (port, asked), listening(speak) as plain:
            async with calls(trusted=(), addresses=here, tls=trusting) as client:
                wrong_name = await failure(client, f"https://other.example:{port}/")
                no_tls = await failure(client, f"https://public.example:{plain}/")
            async with calls(trusted=(), addresses=here) as client:
                unknown = await failure(client, f"https://public.example:{port}/")
            assert [wrong_name.reason, unknown.reason, no_tls.reason] == ["tls"] * 3
            assert asked == []

    run(go())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhi", "broken-off"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhi",
            "broken-off",
        ),
        (b"", "broken-off"),
        (b"hello\r\n\r\n", "garbage"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "garbage"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nhi\r\n",
            "garbage",
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + b"X: y\r\n" * 30_000 + b"\r\n", "garbage"),
        (PACKED % b"br", "garbage"),
        (PACKED % b"gzip", "garbage"),
    ],
    ids=["short", "chunk", "nothing", "words", "tls", "no-chunk", "long-head", "brotli", "no-gzip"],
)
def test_what_is_no_answer_is_told_by_its_kind(reply: bytes, reason: str) -> None:
    async def go() -> None:
        async with answering(reply) as (port, _), calls() as client:
            assert (await failure(client, f"http://127.0.0.1:{port}/")).reason == reason

    run(go())


def test_a_service_that_is_down_and_a_name_that_is_none_are_unreachable() -> None:
    async def go() -> None:
        async with answering(FINE) as (port, _):
            pass
        async with calls() as client:
            assert (await failure(client, f"http://127.0.0.1:{port}/")).reason == "unreachable"
        async with calls(addresses=[]) as client:
            assert (await failure(client, "https://unknown.invalid/")).reason == "unreachable"

    run(go())


def test_a_connection_that_ends_as_it_is_taken_is_made_anew() -> None:
    async def go() -> None:
        number = 0

        async def reply(writer: asyncio.StreamWriter) -> None:
            nonlocal number
            number += 1
            if number == 2:
                # the second request on a kept connection: it had just been given up
                writer.close()
                return
            writer.write(FINE)
            await writer.drain()

        async with answering(reply) as (port, asked), calls() as client:
            for _ in range(2):
                assert (await get(client, f"http://127.0.0.1:{port}/")).text == "hello"
            assert len(asked) == 3

    run(go())


# -- how much, and for how long -------------------------------------------------------------------


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(600):
        writer.write(b".")
        await asyncio.sleep(0.05)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 600:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.05)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize("reply", [drip, drip_head, silence])
def test_slow_answers_end_by_the_deadline(reply: Reply) -> None:
    async def go() -> None:
        async with answering(reply) as (port, _), calls() as client:
            begun = time.monotonic()
            bounds = Bounds(seconds=0.3, limit=1000)
            error = await failure(client, f"http://127.0.0.1:{port}/", bounds)
            assert error.reason == "late"
            # the whole takes half a minute
            assert 0.25 < time.monotonic() - begun < 15

    run(go())


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_of_a_gigabyte_does_not_fill_the_memory(chunked: bool) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1073741824"
        writer.write(b"HTTP/1.1 200 OK\r\n" + how + b"\r\n\r\n")
        piece = b"x" * 65536
        for _ in range(1 << 14):
            writer.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            await writer.drain()
            sent += len(piece)

    async def go() -> int:
        async with answering(flood) as (port, _), calls() as client:
            tracemalloc.start()
            bounds = Bounds(seconds=20, limit=2 << 20)
            error = await failure(client, f"http://127.0.0.1:{port}/", bounds)
            assert error.reason == "too-large"
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return peak

    assert run(go()) < 8 << 20
    # what the kernel buffers, no more
    assert sent < 20 << 20


def test_a_bomb_is_not_unpacked() -> None:
    packed = gzip.compress(b"\0" * 100_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"

    async def go() -> int:
        async with answering(head.encode() + packed) as (port, asked), calls() as client:
            tracemalloc.start()
            error = await failure(client, f"http://127.0.0.1:{port}/")
            assert error.reason == "too-large"
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert "accept-encoding: gzip\r\n" in asked[0].lower()
            return peak

    assert run(go()) < 8 << 20


def test_the_limit_holds_to_the_byte() -> None:
    async def go() -> None:
        async with answering(FINE) as (port, _), calls() as client:
            url = f"http://127.0.0.1:{port}/"
            assert (await get(client, url, Bounds(seconds=5, limit=5))).text == "hello"
            error = await failure(client, url, Bounds(seconds=5, limit=4))
            assert error.reason == "too-large"

    run(go())


# -- many at once ---------------------------------------------------------------------------------


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; how long that takes says more of the machine."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_call_that_is_given_up_frees_its_connection() -> None:
    async def go() -> None:
        begun = ended = 0

        async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            nonlocal begun, ended
            await reader.readuntil(b"\r\n\r\n")
            begun += 1
            # nothing is answered; this ends when the other side has gone
            await reader.read()
            ended += 1

        async with listening(serve) as port, calls() as client:
            url = f"http://127.0.0.1:{port}/"
            bounds = Bounds(seconds=60, limit=1000)
            for number in (1, 2):
                tasks = [
                    asyncio.create_task(get(client, url, bounds))
                    for _ in range(MOST_AT_ONE_PLACE + 5)
                ]
                await until(lambda: begun == number * MOST_AT_ONE_PLACE)  # noqa: B023
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                assert all(task.cancelled() for task in tasks)
                await until(lambda: ended == begun)

    run(go())


def test_a_host_that_hangs_does_not_starve_the_others() -> None:
    async def go() -> None:
        async with (
            answering(silence) as (hanging, asked),
            answering(FINE) as (port, _),
            calls() as client,
        ):
            bounds = Bounds(seconds=60, limit=1000)
            stuck = [
                asyncio.create_task(get(client, f"http://127.0.0.1:{hanging}/", bounds))
                for _ in range(250)
            ]
            await until(lambda: len(asked) == MOST_AT_ONE_PLACE)
            fair = Bounds(seconds=10, limit=1000)
            good = await asyncio.gather(
                *(get(client, f"http://127.0.0.1:{port}/", fair) for _ in range(60))
            )
            assert {answer.text for answer in good} == {"hello"}
            assert len(asked) == MOST_AT_ONE_PLACE
            assert not any(task.done() for task in stuck)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    run(go())


def test_connections_to_a_place_that_is_not_called_any_more_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def go() -> None:
        begun = ended = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal begun, ended
            begun += 1
            with suppress(asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(FINE)
            ended += 1

        monkeypatch.setattr("panosc.identity.outbound.beyond.KEPT_S", 0.3)
        async with (
            listening(serve) as left,
            listening(serve) as other,
            answering(silence) as (hanging, asked),
            answering(FINE) as (port, _),
            calls() as client,
        ):
            stuck = asyncio.create_task(get(client, f"http://127.0.0.1:{hanging}/"))
            for place in (left, other):
                await get(client, f"http://127.0.0.1:{place}/")
            assert (begun, ended) == (2, 0)
            await until(lambda: bool(asked))
            await asyncio.sleep(0.4)
            # many at once: none may close what another closes
            await asyncio.gather(*(get(client, f"http://127.0.0.1:{port}/") for _ in range(9)))
            await until(lambda: ended == 2)
            # one that is still waited for is not among them
            assert not stuck.done()
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)

    run(go())


def test_a_resolver_that_hangs_costs_one_thread_and_the_deadline() -> None:
    gate = threading.Event()
    asked = 0

    def hang(_host: str, _port: int) -> list[str]:
        nonlocal asked
        asked += 1
        gate.wait(20)
        return [PUBLIC]

    async def go() -> None:
        settings = Settings(home=Path("/nonexistent"))
        async with beyond(settings, resolve=hang, tls=TLS) as client:
            bounds = Bounds(seconds=0.5, limit=1000)
            begun = time.monotonic()
            found = await asyncio.gather(
                *(failure(client, "https://host.example/", bounds) for _ in range(20))
            )
            assert time.monotonic() - begun < 15
            assert {error.reason for error in found} == {"late"}
        assert asked == 1

    run(go())
    gate.set()


def test_the_environment_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def go() -> None:
        async with answering(FINE) as (port, asked), calls() as client:
            assert (await get(client, f"http://127.0.0.1:{port}/")).text == "hello"
            assert "authorization" not in asked[0].lower()

    run(go())
