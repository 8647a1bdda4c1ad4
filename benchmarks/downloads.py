"""How fast archives and files are sent, against plain sequential reads of the same files.

    python benchmarks/downloads.py [--files 10000] [--bytes 5000000000] [--large] [--seaweed]

Everything is sent to the same client, a process that reads and throws away, in the same run. The
plain server reads the same files one after the other and sends them, and does nothing else. Ratios
are medians of the runs. With ``--large`` an archive with a file of 5 GB of nothing is read back by
zipfile and unzip. With ``--seaweed`` the files lie in a SeaweedFS on this machine; the plain server
asks for the same objects one after the other, signed, over one connection that stays open.
"""

import argparse
import hashlib
import http.client
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from fastapi import FastAPI, Request

from panosc.cli.serving.protocol import Protocol
from panosc.data.admitting import Located
from panosc.data.downloads import answering, bagging, zipping
from panosc.data.downloads.bagging import About, Checksums
from panosc.data.downloads.opening import Opener
from panosc.data.downloads.sending import Closing, Streamed
from panosc.files.storage import opening
from panosc.files.storage.places import Store

sys.path.append(str(Path(__file__).parents[1] / "tests" / "files" / "storage"))

from seaweed import BUCKET, Seaweed, running  # only found by the line above

BLOCK = 1 << 20
RUNS = 5
ABOUT = About(pid="bench/1", title="Bench", licence=None, citation="Nobody", address="http://x")
CLIENT = """
import socket, sys, time
host, port, path, *header = sys.argv[1:]
began = time.perf_counter()
s = socket.create_connection((host, int(port)))
if path != "-":
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", *header, "", ""]
    s.sendall("\\r\\n".join(lines).encode())
got, buffer = 0, bytearray(1 << 20)
while n := s.recv_into(buffer):
    got += n
print(got, time.perf_counter() - began)
"""


