"""InvenioRDM, which Zenodo and many repositories run: its records, of all or of one community.

Its search gives the first 10 000 of a question. Lists are therefore read in the order of change,
each page from where the one before ended: nothing is skipped by what changes meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Final

import httpx
from pydantic import Field
from typing_extensions import override

from panosc.domain.query import Query
from panosc.federation.calling import BadStatus
from panosc.federation.connectors.datacite_parts import invenio_record, live
from panosc.federation.connectors.datacite_parts.dates import moment
from panosc.federation.connectors.datacite_parts.meaning import mapped
from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Found,
    Mapped,
    Options,
    Probed,
    Raw,
    Support,
    Tried,
)
from panosc.federation.values import line
from panosc.identity.outbound.beyond import Failed

KIND: Final = "record"
SIZES: Final = (100, 25)
"""Records of a page: those of an account, and those that Zenodo gives to anyone."""
WINDOW: Final = 10_000
_ACCEPT: Final = "application/vnd.inveniordm.v1+json, application/json;q=0.5"
"""To plain JSON Zenodo gives what it gave before it ran this software."""
_OVERLAP: Final = timedelta(minutes=10)
_LONGEST_PAUSE_S: Final = 120.0
_LEFT_OUT: Final = frozenset({"expanded", "revision_id", "stats", "ui", "updated", "swh"})
"""What changes without the record, or says it a second time."""
_BEGIN: Final = "1970-01-01T00:00:00+00:00"
_BAD: Final = 400
_DATASET: Final = "metadata.resource_type.id:dataset"


class InvenioOptions(Options):
    """Which records."""

    community: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,100}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    hits: Sequence[Mapping[str, Any]]
    total: int | None
    answered: str | None
    is_last: bool
    pause_s: float
    """How long to wait before the next call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a list is: behind the records that changed before `at`, on page `page` from there."""

    at: str
    page: int = 1


class InvenioConnector(Connector):
    """Speaks with InvenioRDM."""

    kind = "invenio"
    title = "InvenioRDM, Zenodo"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"search", "changes", "sweep"})
    tried = (Tried(what="a stand-in, written from InvenioRDM's documentation", how="documented"),)
    Options = InvenioOptions
    options: InvenioOptions

    @override
    async def probe(self) -> Probed:
        totals: dict[str, int | None] = {}
        for model, query in (("Dataset", _DATASET), ("Document", f"NOT {_DATASET}")):
            totals[model] = (await self._ask(query, size=1)).total
        later = (await self._ask(_since("2100-01-01T00:00:00+00:00"), size=1)).total
        nowhere = (await self._ask('"panosc probe: these words stand nowhere"', size=1)).total
        return Probed(
            title=self.source.title,
            totals=totals,
            features={
                "count": _support(
                    None not in totals.values(),
                    f"It says that there are {totals['Dataset']} datasets.",
                ),
                "query": _support(nowhere == 0, f"Words that stand nowhere are in {nowhere}."),
                "updated": _support(later == 0, f"{later} records changed after the year 2100."),
            },
        )

    @override
    async def search(self, query: Query) -> Found:
        if query.model == "Instrument":
            return Found(items=(), total=0, unasked=live.unasked(query, asks_words=False))
        limit = query.limit or SIZES[0]
        words = live.lucene(query.words)
        kind = _DATASET if query.model == "Dataset" else f"NOT {_DATASET}"
        asked = f"({words}) AND {kind}" if words else kind
        page = await self._ask(
            asked,
            size=min(limit, SIZES[0] if self.source.secret else SIZES[-1]),
            sort="bestmatch" if words else "newest",
        )
        found = live.items(map(self.map, _raws(page.hits)), query.model)[:limit]
        unasked = live.unasked(query, asks_words=words is not None)
        return Found(
            items=found,
            total=None if unasked else page.total,
            is_cut=page.total is None or page.total > len(found),
            unasked=unasked,
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        wanted = self.options.community or ""
        kept: Mapping[str, Any] = cursor or {}
        if kept.get("wanted") != wanted:
            kept = {}
        after = kept.get("after")
        begin = _Place(at=str(kept.get("at") or _BEGIN), page=int(kept.get("page") or 1))
        async for page, place in self._pages(begin):
            if after is None:
                after = _before(page.answered) or place.at
            told: Cursor = {"wanted": wanted, "at": place.at, "page": place.page, "after": after}
            if page.is_last:
                told = {"wanted": wanted, "at": after}
            yield Batch(raws=_raws(page.hits), cursor=told, total=page.total)

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        seen, total, last = 0, None, set[str]()
        async for page, _ in self._pages(_Place(at=_BEGIN)):
            total = page.total if total is None else total
            names = {line(hit.get("id")) for hit in page.hits}
            if None in names:
                raise self._failed("lists what has no identifier")
            here = {name for name in names if name is not None}
            fresh = here - last
            seen, last = seen + len(fresh), here | (last if not fresh else set())
            if page.is_last and (total is None or seen < total):
                raise self._failed(f"ended its list after {seen} of {total} records")
            yield [(KIND, name) for name in sorted(fresh)]

    @override
    def map(self, raw: Raw) -> Mapped:
        content = raw.content if isinstance(raw.content, Mapping) else {}
        told = invenio_record.told(content, raw.external_id)
        return mapped(replace(told, changed=raw.changed), self.source)

    async def _pages(self, place: _Place) -> AsyncIterator[tuple[_Page, _Place]]:
        """Yield the pages of all that changed since, each with where to go on behind it."""
        sizes = list(SIZES)
        while True:
            if place.page * sizes[0] > WINDOW:
                raise self._failed(f"has more than {WINDOW} records of one moment, {place.at}")
            try:
                page = await self._ask(
                    _since(place.at), size=sizes[0], sort="updated-asc", page=place.page
                )
            except BadStatus as error:
                if error.answered != _BAD or len(sizes) == 1:
                    raise
                # it gives smaller pages only; pages of one moment are counted anew
                sizes.pop(0)
                place = replace(place, page=1)
                continue
            if not page.is_last:
                # it may give smaller pages than were asked for without a word
                sizes[0] = len(page.hits) or sizes[0]
                place = self._behind(page, place)
            yield page, place
            if page.is_last:
                return
            await asyncio.sleep(page.pause_s)

    def _behind(self, page: _Page, place: _Place) -> _Place:
        dates = [moment(hit.get("updated")) for hit in page.hits]
        if None in dates or not dates:
            raise self._failed("lists records without the time of their change")
        last = datetime.fromisoformat(str(dates[-1]))
        if last < _at(place.at):
            raise self._failed("does not list its records in the order of their change")
        if last == _at(place.at):
            return replace(place, page=place.page + 1)
        return _Place(at=last.isoformat())

    async def _ask(self, query: str, *, size: int, sort: str = "newest", page: int = 1) -> _Page:
        community = self.options.community
        path = "api/records" if community is None else f"api/communities/{community}/records"
        params: dict[str, str | int] = {
            "q": query,
            "sort": sort,
            "size": size,
            "page": page,
            "allversions": "true",
        }
        headers = {"Accept": _ACCEPT}
        if self.source.secret is not None:
            headers["Authorization"] = f"Bearer {self.source.secret.get_secret_value()}"
        response = await self.caller.get(path, params, headers=headers)
        answer = self.caller.read(response)
        hits = answer.get("hits") if isinstance(answer, dict) else None
        listed = hits.get("hits") if isinstance(hits, dict) else None
        if not isinstance(hits, dict) or not isinstance(listed, list):
            raise self._failed("gave no list of records")
        if not all(isinstance(hit, dict) for hit in listed):
            raise self._failed("lists what is no record")
        given = hits.get("total")
        is_number = isinstance(given, int) and not isinstance(given, bool) and given >= 0
        total: int | None = given if is_number else None
        seen = (page - 1) * size + len(listed)
        return _Page(
            hits=listed,
            total=total,
            answered=response.headers.get("date"),
            is_last=len(listed) < size if total is None else seen >= total,
            pause_s=_pause(response),
        )

    def _failed(self, what: str) -> Failed:
        name = self.source.name
        return Failed(f"{name} {what}.", provider=name, reason="garbage")


def _pause(response: httpx.Response) -> float:
    """Return how long to wait, where that was the last call that may be made for now."""
    answered = _time(response.headers.get("date"))
    reset = response.headers.get("x-ratelimit-reset", "")
    is_over = response.headers.get("x-ratelimit-remaining") == "0"
    if not is_over or answered is None or not reset.isdecimal() or len(reset) > 12:  # noqa: PLR2004
        return 0.0
    return min(max(0.0, int(reset) - answered.timestamp()), _LONGEST_PAUSE_S)


def _support(is_so: bool, evidence: str) -> Support:
    return Support(state="yes" if is_so else "wrong", evidence=evidence)


def _since(at: str) -> str:
    return f'updated:["{at}" TO *]'


def _at(text: str) -> datetime:
    found = moment(text)
    return datetime.min.replace(tzinfo=UTC) if found is None else datetime.fromisoformat(found)


def _raws(hits: Sequence[Mapping[str, Any]]) -> list[Raw]:
    found = []
    for hit in hits:
        name = line(hit.get("id"))
        if name is None:
            continue
        changed = moment(hit.get("updated"))
        status = hit.get("deletion_status")
        is_gone = "tombstone" in hit or (isinstance(status, dict) and status.get("is_deleted"))
        content = {key: value for key, value in hit.items() if key not in _LEFT_OUT}
        at = None if changed is None else datetime.fromisoformat(changed)
        found.append(
            Raw(
                kind=KIND,
                external_id=name,
                content=None if is_gone else content,
                changed=at,
            )
        )
    return found


def _time(date: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _before(date: str | None) -> str | None:
    """Return some minutes before an answer was given, by the clock of who gave it."""
    at = _time(date)
    return None if at is None else (at - _OVERLAP).isoformat()
