"""Which adopted catalogue gives access, so that it stands beside what the team here gives."""

from panosc.catalogue.migrations.running import run, run_beside

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    """Forget what catalogues gave; what the team gave stays."""
    run("delete from share where source is not null")
    run("alter table share drop constraint share_dataset_id_reader_source_key")
    run("alter table share add constraint share_dataset_id_reader_key unique (dataset_id, reader)")
    run("drop index share_reader_source_ix")
    run("alter table share drop column source")
    run("create index share_reader_ix on share (reader)")
