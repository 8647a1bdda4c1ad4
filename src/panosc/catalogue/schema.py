"""Bringing a database to the newest schema, by Alembic without any file of settings.

The steps are in `catalogue.migrations`; what the tables are like now is `catalogue.tables`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from panosc.catalogue.federating.tables import metadata
from panosc.domain.errors import PanoscError, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

__all__ = ["NEWEST", "config", "downgrade", "is_newest", "metadata", "revision", "steps", "upgrade"]

NEWEST = "0010"
"""The revision of this panosc. Alembic takes its time to import: it is asked only for others."""
LOCK = 0x70616E6F7363
"""Key of the advisory lock under which one process migrates; the others wait."""


def config(connection: sa.Connection | None = None) -> "Config":
    """Return Alembic's configuration; it works from an installed package, too."""
    from alembic.config import Config  # noqa: PLC0415 - see NEWEST

    made = Config()
    folder = str(Path(__file__).parent / "migrations")
    made.set_main_option("script_location", folder.replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def steps() -> "ScriptDirectory":
    """Return the steps that there are."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see NEWEST

    return ScriptDirectory.from_config(config())


def revision(connection: sa.Connection) -> str | None:
    """Return the revision that a database has, None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("select version_num from alembic_version").scalar()
    return None if found is None else str(found)


def is_newest(engine: sa.Engine) -> bool | None:
    """Whether a database has the schema of this panosc; None when it does not answer."""
    try:
        with engine.connect() as connection:
            return revision(connection) == NEWEST
    except (sa.exc.SQLAlchemyError, PanoscError, OSError):
        return None


def upgrade(
    engine: sa.Engine, target: str = "head", *, progress: Callable[[str], None] | None = None
) -> None:
    """Run the steps that are missing, all of them or none.

    Raises
    ------
    Unavailable
        If the database is of a newer panosc or may not be changed.
    """
    wanted = NEWEST if target == "head" else target
    with engine.connect() as connection:
        if revision(connection) == wanted:
            return
    from alembic import command  # noqa: PLC0415 - see NEWEST

    _refuse_unknown(engine)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "set local statement_timeout = 0; set local lock_timeout = 0"
            )
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            if progress is not None and revision(connection) not in {None, wanted}:
                progress(f"The database is being brought to revision {wanted}")
            command.upgrade(config(connection), target)
    except sa.exc.ProgrammingError as error:
        raise Unavailable(
            f"The schema of the database cannot be made: {str(error.orig).strip()}",
            hint="Give panosc an empty database that its user owns",
        ) from None


def downgrade(engine: sa.Engine, target: str) -> None:
    """Undo steps down to a revision or to ``base``; what newer ones kept is lost."""
    from alembic import command  # noqa: PLC0415 - see NEWEST

    with engine.begin() as connection:
        connection.exec_driver_sql("set local statement_timeout = 0; set local lock_timeout = 0")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        command.downgrade(config(connection), target)


def _refuse_unknown(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        found = revision(connection)
    known = {script.revision for script in steps().walk_revisions()}
    if found is not None and found not in known:
        raise Unavailable(
            f"The database has revision {found}, which this panosc does not know",
            hint="It was used by a newer panosc: install that one",
        )
