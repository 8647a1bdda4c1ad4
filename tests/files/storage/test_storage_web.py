"""Ranges by HTTP from servers that lie, stall, fail and send readers elsewhere."""

import datetime as dt
import random
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from range_server import RangeServer, serving
from seaweed import KEY, SECRET, Seaweed

from panosc.domain.errors import Unreachable, Unreadable
from panosc.files.storage import opening, s3
from panosc.files.storage.opening import Source, open_source
from panosc.files.storage.places import Store

DATA = random.Random(7).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with serving(DATA) as it:
        yield it


@pytest.fixture(autouse=True)
def _no_connections_left() -> Iterator[None]:
    # a server that is gone leaves its sockets to us
    yield
    opening.disconnect()


def store_of(server: RangeServer, **changed: Any) -> Store:
    url = f"http://127.0.0.1:{server.port}/data/"
    values = {"name": "web", "url": url, "private": True, "time_limit_s": 20.0}
    return Store(**(values | changed))


def source_of(server: RangeServer, name: str = "a.h5", **changed: Any) -> Source:
    store = store_of(server, **changed)
    return open_source(store.url + name, [store], size=len(DATA))


def test_ranges_are_exact(server: RangeServer) -> None:
    source = source_of(server)
    chance = random.Random(1)
    ranges = [(0, 1), (len(DATA) - 1, 1), (5, 0)]
    ranges += [(chance.randrange(2_500_000), chance.randrange(1, 400_000)) for _ in range(10)]
    for offset, size in ranges:
        assert source.pread(offset, size) == DATA[offset : offset + size]
    assert source.pread_many(ranges) == [DATA[at : at + size] for at, size in ranges]
    assert b"".join(source.stream()) == DATA
    assert source.state(len(DATA), source.mtime_ns) is None
    assert source.state(len(DATA) + 1, source.mtime_ns) == "changed"
    assert source.state(len(DATA), source.mtime_ns + 1) == "changed"
    assert source_of(server, "missing").state(1, 1) == "gone"


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        ("ignoring", "ignores which part"),
        ("other range", "another part"),
        ("longer", "another part"),
        ("longer than told", "more or less"),
        ("chunked longer", "more than was asked"),
        ("shorter", "cannot be read from"),
        ("shorter and well framed", "more or less"),
        ("packed", "packs its answers"),
        ("several ranges", "206 and no range"),
        ("no range told", "206 and no range"),
        ("failing", "503"),
        ("hanging up", "cannot be read from"),
    ],
)
def test_a_server_that_does_not_do_as_asked(server: RangeServer, manner: str, told: str) -> None:
    server.manner = manner
    with pytest.raises(Unreachable, match=told) as caught:
        source_of(server).pread(1000, 2000)
    assert caught.value.reason == "not-reachable"
    server.manner = "well"
    # the connection that was left half read is not used for the next one
    assert source_of(server).pread(1000, 2000) == DATA[1000:3000]


@pytest.mark.parametrize("manner", ["shorter", "failing", "hanging up"])
def test_what_fails_twice_is_tried_a_third_time(server: RangeServer, manner: str) -> None:
    server.manner, server.times = manner, 2
    assert source_of(server).pread(7, 100_000) == DATA[7:100_007]
    assert len(server.asked) == 3
    server.times = 2
    assert b"".join(source_of(server).stream(9)) == DATA[9:]


def test_a_whole_file_may_come_without_a_range(server: RangeServer) -> None:
    server.manner = "ignoring"
    assert b"".join(source_of(server).stream()) == DATA


def test_no_connection_is_left_that_was_being_made_as_all_were_closed(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[httpcore.NetworkStream] = []
    connect = httpcore.SyncBackend.connect_tcp

    def late(*given: Any, **named: Any) -> httpcore.NetworkStream:
        made.append(connect(*given, **named))
        opening.disconnect()
        return made[-1]

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", late)
    source = source_of(server)
    for _ in range(2):
        assert source.pread(7, 1000) == DATA[7:1007]
    assert [one.get_extra_info("socket").fileno() for one in made] == [-1, -1]


@pytest.mark.parametrize("manner", ["silent", "dripping"])
def test_a_server_that_takes_its_time(server: RangeServer, manner: str) -> None:
    server.manner = manner
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="too long"):
        source_of(server, time_limit_s=0.5).pread(0, 100_000)
    assert time.monotonic() - begun < 15


