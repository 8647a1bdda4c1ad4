"""The audit trail, for stewards and administrators: the newest first, filtered, page by page."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from panosc.domain.pid import pid_path
from panosc.policy.audit import Event
from panosc.policy.decisions.watching import Chosen, watcher
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.portal.words import query_string

PATH = "/audit"
SHOWN = 50
LARGEST = 2**63 - 1
_OF_DATASETS = ("dataset.", "share.", "request.")


def router(site: Site) -> APIRouter:
    """Return the route of the page."""
    routes = pages()

    def show(
        request: Request,
        who: Asker,
        chosen: Annotated[Chosen, Depends()],
        before: Annotated[str, Query(alias="from", max_length=30)] = "",
    ) -> Response:
        watcher(who)
        chosen.check()
        # a form sends its fields empty
        number = int(before) if before.isascii() and before.isdigit() else None
        below = None if number is None else min(number, LARGEST - 1) + 1
        found = chosen.newest(site.policy.engine, below, SHOWN + 1)
        filters = [(name, getattr(chosen, name) or "") for name in ("person", "subject", "event")]
        kept = [(name, value) for name, value in filters if value]
        more = found[SHOWN:]
        return site.render.page(
            request,
            "audit",
            headers={"Cache-Control": "no-store"},
            title="Audit trail",
            events=[_told(event) for event in found[:SHOWN]],
            filters=dict(filters),
            number="" if number is None else str(number),
            is_filtered=bool(kept) or number is not None,
            older=query_string([*kept, ("from", str(more[0].number))]) if more else None,
            newest=query_string(kept),
        )

    add_page(routes, PATH, show, summary="The audit trail")
    return routes


def _told(event: Event) -> dict[str, Any]:
    is_dataset = event.subject is not None and event.event.startswith(_OF_DATASETS)
    return {
        "number": event.number,
        "at": event.at.isoformat(),
        "person": event.person,
        "via": event.via,
        "event": event.event,
        "subject": event.subject,
        "page": f"/datasets/{pid_path(event.subject or '')}" if is_dataset else None,
        "reason": event.reason,
        "detail": [(key, value) for key, value in event.detail.items() if value is not None],
    }
