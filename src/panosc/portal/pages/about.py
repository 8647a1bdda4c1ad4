"""Short pages about the site itself, and the choice of a theme."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain import errors
from panosc.portal.rendering import THEMES
from panosc.portal.site import Site, add_page, go_to, pages
from panosc.portal.words import contact_address

_YEAR_S = 365 * 24 * 3600


def router(site: Site) -> APIRouter:
    """Return the routes of these pages."""
    routes = pages()

    def accessibility(request: Request) -> Response:
        return site.render.page(
            request, "accessibility", title="Accessibility", canonical="/accessibility"
        )

    def privacy(request: Request) -> Response:
        return site.render.page(
            request,
            "privacy",
            title="Privacy",
            canonical="/privacy",
            audit_days=site.settings.audit_days,
            contact=site.settings.contact and contact_address(site.settings.contact),
        )

    def credits_(request: Request) -> Response:
        return site.render.page(request, "credits", title="Credits", canonical="/credits")

    def problems(request: Request) -> Response:
        listed = sorted(_all_errors(errors.PanoscError), key=lambda kind: (kind.status, kind.code))
        return site.render.page(
            request, "problems", title="Errors", canonical="/docs/errors/", kinds=listed
        )

    def theme(request: Request) -> Response:
        chosen = request.query_params.get("set", "")
        answer = go_to(safe_path(request.query_params.get("back", ""), site.render.root))
        if chosen in THEMES:
            answer.set_cookie(
                "theme", chosen, max_age=_YEAR_S, httponly=True, samesite="lax", path="/"
            )
        else:
            answer.delete_cookie("theme", path="/")
        return answer

    add_page(routes, "/accessibility", accessibility, summary="Accessibility of the pages")
    add_page(routes, "/privacy", privacy, summary="What is stored about visitors")
    add_page(routes, "/credits", credits_, summary="What the pages are made of")
    add_page(routes, "/docs/errors/", problems, summary="The errors and what they mean")
    add_page(
        routes,
        "/settings/theme",
        theme,
        summary="Choose light, dark or automatic colours",
        also={303: "Back to where the form stood."},
    )
    return routes


def safe_path(text: str, root: str) -> str:
    r"""Return `text` where it is a path of this site, and its front page otherwise.

    Examples
    --------
    >>> safe_path("/search?q=a", ""), safe_path("//evil.example/", ""), safe_path("/\\evil", "")
    ('/search?q=a', '/', '/')
    """
    home = f"{root}/"
    is_plain = text.isascii() and text.isprintable() and "\\" not in text
    if not is_plain or not text.startswith("/") or text.startswith("//"):
        return home
    try:
        parts = urlsplit(text)
    except ValueError:
        return home
    return home if parts.scheme or parts.netloc else text


def _all_errors(kind: type[errors.PanoscError]) -> list[type[errors.PanoscError]]:
    below = [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    return [kind, *(found for one in below for found in _all_errors(one))]
