"""Reading by plan against h5py, on a stack of 200 × 1024 × 1024 uint16 in two compressions.

``python benchmarks/chunk_reading.py [FOLDER]``; the two files are made there when it has none.
Best of several. `first`: nothing known of the file but its index; `again`: what a worker keeps of
blocks is known, no decoded chunk is; h5py opens the file each time, as one process for each
request would, or keeps it open and has a chunk that it has not read before.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests" / "files" / "chunks"))

import chunk_zoo  # only found by the line above

from panosc.files.chunks import reading
from panosc.files.chunks.planning import plan
from panosc.files.chunks.selection import parse
from panosc.files.storage.local import LocalSource

FRAMES = 200
CASES = {
    "frame": "{}",
    "region 64×64": "{},100:164,200:264",
    "row": "{},100",
    "pixel through all frames": ":,500,500",
    "16×16 pixels through all frames": ":,500:516,500:516",
}
PIPELINES: dict[str, dict[str, Any]] = {
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "shuffle+gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}


def write(path: Path, pipeline: dict[str, Any]) -> None:
    chance = np.random.default_rng(0)
    base = chance.poisson(3.0, size=(8, 1024, 1024)).astype("u2")
    with h5py.File(path, "w") as file:
        stack = file.create_dataset(
            "data", (FRAMES, 1024, 1024), "u2", chunks=(1, 1024, 1024), **pipeline
        )
        for number in range(FRAMES):
            frame = np.roll(base[number % 8], number, axis=0)
            frame[chance.integers(0, 1024, 50), chance.integers(0, 1024, 50)] += 5000
            stack[number] = frame


class Stack:
    """One of the files, and the two ways to read of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._array = chunk_zoo.arrays(path)["/data"]
        self._rows = chunk_zoo.rows_of(self._array)
        self._shape = self._array.shape or ()

    def first(self, text: str) -> Any:
        """With nothing remembered."""
        reading.forget()
        return self._ours(text)

    def again(self, text: str) -> Any:
        """With the blocks of chunks known, and no chunk decoded."""
        reading.forget_chunks()
        return self._ours(text)

    def _ours(self, text: str) -> Any:
        with LocalSource(self.path) as source:
            chosen = plan(self._array, self._rows, parse(text, self._shape))
            return reading.read(source, chosen)

    def theirs(self, text: str) -> Any:
        """As h5py does it in a new process, or nearly so."""
        with h5py.File(self.path) as file:
            return file["data"][parse(text, self._shape).index]

    def kept(self, text: str, times: int) -> float:
        """Return the time that h5py takes in a file that stays open."""
        with h5py.File(self.path) as file:
            data = file["data"]
            return best(lambda some: data[parse(some, self._shape).index], text, times, 20)


def best(work: Callable[[str], object], text: str, times: int, begin: int = 0) -> float:
    """Return the shortest time in milliseconds, each for another frame where there is one."""
    taken = []
    for number in range(begin, begin + times):
        begun = time.perf_counter()
        work(text.format(number))
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1e3


def main(folder: Path) -> None:
    print(f"{'':48} {'first':>8} {'again':>8} {'h5py':>8} {'kept open':>10}   ms")
    for name, pipeline in PIPELINES.items():
        path = folder / f"{name}.h5"
        if not path.exists():
            write(path, pipeline)
        stack = Stack(path)
        for case, text in CASES.items():
            times = 3 if text.startswith(":") and "gzip" in name else 9
            one = text.format(5)
            assert chunk_zoo.same(stack.first(one), stack.theirs(one))
            first = best(stack.first, text, times)
            for number in range(times):
                stack.again(text.format(number))
            again, other = best(stack.again, text, times), best(stack.theirs, text, times)
            print(
                f"{name:15} {case:32} {first:8.2f} {again:8.2f} {other:8.2f} "
                f"{stack.kept(text, times):10.2f}   ×{other / again:.1f}"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
