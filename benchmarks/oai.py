"""How a catalogue is harvested by OAI-PMH: by two harvesters, while its records change.

    python benchmarks/oai.py                      # makes a catalogue of 100 000 datasets
    python benchmarks/oai.py [--records] HOME     # a home that holds one; it stays as it was

Everything is taken up anew, then `oaipmh-scythe` and `sickle` harvest all headers (``--records``:
one of them all records too). During each harvest 1 000 records change and 500 are deleted. The
program ends with 1 if a record comes twice or not at all, if a change or deletion is not seen by
the end of the next harvest, if fewer than 3 000 headers a second are given, if the server grows, or
if the last pages take more than 1.5 times as long as the first.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import search_node
import sqlalchemy as sa
from lxml import etree
from oaipmh_scythe import Scythe
from search_node import fill, now, settings_of
from sickle import Sickle

from catalogue import Catalogue
from panosc.catalogue import changes
from panosc.catalogue.changes import Follower
from panosc.catalogue.database import open_database, unlimited
from panosc.catalogue.publishing.tables import oai_record
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.identity.keys import node_keys
from panosc.publication.oai import store, tokens
from panosc.publication.oai.following import Keeper, harvested
from panosc.publication.oai.provider import PAGE
from panosc.search.panet import lineage
from panosc.settings import Settings

DATASETS = 100_000
CHANGED, DELETED = 1000, 500
HEADERS_A_SECOND, SLOWER, GROWN_MB = 3000, 1.5, 64
PAGES = 20
OAI = "{http://www.openarchives.org/OAI/2.0/}"
Wanted = dict[str, bool]


@dataclass(slots=True)
class Node:
    """A home that is served by a process of its own, and kept up by this one."""

    engine: sa.Engine
    settings: Settings
    address: str
    process: int
    faults: list[str] = field(default_factory=list)

    def megabytes(self) -> float:
        """Return the memory of the server."""
        status = Path(f"/proc/{self.process}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def expect(self, is_so: bool, words: str) -> None:
        """Print what was measured, and remember it if it is not as it has to be."""
        print(f"  {'' if is_so else 'FAULT: '}{words}")
        if not is_so:
            self.faults.append(words)


@contextmanager
def served(engine: sa.Engine, home: Path) -> Iterator[Node]:
    command = [sys.executable, search_node.__file__, "serve", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", line)
            if found is None:
                raise SystemExit(f"{home} is not served: {line}")
            yield Node(engine, settings_of(home), f"{found[0]}/oai", process.pid)
        finally:
            process.terminate()


def take_up(engine: sa.Engine, settings: Settings) -> None:
    """Take everything up anew, as a node does after its first load."""
    with engine.begin() as connection:
        connection.execute(sa.delete(oai_record))
        Follower("oai").forget(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        unlimited(connection)
        connection.exec_driver_sql("vacuum analyze oai_record")
    started = time.perf_counter()
    Keeper(engine, now, lineage, settings.facility).start()
    seconds = time.perf_counter() - started
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        unlimited(connection)
        connection.exec_driver_sql("vacuum analyze oai_record")
        count = connection.scalar(sa.select(sa.func.count()).select_from(oai_record)) or 0
        size = connection.scalar(sa.select(sa.func.pg_total_relation_size("oai_record"))) or 0
    print(f"{count:,} records taken up in {seconds:.0f} s; {size / 1e6:.0f} MB")


def expected(engine: sa.Engine) -> int:
    """Return how many records a harvest has to bring."""
    with engine.connect() as connection:
        return store.count(connection, tokens.Span(at=now().replace(microsecond=0)))


def made_up(prefix: str, number: int) -> list[str]:
    return [f"bench/{prefix}-{item}" for item in range(number)]


def add(engine: sa.Engine, pids: list[str]) -> None:
    rows = (("Dataset", {"pid": pid, "title": pid, "isPublic": True}) for pid in pids)
    with engine.begin() as connection:
        write(connection, rows, now=now())


def delete(engine: sa.Engine, pids: list[str]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(dataset).where(dataset.c.pid.in_(pids)))
        changes.append(connection, [("Dataset", pid) for pid in pids], deleted=True)


def change(engine: sa.Engine) -> list[str]:
    """Let the feed tell of records everywhere in the catalogue; return their PIDs."""
    with engine.begin() as connection:
        found = sa.select(oai_record.c.pid).where(
            oai_record.c.model == "Dataset",
            oai_record.c.id % 97 == 0,
            # those of ours are deleted meanwhile
            oai_record.c.pid.not_like("bench/%"),
        )
        pids = list(connection.scalars(found.limit(CHANGED)))
        changes.append(connection, [("Dataset", pid) for pid in pids])
    return pids


def settled(engine: sa.Engine) -> None:
    """Wait until all changes are taken up, and their second is over."""
    while True:
        with engine.connect() as connection:
            if Follower("oai").position(connection) == changes.last(connection):
                break
        time.sleep(0.1)
    time.sleep(1.1)


def answered(address: str) -> str:
    return etree.fromstring(httpx.get(address, params={"verb": "Identify"}).content)[0].text or ""


def by_scythe(address: str, verb: str, **more: str) -> Iterator[Any]:
    with Scythe(address) as harvester:
        asked = {"metadata_prefix": "oai_dc", **{f"{name}_": more[name] for name in more}}
        if verb == "ListIdentifiers":
            yield from harvester.list_identifiers(**asked)
        else:
            yield from (record.header for record in harvester.list_records(**asked))


def by_sickle(address: str, verb: str, **more: str) -> Iterator[Any]:
    harvester = Sickle(address, timeout=120)
    asked = {"metadataPrefix": "oai_dc", **more}
    if verb == "ListIdentifiers":
        yield from harvester.ListIdentifiers(**asked)
    else:
        yield from (record.header for record in harvester.ListRecords(**asked))


Harvester = Callable[..., Iterator[Any]]


def harvest(node: Node, name: str, harvester: Harvester, verb: str) -> None:
    """Harvest all there is while it changes, and then what has changed."""
    victims = made_up(f"{name}-{verb}", DELETED)
    before = made_up(f"{name}-{verb}-before", DELETED)
    add(node.engine, [*victims, *before])
    settled(node.engine)
    delete(node.engine, before)
    settled(node.engine)
    size, begun = expected(node.engine), answered(node.address)
    print(f"{name}, {verb}, {size:,} records")
    seen: Wanted = {}
    twice, touched, memory = 0, list[str](), [node.megabytes()]
    started = time.perf_counter()
    for number, header in enumerate(harvester(node.address, verb)):
        twice += header.identifier in seen
        seen[header.identifier] = header.deleted
        if number == size // 3:
            touched = change(node.engine)
            delete(node.engine, victims)
        if number % 50_000 == 0:
            memory.append(node.megabytes())
    seconds = time.perf_counter() - started
    rate = len(seen) / seconds
    words = f"{len(seen):,} in {seconds:.0f} s: {rate:,.0f} a second, the harvester's work included"
    node.expect(len(seen) == size and not twice, f"{words}; {twice} twice")
    grown = max(memory) - memory[min(2, len(memory) - 1)]
    node.expect(grown < GROWN_MB, f"the server grew by {grown:.0f} MB from {memory[0]:.0f} MB")
    settled(node.engine)
    later = {
        item.identifier: item.deleted for item in harvester(node.address, verb, **{"from": begun})
    }
    lost = [pid for pid in touched if later.get(_oai(pid)) is not False]
    node.expect(not lost, f"{len(touched):,} changed meanwhile; {len(lost)} not seen")
    alive = [pid for pid in victims if later.get(_oai(pid)) is not True]
    gone = [pid for pid in before if seen.get(_oai(pid)) is not True]
    marked = not alive and not gone
    node.expect(
        marked, f"{len(before) + len(victims):,} deleted; {len(alive) + len(gone)} unmarked"
    )


def _oai(pid: str) -> str:
    return f"oai:node.invalid:datasets/{pid}"


def pages(node: Node) -> None:
    """Measure the first pages of a whole harvest, and the last."""
    keys, moment = node_keys(node.settings), now()
    span = tokens.Span(at=moment.replace(microsecond=0))
    with node.engine.connect() as connection:
        size = store.count(connection, span)
        for verb, prefix in (
            ("ListIdentifiers", "oai_dc"),
            ("ListRecords", "oai_dc"),
            ("ListRecords", "oai_datacite"),
        ):
            times = []
            for skipped in (0, max(0, size - PAGE[verb] * (PAGES + 1))):
                first = (
                    sa.select(oai_record.c.born, oai_record.c.id)
                    .order_by(oai_record.c.born, oai_record.c.id)
                    .offset(skipped)
                    .limit(1)
                )
                after = connection.execute(first).one()
                place = tokens.Place(
                    verb=verb,
                    prefix=prefix,
                    span=span,
                    after=(after.born, after.id),
                    given=1,
                    size=size,
                )
                times.append(_walk(node.address, verb, tokens.write(keys, place, now=moment)))
            (early, rate), (late, _) = times
            words = f"{verb} {prefix}: {early:.1f} ms a page at first, {late:.1f} ms at the end"
            node.expect(late <= SLOWER * early, f"{words}; {rate:,.0f} a second")
            if verb == "ListIdentifiers":
                node.expect(rate >= HEADERS_A_SECOND, f"{rate:,.0f} headers a second at the server")


def _walk(address: str, verb: str, token: str | None) -> tuple[float, float]:
    """Return the median of a page in milliseconds, and records a second."""
    spent, count = [], 0
    with httpx.Client(timeout=120) as client:
        for _ in range(PAGES):
            if token is None:
                break
            started = time.perf_counter()
            answer = client.get(address, params={"verb": verb, "resumptionToken": token})
            spent.append(time.perf_counter() - started)
            root = etree.fromstring(answer.content)
            count += sum(1 for _ in root.iter(f"{OAI}header"))
            token = root.findtext(f".//{OAI}resumptionToken")
    return statistics.median(spent) * 1000, count / sum(spent)


def measure(home: Path, *, records: bool) -> list[str]:
    settings = settings_of(home)
    with open_database(settings) as engine:
        take_up(engine, settings)
        # the second of the last stamp has to be over
        time.sleep(timedelta(seconds=1.1).total_seconds())
        with served(engine, home) as node, harvested(engine, settings, now, lineage):
            try:
                pages(node)
                harvest(node, "oaipmh-scythe", by_scythe, "ListIdentifiers")
                harvest(node, "sickle", by_sickle, "ListIdentifiers")
                if records:
                    harvest(node, "sickle", by_sickle, "ListRecords")
            finally:
                mine = dataset.c.pid.like("bench/%")
                with engine.begin() as connection:
                    left = list(connection.scalars(sa.select(dataset.c.pid).where(mine)))
                delete(engine, left)
                settled(engine)
        with engine.begin() as connection:
            connection.execute(sa.delete(oai_record).where(oai_record.c.pid.like("bench/%")))
        return node.faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path, nargs="?", help="a home with a catalogue")
    parser.add_argument("--records", action="store_true", help="harvest all records, too")
    given = parser.parse_args()
    if given.home is not None:
        faults = measure(given.home, records=given.records)
    else:
        with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            made = folder / "catalogue"
            made.mkdir()
            Catalogue(made, DATASETS, "1").write()
            fill(folder / "home", made)
            faults = measure(folder / "home", records=given.records)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
