"""Files are fetched whole and checked, whatever breaks, and never outside of the folder."""

import hashlib
import http.server
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import measured
import pytest
from cloud.standins.running import QuietServer, running

import panosc
from panosc.client.fetching import places
from panosc.client.fetching.one import Fetcher, Wanted
from panosc.client.fetching.several import Options, fetch_all
from panosc.client.http import Http
from panosc.client.patience import Patience
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound, PanoscError, Upstream

CONTENT = bytes(range(256)) * 4000
QUICK = Patience(first_s=0.01)


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def many(served):
    with panosc.connect(served.address) as client:
        yield client[measured.MANY]


class Store(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges as a node does; `plan` says what goes wrong with a request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        plan = self.server.plan.pop(0) if self.server.plan else {}
        if "redirect" in plan:
            self.send_response(307)
            self.send_header("Location", plan["redirect"])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "status" in plan:
            body = b"busy"
            self.send_response(plan["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        content = plan.get("content", self.server.content)
        etag = f'"{digest(content)[:16]}"'
        first, status = 0, 200
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == etag:
            first, status = int(wanted[6:].rstrip("-")), 206
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - first))
        if status == 206:
            told = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", told)
        self.end_headers()
        end = min(len(content), first + plan.get("cut", len(content)))
        self.wfile.write(content[first:end])
        if end < len(content):
            self.wfile.flush()
            time.sleep(plan.get("hold", 0))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def store(*plan, content=CONTENT):
    server = QuietServer(("127.0.0.1", 0), Store)
    server.plan, server.asked, server.content = list(plan), [], content
    with running(server) as server.url:
        yield server


def fetch(server, folder, *, token=None, name="a.bin", **options):
    """Fetch CONTENT; return what became of it and how far the bar came."""
    http_ = Http(server.url, token=token)
    counted = []
    wanted = Wanted(name=name, path="/file", size=len(CONTENT), sha256=digest(CONTENT))
    try:
        with places.place(folder, name) as place:
            fetcher = Fetcher(http=http_, advance=counted.append, patience=QUICK, **options)
            return fetcher.fetch(wanted, place), sum(counted)
    finally:
        http_.close()


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_all_files_of_a_dataset(many, served, tmp_path):
    found = many.download(tmp_path / "new", progress=False)
    names = [str(path.relative_to(tmp_path / "new")) for path in found]
    assert names == list(many.files)
    assert len(names) == 8
    for name, path in zip(names, found, strict=True):
        assert path.read_bytes() == (served.folder / measured.MANY[-1] / name).read_bytes()
    assert left(tmp_path / "new") == sorted(names)


def test_what_is_there_is_left_alone(many, tmp_path):
    (first,) = many.download(tmp_path, match="*.bin")
    before = first.stat().st_mtime_ns
    asked = []
    many._http._client.event_hooks["request"].append(asked.append)
    states = {item.name: item.state for item in many.fetch(tmp_path, match="run/[!0-3]*")}
    assert states == {"run/blob.bin": "there", "run/notes.txt": "fetched", "run/4.txt": "fetched"}
    assert first.stat().st_mtime_ns == before
    assert len(asked) == 2
    first.write_bytes(b"mine")
    with pytest.raises(Conflict, match="another file"):
        many.download(tmp_path, match="*.bin")
    assert first.read_bytes() == b"mine"
    many.download(tmp_path, match="*.bin", overwrite=True)
    assert first.stat().st_size == 3_000_000
    with pytest.raises(NotFound, match="matches"):
        many.download(tmp_path, match="*.none")


def test_one_file_under_a_name_of_ones_own(many, tmp_path):
    file = many.files["run/notes.txt"]
    assert file.download(tmp_path / "mine.txt") == tmp_path / "mine.txt"
    assert (tmp_path / "mine.txt").read_bytes() == measured.NOTES
    assert file.download(tmp_path) == tmp_path / "run" / "notes.txt"


def test_connections_that_break(tmp_path):
    cuts = [{"cut": 100_000}, {"status": 503}, {"cut": 1}, {"cut": 0}, {"cut": 500_000}]
    with store(*cuts) as server:
        assert fetch(server, tmp_path) == ("fetched", len(CONTENT))
        ranges = [headers.get("Range") for _, headers in server.asked]
    assert ranges == [
        None,
        *(f"bytes={first}-" for first in (100_000,) * 2 + (100_001,) * 2),
        "bytes=600001-",
    ]
    assert left(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_node_that_stays_away(tmp_path):
    with store({"cut": 10_000}, *[{"status": 503}] * 9) as server:
        with pytest.raises(PanoscError):
            fetch(server, tmp_path)
        assert len(server.asked) == 5
    assert left(tmp_path) == [".a.bin.part.tag", "a.bin.part"]
    with store() as server:
        fetch(server, tmp_path)
        (_, headers) = server.asked[0]
    assert headers["Range"] == "bytes=10000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_program_that_is_killed_goes_on(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from panosc.client.http import Http\n"
        "from panosc.client.fetching.one import Wanted\n"
        "from panosc.client.fetching.several import Options, fetch_one\n"
        f"wanted = Wanted(name='a.bin', path='/file', sha256={digest(CONTENT)!r})\n"
        "fetch_one(Http(sys.argv[1]), wanted, Path(sys.argv[2]), Options())"
    )
    with store({"cut": 900_000, "hold": 30}) as server:
        process = subprocess.Popen([sys.executable, "-c", code, server.url, str(tmp_path)])
        part = tmp_path / "a.bin.part"
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size > 500_000):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = part.stat().st_size
        assert fetch(server, tmp_path) == ("fetched", len(CONTENT))
        assert server.asked[-1][1]["Range"] == f"bytes={there}-"
    assert digest((tmp_path / "a.bin").read_bytes()) == digest(CONTENT)


