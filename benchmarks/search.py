"""How fast a catalogue is searched: by panosc, over HTTP, by PostgreSQL alone, by the bare index.

    python benchmarks/search.py                          # makes its catalogues; an hour
    python benchmarks/search.py [--keep FOLDER] LARGE SMALL

LARGE and SMALL are catalogues of one kind, as NDJSON or as homes that hold one already. Each is
loaded and indexed if need be, and asked the same questions, as anyone and as a person in 200 of
10 000 groups; each time is the median of five, in milliseconds. How the times grow from SMALL to
LARGE stands beside how the hits grow. Totals have to be equal and planted needles found, or the
program ends with 1.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import httpx
import sqlalchemy as sa
from search_node import (
    WHO,
    cookie_of,
    fill,
    has_index,
    index,
    now,
    serving,
    settings_of,
    told,
)
from search_questions import (
    Asking,
    Filtered,
    Question,
    Way,
    drop_words,
    make_words,
    measured,
    questions,
)
from skewed import Skewed

from catalogue import Catalogue
from panosc.catalogue.database import open_database
from panosc.catalogue.tables import dataset
from panosc.domain.access import Who
from panosc.search.index.opening import SearchIndex
from panosc.search.service import SearchService

ROUNDS = 5
SLOW_S = 3.0
"""What takes longer is asked once."""
WAYS = ("ours", "http", "plain", "bare")
HTTP_MS = 5.0
SHARE = 0.175
"""Of all datasets, those that are counted by facets."""
STEWARD = Who(person="u-steward", roles=frozenset({"steward"}), via="session")


@dataclass(slots=True)
class Measured:
    """The times of one question, in milliseconds, and what it found."""

    question: Question
    asker: str
    ms: dict[str, float] = field(default_factory=dict)
    hits: int = 0
    fault: str = ""


def timed(way: Way, asking: Asking) -> tuple[float, int]:
    """Return the median in milliseconds, and how many records there are."""
    # the first one warms up
    way(asking, ROUNDS)
    spent, found = [], 0
    for turn in range(ROUNDS):
        started = time.perf_counter()
        found = way(asking, turn)
        spent.append(time.perf_counter() - started)
        if sum(spent) > SLOW_S * ROUNDS:
            break
    return statistics.median(spent) * 1000, found


def once(way: Way, asking: Asking) -> tuple[float, int]:
    started = time.perf_counter()
    found = way(asking, ROUNDS - 1)
    seconds = time.perf_counter() - started
    return (seconds * 1000, found) if seconds > SLOW_S else timed(way, asking)


def ask(question: Question, asking: Asking, asker: str) -> Measured:
    row = Measured(question, asker)
    totals: dict[str, int] = {}
    for name in WAYS:
        way: Way = getattr(question, name)
        row.ms[name], totals[name] = (once if name == "plain" else timed)(way, asking)
    row.hits = totals["ours"]
    if totals["http"] not in {totals["ours"], -1}:
        row.fault = f"HTTP finds {totals['http']}, the service {totals['ours']}"
    elif question.has_equal_totals and totals["plain"] != totals["ours"]:
        row.fault = f"PostgreSQL finds {totals['plain']}, the index {totals['ours']}"
    return row


def days_of(engine: sa.Engine, datasets: int) -> tuple[date, date]:
    """Return two days between which the wanted share of the datasets was made."""
    start = int(datasets * 0.4)
    query = sa.select(dataset.c.creation_date).order_by(dataset.c.creation_date).limit(1)
    with engine.connect() as connection:
        ends = [
            connection.execute(query.offset(place)).scalar_one()
            for place in (start, start + int(datasets * SHARE))
        ]
    return ends[0].date(), ends[1].date()


def needles(home: Path, service: SearchService) -> Iterator[str]:
    """Yield what planted needles are not found: for anyone, and for a steward."""
    meta = told(home)
    for who, key in ((Who(), "needles"), (STEWARD, "needles_all")):
        for name, expected in meta.get(key, {}).items():
            if name == "dataset_temperature_below_10_K":
                asked = Filtered(
                    name, 0, "Dataset", include=[measured("temperature", None, 10, "K")]
                )
            else:
                model = "Document" if name.startswith("document") else "Dataset"
                asked = Filtered(name, 0, model, query=name.rpartition("_")[2])
            found = service.count(who, asked.query)
            if found != expected:
                yield f"{key}: {name}: {found} found, {expected} planted"


def measure(home: Path) -> tuple[list[Measured], list[str]]:
    """Ask one home everything; return the times, and what is wrong."""
    settings = settings_of(home)
    with open_database(settings) as engine:
        at = SearchIndex(home)
        snapshot = at.folder.reader()
        assert snapshot is not None
        ours = SearchService(engine, settings, now, at)
        plain = SearchService(engine, settings, now)
        count = ours.count(STEWARD, Filtered("", 0, "Dataset").query)
        asked = questions(count // 2, days_of(engine, count))
        rows: list[Measured] = []
        make_words(engine)
        try:
            cookies = cookie_of(engine, settings)
            with serving(home) as address:
                for who, asker in ((Who(), "anyone"), (WHO, "200 groups")):
                    given = cookies if who is WHO else {}
                    with httpx.Client(
                        base_url=address, cookies=given, timeout=900, trust_env=False
                    ) as client:
                        asking = Asking(
                            ours=ours,
                            plain=plain,
                            engine=engine,
                            snapshot=snapshot,
                            client=client,
                            who=who,
                            now=now(),
                        )
                        rows += [ask(question, asking, asker) for question in asked]
        finally:
            drop_words(engine)
        faults = list(needles(home, ours))
    faults += [f"{row.question.name}, {row.asker}: {row.fault}" for row in rows if row.fault]
    return rows, faults


def show(large: Sequence[Measured], small: Sequence[Measured]) -> None:
    print(
        f"{'question':<27}{'asked by':<11}{'hits':>9}{'panosc':>9}{'target':>8}{'HTTP':>9}{'+':>7}"
        f"{'PostgreSQL':>12}{'bare index':>11}{'growth':>8}{'of hits':>8}"
    )
    for row, before in zip(large, small, strict=True):
        ours, http, plain, bare = (row.ms[name] for name in WAYS)
        growth, more = ours / before.ms["ours"], row.hits / max(1, before.hits)
        is_late = ours > row.question.target_ms
        marks = ("  LATE" if is_late else "") + ("  GROWS" if growth > max(1.0, more) else "")
        if http - ours > HTTP_MS:
            marks += "  HTTP"
        print(
            f"{row.question.name:<27}{row.asker:<11}{row.hits:>9}{ours:>9.1f}"
            f"{row.question.target_ms:>8.0f}{http:>9.1f}{http - ours:>7.1f}{plain:>12.1f}"
            f"{bare:>11.1f}"
            f"{growth:>8.1f}{more:>8.1f}{marks}"
        )


def prepare(given: Path, kept: Path) -> Path:
    """Return a home with what was given, loaded and indexed."""
    home = given
    if not (given / "database").is_dir():
        home = kept / f"home-{given.name}"
        if not home.exists():
            fill(home, given)
    if not has_index(home):
        made = index(home)
        datasets = told(home).get("datasets", 0)
        each = f"{made.disk_bytes / datasets:.0f} bytes a dataset" if datasets else ""
        print(
            f"{home.name}: indexed in {made.seconds:.0f} s, at most {made.peak_mb:.0f} MB of memory"
            f", {made.disk_bytes / 1e6:.0f} MB on disk {each}",
            flush=True,
        )
    return home


def compare(large: Path, small: Path, kept: Path) -> list[str]:
    """Print the table of two catalogues; return what is wrong."""
    homes = [prepare(path, kept) for path in (small, large)]
    before, faults = measure(homes[0])
    rows, more = measure(homes[1])
    print(f"\n{large.name} beside {small.name}")
    show(rows, before)
    return [*faults, *more]


def made(kind: type[Catalogue], kept: Path, count: int) -> Path:
    folder = kept / f"{kind.__name__.lower()}-{count}"
    if not folder.exists():
        kind(folder, count, "1").write()
    return folder


@contextmanager
def workplace(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        kept.chmod(0o755)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("given", type=Path, nargs="*", help="LARGE SMALL, pairs of them")
    parser.add_argument(
        "--keep", type=Path, help="where catalogues and homes stay for the next time"
    )
    asked = parser.parse_args()
    if len(asked.given) % 2:
        parser.error("catalogues are given in pairs: LARGE SMALL")
    faults: list[str] = []
    with workplace(asked.keep) as kept:
        pairs = list(zip(asked.given[::2], asked.given[1::2], strict=True)) or [
            (made(Catalogue, kept, 1_000_000), made(Catalogue, kept, 100_000)),
            (made(Skewed, kept, 100_000), made(Skewed, kept, 10_000)),
        ]
        for large, small in pairs:
            faults += compare(large, small, kept)
    for fault in faults:
        print(f"WRONG {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
