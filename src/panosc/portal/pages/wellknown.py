"""``/.well-known/security.txt`` (RFC 9116): where to report a weakness of this node."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from panosc.domain.errors import NotFound
from panosc.policy.declaring import add_get
from panosc.portal.site import Site, pages
from panosc.portal.words import contact_address

PATH = "/.well-known/security.txt"
VALID = timedelta(days=364)
"""The standard wants less than a year."""
_KEPT = "public, max-age=86400"


def router(site: Site) -> APIRouter:
    """Return the route of the file."""
    routes = pages()

    def security_txt(request: Request) -> Response:
        contact = site.settings.security_contact
        if contact is None:
            raise NotFound(
                "This node names no contact for reports of weaknesses.",
                hint="Its operator gives one by the setting security_contact.",
            )
        expires = (site.policy.clock() + VALID).replace(hour=0, minute=0, second=0, microsecond=0)
        lines = [
            f"Contact: {contact_address(contact)}",
            f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
            "Preferred-Languages: en",
            f"Policy: {site.render.address(request, '/privacy')}",
        ]
        if site.settings.base_url is not None:
            lines.append(f"Canonical: {site.render.address(request, PATH)}")
        return PlainTextResponse("\n".join([*lines, ""]), headers={"Cache-Control": _KEPT})

    add_get(
        routes,
        PATH,
        security_txt,
        response_class=PlainTextResponse,
        summary="Where to report a weakness",
        tags=["Pages"],
        responses={404: {"description": "This node names no contact."}},
    )
    return routes
