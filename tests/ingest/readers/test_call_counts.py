"""How many calls a file costs: what a network file system charges for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hostile
import pytest

PROGRAM = Path(__file__).with_name("call_counting.py")
MOST = 12
FILES = 20
EACH = {"open": 1, "fstat": 2, "read": 1, "close": 1}
"""What reading a file asks of the file system."""


def _counted(folder: Path, *, large: int = 0, open_ms: float = 0.0) -> dict[str, Any]:
    folder.mkdir()
    for number in range(FILES):
        with hostile.nexus(folder / f"{number:02}.nxs", title=f"run {number}") as file:
            if large:
                file["entry/data/big"] = list(range(large // 8))
    with hostile.nexus(folder / "warm.nxs"):
        pass
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), str(open_ms)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    counts: dict[str, Any] = json.loads(done.stdout)
    assert counts["titles"] == [f"run {number}" for number in range(FILES)]
    assert counts["files"] == FILES
    return counts


def test_a_small_file_is_read_in_one_gulp(tmp_path: Path) -> None:
    counts = _counted(tmp_path / "data")
    assert counts["read"] == {name: FILES * n for name, n in EACH.items()}
    # nothing of it was read behind Python's back, as HDF5 would do from its path
    assert counts["kernel_reads"] == FILES
    walked = counts["walked"]
    # one look at each file and at the root; the way to the root is followed once
    assert (walked.pop("stat"), walked.pop("scandir")) == (FILES + 1, 1)
    assert walked.keys() <= {"lstat"}
    # for the kernel a listing is open, stat, two reads and close
    each = sum(EACH.values()) + (FILES + 1 + 5) / FILES
    assert each <= MOST


@pytest.mark.parametrize(
    ("open_ms", "reads"), [(0.0, range(3, 10_000)), (3.0, range(1, 2))], ids=["fast", "slow"]
)
def test_where_calls_are_slow_larger_files_are_read_in_one_gulp_too(
    tmp_path: Path, open_ms: float, reads: range
) -> None:
    counts = _counted(tmp_path / "data", large=1_200_000, open_ms=open_ms)
    assert counts["read"] == {name: FILES * n for name, n in EACH.items()}
    assert counts["kernel_reads"] // FILES in reads


def test_counting_sees_what_python_does_not(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 10)
    program = (
        "import ctypes, os; libc = ctypes.CDLL(None); "
        f"d = libc.open({os.fsencode(path)!r}, 0); buffer = ctypes.create_string_buffer(10); "
        "now = lambda: int(open('/proc/self/io').read().split()[5]); a = now(); own = now() - a; "
        "a = now(); [libc.pread(d, buffer, 1, i) for i in range(5)]; print(now() - a - own)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) == 5
