"""What a look finds: everything that is new, changed or gone, in few calls, and no false alarm."""

import os
import random
import shutil
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from panosc.domain.errors import Invalid
from panosc.ingest.walking import Walk
from panosc.ingest.watching import tree as tree_module
from panosc.ingest.watching.folder import Folder, Mark
from panosc.ingest.watching.folders import Folders, outermost
from panosc.ingest.watching.tree import Pace

OLD = 1_700_000_000


class Watch:
    """Folders whose clock the test moves."""

    def __init__(self, *roots: Path, **pace: float | int) -> None:
        self.now, self.wall = 1000.0, time.time()
        settings = {"every_s": 2.0, **pace}
        self.folders = Folders(
            roots,
            Pace(**settings),  # type: ignore[arg-type]
            clock=lambda: self.now,
            wall=lambda: self.wall,
        )

    def tick(self, seconds: float = 2.0) -> tuple[list[str], list[str]]:
        """Let time pass and look: (names found, names gone)."""
        self.now += seconds
        self.wall += seconds
        self.folders.look(patience_s=60)
        found = [item for _ in range(1000) for item in self.folders.found(1000)]
        gone = self.folders.gone(10**6)
        return [item.path.rpartition("/")[2] for item in found], [
            url.rpartition("/")[2] for url in gone
        ]

    @property
    def calls(self) -> int:
        return sum(state.calls for state in self.folders.states())

    @property
    def troubles(self) -> dict[str, str]:
        return {
            path: why for state in self.folders.states() for path, why in state.troubles.items()
        }


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def age(folder: Path) -> None:
    """Let everything below be old, so that nothing is looked at for having changed."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (OLD, OLD), follow_symlinks=False)


def test_the_first_look_finds_what_a_walk_finds(tmp_path: Path) -> None:
    for name in ("b/z", "b/a/1", "a", "ä", "b-/x", "c/d/e/f"):
        put(tmp_path / name)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "circle").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    watch = Watch(tmp_path)
    watch.folders.look(patience_s=60)
    found = {item.path: item for item in watch.folders.found(100)}
    assert found == {item.path: item for item in Walk([tmp_path]).files()}
    assert watch.tick() == ([], [])
    assert [state.state for state in watch.folders.states()] == ["watched"]


def test_new_files_and_folders_are_found_at_the_next_look(tmp_path: Path) -> None:
    put(tmp_path / "run1/old")
    watch = Watch(tmp_path)
    watch.tick()
    put(tmp_path / "run1/new")
    put(tmp_path / "run2/deep/down/first")
    found, gone = watch.tick()
    assert sorted(found) == ["first", "new"]
    assert gone == []


def test_a_file_that_grows_is_found_again_and_again(tmp_path: Path) -> None:
    path = put(tmp_path / "run/scan.h5")
    watch = Watch(tmp_path)
    assert watch.tick()[0] == ["scan.h5"]
    for number in range(5):
        with path.open("ab") as file:
            file.write(b"more")
        assert watch.tick()[0] == ["scan.h5"], number
    assert watch.tick()[0] == []


def test_a_file_that_waited_some_time_and_grows_is_found_soon(tmp_path: Path) -> None:
    path = put(tmp_path / "run/scan.h5")
    watch = Watch(tmp_path)
    for _ in range(300):
        watch.tick()
    with path.open("ab") as file:
        file.write(b"more")
    ticks = next(number for number in range(1, 400) if watch.tick()[0] == ["scan.h5"])
    assert ticks * 2 <= 600 / 3 + 4


def test_a_file_put_in_the_place_of_another_is_found(tmp_path: Path) -> None:
    path = put(tmp_path / "run/scan.h5")
    other = put(tmp_path / "run/.scan.h5.part")
    age(tmp_path)
    watch = Watch(tmp_path)
    watch.tick()
    assert (path.stat().st_size, path.stat().st_mtime) == (
        other.stat().st_size,
        other.stat().st_mtime,
    )
    other.rename(path)
    assert [name for _ in range(31) for name in watch.tick()[0]] == ["scan.h5"]


def test_what_goes_is_told_once_and_only_at_the_second_look_without_it(tmp_path: Path) -> None:
    for name in ("run/a", "run/b", "gone/deep/c", "gone/d"):
        put(tmp_path / name)
    watch = Watch(tmp_path)
    watch.tick()
    (tmp_path / "run/a").unlink()
    shutil.rmtree(tmp_path / "gone")
    assert watch.tick() == ([], [])
    found, gone = watch.tick()
    assert (found, sorted(gone)) == ([], ["a", "c", "d"])
    assert watch.tick() == ([], [])
    assert watch.folders.states()[0].files == 1


def test_a_name_that_one_listing_passes_by_is_not_gone(tmp_path: Path) -> None:
    path = put(tmp_path / "run/a")
    put(tmp_path / "run/b")
    watch = Watch(tmp_path)
    watch.tick()
    path.rename(tmp_path / "elsewhere")
    assert watch.tick() == (["elsewhere"], [])
    (tmp_path / "elsewhere").rename(path)
    assert "a" not in [name for _ in range(5) for name in watch.tick()[1]]


def test_a_file_that_moves_is_found_there_before_it_is_gone_here(tmp_path: Path) -> None:
    put(tmp_path / "incoming/a")
    (tmp_path / "archive").mkdir()
    watch = Watch(tmp_path)
    watch.tick()
    (tmp_path / "incoming/a").rename(tmp_path / "archive/b")
    assert watch.tick() == (["b"], [])
    assert watch.tick() == ([], ["a"])


def test_a_root_that_is_not_mounted_lets_nothing_vanish(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("run/a", "run/b", "c"):
        put(root / name)
    watch = Watch(root)
    watch.tick()
    root.rename(tmp_path / "away")
    for _ in range(100):
        assert watch.tick() == ([], [])
    assert "cannot be looked at" in watch.troubles[str(root)]
    root.mkdir()
    for _ in range(100):
        assert watch.tick() == ([], [])
    assert "Is it mounted?" in watch.troubles[str(root)]
    assert [state.state for state in watch.folders.states()] == ["trouble"]
    assert watch.folders.states()[0].files == 3
    root.rmdir()
    (tmp_path / "away").rename(root)
    put(root / "run/d")
    found = [name for _ in range(40) for name in watch.tick()[0]]
    assert "d" in found
    assert watch.troubles == {}
    (root / "run/a").unlink()
    assert "a" in [name for _ in range(40) for name in watch.tick()[1]]


def test_another_file_system_in_the_place_of_one_lets_nothing_vanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    for name in ("beamline/run/a", "beamline/run/b", "other/c"):
        put(root / name)
    watch = Watch(root)
    watch.tick()
    real = os.stat

    def stat(path: str, **options: bool) -> os.stat_result:
        status = real(path, **options)
        if str(path).startswith(str(root / "beamline")):
            status = os.stat_result(
                (*status[:2], status.st_dev + 1, *status[3:]),
                {
                    "st_mtime_ns": status.st_mtime_ns,
                    "st_ctime_ns": status.st_ctime_ns,
                    "st_mtime": status.st_mtime,
                },
            )
        return status

    (root / "beamline").rename(tmp_path / "away")
    (root / "beamline").mkdir()
    monkeypatch.setattr(tree_module.os, "stat", stat)
    for _ in range(100):
        assert watch.tick() == ([], [])
    assert "another device" in watch.troubles[str(root / "beamline")]
    assert watch.folders.states()[0].files == 3


def test_a_file_system_that_comes_back_as_another_device_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "run/a")
    put(tmp_path / "run/b")
    watch = Watch(tmp_path)
    watch.tick()
    real = os.stat

    def stat(path: str, **options: bool) -> os.stat_result:
        status = real(path, **options)
        return os.stat_result(
            (*status[:2], status.st_dev + 1, *status[3:]),
            {
                "st_mtime_ns": status.st_mtime_ns,
                "st_ctime_ns": status.st_ctime_ns,
                "st_mtime": status.st_mtime,
            },
        )

    monkeypatch.setattr(tree_module.os, "stat", stat)
    assert watch.tick() == ([], [])
    assert watch.troubles == {}
    (tmp_path / "run/a").unlink()
    assert [name for _ in range(3) for name in watch.tick()[1]] == ["a"]


def test_a_folder_that_cannot_be_listed_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "run/a")
    watch = Watch(tmp_path)
    watch.tick()
    real = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("run"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        put(tmp_path / "run/b")
        for _ in range(60):
            assert watch.tick() == ([], [])
        assert "cannot be listed: Permission denied" in watch.troubles[str(tmp_path / "run")]
    assert "b" in [name for _ in range(31) for name in watch.tick()[0]]
    assert watch.troubles == {}


def test_a_folder_whose_time_stands_still_is_listed_again(tmp_path: Path) -> None:
    put(tmp_path / "run/a")
    watch = Watch(tmp_path)
    watch.tick()
    put(tmp_path / "run/b")
    status = (tmp_path / "run").stat()
    assert watch.tick()[0] == ["b"]
    # within the same tick of the file system's clock
    put(tmp_path / "run/c")
    os.utime(tmp_path / "run", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert watch.tick()[0] == ["c"]


def test_what_times_hide_is_found_within_the_hour(tmp_path: Path) -> None:
    path = put(tmp_path / "run/a")
    age(tmp_path)
    watch = Watch(tmp_path)
    watch.tick()
    watch.tick(60)
    path.write_bytes(b"y")
    put(tmp_path / "run/hidden")
    age(tmp_path)
    found = [name for _ in range(90) for name in watch.tick(60)[0]]
    assert sorted(set(found)) == ["a", "hidden"]


def test_rights_that_are_given_later_are_noticed(tmp_path: Path) -> None:
    path = put(tmp_path / "run/a")
    watch = Watch(tmp_path)
    watch.tick()
    path.chmod(0o640)
    assert "a" in [name for _ in range(3) for name in watch.tick()[0]]


def test_quiet_folders_cost_little(tmp_path: Path) -> None:
    for number in range(200):
        put(tmp_path / f"{number % 50}/{number}")
    age(tmp_path)
    watch = Watch(tmp_path)
    watch.tick()
    watch.tick(60)
    before = watch.calls
    for _ in range(30):
        watch.tick()
    # the root at each look, the others once in a minute
    assert watch.calls - before <= 30 + 2 * 51
    put(tmp_path / "7/new")
    assert "new" in [name for _ in range(31) for name in watch.tick()[0]]
    put(tmp_path / "7/newer")
    assert watch.tick()[0] == ["newer"]


def test_one_that_writes_much_holds_up_no_other(tmp_path: Path) -> None:
    for name in ("busy", *map(str, range(44))):
        (tmp_path / name).mkdir()
    watch = Watch(tmp_path, most=500)
    watch.tick()
    for number in range(3000):
        put(tmp_path / f"busy/{number:04}")
    watch.now += 2
    watch.folders.look(patience_s=60)
    watch.folders.found(300)
    for number in range(44):
        put(tmp_path / f"{number}/one")
    watch.now += 2
    watch.folders.look(patience_s=60)
    taken = [found.path for _ in range(2) for found in watch.folders.found(200)]
    assert sum(path.endswith("/one") for path in taken) == 44
    rest = [found.path for _ in range(200) for found in watch.folders.found(200)]
    assert len(rest) + len(taken) + 300 == 3044


def change(root: Path, rng: random.Random) -> None:
    """Do anything that may happen to files, if it can be done."""

    def any_path() -> Path:
        return root.joinpath(*(rng.choice("abc") for _ in range(rng.randint(1, 4))))

    path, other = any_path(), any_path()
    with suppress(OSError):
        match rng.randrange(6):
            case 0 | 1:
                put(path, bytes(rng.randrange(50)))
            case 2:
                with path.open("ab") as file:
                    file.write(b"more")
            case 3:
                path.unlink()
            case 4:
                other.parent.mkdir(parents=True, exist_ok=True)
                path.rename(other)
            case 5:
                shutil.rmtree(path)


@pytest.mark.parametrize("seed", range(3))
def test_however_things_change_the_last_word_is_right(tmp_path: Path, seed: int) -> None:
    """Replayed, what was told gives what is there; checked against a fresh walk."""
    rng = random.Random(seed)
    root = tmp_path / "root"
    put(root / "keep")
    watch = Watch(root)
    told: dict[str, tuple[int, int]] = {}

    def take(seconds: float) -> None:
        watch.now += seconds
        watch.wall += seconds
        watch.folders.look(patience_s=60)
        while found := watch.folders.found(50):
            told.update({item.url: (item.size, item.mtime_ns) for item in found})
        for url in watch.folders.gone(1000):
            told.pop(url, None)

    for _ in range(400):
        change(root, rng)
        if rng.random() < 0.5:
            take(rng.choice([2, 2, 5]))
    for _ in range(5):
        take(2)
    assert told == {item.url: (item.size, item.mtime_ns) for item in Walk([root]).files()}
    assert watch.folders.states()[0].files == len(told)


def test_roots_within_roots_are_watched_once(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    roots = [tmp_path / "a/b", tmp_path / "link", tmp_path / "a", tmp_path / "nowhere"]
    assert outermost(roots) == [str(tmp_path / "a"), str(tmp_path / "nowhere")]
    put(tmp_path / "file")
    with pytest.raises(Invalid, match="not a folder"):
        outermost([tmp_path / "file"])


def test_a_root_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "later")
    assert watch.tick() == ([], [])
    assert "cannot be looked at" in watch.troubles[str(tmp_path / "later")]
    put(tmp_path / "later/a")
    assert watch.tick()[0] == ["a"]
    assert watch.troubles == {}


def test_a_million_files_fit_beside_everything_else() -> None:
    """A folder of a thousand files, packed: what a file costs beside its name."""
    tracemalloc.start()
    try:
        kept = []
        for number in range(20):
            folder = Folder(f"run_{number}", None, deep=0.0)
            folder.keep(
                {
                    b"scan_%06d_master.h5" % file: Mark(2**33, 2**60, 2**60, file)
                    for file in range(1000)
                }
            )
            kept.append(folder)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, kept)) == 20_000
    assert size / 20_000 < 80
