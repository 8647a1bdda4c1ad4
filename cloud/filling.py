"""Filling a node: its facility's catalogue is adopted, its files are ingested; and the portal."""

import asyncio
import json
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa
from cloud.facilities import Facility
from cloud.nodes import Node, NotReady

from panosc.catalogue.database import open_database
from panosc.catalogue.federating.tables import harvest
from panosc.catalogue.tables import dataset
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Conflict
from panosc.federation.contract import Probed
from panosc.federation.harvesting.harvester import Harvester, Wish, connecting
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.identity.groups.keeping import GroupStore
from panosc.policy.births import for_groups
from panosc.policy.shelf import open_shelf
from panosc.settings import Settings

BY = "make cloud"
_SOME_FILES_ARE_ODD = 3
_CATCH_UP_S = 600.0
_LOOK_S = 0.3


def _now() -> datetime:
    return datetime.now(UTC)


def adopt(node: Node, facility: Facility, address: str) -> None:
    """Let a node follow its facility's catalogue, as soon as it serves."""
    source = Source(
        name=_catalogue_of(facility),
        kind=facility.catalogue,
        url=address,
        title=facility.title,
        account=facility.account,
        options=facility.options,
        is_private=True,
        is_adopted=True,
        is_live=False,
    )
    secret = None
    if facility.account is not None:
        secret = node.home / "catalogue-password"
        secret.write_text(facility.account, "utf-8")
        secret.chmod(0o600)
    with open_database(node.settings) as engine:
        Sources(engine, _now).add(source, secret_file=secret, by=BY)


def _catalogue_of(facility: Facility) -> str:
    return f"{facility.name}-catalogue"


def wait(node: Node, facility: Facility) -> int:
    """Return how many datasets a node shows to anyone, once its catalogue has come.

    Raises
    ------
    NotReady
    """
    name, until = _catalogue_of(facility), time.monotonic() + _CATCH_UP_S
    query = sa.select(harvest.c.state, harvest.c.message).where(
        harvest.c.connector == name, harvest.c.kind == "changes", harvest.c.state != "running"
    )
    with open_database(node.settings) as engine:
        while time.monotonic() < until:
            with engine.connect() as connection:
                row = connection.execute(query).first()
            if row is None:
                time.sleep(_LOOK_S)
            elif row.state == "done":
                return _shown(node)
            else:
                raise NotReady(f"The catalogue of {facility.title} was not read: {row.message}")
    raise NotReady(f"The catalogue of {facility.title} was not read in {_CATCH_UP_S:g} s.")


def _shown(node: Node) -> int:
    answer = httpx.get(f"{node.address}/panosc-api/Datasets/count", timeout=30)
    return int(answer.raise_for_status().json()["count"])


def ingest(node: Node, facility: Facility, folder: Path) -> None:
    """Register a facility's files at its node.

    Raises
    ------
    NotReady
    """
    if facility.proposal is not None:
        office = node.home / "user-office.ndjson"
        group = {"name": facility.proposal, "accessType": "public", "title": "An example"}
        group |= {"startDate": "2021-01-11", "endDate": "2021-01-14"}
        office.write_text(json.dumps(group) + "\n", "utf-8")
        with open_database(node.settings) as engine:
            births = for_groups(open_shelf(node.settings, engine))
            GroupStore(engine, _now, births).take_files(OPERATOR, [office])
    _run(node, facility, "ingest", str(folder), "--profile", facility.profile, "--complete")


def _run(node: Node, facility: Facility, *words: str) -> None:
    done = subprocess.run(
        node.command(*words), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode not in {0, _SOME_FILES_ARE_ODD}:
        raise NotReady(f"{facility.title}: {' '.join(words[:2])} failed: {done.stderr[-400:]}")


def follow(portal: Node, nodes: list[Node]) -> None:
    """Let the portal know the nodes, as catalogues that it asks and copies."""
    with open_database(portal.settings) as engine:
        sources = Sources(engine, _now)
        for node in nodes:
            sources.add(_source(node), secret_file=None, by=BY)
            probed = asyncio.run(_probed(portal.settings, _source(node)))
            sources.keep_probed(node.name, probed)


def _source(node: Node) -> Source:
    return Source(
        name=node.name,
        kind="node",
        url=node.address,
        title=node.title,
        prefix=f"{node.name}/",
        is_private=True,
    )


async def _probed(settings: Settings, source: Source) -> Probed:
    async with connecting(settings, source, is_patient=False) as connector:
        return await connector.probe()


def copy(portal: Node, nodes: list[Node], expected: dict[str, int]) -> dict[str, int]:
    """Harvest all nodes until all there is has come; return the datasets by node.

    A node tells harvesters of its records beside answering, a moment after they came.

    Raises
    ------
    NotReady
    """
    settings, until = portal.settings, time.monotonic() + _CATCH_UP_S
    with open_database(settings) as engine:
        harvester = Harvester(engine, settings, _now)
        waiting = {node.name for node in nodes}
        found: dict[str, int] = {}
        while waiting and time.monotonic() < until:
            for name in sorted(waiting):
                # the portal may be at it itself
                with suppress(Conflict):
                    harvester.harvest(name, Wish(by=BY))
                found[name] = _copies(engine, name)
                if found[name] >= expected[name]:
                    waiting.discard(name)
            time.sleep(_LOOK_S)
        if waiting:
            raise NotReady(f"Not all records of {', '.join(sorted(waiting))} arrived: {found}.")
    return found


def _copies(engine: sa.Engine, name: str) -> int:
    query = sa.select(sa.func.count()).select_from(dataset).where(dataset.c.source == name)
    with engine.connect() as connection:
        return int(connection.scalar(query) or 0)
