"""The guarded client against real sockets: where it goes, what it reads, and for how long."""

import datetime as dt
import gzip
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_socket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.errors import Upstream
from panosc.identity.outbound import client, is_public, resolved
from panosc.settings import Settings

NAMED = Settings(outbound_hosts=("keycloak.facility", "127.0.0.1"))
PUBLIC = "93.184.216.34"
STOPPED = (pytest_socket.SocketConnectBlockedError, UserWarning)
"""How the tests' own guard stops a connection to the outside."""


@contextmanager
def answering(
    reply: Callable[[socket.socket, bytes], None],
    *,
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[int, list[bytes]]]:
    """A server of bytes: yields its port and the heads of the requests that came."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    plain, _ = listener.accept()
                except TimeoutError:
                    continue
                plain.settimeout(5)
                try:
                    with tls.wrap_socket(plain, server_side=True) if tls else plain as one:
                        asked.append(one.recv(65536))
                        reply(one, asked[-1])
                except OSError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            stop.set()
            thread.join()


def saying(body: bytes, *headers: str, status: str = "200 OK") -> Callable[..., None]:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return lambda one, _asked: one.sendall(head.encode() + body)


def refused(settings: Settings, url: str, **how: object) -> str:
    """The reason why a call fails; it has to name the host."""
    with client(settings, **how) as http, pytest.raises(Upstream) as caught:  # type: ignore[arg-type]
        http.get(url)
    assert caught.value.provider in caught.value.detail or caught.value.provider == "?"
    assert caught.value.hint
    return caught.value.detail


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    # one bad address among good ones is enough
    detail = refused(
        Settings(), "https://host.example/", resolve=lambda _host, _port: [PUBLIC, address]
    )
    assert "not in the public internet" in detail


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_called(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    # which the tests' own guard then stops
    with (
        client(Settings(), resolve=lambda _host, _port: [address]) as http,
        pytest.raises(STOPPED, match=address),
    ):
        http.get("https://host.example/")


@given(st.ip_addresses(v=4))
def test_no_address_that_python_calls_private_is_public(address: ipaddress.IPv4Address) -> None:
    if address.is_private or address.is_loopback or address.is_multicast or address.is_link_local:
        assert not is_public(address)


def test_a_name_is_resolved_once_and_that_address_is_called() -> None:
    # a resolver of an attacker: public when judged, the machine itself when called
    answers = [[PUBLIC], ["127.0.0.1"]]
    with (
        client(Settings(), resolve=lambda _host, _port: answers.pop(0)) as http,
        pytest.raises(STOPPED, match=PUBLIC),
    ):
        http.get("https://rebinding.example/")
    assert answers == [["127.0.0.1"]]


def test_each_call_is_judged_anew() -> None:
    with answering(saying(b"hello")) as (port, asked):
        answers = [["127.0.0.1"], ["169.254.169.254"]]
        with client(NAMED, resolve=lambda _host, _port: answers.pop(0)) as http:
            address = f"http://keycloak.facility:{port}/"
            assert http.get(address).text == "hello"
            with pytest.raises(Upstream, match="not in the public internet"):
                http.get(address)
    assert len(asked) == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"])
def test_a_trusted_name_does_not_lead_to_the_cloud_machine_itself(address: str) -> None:
    detail = refused(NAMED, "http://keycloak.facility/", resolve=lambda _host, _port: [address])
    assert "not in the public internet" in detail


@pytest.mark.parametrize(
    "spelling", ["keycloak.facility", "KEYCLOAK.facility", "Keycloak.Facility."]
)
def test_a_trusted_host_in_a_private_network_may_be_called_without_tls(spelling: str) -> None:
    with (
        answering(saying(b"{}")) as (port, asked),
        client(NAMED, resolve=lambda _host, _port: ["127.0.0.1"]) as http,
    ):
        assert http.get(f"http://{spelling}:{port}/realm?x=1").json() == {}
    assert asked[0].startswith(b"GET /realm?x=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "ftp://host.example/",
        "file:///etc/passwd",
        "gopher://host.example/",
        "//host.example/",
    ],
)
def test_only_tls_is_spoken_with_strangers(url: str) -> None:
    assert refused(Settings(), url, resolve=lambda _host, _port: [PUBLIC])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "0",
        "0.0.0.0",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_loopback_gets_through(scheme: str, host: str) -> None:
    with answering(saying(b"secret")) as (port, asked):
        refused(Settings(), f"{scheme}://{host}:{port}/")
    assert asked == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "loopback.example"])
def test_with_the_demos_login_only_the_usual_names_of_loopback_count(host: str) -> None:
    settings = Settings(dev_login=True)
    with answering(saying(b"fine")) as (port, asked):
        refused(settings, f"http://{host}:{port}/", resolve=lambda _host, _port: ["127.0.0.1"])
        assert asked == []
        with client(settings) as http:
            assert http.get(f"http://127.0.0.1:{port}/").text == "fine"
            assert http.get(f"http://localhost:{port}/").text == "fine"


def test_localhost_that_is_elsewhere_is_refused() -> None:
    detail = refused(
        Settings(dev_login=True), "http://localhost/", resolve=lambda _host, _port: ["10.0.0.1"]
    )
    assert "not in the public internet" in detail


@pytest.mark.parametrize(
    "url",
    [
        "https://keycloak.facility@host.example/",
        "https://keycloak.facility:x@127.0.0.1/",
        "http://127.0.0.1:80@host.example/",
        "https://:@host.example/",
    ],
)
def test_addresses_with_a_name_or_password_are_refused(url: str) -> None:
    assert refused(NAMED, url, resolve=lambda _host, _port: [PUBLIC])


@pytest.mark.parametrize(
    "url", ["https://exa mple/", "https://[::1/", "https://a:99999/", "https://", ""]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert refused(Settings(), url)


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "https://10.0.0.1/"],
)
def test_redirects_are_not_followed(target: str) -> None:
    reply = saying(b"", f"Location: {target}", status="302 Found")
    with answering(reply) as (port, asked), client(NAMED) as http:
        answer = http.get(f"http://127.0.0.1:{port}/")
        assert (answer.status_code, answer.headers["location"]) == (302, target)
        # a caller that insists is judged anew
        with pytest.raises(Upstream):
            http.get(f"http://127.0.0.1:{port}/", follow_redirects=True)
    assert len(asked) == 2


def test_an_answer_of_any_status_is_handed_on() -> None:
    with (
        answering(saying(b'{"error":"x"}', status="400 Bad Request")) as (port, _),
        client(NAMED) as http,
    ):
        answer = http.post(f"http://127.0.0.1:{port}/", data={"a": "b"})
        assert (answer.status_code, answer.json()) == (400, {"error": "x"})


def drip(one: socket.socket, _asked: bytes) -> None:
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
    for _ in range(300):
        one.sendall(b".")
        time.sleep(0.1)


def drip_head(one: socket.socket, _asked: bytes) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300:
        one.sendall(bytes([letter]))
        time.sleep(0.1)


def silence(one: socket.socket, _asked: bytes) -> None:
    one.recv(1)


@pytest.mark.parametrize("reply", [drip, drip_head, silence])
def test_slow_answers_end_by_the_deadline(reply: Callable[..., None]) -> None:
    # each byte comes in time; the whole does not
    with answering(reply) as (port, _):
        begun = time.monotonic()
        detail = refused(NAMED, f"http://127.0.0.1:{port}/", timeout_s=0.5)
        # the whole takes half a minute
        assert 0.4 < time.monotonic() - begun < 15
    assert "too long" in detail


def test_a_resolver_that_hangs_ends_by_the_deadline() -> None:
    gate = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        gate.wait(20)
        return [PUBLIC]

    begun = time.monotonic()
    detail = refused(Settings(), "https://host.example/", timeout_s=0.3, resolve=hang)
    assert time.monotonic() - begun < 15
    gate.set()
    assert "in time" in detail


@pytest.mark.parametrize("chunked", [False, True])
def test_large_answers_are_cut_off_early(chunked: bool) -> None:
    sent = 0

    def flood(one: socket.socket, _asked: bytes) -> None:
        nonlocal sent
        how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000"
        one.sendall(b"HTTP/1.1 200 OK\r\n" + how + b"\r\n\r\n")
        piece = b"x" * 65536
        for _ in range(400):
            one.sendall(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            sent += len(piece)

    with answering(flood) as (port, _):
        detail = refused(NAMED, f"http://127.0.0.1:{port}/", limit=200_000)
    assert "larger than 200000 bytes" in detail
    # what the kernel buffers, no more
    assert sent < 20_000_000


def test_an_endless_head_is_refused() -> None:
    def endless(one: socket.socket, _asked: bytes) -> None:
        one.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            one.sendall(b"X: " + b"y" * 10_000 + b"\r\n")

    with answering(endless) as (port, _):
        assert "cannot be reached" in refused(NAMED, f"http://127.0.0.1:{port}/")


def test_the_limit_holds_to_the_byte() -> None:
    with answering(saying(b"x" * 1000)) as (port, _), client(NAMED, limit=1000) as http:
        assert len(http.get(f"http://127.0.0.1:{port}/").content) == 1000
    with answering(saying(b"x" * 1001)) as (port, _):
        refused(NAMED, f"http://127.0.0.1:{port}/", limit=1000)


def test_packed_answers_are_unpacked_and_bombs_are_not() -> None:
    packed = gzip.compress(b'{"a": 1}')
    with (
        answering(saying(packed, "Content-Encoding: gzip")) as (port, asked),
        client(NAMED) as http,
    ):
        answer = http.get(f"http://127.0.0.1:{port}/")
        assert answer.json() == {"a": 1}
        assert "content-encoding" not in answer.headers
    assert b"Accept-Encoding: gzip\r\n" in asked[0]
    bomb = saying(gzip.compress(b"\0" * 100_000_000), "Content-Encoding: gzip")
    with answering(bomb) as (port, _):
        tracemalloc.start()
        detail = refused(NAMED, f"http://127.0.0.1:{port}/")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert "larger" in detail
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"\x0b\x02\x80hello\x03"),
        ("zstd", b"(\xb5/\xfd"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"hello"))),
        ("gzip", b"not packed"),
        ("gzip", gzip.compress(b"hello" * 100)[:-12]),
        ("gzip", gzip.compress(b"hello") + gzip.compress(b"again")),
    ],
    # Packed bytes hold the second in which they were packed: no name for a test.
    ids=["brotli", "zstd", "twice", "never", "cut", "two"],
)
def test_what_cannot_be_unpacked_is_refused(coding: str, body: bytes) -> None:
    with answering(saying(body, f"Content-Encoding: {coding}")) as (port, _):
        assert "packed" in refused(NAMED, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "reply", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"]
)
def test_what_is_no_answer_is_a_failure(reply: bytes) -> None:
    with answering(lambda one, _asked: one.sendall(reply)) as (port, _):
        assert "cannot be reached" in refused(NAMED, f"http://127.0.0.1:{port}/")


def test_a_service_that_is_down_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "cannot be reached" in refused(NAMED, f"http://127.0.0.1:{port}/")
    unknown = refused(Settings(), "https://unknown.invalid/", resolve=_unknown)
    assert "cannot be resolved" in unknown
    assert "cannot be resolved" in refused(
        Settings(), "https://unknown.invalid/", resolve=lambda _host, _port: []
    )


def _unknown(_host: str, _port: int) -> list[str]:
    raise socket.gaierror(-2, "Name or service not known")


def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    with (
        answering(saying(b"hello")) as (port, _),
        client(NAMED, resolve=lambda _host, _port: ["::1", "127.0.0.1"]) as http,
    ):
        assert http.get(f"http://keycloak.facility:{port}/").text == "hello"


def test_the_environment_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with answering(saying(b"hello")) as (port, asked), client(NAMED) as http:
        assert http.get(f"http://127.0.0.1:{port}/").text == "hello"
    assert b"authorization" not in asked[0].lower()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `keycloak.facility`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("keycloak.facility")]), False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "both.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cafile=folder / "both.pem")


def test_tls_is_for_the_name_although_the_address_was_called(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, trusting = certified
    seen: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    named = Settings(outbound_hosts=("keycloak.facility", "other.facility"))
    with answering(saying(b"hello"), tls=server) as (port, asked):
        here = {"resolve": lambda _host, _port: ["127.0.0.1"]}
        with client(named, tls=trusting, **here) as http:
            assert http.get(f"https://keycloak.facility:{port}/").text == "hello"
        assert seen == ["keycloak.facility"]
        assert f"Host: keycloak.facility:{port}\r\n".encode() in asked[0]
        wrong_name = refused(named, f"https://other.facility:{port}/", tls=trusting, **here)
        assert "cannot be reached" in wrong_name
        not_trusted = refused(named, f"https://keycloak.facility:{port}/", **here)
        assert "cannot be reached" in not_trusted
    assert len(asked) == 1


def test_the_systems_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in resolved("localhost", 80) + resolved("127.0.0.1", 80)
