"""Speaks with another node of this software, in all that it understands.

Live it is asked by its search API with the extensions that only such nodes have, so nothing is
left unasked. A harvest learns from its OAI-PMH what is new and what is gone, and fetches those
records alone, by the search API, with all that a copy needs.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from typing_extensions import override

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.pid import pid_path
from panosc.domain.query import Query
from panosc.federation.calling import BadStatus
from panosc.federation.connectors.datacite_parts import oai_pages, xml
from panosc.federation.connectors.datacite_parts.oai_pages import Page
from panosc.federation.connectors.panosc.asking import PATHS, Asking
from panosc.federation.connectors.panosc.canaries import NOTHING, pid_of
from panosc.federation.connectors.panosc.filters import included
from panosc.federation.connectors.panosc.items import Reader
from panosc.federation.connectors.panosc.rows import mapped
from panosc.federation.connectors.panosc.values import shown
from panosc.federation.connectors.panosc_api import PanoscConnector
from panosc.federation.contract import Batch, Cursor, Found, Mapped, Probed, Raw, Support, Tried
from panosc.federation.naming import Names
from panosc.publication.oai import names
from panosc.search.loopback.writing import write_filter

API = "/panosc-api"
PROVIDERS = "/api/v1/federation/providers"
TOGETHER = 100
"""Records that are fetched with one question."""
_LONGEST = 4000
"""Characters of the identifiers in one address."""
_AGAIN = 3
"""How often in one run a list is begun again because its token was forgotten."""
_PIDS = {"fields": ["pid"]}
_MEMBERS = {
    "relation": "members",
    "scope": {"include": [{"relation": "person"}, {"relation": "affiliation"}]},
}
_INCLUDES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "Dataset": (
        {"relation": "instrument"},
        {"relation": "techniques"},
        {"relation": "samples"},
        {"relation": "parameters"},
        {"relation": "documents", "scope": _PIDS},
        _MEMBERS,
    ),
    "Document": (_MEMBERS, {"relation": "datasets", "scope": _PIDS}, {"relation": "parameters"}),
}
_UNCOPIED = frozenset({"source", "defaultPlot", "defaultFile"})
"""What means something only where the files are."""


class NodeConnector(PanoscConnector):
    """Another node of this software; its address is that of its front page."""

    kind = "node"
    title = "PaN Open Science node"
    abilities = frozenset({"search", "changes", "deletions", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (Tried(what="two nodes of this version", how="live"),)

    @property
    def root(self) -> str:
        """The address of the node's front page."""
        return self.source.url.removesuffix(API)

    @property
    @override
    def asking(self) -> Asking:
        return Asking(self.source, self.caller, f"{self.root}{API}")

    @override
    async def probe(self) -> Probed:
        # what such a node understands is known; asked is whether it is one, and what it has
        identity = (await self._oai({"verb": "Identify"})).fields
        totals: dict[str, int | None] = {}
        for model in PATHS:
            totals[model] = await self.asking.count(model)
        features = {
            "catalogue": await self._followed(),
            "extensions": await self._extensions(totals["Dataset"]),
            "files": await self._files(),
        }
        title = next(iter(identity.get("repositoryName", ())), None)
        return Probed(title=title, totals=totals, features=features)

    async def _extensions(self, many: int | None) -> Support:
        """Ask what only such a node understands."""
        where = {"not": {"techniques": {"pid": NOTHING}}}
        listed = await self.asking.find("Dataset", {"where": where, "limit": 1})
        is_fine = bool(listed.records) or not many
        said = f"Asked for datasets without a technique of no name, {len(listed.records)} came."
        return Support(state="yes" if is_fine else "wrong", evidence=said)

    async def _files(self) -> Support:
        listed = await self.asking.find("Dataset", {"limit": 1})
        if not listed.records:
            return Support(state="unknown", evidence="It has no dataset that anyone may see.")
        pid = quote(str(pid_of(listed.records[0])), safe="")
        found = await self.asking.answers(f"Datasets/{pid}/files")
        if not isinstance(found, list):
            raise self.asking.wrong("to a question for files with no list")
        return Support(state="yes", evidence=f"It listed {len(found)} files of a dataset.")

    async def _followed(self) -> Support:
        """Return which catalogues the node itself follows."""
        try:
            told = await self.caller.json(f"{self.root}{PROVIDERS}")
        except BadStatus as error:
            return Support(state="no", evidence=f"Asked what it follows: {error.detail}")
        given = told.get("providers") if isinstance(told, dict) else None
        kinds = [one.get("kind") for one in given or () if isinstance(one, dict)]
        named = sorted({shown(kind) for kind in kinds if isinstance(kind, str)})
        if not named:
            return Support(state="no", evidence="It follows no other catalogue.")
        return Support(state="yes", evidence=f"A node that follows: {', '.join(named)[:200]}")

    @override
    def map(self, raw: Raw) -> Mapped:
        found = mapped(self.source, raw)
        pid = Names(self.source).pid(raw.external_id)
        is_there = any(name == raw.kind and row.get("pid") == pid for name, row in found.rows)
        homes = {pid: self._home(raw.kind, raw.external_id)} if pid and is_there else {}
        return replace(found, homes=homes)

    @override
    async def search(self, query: Query) -> Found:
        # order, fields and what includes say are understood as well
        asked = query if query.includes else replace(query, includes=included(query, {}))
        listed = await self.asking.find(query.model, write_filter(asked))
        reader = Reader(names=Names(self.source))
        items = []
        for record in listed.records[: query.limit]:
            item = reader.item(MODEL_BY_NAME[query.model], record)
            if item is not None:
                items.append(item | {"home": self._home(query.model, str(pid_of(record)))})
        is_full = len(listed.records) >= (query.limit or len(listed.records) + 1)
        is_cut = is_full if listed.total is None else listed.total > len(items)
        return Found(items=items, total=listed.total, is_cut=is_cut, is_clean=True)

    def _home(self, model: str, pid: str) -> str:
        return f"{self.root}/{PATHS[model].lower()}/{pid_path(pid)}"

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        place = {name: (cursor or {}).get(name) for name in ("since", "until", "token")}
        if place["token"] is None:
            async for records in self._pages("Instrument", {}, 0):
                raws = [_raw("Instrument", record) for record in records]
                yield Batch(raws=raws, cursor={"since": place["since"]})
        again = 0
        while True:
            page = await self._list(place)
            if page.error == "badResumptionToken" and place["token"]:
                again += 1
                if again > _AGAIN:
                    raise self.asking.wrong(f"“{page.message}” to its own token {again} times")
                place |= {"until": None, "token": None}
                continue
            if place["until"] is None:
                place["until"] = page.answered
            place["token"] = page.token
            is_over = page.token is None
            yield Batch(
                raws=await self._fetched(page),
                cursor={"since": place["until"]} if is_over else dict(place),
                total=page.size,
            )
            if is_over:
                return

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        async for records in self._pages("Instrument", _PIDS, 0):
            yield [("Instrument", str(pid_of(record))) for record in records]
        place: dict[str, Any] = {"since": None, "token": None}
        seen, size = 0, None
        while True:
            page = await self._list(place)
            if page.error is not None and page.error != "noRecordsMatch":
                raise self.asking.wrong(f"“{page.message}” in the middle of its list")
            seen, size = seen + len(page.items), page.size if size is None else size
            yield [(model, pid) for model, pid, is_gone in self._named(page) if not is_gone]
            place["token"] = page.token
            if page.token is None:
                break
        if size is not None and seen < size:
            raise self.asking.wrong(f"with {seen} of {size} records")

    async def _list(self, place: Mapping[str, Any]) -> Page:
        if place.get("token"):
            asked = {"resumptionToken": str(place["token"])}
        else:
            asked = {"metadataPrefix": "oai_dc"}
            if place.get("since"):
                asked["from"] = str(place["since"])
        page = await self._oai({"verb": "ListIdentifiers"} | asked)
        if page.error not in {None, "noRecordsMatch", "badResumptionToken"}:
            raise self.asking.wrong(f"{page.error}: {page.message}")
        if not _is_stamp(page.answered):
            raise self.asking.wrong("without saying when")
        return page

    async def _oai(self, asked: Mapping[str, str]) -> Page:
        response = await self.caller.get(f"{self.root}/oai", asked)
        try:
            return oai_pages.read(response.content)
        except xml.NoXml as error:
            raise self.asking.wrong(f"what is no OAI-PMH: {error}") from None

    def _named(self, page: Page) -> Iterator[tuple[str, str, bool]]:
        """Yield class and PID of each record of a page, and whether it is gone."""
        for item in page.items:
            domain = item.identifier.split(":")[1:2]
            named = names.record(domain[0], item.identifier) if domain else None
            if named is None:
                raise self.asking.wrong(f"with the identifier {item.identifier[:100]!r}")
            yield *named, item.is_deleted

    async def _fetched(self, page: Page) -> list[Raw]:
        """Return the records of a page; those that are not shown to who asks are gone."""
        found: dict[tuple[str, str], Raw] = {}
        wanted: dict[str, list[str]] = {"Dataset": [], "Document": []}
        for item, (model, pid, is_gone) in zip(page.items, self._named(page), strict=True):
            stamp = datetime.fromisoformat(item.datestamp) if _is_stamp(item.datestamp) else None
            found[model, pid] = Raw(kind=model, external_id=pid, changed=stamp)
            if not is_gone:
                wanted[model].append(pid)
        for model, pids in wanted.items():
            for some in _together(pids):
                for record in await self._contents(model, some):
                    key = (model, str(pid_of(record)))
                    if key in found:
                        found[key] = _raw(model, record, changed=found[key].changed)
        return list(found.values())

    async def _contents(self, model: str, pids: Sequence[str]) -> Sequence[dict[str, Any]]:
        fields = [
            prop.name for prop in MODEL_BY_NAME[model].properties if prop.name not in _UNCOPIED
        ]
        where = {"pid": {"inq": list(pids)}}
        asked = {"where": where, "include": list(_INCLUDES[model]), "fields": fields}
        return (await self.asking.find(model, asked)).records


def _together(pids: Sequence[str]) -> Iterator[list[str]]:
    """Yield identifiers as many at once as an address holds."""
    some: list[str] = []
    length = 0
    for pid in pids:
        more = len(quote(pid, safe="")) + 9
        if some and (len(some) == TOGETHER or length + more > _LONGEST):
            yield some
            some, length = [], 0
        some.append(pid)
        length += more
    if some:
        yield some


def _raw(model: str, record: Mapping[str, Any], *, changed: datetime | None = None) -> Raw:
    content = {name: value for name, value in record.items() if name != "score"}
    return Raw(kind=model, external_id=str(pid_of(record)), content=content, changed=changed)


def _is_stamp(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
