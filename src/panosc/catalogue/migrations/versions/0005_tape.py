"""Files that are wanted from tape, who wants them, and mounts of volumes."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _run(statements: str) -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            _run(statement)


def downgrade() -> None:
    """Forget what is wanted; what is on disk by then stays there."""
    for name in ("recall_wish", "recall", "tape_mount"):
        _run(f"drop table {name}")