def make(folder: Path, count: int, total: int, *, is_hashed: bool) -> list[Located]:
    """Write files of chance; return them as they would be registered."""
    size = max(1, total // count)
    found = []
    for number in range(count):
        path = folder / f"run-{number:05d}.nxs"
        data = os.urandom(size)
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest() if is_hashed else None
        found.append(located(path, sha256))
    return found


def put(seaweed: Seaweed, count: int, total: int) -> list[Located]:
    """Put files of chance into the storage; return them as they would be registered."""
    size, store = max(1, total // count), seaweed.store()

    def one(number: int) -> Located:
        name, data = f"run-{number:05d}.nxs", os.urandom(size)
        seaweed.put(name, data)
        url = f"s3://{BUCKET}/{name}"
        mark = opening.open_source(url, [store]).mtime_ns
        return registered(name, url, size, mark, hashlib.sha256(data).hexdigest())

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(one, range(count)))
    # the server is forked, and makes its own
    opening.disconnect()
    return found


def located(path: Path, sha256: str | None) -> Located:
    status = path.stat()
    return registered(path.name, path.as_uri(), status.st_size, status.st_mtime_ns, sha256)


def registered(name: str, url: str, size: int, mtime_ns: int, sha256: str | None) -> Located:
    return Located(
        dataset_id=1,
        pid="bench/1",
        title="Bench",
        name=name,
        url=url,
        tier="online",
        size=size,
        mtime_ns=mtime_ns,
        sha256=sha256,
        format=None,
        part="",
        is_public=True,
    )


def app_of(files: list[Located], stores: tuple[Store, ...]) -> FastAPI:
    """Return an application that sends the files as the node does."""
    app = FastAPI()
    threads = ThreadPoolExecutor(16)

    def archive(*, is_hashed: bool) -> Streamed:
        items = bagging.named(files, is_apart=False)
        opener = Opener(stores)
        bag = bagging.pack(
            items, [], [ABOUT], checksums=Checksums(), is_hashed=is_hashed, opener=opener
        )
        return Streamed(
            Closing(zipping.write(bag.entries), bag.close),
            length=zipping.size_of(bag.entries),
            status=200,
            headers={},
            threads=threads,
            name="bench",
        )

    @app.get("/zip")
    def checked() -> Streamed:
        return archive(is_hashed=True)

    @app.get("/zip-unchecked")
    def unchecked() -> Streamed:
        return archive(is_hashed=False)

    @app.get("/one")
    def one(request: Request):
        return answering.answer(
            files[0], request.headers, is_head=False, threads=threads, stores=stores
        )

    return app


@contextmanager
def served(files: list[Located], stores: tuple[Store, ...] = ()):
    """Serve from a process of its own; yield its port and number."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    child = os.fork()
    if not child:
        # as the node answers
        config = uvicorn.Config(
            app_of(files, stores), log_level="error", access_log=False, http=Protocol, loop="uvloop"
        )
        uvicorn.Server(config).run(sockets=[listener])
        os._exit(0)
    time.sleep(1.5)
    try:
        yield listener.getsockname()[1], child
    finally:
        os.kill(child, 15)
        os.waitpid(child, 0)
        listener.close()


def from_disk(files: list[Located], connection: socket.socket) -> None:
    """Send the files by plain reads."""
    for located in files:
        with open(located.url.removeprefix("file://"), "rb", buffering=0) as file:  # noqa: PTH123
            while block := file.read(BLOCK):
                connection.sendall(block)


def from_storage(store: Store, files: list[Located], connection: socket.socket) -> None:
    """Send the objects, asked for over one connection."""
    signing = S3SigV4Auth(Credentials(store.key, store.secret), "s3", "us-east-1")
    there = http.client.HTTPConnection(urlsplit(store.endpoint).netloc)
    block = memoryview(bytearray(BLOCK))
    for located in files:
        bucket, key = store.bucket_and_key(located.url)
        request = AWSRequest("GET", f"{store.endpoint}/{bucket}/{key}")
        signing.add_auth(request)
        there.request("GET", f"/{bucket}/{key}", headers=dict(request.headers))
        answer = there.getresponse()
        if answer.status != http.client.OK:
            sys.exit(f"{located.url}: {answer.status}")
        while count := answer.readinto(block):
            connection.sendall(block[:count])
    there.close()


def plainly(send: Callable[[socket.socket], None]) -> tuple[int, threading.Thread]:
    """Serve the files once, one after the other; return the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def run() -> None:
        connection, _ = listener.accept()
        with connection, listener:
            send(connection)

    thread = threading.Thread(target=run)
    thread.start()
    return listener.getsockname()[1], thread


def fetched(port: int, path: str, *headers: str) -> tuple[int, float]:
    """Let the client fetch; return bytes and seconds."""
    command = [sys.executable, "-c", CLIENT, "127.0.0.1", str(port), path, *headers]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(out[0]), float(out[1])


def memory(process: int) -> int:
    """Return the most memory that a process has had, in kB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


def rate(measure: Callable[[], tuple[int, float]], least: int = 0) -> float:
    """Return MB a second; what is less than it should be is no measurement."""
    count, seconds = measure()
    if count < least:
        sys.exit(f"only {count} of {least} bytes came")
    return count / seconds / 1e6


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--bytes", type=int, default=5_000_000_000)
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--large", action="store_true")
    options.add_argument("--seaweed", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name, ExitStack() as kept:
        folder = Path(name)
        if given.seaweed:
            # twice the place that they need
            volumes = 30 + given.bytes // 2**25
            seaweed = kept.enter_context(running(folder, volumes=volumes))
            files = put(seaweed, given.files, given.bytes)
            stores = (seaweed.store(),)
            send = partial(from_storage, seaweed.store(), files)
        else:
            files = make(folder, given.files, given.bytes, is_hashed=True)
            stores = ()
            send = partial(from_disk, files)
        compare(files, stores, send, runs=given.runs)
        if given.large and not given.seaweed:
            large(folder)
    print(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} kB")
    return 0


def compare(
    files: list[Located],
    stores: tuple[Store, ...],
    send: Callable[[socket.socket], None],
    *,
    runs: int,
) -> None:
    """Print how fast the archive comes, beside the files sent one after the other."""
    total = sum(item.size for item in files)
    rates: dict[str, list[float]] = {}
    with served(files, stores) as (port, child):
        before = memory(child)
        for _ in range(runs):
            for path in ("/zip", "/zip-unchecked"):
                rates.setdefault(path, []).append(rate(partial(fetched, port, path), total))
            plain, thread = plainly(send)
            rates.setdefault("plain", []).append(rate(partial(fetched, plain, "-"), total))
            thread.join()
        after = memory(child)
    middle = {key: statistics.median(values) for key, values in rates.items()}
    for key, value in middle.items():
        print(f"{key:15} {value:8.0f} MB/s  x{value / middle['plain']:.2f} of plain reads")
    print(f"memory of the server: {before} kB before, {after} kB at most")


def large(folder: Path) -> None:
    """Read back an archive with a file of more than 4 GiB, and one behind it."""
    sparse = folder / "large.h5"
    with sparse.open("wb") as file:
        file.truncate(5_000_000_000)
    small = folder / "run-00000.nxs"
    items = bagging.named([located(sparse, None), located(small, None)], is_apart=False)
    bag = bagging.pack(items, [], [ABOUT], checksums=Checksums(), is_hashed=True, opener=Opener())
    path = folder / "large.zip"
    with path.open("wb") as out:
        for block in zipping.write(bag.entries):
            if isinstance(block, bytes):
                out.write(block)
                continue
            with closing(block):
                out.write(block.opened.read(block.offset, len(block)))
    bag.close()
    print("size is exact:", path.stat().st_size == zipping.size_of(bag.entries))
    with zipfile.ZipFile(path) as archive:
        print("zipfile:", archive.testzip() or "fine")
    for reader in (["unzip", "-tq"], ["bsdtar", "-tf"]):
        if shutil.which(reader[0]):
            done = subprocess.run([*reader, str(path)], capture_output=True, text=True, check=False)
            print(f"{reader[0]}: {'fine' if done.returncode == 0 else done.stdout + done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
