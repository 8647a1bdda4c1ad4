"""The tables, as SQLAlchemy Core. Rows never leave `catalogue` and the `store` modules.

Primary keys of records are `domain.pid.surrogate` of their identifier, so that a writer
knows them without asking; those of parts (files, parameters, members) come from a sequence.
Text sorts by code point and folds case by Unicode whatever the cluster's locale.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.schema import SchemaItem

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _text(name: str, **options: Any) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(collation="pg_c_utf8"), **options)


def _time(name: str, **options: Any) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def _record(name: str, *columns: SchemaItem) -> sa.Table:
    """Return a table of records that have a PID of their own and appear in the feed."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        *columns,
        sa.Column("extra", pg.JSONB),
        _time("created", server_default=sa.func.now(), nullable=False),
        _time("changed", server_default=sa.func.now(), nullable=False),
    )


def _part(name: str, *columns: SchemaItem) -> sa.Table:
    """Return a table of parts: they belong to a record and go with it."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
        _text("key"),
        *columns,
        sa.Column("extra", pg.JSONB),
    )


def _to(table: str, *, nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(
        f"{table}_id",
        sa.BigInteger,
        sa.ForeignKey(f"{table}.id", ondelete="CASCADE"),
        nullable=nullable,
    )


def _from_when(name: str, when: str) -> "sa.Column[Any]":
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        sa.Computed(
            f"CASE WHEN mark = 'normal' THEN {when}"
            " ELSE '9999-12-31 23:59:59.999999+00'::timestamptz END",
            persisted=True,
        ),
    )


def _guard() -> tuple[SchemaItem, ...]:
    return (
        _text("access"),
        _time("embargo_until"),
        _text("owner_group"),
        _text("source"),
        sa.Column(
            "mark",
            sa.Text(collation="pg_c_utf8"),
            sa.CheckConstraint("mark in ('normal', 'withdrawn', 'erased')", name="mark"),
            server_default="normal",
            nullable=False,
        ),
        _text("mark_reason"),
        _time("core_at", nullable=False),
        _time("open_at", nullable=False),
        # from when anyone may know of it, and from when anyone may see all of it: one comparison
        # decides on most rows
        _from_when("listed_at", "LEAST(core_at, open_at)"),
        _from_when("opened_at", "open_at"),
    )


affiliation = _record(
    "affiliation",
    _text("key", nullable=False, unique=True),
    _text("name"),
    _text("address"),
    _text("city"),
    _text("country"),
)
person = _record(
    "person",
    _text("key", nullable=False, unique=True),
    _text("full_name"),
    _text("orcid"),
    _text("researcher_id"),
    _text("first_name"),
    _text("last_name"),
)
instrument = _record(
    "instrument",
    _text("pid", nullable=False, unique=True),
    _text("name"),
    _text("facility"),
    _text("source"),
)
technique = _record(
    "technique",
    _text("pid", nullable=False, unique=True),
    _text("name"),
    _text("panet_id"),
    sa.Index(None, "panet_id"),
)
sample = _record(
    "sample",
    _text("pid", nullable=False, unique=True),
    _text("name"),
    _text("description"),
    sa.Index(
        "sample_name_trgm_ix",
        "name",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    ),
)
document = _record(
    "document",
    _text("pid", nullable=False, unique=True),
    sa.Column("is_public", sa.Boolean),
    _text("type"),
    _text("title"),
    _text("summary"),
    _text("doi"),
    _time("start_date"),
    _time("end_date"),
    _time("release_date"),
    _text("license"),
    sa.Column("keywords", pg.ARRAY(sa.Text(collation="pg_c_utf8"))),
    *_guard(),
    sa.Index(
        "document_title_trgm_ix",
        "title",
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    ),
    sa.Index(
        "document_summary_trgm_ix",
        "summary",
        postgresql_using="gin",
        postgresql_ops={"summary": "gin_trgm_ops"},
    ),
)
# DOIs are told apart without their capitals
sa.Index("document_doi_ix", sa.func.lower(document.c.doi))
dataset = _record(
    "dataset",
    _text("pid", nullable=False, unique=True),
    _text("title"),
    sa.Column("is_public", sa.Boolean),
    _time("creation_date"),
    sa.Column("size", sa.BigInteger),
    sa.Column("instrument_id", sa.BigInteger, sa.ForeignKey("instrument.id")),
    _text("kind"),
    _text("description"),
    _time("end_date"),
    _time("release_date"),
    _text("license"),
    _text("definition"),
    _text("new_version_of"),
    sa.Column("derived_from", pg.ARRAY(sa.Text(collation="pg_c_utf8"))),
    _text("default_plot"),
    _text("default_file"),
    *_guard(),
    sa.Index(None, "instrument_id"),
    # what came after a dataset: most have neither
    sa.Index(None, "new_version_of", postgresql_where=sa.text("new_version_of is not null")),
    sa.Index(
        None,
        "derived_from",
        postgresql_using="gin",
        postgresql_where=sa.text("derived_from is not null"),
    ),
    sa.Index(
        "dataset_title_trgm_ix",
        "title",
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    ),
    sa.Index(
        "dataset_description_trgm_ix",
        "description",
        postgresql_using="gin",
        postgresql_ops={"description": "gin_trgm_ops"},
    ),
)
# when the next record opens: those that always were open are not in it
for _opening in (dataset.c.open_at, dataset.c.core_at, document.c.open_at, document.c.core_at):
    sa.Index(None, _opening, postgresql_where=_opening > sa.text("'0001-01-02 00:00:00+00'"))
_GUARDING = ["listed_at", "opened_at", "instrument_id", "mark", "owner_group"]
# whether somebody may see a dataset, without a look at its row
sa.Index("dataset_guard_ix", dataset.c.id, postgresql_include=_GUARDING)
for _guarded in (dataset, document):
    # how many anyone may know of, and which a group owns, without a look at the rows
    sa.Index(None, _guarded.c.listed_at)
    sa.Index(None, _guarded.c.owner_group, _guarded.c.listed_at)
# the order of "newest first"; serves ranges of dates as well
sa.Index(
    "dataset_newest_ix",
    dataset.c.creation_date.desc().nulls_last(),
    postgresql_include=["id", *_GUARDING],
)
member = _part(
    "member",
    _text("role"),
    _to("document", nullable=True),
    _to("dataset", nullable=True),
    _to("person", nullable=True),
    _to("affiliation", nullable=True),
    sa.Index(None, "document_id"),
    sa.Index(None, "dataset_id"),
    sa.Index(None, "person_id"),
    sa.Index(None, "affiliation_id"),
)
parameter = _part(
    "parameter",
    _text("name", nullable=False),
    sa.Column("value_number", sa.Double),
    _text("value_text"),
    _text("unit"),
    sa.Column("si_value", sa.Double),
    _text("si_unit"),
    _text("path"),
    _to("dataset", nullable=True),
    _to("document", nullable=True),
    sa.Index(None, "dataset_id"),
    sa.Index(None, "document_id", postgresql_where=sa.text("document_id is not null")),
    sa.Index(None, "name", "si_value"),
    sa.Index(None, "name", "value_number"),
)
file = _part(
    "file",
    _text("name", nullable=False),
    _text("path"),
    sa.Column("size", sa.BigInteger),
    _text("sha256"),
    _text("format"),
    _to("dataset"),
    sa.Index(None, "dataset_id"),
)


def _link(name: str, first: str, second: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        _to(first),
        _to(second),
        _text("key"),
        sa.PrimaryKeyConstraint(f"{first}_id", f"{second}_id"),
        sa.Index(None, f"{second}_id", f"{first}_id"),
    )


dataset_sample = _link("dataset_sample", "dataset", "sample")
dataset_technique = _link("dataset_technique", "dataset", "technique")
document_dataset = _link("document_dataset", "document", "dataset")

location = sa.Table(
    "location",
    metadata,
    _text("url", nullable=False),
    _text("part", server_default="", nullable=False),
    _to("dataset"),
    _text("name", nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column(
        "tier",
        sa.Text(collation="pg_c_utf8"),
        sa.CheckConstraint("tier in ('online', 'nearline', 'removed')", name="tier"),
        server_default="online",
        nullable=False,
    ),
    sa.PrimaryKeyConstraint("url", "part"),
    sa.Index(None, "dataset_id"),
)
"""Where a dataset's file lies: any number of places for the same content.

