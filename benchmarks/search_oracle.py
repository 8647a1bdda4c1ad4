"""Random questions to random catalogues: index, SQL and brute force must answer alike.

    python benchmarks/search_oracle.py [QUESTIONS [FIRST_SEED]]

Every 2 000 questions there is another catalogue, and half of the time the index lags behind it;
brute force knows only what was followed: then index and SQL are held against each other. Prints how
far it is, and at the first disagreement the question with its seed; then it exits with 1.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
for folder in ("search", "search/index"):
    sys.path.insert(0, str(ROOT / "tests" / folder))

from index_judging import Judge, change, first_fault  # noqa: E402 (it lives with the tests)
from index_samples import NOW, sample  # noqa: E402

from panosc.catalogue.database import open_database  # noqa: E402
from panosc.search.index.following import rebuild  # noqa: E402
from panosc.settings import Settings  # noqa: E402

SHARE = 1000
"""Questions to one state of one catalogue."""
RECORDS = "dataset, document, instrument, technique, sample, person, affiliation, share"


def prepared(engine: sa.Engine, settings: Settings, seed: int) -> Judge:
    """Fill the database with another catalogue and index it."""
    made = sample(seed)
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {RECORDS} cascade"))
    with engine.begin() as connection:
        made.fill(connection)
    rebuild(engine, settings, lambda: NOW, tell=lambda _done, _total: None)
    return Judge(engine, settings, made)


def main(questions: int, first: int) -> int:
    """Ask; return the exit code."""
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        with open_database(settings) as engine:
            judge = prepared(engine, settings, first)
            for start in range(first, first + questions, SHARE):
                is_late = (start - first) // SHARE % 2 == 1
                if is_late:
                    judge.sample = None
                    change(engine, seed=start)
                elif start > first:
                    judge = prepared(engine, settings, start)
                judge.counts.clear()
                end = min(start + SHARE, first + questions)
                fault = first_fault([judge], range(start, end))
                if fault is not None:
                    print(f"catalogue {start}, {'late' if is_late else 'followed'}, {fault}")
                    return 1
                counts += judge.counts
                rate = counts["asked"] / (time.monotonic() - began)
                print(f"{counts['asked']:>8} asked, {rate:.0f}/s: {dict(counts)}", flush=True)
    return 0


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:3]]
    sys.exit(main(*(numbers + [100_000, 0][len(numbers) :])))
