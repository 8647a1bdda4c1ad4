"""A record in the formats of others: what the page answers, and whoever asks for one by name.

All say what one `Publication` says; what the caller may not see is not in it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import orjson
from fastapi import Request
from fastapi.responses import Response

from panosc.data.downloads.answering import precondition
from panosc.data.downloads.ranges import Version
from panosc.domain.access import Who
from panosc.domain.errors import NotAcceptable
from panosc.domain.query import Include, Query
from panosc.portal.accepting import Offer, best
from panosc.portal.pages.exports.records import as_json, asking, records
from panosc.portal.site import Site
from panosc.publication import signposting
from panosc.publication.exporting import exports, named
from panosc.publication.record import Publication

OWN: Final = "json"
"""Our own form of a dataset, as searches tell it."""
_PAGE: Final = (Offer(name="", kind="text/html"), Offer(name="", kind="application/xhtml+xml"))
_LINKSETS: Final = tuple(
    Offer(name=kind, kind=kind) for kind in (signposting.JSON, signposting.TEXT)
)
_LINKSET_OFFERS: Final = (*_LINKSETS, Offer(name=signposting.JSON, kind="application/json"))
_PARAMETER: Final = frozenset({"name", "value", "unit", "path"})
_LONGEST_NAME: Final = 80


def links(publication: Publication) -> list[signposting.Link]:
    """Return the links of the page of a record."""
    return signposting.links(publication, exports().values())


def wanted(request: Request, model: str) -> str | None:
    """Return the format that the client takes best, None for the page.

    Raises
    ------
    NotAcceptable
        If it takes nothing that there is.
    """
    offers = [*_PAGE, *_offered(model)]
    found = best(request.headers.get("accept", ""), offers)
    if found is None:
        kinds = dict.fromkeys(offer.kind for offer in offers)
        raise NotAcceptable(
            "There is no such form of this record.", hint=f"There are {', '.join(kinds)}."
        )
    return found.name or None


def _offered(model: str) -> list[Offer]:
    offers = [
        Offer(
            name=one.name,
            kind=one.media_type.partition(";")[0].strip(),
            profile=one.profile,
            is_asked_by_profile=not one.is_negotiated,
        )
        for one in exports().values()
        if one.is_negotiated or one.profile
    ]
    return [*offers, *([Offer(name=OWN, kind="application/json")] if model == "Dataset" else [])]


def told(site: Site, request: Request, who: Who, publication: Publication, form: str) -> Response:
    """Return a record in the format of this name.

    Raises
    ------
    NotFound
        If there is no such format.
    """
    if form == OWN and publication.model == "Dataset":
        body, kind, suffix = _own(site, request, who, publication.pid), "application/json", ".json"
    else:
        export = named(form)
        body, kind, suffix = export.write(publication), export.media_type, export.suffix
    back = signposting.Link(
        rel="describes", href=signposting.plain_address(publication.url), type=signposting.HTML
    )
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'inline; filename="{_file_name(publication.pid)}{suffix}"',
        "Link": back.text,
    }
    return _answer(request, body, headers)


def linkset(request: Request, publication: Publication, anchors: Sequence[str]) -> Response:
    """Return where everything that belongs to a record is, from each of the pages `anchors`.

    Who takes neither form of it, such as a browser that came by a link, gets JSON (RFC 9110,
    15.5.7: what else it can do with an answer is for the client to say).
    """
    found = best(request.headers.get("accept", ""), _LINKSET_OFFERS) or _LINKSET_OFFERS[0]
    given = links(publication)
    if found.name == signposting.TEXT:
        body = signposting.linkset_text(publication, given, anchors=anchors).encode()
    else:
        body = orjson.dumps(signposting.linkset(publication, given, anchors=anchors))
    return _answer(request, body, {"Content-Type": found.name, "Vary": "Accept"})


def _answer(request: Request, body: bytes, headers: Mapping[str, str]) -> Response:
    """Return a body, or that it is as it was."""
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    told_ = {**headers, "ETag": tag}
    early = precondition(request.headers, Version(tag=tag, modified=None), told_)
    return Response(body, headers=told_) if early is None else early


def _file_name(pid: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", pid).strip("-.")
    return plain[:_LONGEST_NAME] or "record"


def _own(site: Site, request: Request, who: Who, pid: str) -> bytes:
    """Return a dataset as searches tell it, with all its parameters and its samples."""
    parameters = Query(model="Parameter", fields=_PARAMETER, limit=2000)
    query = asking(Query(model="Dataset"))
    more = (
        Include(relation="samples", scope=Query(model="Sample")),
        Include(relation="parameters", scope=parameters),
    )
    record = site.record(who, replace(query, includes=(*query.includes, *more)), pid)
    (found,) = records(iter([record]), site.publications, site.absolute(request))
    samples = [sample.get("name") for sample in record.get("samples", ())]
    return orjson.dumps({**as_json(found), "samples": samples})
