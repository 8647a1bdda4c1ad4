"""How FAIR datasets are, and data management plans."""

from panosc.catalogue.migrations.running import run, run_beside

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    """Forget the plans, and how FAIR datasets are, which is derived."""
    run("delete from follower where name = 'fair'")
    for name in ("plan", "fair"):
        run(f"drop table {name}")
