"""How long the page of a dataset takes, and each of its forms, beside a static file.

    python benchmarks/landing.py                        # makes a catalogue of 100 000 datasets
    python benchmarks/landing.py HOME                   # a home that holds one
    python benchmarks/landing.py http://127.0.0.1:8000  # a node that runs already, on loopback

Datasets are chosen at random from the whole catalogue, another one for each request, so that
nothing is kept at hand. The targets, on an otherwise idle machine of two cores with a million
datasets: 95 of 100 pages within 40 ms, 95 of 100 forms within 20 ms.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
from search_node import fill, has_index, index, serving

from catalogue import Catalogue
from panosc.domain.pid import pid_path
from panosc.publication.exporting import exports

DATASETS, REQUESTS, ROUNDS = 100_000, 60, 3
PAGE_MS, FORM_MS = 40.0, 20.0
HTML = "text/html"


def chosen(client: httpx.Client, count: int, seed: int = 7) -> list[str]:
    """Return PIDs from everywhere in the catalogue."""
    total = client.get("/panosc-api/Datasets/count").raise_for_status().json()["count"]
    pick, found = random.Random(seed), []
    while len(found) < count:
        asked = f'{{"limit":20,"skip":{pick.randrange(max(1, min(total, 50_000) - 20))}}}'
        items = client.get(f"/panosc-api/Datasets?filter={quote(asked)}").raise_for_status().json()
        found += [item["pid"] for item in items]
    pick.shuffle(found)
    return found[:count]


def timed(client: httpx.Client, paths: list[str]) -> list[float]:
    """Return how long each request takes, in milliseconds, in order of length."""
    times = []
    for path in paths:
        started = time.perf_counter()
        client.get(path, headers={"Accept": f"{HTML},*/*;q=0.1"}).raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


@contextmanager
def node(given: list[str]) -> Iterator[str]:
    """Yield the address of the node that is measured."""
    if given and given[0].startswith("http"):
        yield given[0]
        return
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
        home = Path(given[0]) if given else Path(name) / "home"
        if not given:
            Path(name).chmod(0o755)
            Catalogue(Path(name) / "files", DATASETS, "1").write()
            fill(home, Path(name) / "files")
        if not has_index(home):
            index(home)
        with serving(home) as address:
            yield address


def part(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def main() -> int:
    slow = []
    with (
        node(sys.argv[1:]) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
    ):
        pages = [
            f"/datasets/{pid_path(pid)}"
            for pid in chosen(client, REQUESTS * ROUNDS * (len(exports()) + 3))
        ]
        first = client.get(pages[0]).raise_for_status()
        sheet = re.search(r'href="([^"]+\.css)"', first.text)
        static = sheet[1] if sheet else "/static/x/panosc.css"
        forms = {"page": "", **{name: f"/-/export/{name}" for name in exports()}}
        forms["linkset"] = "/-/linkset"
        timed(client, [page + form for page in pages[:5] for form in forms.values()])
        beside = part(timed(client, [static] * 100), 0.5)
        print(f"{'':14} {'p50':>7} {'p95':>7}  p50 over that of a static file ({beside:.2f} ms)")
        for name, form in forms.items():
            times = []
            for _ in range(ROUNDS):
                asked, pages = pages[:REQUESTS], pages[REQUESTS:]
                times += timed(client, [page + form for page in asked])
            times.sort()
            limit = PAGE_MS if name == "page" else FORM_MS
            middle, end = part(times, 0.5), part(times, 0.95)
            slow += [name] if end > limit else []
            print(f"{name:14} {middle:7.1f} {end:7.1f}  {middle / beside:.1f} of {limit:.0f} ms")
    if slow:
        print(f"Slower than the target: {', '.join(slow)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
