"""The tables of ingest: its runs and what they changed, files on their way in, messages, watchers.

Their SQL is in `ingest`. What has become a record is in `catalogue.tables`.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.people import metadata

__all__ = [
    "announcement",
    "arrival",
    "awaited",
    "metadata",
    "quarantine",
    "run",
    "run_record",
    "watcher",
]


def _text(
    name: str, *constraints: sa.schema.SchemaItem, nullable: bool = True, first: str | None = None
) -> "sa.Column[str]":
    kind = sa.Text(collation="pg_c_utf8")
    return sa.Column(name, kind, *constraints, nullable=nullable, server_default=first)


def _time(name: str, *, nullable: bool = True) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> "sa.Column[Any]":
    default = None if nullable else sa.text("'{}'")
    return sa.Column(name, pg.JSONB, nullable=nullable, server_default=default)


run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
    _text(
        "kind",
        sa.CheckConstraint("kind in ('ingest', 'watch', 'message', 'edit', 'undo')", name="kind"),
        nullable=False,
    ),
    _text("who", nullable=False),
    _text("reason"),
    _now("started"),
    _now("beat"),
    _time("ended"),
    _text(
        "state",
        sa.CheckConstraint(
            "state in ('running', 'done', 'failed', 'stopped', 'undone')", name="state"
        ),
        first="running",
        nullable=False,
    ),
    _json("asked"),
    _json("report"),
    sa.Column("undoes", sa.BigInteger, sa.ForeignKey("run.id")),
    sa.Index("run_state_ix", "state", postgresql_where=sa.text("state = 'running'")),
)
"""One act that changed records: an ingest, a message, an edit, or the undoing of one.

`beat` is when it was last heard of: a run that says `running` and has been silent was killed.
"""
run_record = sa.Table(
    "run_record",
    metadata,
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    _text("model", nullable=False),
    _text("pid", nullable=False),
    _json("before", nullable=True),
    sa.Column("number", sa.BigInteger, sa.Identity(always=False), nullable=False),
    sa.PrimaryKeyConstraint("run_id", "model", "pid"),
    sa.Index("run_record_pid_ix", "model", "pid", "number"),
)
"""What a run did to a record: as it was before with all its parts, null where it was not there.

`number` tells which of two runs came to a record first, whichever of them began first.
"""

arrival = sa.Table(
    "arrival",
    metadata,
    _text("url", nullable=False),
    _text("profile", nullable=False),
    _text("rule", nullable=False),
    _text("place", nullable=False),
    _text("base", nullable=False),
    _text("name", nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    _text("tier", nullable=False),
    _text("sha256"),
    _text("facts"),
    _now("seen"),
    sa.Column("registered", sa.Boolean, server_default=sa.false(), nullable=False),
    sa.PrimaryKeyConstraint("url"),
    sa.Index("arrival_place_ix", "place", "profile"),
    sa.Index("arrival_waiting_ix", "profile", postgresql_where=sa.text("not registered")),
)
"""A file that has been read and waits for the rest of its dataset.

`place` and `base` are URLs and `name` is quoted as in one: names of files may be no text.
Once that is registered its facts are let go, and it says which other files its place has.
"""

awaited = sa.Table(
    "awaited",
    metadata,
    sa.Column(
        "dataset_id",
        sa.BigInteger,
        sa.ForeignKey("dataset.id", ondelete="CASCADE"),
        nullable=False,
    ),
    _text("url", nullable=False),
    sa.PrimaryKeyConstraint("dataset_id", "url"),
    sa.Index("awaited_url_ix", "url"),
)
"""The file or folder that a dataset was made from, as long as that is not in the catalogue."""
quarantine = sa.Table(
    "quarantine",
    metadata,
    _text("url", nullable=False),
    _text("reason", nullable=False),
    _text("detail", nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    _now("seen"),
    sa.PrimaryKeyConstraint("url"),
)
"""Files that claim a format and cannot be read as it, until they change."""
announcement = sa.Table(
    "announcement",
    metadata,
    _text("id", nullable=False),
    _text("kind", nullable=False),
    _text("who", nullable=False),
    _now("at"),
    _json("body"),
    _text(
        "state",
        sa.CheckConstraint("state in ('waiting', 'done', 'failed')", name="state"),
        first="waiting",
        nullable=False,
    ),
    sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
    _now("next_try"),
    _text("detail"),
    sa.Column("pids", pg.ARRAY(sa.Text(collation="pg_c_utf8"))),
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("run.id", ondelete="SET NULL")),
    sa.PrimaryKeyConstraint("id"),
    sa.Index("announcement_waiting_ix", "next_try", postgresql_where=sa.text("state = 'waiting'")),
)
"""A dataset that somebody told of, by HTTP or by a message; `id` makes telling twice harmless."""

watcher = sa.Table(
    "watcher",
    metadata,
    _text("name", nullable=False),
    _json("content"),
    _now("started"),
    _now("beat"),
    sa.PrimaryKeyConstraint("name"),
)
"""A process that watches folders, and its last sign of life."""
