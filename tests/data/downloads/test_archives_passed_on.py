"""Archives whose files the operating system passes on: the same bytes, and nothing left open."""

import asyncio
import hashlib
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app_serving import serving
from panosc.data.admitting import Located
from panosc.data.downloads import bagging, zipping
from panosc.data.downloads.bagging import About, Checksums
from panosc.data.downloads.opening import SMALL, Block, Broken, Opener
from panosc.data.downloads.sending import BLOCK, Closing, Streamed
from panosc.data.untouched import PASSED_ON

ABOUT = About(pid="10.5072/a", title="A", licence=None, citation="Nobody", address="http://x")
SIZES = (0, 100, SMALL - 1, SMALL, BLOCK, 3 * BLOCK + 1)
Archive = Callable[..., Streamed]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for number, size in enumerate(SIZES):
        path = tmp_path / f"run-{number}.nxs"
        path.write_bytes(random.Random(number).randbytes(size))
        found.append(path)
    return found


def located(path: Path) -> Located:
    return Located(
        dataset_id=1,
        pid=ABOUT.pid,
        title="A",
        name=path.name,
        url=path.as_uri(),
        tier="online",
        size=path.stat().st_size,
        mtime_ns=path.stat().st_mtime_ns,
        # of one it is another one
        sha256="0" * 64
        if path.stat().st_size == BLOCK
        else hashlib.sha256(path.read_bytes()).hexdigest(),
        format=None,
        part="",
        is_public=True,
    )


@pytest.fixture
def archive(files: list[Path]) -> Iterator[Archive]:
    """Makes the answer with all of them, or with a part of it."""
    with ThreadPoolExecutor(4) as threads:

        def make(
            start: int = 0,
            stop: int | None = None,
            *,
            is_hashed: bool = False,
            paths: list[Path] = files,
        ) -> Streamed:
            items = bagging.named([located(path) for path in paths], is_apart=False)
            bag = bagging.pack(
                items, [], [ABOUT], checksums=Checksums(), is_hashed=is_hashed, opener=Opener()
            )
            end = zipping.size_of(bag.entries) if stop is None else stop
            return Streamed(
                Closing(zipping.write(bag.entries, start=start, stop=end), bag.close),
                length=end - start,
                status=200,
                headers={},
                threads=threads,
                name="a",
            )

        yield make


def received(answer: Streamed, *, is_offered: bool, meanwhile: Any = None) -> tuple[bytes, int]:
    """Return what a server sends of an answer, and how many bytes of it were passed on.

    `meanwhile` is called before the first that are.
    """
    found, passed = bytearray(), 0

    async def send(message: Any) -> None:
        nonlocal passed, meanwhile
        if message["type"] == PASSED_ON:
            if meanwhile is not None:
                meanwhile = meanwhile()
            found.extend(os.pread(message["file"], message["count"], message["offset"]))
            passed += message["count"]
        elif message["type"] == "http.response.body":
            found.extend(message["body"])

    async def receive() -> Any:
        await asyncio.Event().wait()

    extensions = {PASSED_ON: {}} if is_offered else {}
    scope = {"type": "http", "method": "GET", "extensions": extensions}
    asyncio.run(answer(scope, receive, send))
    return bytes(found), passed


def open_among(files: list[Path]) -> int:
    """Return how many of them are open; none where that cannot be seen."""
    listed = Path("/proc/self/fd")
    names = {str(path) for path in files}
    return sum(os.path.realpath(one) in names for one in listed.iterdir()) if listed.is_dir() else 0


def test_large_files_are_passed_on_and_small_ones_put_together(
    archive: Archive, files: list[Path]
) -> None:
    plain, none = received(archive(), is_offered=False)
    whole, passed = received(archive(), is_offered=True)
    assert whole == plain
    # the last byte of the largest is a block of its own
    assert (none, passed) == (0, SMALL + 4 * BLOCK)
    assert all(path.read_bytes() in whole for path in files)
    assert open_among(files) == 0


