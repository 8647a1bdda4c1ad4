"""However large a small file says it is, and whatever is asked of it, memory stays bounded."""

import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
from h5_node import NOW, OPEN, rows
from large_shapes import CLIENTS, PATIENCE_S, ask_all, endless, make, questions, watched

from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.settings import Settings

sys.path.append(str(Path(__file__).parents[2] / "serving"))

from serving_node import running  # only found by the line above

ANSWER_MB, FILE_MB = 16, 512
WEB_MB = 250 + CLIENTS * ANSWER_MB
"""What a web process takes to begin with, and one answer for each client."""
READER_MB = FILE_MB
LIMIT_S = 4
LONGEST_S = 15.0


@pytest.mark.slow
def test_memory_is_bounded_whatever_is_asked(new_database, template, open_folder, tmp_path):
    files = make(tmp_path, links=2_000)
    home = open_folder / "bounded"
    small = f"/datasets/{OPEN}/-/h5/data?file=ways.h5&path=/d&format=json"
    took: list[float] = []
    ends = threading.Event()
    with new_database(template) as database:
        settings = Settings(home=tmp_path, database_url=database)
        with open_database(settings) as engine, engine.begin() as connection:
            write(connection, rows(OPEN, files.items()), now=NOW)
        limits = {"data_answer_mb": ANSWER_MB, "file_memory_mb": FILE_MB, "workers": 2}
        limits["file_time_limit_s"] = LIMIT_S
        with running(home, database, **limits) as node, watched(node.process.pid) as most:

            def ask_for_little() -> None:
                while not ends.wait(0.2):
                    began = time.monotonic()
                    assert node.get(small).json() == list(range(10))
                    took.append(time.monotonic() - began)

            other = threading.Thread(target=ask_for_little)
            other.start()
            try:
                left = ask_all(node.address, list(endless(OPEN, files)), patience_s=PATIENCE_S)
                statuses = ask_all(node.address, list(questions(OPEN, files)), patience_s=30)
            finally:
                ends.set()
                other.join()
            late = node.get(next(endless(OPEN, files)))
    shutil.rmtree(home, ignore_errors=True)
    assert most["web"] < WEB_MB, most
    assert most["reader"] < READER_MB, most
    assert late.json()["reason"] == "time-limit"
    assert left[0] >= 3, "nobody had to wait: it was not as large as it said"
    assert set(statuses) <= {200, 404, 413, 422}, statuses
    assert statuses[200] > 60
    assert statuses[413] >= 5
    assert len(took) > 5
    assert max(took) < LONGEST_S
