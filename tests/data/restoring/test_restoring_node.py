"""A node brings files back beside serving, by what its settings name."""

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archive import ADA, PID, Archive

from panosc.data.restoring.running import restoring


def test_a_node_with_a_command_brings_files_back(archive: Archive) -> None:
    """The command is another program; it is asked by the process that leads alone."""
    program = str(Path(__file__).with_name("tape_library.py"))
    words = (sys.executable, program, str(archive.folder / "library"))
    settings = archive.settings.model_copy(
        update={"tape": "command", "tape_command": words, "tape_poll_s": 0.01}
    )
    archive.put(PID, ["V1", "V1", "V2"])
    archive.time[0] = datetime.now(UTC)
    archive.wishes.ask(ADA, PID)
    with (
        restoring(archive.engine, settings, lambda: datetime.now(UTC)),
        restoring(archive.engine, settings, lambda: datetime.now(UTC)),
    ):
        ends = time.monotonic() + 60
        while archive.tiers() != {"online": 3}:
            assert time.monotonic() < ends, archive.states()
            time.sleep(0.05)
    assert sorted(volume for volume, *_ in archive.library.mounts()) == ["V1", "V2"]


def test_a_node_with_a_broken_plug_in_serves_all_the_same(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    settings = archive.settings.model_copy(update={"tape": "none such"})
    with caplog.at_level(logging.ERROR), restoring(archive.engine, settings, archive.now):
        pass
    assert "There is no tape system 'none such'" in caplog.text


def test_a_node_that_stops_does_not_wait_for_its_tape_system(archive: Archive) -> None:
    begun = archive.folder / "begun"
    words = ("/bin/sh", "-c", f"touch {begun}; sleep 30")
    settings = archive.settings.model_copy(
        update={"tape": "command", "tape_command": words, "tape_time_limit_s": 25.0}
    )
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    with restoring(archive.engine, settings, archive.now):
        ends = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < ends
            time.sleep(0.02)
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 10
    # what it was at is there for the next one
    archive.settle()
    assert archive.tiers() == {"online": 1}
