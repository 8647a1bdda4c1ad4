"""What the steps have in common: SQL that stands in a file beside each."""

from pathlib import Path

from alembic import op


def run(statement: str) -> None:
    """Run one statement as it is written, without parameters."""
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statement)


def run_beside(step: str) -> None:
    """Run the statements of the ``.sql`` file beside a step, given by its ``__file__``."""
    for statement in Path(step).with_suffix(".sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            run(statement)
