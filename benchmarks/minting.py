"""DOIs through faults and kills: all of them findable in the end, each once, with its metadata.

    python benchmarks/minting.py [COUNT] [--kills 40] [--faults 0.3] [--database URL]

A stand-in of DataCite answers 429 and 503, cuts connections after the deed, or keeps silent, for
that part of the requests. The process that registers is killed by SIGKILL again and again, each
time after another span, and started anew. Records change meanwhile. Exits with 1 if a DOI is
missing, is not findable, was made twice, or says what is no longer so.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from panosc.catalogue.beside.leading import beside
from panosc.catalogue.database import open_database
from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.policy.shelf import open_shelf
from panosc.publication.minting.queue import POST
from panosc.publication.minting.rounds import Terms
from panosc.publication.minting.standin import Fault, StandIn
from panosc.publication.minting.working import worker
from panosc.publication.record import Term
from panosc.publication.service import Publications, build
from panosc.settings import Settings

KINDS: tuple[Fault, ...] = (429, 500, 503, "lost", "silent")
SILENCE_S, TIME_LIMIT_S = 1.0, 0.4
QUICK = Terms(first=timedelta(milliseconds=50), longest=timedelta(seconds=1))


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def services_of(engine: sa.Engine, settings: Settings) -> Publications:
    """Return the services of a node, without the ontology of techniques, which takes long."""

    def term(pid: str, name: str | None, _panet: str | None) -> Term:
        return Term(label=name or pid, id=pid)

    return build(engine, settings, now, shelf=open_shelf(settings, engine), term=term)


def work(home: Path) -> None:
    """Register what is queued until the process is killed, or its standard input ends."""
    settings = Settings(home=home)
    with open_database(settings) as engine:
        services = services_of(engine, settings)
        with (
            worker(
                engine,
                settings,
                services.minting,
                services.gatherer,
                terms=QUICK,
                time_limit_s=TIME_LIMIT_S,
            ) as registering,
            beside(engine, POST, registering, look_s=0.05),
        ):
            print("works", flush=True)
            sys.stdin.read()


def title(number: int, turn: int) -> str:
    """Return what a dataset is called at last."""
    return f"Measurement {number}, as it was told {turn + 1}"


def load(engine: sa.Engine, numbers: Sequence[int], turn: int) -> None:
    """Write datasets."""
    rows = (
        ("Dataset", {"pid": pid(number), "title": title(number, turn), "isPublic": True})
        for number in numbers
    )
    with engine.begin() as connection:
        write(connection, rows, now=now())


def pid(number: int) -> str:
    """Return the PID of a dataset; every other one is a name under the prefix."""
    return f"{'local' if number % 2 else '10.5072'}/{number:026d}"


def left(engine: sa.Engine) -> int:
    """Return how many DOIs are not done."""
    with engine.connect() as connection:
        undone = sa.or_(doi.c.due.is_not(None), doi.c.state.is_(None))
        return connection.scalar(sa.select(sa.func.count()).where(undone).select_from(doi)) or 0


def run(options: argparse.Namespace, home: Path) -> int:
    """Do all of it; return how many faults were found in the end."""
    rng = random.Random(options.seed)

    def fault(_method: str, _doi: str) -> Fault | None:
        return rng.choice(KINDS) if rng.random() < options.faults else None

    # the injected silence must outlast the patience of a call
    with StandIn(faults=fault, silence_s=SILENCE_S).running() as stand_in:
        lines = [
            'base_url = "https://node.example.org"',
            f'datacite_url = "{stand_in.url}"',
            f'datacite_account = "{stand_in.account}"',
            f'datacite_password = "{stand_in.password}"',
            'outbound_hosts = ["127.0.0.1"]',
        ]
        if options.database:
            lines.append(f'database_url = "{options.database}"')
        (home / "panosc.toml").write_text("\n".join(lines) + "\n")
        settings = Settings(home=home)
        with open_database(settings) as engine:
            services = services_of(engine, settings)
            numbers = range(options.count)
            load(engine, numbers, 0)
            for number in numbers:
                services.minting.mint(OPERATOR, "Dataset", pid(number))
            began = time.monotonic()
            kills, changed = _through_kills(options, home, engine, rng)
            took = time.monotonic() - began
            wrong = _check(stand_in, options.count, changed)
    requests = sum(stand_in.answered.values())
    failed = sum(
        count
        for name, count in stand_in.answered.items()
        if name.rpartition(" ")[2] in {str(kind) for kind in KINDS}
    )
    print(f"{options.count} DOIs in {took:.0f} s, through {kills} kills")
    print(
        f"{requests} requests, {failed} of them faults: {dict(sorted(stand_in.answered.items()))}"
    )
    for line in wrong[:20]:
        print("WRONG:", line)
    print(f"{len(wrong)} wrong")
    return len(wrong)


def _through_kills(
    options: argparse.Namespace, home: Path, engine: sa.Engine, rng: random.Random
) -> tuple[int, set[int]]:
    """Start and kill what registers until nothing is left to do."""
    kills, changed = 0, set()
    deadline = time.monotonic() + options.limit
    while True:
        process = _start(home)
        try:
            if kills < options.kills:
                time.sleep(rng.uniform(0.0, options.span))
                # some records change while they are registered
                some = rng.sample(range(options.count), max(1, options.count // 50))
                load(engine, some, 1)
                changed.update(some)
            while kills >= options.kills and time.monotonic() < deadline:
                if not left(engine) and _is_followed(engine):
                    return kills, changed
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
        if time.monotonic() >= deadline:
            return kills, changed
        kills += 1


def _start(home: Path) -> "subprocess.Popen[bytes]":
    # a session of its own: nothing but this process is killed
    process = subprocess.Popen(
        [sys.executable, __file__, "--work", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _is_followed(engine: sa.Engine) -> bool:
    """Whether the follower has done every change."""
    behind = "select coalesce((select max(number) from changes), 0) > coalesce("
    behind += "(select done from follower where name = 'dois'), 0)"
    with engine.connect() as connection:
        return not connection.scalar(sa.text(behind))


def _check(stand_in: StandIn, count: int, changed: set[int]) -> list[str]:
    """Return what is wrong at the stand-in."""
    records = stand_in.repository.records
    wrong = [] if len(records) == count else [f"there are {len(records)} DOIs, not {count}"]
    by_title = {item.attributes["titles"][0]["title"]: item for item in records.values()}
    for number in range(count):
        turn = 1 if number in changed else 0
        record = by_title.get(title(number, turn))
        if record is None:
            wrong.append(f"no DOI says “{title(number, turn)}”")
        elif record.state != "findable":
            wrong.append(f"{record.doi} is {record.state}")
        elif record.attributes["url"] != f"https://node.example.org/doi/{record.doi}":
            wrong.append(f"{record.doi} leads to {record.attributes['url']}")
        elif not record.attributes["creators"] or not record.attributes["dates"]:
            wrong.append(f"{record.doi} lacks creators or dates")
    return wrong


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--span", type=float, default=3.0, help="longest life before a kill, s")
    parser.add_argument("--faults", type=float, default=0.3)
    parser.add_argument("--limit", type=float, default=1800.0, help="give up after so long, s")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.work)
        return 0
    with tempfile.TemporaryDirectory(prefix="panosc-minting-") as home:
        return 1 if run(options, Path(home)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
