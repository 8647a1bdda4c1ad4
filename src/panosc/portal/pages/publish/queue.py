"""`/publish/queue`: how the DOIs of the node stand, for stewards, and trying again."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.publication.minting.asking import SHOWN

PATH: Final = "/publish/queue"


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()
    minting = site.publications.minting

    def show(
        request: Request, who: Asker, after: Annotated[str, Query(max_length=2048)] = ""
    ) -> Response:
        found = minting.standing(who, after=after)
        done = request.query_params.get("retried", "")
        is_count = done.isascii() and done.isdigit() and len(done) < 10  # noqa: PLR2004
        return site.render.page(
            request,
            "publish_queue",
            headers={"Cache-Control": "no-store"},
            title="DOIs",
            account=site.settings.datacite_account,
            prefix=site.settings.doi_prefix,
            standing=found,
            path=f"{site.render.root}{PATH}",
            after=found.lines[-1].doi if len(found.lines) == SHOWN else None,
            retried=int(done) if is_count else None,
        )

    def retry(who: Asker) -> Response:
        count = minting.retry(who)
        return go_to(f"{site.render.root}{PATH}?retried={count}")

    add_page(
        routes,
        PATH,
        show,
        summary="How DOIs stand, for stewards",
        also={401: "Nobody has signed in.", 403: "This person is no steward."},
    )
    add_form(
        routes,
        f"{PATH}/retry",
        retry,
        summary="Try DOIs again that wait",
        errors=(400, 401, 403),
    )
    return routes
