"""Small files that say they are large, what a node can be asked of them, and who used memory."""

import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import h5py
import httpx
import numpy as np
from h5py import h5d, h5p, h5s, h5t

TIB = (2**20, 2**20)
"""A tebibyte of bytes."""
SELECTIONS = ("0:16", "::65536,::65536")
CLIENTS = 16
TAKEN = 2**20
"""Bytes of an answer after which a client goes away."""
PATIENCE_S = 1.0
"""How long a client waits for what would read a tebibyte."""


def make(folder: Path, *, links: int) -> dict[str, Path]:
    """Write the files, by name; but for that with many links none has more than 32 kB."""
    makers = {
        "late.h5": _late,
        "filled.h5": _filled,
        "packed.h5": _packed,
        "twice.h5": _packed_twice,
        "virtual.h5": _virtual,
        "ways.h5": _ways,
        "texts.h5": _texts,
    }
    for name, write in makers.items():
        with h5py.File(folder / name, "w") as file:
            write(file)
        assert (folder / name).stat().st_size < 32_768, name
    with h5py.File(folder / "links.h5", "w", libver="latest") as file:
        group = file.create_group("d")
        for number in range(links):
            group[f"link{number:07}"] = h5py.SoftLink("/d")
        for number in range(links // 1000):
            file.attrs[f"a{number:04}"] = np.zeros(8000, "f8")
    return {name: folder / name for name in [*makers, "links.h5"]}


def _late(file: h5py.File) -> None:
    """Contiguous, of which nothing was ever written."""
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_alloc_time(h5d.ALLOC_TIME_LATE)
    h5d.create(file.id, b"d", h5t.STD_U8LE, h5s.create_simple(TIB), plan)


def _filled(file: h5py.File) -> None:
    """Chunks that are not there, and a value that stands for them."""
    file.create_dataset("d", TIB, "u1", chunks=(1024, 1024), fillvalue=7)
    file.create_dataset("f", (2**17, 2**20), "<f8", chunks=(1, 2**20), fillvalue=np.nan)


def _packed(file: h5py.File) -> None:
    """One chunk of 4 MB in 4 kB, under each of several names."""
    for name in "def":
        data = file.create_dataset(
            name, TIB, "u1", chunks=(2048, 2048), compression="gzip", compression_opts=9
        )
        data[:2048, :2048] = 0


def _packed_twice(file: h5py.File) -> None:
    """Chunks of 128 MB in less than a kilobyte, and one that no reader takes."""
    for name, rows in (("d", 128), ("e", 2048)):
        plan = h5p.create(h5p.DATASET_CREATE)
        plan.set_chunk((rows, 2**20))
        plan.set_deflate(9)
        plan.set_deflate(9)
        h5d.create(file.id, name.encode(), h5t.STD_U8LE, h5s.create_simple(TIB), plan)
        once = zlib.compress(bytes(min(rows, 128) * 2**20), 9)
        file[name].id.write_direct_chunk((0, 0), zlib.compress(once, 9))


def _virtual(file: h5py.File) -> None:
    """A tebibyte that is made of one row."""
    file["row"] = np.arange(1024, dtype="u1")
    layout = h5py.VirtualLayout(TIB, "u1")
    layout[0, :1024] = h5py.VirtualSource(file["row"])
    file.create_virtual_dataset("d", layout, fillvalue=3)


def _ways(file: h5py.File) -> None:
    """2 ** 24 paths to one array, and groups that lead back."""
    below = file.create_group("last")
    below["d"] = np.arange(10)
    for number in range(24):
        above = file.create_group(f"g{number}")
        above["a"] = above["b"] = below
        above["up"] = file["/"]
        below = above
    file["d"] = file["last/d"]


def _texts(file: h5py.File) -> None:
    """A million texts that are all the same place, and texts of a megabyte that are not there."""
    file.create_dataset("d", (10**6,), h5py.string_dtype(), chunks=(1000,), fillvalue="x" * 9)
    file.create_dataset("e", (10**6,), "S1000000", chunks=(1,))


def questions(pid: str, files: Iterable[str]) -> Iterator[str]:
    """Yield what is asked, and answered in time."""
    here = f"/datasets/{pid}"
    for name in files:
        of = {"file": name}
        for what in ("meta", "attr"):
            yield f"{here}/-/h5/{what}?{urlencode(of | {'path': '/d'})}"
        yield f"{here}/-/h5/paths?{urlencode(of | {'path': '/', 'resolve_links': 'all'})}"
        for path in ("/d", "/e", "/f"):
            given = of | {"path": path, "dtype": "safe"}
            yield f"{here}/-/h5/data?{urlencode(given | {'format': 'bin'})}"
            for selection in SELECTIONS:
                part = given | {"selection": selection}
                yield f"{here}/-/h5/data?{urlencode(part | {'format': 'bin'})}"
            for key in ("zarr.json", "c/0/0", "c/511/511"):
                yield f"{here}/-/zarr/{quote(name)}{path}/{key}"
        yield f"{here}/-/h5/stats?{urlencode(of | {'path': '/d', 'selection': '0'})}"
        yield f"{here}/-/view?{urlencode(of | {'path': '/d'})}"
        yield f"{here}/-/zarr/{quote(name)}/zarr.json"
        yield f"{here}/-/download?{urlencode(of)}"
    yield from (f"{here}/-/download", f"{here}/-/thumbnail", here, f"{here}/-/files")


def endless(pid: str, files: Iterable[str]) -> Iterator[str]:
    """Yield what takes longer than anybody waits."""
    for name in files:
        yield f"/datasets/{pid}/-/h5/stats?{urlencode({'file': name, 'path': '/d'})}"


def ask_all(address: str, asked: list[str], *, patience_s: float) -> dict[int, int]:
    """Ask everything by many clients at once. Return statuses; 0 of those who went away before."""
    statuses: dict[int, int] = defaultdict(int)
    lock = threading.Lock()

    def one(number: int) -> None:
        status = 0
        with (
            suppress(httpx.ReadTimeout),
            httpx.Client(base_url=address, trust_env=False, timeout=patience_s) as client,
            client.stream("GET", asked[number]) as answer,
        ):
            status = answer.status_code
            # every fifth goes away at once
            left = 0 if number % 5 == 0 else TAKEN
            for piece in answer.iter_raw():
                left -= len(piece)
                if left < 0:
                    break
        with lock:
            statuses[status] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(one, range(len(asked))))
    return dict(statuses)


@contextmanager
def watched(session: int) -> Iterator[dict[str, float]]:
    """Provide the most memory in MB that any process of a kind had, of one session of processes."""
    most: dict[str, float] = defaultdict(float)
    ends = threading.Event()

    def look() -> None:
        while not ends.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, IndexError, ValueError):
                    if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                        kind = _kind((entry / "cmdline").read_bytes())
                        most[kind] = max(most[kind], _peak_mb(entry))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        time.sleep(0.1)
        ends.set()
        thread.join()


def _kind(command: bytes) -> str:
    if b"files.sandbox" in command:
        return "reader"
    return "web" if b"serving.worker" in command else "other"


def _peak_mb(entry: Path) -> float:
    lines = (entry / "status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