`part` is empty, or the NXentry of the file that is a dataset of its own.
"""

group = sa.Table(
    "group",
    metadata,
    _text("name", primary_key=True),
    _text("title"),
    _text("access_type"),
    _time("starts"),
    _time("ends"),
    _text("document_pid"),
    sa.Column("extra", pg.JSONB),
    sa.Column("changed", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
)
"""A proposal or another group of people; ``instrument:PID`` are those in charge of one, and
``node`` holds the roles for the whole node. Its experiment lasts from `starts` to `ends`."""
group_member = sa.Table(
    "group_member",
    metadata,
    _text("group", nullable=False),
    _text("person", nullable=False),
    _text("role", nullable=False),
    _time("until"),
    _text("source"),
    sa.PrimaryKeyConstraint("group", "person", "role"),
    sa.Index(None, "person"),
)
"""`person` is a name of `people.alias` or an account; `source` says who keeps the line: None
the user office, ``claims`` the login, ``node`` this node."""
share = sa.Table(
    "share",
    metadata,
    _text("id", primary_key=True),
    sa.Column("dataset_id", sa.BigInteger, nullable=False),
    _text("reader", nullable=False),
    _time("until"),
    _text("note"),
    _text("by", nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    _text("source"),
    sa.UniqueConstraint("dataset_id", "reader", "source", postgresql_nulls_not_distinct=True),
    sa.Index(None, "reader", "source"),
)
"""Access that is given: `reader` is a group, ``person:ACCOUNT`` or ``link:HASH``. `source` is the
adopted catalogue that gives it, which alone takes it back; None: somebody here, the team."""
ruling = sa.Table(
    "ruling",
    metadata,
    sa.Column("dataset_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("policy"),
    _time("policy_core"),
    _time("policy_opens"),
    sa.Column("extended_years", sa.Integer, server_default=sa.text("0"), nullable=False),
    _time("released_at"),
    _text("mark"),
    _text("mark_reason"),
)
"""What was decided on a dataset, apart from what its record says: see `catalogue.rulings`."""
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("model", nullable=False),
    _text("pid", nullable=False),
    sa.Column("deleted", sa.Boolean, server_default=sa.false(), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
)
"""The feed: numbers are in the order of commits; see `catalogue.changes`."""

changes_number = sa.Sequence("changes_number", metadata=metadata)
"""Read only under the lock of `catalogue.changes`; gaps are left by what was rolled back."""

follower = sa.Table(
    "follower",
    metadata,
    _text("name", primary_key=True),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
)

plot = sa.Table(
    "plot",
    metadata,
    sa.Column(
        "dataset_id",
        sa.BigInteger,
        sa.ForeignKey("dataset.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("content", pg.JSONB, nullable=False),
)
"""The numbers of a default plot, thinned out for drawing; derived, may be deleted."""
