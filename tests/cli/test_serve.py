"""`panosc serve` as a process: ready, answering, stopped and killed without leaving anything."""

import os
import signal
import time

import pytest
import requests


def ready(process):
    line = process.stdout.readline()
    assert line.startswith("ready http://"), process.stderr.read()
    return line.split()[1]


def gone(node, *, within_s):
    """Whether no process of the node is left within some seconds."""
    until = time.monotonic() + within_s
    while node.processes() and time.monotonic() < until:
        time.sleep(0.1)
    return node.processes() == []


def test_serve_tells_its_address_and_stops_at_ctrl_c(node):
    server = node.start("serve", "--port", "0")
    address = ready(server)
    answer = requests.get(f"{address}/panosc-api/Datasets/count", timeout=10)
    assert answer.json() == {"count": 0}
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
    assert "Traceback" not in server.stderr.read()
    assert gone(node, within_s=20)


def test_two_commands_share_a_node(node, tmp_path):
    server = node.start("serve", "--workers", "1", "--port", "0")
    address = ready(server)
    (tmp_path / "Dataset.ndjson").write_text('{"pid":"10.1/x","title":"X","isPublic":true}\n')
    assert node.run("catalogue", "load", str(tmp_path)).returncode == 0
    assert requests.get(f"{address}/panosc-api/Datasets/count", timeout=10).json() == {"count": 1}
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)
    assert gone(node, within_s=20)


@pytest.mark.slow
def test_a_killed_server_leaves_nothing_for_the_next_start(node):
    for _ in range(3):
        server = node.start("serve", "--port", "0")
        address = ready(server)
        assert requests.get(f"{address}/panosc-api/Datasets/count", timeout=10).ok
        server.kill()
        server.wait(10)
    server = node.start("serve", "--port", "0")
    ready(server)
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
    assert gone(node, within_s=20)


def test_a_port_in_use_is_said(node):
    first = node.start("serve", "--workers", "1", "--port", "0")
    port = ready(first).rpartition(":")[2]
    second = node.run("serve", "--workers", "1", "--port", port)
    assert second.returncode == 1
    assert port in second.stderr
    assert "--port" in second.stderr
    os.killpg(first.pid, signal.SIGINT)
    first.wait(30)


@pytest.mark.slow
def test_the_database_dies_under_a_running_server(node):
    server = node.start("serve", "--port", "0")
    address = ready(server)
    own = (node.home / "database" / "data" / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(own), signal.SIGKILL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        answer = requests.get(f"{address}/panosc-api/Datasets/count", timeout=30)
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 200:
            break
        time.sleep(0.3)
    assert answer.status_code == 200
    os.killpg(server.pid, signal.SIGINT)
    server.wait(30)
    assert gone(node, within_s=20)
