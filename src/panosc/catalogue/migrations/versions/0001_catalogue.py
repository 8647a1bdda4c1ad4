"""The first schema: its statements are in the SQL file of the same name."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)


def downgrade() -> None:
    """Drop what `upgrade` made, the newest first; the extension may have other users."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    made = [line.split()[1:3] for line in statements.splitlines() if line.startswith("CREATE ")]
    for kind, name in reversed(made):
        if kind in {"TABLE", "SEQUENCE"}:
            op.execute(f"drop {kind} {name}")
