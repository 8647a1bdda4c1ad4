"""``/api/v1/ingest``: who watches, and whether anyone is late. ``/-/metrics``: numbers.

Roots and their troubles are for stewards, administrators and service accounts; anyone who has
signed in is told whether all is well.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden
from panosc.ingest.watching import heartbeat, metrics
from panosc.policy.asking import require, who_asks
from panosc.policy.routes.rest import answers
from panosc.settings import Settings

Asker = Annotated[Who, Depends(who_asks)]
Clock = Callable[[], datetime]
Network = IPv4Network | IPv6Network
SERVICE = "svc-"
"""How the names of service accounts begin."""


class WatcherOut(BaseModel):
    """One watcher."""

    name: str
    started: datetime
    beat: datetime = Field(description="Its last sign of life")
    ageS: float = Field(description="How long ago that was, in seconds")  # noqa: N815
    isLate: bool = Field(description="Whether it has been silent for too long")  # noqa: N815
    content: dict[str, Any] = Field(description="State, roots, backlog, troubles")


class HeartbeatOut(BaseModel):
    """Whether the folders of this node are watched."""

    status: Literal["ok", "late", "none"]
    ageS: float | None = Field(description="Seconds since the oldest of the last signs of life")  # noqa: N815


def router(
    engine: sa.Engine,
    settings: Settings,
    clock: Clock,
    *,
    more: Callable[[], Iterable[str]] = tuple,
) -> APIRouter:
    """Return the routes; `more` gives the numbers of other parts of the node."""
    routes = APIRouter(tags=["Ingest"])

    def watchers(who: Asker, response: Response) -> list[WatcherOut]:
        """List the watchers of this node, with their roots and what troubles them."""
        response.headers["Cache-Control"] = "no-store"
        is_whole = _insight(who)
        with engine.connect() as connection:
            return [
                WatcherOut(
                    name=seen.name,
                    started=seen.started,
                    beat=seen.beat,
                    ageS=round(seen.age_s, 1),
                    isLate=seen.is_late,
                    content=dict(seen.content) if is_whole else _without_troubles(seen.content),
                )
                for seen in heartbeat.seen(connection, now=clock())
            ]

    def beating(who: Asker, response: Response) -> HeartbeatOut:
        """Tell whether the folders of this node are watched: ok, late, or none watched."""
        response.headers["Cache-Control"] = "no-store"
        require(who, "read")
        with engine.connect() as connection:
            found = heartbeat.seen(connection, now=clock())
        live = [seen for seen in found if seen.content.get("state") != "stopped"]
        if not live:
            return HeartbeatOut(status="none", ageS=None)
        status: Literal["ok", "late"] = "late" if any(seen.is_late for seen in live) else "ok"
        return HeartbeatOut(status=status, ageS=round(max(seen.age_s for seen in live), 1))

    def numbers(request: Request, who: Asker) -> Response:
        """Give the numbers of the node as OpenMetrics text.

        For stewards and administrators, by a token with the scope `manage`, and for the hosts in
        the setting `metrics_hosts`.
        """
        if not _is_metrics_host(request, settings):
            require(who, "manage")
            if not who.roles & {"steward", "administrator"}:
                raise Forbidden("The numbers of a node tell of hidden data, too.")
        with engine.connect() as connection:
            text = metrics.text(connection, now=clock(), more=more())
        return Response(text, media_type=metrics.MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    routes.add_api_route(
        "/api/v1/ingest/watchers",
        watchers,
        summary="The watchers of this node",
        responses=answers(401, 403),
    )
    routes.add_api_route(
        "/api/v1/ingest/heartbeat",
        beating,
        summary="Whether folders are watched",
        responses=answers(401, 403),
    )
    routes.add_api_route(
        "/-/metrics",
        numbers,
        summary="Numbers of the node",
        response_class=Response,
        responses={
            200: {"content": {metrics.MEDIA_TYPE: {"schema": {"type": "string"}}}},
            **answers(401, 403),
        },
    )
    return routes


def _insight(who: Who) -> bool:
    """Whether who asks may see everything; a service sees no folders but the roots."""
    account = require(who, "read")
    if who.roles & {"steward", "administrator"} and "manage" in who.scopes:
        return True
    if account.startswith(SERVICE):
        return False
    raise Forbidden("Only those who look after this node and services of beamlines may see this.")


def _without_troubles(content: Mapping[str, Any]) -> dict[str, Any]:
    roots = [{**root, "troubles": {}} for root in content.get("roots", [])]
    return {**content, "roots": roots, "troubles": []}


def _is_metrics_host(request: Request, settings: Settings) -> bool:
    """Whether the request comes from a network that may read the numbers without a token."""
    try:
        # of an IPv6 client only its network is known
        client = ip_network(getattr(request.state, "client", ""), strict=False)
    except ValueError:
        return False
    networks = [ip_network(text) for text in settings.metrics_hosts]
    return any(_is_within(client, network) for network in networks)


def _is_within(client: Network, network: Network) -> bool:
    if isinstance(client, IPv4Network):
        return isinstance(network, IPv4Network) and client.subnet_of(network)
    return isinstance(network, IPv6Network) and client.subnet_of(network)
