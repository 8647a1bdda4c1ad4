"""The tables of federation: other catalogues, their raw answers, what came of them, how they do.

Their SQL is in `federation`.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.publishing.tables import metadata

__all__ = ["connector", "harvest", "health", "metadata", "raw", "told", "told_link"]


def _text(
    name: str, *constraints: sa.schema.SchemaItem, nullable: bool = True, first: str | None = None
) -> "sa.Column[str]":
    kind = sa.Text(collation="pg_c_utf8")
    return sa.Column(name, kind, *constraints, nullable=nullable, server_default=first)


def _time(name: str, *, nullable: bool = True) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> "sa.Column[Any]":
    return sa.Column(name, pg.JSONB, nullable=False, server_default=sa.text("'{}'"))


def _flag(name: str, *, first: bool) -> "sa.Column[bool]":
    default = sa.true() if first else sa.false()
    return sa.Column(name, sa.Boolean, nullable=False, server_default=default)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _is_one_of(column: str, *names: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{name}'" for name in names)
    return sa.CheckConstraint(f"{column} in ({listed})", name=column)


def _of_connector(*constraints: sa.schema.SchemaItem) -> "sa.Column[str]":
    owner = sa.ForeignKey("connector.name", ondelete="CASCADE")
    return _text("connector", owner, *constraints, nullable=False)


connector = sa.Table(
    "connector",
    metadata,
    _text("name", nullable=False),
    _text("kind", nullable=False),
    _text("url", nullable=False),
    _text("title", nullable=False),
    _json("options"),
    _text("prefix", nullable=False, first=""),
    _text("account"),
    _text("secret_file"),
    _flag("is_private", first=False),
    _flag("is_live", first=True),
    _flag("is_harvested", first=True),
    _flag("is_adopted", first=False),
    sa.Column("every_s", sa.Integer, nullable=False, server_default=sa.text("3600")),
    sa.Column("cursor", pg.JSONB),
    _time("swept"),
    _time("due"),
    _json("probed"),
    _time("probed_at"),
    _text("by", nullable=False),
    _time("added", nullable=False),
    sa.PrimaryKeyConstraint("name"),
)
"""Another catalogue: where it is, what it is asked for, and how far its harvest is.

`prefix` stands before identifiers that only mean something there. `cursor` is the connector's own.
`due` is when it is harvested next, null while nobody wants it. `probed` is what its probe found.
"""
harvest = sa.Table(
    "harvest",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
    _of_connector(),
    _text("kind", _is_one_of("kind", "changes", "sweep", "remap"), nullable=False),
    _text("by", nullable=False),
    _time("started", nullable=False),
    _time("beat", nullable=False),
    _time("ended"),
    _text(
        "state",
        _is_one_of("state", "running", "done", "failed", "stopped"),
        first="running",
        nullable=False,
    ),
    _json("counts"),
    _text("message"),
    sa.Index(None, "connector", "id"),
)
"""One run against another catalogue: `counts` are of records seen, new, changed, gone, refused."""
raw = sa.Table(
    "raw",
    metadata,
    _of_connector(),
    _text("kind", nullable=False),
    _text("external_id", nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    _text("content", nullable=False),
    _time("changed"),
    _time("fetched", nullable=False),
    sa.Column("mapping", sa.Integer, nullable=False),
    _time("gone"),
    _text("problem"),
    sa.Column("harvest_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("connector", "kind", "external_id"),
    sa.Index("raw_harvest_ix", "connector", "harvest_id"),
    sa.Index("raw_mapping_ix", "connector", "mapping"),
)
"""What another catalogue answered of a record, as JSON text, word for word.

`kind` is the class as that catalogue calls it. `mapping` is the version of the mapping that was
applied to it; `problem` is why that failed. `gone`: it is no longer there.
"""
told = sa.Table(
    "told",
    metadata,
    _of_connector(),
    _text("model", nullable=False),
    _text("own_pid", nullable=False),
    _text("kind", nullable=False),
    _text("external_id", nullable=False),
    _text("pid", nullable=False),
    _text("home"),
    _flag("is_shown", first=False),
    sa.Column(
        "keys",
        pg.ARRAY(sa.Text(collation="pg_c_utf8")),
        nullable=False,
        server_default=sa.text("'{}'"),
    ),
    _json("evidence"),
    _time("fetched", nullable=False),
    sa.Column("awaits", pg.ARRAY(sa.Text(collation="pg_c_utf8"))),
    sa.PrimaryKeyConstraint("connector", "kind", "external_id", "model", "own_pid"),
    sa.Index("told_own_ix", "model", "own_pid"),
    sa.Index("told_pid_ix", "model", "pid"),
    sa.Index("told_keys_ix", "keys", postgresql_using="gin"),
    sa.Index(
        "told_awaits_ix",
        "awaits",
        postgresql_using="gin",
        postgresql_where=sa.text("awaits is not null"),
    ),
)
"""A record of this catalogue that another one told of; one record may have been told by several.

`own_pid` is what the source alone makes of it, `pid` the record that it is a part of here: another
one where both are the same thing, for the reasons in `evidence`. `is_shown`: the record here says
what this source says. `keys` are what it can be recognised by. `home` is its page there.
`awaits` are the shared records that it names and nobody has told of yet.
"""
told_link = sa.Table(
    "told_link",
    metadata,
    _of_connector(),
    _text("kind", nullable=False),
    _text("external_id", nullable=False),
    _text("document", nullable=False),
    _text("dataset", nullable=False),
    sa.PrimaryKeyConstraint("connector", "kind", "external_id", "document", "dataset"),
    sa.Index("told_link_document_ix", "document"),
    sa.Index("told_link_dataset_ix", "dataset"),
)
"""That a dataset belongs to a document, as a raw record says; by the source's own identifiers.

Either may come first, or be a part of another record here.
"""
health = sa.Table(
    "health",
    metadata,
    _of_connector(),
    _time("hour", nullable=False),
    _number("asked"),
    _number("answered"),
    _number("late"),
    _number("failed"),
    _number("spared"),
    _number("ms"),
    _text("message"),
    sa.PrimaryKeyConstraint("connector", "hour"),
)
"""How another catalogue did in an hour: `spared` are questions not asked, for it was down.

`ms` is how long all answers took together; `message` says what went wrong last.
"""
