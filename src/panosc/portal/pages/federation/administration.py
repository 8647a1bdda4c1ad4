"""Tending the catalogues that this node knows: a form to add one, buttons for each."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, PanoscError, Upstream
from panosc.federation.connectors import kinds
from panosc.federation.source import Source
from panosc.portal.pages.federation import wording
from panosc.portal.pages.federation.facilities import PATH as FACILITIES
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = f"{FACILITIES}/administration"
_DONE = {
    "added": "The catalogue is added. Its records come with the first harvest.",
    "probe": "It was probed: its page says what it supports.",
    "harvest": "It is harvested as soon as the one before it is done.",
    "pause": "It is not asked live any more.",
    "resume": "It is asked live again.",
    "removed": "The catalogue is removed, and what it alone told of.",
}
_EVERY = {"3600": "hour", "21600": "6 hours", "86400": "day", "604800": "week"}
_ERRORS = (400, 401, 403, 404, 409, 422)

Text = Annotated[str, Form(max_length=1000)]


def router(site: Site) -> APIRouter:
    """Return the routes of the pages."""
    routes = pages()
    path = f"{site.render.root}{PATH}"
    tending = site.federation.tending

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def add(  # noqa: PLR0913, PLR0917 - the fields of a form
        request: Request,
        who: Asker,
        name: Text = "",
        kind: Text = "",
        url: Text = "",
        title: Text = "",
        options: Annotated[str, Form(max_length=5000)] = "",
        every: Text = "3600",
        uses: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        typed: dict[str, Any] = {"name": name, "kind": kind, "url": url, "title": title}
        typed |= {"options": options, "every": every, "uses": uses or []}
        tending.check(who)
        try:
            tending.add(who, _wanted(typed))
        except (Invalid, Conflict, Upstream) as error:
            return _page(site, request, who, typed=typed, error=error)
        return go_to(f"{path}?done=added#{name.strip()}")

    def confirm(request: Request, who: Asker, name: str) -> Response:
        return _confirming(site, request, who, name)

    def remove(request: Request, who: Asker, name: str) -> Response:
        try:
            tending.remove(who, name)
        except Conflict as error:
            return _confirming(site, request, who, name, error=error)
        return go_to(f"{path}?done=removed")

    add_page(routes, PATH, show, summary="Tend the catalogues that this node knows")
    add_form(routes, PATH, add, summary="Add a catalogue", errors=(400, 401, 403, 409, 422))
    add_page(routes, f"{PATH}/{{name}}/remove", confirm, summary="Before a catalogue is removed")
    add_form(
        routes, f"{PATH}/{{name}}/remove", remove, summary="Remove a catalogue", errors=_ERRORS
    )
    _add_acts(routes, site, path)
    return routes


def _add_acts(routes: APIRouter, site: Site, path: str) -> None:
    tending = site.federation.tending
    acts = {
        "probe": ("Probe a catalogue again", tending.probe),
        "harvest": ("Harvest a catalogue now", tending.harvest),
        "pause": (
            "Ask a catalogue live no more",
            lambda who, name: tending.ask_live(who, name, is_live=False),
        ),
        "resume": (
            "Ask a catalogue live again",
            lambda who, name: tending.ask_live(who, name, is_live=True),
        ),
    }
    for act, (summary, does) in acts.items():
        handler = _acting(site, does, f"{path}?done={act}")
        add_form(routes, f"{PATH}/{{name}}/{act}", handler, summary=summary, errors=_ERRORS)


def _acting(site: Site, does: Callable[[Who, str], None], after: str) -> Callable[..., Response]:
    def act(request: Request, who: Asker, name: str) -> Response:
        try:
            does(who, name)
        except (Conflict, Invalid, Upstream) as error:
            return _page(site, request, who, error=error)
        return go_to(f"{after}#{name}")

    return act


def _wanted(typed: dict[str, Any]) -> Source:
    every = typed["every"]
    if every not in _EVERY:
        raise Invalid("Say how often it is harvested.", field="every")
    pairs = [line.partition("=") for line in typed["options"].splitlines() if line.strip()]
    if any(not sign or not key.strip() for key, sign, _ in pairs):
        raise Invalid("An option is a line such as set=open.", field="options")
    return Source(
        name=typed["name"].strip(),
        kind=typed["kind"],
        url=typed["url"].strip().rstrip("/"),
        title=typed["title"].strip(),
        options={key.strip(): value.strip() for key, _, value in pairs},
        is_live="live" in typed["uses"],
        is_harvested="harvest" in typed["uses"],
        every_s=int(every),
    )


def _page(
    site: Site,
    request: Request,
    who: Who,
    *,
    typed: dict[str, Any] | None = None,
    error: PanoscError | None = None,
) -> Response:
    site.federation.tending.check(who)
    lately, done = site.federation.lately(), site.federation.harvested()
    first = {"name": "", "kind": "", "url": "", "title": "", "options": "", "every": "3600"}
    field = error.field if isinstance(error, Invalid) else None
    return site.render.page(
        request,
        "facilities_administration",
        # that another server failed is told here; the page itself is no failure of this one
        status=200 if error is None else 422 if isinstance(error, Upstream) else error.status,
        headers={"Cache-Control": "no-store"},
        title="Tend catalogues",
        rows=[
            {
                "name": one.name,
                "title": one.title,
                "kind": one.kind_title,
                "is_live": one.is_live,
                "can_be_asked": one.can_be_asked,
                "is_harvested": one.is_harvested,
                "every": wording.every(one.every_s),
                "harvested": wording.stamp(done.get(one.name)),
                "due": wording.stamp(one.due),
                "live": wording.live_state(one, lately.get(one.name)),
                "probed_at": wording.stamp(one.probed_at),
                "by": one.by,
            }
            for one in site.federation.catalogues()
        ],
        kinds=[(name, kind.title) for name, kind in sorted(kinds().items())],
        spans=_EVERY,
        typed=typed or first | {"uses": ["live", "harvest"]},
        error=error,
        field=field,
        done=_DONE.get(request.query_params.get("done", "")),
    )


def _confirming(
    site: Site, request: Request, who: Who, name: str, *, error: Conflict | None = None
) -> Response:
    going = site.federation.tending.would_go(who, name)
    return site.render.page(
        request,
        "facilities_remove",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title=f"Remove {name}",
        name=name,
        it=site.federation.catalogue(name),
        going=[(model.lower(), count) for model, count in sorted(going.items()) if count],
        error=error,
    )
