"""What Alembic runs: the steps on the connection it is given, in the caller's transaction."""

from alembic import context

from panosc.catalogue.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
