"""DOIs of records, and how records relate to works elsewhere."""

from panosc.catalogue.migrations.running import run, run_beside

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    """Forget the DOIs, which DataCite keeps, and what people and others told of related works."""
    for name in ("related", "doi"):
        run(f"drop table {name}")
    for name in ("dataset_new_version_of_ix", "dataset_derived_from_ix", "document_doi_ix"):
        run(f"drop index {name}")
