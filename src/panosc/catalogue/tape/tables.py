"""The tables of restoring: files that are wanted from tape, who wants them, and mounts of volumes.

Their SQL is in `data.restoring`. Whether a file may be opened is `location.tier` alone.
"""

from typing import Any

import sqlalchemy as sa

from panosc.catalogue.intake import metadata

__all__ = ["metadata", "recall", "tape_mount", "wish"]

LIVE = ("asked", "queued", "staging", "online")
"""States of which a file has one at most."""


def _text(
    name: str, *constraints: sa.schema.SchemaItem, nullable: bool = True, first: str | None = None
) -> "sa.Column[str]":
    kind = sa.Text(collation="pg_c_utf8")
    return sa.Column(name, kind, *constraints, nullable=nullable, server_default=first)


def _time(name: str, *, nullable: bool = True) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


tape_mount = sa.Table(
    "tape_mount",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
    _text("request", nullable=False),
    _text("volume", nullable=False),
    _text(
        "state",
        sa.CheckConstraint("state in ('live', 'dropping', 'done', 'lost')", name="state"),
        first="live",
        nullable=False,
    ),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("sent", sa.Integer, server_default=sa.text("0"), nullable=False),
    _text("message"),
    _time("started", nullable=False),
    _time("beat", nullable=False),
    _time("ended"),
    sa.UniqueConstraint("request"),
    sa.Index(
        "tape_mount_volume_key",
        "volume",
        unique=True,
        postgresql_where=sa.text("state in ('live', 'dropping')"),
    ),
)
"""One mount of a volume for all files that are wanted from it; a volume has one at a time.

`request` is what the tape system knows it by; `beat` is when it was last heard to get on.
"""
recall = sa.Table(
    "recall",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
    _text("url", nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    _text(
        "state",
        sa.CheckConstraint(
            "state in ('asked', 'queued', 'staging', 'online', 'releasing',"
            " 'failed', 'given up', 'cancelled', 'released')",
            name="state",
        ),
        first="asked",
        nullable=False,
    ),
    _text("volume"),
    sa.Column("place", sa.BigInteger),
    sa.Column("mount_id", sa.BigInteger, sa.ForeignKey("tape_mount.id", ondelete="SET NULL")),
    sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
    _text("message"),
    _time("asked", nullable=False),
    _time("changed", nullable=False),
    _time("next_try", nullable=False),
    _time("until"),
    sa.Index(
        "recall_live_key",
        "url",
        unique=True,
        postgresql_where=sa.text("state in ('asked', 'queued', 'staging', 'online')"),
    ),
    sa.Index(None, "url", "id"),
    sa.Index("recall_mount_ix", "mount_id", postgresql_where=sa.text("mount_id is not null")),
)
"""A file that somebody wants from tape, whoever wants it; `until` is when it goes back."""
wish = sa.Table(
    "recall_wish",
    metadata,
    sa.Column(
        "recall_id", sa.BigInteger, sa.ForeignKey("recall.id", ondelete="CASCADE"), nullable=False
    ),
    _text("account", nullable=False),
    sa.Column("dataset_id", sa.BigInteger, nullable=False),
    _text("name", nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    _time("at", nullable=False),
    _time("ended"),
    sa.PrimaryKeyConstraint("recall_id", "account", "dataset_id"),
    sa.Index(None, "account", "at"),
)
"""That a person wants the file, as a file of which dataset; several people share one recall."""
