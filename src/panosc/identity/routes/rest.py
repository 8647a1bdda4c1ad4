"""``/api/v1``: who am I, my tokens, signed links, services of beamlines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from panosc.domain.access import NODE_GROUP, SCOPES, Who
from panosc.domain.errors import Forbidden, NotFound
from panosc.identity.routes.bodies import (
    AccountShown,
    LinkMade,
    LinkWanted,
    Me,
    NewService,
    NewToken,
    TokenMade,
    TokenShown,
    account_shown,
    groups_of,
    made,
    problems,
    shown,
)
from panosc.identity.service import Identity
from panosc.policy.asking import require, require_session, who_asks

Asker = Annotated[Who, Depends(who_asks)]
_PRIVATE = {"Cache-Control": "no-store"}


def router(identity: Identity) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["Identity"])
    _add_own(routes, identity)
    _add_links(routes, identity)
    _add_services(routes, identity)
    return routes


def _add_own(routes: APIRouter, identity: Identity) -> None:
    @routes.get("/me", summary="Who am I", responses=problems(400, 401, 403, 422))
    def me(who: Asker, response: Response) -> Me:
        response.headers.update(_PRIVATE)
        account = identity.services.own(who)
        return Me(
            account=account.id,
            kind=account.kind,
            name=account.name,
            groups=groups_of(pair for pair in who.duties if pair[1] != NODE_GROUP),
            roles=sorted(who.roles),
            scopes=[scope for scope in SCOPES if scope in who.scopes],
            via=who.via,
            userClass=who.user_class,
        )

    @routes.get("/tokens", summary="My tokens", responses=problems(400, 401, 403, 422))
    def tokens(who: Asker, response: Response) -> list[TokenShown]:
        response.headers.update(_PRIVATE)
        return [shown(token) for token in identity.tokens.listed(who)]

    @routes.delete(
        "/tokens/{id}",
        summary="Revoke a token",
        status_code=204,
        responses=problems(400, 401, 403, 404, 422),
    )
    def revoke(who: Asker, id: str) -> Response:  # noqa: A002 - its name in the address
        identity.tokens.revoke(who, id)
        return Response(status_code=204)


def _add_links(routes: APIRouter, identity: Identity) -> None:
    @routes.post(
        "/links",
        summary="Make a signed link for a download",
        description="It opens without sign-in for an hour, as its maker would see it then.",
        status_code=201,
        responses=problems(400, 401, 403, 422),
    )
    def link(request: Request, who: Asker, wanted: LinkWanted, response: Response) -> LinkMade:
        require(who, "read" if wanted.path.startswith("/panosc-api/") else "data")
        if who.via == "link":
            raise Forbidden("A link makes no other link.", hint="Sign in, or send a token.")
        signed = identity.links.sign(who, wanted.path)
        response.headers.update(_PRIVATE)
        base = identity.links.base or str(request.base_url).rstrip("/")
        return LinkMade(url=base + wanted.path + signed.suffix, expires=signed.expires)


def _add_services(routes: APIRouter, identity: Identity) -> None:
    @routes.get(
        "/services", summary="Services of beamlines", responses=problems(400, 401, 403, 422)
    )
    def services(who: Asker) -> list[AccountShown]:
        return [account_shown(item) for item in identity.services.listed(who, kind="service")]

    @routes.post(
        "/services",
        summary="Add a service",
        description="For an administrator. It belongs to its instrument and nothing else.",
        status_code=201,
        responses=problems(400, 401, 403, 409, 422),
    )
    def add(who: Asker, new: NewService) -> AccountShown:
        added = identity.services.add_service(who, new.name, instrument=new.instrument)
        return account_shown(added)

    @routes.post(
        "/services/{account}/tokens",
        summary="Make a token of a service",
        description="For an administrator who has signed in with a browser.",
        status_code=201,
        responses=problems(400, 401, 403, 404, 409, 422),
    )
    def token(who: Asker, account: str, new: NewToken, response: Response) -> TokenMade:
        require_session(who)
        if not account.startswith("svc-"):
            raise NotFound("There is no such service.", hint="Those there are: /api/v1/services.")
        response.headers.update(_PRIVATE)
        return made(
            identity.tokens.create(
                who, name=new.name, scopes=new.scopes, days=new.days, owner=account
            )
        )

    @routes.put(
        "/services/{account}/lock",
        summary="Lock a service: its tokens are dead",
        responses=problems(400, 401, 403, 404, 422),
    )
    def lock(who: Asker, account: str) -> AccountShown:
        return account_shown(identity.services.lock(who, account, is_service=True))

    @routes.delete(
        "/services/{account}/lock",
        summary="Open a locked service again",
        responses=problems(400, 401, 403, 404, 422),
    )
    def unlock(who: Asker, account: str) -> AccountShown:
        return account_shown(identity.services.lock(who, account, is_locked=False, is_service=True))
