"""Other catalogues, what they answered, and how they do."""

from panosc.catalogue.migrations.running import run, run_beside

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("health", "told_link", "told", "raw", "harvest", "connector")


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    """Forget other catalogues; records that came from them stay."""
    for name in TABLES:
        run(f"drop table {name}")
