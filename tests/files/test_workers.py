"""The pool keeps its promises when tasks break theirs."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from panosc.domain.errors import Unavailable
from panosc.files.workers import Pool

HERE = "worker_tasks"


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(workers=2, memory_mb=256, time_limit_s=1.0) as it:
        yield it


def test_outcomes_come_in_the_order_of_the_tasks(pool: Pool) -> None:
    outcomes = pool.map_in_order(f"{HERE}:double", ((n,) for n in range(1000)))
    assert [item.value for item in outcomes] == [2 * n for n in range(1000)]


def test_a_task_that_kills_its_worker_fails_alone(pool: Pool) -> None:
    outcomes = list(pool.map_in_order(f"{HERE}:sometimes_die", ((n,) for n in range(200))))
    failed = [n for n, item in enumerate(outcomes) if item.reason]
    assert failed == [7, 57, 107, 157]
    assert {outcomes[n].reason for n in failed} == {"crashed"}
    assert "SIGSEGV" in outcomes[7].detail
    assert [item.value for item in outcomes if not item.reason] == [
        n for n in range(200) if n not in failed
    ]


def test_a_late_task_is_killed_wherever_it_hangs(pool: Pool) -> None:
    begun = time.monotonic()
    outcomes = [pool.run(f"{HERE}:hang_in_c"), pool.run(f"{HERE}:late", 0.01)]
    assert [(item.reason, item.value) for item in outcomes] == [
        ("time-limit", None),
        (None, "done"),
    ]
    assert time.monotonic() - begun < 20


def test_the_time_limit_counts_for_each_task_of_a_batch(pool: Pool) -> None:
    outcomes = list(pool.map_in_order(f"{HERE}:late", [(0.3,)] * 12))
    assert [item.value for item in outcomes] == ["done"] * 12


def test_memory_is_limited_beyond_what_the_worker_starts_with(pool: Pool) -> None:
    assert pool.run(f"{HERE}:greedy", 100).value == 100 * 2**20
    assert pool.run(f"{HERE}:greedy", 400).reason == "memory-limit"
    assert pool.run(f"{HERE}:double", 4).value == 8


def test_a_taken_over_worker_cannot_run_code_in_the_parent(pool: Pool) -> None:
    proof = Path("/tmp/panosc-evil")
    proof.unlink(missing_ok=True)
    outcome = pool.run(f"{HERE}:evil")
    assert outcome.reason in {"crashed", "failed"}
    assert not proof.exists()


def test_a_worker_cannot_write_files(pool: Pool, tmp_path: Path) -> None:
    outcome = pool.run(f"{HERE}:write", str(tmp_path / "x"))
    assert outcome.reason in {"crashed", "failed"}
    assert not (tmp_path / "x").exists() or (tmp_path / "x").stat().st_size == 0


def test_an_unknown_function_is_a_failed_task(pool: Pool) -> None:
    assert pool.run(f"{HERE}:nowhere").reason == "failed"


def test_closing_does_not_wait_for_a_running_task() -> None:
    begun = time.monotonic()
    with Pool(workers=1, memory_mb=256, time_limit_s=60) as pool:
        outcomes = pool.map_in_order(f"{HERE}:late", [(0.0,), (50.0,)])
        next(outcomes)
    assert time.monotonic() - begun < 10
    with pytest.raises(Unavailable):
        pool.run(f"{HERE}:double", 1)


def test_a_long_task_does_not_hold_up_another() -> None:
    pool = Pool(workers=2, memory_mb=256, time_limit_s=60)

    def wait() -> None:
        with contextlib.suppress(Unavailable):
            pool.run(f"{HERE}:late", 50.0)

    long = threading.Thread(target=wait)
    with pool:
        long.start()
        time.sleep(0.5)
        begun = time.monotonic()
        assert pool.run(f"{HERE}:double", 21).value == 42
        assert time.monotonic() - begun < 20
    long.join()


def test_workers_that_cannot_start_stop_the_pool_and_blame_no_task() -> None:
    with (
        Pool(workers=1, memory_mb=256, time_limit_s=5, preload=["no.such.module"]) as pool,
        pytest.raises(Unavailable, match="cannot be started"),
    ):
        pool.run(f"{HERE}:double", 1)


def test_killing_the_parent_leaves_no_worker() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from panosc.files.workers import Pool\n"
        "pool = Pool(workers=2, memory_mb=256, time_limit_s=600)\n"
        f"pids = {{item.value for item in pool.map_in_order('{HERE}:identity', [()] * 64)}}\n"
        "print(*pids, flush=True)\n"
        f"list(pool.map_in_order('{HERE}:hang_in_c', [()] * 8))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert pids
        time.sleep(0.2)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
