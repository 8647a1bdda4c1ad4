"""A node that knows other catalogues, with health and harvests as if it had asked for a while.

None of them is called: what they did is written into the tables. A secret and an option stand
there too, which no page may ever tell.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from signed_in import NOW

from panosc.catalogue.federating.tables import connector, harvest, health, raw, told
from panosc.catalogue.writer import write

SECRET_OPTION, SECRET_ACCOUNT, SECRET_FILE = "Sesam-Option-1", "sesam-account", "/run/sesam-file"
PRIVATE = "scicat.inside.example"
HARVESTED, HIDDEN = "10.5072/from-alba", "10.5072/hidden-at-alba"
HOME = "https://alba.example/records/1"
ALSO = "10.5072/from-alba-at-esrf"


def fill(engine: sa.Engine) -> None:
    """Tell the node of three catalogues and of what they did."""
    with engine.begin() as connection:
        connection.execute(sa.insert(connector), _connectors())
        connection.execute(sa.insert(health), list(_health()))
        connection.execute(sa.insert(harvest), _harvests())
        write(connection, _records(), now=NOW)
        connection.execute(sa.insert(raw), _raws())
        connection.execute(sa.insert(told), _told())


def _connectors() -> list[dict[str, Any]]:
    def one(name: str, title: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "kind": "oai",
            "url": f"https://{name}.example/oai",
            "title": title,
            "options": {"set": SECRET_OPTION},
            "account": SECRET_ACCOUNT,
            "secret_file": SECRET_FILE,
            "is_live": False,
            "is_harvested": True,
            "is_private": False,
            "probed": {},
            "probed_at": None,
            "by": "u-administrator",
            "added": NOW - timedelta(days=100),
        } | more

    features = {
        "where:title": {"state": "yes", "evidence": "A title asked for came back, and no other."},
        "count": {"state": "wrong", "evidence": "It says 0 of a catalogue with 12 records."},
        "files": {"state": "no", "evidence": "It answers 404."},
    }
    found = {"version": "2.0", "title": "ALBA", "totals": {"Dataset": 3}, "features": features}
    return [
        one("alba", "ALBA Synchrotron", probed=found, probed_at=NOW - timedelta(days=1)),
        one("esrf", "ESRF", kind="gone-plugin"),
        one("hzdr", "HZDR", url=f"http://{PRIVATE}/oai", is_private=True, is_harvested=False),
    ]


def _health() -> Any:
    for day in range(60):
        bad = day in {3, 17}
        yield {
            "connector": "alba",
            "hour": (NOW - timedelta(days=day)).replace(minute=0),
            "asked": 40,
            "answered": 0 if day == 3 else 25 if bad else 40,
            "late": 15 if bad else 0,
            "failed": 25 if day == 3 else 0,
            "spared": 0,
            "ms": 40 * 300,
            "message": "alba was not used: it took longer than 3 s." if bad else None,
        }


def _harvests() -> list[dict[str, Any]]:
    def one(name: str, hours: int, state: str, message: str | None = None) -> dict[str, Any]:
        begun = NOW - timedelta(hours=hours)
        return {
            "connector": name,
            "kind": "changes",
            "by": "schedule",
            "started": begun,
            "beat": begun,
            "ended": begun + timedelta(minutes=5),
            "state": state,
            "counts": {"seen": 1200, "new": 12, "gone": 1},
            "message": message,
        }

    return [
        one("alba", 30, "done"),
        one("alba", 2, "done"),
        one("esrf", 1, "failed", "esrf was not used: it answered 500."),
        one("hzdr", 1, "failed", f"hzdr was not used: {PRIVATE} is away."),
    ]


def _records() -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            "Dataset",
            {
                "pid": HARVESTED,
                "title": "Myelin <b>sheath</b> of ALBA",
                "access": "open",
                "source": "alba",
                "creationDate": "2026-03-01T00:00:00Z",
            },
        ),
        (
            "Dataset",
            {"pid": HIDDEN, "title": "Hidden-8844", "access": "closed", "source": "alba"},
        ),
    ]


def _raws() -> list[dict[str, Any]]:
    return [
        {
            "connector": "alba",
            "kind": "oai_datacite",
            "external_id": "oai:alba:broken",
            "sha256": b"0" * 32,
            "content": "{}",
            "fetched": NOW,
            "mapping": 1,
            "problem": "It has no title and no identifier.",
        }
    ]


def _told() -> list[dict[str, Any]]:
    def one(name: str, own: str, pid: str, **more: Any) -> dict[str, Any]:
        return {
            "connector": name,
            "model": "Dataset",
            "own_pid": own,
            "kind": "oai_datacite",
            "external_id": f"oai:{name}:1",
            "pid": pid,
            "home": HOME,
            "is_shown": True,
            "keys": [f"doi:{pid}"],
            "evidence": {},
            "fetched": NOW - timedelta(hours=2),
        } | more

    return [
        one("alba", HARVESTED, HARVESTED),
        one("alba", HIDDEN, HIDDEN, external_id="oai:alba:2"),
        one(
            "esrf",
            ALSO,
            HARVESTED,
            home="javascript:alert(1)",
            is_shown=False,
            keys=[f"doi:{HARVESTED}", "pid:11/22", "strong:2026-03-01T00:00/abc"],
            evidence={
                "by": "doi",
                "words": f"It has the same DOI ({HARVESTED}) as a record of alba",
            },
        ),
    ]
