"""A real SeaweedFS on loopback: S3 with keys, WebDAV, and ways to be unkind to it."""

import ctypes
import json
import random
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import s3fs
from botocore.exceptions import BotoCoreError

from panosc.files.storage.places import Store

KEY, SECRET = "reader", "a secret of the tests"
BUCKET = "data"
PATIENCE_S = 60.0


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has, nor is given by chance, as calls to servers are."""
    chance = random.SystemRandom()
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = chance.randrange(10_240, 32_768)
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found


class Seaweed:
    """One server in a folder, with place for so many volumes of 64 MB."""

    def __init__(self, folder: Path, *, volumes: int = 30) -> None:
        self._folder = folder
        self._volumes = volumes
        ports = free_ports(9)
        self._ports = dict(
            zip(
                (
                    *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
                    *("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc"),
                ),
                ports,
                strict=False,
            )
        )
        self.endpoint = f"http://127.0.0.1:{self._ports['s3.port']}"
        self.webdav = f"127.0.0.1:{ports[8]}"
        self._running: list[subprocess.Popen[bytes]] = []
        identity = {
            "name": "node",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (folder / "data").mkdir()
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), "utf-8")
        self._fs = s3fs.S3FileSystem(
            key=KEY,
            secret=SECRET,
            endpoint_url=self.endpoint,
            skip_instance_cache=True,
            config_kwargs={"retries": {"total_max_attempts": 1}},
        )
        self._fs.retries = 1

    def _begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        weed = Path(sysconfig.get_path("scripts")) / "weed"
        with (self._folder / f"{arguments[0]}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [str(weed), *arguments],
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls the kernel alone
                )
            )
        return self._running[-1]

    def start(self) -> None:
        places = [f"-{name}={port}" for name, port in self._ports.items()]
        self._begin(
            "server",
            f"-dir={self._folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *places,
            "-filer",
            "-s3",
            f"-s3.config={self._folder / 's3.json'}",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
            f"-volume.max={self._volumes}",
        )

    def wait(self) -> None:
        """Wait until objects can be written and read."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                if not self._fs.exists(BUCKET):
                    self._fs.call_s3("create_bucket", Bucket=BUCKET)
                self.put("ready", b"ready")
                if self._fs.cat_file(f"{BUCKET}/ready") == b"ready":
                    return
            except (OSError, BotoCoreError) as error:
                failure = error
                if time.monotonic() > end:
                    log = (self._folder / "server.log").read_text("utf-8")[-3000:]
                    raise TimeoutError(f"SeaweedFS did not start: {failure}\n{log}") from error
            time.sleep(0.1)

    def start_gateway(self, port: int) -> "subprocess.Popen[bytes]":
        """Start another server of the same objects, which may be killed."""
        filer = f"127.0.0.1:{self._ports['filer.port']}.{self._ports['filer.port.grpc']}"
        self._ports[f"gateway {port}"] = port
        process = self._begin(
            "s3",
            f"-filer={filer}",
            f"-config={self._folder / 's3.json'}",
            "-iam=false",
            "-ip.bind=127.0.0.1",
            f"-port={port}",
            f"-port.grpc={free_ports(1)[0]}",
            "-port.iceberg=0",
            "-port.lance=0",
        )
        _answers("127.0.0.1", port)
        return process

    def start_webdav(self) -> None:
        """Serve the same bucket by WebDAV."""
        host, _, port = self.webdav.partition(":")
        filer = f"127.0.0.1:{self._ports['filer.port']}.{self._ports['filer.port.grpc']}"
        self._begin(
            "webdav",
            f"-filer={filer}",
            f"-filer.path=/buckets/{BUCKET}",
            f"-ip.bind={host}",
            f"-port={port}",
            f"-cacheDir={self._folder}",
        )
        _answers(host, int(port))

    def stop(self) -> None:
        """Kill all there is of it."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()
        self._running.clear()
        for port in self._ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)

    def put(self, key: str, data: bytes) -> None:
        self._fs.call_s3("put_object", Bucket=BUCKET, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self._fs.call_s3("delete_object", Bucket=BUCKET, Key=key)

    def store(self, **changed: Any) -> Store:
        """How the node is told of it."""
        values: dict[str, Any] = {
            "name": "seaweed",
            "url": f"s3://{BUCKET}/",
            "endpoint": self.endpoint,
            "addressing": "path",
            "key": KEY,
            "secret": SECRET,
            "private": True,
        }
        return Store(**(values | changed))


def _answers(host: str, port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def running(folder: Path, *, volumes: int = 30) -> Iterator[Seaweed]:
    server = Seaweed(folder, volumes=volumes)
    try:
        server.start()
        server.wait()
        yield server
    finally:
        server.stop()
