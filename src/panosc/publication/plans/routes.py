"""``/api/v1/documents/{pid}/plan``: the data management plan of a proposal, as maDMP JSON."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Header, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.identity.routes.bodies import problems
from panosc.policy.asking import who_asks
from panosc.publication.plans.service import Held, Plans
from panosc.publication.record import Address

Asker = Annotated[Who, Depends(who_asks)]
Absolute = Callable[[Request], Address]
_PATH = "/api/v1/documents/{pid:path}/plan"
_PRIVATE = {"Cache-Control": "no-store"}


def router(plans: Plans, absolute: Absolute) -> APIRouter:
    """Return the routes; `absolute` makes paths of this node absolute for a request."""
    routes = APIRouter(tags=["Plans"])

    def get(request: Request, who: Asker, pid: str) -> Response:
        return answer(plans.get(who, pid, absolute(request)))

    def put(
        request: Request,
        who: Asker,
        pid: str,
        content: Annotated[dict[str, Any], Body()],
        if_match: Annotated[str | None, Header(max_length=40)] = None,
    ) -> Response:
        version = plans.put(who, pid, content, before=_version(if_match), address=absolute(request))
        return Response(status_code=204, headers={**_PRIVATE, "ETag": f'"{version}"'})

    described: dict[str, Any] = {"response_class": Response}
    routes.add_api_route(
        _PATH,
        get,
        methods=["GET"],
        summary="The data management plan of a proposal, prefilled until somebody wrote it",
        responses={200: {"content": {"application/json": {}}}, **problems(401, 403, 404)},
        **described,
    )
    routes.add_api_route(
        _PATH,
        put,
        methods=["PUT"],
        status_code=204,
        summary="Write the data management plan of a proposal",
        description="`If-Match` names the version that it is based on; 0 where there is none.",
        responses=problems(401, 403, 404, 409, 422),
        **described,
    )
    return routes


def answer(held: Held) -> Response:
    """Return a plan as JSON."""
    return Response(
        orjson.dumps(held.content, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        headers={**_PRIVATE, "ETag": f'"{held.version}"'},
    )


def _version(if_match: str | None) -> int:
    word = (if_match or "0").strip().strip('"')
    if not word.isdecimal() or len(word) > 9:  # noqa: PLR2004 - more than anyone writes
        raise Invalid(
            f"If-Match has to name a version, not “{word[:40]}”.",
            field="If-Match",
            hint="Take the ETag of the plan as it was read.",
        )
    return int(word)
