"""Zarr version 3 over HTTP: ``/datasets/{pid}/-/zarr/NAME/PATH/zarr.json`` and ``…/c/0/1``."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.data.admitting import Located
from panosc.data.questions import Question, path_of
from panosc.data.reader import File
from panosc.data.routes import BENEATH, Plain, headers, is_known, response, who_asks
from panosc.data.service import DataService, Reply
from panosc.data.untouched import Untouched
from panosc.data.zarr.service import Hierarchy, Lying
from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.files.chunks.sources import read_exactly
from panosc.files.index.telling import Elsewhere
from panosc.files.storage.local import LocalSource

DOCUMENT: Final = "zarr.json"
MOST_KNOWN: Final = 100_000


def router(service: DataService) -> APIRouter:
    """Return the routes of Zarr."""
    routes = APIRouter(tags=["Data"], route_class=Plain)
    known = _Known()

    async def zarr(request: Request) -> Response:
        who = await who_asks(request)
        pid, key = request.path_params["pid"], request.path_params["key"]
        located, rest = await _named(service, who, pid, key)
        question = Question(what="meta", file=located.name, path=f"zarr:{rest}")
        tag = question.tag(located)
        told = headers(tag, is_public=located.is_public)
        if is_known(request, tag):
            return Response(status_code=304, headers=told)
        at_once = known.get(service, tag, located)
        if at_once is not None:
            return at_once.response(told)
        body = await anyio.to_thread.run_sync(_answer, service, located, rest)
        if isinstance(body, Part):
            known.put(service, tag, located, body)
            return body.response(told)
        kind = "application/json" if rest.endswith(DOCUMENT) else "application/octet-stream"
        reply = Reply(media_type=kind, body=body)
        return response(reply, told, has_body=request.method != "HEAD")

    options: dict[str, Any] = {
        "summary": "An HDF5 file as Zarr: descriptions, and chunks as they lie in the file",
        "response_class": Response,
        "responses": {
            200: {"content": {"application/json": {}, "application/octet-stream": {}}},
            304: {"description": "The caller has it already."},
            403: {"description": "The data are for others, or not open yet."},
            410: {"description": "The dataset was withdrawn or erased."},
            422: {"description": "The file cannot be read."},
        },
    }
    path = f"{BENEATH}/zarr/{{key:path}}"
    routes.add_api_route(path, zarr, methods=["GET"], **options)
    routes.add_api_route(path, zarr, methods=["HEAD"], include_in_schema=False, **options)
    return routes


async def _named(service: DataService, who: Who, pid: str, key: str) -> tuple[Located, str]:
    """Return the file whose name a key begins with, and the rest.

    No file has a name that another one's continues: one is a file there, the other a folder.
    """
    ends = [place for place, letter in enumerate(key) if letter == "/"][:64]
    for end in ends:
        found = service.admission.remembered(who, pid, key[:end])
        if found is not None:
            return found, key[end + 1 :]
    error: NotFound | None = None
    for end in ends:
        try:
            return await service.locate(who, pid, key[:end]), key[end + 1 :]
        except NotFound as absent:
            error = absent
    raise error or NotFound("A key is NAME/PATH/zarr.json.")


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk where it lies in a file of this machine."""

    source: LocalSource
    lying: Lying

    def response(self, told: dict[str, str]) -> Response:
        """Return the answer, which closes the file."""
        kind = "application/octet-stream"
        return Untouched(
            self.source, self.lying.offset, self.lying.size, headers=told, media_type=kind
        )


class _Known:
    """Where chunks lie that were asked for before, by the tag of the answer; for one thread."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, Lying] = OrderedDict()

    def get(self, service: DataService, tag: str, located: Located) -> Part | None:
        """Return a chunk that needs no more looking up, of a file that is open."""
        lying = self._places.get(tag)
        if lying is None:
            return None
        source = service.slices.handles.source(service.slices.online(located))
        return None if source is None else Part(source.again(), lying)

    def put(self, service: DataService, tag: str, located: Located, part: Part) -> None:
        """Remember where a chunk lies, and its file, open for a moment."""
        self._places[tag] = part.lying
        if len(self._places) > MOST_KNOWN:
            self._places.popitem(last=False)
        service.slices.handles.keep(service.slices.online(located), part.source.again())


def _answer(service: DataService, located: Located, rest: str) -> bytes | Part:
    """Return a description, or a chunk: its bytes, or where they lie in a file of this machine."""
    file = partial(service.slices.online, located)
    hierarchy = Hierarchy(file=file, index=service.index(located))
    try:
        if rest == DOCUMENT or rest.endswith(f"/{DOCUMENT}"):
            return hierarchy.node(path_of(rest.removesuffix(DOCUMENT)))
        found = hierarchy.chunk(f"/{rest}")
        return found if isinstance(found, bytes) else _opened(file(), found)
    except Elsewhere as link:
        raise NotFound(
            f"{link.path} lies in another file, {link.file[:200]}.",
            hint="Ask for it there.",
        ) from None


def _opened(file: File, lying: Lying) -> bytes | Part:
    source = file.source()
    try:
        if isinstance(source, LocalSource) and lying.offset + lying.size <= source.size:
            found = source
            source = None
            return Part(found, lying)
        return read_exactly(source, lying.offset, lying.size)
    finally:
        if source is not None:
            source.close()
