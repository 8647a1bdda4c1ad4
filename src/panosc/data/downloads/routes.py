"""``/datasets/{pid}/-/download``: a file, an archive, or a list of what there is, by the query."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from panosc.data.downloads import lists
from panosc.data.downloads.links import Links
from panosc.data.downloads.service import LONGEST_MATCH, Downloads
from panosc.domain.access import Who
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_get

Asker = Annotated[Who, Depends(who_asks)]
_LONGEST = 4096
File = Annotated[
    str | None,
    Query(max_length=_LONGEST, description="Name of one file; without it all, as a ZIP"),
]
Match = Annotated[
    str,
    Query(max_length=LONGEST_MATCH, description="Only files whose name fits, such as *.nxs"),
]
As = Annotated[
    lists.Form | None,
    Query(alias="as", description="A list or script for another program, instead of the data"),
]
Online = Annotated[
    bool, Query(description="Take what is on disk; the archive names what is not in it")
]
Days = Annotated[
    int,
    Query(ge=0, le=7, description="Signed links in the list, good for so many days; 0: none"),
]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, the archive or the list",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
            "text/plain": {"schema": {"type": "string"}},
            "application/json": {},
        },
    },
    206: {"description": "The range that was asked for"},
    304: {"description": "It is what the caller has already"},
    404: {"description": "There is none, or none that the caller may know of"},
    410: {"description": "It was withdrawn or erased"},
    412: {"description": "It is another version than the one asked for"},
    413: {"description": "More than one download may have"},
    416: {"description": "There are no such bytes in it"},
    422: {"description": "On tape, gone or changed, or a value that cannot be used"},
}


@dataclass(frozen=True)
class Asked:
    """What the query of a request says."""

    file: File = None
    match: Match = ""
    form: As = None
    online: Online = False
    days: Days = 0


def router(downloads: Downloads, links: Links) -> APIRouter:
    """Return the routes of downloads."""
    routes = APIRouter()

    def download(
        request: Request, who: Asker, pid: str, asked: Annotated[Asked, Depends()]
    ) -> Response:
        if asked.form is not None:
            chosen = downloads.choose(who, [pid], match=asked.match, file=asked.file)
            link = link_maker(links, request, who, asked.days)
            return lists.answer(downloads, who, chosen, asked.form, link)
        is_head = request.method == "HEAD"
        if asked.file is not None:
            return downloads.file(who, pid, asked.file, request.headers, is_head=is_head)
        chosen = downloads.choose(who, [pid], match=asked.match)
        return downloads.archive(
            who, chosen, request.headers, is_partial=asked.online, is_head=is_head
        )

    add_route(
        routes,
        "/datasets/{pid:path}/-/download",
        download,
        summary="Fetch a file, all files as a ZIP, or a list for another program",
    )
    return routes


def link_maker(links: Links, request: Request, who: Who, days: int) -> Callable[[str], str]:
    """Return what makes an address of a path, signed where that is asked for."""

    def make(path: str) -> str:
        return links.address(request, links.signed(who, path, days=days) if days else path)

    return make


def add_route(
    routes: APIRouter, path: str, handler: Callable[..., Response], *, summary: str
) -> None:
    """Add a route that answers with data, for GET and HEAD."""
    add_get(
        routes,
        path,
        handler,
        summary=summary,
        tags=["Data"],
        response_class=Response,
        responses=_RESPONSES,
    )
