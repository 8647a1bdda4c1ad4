"""A node and a broker as processes of their own, that can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from panosc.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(seen: Callable[[], object], expected: object, *, within_s: float = 30) -> None:
    """Wait until what is seen is as expected."""
    ends = time.monotonic() + within_s
    while (found := seen()) != expected:
        assert time.monotonic() < ends, f"in the end there was {found}"
        time.sleep(0.1)


@dataclass
class Broker:
    """The broker that pyicat-plus is tested with; it forgets what it has when it is killed."""

    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"stomp://guest:guest@127.0.0.1:{self.port}"

    def start(self) -> None:
        module = "pyicat_plus_pytest_plugin.servers.coilmq"
        command = [sys.executable, "-m", module, "-b", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self.answers, True)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Served:
    """`panosc serve` with settings from the environment."""

    settings: Settings
    broker: Broker | None = None
    process: "subprocess.Popen[str] | None" = None
    address: str = ""

    def start(self) -> None:
        given = self.settings
        assert given.database_url is not None
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PANOSC_")},
            "PANOSC_HOME": str(given.home),
            "PANOSC_DATABASE_URL": given.database_url.get_secret_value(),
            "PANOSC_INGEST_ROOTS": "[" + ",".join(f'"{root}"' for root in given.ingest_roots) + "]",
            "PANOSC_INGEST_WORKERS": "1",
            "PANOSC_WORKERS": "1",
            "PANOSC_FACILITY": "ESRF",
            "PANOSC_RATE_LIMIT": "0",
        }
        if self.broker is not None:
            environment["PANOSC_STOMP_URL"] = self.broker.url
        command = [str(Path(sys.executable).with_name("panosc")), "serve", "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line
        self.address = line.split()[1]

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)


@contextmanager
def running(settings: Settings, *, has_broker: bool = False) -> Iterator[Served]:
    """Run a node, with a broker where it is wanted; end both whatever happens."""
    broker = Broker() if has_broker else None
    served = Served(settings, broker)
    try:
        if broker is not None:
            broker.start()
        served.start()
        yield served
    finally:
        served.kill()
        if broker is not None:
            broker.kill()
