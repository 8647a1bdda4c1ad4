"""Many records are corrected at once: chosen, shown as they would be, and then changed.

The preview is a page that a form asks for, as it may name thousands of records; it changes
nothing, and its token lets exactly what it shows be done.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.ingest.runs.editing.operations import KINDS, TEXTS, Preview
from panosc.portal.pages.intake.forms import ANCHORS, CHOICES, MODELS, EditForm, query_in
from panosc.portal.pages.intake.overview import PATH as INGEST
from panosc.portal.pages.intake.wording import changes, operation_words
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = f"{INGEST}/edit"
_ERRORS = (400, 401, 403, 409, 422)

Typed = Annotated[EditForm, Form()]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(
        request: Request,
        who: Asker,
        where: Annotated[str, Query(max_length=4000)] = "",
        pids: Annotated[str, Query(max_length=1000)] = "",
        model: Annotated[str, Query(max_length=40)] = "Dataset",
    ) -> Response:
        site.overview.check(who)
        return _form(site, request, EditForm(where=query_in(where), pids=pids, model=model))

    def preview(
        request: Request,
        who: Asker,
        typed: Typed,
        act: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        site.overview.check(who)
        if act == "change":
            return _form(site, request, typed)
        try:
            return _preview(site, request, who, typed)
        except Invalid as error:
            return _form(site, request, typed, error=error)

    def apply(request: Request, who: Asker, typed: Typed) -> Response:
        site.overview.check(who)
        return _apply(site, request, who, typed)

    add_page(routes, PATH, show, summary="Edit many records, for stewards")
    routes.add_api_route(
        PATH,
        preview,
        methods=["POST"],
        summary="What an edit of many records would do",
        tags=["Pages"],
        response_class=HTMLResponse,
        responses={422: {"description": "A value cannot be used; the page says which."}},
    )
    add_form(routes, f"{PATH}/apply", apply, summary="Edit many records", errors=_ERRORS)
    return routes


def _apply(site: Site, request: Request, who: Who, typed: EditForm) -> Response:
    try:
        run = site.runs.apply(
            who, typed.selection(), typed.edit(), reason=typed.reason, token=typed.token
        )
    except Invalid as error:
        if error.field != "reason":
            return _form(site, request, typed, error=error)
        refused: Conflict | Invalid = error
    except Conflict as error:
        refused = error
    else:
        return go_to(f"{site.render.root}{INGEST}/runs/{run}?done=edited")
    try:
        return _preview(site, request, who, typed, error=refused)
    except Invalid as error:
        return _form(site, request, typed, error=error)


def _form(
    site: Site, request: Request, typed: EditForm, *, error: Invalid | None = None
) -> Response:
    return site.render.page(
        request,
        "edit",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="Edit records",
        typed=typed,
        wrong=wrong_field(error),
        error=error,
        models=[(name, nouns[1]) for name, nouns in MODELS.items()],
        fields=choices(CHOICES),
        texts=choices(TEXTS),
        kinds=KINDS,
        path=f"{site.render.root}{PATH}",
    )


def choices(by_model: dict[Any, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return every field with the classes that have it, in words; first that there is none."""
    found: dict[str, list[str]] = {}
    for model, names in by_model.items():
        for name in names:
            found.setdefault(name, []).append(MODELS[model][1])
    return [("", "–"), *((name, f"{name} ({', '.join(of)})") for name, of in found.items())]


def wrong_field(error: Invalid | Conflict | None) -> str | None:
    """Return the name of the input that an error speaks of."""
    field = error.field if isinstance(error, Invalid) else None
    return None if field is None else ANCHORS.get(field, field)


def _preview(
    site: Site,
    request: Request,
    who: Who,
    typed: EditForm,
    *,
    error: Invalid | Conflict | None = None,
) -> Response:
    selection, edit = typed.selection(), typed.edit()
    found: Preview = site.runs.preview(who, selection, edit)
    hidden = typed.model_dump(exclude={"reason", "token"})
    return site.render.page(
        request,
        "edit_preview",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="Preview of the edit",
        hidden=[(name, value) for name, value in hidden.items() if value],
        token=found.token,
        found=found,
        examples=[
            {"pid": item.pid, "title": item.title, "changes": changes(item.changes)}
            for item in found.examples
        ],
        operations=[operation_words(one) for one in _plain(edit.operations)],
        nouns=MODELS[selection.model],
        page={"Dataset": "datasets", "Document": "documents", "Instrument": "instruments"}.get(
            selection.model
        ),
        reason=typed.reason,
        error=error,
        path=f"{site.render.root}{PATH}",
    )


def _plain(operations: Any) -> list[dict[str, Any]]:
    return [
        {"op": type(item).__name__, **{name: getattr(item, name) for name in item.__slots__}}
        for item in operations
    ]
