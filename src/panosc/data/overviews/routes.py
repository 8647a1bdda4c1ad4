"""``/datasets/PID/-/thumbnail``: a small or large picture of a dataset."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from panosc.data.overviews.service import Overviews
from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_get

PUBLIC: Final = "public, max-age=600"
"""Of what anyone may see: it may be withdrawn, and the file may change."""
PRIVATE: Final = "private, no-cache"
_DRAWING: Final = "default-src 'none'; img-src data:; sandbox"
"""An SVG that is opened by itself is a document; it gets nothing but its own pixels."""

Asker = Annotated[Who, Depends(who_asks)]


def router(overviews: Overviews) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["Data"])

    def thumbnail(
        request: Request,
        who: Asker,
        pid: str,
        size: Annotated[str, Query(description="small (96 pixels) or large (480)")] = "small",
        frame: Annotated[
            str | None, Query(description="Number of a frame that is kept, or max", max_length=40)
        ] = None,
        form: Annotated[str, Query(description="webp, png, or svg for the whole plot")] = "webp",
    ) -> Response:
        """Give a picture of the default plot, of a frame of a stack, or of its maximum.

        It stays when the file goes to tape. There is one for whoever may see detail.
        """
        found = overviews.picture(who, pid, size=size, frame=frame or None, form=form)
        headers = {
            "ETag": found.tag,
            "Cache-Control": PUBLIC if found.is_public else PRIVATE,
        }
        if form == "svg":
            headers["Content-Security-Policy"] = _DRAWING
        if found.tag in _tags(request):
            return Response(status_code=304, headers=headers)
        content = found.content()
        if content is None:
            raise NotFound(f"There is no picture of {pid}.")
        return Response(content, media_type=found.media, headers=headers)

    described: dict[str, Any] = {
        "summary": "A picture of a dataset",
        "response_class": Response,
        "responses": {
            200: {
                "description": "The picture.",
                "content": {kind: {} for kind in ("image/webp", "image/png", "image/svg+xml")},
            },
            304: {"description": "It is as it was."},
        },
    }
    path = "/datasets/{pid:path}/-/thumbnail"
    add_get(routes, path, thumbnail, **described)
    return routes


def _tags(request: Request) -> list[str]:
    asked = request.headers.get("if-none-match", "")
    return [tag.strip().removeprefix("W/") for tag in asked.split(",")]
