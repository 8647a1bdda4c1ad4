"""Reads files as a confined worker does, and counts what it asks of the file system.

    python call_counting.py FOLDER SLOW_OPEN_MS

Python's own calls are counted by name; those that a C library makes are seen by the kernel's
count of read calls (/proc/self/io), and by the names behind the descriptors it would need.
"""

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

CALLS: Counter[str] = Counter()
NAMES = ("open", "close", "read", "pread", "fstat", "stat", "lstat", "lseek", "scandir", "access")


def syscr() -> int:
    with open("/proc/self/io", encoding="ascii") as file:  # noqa: PTH123 - before it is counted
        words = dict(line.split(": ") for line in file.read().splitlines())
    return int(words["syscr"])


def counted(name: str, wait_s: float) -> None:
    real = getattr(os, name)

    def call(*arguments: object, **options: object) -> object:
        CALLS[name] += 1
        if name == "open":
            time.sleep(wait_s)
        return real(*arguments, **options)

    setattr(os, name, call)


def main() -> None:
    from panosc.ingest.reading import read  # noqa: PLC0415 - before anything is counted
    from panosc.ingest.walking import Walk  # noqa: PLC0415

    folder, wait_s = Path(sys.argv[1]), float(sys.argv[2]) / 1000
    warm = folder / "warm.nxs"
    read(str(warm), warm.stat().st_size, warm.stat().st_mtime_ns)
    warm.unlink()
    before = syscr()
    own = syscr() - before
    for name in NAMES:
        counted(name, wait_s)
    found = list(Walk([folder]).files())
    walked = dict(CALLS)
    CALLS.clear()
    before = syscr()
    facts = [read(item.path, item.size, item.mtime_ns).facts for item in found]
    reads = syscr() - before - own
    counts = {"files": len(found), "walked": walked, "read": CALLS, "kernel_reads": reads}
    json.dump(counts | {"titles": [item.title for item in facts]}, sys.stdout)


main()
