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
from panosc.data.routes import BENEATH, Plain, headers, is_known, raw, response, who_asks
from panosc.data.service import DataService, Reply
from panosc.data.untouched import RawHeaders, Untouched
from panosc.data.zarr.service import Hierarchy, Lying
from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.files.chunks.sources import read_exactly
from panosc.files.index.telling import Elsewhere
from panosc.files.storage.local import LocalSource
from panosc.policy.declaring import add_get

DOCUMENT: Final = "zarr.json"
MOST_KNOWN: Final = 20_000


def router(service: DataService) -> APIRouter:
    """Return the routes of Zarr."""
    routes = APIRouter(tags=["Data"], route_class=Plain)
    known = _Known()

    async def zarr(request: Request) -> Response:
        who = await who_asks(request)
        pid, key = request.path_params["pid"], request.path_params["key"]
        located, rest = await _named(service, who, pid, key)
        before = known.get(located, rest)
        if before is not None and not is_known(request, before.tag):
            source = service.slices.handles.source(before.file)
            if source is not None:
                return before.response(source.again())
        question = Question(what="meta", file=located.name, path=f"zarr:{rest}")
        tag = question.tag(located)
        told = headers(tag, is_public=located.is_public)
        if is_known(request, tag):
            return Response(status_code=304, headers=told)
        body = await anyio.to_thread.run_sync(_answer, service, located, rest)
        if isinstance(body, Part):
            place = _Place(
                located=located,
                file=service.slices.online(located),
                tag=tag,
                lying=body.lying,
                told=raw({**told, "Content-Type": "application/octet-stream"}),
            )
            known.put(place, rest)
            service.slices.handles.keep(place.file, body.source.again())
            return place.response(body.source)
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
    add_get(routes, path, zarr, **options)
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
    """A chunk where it lies in an open file of this machine."""

    source: LocalSource
    lying: Lying


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a chunk lies that was asked for before, and what is told of it."""

    located: Located
    file: File
    tag: str
    lying: Lying
    told: RawHeaders

    def response(self, source: LocalSource) -> Response:
        """Return the answer, which closes the file."""
        return Untouched(source, self.lying.offset, self.lying.size, headers=self.told)


class _Known:
    """Chunks that need no more looking up; for one thread."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str, str], _Place] = OrderedDict()

    def get(self, located: Located, rest: str) -> _Place | None:
        """Return a chunk of a file that was found to be where it was, and as it was."""
        found = self._places.get((located.pid, located.name, rest))
        return found if found is not None and found.located == located else None

    def put(self, place: _Place, rest: str) -> None:
        """Remember a chunk."""
        self._places[place.located.pid, place.located.name, rest] = place
        if len(self._places) > MOST_KNOWN:
            self._places.popitem(last=False)


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
