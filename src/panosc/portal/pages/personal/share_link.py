"""A link that somebody was sent: opened into a cookie, then on to the dataset.

The secret leaves the address at once, so that no later page passes it on.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.pid import pid_path
from panosc.policy.decisions.sharing import COOKIE, LONGEST_LINK, with_link
from panosc.portal.site import Site, go_to, pages


def router(site: Site) -> APIRouter:
    """Return the route of links."""
    routes = pages()

    def follow(request: Request, secret: str) -> Response:
        pid = site.policy.sharing.opened(secret)
        answer = go_to(f"{site.render.root}/datasets/{pid_path(pid)}")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.set_cookie(
            COOKIE,
            with_link(request, secret),
            max_age=int(LONGEST_LINK.total_seconds()),
            path=site.render.root or "/",
            secure=site.identity.sessions.is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    routes.add_api_route(
        "/share/{secret}",
        follow,
        methods=["GET"],
        status_code=303,
        response_class=Response,
        tags=["Pages"],
        summary="Open a link to a dataset",
        responses={404: {"description": "There is no such link any more."}},
    )
    return routes
