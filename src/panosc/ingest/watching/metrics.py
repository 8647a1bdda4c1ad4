"""The numbers of ingest in the OpenMetrics text format, for Prometheus and its like.

They are counted in the database when somebody asks, so that they are the same whichever process
of the node answers.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from panosc.catalogue.intake import announcement, arrival, quarantine, run
from panosc.ingest.watching import heartbeat

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Sample = tuple[dict[str, str], float]


def text(connection: sa.Connection, *, now: datetime, more: Iterable[str] = ()) -> str:
    """Return all numbers, as a scraper reads them; `more` are the lines of others."""
    lines = [line for family in _families(connection, now) for line in family]
    return "\n".join([*lines, *more, "# EOF", ""])


def _families(connection: sa.Connection, now: datetime) -> Iterator[Iterable[str]]:
    runs = sa.select(run.c.kind, run.c.state, sa.func.count()).group_by(run.c.kind, run.c.state)
    yield _family(
        "panosc_ingest_runs",
        "gauge",
        "Runs by kind and state.",
        [({"kind": row[0], "state": row[1]}, row[2]) for row in connection.execute(runs)],
    )
    reported = sa.select(
        *(
            sa.func.coalesce(sa.func.sum(_number(run.c.report, name)), 0)
            for name in ("files", "new", "newVersions", "removed")
        )
    )
    files, new, versions, removed = connection.execute(reported).one()
    for name, value, what in (
        ("files", files, "Files looked at by runs."),
        ("datasets", new + versions, "Datasets registered by runs, with new versions."),
        ("removed", removed, "Files that runs found gone."),
    ):
        # the runs that are kept tell it: it may become less when old ones are forgotten
        yield _family(f"panosc_ingest_{name}", "gauge", what, [({}, value)])
    bad = sa.select(quarantine.c.reason, sa.func.count()).group_by(quarantine.c.reason)
    yield _family(
        "panosc_ingest_quarantined_files",
        "gauge",
        "Files set aside, by reason.",
        [({"reason": row[0]}, row[1]) for row in connection.execute(bad)],
    )
    places = sa.select(arrival.c.profile, arrival.c.place).where(
        arrival.c.registered.is_(sa.false())
    )
    waiting = sa.select(sa.func.count()).select_from(places.distinct().subquery())
    yield _family(
        "panosc_ingest_waiting_places",
        "gauge",
        "Places that wait for more files.",
        [({}, connection.scalar(waiting) or 0)],
    )
    told = sa.select(announcement.c.state, sa.func.count()).group_by(announcement.c.state)
    yield _family(
        "panosc_ingest_announcements",
        "gauge",
        "Announcements by state.",
        [({"state": row[0]}, row[1]) for row in connection.execute(told)],
    )
    yield from _watchers(connection, now)


def _watchers(connection: sa.Connection, now: datetime) -> Iterator[Iterable[str]]:
    found = heartbeat.seen(connection, now=now)
    live = [seen for seen in found if seen.content.get("state") != "stopped"]
    for name, key, what in (
        ("backlog_files", "backlog", "Files found that wait to be taken."),
        ("lag_seconds", "lagS", "Age of the oldest of them."),
        ("known_files", "files", "Files below the roots."),
    ):
        yield _family(
            f"panosc_watcher_{name}",
            "gauge",
            what,
            [({"watcher": seen.name}, float(seen.content.get(key, 0))) for seen in live],
        )
    yield _family(
        "panosc_watcher_silent_seconds",
        "gauge",
        "Time since the last sign of life.",
        [({"watcher": seen.name}, round(seen.age_s, 1)) for seen in live],
    )
    yield _family(
        "panosc_watcher_taken_files",
        "counter",
        "Files handed over since the watcher began.",
        [({"watcher": seen.name}, float(seen.content.get("taken", 0))) for seen in live],
    )


def _number(column: "sa.Column[Any]", name: str) -> "sa.ColumnElement[Any]":
    """Return a number in a JSON object; null where there is none."""
    value = sa.cast(column, JSONB)[name]
    return sa.case(
        (sa.func.jsonb_typeof(value) == "number", sa.cast(value.astext, sa.Numeric)), else_=None
    )


def _family(
    name: str, kind: Literal["gauge", "counter"], what: str, samples: Iterable[Sample]
) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"# HELP {name} {_escaped(what)}"
    suffix = "_total" if kind == "counter" else ""
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield (
            f"{name}{suffix}{{{inside}}} {float(value):.17g}"
            if inside
            else (f"{name}{suffix} {float(value):.17g}")
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
