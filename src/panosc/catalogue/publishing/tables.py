"""The tables of publishing: DOIs of records, works elsewhere that they relate to, harvesting.

Their SQL is in `publication`.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.tape.tables import metadata

__all__ = ["doi", "fair", "metadata", "oai_record", "plan", "related"]


def _text(
    name: str, *constraints: sa.schema.SchemaItem, nullable: bool = True, first: str | None = None
) -> "sa.Column[str]":
    kind = sa.Text(collation="pg_c_utf8")
    return sa.Column(name, kind, *constraints, nullable=nullable, server_default=first)


def _is_one_of(column: str, *names: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{name}'" for name in names)
    return sa.CheckConstraint(f"{column} in ({listed})", name=column)


doi = sa.Table(
    "doi",
    metadata,
    _text("doi", nullable=False),
    _text("model", _is_one_of("model", "Dataset", "Document"), nullable=False),
    _text("pid", nullable=False),
    _text("kind", _is_one_of("kind", "version", "concept"), first="version", nullable=False),
    _text("wanted", _is_one_of("wanted", "draft", "registered", "findable"), nullable=False),
    _text("state", _is_one_of("state", "draft", "registered", "findable")),
    _text("sent"),
    sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
    sa.Column("due", sa.DateTime(timezone=True)),
    _text("message"),
    _text("by", nullable=False),
    sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("doi"),
    sa.UniqueConstraint("pid", "model", "kind"),
    sa.Index("doi_due_ix", "due", postgresql_where=sa.text("due is not null")),
)
"""A DOI of a record: which state it shall have and which it has, as DataCite last said.

`sent` is a digest of the metadata that DataCite has; `due` is when the record is looked at next:
null where all is done, or where `message` says what a person has to do. A ``concept`` DOI stands
for all versions, and leads to the newest.
"""
related = sa.Table(
    "related",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True),
    _text("model", _is_one_of("model", "Dataset", "Document"), nullable=False),
    _text("pid", nullable=False),
    _text("relation", nullable=False),
    _text("identifier", nullable=False),
    _text("scheme", nullable=False),
    _text("url", nullable=False),
    _text("general"),
    _text("title"),
    _text("source", nullable=False),
    _text("by"),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("pid", "model", "relation", "identifier"),
    sa.Index(None, "identifier"),
)
"""A work elsewhere, and how a record of this node relates to it; names are DataCite's.

`source` says who told it: ``person``, ``datacite`` or ``scholix``.
"""

oai_record = sa.Table(
    "oai_record",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("model", _is_one_of("model", "Dataset", "Document"), nullable=False),
    _text("pid", nullable=False),
    *(
        sa.Column(name, sa.DateTime(timezone=True), nullable=False)
        for name in ("born", "stamp", "listed_at", "opened_at")
    ),
    sa.Column("was_listed", sa.Boolean, nullable=False),
    sa.Column("sets", pg.ARRAY(sa.Text(collation="pg_c_utf8")), nullable=False),
    sa.Index(None, "born", "id"),
    sa.Index(None, "stamp", "id"),
    # those that opened, or will, after their last change: few
    sa.Index(None, "listed_at", "id", postgresql_where=sa.text("listed_at > stamp")),
    sa.Index(None, "opened_at", "id", postgresql_where=sa.text("opened_at > stamp")),
    sa.Index(None, "sets", postgresql_using="gin"),
)
"""A dataset or document that harvesters may know of, or may have known of: see `publication.oai`.

`id` is the key of the record, `born` when it was first taken up here, `stamp` when its last change
was. Anyone may know of it from `listed_at`, and of all of it from `opened_at`; one that
`was_listed` once and is so no more is told as deleted.
"""

fair = sa.Table(
    "fair",
    metadata,
    sa.Column("dataset_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("score", sa.SmallInteger, nullable=False),
    sa.Column("missing", pg.ARRAY(sa.Text(collation="pg_c_utf8")), nullable=False),
    sa.Index(None, "score", "dataset_id"),
    sa.Index(None, "missing", postgresql_using="gin"),
)
"""How FAIR a dataset is, with all its detail: derived, for the stewards' list of work.

`score` is in percent, `missing` holds the names of the checks that fail (`publication.fair`).
"""
plan = sa.Table(
    "plan",
    metadata,
    _text("document", nullable=False),
    sa.Column("content", pg.JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    _text("by", nullable=False),
    sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("document"),
)
"""The data management plan of a proposal, by its PID, as maDMP JSON of RDA."""
