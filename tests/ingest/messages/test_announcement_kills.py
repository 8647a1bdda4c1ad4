"""Whatever is killed, and whenever: what was announced is done, once."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import node_processes as processes
import pytest
import sqlalchemy as sa
from announcing_node import write_nexus
from node_processes import Served, until
from test_icat_broker import send

from panosc.catalogue.intake import announcement
from panosc.catalogue.people import account, audit
from panosc.catalogue.tables import dataset, group_member, location
from panosc.domain.access import OPERATOR
from panosc.identity.service import build
from panosc.settings import Settings

KILLS, EACH = 2, 4


def steward_token(engine: sa.Engine, settings: Settings) -> str:
    with engine.begin() as connection:
        person = {"id": "u-steward", "kind": "person", "name": "S", "terms": "1"}
        connection.execute(sa.insert(account).values(person))
        member = {"person": "u-steward", "role": "steward", "group": "node"}
        connection.execute(sa.insert(group_member).values(member))
    tokens = build(engine, settings, lambda: datetime.now(UTC)).tokens
    return tokens.create(OPERATOR, name="x", scopes=["write"], days=9, owner="u-steward").secret


def counted(engine: sa.Engine) -> dict[str, int]:
    """How many announcements are in each state."""
    query = sa.select(announcement.c.state, sa.func.count()).group_by(announcement.c.state)
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def titles(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(dataset.c.title)))


@pytest.mark.slow
def test_a_node_is_killed_between_accepting_and_doing(
    settings: Settings, engine: sa.Engine, data: Path
) -> None:
    token = steward_token(engine, settings)
    expected = []
    with processes.running(settings) as served:
        for kill in range(KILLS):
            for number in range(EACH):
                title = f"run {kill}-{number}"
                path = write_nexus(data / title / "a.nxs", title)
                answer = httpx.post(
                    f"{served.address}/api/v1/ingest",
                    json={"id": title.replace(" ", "-"), "paths": [str(path)]},
                    headers={"Authorization": f"Bearer {token}"},
                    trust_env=False,
                    timeout=30,
                )
                assert answer.status_code == 202, answer.text
                expected.append(title)
            served.kill()
            left = counted(engine)
            assert sum(left.values()) == len(expected)
            served.start()
        # the last kill came before the last were done
        until(lambda: counted(engine), {"done": len(expected)})
    assert titles(engine) == expected
    with engine.connect() as connection:
        places = connection.scalar(sa.select(sa.func.count()).select_from(location))
        events = connection.scalars(sa.select(audit.c.event).where(audit.c.event == "ingest.done"))
        assert (places, len(events.all())) == (len(expected), len(expected))


def stored(served: Served, data: Path, name: str) -> None:
    folder = write_nexus(data / name / "a.h5", name).parent
    metadata = {"Sample_name": "s"}
    said = {"beamline": "id02", "proposal": "hg-1", "dataset": name, "path": str(folder)}
    send(served, ("store_dataset", {**said, "metadata": metadata}))


@pytest.mark.slow
def test_broker_and_node_are_killed_in_turn(
    settings: Settings, engine: sa.Engine, data: Path
) -> None:
    with processes.running(settings, has_broker=True) as served:
        assert served.broker is not None
        stored(served, data, "first")
        until(lambda: titles(engine), ["first"])
        served.broker.kill()
        # a dead broker takes nothing down
        assert httpx.get(f"{served.address}/panosc-api/Datasets/count", trust_env=False).is_success
        served.broker.start()
        stored(served, data, "second")
        until(lambda: titles(engine), ["first", "second"])
        served.kill()
        # nobody listens now: the broker keeps it
        stored(served, data, "third")
        served.start()
        until(lambda: titles(engine), ["first", "second", "third"])
        until(lambda: counted(engine), {"done": 3})
