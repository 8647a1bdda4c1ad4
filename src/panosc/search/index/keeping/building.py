"""A new generation beside the one in use: everything is read, the rest caught up, then they switch.

Interrupted at any moment nothing has happened, but for a half that the next writer removes.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.database import unlimited
from panosc.catalogue.tables import metadata
from panosc.domain.entities import MODEL_BY_NAME
from panosc.search.index import gathering
from panosc.search.index.folder import Folder
from panosc.search.index.keeping.generation import (
    CHUNK,
    Generation,
    begin,
    forget,
    moment_of,
)
from panosc.search.index.schema import MODELS, SHARED

ORDER = (*SHARED, *sorted(MODELS))
"""A change is noticed by what the index held before it. So what others borrow from is read before
them: the index may hold it older than they have it, and never newer."""

Tell = Callable[[int, int], None]
"""Is told how many records are done, of how many."""
_log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The building was to end before it was complete."""


def build(
    engine: sa.Engine, folder: Folder, *, tell: Tell, meanwhile: Callable[[], None]
) -> Generation:
    """Build a new generation, let everybody use it, and delete the old; return it to write on.

    `meanwhile` is called every few seconds at least, and may raise to give up.
    """
    path, made = folder.make(), None
    _log.info("Building the index %s", path.name)
    try:
        position, seal = begin(engine, path.name)
        made = Generation(engine, folder, path.name)
        with engine.connect() as connection:
            done, total = 0, gathering.count(connection)
        tell(0, total)
        for number in _fill(engine, made):
            done += number
            tell(done, max(done, total))
            meanwhile()
        with engine.connect() as connection:
            moment = moment_of(connection)
        made.commit(position, seal, moment)
        made.settle()
        while made.follow():
            meanwhile()
        folder.switch(path.name)
    except BaseException:
        if made is not None:
            made.close()
        with suppress(SQLAlchemyError):
            forget(engine, folder, path.name)
        raise
    clear(engine, folder)
    _log.info("The index %s of %s records is in use", path.name, done)
    return made


def _fill(engine: sa.Engine, made: Generation) -> Iterator[int]:
    for model in ORDER:
        table, last = metadata.tables[MODEL_BY_NAME[model].table], -(2**63)
        query = sa.select(table.c.id).order_by(table.c.id).limit(CHUNK)
        while True:
            # one moment for all that is said of a record; not one for all records, which would
            # keep the database from tidying up for as long as this takes
            with (
                engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
                connection.begin(),
            ):
                unlimited(connection)
                keys = connection.execute(query.where(table.c.id > last)).scalars().all()
                if not keys:
                    break
                made.add(connection, model, keys)
            last = keys[-1]
            yield len(keys)


def clear(engine: sa.Engine, folder: Folder) -> None:
    """Delete the generations that are not in use."""
    for name in folder.others():
        forget(engine, folder, name)