def test_an_interrupted_program_keeps_the_part(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from panosc.client.http import Http\n"
        "from panosc.client.fetching.one import Wanted\n"
        "from panosc.client.fetching.several import Options, fetch_all\n"
        f"wanted = [Wanted(name=n, path='/file', sha256={digest(CONTENT)!r}) for n in 'abcdef']\n"
        "fetch_all(Http(sys.argv[1]), wanted, Path(sys.argv[2]), Options(at_once=1))"
    )
    with store({"cut": 900_000, "hold": 1}, *[{"status": 503}] * 9) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, server.url, str(tmp_path)],
            stderr=subprocess.DEVNULL,
            # a run of the tests in the background of a shell ignores it, and hands that on
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        part = tmp_path / "a.part"
        while not (part.exists() and part.stat().st_size > 500_000):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) != 0
        assert len(server.asked) == 1
    assert left(tmp_path) == [".a.part.tag", "a.part"]


def test_a_file_that_changes_meanwhile_is_begun_anew(tmp_path):
    other = CONTENT[::-1]
    with store({"content": other, "cut": 50_000}) as server:
        fetch(server, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_damaged_part_is_read_anew(tmp_path):
    with store({"cut": 50_000}, *[{"status": 503}] * 5, {}, {}) as server:
        with pytest.raises(PanoscError):
            fetch(server, tmp_path)
        with (tmp_path / "a.bin.part").open("r+b") as part:
            part.write(b"damaged")
        fetch(server, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_wrong_file_is_not_kept(tmp_path):
    with store(content=b"wrong") as server, pytest.raises(Upstream, match="checksum"):
        fetch(server, tmp_path)
    assert left(tmp_path) == [".a.bin.part.tag", "a.bin.part"]
    assert (tmp_path / "a.bin.part").stat().st_size == 0


def test_two_at_one_file(tmp_path):
    with store({"cut": 10_000, "hold": 1}, {}) as server:
        first = threading.Thread(target=fetch, args=(server, tmp_path))
        first.start()
        while not (tmp_path / "a.bin.part").exists():
            time.sleep(0.01)
        with pytest.raises(Conflict, match="Another download"):
            fetch(server, tmp_path)
        first.join()
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_token_stays_at_its_node(tmp_path):
    with store() as elsewhere:
        with store({"redirect": f"{elsewhere.url}/signed?key=1"}) as node:
            fetch(node, tmp_path, token="secret-token")
            assert node.asked[0][1]["Authorization"] == "Bearer secret-token"
        (path, headers) = elsewhere.asked[0]
    assert path == "/signed?key=1"
    assert "secret-token" not in json.dumps(headers)
    assert "Authorization" not in headers
    with store({"redirect": "/inside"}, {}) as node:
        fetch(node, tmp_path, token="secret-token", name="b.bin")
        assert [headers["Authorization"] for _, headers in node.asked] == [
            "Bearer secret-token"
        ] * 2
    with store(*[{"redirect": "/again"}] * 5) as node, pytest.raises(Upstream, match="on and on"):
        fetch(node, tmp_path, name="c.bin")
    for url in ("ftp://127.0.0.1/x", "file:///etc/passwd", "//"):
        with store(*[{"redirect": url}] * 9) as node, pytest.raises(PanoscError):
            fetch(node, tmp_path, name="d.bin")


NAMES = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a//x",
    "",
    ".",
    "a/.",
    "..",
    "a\nb",
    "a\0b",
    "x" * 300,
    "a\\b",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_that_lead_out(tmp_path, name):
    inner = tmp_path / "in"
    with store() as server:
        with pytest.raises(Invalid, match="is not a name"):
            fetch(server, inner, name=name)
        assert server.asked == []
    assert left(tmp_path) == []


def test_links_are_not_followed(tmp_path):
    inner, outer = tmp_path / "in", tmp_path / "out"
    inner.mkdir()
    outer.mkdir()
    (inner / "run").symlink_to(outer)
    (inner / "a.bin").symlink_to(outer / "a.bin")
    (inner / "b.bin.part").symlink_to(outer / "b.bin")
    (inner / ".c.bin.part.tag").symlink_to(outer / "c.bin")
    os.mkfifo(inner / "d.bin.part")
    (inner / "e.bin").mkdir()
    with store() as server:
        with pytest.raises(Forbidden, match="no folder of its own"):
            fetch(server, inner, name="run/x.bin")
        for name in ("a.bin", "b.bin", "c.bin", "d.bin", "e.bin"):
            with pytest.raises(Conflict):
                fetch(server, inner, name=name)
    assert left(outer) == []


def test_long_names_and_parts_that_are_names(tmp_path):
    with store() as server:
        fetch(server, tmp_path, name="ä" * 127)
        fetch(server, tmp_path, name="a.bin.part")
        with pytest.raises(Conflict, match="no part of this"):
            fetch(server, tmp_path)
    assert left(tmp_path) == ["a.bin.part", "ä" * 127]
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT


def test_one_that_fails_keeps_no_other(tmp_path):
    with store() as server:
        http_ = Http(server.url)
        wanted = [
            Wanted(name=name, path="/file", sha256=digest(CONTENT))
            for name in ("a", "../b", "c/d", "e")
        ]
        found = fetch_all(http_, wanted, tmp_path, Options(patience=QUICK, at_once=2))
        http_.close()
    assert [item.state for item in found] == ["fetched", "failed", "fetched", "fetched"]
    assert isinstance(found[1].error, Invalid)
    assert left(tmp_path) == ["a", "c/d", "e"]


def test_who_may_not_have_it(served, tmp_path):
    with panosc.connect(served.address, token=served.token) as client:
        file = client[measured.TEAM].files[measured.NAME]
        assert file.download(tmp_path).stat().st_size == file.size
    with panosc.connect(served.address) as client:
        file.wire.http = client._http
        with pytest.raises(Forbidden):
            file.download(tmp_path / "other.nxs")
    assert not Path(tmp_path / "other.nxs").exists()


class Cutting(socketserver.BaseRequestHandler):
    """Hands on to a node; the first connections end after so many bytes of what comes back."""

    def handle(self):
        left = self.server.cuts.pop(0) if self.server.cuts else None
        with socket.create_connection(self.server.node) as node:
            threading.Thread(target=self._up, args=(node,), daemon=True).start()
            while piece := node.recv(16_384):
                kept = piece if left is None else piece[:left]
                self.request.sendall(kept)
                left = None if left is None else left - len(kept)
                if left == 0:
                    node.shutdown(socket.SHUT_RDWR)
                    return

    def _up(self, node):
        try:
            while piece := self.request.recv(16_384):
                self.server.asked.append(piece)
                node.sendall(piece)
        except OSError:
            pass


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away."""


@contextmanager
def proxy(address, *cuts):
    server = Proxy(("127.0.0.1", 0), Cutting)
    host, _, port = address.removeprefix("http://").partition(":")
    server.node, server.cuts, server.asked = (host, int(port)), list(cuts), []
    with running(server) as there:
        yield server, there


def test_a_node_behind_a_line_that_breaks(many, served, tmp_path):
    file = many.files["run/blob.bin"]
    with proxy(served.address, 700_000, 900_000, 5_000) as (server, url):
        http_ = Http(url)
        wanted = [file.wanted]
        found = fetch_all(http_, wanted, tmp_path, Options(patience=QUICK))
        http_.close()
        asked = b"".join(server.asked)
    assert [item.state for item in found] == ["fetched"]
    assert asked.lower().count(b"if-range") == 3
    content = (tmp_path / "run/blob.bin").read_bytes()
    assert content == (served.folder / measured.MANY[-1] / "run/blob.bin").read_bytes()