def test_another_content_is_noticed(server: RangeServer) -> None:
    source = source_of(server)
    source.pread(0, 5)
    for changed in ({"etag": '"two"'}, {"modified": "Mon, 23 Nov 2026 00:00:01 GMT"}):
        before = {name: getattr(server, name) for name in changed}
        vars(server).update(changed)
        with pytest.raises(Unreadable) as caught:
            source.pread(0, 5)
        assert caught.value.reason == "changed"
        vars(server).update(before)
        assert source.pread(0, 5) == DATA[:5]
    server.data = DATA[:-1]
    with pytest.raises(Unreadable, match="has changed"):
        source.pread(0, 5)
    server.data = b""
    with pytest.raises(Unreadable, match="has changed"):
        source.pread(0, 5)


def test_etags_that_are_not_believed(server: RangeServer) -> None:
    source = source_of(server, use_etag=False)
    source.pread(0, 5)
    server.etag = '"of another machine"'
    assert source.pread(0, 5) == DATA[:5]


def test_passwords_and_who_gets_them(server: RangeServer) -> None:
    server.password = "Basic bWU6c2VjcmV0"
    assert source_of(server, key="me", secret="secret").pread(0, 5) == DATA[:5]
    server.password = "Bearer token"
    assert source_of(server, secret="token").pread(0, 5) == DATA[:5]
    with pytest.raises(Unreachable, match="does not let this node read") as caught:
        source_of(server, secret="wrong").pread(0, 5)
    assert "wrong" not in str(caught.value)


def test_nobody_is_sent_anywhere(server: RangeServer) -> None:
    server.manner = "sending on"
    with serving(DATA) as other:
        for target in (
            f"http://127.0.0.1:{other.port}/data/a.h5",
            f"http://localhost:{other.port}/",
            f"http://127.0.0.1:{server.port}/elsewhere",
            f"http://127.0.0.1:{server.port}/data/../elsewhere",
            "http://169.254.169.254/latest/meta-data/",
            "//169.254.169.254/",
            "file:///etc/passwd",
            "/etc/passwd",
        ):
            server.target = target
            with pytest.raises(Unreachable, match="redirect_hosts"):
                source_of(server).pread(0, 5)
        assert other.asked == []
        server.target = "b.h5"
        server.times = 1
        assert source_of(server).pread(0, 5) == DATA[:5]
        assert server.asked[-1][1] == "/data/b.h5"


def test_a_door_sends_readers_to_its_pools(server: RangeServer) -> None:
    server.manner, server.password = "sending on", "Bearer token"
    with serving(DATA) as pool:
        server.target = f"http://localhost:{pool.port}/pool?id=1"
        source = source_of(server, secret="token", redirect_hosts=("localhost",))
        assert source.pread(3, 5) == DATA[3:8]
        (_, path, headers) = pool.asked[-1]
        assert path == "/pool?id=1"
        assert "Authorization" not in headers
        server.target = server.target.replace("localhost", "169.254.1.1")
        with pytest.raises(Unreachable, match="not in the public internet"):
            source_of(server, secret="token", redirect_hosts=("169.254.1.1",)).pread(3, 5)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.1.2.3", "[::1]", "169.254.1.1"])
def test_private_addresses_are_called_for_private_storages_only(host: str) -> None:
    store = Store(name="web", url=f"https://{host}:1/")
    with pytest.raises(Unreachable, match="not in the public internet"):
        open_source(store.url + "a", [store], size=5).pread(0, 1)


def test_nothing_but_what_lies_below(server: RangeServer) -> None:
    store = store_of(server)
    here = f"http://127.0.0.1:{server.port}"
    for url in (
        f"{here}/other/a",
        f"{here}/data",
        f"{here}/data/",
        f"{here}/data/../other/a",
        f"{here}/data/%2e%2e/other/a",
        f"{here}/data/%252e%252e/other/a",
        f"{here}/data/..%2fother/a",
        f"{here}/data/..\\other\\a",
        f"{here}/data/a?b=c",
        f"{here}/data/a#b",
        f"{here}/data/a\r\nHost: b",
        f"{here}/data/a b",
        f"http://me@127.0.0.1:{server.port}/data/a",
        f"http://127.0.0.1:{server.port}.example.org/data/a",
        "file://elsewhere/etc/passwd",
        "ftp://127.0.0.1/data/a",
        "http:///data/a",
    ):
        with pytest.raises(Unreachable, match="does not know"):
            open_source(url, [store])
    assert server.asked == []


