"""What the database says when it fails, in the words of the house."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from panosc.catalogue.database import explained
from panosc.domain.errors import Busy, Unavailable


def failure(engine, *statements):
    """Return the error that the last of these statements brings."""
    with engine.connect() as connection:
        for statement in statements[:-1]:
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(statements[-1])
        connection.invalidate()
    return caught.value


def test_a_question_that_takes_too_long_is_busy(engine):
    error = failure(engine, "set local statement_timeout = 20", "select pg_sleep(5)")
    assert isinstance(explained(error), Busy)


def test_a_server_that_goes_away_is_unavailable(engine):
    with engine.connect() as other:
        pid = other.execute(sa.text("select pg_backend_pid()")).scalar_one()
        with engine.connect() as killer:
            killer.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(DBAPIError) as caught:
            other.exec_driver_sql("select 1")
        other.invalidate()
    meaning = explained(caught.value)
    assert isinstance(meaning, Unavailable)
    assert meaning.status == 503


def test_a_fault_of_ours_is_not_explained_away(engine):
    assert explained(failure(engine, "select nothing from nowhere")) is None
