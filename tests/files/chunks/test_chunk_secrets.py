"""What is left in a reading process by one file is told to nobody who reads another."""

import sys
from pathlib import Path

import h5py
import pytest
from dirty_tasks import SECRET

from panosc.files.workers import Pool


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of Linux is what is told")
@pytest.mark.parametrize("size", [24, 100, 300, 900, 5000, 300_000])
def test_chunks_that_yield_too_little_tell_nothing(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("d", (size,), "u1", chunks=(size,), compression="lzf")
        made.id.write_direct_chunk((0,), b"\x02abc", 0)
    with Pool(
        workers=1, memory_mb=512, time_limit_s=30, preload=["hdf5plugin", "dirty_tasks"]
    ) as pool:
        outcome = pool.run("dirty_tasks:read_after_secrets", str(path), size)
    assert outcome.reason == "damaged", (outcome.value or b"")[:100]
    assert outcome.value is None or SECRET[:8] not in outcome.value
