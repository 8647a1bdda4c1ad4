"""A node whose web processes do not start says so and ends, however long they take to fail."""

import socket
from pathlib import Path

import pytest

from panosc.cli.serving import workers
from panosc.cli.serving.workers import Workers
from panosc.domain.errors import Unavailable
from panosc.portal.operating.board import shared
from panosc.settings import Settings


def test_processes_that_fail_late_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\nsleep 0.1\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setattr(workers.sys, "executable", str(failing))
    # they ran for as long as one that is well
    monkeypatch.setattr(workers, "SOUND_S", 0.05)
    monkeypatch.setattr(workers, "FIRST_PAUSE_S", 0.01)
    told: list[str] = []
    with socket.socket() as listener, shared(2) as board:
        listener.bind(("127.0.0.1", 0))
        running = Workers(
            Settings(home=tmp_path, workers=2), listener, board=board, tell=told.append
        )
        with pytest.raises(Unavailable, match=r"do not start: number \d ended with code 3"):
            running.run(lambda: told.append("ready"))
    assert "ready" not in told
