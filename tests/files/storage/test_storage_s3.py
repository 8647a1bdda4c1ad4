"""Ranges of objects of a real S3: exactly those, or a clear error in time."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from seaweed import SECRET, Seaweed, free_ports

from panosc.domain.errors import Unreachable, Unreadable
from panosc.files.storage import s3, trying
from panosc.files.storage.opening import (
    Source,
    connected,
    disconnect,
    open_place,
    open_source,
    state,
)
from panosc.files.storage.places import Place

DATA = random.Random(6).randbytes(5_000_000)
NAME = "a folder/ä b+c%20.bin"


@pytest.fixture(scope="module")
def url(seaweed: Seaweed) -> str:
    seaweed.put(NAME, DATA)
    return f"s3://data/{NAME}"


@pytest.fixture(params=["signed here", "by the library"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask as where addresses are known, and as where the library has to find them."""
    if request.param == "by the library":
        disconnect()
        monkeypatch.setattr(s3, "has_addresses", lambda _: False)
        yield
        disconnect()
    else:
        monkeypatch.setattr(s3.S3Remote, "_ask", _not_asked)
        yield


def _not_asked(*_: object, **__: object) -> None:
    raise AssertionError


@pytest.mark.usefixtures("way")
def test_ranges_are_exact(seaweed: Seaweed, url: str) -> None:
    source = open_source(url, [seaweed.store()])
    assert source.size == len(DATA)
    chance = random.Random(1)
    ranges = [(0, 1), (0, 100), (len(DATA) - 1, 1), (4_194_300, 10), (17, 0)]
    ranges += [(at, chance.randrange(1, 300_000)) for at in (chance.randrange(4_700_000),) * 5]
    for offset, size in ranges:
        assert source.pread(offset, size) == DATA[offset : offset + size]
    assert source.pread_many(ranges) == [DATA[at : at + size] for at, size in ranges]
    assert b"".join(source.stream()) == DATA
    assert b"".join(source.stream(3, 2_000_000)) == DATA[3:2_000_003]
    for beyond in ((len(DATA), 1), (-1, 5), (0, len(DATA) + 1)):
        with pytest.raises(Unreadable) as caught:
            source.pread(*beyond)
        assert caught.value.reason == "truncated"


def test_many_threads_share_one_source(seaweed: Seaweed, url: str) -> None:
    source = open_source(url, [seaweed.store()])
    places = [(number * 10_007, 5_000) for number in range(64)]
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda place: source.pread(*place), places))
    assert found == [DATA[at : at + size] for at, size in places]


def test_what_is_registered_costs_no_further_request(seaweed: Seaweed, url: str) -> None:
    store = seaweed.store()
    first = open_source(url, [store])
    size, mark = first.size, first.mtime_ns
    before = connected(store).requests
    place = Place(url=url, size=size, mtime_ns=mark, store=store)
    assert open_place(place).pread(5, 50) == DATA[5:55]
    assert connected(store).requests == before + 1
    assert state(place) is None


def test_near_ranges_are_one_request(seaweed: Seaweed, url: str) -> None:
    store = seaweed.store()
    source = open_source(url, [store], size=len(DATA))
    ranges = [(at, 1000) for at in range(100_000, 0, -2_000)] + [(3_000_000, 10)]
    before = connected(store).requests
    assert source.pread_many(ranges) == [DATA[at : at + size] for at, size in ranges]
    assert connected(store).requests == before + 2


