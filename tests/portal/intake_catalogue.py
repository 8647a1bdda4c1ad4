"""A node at which much was ingested by its own ways: runs, troubles, places that wait, watchers."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hostile import nexus
from signed_in import NOW, House

from panosc.catalogue.intake import announcement, quarantine, run, watcher
from panosc.catalogue.tape.tables import recall, tape_mount
from panosc.domain.access import OPERATOR
from panosc.ingest.runs import journal
from panosc.ingest.runs.undoing import undo
from panosc.ingest.service import Request, ingest

PROFILE = """\
profile: beamline
title: Scans in folders, and single files
rules:
  - name: scan
    path: "scans/{scan}/**"
    group: folder
    complete: {quiet: 10min, marker: "*.done"}
  - name: file
    path: "**"
    group: file
"""
UGLY = "<b>x</b> & 'Überstruktur' 測定 \u202e" + "sehr_langer_Name_ohne_Lücke_" * 6
TITLES = ("Silver behenate at 21 °C", "Lysozyme in D2O", "Ångström – 測定 <i>four</i>")


def profile(folder: Path) -> Path:
    """Write the profile of the site."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "beamline.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


def fill(folder: Path) -> Path:
    """Write files as they lie at a beamline: good, poor, broken, and a scan that goes on."""
    root = folder / "data"
    root.mkdir(parents=True)
    for number, title in enumerate(TITLES):
        nexus(root / f"good{number}.nxs", title=title).close()
    with nexus(root / "poor.nxs", title="Poor") as file:
        for name in ("instrument", "user", "definition", "start_time"):
            del file[f"entry/{name}"]
        file["entry/sample/temperature"].attrs["units"] = "bananas"
    with nexus(root / "other.nxs", title="Of another instrument") as file:
        del file["entry/instrument/name"]
        file["entry/instrument/name"] = "ID02 nouvelle Ä"
    ugly = root / UGLY[:80].replace("/", "_")
    ugly.mkdir()
    (ugly / f"{UGLY[:60].replace('/', '_')}.nxs").write_bytes(b"no HDF5")
    (root / "cut.nxs").write_bytes((root / "good0.nxs").read_bytes()[:900])
    (root / "empty.h5").touch()
    scan = root / "scans" / "Überlauf 測定"
    scan.mkdir(parents=True)
    shutil.copyfile(root / "good0.nxs", scan / "a0001.nxs")
    return root


def taken(house: House, root: Path, **options: Any) -> int:
    """Ingest a folder as the operator does; return the run."""
    request = Request(roots=[root], **options)
    report = ingest(house.engine, house.settings, request, who=OPERATOR, now=house.time[0])
    assert report.run is not None
    return report.run


def beats(house: House) -> None:
    """Write watchers: well, in trouble, late, gone and stopped."""
    roots = [
        {"path": "/data/id02", "state": "watched", "troubles": {}},
        {"path": f"/data/{UGLY}", "state": "late", "troubles": {"/data/x": "permission denied"}},
    ]
    content = {"state": "watching", "everyS": 2, "files": 12345, "backlog": 7, "lagS": 2.5}
    content |= {"waiting": 1, "roots": roots[:1], "troubles": []}
    ages = {"well": 1, "troubled": 1, "late": 300, "gone": 90_000, "stopped": 5000, "away": 1}
    rows = [
        {
            "name": f"{name}@node",
            "content": content,
            "started": NOW,
            "beat": NOW - timedelta(0, age),
        }
        for name, age in ages.items()
    ]
    rows[1]["content"] = {**content, "roots": roots}
    rows[4]["content"] = {**content, "state": "stopped"}
    rows[5]["content"] = {**content, "state": "waiting", "troubles": ["connection refused"]}
    with house.engine.begin() as connection:
        connection.execute(sa.insert(watcher), rows)


def announce(house: House) -> None:
    """Write announcements in each state."""
    said = {"said": {"paths": ["/data/id02/scan1", f"/data/{UGLY}"]}}
    base = {"kind": "http", "who": "svc-id02", "at": NOW, "next_try": NOW, "body": said}
    rows = [
        {**base, "id": "svc-id02:1", "state": "done", "tries": 1, "detail": None},
        {
            **base,
            "id": "svc-id02:2",
            "state": "waiting",
            "tries": 2,
            "detail": "it is not there yet",
        },
        {**base, "id": f"svc-id02:{UGLY}", "state": "failed", "tries": 15, "detail": UGLY},
        {**base, "id": "icat:0123", "state": "failed", "tries": 0, "detail": "no XML", "body": {}},
    ]
    with house.engine.begin() as connection:
        connection.execute(sa.insert(announcement), rows)


def begun(house: House) -> int:
    """Begin a run that is at work."""
    return journal.begin(
        house.engine, kind="watch", who=OPERATOR, asked={"roots": ["/data"]}, now=house.time[0]
    )


def forgotten(house: House) -> None:
    """Let nothing have come in, but for the records."""
    with house.engine.begin() as connection:
        for table in ("announcement", "arrival", "run_record", "quarantine", "watcher"):
            connection.execute(sa.text(f"delete from {table}"))
        connection.execute(sa.update(run).values(undoes=None))
        connection.execute(sa.delete(run))


def everything_undone(house: House) -> None:
    """Undo all runs, the newest first, and forget that they were."""
    with house.engine.connect() as connection:
        query = sa.select(run.c.id).where(
            run.c.state.in_(["done", "failed"]), run.c.undoes.is_(None)
        )
        numbers = connection.scalars(query.order_by(run.c.id.desc())).all()
    for number in numbers:
        undo(house.engine, number, who=OPERATOR, reason="The test is over.", now=house.time[0])
    forgotten(house)


def long_report(house: House, count: int) -> int:
    """Let a run have ended with many troubles."""
    number = begun(house)
    troubles = [
        {"path": f"/data/{place:04}.h5", "reason": "truncated", "detail": "cut"}
        for place in range(count)
    ]
    report = {"files": count, "quarantined": troubles, "warnings": troubles}
    journal.end(house.engine, number, state="done", report=report, now=house.time[0])
    return number


def many_set_aside(house: House, count: int) -> None:
    """Set aside many files."""
    rows = [
        {
            "url": f"file:///data/many/{number:04}.h5",
            "reason": "truncated",
            "detail": "it is cut short",
            "size": 10,
            "mtime_ns": 1,
            "seen": NOW,
        }
        for number in range(count)
    ]
    with house.engine.begin() as connection:
        connection.execute(sa.insert(quarantine), rows)


def taped(house: House) -> None:
    """Have files wanted from tape: on disk, being read, waiting, and one that did not come."""
    now = house.time[0]
    mount = {"request": "m-1", "volume": "TP0007", "state": "live", "files": 2, "started": now}
    states = ("online", "staging", "staging", "queued", "queued", "failed")
    with house.engine.begin() as connection:
        number = connection.scalar(
            sa.insert(tape_mount).values(**mount, beat=now, message=UGLY).returning(tape_mount.c.id)
        )
        for place, state in enumerate(states):
            row = {
                "url": f"file:///tape/{place}",
                "size": 10**9 * (place + 1),
                "mtime_ns": 1,
                "state": state,
                "volume": "TP0007" if state == "staging" else f"{UGLY[:40]}{place}",
                "mount_id": number if state == "staging" else None,
                "message": f"The drive ate it: {UGLY}" if state == "failed" else None,
            }
            times = {"asked": now, "changed": now, "next_try": now}
            connection.execute(sa.insert(recall).values(**row, **times))
