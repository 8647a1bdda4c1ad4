"""The database is killed at random moments of an ingest; the next run makes up for it."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import example_data


def dumped(node, folder):
    """Return every byte of a bare dump."""
    done = node.run("catalogue", "dump", str(folder), "--bare")
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def kill_database(node):
    """Kill the server's first process as nothing else could; False when there is none."""
    try:
        text = (node.home / "database" / "data" / "postmaster.pid").read_text()
        os.kill(int(text.split()[0]), signal.SIGKILL)
    except (OSError, ValueError, IndexError):
        return False
    return True


def wait_for_database(node, process):
    """Return once the server is ready, or its ingest has ended."""
    path = node.home / "database" / "data" / "postmaster.pid"
    while process.poll() is None:
        if path.exists() and "ready" in path.read_text():
            return
        time.sleep(0.01)


@pytest.mark.slow
def test_an_ingest_survives_four_deaths_of_its_database(node, open_folder, tmp_path):
    examples = str(example_data.provide())
    other = type(node)(open_folder / "undisturbed")
    ingest = other.start("ingest", examples)
    wait_for_database(other, ingest)
    started = time.monotonic()
    assert ingest.wait(120) == 0
    other.close()
    working = time.monotonic() - started
    expected = dumped(other, tmp_path / "expected")
    rng = random.Random(7)
    killed = 0
    while killed < 4:
        ingest = node.start("ingest", examples)
        wait_for_database(node, ingest)
        started = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            ingest.wait(rng.uniform(0, working))
            # the machine has become faster: all deaths would come too late
            working = time.monotonic() - started
        killed += kill_database(node)
        _, said = ingest.communicate(timeout=120)
        assert ingest.returncode in {0, 1}, said
        assert "Traceback" not in said
        if ingest.returncode == 0:
            # all was in before the server died: begin again with nothing
            node.home = node.home.with_name(f"home{killed}")
    again = node.run("ingest", examples)
    assert again.returncode == 0, again.stderr
    assert dumped(node, tmp_path / "found") == expected
