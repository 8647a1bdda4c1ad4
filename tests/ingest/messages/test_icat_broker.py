"""`pyicat-plus` stores datasets through its own client, broker and all, into a running node."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import node_processes as processes
import sqlalchemy as sa
from announcing_node import dataset_of, write_nexus
from node_processes import Broker, Served, until

from panosc.catalogue.intake import announcement
from panosc.catalogue.people import account
from panosc.catalogue.tables import dataset, group_member
from panosc.domain.access import OPERATOR
from panosc.identity.service import build
from panosc.settings import Settings


def send(served: Served, *calls: tuple[str, dict[str, Any]]) -> None:
    """Let the library's own client send to the broker that the node listens to."""
    assert served.broker is not None
    send_to(served.broker, *calls)


def send_to(broker: Broker, *calls: tuple[str, dict[str, Any]]) -> None:
    script = Path(__file__).with_name("icat_sender.py")
    subprocess.run(
        [sys.executable, str(script), str(broker.port)],
        input=json.dumps(calls),
        text=True,
        check=True,
        timeout=60,
    )


def states(engine: sa.Engine) -> list[str]:
    """Kind and state of each announcement, and why it is not done."""
    names = (announcement.c.kind, announcement.c.state, announcement.c.detail)
    with engine.connect() as connection:
        rows = list(connection.execute(sa.select(*names)))
    return sorted(f"{kind} {'done' if state == 'done' else detail}" for kind, state, detail in rows)


def pid_at(engine: sa.Engine, title: str) -> str:
    with engine.connect() as connection:
        query = sa.select(dataset.c.pid).where(dataset.c.title == title)
        return str(connection.execute(query).scalar_one())


def team_token(engine: sa.Engine, settings: Settings) -> str:
    """Return a token of somebody in the team of the proposal."""
    identity = build(engine, settings, lambda: datetime.now(UTC))
    with engine.begin() as connection:
        person = {"id": "u-pi", "kind": "person", "name": "PI", "terms": "1"}
        connection.execute(sa.insert(account).values(person))
        member = {"person": "u-pi", "role": "pi", "group": "hg-123"}
        connection.execute(sa.insert(group_member).values(member))
    made = identity.tokens.create(OPERATOR, name="x", scopes=["read"], days=9, owner="u-pi")
    return made.secret


def test_a_raw_and_a_processed_dataset(settings: Settings, engine: sa.Engine, data: Path) -> None:
    session = data / "hg123" / "id02" / "20260101"
    raw = write_nexus(session / "RAW_DATA" / "agb" / "agb_0001" / "agb_0001.h5").parent
    processed = write_nexus(session / "PROCESSED_DATA" / "agb" / "agb_0001" / "saxs.h5").parent
    (processed / "saxs.h5").rename(processed / "averaged.h5")
    write_nexus(processed / "averaged.h5", "averaged")
    first = {
        "beamline": "id02",
        "proposal": "hg-123",
        "dataset": "agb_0001",
        "path": str(raw),
        "metadata": {
            "Sample_name": "silver behenate",
            "Sample_chemical_formula": "C22H43AgO2",
            "InstrumentMonochromator_energy": 12.4,
            "InstrumentSource_current": 199.5,
            "definition": ["SAXS"],
            "startDate": "2026-01-02T10:00:00+01:00",
        },
    }
    second = {
        "beamline": "id02",
        "proposal": "hg-123",
        "dataset": "agb_0001_averaged",
        "path": str(processed),
        "metadata": {"Sample_name": "silver behenate", "scanNumber": 3},
        "raw": [str(raw)],
    }
    with processes.running(settings, has_broker=True) as served:
        send(
            served,
            ("start_investigation", {"beamline": "id02", "proposal": "hg-123"}),
            ("store_dataset", first),
            ("store_processed_data", second),
        )
        expected = ["icat-dataset done", "icat-dataset done", "icat-investigation done"]
        until(lambda: states(engine), expected)
        token = team_token(engine, settings)
        raw_pid, pid = pid_at(engine, "agb_0001"), pid_at(engine, "agb_0001_averaged")
        found = dataset_of(served.address, raw_pid, token)
        made = dataset_of(served.address, pid, token)
    assert (found["kind"], made["kind"]) == ("raw", "reduced")
    assert found["creationDate"].startswith("2026-01-02T09:00:00")
    assert made["derivedFrom"] == [raw_pid]
    for one in (found, made):
        assert one["ownerGroup"] == "hg-123"
        assert one["access"] is None or one["access"] == "closed"
        assert one["instrument"]["name"] == "id02"
        [sample] = one["samples"]
        assert sample["name"] == "silver behenate"
    assert [item["name"] for item in found["files"]] == ["agb_0001.h5"]
    assert [item["name"] for item in made["files"]] == ["averaged.h5"]
    values = {item["name"]: (item["value"], item.get("unit")) for item in found["parameters"]}
    assert values["photon_energy"] == (12.4, "keV")
    assert values["source_current"] == (199.5, "mA")
    assert [item["panetId"].rpartition("/")[2] for item in found["techniques"]] == ["PaNET01188"]
    assert {item["name"]: item["value"] for item in made["parameters"]}["scanNumber"] == 3
