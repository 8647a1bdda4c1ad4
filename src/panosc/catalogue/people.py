"""The tables of accounts, sessions, tokens, requests and the audit trail.

Their SQL is in `identity` and `policy`. Secrets are kept as hashes, tokens of other services
sealed with the key of the node (`identity.keys`).
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.tables import metadata

__all__ = [
    "account",
    "alias",
    "attempt",
    "audit",
    "device",
    "identity",
    "metadata",
    "petition",
    "policy_version",
    "saved_search",
    "session",
    "spent",
    "token",
    "usage",
]


def _text(name: str, *constraints: sa.schema.SchemaItem, nullable: bool = True) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(collation="pg_c_utf8"), *constraints, nullable=nullable)


def _key(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(collation="pg_c_utf8"), primary_key=True)


def _time(name: str, *, nullable: bool = True) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _hash(name: str) -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _texts(name: str) -> "sa.Column[list[str]]":
    return sa.Column(
        name,
        pg.ARRAY(sa.Text(collation="pg_c_utf8")),
        server_default=sa.text("'{}'"),
        nullable=False,
    )


def _of_account(*, nullable: bool = False) -> "sa.Column[str]":
    return _text("account", sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=nullable)


account = sa.Table(
    "account",
    metadata,
    _key("id"),
    _text("kind", sa.CheckConstraint("kind in ('person', 'service')", name="kind"), nullable=False),
    _text("name"),
    _text("email"),
    _text("orcid"),
    _text("user_class"),
    _text("instrument"),
    _text("terms"),
    _time("terms_at"),
    sa.Column("preferences", pg.JSONB(none_as_null=True)),
    _time("locked_at"),
    _time("erased_at"),
    _now("created"),
    _now("seen"),
)
"""A person (``u-…``) or a service (``svc-…``, for one instrument). `terms` is the version of the
acceptable use policy that was accepted, `preferences` how pages are shown to them. An erased
account keeps its id alone."""

identity = sa.Table(
    "identity",
    metadata,
    _key("iss"),
    _key("sub"),
    _of_account(),
    sa.Column("claims", pg.JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
    _now("linked"),
    _now("seen"),
    sa.Index(None, "account"),
)
"""How an account is known at a provider: people are (iss, sub), never an e-mail."""

alias = sa.Table(
    "alias",
    metadata,
    _key("name"),
    _text("person", nullable=False),
    sa.Index(None, "person"),
)
"""Another name of a person: ``orcid:…``, the user office's key, one merged into another.
`person` is never itself an alias of a third."""

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.LargeBinary, primary_key=True),
    _text("handle", nullable=False),
    _of_account(),
    _text("provider", nullable=False),
    _text("iss", nullable=False),
    _text("sub", nullable=False),
    _text("sid"),
    _text("agent"),
    _text("sealed"),
    _now("created"),
    _now("seen"),
    _time("expires", nullable=False),
    _time("refresh_at"),
    sa.Index(None, "account"),
    sa.Index(None, "iss", "sub"),
    sa.Index(None, "iss", "sid"),
)
"""A browser that is signed in: `id` is the SHA-256 of its cookie, `handle` how its owner names
it, `sealed` the provider's tokens."""

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("state", sa.LargeBinary, primary_key=True),
    _hash("browser"),
    _text("provider", nullable=False),
    _text("nonce", nullable=False),
    _text("verifier", nullable=False),
    _text("back", nullable=False),
    _text("account"),
    _time("expires", nullable=False),
)
"""A login under way: used once, by the browser that began it. `account` links an identity."""

spent = sa.Table("spent", metadata, _key("name"), _time("expires", nullable=False))
"""Names that may be used once, such as the ``jti`` of a logout token."""

token = sa.Table(
    "token",
    metadata,
    _key("id"),
    _text(
        "kind",
        sa.CheckConstraint("kind in ('personal', 'access', 'refresh')", name="kind"),
        nullable=False,
    ),
    _hash("hash"),
    _of_account(),
    _text("name"),
    _texts("scopes"),
    _text("family"),
    _now("created"),
    _time("expires", nullable=False),
    _time("used"),
    _time("revoked"),
    sa.Index(None, "account"),
    sa.Index(None, "family"),
)
"""A credential of a program: only the SHA-256 of its secret is kept. `access` and `refresh` come
from a device login; those of one login are a family."""

saved_search = sa.Table(
    "saved_search",
    metadata,
    _key("id"),
    _of_account(),
    _text("name", nullable=False),
    _text("params", nullable=False),
    _now("created"),
    _time("looked_at", nullable=False),
    sa.Column("looked_total", sa.BigInteger),
    sa.UniqueConstraint("account", "name"),
)
"""A search that a person keeps: `params` is the query part of its page's address, in canonical
spelling; `looked_total` how many it found at `looked_at`, None where that was not counted."""

device = sa.Table(
    "device",
    metadata,
    sa.Column("code", sa.LargeBinary, primary_key=True),
    _text("user_code", nullable=False),
    _texts("scopes"),
    _text("name"),
    _of_account(nullable=True),
    _text("answer"),
    _time("expires", nullable=False),
    _time("polled"),
    sa.UniqueConstraint("user_code"),
)
"""A device login under way (RFC 8628)."""

petition = sa.Table(
    "petition",
    metadata,
    _key("id"),
    _text(
        "kind",
        sa.CheckConstraint("kind in ('access', 'extension', 'erasure')", name="kind"),
        nullable=False,
    ),
    sa.Column("dataset_id", sa.BigInteger, nullable=False),
    _text("pid", nullable=False),
    _text("account", nullable=False),
    _text("text", nullable=False),
    sa.Column("years", sa.Integer),
    _text("act"),
    _now("at"),
    _text(
        "state",
        sa.CheckConstraint("state in ('open', 'granted', 'refused', 'taken back')", name="state"),
        nullable=False,
    ),
    _text("answer"),
    _text("answered_by"),
    _time("answered_at"),
    sa.Index(None, "dataset_id"),
    sa.Index(None, "account"),
)
"""A request, with its answer: for access to a dataset, a longer embargo, or a legal erasure; `act`
is by which right that was asked for, since a second person with another right confirms it."""

policy_version = sa.Table(
    "policy_version",
    metadata,
    _key("name"),
    sa.Column("document", pg.JSONB, nullable=False),
    _hash("hash"),
    _now("added"),
)
"""Every version of a policy that was ever in force here, as ``id@version``; never changed."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _now("at"),
    _text("person"),
    _text("via"),
    _text("event", nullable=False),
    _text("subject"),
    _text("reason"),
    sa.Column("detail", pg.JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Index(None, "subject"),
    sa.Index(None, "person"),
    sa.Index(None, "at"),
)
"""The audit trail: a trigger refuses to change it, or to delete what is younger than the time
that `policy.audit.prune` gives."""

usage = sa.Table(
    "usage",
    metadata,
    _key("subject"),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("requests", sa.BigInteger, server_default=sa.text("0"), nullable=False),
    sa.Column("bytes", sa.BigInteger, server_default=sa.text("0"), nullable=False),
)
"""What a person, or everyone who has not signed in from one address, has used of a budget."""
