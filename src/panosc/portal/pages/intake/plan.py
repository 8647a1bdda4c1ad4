"""The data management plan of a proposal: what it says, a form for it, JSON in and out."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, TooLarge
from panosc.domain.pid import pid_path
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.publication.plans import madmp
from panosc.publication.plans.service import Held

ANSWERS = ("yes", "no", "unknown")
Text = Annotated[str, Field(max_length=20_000)]
Word = Annotated[str, Field(max_length=400)]


class Typed(BaseModel):
    """What the form holds."""

    version: Annotated[int, Field(ge=0, le=999_999_999)]
    title: Word = ""
    description: Text = ""
    contact: Word = ""
    mail: Word = ""
    ethics: Word = ""
    ethics_text: Text = ""
    personal: Word = ""
    sensitive: Word = ""
    quality: Text = ""
    preservation: Text = ""
    plan: Annotated[str, Field(max_length=madmp.LARGEST)] = ""
    """A whole plan as JSON, which replaces everything."""


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker, pid: str) -> Response:
        held = site.publications.plans.get(who, pid, site.absolute(request))
        return _page(site, request, pid, held)

    def save(request: Request, who: Asker, pid: str, typed: Annotated[Typed, Form()]) -> Response:
        return _save(site, request, who, pid, typed)

    path = "/documents/{pid:path}/-/plan"
    add_page(routes, path, show, summary="The data management plan of a proposal")
    errors = (400, 401, 403, 404, 409, 422)
    add_form(routes, path, save, summary="Write the plan of a proposal", errors=errors)
    return routes


def _save(site: Site, request: Request, who: Who, pid: str, typed: Typed) -> Response:
    plans, address = site.publications.plans, site.absolute(request)
    held = plans.get(who, pid, address)
    try:
        content = madmp.read(typed.plan.encode()) if typed.plan.strip() else changed(held, typed)
        plans.put(who, pid, content, before=typed.version, address=address)
    except (Invalid, TooLarge, Conflict) as error:
        return _page(site, request, pid, held, typed=typed, error=error)
    return go_to(f"{site.render.root}/documents/{pid_path(pid)}/-/plan")


def changed(held: Held, typed: Typed) -> dict[str, Any]:
    """Return a plan with the answers of the form; what was not touched stays as it is."""
    dmp, before = held.content["dmp"], _typed(held)
    told: dict[str, Any] = {}
    # one answer for all data in the form: where they differ, only what was changed is laid on them
    if typed.personal != before.personal:
        told["personal_data"] = typed.personal
    if typed.sensitive != before.sensitive:
        told["sensitive_data"] = typed.sensitive
    if _lines(typed.quality) != _lines(before.quality):
        told["data_quality_assurance"] = _lines(typed.quality)
    if typed.preservation.strip() != before.preservation.strip():
        told["preservation_statement"] = typed.preservation.strip()
    contact = {**dmp["contact"], "name": typed.contact.strip(), "mbox": typed.mail.strip()}
    answers = {
        "title": typed.title.strip(),
        "description": typed.description.strip(),
        "contact": contact,
        "ethical_issues_exist": typed.ethics,
        "ethical_issues_description": typed.ethics_text.strip(),
        "dataset": [{**item, **told} for item in dmp["dataset"]],
    }
    return {**held.content, "dmp": {**dmp, **answers}}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _typed(held: Held) -> Typed:
    dmp = held.content["dmp"]
    first = dmp["dataset"][0]
    return Typed(
        version=held.version,
        title=dmp["title"],
        description=dmp.get("description") or "",
        contact=dmp["contact"]["name"],
        mail=dmp["contact"]["mbox"],
        ethics=dmp["ethical_issues_exist"],
        ethics_text=dmp.get("ethical_issues_description") or "",
        personal=first["personal_data"],
        sensitive=first["sensitive_data"],
        quality="\n".join(str(part) for part in first.get("data_quality_assurance") or ()),
        preservation=str(first.get("preservation_statement") or ""),
    )


def _page(
    site: Site,
    request: Request,
    pid: str,
    held: Held,
    *,
    typed: Typed | None = None,
    error: Invalid | TooLarge | Conflict | None = None,
) -> Response:
    status = 200 if error is None else 409 if isinstance(error, Conflict) else 422
    return site.render.page(
        request,
        "plan",
        status=status,
        headers={"Cache-Control": "no-store"},
        title=f"Data management plan of {held.title}",
        name=held.title,
        pid=pid,
        held=held,
        dmp=held.content["dmp"],
        typed=typed or _typed(held),
        options=[(word, word.capitalize()) for word in ANSWERS],
        wrong=None,
        error=error,
        api=f"{site.render.root}/api/v1/documents/{pid_path(pid)}/plan",
    )
