"""A thousand damaged files: the answers of h5py or an error, from processes that live on."""

from pathlib import Path

import pytest
from chunk_mutants import run

from panosc.files.workers import Pool


@pytest.mark.slow
def test_damaged_files_give_the_values_of_h5py_or_an_error(tmp_path: Path) -> None:
    with Pool(workers=2, memory_mb=1024, time_limit_s=5, preload=("hdf5plugin",)) as pool:
        tally = run(tmp_path, count=1000, seed=5, pool=pool, told=lambda _: None)
    assert tally.mutants == 1000
    assert tally.wrong == []
    assert tally.alone == []
    # what h5py itself reads of them: most damage is beside the point
    assert tally.equal > 5_000
    assert tally.both > 50
    assert len(tally.lost) <= 5
