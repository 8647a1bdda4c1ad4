"""Damage HDF5 files at random, and compare what the node reads of them with what h5py reads.

``python benchmarks/mutants.py N SEED`` reads N damaged files in the node's own confined
processes. It fails when an answer differs from h5py's of the same file.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "files" / "chunks"))

from chunk_mutants import run  # only found by the line above

from panosc.files.workers import Pool


def main(count: int, seed: int) -> int:
    begun = time.monotonic()

    def told(done: int) -> None:
        if done % 4_800 == 0:
            print(f"{done} of {count} in {time.monotonic() - begun:.0f} s", flush=True)

    with (
        tempfile.TemporaryDirectory() as folder,
        Pool(workers=2, memory_mb=1024, time_limit_s=20, preload=("hdf5plugin",)) as pool,
    ):
        tally = run(Path(folder), count=count, seed=seed, pool=pool, told=told)
    print(
        f"{tally.mutants} damaged files (seed {seed}) in {time.monotonic() - begun:.0f} s: "
        f"{tally.unopened} do not open; of the answers {tally.equal} are equal to h5py's, "
        f"{tally.both} are errors of both, {tally.refused} of ours alone, "
        f"{len(tally.alone)} of h5py alone, {tally.made_up} were made up by HDF5, "
        f"{len(tally.wrong)} differ"
    )
    print("files that end a process of h5py, and none of ours:", tally.crashed)
    print("processes lost to one file, and replaced:", len(tally.lost))
    for where in (*tally.lost[:20], *tally.wrong[:20], *tally.alone[:20]):
        print("  ", where)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
