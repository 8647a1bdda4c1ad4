"""The provider's pages. They say that all of this is made up, and work without JavaScript."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from panosc.identity.devprovider.people import PEOPLE, TEAMS

NAMES = {person.key: person.name for person in PEOPLE}
"""Names of the people, by their keys."""
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
STYLE = Path(__file__).with_name("templates").joinpath("style.css").read_text("utf-8")
_SIZE = 3


def sign_in(client: str, query: str, *, leads_to: str) -> HTMLResponse:
    """Return the page that lists the people."""
    what = {"client": client, "action": f"/sign-in?{query}", "user_code": None}
    return _page("people.html", what | _people(), leads_to=leads_to)


def device(client: str, user_code: str) -> HTMLResponse:
    """Return the page that asks as whom a device shall be signed in."""
    what = {"client": client, "action": "/device", "user_code": user_code}
    return _page("people.html", what | _people())


def ask_code(wrong: str | None) -> HTMLResponse:
    """Return the page on which the code of a device is typed."""
    status = 200 if wrong is None else 400
    return _page("code.html", {"wrong": wrong}, status=status)


def sign_out(name: str, query: str, *, leads_to: str) -> HTMLResponse:
    """Return the page that asks whether somebody means it."""
    what = {"name": name, "action": f"/logout/confirm?{query}"}
    return _page("sign-out.html", what, leads_to=leads_to)


def done(text: str) -> HTMLResponse:
    """Return a page that says that something was done."""
    return _page("message.html", {"title": text, "text": None})


def refused(text: str) -> HTMLResponse:
    """Return a page that says why there is no way on."""
    return _page("message.html", {"title": "This does not work", "text": text}, status=400)


def _people() -> dict[str, Any]:
    teams = [PEOPLE[start : start + _SIZE] for start in range(0, _SIZE * len(TEAMS), _SIZE)]
    groups = [(f"Team “{title}”", team) for title, team in zip(TEAMS.values(), teams, strict=True)]
    return {"groups": [*groups, ("Others", PEOPLE[_SIZE * len(TEAMS) :])]}


def _page(
    template: str, values: Mapping[str, Any], *, status: int = 200, leads_to: str | None = None
) -> HTMLResponse:
    # a browser holds redirects after a form to this rule, too
    places = "'self'"
    if leads_to is not None:
        parts = urlsplit(leads_to)
        places += f" {parts.scheme}://{parts.netloc}"
    policy = f"default-src 'none'; style-src 'self'; form-action {places}; base-uri 'none'; "
    return HTMLResponse(
        _ENVIRONMENT.get_template(template).render(values),
        status,
        headers={
            "Content-Security-Policy": f"{policy}frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
