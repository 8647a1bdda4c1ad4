"""My account: who the node thinks I am, my sessions, the terms, my data to take along or erase."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import NODE_GROUP, Who
from panosc.domain.errors import Conflict, Invalid, PanoscError, Unauthenticated
from panosc.identity.personal.erasing import WORD
from panosc.policy.asking import require_session
from panosc.portal.pages.about import safe_path
from panosc.portal.pages.personal.experiments import needs_terms, role_words
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import contact_address

PATH = "/account"
_PRIVATE = {"Cache-Control": "no-store"}
Text = Annotated[str, Form(max_length=2000)]


def router(site: Site) -> APIRouter:
    """Return the routes of these pages."""
    routes = pages()
    _add_account(routes, site)
    _add_terms(routes, site)
    _add_own_data(routes, site)
    return routes


def _add_account(routes: APIRouter, site: Site) -> None:
    store = site.identity.sessions

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def end(request: Request, who: Asker, handle: Text = "") -> Response:
        require_session(who)
        cookie = request.cookies.get(store.cookie)
        if handle == "others":
            store.end_others(who, cookie)
        else:
            store.end(who, handle)
        return go_to(f"{site.render.root}{PATH}?done=ended#sessions")

    def unlink(request: Request, who: Asker, iss: Text = "", sub: Text = "") -> Response:
        require_session(who)
        try:
            site.identity.own_data.unlink(who, iss, sub)
        except Conflict as error:
            return _page(site, request, who, error=error)
        return go_to(f"{site.render.root}{PATH}?done=unlinked#identities")

    add_page(routes, PATH, show, summary="My account")
    errors = (400, 401, 403, 404, 409, 422)
    add_form(routes, f"{PATH}/sessions/end", end, summary="End a session of mine", errors=errors)
    add_form(routes, f"{PATH}/unlink", unlink, summary="Unlink an identity", errors=errors)


def _page(site: Site, request: Request, who: Who, *, error: PanoscError | None = None) -> Response:
    needs = needs_terms(who)
    profile = site.identity.own_data.profile(who)
    linked = {item.provider for item in profile.identities}
    return site.render.page(
        request,
        "account",
        status=200 if error is None else error.status,
        headers=_PRIVATE,
        title="My account",
        profile=profile,
        memberships=[item for item in profile.memberships if item.group != NODE_GROUP],
        roles=sorted(item.role for item in profile.memberships if item.group == NODE_GROUP),
        role_words=role_words,
        sessions=site.identity.sessions.listed(
            who, request.cookies.get(site.identity.sessions.cookie)
        ),
        titles={item.name: item.title for item in site.identity.login.providers.all},
        unlinked=[item for item in site.identity.login.providers.all if item.name not in linked],
        not_understood=sorted(
            {text for item in profile.identities for text in item.not_understood}
        ),
        needs_terms=needs,
        done=request.query_params.get("done", ""),
        error=error,
    )


def _add_terms(routes: APIRouter, site: Site) -> None:
    def show(request: Request, who: Asker, back: str = "") -> Response:
        return _terms(site, request, who, back=back)

    def accept(
        request: Request, who: Asker, version: Text = "", agree: Text = "", back: Text = ""
    ) -> Response:
        require_session(who)
        try:
            if agree != "yes":
                raise Invalid(  # noqa: TRY301 - shown in the form
                    "Tick the box to accept the policy.",
                    field="agree",
                    hint="Without it only what is open to everyone is shown to you.",
                )
            site.identity.own_data.accept(who, version)
        except Invalid as error:
            return _terms(site, request, who, back=back, error=error)
        root = site.render.root
        return go_to(safe_path(back, root) if back else f"{root}/my")

    add_page(routes, f"{PATH}/terms", show, summary="The acceptable use policy")
    add_form(routes, f"{PATH}/terms", accept, summary="Accept the acceptable use policy")


def _terms(
    site: Site, request: Request, who: Who, *, back: str, error: Invalid | None = None
) -> Response:
    accepted = None
    if who.person is not None and who.via == "session":
        profile = site.identity.own_data.profile(who)
        accepted = profile.terms_at if profile.terms == site.settings.terms_version else None
    return site.render.page(
        request,
        "terms",
        status=200 if error is None else error.status,
        headers=_PRIVATE,
        title="Acceptable use policy",
        terms_version=site.settings.terms_version,
        contact=site.settings.contact and contact_address(site.settings.contact),
        accepted=accepted,
        is_person=who.person is not None and who.via == "session",
        back=back[:2000],
        error=error,
    )


def _add_own_data(routes: APIRouter, site: Site) -> None:
    def export(who: Asker) -> Response:
        found = orjson.dumps(
            site.identity.own_data.export(who), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        )
        named = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(found, media_type="application/json", headers=_PRIVATE | named)

    def ask(request: Request, who: Asker) -> Response:
        return _erase(site, request, who)

    def erase(request: Request, who: Asker, word: Text = "") -> Response:
        require_session(who)
        try:
            site.identity.erasure.erase_own(who, word)
        except Invalid as error:
            return _erase(site, request, who, typed=word, error=error)
        answer = go_to(f"{site.render.root}/account/erased")
        answer.delete_cookie(site.identity.sessions.cookie, path="/")
        return answer

    def erased(request: Request) -> Response:
        return site.render.page(request, "erased", title="Your account is erased")

    described: dict[int | str, dict[str, Any]] = {
        status: {"description": text}
        for status, text in ((401, "Not signed in"), (403, "Not with a browser"))
    }
    routes.add_api_route(
        f"{PATH}/export.json",
        export,
        methods=["GET"],
        summary="Everything that this node holds on me",
        tags=["Pages"],
        responses={200: {"content": {"application/json": {}}}, **described},
        response_class=Response,
    )
    add_page(routes, f"{PATH}/erase", ask, summary="Erase my account: what that means")
    add_form(routes, f"{PATH}/erase", erase, summary="Erase my account")
    add_page(routes, f"{PATH}/erased", erased, summary="The account is erased")


def _erase(
    site: Site, request: Request, who: Who, *, typed: str = "", error: Invalid | None = None
) -> Response:
    if who.person is None:
        raise Unauthenticated("Nobody has signed in.", hint="Sign in to erase your account.")
    return site.render.page(
        request,
        "erase",
        status=200 if error is None else error.status,
        headers=_PRIVATE,
        title="Erase my account",
        profile=site.identity.own_data.profile(who),
        audit_days=site.settings.audit_days,
        word=WORD,
        typed=typed,
        error=error,
    )
