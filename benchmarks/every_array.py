"""Whether a node answers every numeric array of every HDF5 file in a folder as h5py reads it.

    python benchmarks/every_array.py FOLDER

By slices (raw bytes), and as Zarr wherever that is offered; prints how many there were and what
share is offered as Zarr, and why the rest is not. Ends with 1 if any answer differs.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 (h5py reads its filters once it is loaded)
import httpx
import numpy as np
import zarr
from zarr.storage import FsspecStore

from data import free_port, running

PROGRAM = str(Path(sys.executable).with_name("panosc"))


def arrays(path: Path) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the numeric arrays that the file itself holds."""
    with h5py.File(path, locking=False) as file:
        found: list[str] = []
        file.visit(found.append)
        for name in found:
            node = file[name]
            if isinstance(node, h5py.Dataset) and node.dtype.kind in "biufc":
                yield f"/{name}", node


def as_zarr(url: str) -> "np.ndarray | str":
    """Return the whole array, or why it is not offered."""
    answer = httpx.get(f"{url}/zarr.json", timeout=60, trust_env=False)
    if answer.status_code == 404:
        return str(answer.json()["detail"]).rpartition(": ")[2]
    answer.raise_for_status()
    opened = zarr.open_array(FsspecStore.from_url(url, read_only=True), mode="r", zarr_format=3)
    return np.asarray(opened[...])


def main(folder: Path) -> int:
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as scratch:
        Path(scratch).chmod(0o755)
        home = Path(scratch) / "home"
        home.mkdir()
        # some of them may be no files of data: the rest is taken
        words = [PROGRAM, "ingest", str(folder), "--home", str(home)]
        subprocess.run(words, check=False, capture_output=True)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        command = [PROGRAM, "serve", "--home", str(home), "--port", str(port)]
        with (
            running(command, f"{base}/-/ready", Path(scratch) / "log"),
            httpx.Client(base_url=base, timeout=120, trust_env=False) as client,
        ):
            pids = {
                # two files may have one name
                (item["name"], item["size"]): data["pid"]
                for data in client.get("/panosc-api/Datasets").json()
                for item in client.get(
                    f"/panosc-api/Datasets/{data['pid'].replace('/', '%2F')}/files"
                ).json()
            }
            for path in sorted(folder.rglob("*")):
                named = (path.name, path.stat().st_size)
                if named not in pids or not h5py.is_hdf5(path):
                    continue
                counts["files"] += 1
                for where, node in arrays(path):
                    judge(client, pids[named], path, (where, node), (counts, left_out))
    print(dict(counts))
    print(f"as Zarr: {counts['zarr equal'] / max(1, counts['arrays']):.1%}; not: {dict(left_out)}")
    is_wrong = any(
        count for name, count in counts.items() if "DIFFERENT" in name or "FAILED" in name
    )
    return 1 if is_wrong else 0


def judge(
    client: httpx.Client,
    pid: str,
    path: Path,
    given: tuple[str, h5py.Dataset],
    told: tuple["Counter[str]", "Counter[str]"],
) -> None:
    """Compare one array."""
    (where, node), (counts, left_out) = given, told
    counts["arrays"] += 1
    asked = {"file": path.name, "path": where, "format": "bin"}
    url = f"/datasets/{pid}/-/h5/data"
    answer = client.get(url, params=asked)
    if node.shape is None:
        counts["of nothing"] += 1
        return
    if answer.status_code == 413:
        counts["too large, " + judged_in_parts(client, url, asked, node)] += 1
        return
    if answer.status_code != 200:
        counts["FAILED"] += not node.is_virtual
        counts["virtual, refused"] += node.is_virtual
        print(f"{path.name} {where}: {answer.status_code} {answer.json()['detail']}")
        return
    is_equal = answer.content == np.asarray(node[()]).tobytes()
    counts["equal" if is_equal else "DIFFERENT"] += 1
    if not is_equal:
        print(f"DIFFERENT {path.name} {where}")
    url = str(client.base_url).rstrip("/") + f"/datasets/{pid}/-/zarr/{path.name}{where}"
    found = as_zarr(url.replace("#", "%23").replace(" ", "%20"))
    if isinstance(found, str):
        left_out[found] += 1
        return
    is_equal = found.tobytes() == np.asarray(node[()]).astype(found.dtype).tobytes()
    counts["zarr equal" if is_equal else "DIFFERENT"] += 1
    if not is_equal:
        print(f"DIFFERENT as Zarr {path.name} {where}")


def judged_in_parts(
    client: httpx.Client, url: str, asked: dict[str, str], node: h5py.Dataset
) -> str:
    """Compare the first, middle and last part of an array that is more than one answer holds."""
    told = set()
    for index in (0, len(node) // 2, len(node) - 1):
        answer = client.get(url, params=asked | {"selection": str(index)})
        if answer.status_code != 200:
            print(f"{asked['path']}[{index}]: {answer.status_code} {answer.json()['detail']}")
            told.add("virtual, refused" if node.is_virtual else "FAILED")
        else:
            is_equal = answer.content == np.asarray(node[index]).tobytes()
            told.add("parts equal" if is_equal else "DIFFERENT")
    return " and ".join(sorted(told))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
