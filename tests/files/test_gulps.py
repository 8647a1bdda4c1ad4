"""Small files in one gulp; where calls are slow, a worker waits for many of them together."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from panosc.domain.errors import Unreadable
from panosc.files import gulps
from panosc.files.workers import Pool

FILES = 100


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Pool(
        workers=1,
        memory_mb=256,
        time_limit_s=20.0,
        preload=["slow_tasks"],
        ahead="panosc.files.gulps:expect",
    ) as it:
        yield it


@pytest.fixture
def tasks(tmp_path: Path) -> list[tuple[str, int, int]]:
    found = []
    for number in range(FILES):
        path = tmp_path / f"{number}"
        path.write_bytes(b"x" * (1 + 100 * number))
        found.append((str(path), 1 + 100 * number, path.stat().st_mtime_ns))
    return found


def test_a_worker_waits_for_many_slow_files_together(
    pool: Pool, tasks: list[tuple[str, int, int]]
) -> None:
    os.remove(tasks[30][0])  # noqa: PTH107
    Path(tasks[40][0]).write_bytes(b"more than there was when it was found" * 1000)
    found = list(pool.map_in_order("slow_tasks:length", tasks))
    assert [item.reason for item in found if item.reason] == ["not-openable", "changing"]
    assert (found[30].reason, found[40].reason) == ("not-openable", "changing")
    right = [item.value for number, item in enumerate(found) if number not in {30, 40}]
    assert right == [size for number, (_, size, _) in enumerate(tasks) if number not in {30, 40}]
    most = pool.run("slow_tasks:most_at_once").value
    assert 8 <= most <= gulps.AT_ONCE + 1


def test_where_calls_are_quick_files_are_read_one_by_one(
    pool: Pool, tasks: list[tuple[str, int, int]]
) -> None:
    found = list(pool.map_in_order("slow_tasks:quick_length", tasks))
    assert [item.value for item in found] == [size for _, size, _ in tasks]
    assert pool.run("slow_tasks:most_at_once").value == 0


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    with pytest.raises(Unreadable) as caught:
        gulps.take(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    assert caught.value.reason == "special-file"
