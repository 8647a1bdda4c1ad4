"""`panosc ingest announce` and `listen`, as processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from announcing_node import Node, write_nexus
from node_processes import Broker, until
from test_icat_broker import send_to, states

from panosc.settings import Settings

PANOSC = str(Path(sys.executable).with_name("panosc"))


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PANOSC_")}
    return kept | more


def announce(
    node: Node, tmp_path: Path, *words: str, token: str
) -> "subprocess.CompletedProcess[str]":
    given = environment(PANOSC_TOKEN=token, XDG_CONFIG_HOME=str(tmp_path))
    command = [PANOSC, "ingest", "announce", "--server", node.address, *words]
    return subprocess.run(
        command, env=given, capture_output=True, text=True, timeout=60, check=False
    )


def test_announced_from_the_command_line(announcing: Node, tmp_path: Path) -> None:
    folder = announcing.data / "id02"
    folder.mkdir(exist_ok=True)
    path = str(write_nexus(folder / "a.nxs"))
    token = announcing.tokens["id02"]
    words = (path, "--id", "run-1", "--title", "From a shell", "--kind", "reduced", "--json")
    made = announce(announcing, tmp_path, *words, token=token)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["id"] == "svc-id02:run-1"
    announcing.desk().step()
    [pid] = announcing.find("run-1", "id02").json()["pids"]
    # without a known proposal it is closed: whoever looks after the node sees it
    assert announcing.dataset(pid, "reading steward")["title"] == "From a shell"
    outside = announce(announcing, tmp_path, "/etc/passwd", token=token)
    assert outside.returncode == 1
    assert "/etc/passwd" in outside.stderr
    wrong = announce(announcing, tmp_path, path, token="ps_pat_0")
    assert wrong.returncode == 1
    assert "ps_pat_0" not in wrong.stderr


def test_listening_in_a_terminal(settings: Settings, engine: sa.Engine, data: Path) -> None:
    broker = Broker()
    broker.start()
    assert settings.database_url is not None
    given = environment(
        PANOSC_HOME=str(settings.home),
        PANOSC_DATABASE_URL=settings.database_url.get_secret_value(),
        PANOSC_INGEST_ROOTS=json.dumps([str(data)]),
        PANOSC_STOMP_URL=broker.url.replace("guest:guest", "guest:verysecret"),
    )
    command = [PANOSC, "ingest", "listen"]
    process = subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True)
    try:
        folder = write_nexus(data / "x" / "a.h5").parent
        said = {"beamline": "id02", "proposal": "hg-1", "dataset": "x", "path": str(folder)}
        send_to(broker, ("store_dataset", {**said, "metadata": {"Sample_name": "s"}}))
        until(lambda: states(engine), ["icat-dataset done"])
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
        broker.kill()
    assert process.returncode == 0, told
    assert "Listening to /queue/icatIngest" in told
    assert "verysecret" not in told
    assert "Traceback" not in told


def test_without_a_broker_there_is_nothing_to_listen_to(tmp_path: Path) -> None:
    command = [PANOSC, "ingest", "listen", "--home", str(tmp_path)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "stomp_url" in done.stderr
