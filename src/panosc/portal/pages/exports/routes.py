"""``/search.json``, ``.csv``, ``.bib`` and ``.atom``: the search page as a file, a feed, an answer.

Each takes what the search page takes. JSON has the same page; CSV and BibTeX hold all that
fits, up to `MOST`; Atom the newest. Whoever asks gets what the page would show them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from panosc.domain.units import canonical, category_of
from panosc.identity.routes.bodies import problems
from panosc.policy.declaring import add_get
from panosc.portal.pages.exports import atom, table
from panosc.portal.pages.exports.asked import Asked, understood
from panosc.portal.pages.exports.records import Record, as_json, records
from panosc.portal.pages.search.place import Paging, Place
from panosc.portal.site import Asker, Site, pages
from panosc.publication.exports import bibtex
from panosc.search.language.selection import LAST_PAGE
from panosc.search.loopback.writing import write_standard
from panosc.search.service import Answer

MOST = 10_000
"""Records of a CSV or BibTeX file."""
FEED = 50
_PIECE = 100
_KINDS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "bib": "application/x-bibtex; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
}
_SAYS = {
    "json": ("Search datasets, as JSON", "The page of results that /search shows."),
    "csv": ("Search datasets, as CSV", f"All that fits, at most {MOST} lines."),
    "bib": ("Search datasets, as BibTeX", f"All that fits, at most {MOST} entries."),
    "atom": ("Search datasets, as a feed", f"The newest {FEED} that fit, in pages."),
}


def router(site: Site) -> APIRouter:
    """Return the routes."""
    routes = pages()

    def json(request: Request, who: Asker) -> Response:
        with site.search.together(who):
            asked = understood(site, request, who)
            answer = asked.page(asked.selection)
        # the rest is asked when the connection of the search has been given back
        found = _page(asked, answer)
        pictured = site.overviews.thumbnails(who, [item["pid"] for item in found["items"]])
        for item in found["items"]:
            is_there = item["pid"] in pictured
            item["thumbnail"] = f"{item['url']}/-/thumbnail" if is_there else None
        return Response(orjson.dumps(found), media_type=_KINDS["json"])

    def csv(request: Request, who: Asker) -> Response:
        asked = understood(site, request, who)
        answer = asked.everything(MOST)
        found = _records(asked, answer.items)
        first = list(islice(found, 1))
        lines = table.lines(chain(first, found), _units(asked, first))
        return _file("csv", lines, total=answer.total)

    def bib(request: Request, who: Asker) -> Response:
        asked = understood(site, request, who)
        answer = asked.named(MOST)
        pids = (item["pid"] for item in answer.items)
        lines = bibtex.lines(
            site.publications.gatherer.core.each(who, "Dataset", pids, asked.address),
            total=answer.total,
            most=MOST,
            page=asked.at(asked.selection.from_start()),
        )
        return _file("bib", lines, total=answer.total)

    def feed(request: Request, who: Asker) -> Response:
        with site.search.together(who):
            asked = understood(site, request, who)
            answer = asked.page(replace(asked.selection, sort="-created", after="", size=FEED))
        return _feed(asked, answer)

    for form, handler in (("json", json), ("csv", csv), ("bib", bib), ("atom", feed)):
        _add(routes, form, handler)
    return routes


def _add(routes: APIRouter, form: str, handler: Callable[..., Response]) -> None:
    summary, description = _SAYS[form]
    described: dict[str, Any] = {
        "summary": summary,
        "description": f"{description} It takes what the page /search takes.",
        "tags": ["Search"],
        "response_class": Response,
        "responses": {
            200: {"description": description, "content": {_KINDS[form].partition(";")[0]: {}}},
            **problems(422),
        },
    }
    path = f"/search.{form}"
    add_get(routes, path, handler, **described)


def _records(asked: Asked, items: Iterator[Any]) -> Iterator[Record]:
    return records(items, asked.site.publications, asked.address)


def _page(asked: Asked, answer: Answer) -> dict[str, Any]:
    selection = asked.selection
    items = list(answer.items)
    shown = list(_records(asked, iter(items)))
    last = items[-1]["pid"] if len(items) == selection.size else ""
    paging = Paging(Place(selection=selection), answer.total, last)
    return {
        "url": asked.at(selection),
        "filter": write_standard(replace(selection.from_start().query(), limit=None)),
        "total": answer.total,
        "isLeast": answer.is_least,
        "page": paging.page if paging.is_numbered else None,
        "size": selection.size,
        "lastPage": paging.last,
        "mostPages": LAST_PAGE,
        "next": None if paging.next is None else asked.at(paging.next, "json"),
        "items": [
            as_json(record, score=item.get("score"))
            for record, item in zip(shown, items, strict=True)
        ],
    }


def _units(asked: Asked, first: Sequence[Record]) -> dict[str, str | None]:
    """Return the unit of each parameter's column: that of the question, or of the first value."""
    given = [(item.name, item.unit) for item in asked.selection.ranges]
    given += [(item["name"], item.get("unit")) for record in first for item in record.parameters]
    found: dict[str, str | None] = dict.fromkeys(asked.names)
    for name, unit in given:
        if unit and not found[name]:
            found[name] = canonical(unit, category=category_of(name))
    return found


def _file(form: str, lines: Iterator[str], *, total: int) -> Response:
    """Return a file to keep, piece by piece; the first piece is made before anything is sent."""
    name = "references" if form == "bib" else "datasets"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{form}"',
        "X-Total-Count": str(total),
        "X-Limit": str(MOST),
    }

    def pieces() -> Iterator[bytes]:
        while piece := "".join(islice(lines, _PIECE)):
            yield piece.encode()

    return StreamingResponse(pieces(), media_type=_KINDS[form], headers=headers)


def _feed(asked: Asked, answer: Answer) -> Response:
    shown = list(_records(asked, answer.items))
    plain = replace(asked.selection.from_start(), sort="", size=25)
    last = min(-(-answer.total // FEED), LAST_PAGE)

    def at(page: int) -> str:
        return asked.at(replace(plain, page=page), "atom")

    page = asked.selection.page
    what = f"“{plain.words}”" if plain.words else "a search"
    feed = atom.Feed(
        title=f"Datasets at {asked.site.settings.facility}: {what}",
        author=asked.site.settings.facility,
        page=asked.at(plain),
        self=at(page),
        first=at(1),
        next=at(page + 1) if page < last else None,
        previous=at(page - 1) if page > 1 else None,
    )
    text = atom.document(feed, shown, now=asked.site.policy.clock())
    return Response(text, media_type=_KINDS["atom"])
