"""Templates become pages. What a page says is `pages`; how values are written is `words`.

Everything is escaped, and characters that no page may hold are replaced, whatever record
they come from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from panosc import __version__
from panosc.domain.pid import pid_path
from panosc.policy import asking
from panosc.portal import static_files, words
from panosc.settings import Settings

THEMES = ("light", "dark")
NAVIGATION = (
    ("Data", "/search"),
    ("Instruments", "/instruments"),
    ("Techniques", "/techniques"),
    ("API", "/api"),
)
_FILTERS = {
    "browser": words.browser,
    "size": words.size,
    "plural": words.plural,
    "date": words.date,
    "moment": words.day_and_time,
    "raised": words.raised,
    "unit": words.unit,
    "number": words.number,
    "quantity": words.quantity,
    "words": words.words,
    "coded": words.coded,
    "pid_path": pid_path,
    "query_string": words.query_string,
    "licence_address": words.licence_address,
}


def _clean(value: Any) -> Any:
    if isinstance(value, Markup):
        return Markup(words.clean(value))  # noqa: S704 - it was mark-up before
    return words.clean(value) if isinstance(value, str) else value


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters.update(_FILTERS)
    return environment


def _way_back(request: Request) -> str:
    """Return the path and query of a page, for links that lead back; without a credential."""
    query = request.url.query
    has_secret = any(word in unquote(query) for word in ("token=", "signed=", "code=", "state="))
    return request.url.path + (f"?{query}" if query and not has_secret else "")


class Renderer:
    """Renders pages of one node."""

    def __init__(self, settings: Settings) -> None:
        self._environment = _environment()
        self._base = (settings.base_url or "").rstrip("/")
        self.root = urlsplit(self._base).path
        """What stands before every path when a proxy gives the node a prefix."""
        self._environment.globals.update(
            facility=settings.facility,
            version=__version__,
            security_contact=None
            if settings.security_contact is None
            else words.contact_address(settings.security_contact),
            navigation=NAVIGATION,
            root=self.root,
            static=f"{self.root}/static/{static_files.version()}",
            island=static_files.bundled().get,
        )

    def address(self, request: Request, path: str = "") -> str:
        """Return the public address of a path of this node, such as ``/search``."""
        return (self._base or str(request.base_url).rstrip("/")) + path

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HTMLResponse:
        """Return a page; `template` is the name of its file without ending.

        `content` needs a `title`; ``canonical``, a path, is the page's own address. Every
        page is told `who` asks (None: not known, as on the page of an error) and their name.
        """
        theme = request.cookies.get("theme", "")
        canonical = content.pop("canonical", None)
        text = self._environment.get_template(f"{template}.html").render(
            theme=theme if theme in THEMES else "",
            here=request.url.path,
            here_full=_way_back(request),
            canonical=self.address(request, canonical) if canonical else None,
            who=asking.asked(request),
            signed_in_name=asking.called(request),
            **content,
        )
        caching = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept"}
        return HTMLResponse(text, status_code=status, headers={**caching, **(headers or {})})
