"""Settings: theme and units, by cookie, and kept with the account of who has signed in."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain import preferred
from panosc.domain.preferred import CHOICES, Units
from panosc.domain.units import display
from panosc.identity.personal.preferences import NAMES
from panosc.portal.rendering import THEMES
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = "/settings"
COOKIE = "units"
_YEAR_S = 365 * 24 * 3600
_LABELS = {
    "length": ("Wavelengths and small lengths", "momentum transfers follow: Å⁻¹ or nm⁻¹"),
    "energy": ("Photon energies", "meV of neutrons stay meV"),
    "temperature": ("Temperatures", ""),
}

Text = Annotated[str, Form(max_length=30)]


def units_of(request: Request) -> Units:
    """Return the units that whoever sends a request prefers."""
    return preferred.read(request.cookies.get(COOKIE, ""))


def set_cookies(site: Site, answer: Response, preferences: Mapping[str, str]) -> None:
    """Let a browser keep preferences; those that are none it forgets."""
    for name in NAMES:
        if preferences.get(name):
            answer.set_cookie(
                name,
                preferences[name],
                max_age=_YEAR_S,
                path="/",
                secure=site.identity.sessions.is_secure,
                httponly=True,
                samesite="lax",
            )
        else:
            answer.delete_cookie(name, path="/")


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker) -> Response:
        units = units_of(request)
        theme = request.cookies.get("theme", "")
        return site.render.page(
            request,
            "settings",
            headers={"Cache-Control": "no-store"},
            title="Settings",
            themes=[
                (name, name or "as the system has it", name == theme) for name in ("", *THEMES)
            ],
            groups=[
                (name, *_LABELS[name], [("", "as stored", not getattr(units, name)), *offered])
                for name, offered in _offered(units).items()
            ],
            is_kept=who.person is not None and who.via == "session",
            done="saved" in request.query_params,
        )

    def save(
        who: Asker,
        theme: Text = "",
        length: Text = "",
        energy: Text = "",
        temperature: Text = "",
    ) -> Response:
        units = preferred.chosen(length=length, energy=energy, temperature=temperature)
        kept = {"theme": theme if theme in THEMES else "", "units": units.text}
        if who.person is not None and who.via == "session":
            site.identity.preferences.keep(who, kept)
        answer = go_to(f"{site.render.root}{PATH}?saved=1")
        set_cookies(site, answer, kept)
        return answer

    add_page(routes, PATH, show, summary="Theme and units")
    add_form(routes, PATH, save, summary="Choose theme and units", errors=(400, 401, 403, 422))
    return routes


def _offered(units: Units) -> dict[str, list[tuple[str, str, bool]]]:
    return {
        name: [(unit, display(unit), getattr(units, name) == unit) for unit in choices]
        for name, choices in CHOICES.items()
    }
