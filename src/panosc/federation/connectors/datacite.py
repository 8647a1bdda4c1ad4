"""DataCite's REST API: the DOIs under the prefixes of a facility, with what DataCite knows of them.

It covers every facility that mints DOIs, with people, dates and relations, without parameters and
files. DOIs that are hidden leave its lists without a word: they are found missing by a sweep.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import Field
from typing_extensions import override

from panosc.domain.query import Query
from panosc.federation.connectors.datacite_parts import live
from panosc.federation.connectors.datacite_parts.dates import moment
from panosc.federation.connectors.datacite_parts.meaning import Told, mapped
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

KIND: Final = "doi"
PAGE: Final = 200
_LEAST_PAGE: Final = 5
_LONGEST_CURSOR: Final = 2000
_OVERLAP: Final = timedelta(minutes=10)
"""A change takes some time to come into its index."""
_COUNTED: Final = ("Count", "OverTime")
_LEFT_OUT: Final = frozenset({"xml", "updated", "metadataVersion", "contentUrl"})
"""What changes without the record, or says all a second time."""
_NO_FACETS: Final = {"disable-facets": "true", "affiliation": "true", "publisher": "true"}
_NOWHERE: Final = '"panosc probe: these words stand nowhere"'


class DataCiteOptions(Options):
    """Which DOIs."""

    prefix: str = Field(pattern=r"^10\.\d{4,9}(?:,10\.\d{4,9}){0,20}$")
    types: str | None = Field(default=None, pattern=r"^[a-z-]{1,40}(?:,[a-z-]{1,40}){0,30}$")
    """General types, such as ``dataset,text``; all of them when not given."""


class DataCiteConnector(Connector):
    """Speaks with DataCite."""

    kind = "datacite"
    title = "DataCite"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"search", "changes", "sweep"})
    tried = (
        Tried(what="a stand-in, written from DataCite's documentation", how="documented"),
        Tried(what="the source of DataCite's server (lupo), which was read", how="documented"),
    )
    Options = DataCiteOptions
    options: DataCiteOptions

    @override
    async def probe(self) -> Probed:
        total = _total(await self._list({}, size=1))
        of = {
            model: _total(await self._list({"resource-type-id": kind}, size=1))
            for model, kind in (("Dataset", "dataset"), ("Instrument", "instrument"))
        }
        nowhere = _total(await self._list({"query": _NOWHERE}, size=1))
        later = _total(await self._list({"query": "updated:[2100-01-01 TO *]"}, size=1))
        known = [number for number in of.values() if number is not None]
        documents = None if total is None else max(0, total - sum(known))
        return Probed(
            title=self.source.title,
            totals={**of, "Document": documents},
            features={
                "count": _support(total is not None, f"It says that there are {total} DOIs."),
                "query": _support(nowhere == 0, f"Words that stand nowhere are in {nowhere} DOIs."),
                "updated": _support(
                    later == 0, f"{later} DOIs changed, it says, after the year 2100."
                ),
            },
        )

    @override
    async def search(self, query: Query) -> Found:
        limit = query.limit or PAGE
        words = live.lucene(query.words)
        asked = {"page[number]": "1", "sort": "relevance" if words else "-updated"}
        condition = None
        if query.model == "Document":
            condition = "NOT types.resourceTypeGeneral:(Dataset OR Instrument)"
        elif self._has(query.model):
            asked["resource-type-id"] = query.model.lower()
        else:
            return Found(items=(), total=0)
        parts = [f"({words})" if words else None, condition]
        if any(parts):
            asked["query"] = " AND ".join(part for part in parts if part)
        answer = await self._list(asked, size=min(limit, PAGE))
        raws = _raws(answer["data"])
        found = live.items((self.map(raw) for raw in raws), query.model)[:limit]
        total = _total(answer)
        unasked = live.unasked(query, asks_words=words is not None)
        return Found(
            items=found,
            total=None if unasked else total,
            is_cut=total is None or total > len(found),
            unasked=unasked,
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        wanted = f"{self.options.prefix} {self.options.types or ''}"
        kept: Mapping[str, Any] = cursor or {}
        if kept.get("wanted") != wanted:
            kept = {}
        since, page, after = kept.get("since"), kept.get("page"), kept.get("after")
        asked = {} if since is None else {"query": f'updated:["{since}" TO *]'}
        async for answer, next_ in self._pages(asked, page):
            if page is None and after is None:
                after = _before(answer["at"]) or since
            place = {"wanted": wanted, "since": since, "page": next_, "after": after}
            done = {"wanted": wanted, "since": after}
            yield Batch(
                raws=_raws(answer["data"]),
                cursor=done if next_ is None else place,
                total=_total(answer),
            )

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        seen, total = 0, None
        async for answer, next_ in self._pages({"fields[dois]": "doi"}, None):
            total = _total(answer) if total is None else total
            names = [_name(item) for item in answer["data"]]
            if None in names:
                raise self._failed("lists what has no DOI")
            seen += len(names)
            if next_ is None and (total is None or seen < total):
                raise self._failed(f"ended its list after {seen} of {total} DOIs")
            yield [(KIND, name) for name in names if name is not None]

    @override
    def map(self, raw: Raw) -> Mapped:
        content = raw.content if isinstance(raw.content, Mapping) else {}
        doi = content.get("doi") or raw.external_id
        told = Told(
            attributes={**content, "doi": doi},
            key=raw.external_id,
            home=line(content.get("url")),
            changed=raw.changed,
        )
        return mapped(told, self.source)

    def _has(self, model: str) -> bool:
        """Whether the administrator wants records of a class at all."""
        return self.options.types is None or model.lower() in self.options.types.split(",")

    async def _pages(
        self, asked: Mapping[str, str], page: str | None
    ) -> AsyncIterator[tuple[dict[str, Any], str | None]]:
        """Yield the pages of a list from some cursor on, each with the next one's."""
        size, seen = PAGE, set[str]()
        while True:
            try:
                answer = await self._list({**asked, "page[cursor]": page or "1"}, size=size)
            except Failed as error:
                if error.reason != "too-large" or size <= _LEAST_PAGE:
                    raise
                size = max(_LEAST_PAGE, size // 4)
                continue
            page = self._next(answer) if answer["data"] else None
            if page is not None and page in seen:
                raise self._failed("has a list that goes round in circles")
            yield answer, page
            if page is None:
                return
            seen.add(page)

    def _next(self, answer: Mapping[str, Any]) -> str | None:
        """Return the cursor of the next page; of its link nothing else is believed."""
        links = answer.get("links")
        link = links.get("next") if isinstance(links, Mapping) else None
        if link is None:
            return None
        try:
            found = parse_qs(urlsplit(str(link)).query).get("page[cursor]", [""])[0]
        except ValueError:
            found = ""
        if not 0 < len(found) <= _LONGEST_CURSOR:
            raise self._failed("gives a link to a next page that is none")
        return found

    async def _list(self, asked: Mapping[str, str], *, size: int) -> dict[str, Any]:
        params = {"prefix": self.options.prefix, **_NO_FACETS, "page[size]": str(size)}
        if self.options.types is not None:
            params["resource-type-id"] = self.options.types
        response = await self.caller.get(
            "dois", {**params, **asked}, headers={"Accept": "application/vnd.api+json"}
        )
        answer = self.caller.read(response)
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise self._failed("gave no list of DOIs")
        return {**answer, "at": response.headers.get("date")}

    def _failed(self, what: str) -> Failed:
        name = self.source.name
        return Failed(f"{name} {what}.", provider=name, reason="garbage")


def _support(is_so: bool, evidence: str) -> Support:
    return Support(state="yes" if is_so else "wrong", evidence=evidence)


def _total(answer: Mapping[str, Any]) -> int | None:
    meta = answer.get("meta")
    total = meta.get("total") if isinstance(meta, Mapping) else None
    is_number = isinstance(total, int) and not isinstance(total, bool) and total >= 0
    return total if is_number else None


def _name(item: object) -> str | None:
    name = line(item.get("id")) if isinstance(item, Mapping) else None
    return None if name is None else name.lower()


def _raws(data: Sequence[Any]) -> list[Raw]:
    found = []
    for item in data:
        name = _name(item)
        told = item.get("attributes") if isinstance(item, Mapping) else None
        if name is None or not isinstance(told, Mapping):
            continue
        changed = moment(told.get("updated"))
        content = {
            key: value
            for key, value in told.items()
            if key not in _LEFT_OUT and not key.endswith(_COUNTED)
        }
        at = None if changed is None else datetime.fromisoformat(changed)
        found.append(Raw(kind=KIND, external_id=name, content=content, changed=at))
    return found


def _before(date: str | None) -> str | None:
    """Return some minutes before an answer was given, by the clock of who gave it."""
    try:
        at = parsedate_to_datetime(date or "")
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return (at - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None
