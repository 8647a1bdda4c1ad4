"""The everyday queries and those of the standard, asked of panosc, plain BM25 and PostgreSQL.

    python benchmarks/ranking.py

All three have the same records and the same text, in one run. For each query the reciprocal rank of
the first expected record is printed (1 is first, 0 is nowhere); for the technique queries of the
standard how far the sets agree. Exits with 1 if panosc is worse anywhere. The queries, what has to
come first, and the rivals are those of ``tests/search/index``.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "search" / "index"))

import everyday_rivals as rivals  # noqa: E402 (it lives with the tests)

from panosc.catalogue.database import open_database  # noqa: E402
from panosc.catalogue.loading import load  # noqa: E402
from panosc.search.service import SearchService  # noqa: E402
from panosc.settings import Settings  # noqa: E402

NAMES = ("panosc", "plain BM25", "PostgreSQL")
Row = tuple[str, str, tuple[float, ...]]
"""Aspect, query, and what each of the three reached."""


def everyday(engine: sa.Engine, home: Path) -> Iterator[Row]:
    ours = rivals.ours(engine, home)
    with engine.connect() as connection:
        asks = (ours, rivals.plain_bm25(), rivals.postgres(connection))
        for one in rivals.queries():
            ranks = tuple(one.rank(ask(one.model, one.query)) for ask in asks)
            yield one.aspect, one.query, ranks


def techniques(engine: sa.Engine, home: Path) -> Iterator[Row]:
    load(engine, rivals.TAGGED / "fixture-panet", now=rivals.NOW)
    ours = rivals.our_techniques(SearchService(engine, Settings(home=home), lambda: rivals.NOW))
    bm25, postgres = rivals.bm25_techniques(), rivals.postgres_techniques(engine)
    for number, filter_, expected in rivals.technique_cases():
        words = rivals.IN_WORDS[number]
        found = (ours(filter_), bm25(words), postgres(words))
        yield "technique", words, tuple(rivals.agreement(one, expected) for one in found)


def show(rows: list[Row]) -> bool:
    """Print the table; return whether panosc is worse than another anywhere."""
    print(f"{'':11}{'':62}" + "".join(f"{name:>12}" for name in NAMES))
    sums: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    for aspect, query, values in rows:
        mark = "" if values[0] >= max(values) else "  WORSE"
        print(f"{aspect:11}{query:62}" + "".join(f"{value:12.2f}" for value in values) + mark)
        sums[aspect].append(values)
    print()
    for aspect, found in sums.items():
        means = [sum(column) / len(found) for column in zip(*found, strict=True)]
        name = f"mean of {len(found)}"
        print(f"{aspect:11}{name:62}" + "".join(f"{mean:12.2f}" for mean in means))
    return any(values[0] < max(values) for _, _, values in rows)


def main() -> int:
    rows: list[Row] = []
    for ask in (everyday, techniques):
        with tempfile.TemporaryDirectory(prefix="panosc-ranking-") as name:
            home = Path(name)
            # the database may run under another account
            home.chmod(0o755)
            with open_database(Settings(home=home)) as engine:
                rows += ask(engine, home)
    return 1 if show(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