def test_both_ways_find_the_same(
    seaweed: Seaweed, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = [open_source(url, [seaweed.store()]).mtime_ns]
    disconnect()
    monkeypatch.setattr(s3, "has_addresses", lambda _: False)
    marks.append(open_source(url, [seaweed.store()]).mtime_ns)
    disconnect()
    assert marks[0] == marks[1] != 0


def test_no_connection_is_left_where_a_loop_runs(
    seaweed: Seaweed, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own way of closing waits for the loop of whoever calls, which may be busy."""
    made: list[socket.socket] = []
    open_socket = s3._Ways.open_socket

    def noted(self: s3._Ways, way: tuple[Any, ...]) -> socket.socket:
        made.append(open_socket(self, way))
        return made[-1]

    async def close() -> list[bool]:
        disconnect()
        ends = time.monotonic() + 8  # unused ones end after 12 by themselves
        while time.monotonic() < ends and any(one.fileno() != -1 for one in made):
            time.sleep(0.01)
        return [one.fileno() == -1 for one in made]

    disconnect()
    monkeypatch.setattr(s3, "has_addresses", lambda _: False)
    monkeypatch.setattr(s3._Ways, "open_socket", noted)
    assert open_source(url, [seaweed.store()]).pread(0, 5) == DATA[:5]
    assert asyncio.run(close()) == [True]


def test_where_addresses_are_known(seaweed: Seaweed) -> None:
    assert s3.has_addresses(seaweed.store())
    assert s3.has_addresses(seaweed.store(addressing="auto"))
    assert not s3.has_addresses(seaweed.store(addressing="virtual"))
    assert not s3.has_addresses(seaweed.store(endpoint=None))


def test_a_missing_object_is_gone(seaweed: Seaweed) -> None:
    source = open_source("s3://data/nothing", [seaweed.store()], size=10)
    with pytest.raises(Unreadable) as caught:
        source.pread(0, 5)
    assert caught.value.reason == "gone"
    assert source.state(10, 1) == "gone"
    with pytest.raises(Unreadable, match="not in the storage seaweed"):
        list(source.stream())


@pytest.mark.parametrize("other", [b"another", b"the same", b"changed, and longer"])
def test_another_content_is_noticed_at_once(seaweed: Seaweed, other: bytes) -> None:
    seaweed.put("written twice", b"as it is")
    url, store = "s3://data/written twice", seaweed.store()
    source = open_source(url, [store])
    size, mark = source.size, source.mtime_ns
    assert source.pread(0, 2) == b"as"
    # within the same second, as a rule
    seaweed.put("written twice", other)
    with pytest.raises(Unreadable) as caught:
        source.pread(0, 2)
    assert caught.value.reason == "changed"
    assert source.state(size, mark) == "changed"
    with pytest.raises(Unreadable) as caught:
        list(source.stream(1, 2))
    assert caught.value.reason == "changed"
    place = Place(url=url, size=size, mtime_ns=mark, store=store)
    with pytest.raises(Unreadable, match="has changed since"):
        open_place(place).pread(0, 1)


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"key": "nobody"}, {"key": None}])
def test_wrong_credentials(seaweed: Seaweed, url: str, wrong: dict[str, str | None]) -> None:
    with pytest.raises(Unreachable, match="does not let this node read") as caught:
        open_source(url, [seaweed.store(**wrong)], size=10).pread(0, 1)
    assert SECRET not in f"{caught.value} {caught.value.hint}"
    assert caught.value.status == 502


def test_an_unknown_bucket_is_not_ours(seaweed: Seaweed) -> None:
    for url in ("s3://other/a", "s3://data", "s3://data/", "s3://data/../other/a", "s3://data2/a"):
        with pytest.raises(Unreachable, match="does not know"):
            open_source(url, [seaweed.store()])


def test_a_server_that_is_killed_and_comes_back(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "FIRST_BREAK_S", 0.3)
    large, (port,) = DATA * 8, free_ports(1)
    seaweed.put("large", large)
    server = seaweed.start_gateway(port)
    store = seaweed.store(endpoint=f"http://127.0.0.1:{port}", time_limit_s=3.0)
    source = open_source("s3://data/large", [store])
    assert source.pread(5, 5) == large[5:10]
    stream = source.stream()
    head = next(stream)
    server.kill()
    server.wait()
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="storage seaweed cannot be read from"):
        source.pread(0, 10)
    with pytest.raises(Unreachable):
        b"".join(stream)
    with pytest.raises(Unreachable):
        source.pread(0, 10)
    assert time.monotonic() - begun < 12
    assert head == large[: len(head)]
    known_to_be_down(source)
    seaweed.start_gateway(port)
    wait_for(source)
    assert source.pread(0, 10) == large[:10]


def known_to_be_down(source: Source) -> None:
    """Nobody waits any more."""
    begun, refused = time.monotonic(), 0
    for _ in range(50):
        with pytest.raises(Unreachable) as caught:
            source.pread(0, 10)
        refused += "Try again in" in str(caught.value.hint)
    assert refused >= 40
    assert time.monotonic() - begun < 5


def test_a_stream_goes_on_after_its_server_was_killed(seaweed: Seaweed) -> None:
    large, (port,) = DATA * 8, free_ports(1)
    seaweed.put("large", large)
    server = seaweed.start_gateway(port)
    store = seaweed.store(endpoint=f"http://127.0.0.1:{port}", time_limit_s=3.0)
    source = open_source("s3://data/large", [store])
    stream = source.stream()
    have = [next(stream)]
    server.kill()
    server.wait()
    seaweed.start_gateway(port)
    with contextlib.suppress(Unreachable):
        # it may take too long to come back; what is sure is that nothing wrong comes
        have += stream
    wait_for(source)
    rest = source.stream(len(b"".join(have)))
    assert b"".join([*have, *rest]) == large


def wait_for(source: Source) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and not source_is_back(source):
        time.sleep(0.05)


def source_is_back(source: Source) -> bool:
    with contextlib.suppress(Unreachable):
        return source.pread(0, 1) == DATA[:1]
    return False