def test_memory_does_not_grow_with_the_file(server: RangeServer) -> None:
    source = source_of(server)
    next(source.stream())
    server.data = DATA * 20
    longer = open_source(store_of(server).url + "b", [store_of(server)], size=20 * len(DATA))
    tracemalloc.start()
    try:
        assert sum(map(len, longer.stream())) == 20 * len(DATA)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(DATA) + 20 * 2**20
    finally:
        tracemalloc.stop()


def test_tls_and_an_authority_of_the_facility(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(_certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    with serving(DATA, tls=context) as server:
        store = Store(
            name="web",
            url=f"davs://localhost:{server.port}/",
            private=True,
            ca_file=str(both),
            time_limit_s=5.0,
        )
        assert open_source(store.url + "a", [store]).pread(1, 5) == DATA[1:6]
        strict = Store(name="web", url=store.url, private=True, time_limit_s=1.0)
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            open_source(store.url + "a", [strict]).pread(1, 5)


def _certificate() -> bytes:
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
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def test_webdav_of_seaweedfs(seaweed: Seaweed) -> None:
    seaweed.put("dav/ä b.h5", DATA)
    seaweed.start_webdav()
    store = Store(name="dav", url=f"dav://{seaweed.webdav}/", private=True)
    source = open_source(f"{store.url}dav/%C3%A4%20b.h5", [store])
    assert source.size == len(DATA)
    assert source.pread(1234, 99_999) == DATA[1234:101_233]
    assert b"".join(source.stream(17)) == DATA[17:]
    assert source.state(len(DATA), source.mtime_ns) is None
    mark = source.mtime_ns
    seaweed.put("dav/ä b.h5", DATA[::-1])
    assert source.state(len(DATA), mark) == "changed"
    with pytest.raises(Unreadable, match="not in the storage dav"):
        open_source(f"{store.url}dav/nothing", [store], size=1).pread(0, 1)


def test_an_s3_that_sends_elsewhere(server: RangeServer) -> None:
    server.manner = "sending on"
    with serving(DATA) as other:
        server.target = f"http://127.0.0.1:{other.port}/data/a"
        store = Store(
            name="s3",
            url="s3://data/",
            endpoint=f"http://127.0.0.1:{server.port}",
            addressing="path",
            key=KEY,
            secret=SECRET,
            private=True,
        )
        with pytest.raises(Unreachable):
            open_source("s3://data/a", [store], size=5).pread(0, 1)
        assert other.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
def test_an_s3_at_a_private_address(host: str) -> None:
    store = Store(name="s3", url="s3://data/", endpoint=f"https://{host}:1", key="k", secret="s")
    with pytest.raises(Unreachable, match="not in the public internet"):
        open_source("s3://data/a", [store], size=5).pread(0, 1)


@pytest.mark.parametrize("is_direct", [True, False])
def test_an_s3_that_does_not_do_as_asked(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch, *, is_direct: bool
) -> None:
    opening.disconnect()
    monkeypatch.setattr(s3, "has_addresses", lambda _: is_direct)
    endpoint = f"http://127.0.0.1:{server.port}"
    how = {"endpoint": endpoint, "addressing": "path", "key": KEY, "secret": SECRET}
    source = source_of(server, url="s3://data/", **how)
    assert source.pread(10, 20) == DATA[10:30]
    for manner in (
        *("ignoring", "other range", "longer", "shorter", "shorter and well framed"),
        *("no range told", "failing", "hanging up"),
    ):
        server.manner = manner
        with pytest.raises(Unreachable) as caught:
            source.pread(1000, 2000)
        assert SECRET not in f"{caught.value}"
        server.manner = "well"
        assert source.pread(1000, 2000) == DATA[1000:3000], manner
