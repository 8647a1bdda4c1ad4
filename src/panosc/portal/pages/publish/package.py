"""`/publish/new` and the pages of packages: a draft, what DataCite is told of it, publishing it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.domain.pid import pid_path
from panosc.portal.pages.publish.forms import PackageForm, begun, refused, typed_of
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.publication.citing import citation
from panosc.publication.packages.drafting import LICENCES, MOST_DATASETS
from panosc.publication.packages.making import Material, Package
from panosc.publication.packages.saying import notes, statement

PATH: Final = "/publish"
_DONE: Final = {
    "kept": "The draft is kept.",
    "published": "It is published. The DOI is registered within a minute.",
    "discarded": "The draft is thrown away.",
}
_STATES: Final = ("registered", "findable")
_ERRORS: Final = (400, 401, 403, 404, 409, 422)
_SIGN_IN: Final = {
    401: "Nobody has signed in.",
    403: "This person may not publish these datasets.",
    404: "There is no such package or dataset, or none that the caller may publish.",
}
Pids = Annotated[list[str], Query(max_length=MOST_DATASETS)]
Typed = Annotated[PackageForm, Form()]


def router(site: Site) -> APIRouter:
    """Return the routes of packages."""
    routes = pages()
    packages = site.publications.packages

    def new(
        request: Request,
        who: Asker,
        dataset: Pids = [],  # noqa: B006 - FastAPI copies it
    ) -> Response:
        pids = dataset or [one.pid for one in site.stocks.by_keys(who, site.selection(request))]
        material = packages.material(who, pids, site.absolute(request))
        return _form(site, request, material, begun(material.datasets))

    def start(request: Request, who: Asker, form: Typed) -> Response:
        address = site.absolute(request)
        try:
            pid = packages.start(who, form.draft(), address)
        except (Invalid, Conflict) as error:
            material = packages.material(who, form.dataset, address)
            return _form(site, request, material, form.model_dump(), error=error)
        return _to(site, pid, "kept")

    def show(request: Request, who: Asker, pid: str) -> Response:
        return _page(site, request, who, pid)

    def change(request: Request, who: Asker, pid: str, form: Typed) -> Response:
        try:
            packages.change(who, pid, form.draft(), site.absolute(request))
        except (Invalid, Conflict) as error:
            return _page(site, request, who, pid, typed=form.model_dump(), error=error)
        return _to(site, pid, "kept")

    def publish(
        request: Request,
        who: Asker,
        pid: str,
        state: Annotated[str, Form(max_length=20)] = "",
        sure: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        chosen = next((name for name in _STATES if name == state), None)
        if chosen is None or not sure:
            error = Invalid(
                "Nothing was published.",
                field="sure",
                hint="Tick that it is for good, then choose a state.",
            )
            return _page(site, request, who, pid, error=error)
        packages.publish(who, pid, state="findable" if chosen == "findable" else "registered")
        return _to(site, pid, "published")

    def discard(who: Asker, pid: str) -> Response:
        packages.discard(who, pid)
        return go_to(f"{site.render.root}/selection")

    add_page(routes, f"{PATH}/new", new, summary="Publish a selection of datasets", also=_SIGN_IN)
    add_form(routes, f"{PATH}/new", start, summary="Keep a draft of a package", errors=_ERRORS)
    # longer ones first: a PID takes everything
    one = f"{PATH}/packages/{{pid:path}}"
    add_form(
        routes, f"{one}/-/change", change, summary="Change a draft of a package", errors=_ERRORS
    )
    add_form(routes, f"{one}/-/publish", publish, summary="Publish a package", errors=_ERRORS)
    add_form(routes, f"{one}/-/discard", discard, summary="Throw a draft away", errors=_ERRORS)
    add_page(routes, one, show, summary="A package, for those who may publish it", also=_SIGN_IN)
    return routes


def _to(site: Site, pid: str, done: str) -> Response:
    return go_to(f"{site.render.root}{PATH}/packages/{pid_path(pid)}?done={done}")


def _form(
    site: Site,
    request: Request,
    material: Material,
    typed: Mapping[str, Any],
    *,
    error: Invalid | Conflict | None = None,
) -> Response:
    return site.render.page(
        request,
        "publish_new",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="Publish data",
        action=f"{site.render.root}{PATH}/new",
        notes=notes(material.datasets),
        has_account=site.publications.minting.account is not None,
        **_inputs(material, typed, error),
    )


def _inputs(
    material: Material, typed: Mapping[str, Any], error: Invalid | Conflict | None
) -> dict[str, Any]:
    told = None
    if isinstance(error, Invalid):
        told = refused(error)
    elif error is not None:
        told = {"detail": error.detail, "hint": error.hint or "", "field": "parts"}
    return {
        "datasets": material.datasets,
        "creators": material.creators,
        "typed": typed,
        "licences": LICENCES,
        "error": told,
    }


def _page(
    site: Site,
    request: Request,
    who: Who,
    pid: str,
    *,
    typed: Mapping[str, Any] | None = None,
    error: Invalid | Conflict | None = None,
) -> Response:
    package = site.publications.packages.look(who, pid, site.absolute(request))
    material = Material(datasets=package.datasets, creators=package.creators)
    here = f"{site.render.root}{PATH}/packages/{pid_path(pid)}"
    return site.render.page(
        request,
        "publish_package",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title=package.publication.title,
        done=_DONE.get(request.query_params.get("done", "")),
        action=f"{here}/-/change",
        path=here,
        page=f"{site.render.root}/documents/{pid_path(pid)}",
        package=package,
        is_draft=package.state == "closed",
        has_account=site.publications.minting.account is not None,
        notes=notes(package.datasets),
        preview=_preview(package),
        **_said(package),
        **_inputs(material, typed or typed_of(package.draft), error),
    )


def _preview(package: Package) -> str:
    text = orjson.dumps(package.attributes, option=orjson.OPT_INDENT_2)
    return text.decode()


def _said(package: Package) -> dict[str, str]:
    return {
        "citation": citation(package.publication),
        "statement": statement(package.publication, package.datasets),
    }
