"""What a failure of the database means to whoever asked."""

from psycopg import errors
from sqlalchemy.exc import DBAPIError

from panosc.domain.errors import Busy, PanoscError, Unavailable


def explained(error: DBAPIError) -> PanoscError | None:
    """Return the error to answer with; None when it is a fault of ours."""
    match error.orig:
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return Busy(
                "The question took longer than this node allows.",
                hint="Ask for less at once: add conditions, or a limit.",
            )
        case errors.TooManyConnections() | errors.DiskFull() | errors.OutOfMemory():
            return Unavailable(f"The database cannot take more now: {error.orig}.")
        case errors.OperationalError() | errors.InterfaceError():
            return Unavailable(
                "The database cannot be reached now.", hint="Try again in a few seconds."
            )
        case _:
            return None
