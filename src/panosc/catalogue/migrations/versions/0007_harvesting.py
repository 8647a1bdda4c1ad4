"""What harvesters are told of: the records that OAI-PMH lists."""

from panosc.catalogue.migrations.running import run, run_beside

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    """Forget which records were told to harvesters, and with it which of them are deleted."""
    run("delete from follower where name = 'oai'")
    run("drop table oai_record")
