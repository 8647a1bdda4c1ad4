"""Who is told of watchers and of numbers, and what."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.intake import announcement, quarantine, run
from panosc.catalogue.people import account
from panosc.catalogue.tables import group_member
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.identity.service import build
from panosc.ingest.watching import heartbeat
from panosc.ingest.watching.folders import RootState
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "/data/bl1/proposal 4711"


class Node:
    """A served node with people, and a clock that the test moves."""

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        self.engine, self.settings, self.now = engine, settings, NOW
        self.tokens: dict[str, str] = {}
        self.address = ""

    def get(self, path: str, who: str | None = None) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        return httpx.get(self.address + path, headers=headers, trust_env=False, timeout=30)

    def beat(self, name: str, *, state: str = "watching") -> None:
        root = RootState(
            path="/data",
            state="trouble",
            files=7,
            folders=2,
            backlog=3,
            calls=11,
            troubles={SECRET: "cannot be listed: Permission denied"},
        )
        sign = heartbeat.Beat(
            state=state,
            every_s=2.0,
            ticks=5,
            files=7,
            taken=6,
            registered=4,
            quarantined=1,
            waiting=2,
            oldest_waiting_s=12.5,
            backlog=3,
            lag_s=1.5,
            roots=(root,),
            troubles=(f"{SECRET}/x: DataError",),
        )
        with self.engine.begin() as connection:
            heartbeat.write(connection, name, sign, started=NOW, now=self.now)


@pytest.fixture
def node(engine: sa.Engine, settings: Settings) -> Iterator[Node]:
    made = Node(engine, settings.model_copy(update={"metrics_hosts": ()}))
    identity = build(engine, settings, lambda: made.now)
    people = {"steward": "steward", "administrator": "administrator", "user": None}
    with engine.begin() as connection:
        write(connection, [("Instrument", {"pid": "10.5072/d22", "name": "D22"})], now=NOW)
        for name, role in people.items():
            person = {"id": f"u-{name}", "kind": "person", "name": name, "terms": "1"}
            connection.execute(sa.insert(account).values(person))
            if role is not None:
                member = {"person": f"u-{name}", "role": role, "group": "node"}
                connection.execute(sa.insert(group_member).values(member))
    for name, role in people.items():
        scopes = ["read"] if role is None else ["read", "manage"]
        made.tokens[name] = identity.tokens.create(
            OPERATOR, name="x", scopes=scopes, days=9, owner=f"u-{name}"
        ).secret
    made.tokens["reading steward"] = identity.tokens.create(
        OPERATOR, name="y", scopes=["read"], days=9, owner="u-steward"
    ).secret
    identity.services.add_service(OPERATOR, "d22", instrument="10.5072/d22")
    made.tokens["service"] = identity.tokens.create(
        OPERATOR, name="x", scopes=["read"], days=9, owner="svc-d22"
    ).secret
    with serving(create_app(made.settings, engine, clock=lambda: made.now)) as made.address:
        yield made


def test_whoever_signed_in_is_told_whether_all_is_well(node: Node) -> None:
    def told() -> object:
        answer = node.get("/api/v1/ingest/heartbeat", "user")
        assert answer.status_code == 200
        return answer.json()

    assert told() == {"status": "none", "ageS": None}
    node.beat("one")
    node.now += timedelta(seconds=5)
    assert told() == {"status": "ok", "ageS": 5.0}
    node.now += timedelta(minutes=3)
    node.beat("two")
    assert told() == {"status": "late", "ageS": 185.0}
    node.beat("one", state="stopped")
    assert told() == {"status": "ok", "ageS": 0.0}
    assert node.get("/api/v1/ingest/heartbeat").status_code == 401


def test_stewards_see_troubles_and_services_only_that_there_are(node: Node) -> None:
    node.beat("one")
    for who in ("steward", "administrator"):
        (seen,) = node.get("/api/v1/ingest/watchers", who).json()
        assert seen["content"]["roots"][0]["troubles"] == {
            SECRET: "cannot be listed: Permission denied"
        }
        assert (seen["name"], seen["isLate"], seen["content"]["lagS"]) == ("one", False, 1.5)
    answer = node.get("/api/v1/ingest/watchers", "service")
    assert answer.json()[0]["content"]["roots"][0]["state"] == "trouble"
    assert "4711" not in answer.text
    statuses = {
        who: node.get("/api/v1/ingest/watchers", who).status_code
        for who in (None, "user", "reading steward")
    }
    assert statuses == {None: 401, "user": 403, "reading steward": 403}


def test_numbers_are_openmetrics(node: Node) -> None:
    node.beat('a "watcher"')
    with node.engine.begin() as connection:
        report = {"files": 10, "new": 3, "newVersions": 1, "removed": 2}
        for values in (
            {"kind": "ingest", "who": "x", "state": "done", "report": report},
            {"kind": "watch", "who": "x", "report": {"files": "no number"}},
        ):
            connection.execute(sa.insert(run).values(values))
        bad = {"url": "file:///x", "reason": "empty", "detail": "", "size": 0, "mtime_ns": 0}
        connection.execute(sa.insert(quarantine).values(bad))
        told = {"id": "a", "kind": "http", "who": "x"}
        connection.execute(sa.insert(announcement).values(told))
    answer = node.get("/-/metrics", "steward")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    lines = answer.text.splitlines()
    assert lines[-1] == "# EOF"
    for line in (
        'panosc_ingest_runs{kind="ingest",state="done"} 1',
        "panosc_ingest_files 10",
        "panosc_ingest_datasets 4",
        'panosc_ingest_quarantined_files{reason="empty"} 1',
        "panosc_ingest_waiting_places 0",
        'panosc_ingest_announcements{state="waiting"} 1',
        'panosc_watcher_lag_seconds{watcher="a \\"watcher\\""} 1.5',
        'panosc_watcher_taken_files_total{watcher="a \\"watcher\\""} 6',
    ):
        assert line in lines, line


def test_numbers_are_for_those_who_look_after_the_node(node: Node) -> None:
    statuses = {
        who: node.get("/-/metrics", who).status_code
        for who in (None, "user", "service", "reading steward", "steward", "administrator")
    }
    assert statuses == {
        None: 401,
        "user": 403,
        "service": 403,
        "reading steward": 403,
        "steward": 200,
        "administrator": 200,
    }


def test_a_host_of_the_settings_needs_no_token(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    for networks, status in ((("127.0.0.0/8",), 200), (("10.0.0.0/8", "::1/128"), 401)):
        chosen = settings.model_copy(update={"metrics_hosts": networks})
        with serving(create_app(chosen, engine)) as address:
            answer = httpx.get(address + "/-/metrics", trust_env=False)
        assert answer.status_code == status
