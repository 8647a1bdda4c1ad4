"""Searches that people keep, and how pages are shown to them."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _run(statements: str) -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)


def upgrade() -> None:
    _run(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    _run("alter table account add column preferences jsonb")


def downgrade() -> None:
    """Forget the searches and the preferences."""
    _run("drop table saved_search")
    _run("alter table account drop column preferences")
