"""``/-/health``: this process is alive. ``/-/ready``: the node can answer questions."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

_NO_STORE = "no-store"
State = Literal["ok", "away"]


class HealthOut(BaseModel):
    """The process that was asked is alive."""

    status: Literal["ok"] = "ok"


class ReadyOut(BaseModel):
    """Whether the node can answer, and which part of it cannot."""

    status: Literal["ready", "not ready"]
    database: State = Field(description="Whether it answers")
    schema_: Literal["ok", "other"] = Field(
        alias="schema", description="Whether it is the one of this version of the software"
    )
    index: str = Field(
        description="State of the search index; without one the database answers alone"
    )


def router(database: Callable[[], bool | None], index: Callable[[], str]) -> APIRouter:
    """Return the routes.

    Parameters
    ----------
    database : callable
        Tells whether the database has the newest schema; None when it does not answer.
    index : callable
        Tells the state of the search index in a word.
    """
    routes = APIRouter(tags=["Operation"])

    async def health(response: Response) -> HealthOut:
        """Tell that this process is alive. Nothing else is looked at."""
        response.headers["Cache-Control"] = _NO_STORE
        return HealthOut()

    def ready(response: Response) -> ReadyOut:
        """Tell whether the node can answer: 503 while its database does not, or is another."""
        response.headers["Cache-Control"] = _NO_STORE
        is_newest = database()
        if not is_newest:
            response.status_code = 503
        return ReadyOut(
            status="ready" if is_newest else "not ready",
            database="away" if is_newest is None else "ok",
            schema="ok" if is_newest else "other",
            index=index() if is_newest else "unknown",
        )

    routes.add_api_route("/-/health", health, summary="Whether this process is alive")
    routes.add_api_route(
        "/-/ready",
        ready,
        summary="Whether the node can answer",
        responses={503: {"description": "The database is away.", "model": ReadyOut}},
    )
    return routes
