"""What is wanted from tape, what is mounted and what went wrong, for stewards.

It tells what `panosc tape status` tells. Nothing is done here: people ask on the page of a dataset.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.data.restoring.standing import Volume
from panosc.portal.site import Asker, Site, add_page, pages

PATH = "/ingest/tape"
VOLUMES = 100
"""Most volumes on the page."""
FILES = {
    "asked": "Just asked for",
    "queued": "Wait for their volume",
    "staging": "Are being read",
    "online": "Are on disk",
    "releasing": "Leave the disk",
    "failed": "Could not be brought",
    "given up": "Were given up",
    "cancelled": "Were taken back",
    "released": "Have left the disk again",
}
_VOLUMES = {
    "live": ("Mounted", "open"),
    "queued": ("Waits", ""),
    "dropping": ("Is being given up", "closed"),
}


def router(site: Site) -> APIRouter:
    """Return the route of the page."""
    routes = pages()

    def show(request: Request, who: Asker) -> Response:
        found = site.wishes.whole(who)
        counts = [(FILES[state], found.files[state]) for state in FILES if state in found.files]
        return site.render.page(
            request,
            "tape",
            headers={"Cache-Control": "no-store"},
            title="Tape",
            is_possible=site.wishes.is_possible,
            counts=counts,
            failed=found.files.get("failed", 0) + found.files.get("given up", 0),
            mounted=sum(item.state == "live" for item in found.volumes),
            volumes=[_told(item) for item in found.volumes[:VOLUMES]],
            total=len(found.volumes),
            troubles=found.troubles,
        )

    add_page(routes, PATH, show, summary="What is wanted from tape, for stewards")
    return routes


def _told(item: Volume) -> dict[str, Any]:
    word, colour = _VOLUMES.get(item.state, (item.state, ""))
    return {
        "name": item.volume,
        "word": word,
        "colour": colour,
        "files": item.files,
        "size": item.size,
        "since": item.since.isoformat(),
        "message": item.message,
    }
