"""The cloud on this machine: six facilities' nodes, what stands for their catalogues, one portal.

Each node follows the catalogue that its facility has, or a stand-in written from its protocol, with
made-up records, beside real files. The portal asks all six and keeps copies. Everything is made
anew at each start. Ctrl-C stops all of it.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from cloud import filling, records  # noqa: E402 - it has to find its folder first
from cloud.facilities import FACILITIES, Facility  # noqa: E402
from cloud.nodes import Node, NotReady, databases, free_port  # noqa: E402
from cloud.standins import (  # noqa: E402  # noqa: E402  # noqa: E402
    icat,
    icat_records,
    icatplus,
    icatplus_records,
    mymdc,
    mymdc_records,
    scicat,
    scicat_records,
)

MARK = ".panosc-cloud"
AT = datetime(2026, 1, 1, tzinfo=UTC)
EACH = 10
"""Datasets of a proposal."""
AT_ONCE = 2
QUESTION = "lysozyme"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """What runs."""

    portal: Node
    nodes: dict[str, Node]
    copies: dict[str, int]


@contextmanager
def cloud(
    home: Path, *, count: int, port: int = 0, files: int | None = None, tell: Tell = print
) -> Iterator[Cloud]:
    """Run the cloud for a block of code.

    Parameters
    ----------
    home : Path
        Where everything is; emptied at the start.
    count : int
        Made-up datasets of each facility.
    port : int
        Where the portal answers, if that is free.
    files : int, optional
        At most so many measured files.
    tell : callable
        Told what is being done.
    """
    _empty(home)
    with ExitStack() as stack:
        make = stack.enter_context(databases(home / "postgres"))
        tell("The database runs.")
        portal = _node(home, "portal", "The cloud", make, free_port(port))
        addresses = {
            one.name: stack.enter_context(_catalogue(one, home, count)) for one in FACILITIES
        }
        nodes = {
            one.name: _node(home, one.name, one.title, make, free_port()) for one in FACILITIES
        }
        every = (portal, *nodes.values())
        for node in every:
            stack.callback(node.stop)
        # called first: all end at the same time
        stack.callback(lambda: [node.end() for node in every])

        def start(facility: Facility) -> int:
            node = nodes[facility.name]
            filling.adopt(node, facility, addresses[facility.name])
            if facility.tree is not None:
                folder = facility.tree(home / "files" / facility.name, files)
                filling.ingest(node, facility, folder)
            node.serve()
            there = filling.wait(node, facility)
            tell(f"{facility.title} answers at {node.address}, {there} datasets.")
            return there

        with ThreadPoolExecutor(AT_ONCE) as threads:
            expected = dict(zip(nodes, threads.map(start, FACILITIES), strict=True))
        filling.follow(portal, list(nodes.values()))
        portal.serve()
        copies = filling.copy(portal, list(nodes.values()), expected)
        tell(f"The portal has copies of {sum(copies.values())} datasets.")
        yield Cloud(portal=portal, nodes=nodes, copies=copies)


def _empty(home: Path) -> None:
    """Make a fresh folder; what is no cloud's is never removed."""
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise NotReady(f"{home} holds something else; name another folder.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / MARK).touch()


def _node(home: Path, name: str, title: str, make: Callable[[str], str], port: int) -> Node:
    node = Node(name=name, title=title, home=home / name, port=port, database=make(name))
    node.write_home()
    return node


@contextmanager
def _catalogue(facility: Facility, home: Path, count: int) -> Iterator[str]:
    """Provide the address of a facility's catalogue, with so many datasets."""
    match facility.catalogue:
        case "scicat":
            with scicat.serving(scicat.SciCat(records=scicat_records.some(count))) as address:
                yield address
        case "icatplus":
            made = icatplus_records.some(max(1, count // EACH), at=AT)
            with icatplus.serving(made) as address:
                yield address
        case "mymdc":
            kept = mymdc_records.some(max(1, count // EACH), EACH)
            with mymdc.serving(mymdc.MyMdC(records=kept)) as address:
                yield address
        case "icat":
            with icat.serving(icat_records.some(max(1, count // EACH), at=AT).icat) as address:
                yield address
        case _:
            yield records.write(
                facility.manner, count, home / "catalogues" / facility.name
            ).as_uri()


def told(running: Cloud) -> str:
    """Return what there is, for people."""
    lines = [f"  {node.title:<14} {node.address}" for node in running.nodes.values()]
    portal = running.portal
    return "\n".join(
        (
            "",
            f"The portal is at  {portal.address}",
            "",
            "It asks six nodes, which are at",
            *lines,
            "",
            "Try:",
            f"  {portal.address}/search?q={quote(QUESTION)}   one question to all of them",
            f"  {portal.address}/facilities        what each facility has, from evidence",
            f"  panosc connector list --home {portal.home}",
            "",
            "Catalogues are stand-ins with made-up records; files are real (docs/cloud.md).",
            "Ctrl-C stops everything.",
        )
    )


def main() -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".cloud")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--records", type=int, default=1000)
    given = parser.parse_args()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with cloud(given.home.resolve(), count=given.records, port=given.port) as running:
            print(
                told(running), f"\nIt took {time.monotonic() - begun:.0f} s to start.", flush=True
            )
            while running.portal.process is not None and running.portal.process.poll() is None:
                time.sleep(1)
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
    except NotReady as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