def test_few_files_are_open_at_once(archive: Archive, files: list[Path], tmp_path: Path) -> None:
    many = []
    for number in range(300):
        many.append(tmp_path / f"small-{number}.nxs")
        many[-1].write_bytes(bytes(SMALL))
    most = 0

    def look() -> Callable[[], Any]:
        nonlocal most
        most = max(most, open_among(many))
        return look

    _, passed = received(archive(paths=many), is_offered=True, meanwhile=look)
    assert passed == 300 * SMALL
    assert most <= 2 * 32
    assert open_among(many) == 0


def test_any_part_is_the_same(archive: Archive, files: list[Path]) -> None:
    whole, _ = received(archive(), is_offered=True)
    chance = random.Random(7)
    for _ in range(40):
        start, stop = sorted(chance.sample(range(len(whole) + 1), 2))
        part, _ = received(archive(start, stop), is_offered=True)
        assert part == whole[start:stop], (start, stop)
    assert open_among(files) == 0


def test_what_changes_between_reading_and_sending_is_never_completed(
    archive: Archive, files: list[Path]
) -> None:
    whole, _ = received(archive(), is_offered=True)
    changed = next(path for path in files if path.stat().st_size == SMALL)

    def change() -> None:
        with changed.open("r+b") as file:
            file.write(b"another")
        os.utime(changed, (1, 1))

    found, _ = received(archive(), is_offered=True, meanwhile=change)
    assert len(found) < len(whole)
    assert open_among(files) == 0


def test_what_has_another_checksum_leaves_nothing_open(
    archive: Archive, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    whole, _ = received(archive(), is_offered=True)
    found, _ = received(archive(is_hashed=True), is_offered=True)
    assert len(found) < len(whole)
    assert "another SHA-256" in caplog.text
    assert open_among(files) == 0


def test_where_too_many_are_open_it_is_sent_from_memory(
    archive: Archive, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = received(archive(), is_offered=True)

    def refuse(_descriptor: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "dup", refuse)
    assert received(archive(), is_offered=True) == (whole, 0)
    assert open_among(files) == 0


def test_over_a_connection_and_when_somebody_leaves(archive: Archive, files: list[Path]) -> None:
    app = FastAPI()

    async def send(_request: Request) -> Response:
        return archive()

    app.add_api_route("/a", send, response_model=None)
    whole, _ = received(archive(), is_offered=True)
    with serving(app) as address:
        with httpx.Client() as client:
            for _ in range(5):
                assert client.get(f"{address}/a").content == whole
        host, port = address.removeprefix("http://").split(":")
        for _ in range(5):
            with socket.create_connection((host, int(port))) as hasty:
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                hasty.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
                hasty.recv(1000)
        until = time.monotonic() + 10
        while open_among(files) and time.monotonic() < until:
            time.sleep(0.05)
        assert open_among(files) == 0
        assert httpx.get(f"{address}/a").content == whole


def test_a_block_is_what_was_read(files: list[Path]) -> None:
    path = files[-1]
    source = path.read_bytes()
    with Opener() as opener:
        opened = opener.open(
            Located(
                dataset_id=1,
                pid="a",
                title="A",
                name=path.name,
                url=path.as_uri(),
                tier="online",
                size=len(source),
                mtime_ns=path.stat().st_mtime_ns,
                sha256=None,
                format=None,
                part="",
                is_public=True,
            )
        )
        with opened:
            block = opened.block(5, SMALL)
            assert opened.block(5, SMALL - 1) is None
    assert isinstance(block, Block)
    # it holds the file by itself; what is read comes to one place
    buffer = memoryview(bytearray(1000))
    pieces = [bytes(piece) for piece in block.read(buffer)]
    assert max(map(len, pieces)) == 1000
    assert b"".join(pieces) == source[5 : SMALL + 5]
    os.utime(path, (1, 1))
    with pytest.raises(Broken):
        list(block.read(buffer))
    os.truncate(path, 100)
    with pytest.raises(Broken):
        list(block.read(buffer))
    block.close()
    assert open_among(files) == 0
