"""SciCat, the catalogue of ESS, PSI, MAX IV, DESY and others: versions 3 and 4 of its API.

Harvested through version 3, whose filters know dates; searched by ``fullquery``. How it is asked
is `scicat_parts.asking`, what its records mean `scicat_parts.records`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import field_validator
from typing_extensions import override

from panosc.domain.query import Query
from panosc.federation.calling import BadStatus, Caller
from panosc.federation.connectors.scicat_parts import history, live, probing, publications, records
from panosc.federation.connectors.scicat_parts.asking import (
    DATASET,
    KINDS,
    PUBLICATION,
    Asking,
    Kind,
    Login,
    root_of,
)
from panosc.federation.connectors.scicat_parts.paging import AT, Pages, Record, What
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
    Tried,
)
from panosc.federation.source import Source
from panosc.federation.values import mapping, moment, text

OVERLAP = timedelta(minutes=5)
"""So much of what is known already is read again: what was written late is not lost."""
WITH_FILES = 100
"""Datasets of a page, which have their files with them."""
_HIDDEN = 403
_MAKERS = {
    "dataset": records.dataset,
    "proposal": records.proposal,
    "sample": records.sample,
    "instrument": records.instrument,
    "publication": publications.publication,
}


class SciCatOptions(Options):
    """What an administrator may say of a SciCat."""

    login: Login = "local"
    """Whose account it is: of SciCat itself, or of the site (``ldap``)."""
    frontend: str = ""
    """Address of the pages, if it is not that of the catalogue."""

    @field_validator("frontend")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("is no address: begin with https://")
        return value.rstrip("/")


class ScicatConnector(Connector):
    """Speaks with one SciCat."""

    kind: ClassVar[str] = "scicat"
    title: ClassVar[str] = "SciCat"
    mapping_version: ClassVar[int] = 2
    abilities: ClassVar[frozenset[Ability]] = frozenset({"search", "changes", "deletions", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="answers recorded from SciCat 4.5", how="recorded"),
        Tried(what="a stand-in that pyscicat and scitacean read as well", how="its own client"),
    )
    Options: ClassVar[type[Options]] = SciCatOptions

    def __init__(self, source: Source, caller: Caller) -> None:
        super().__init__(source, caller)
        self._said = SciCatOptions.model_validate(dict(source.options))
        self._front = self._said.frontend or root_of(source.url)

    def _asking(self, *, is_known: bool = True) -> Asking:
        return Asking(self.source, self.caller, self._said.login, is_known=is_known)

    @override
    async def probe(self) -> Probed:
        return await probing.probe(self._asking())

    @override
    async def search(self, query: Query) -> Found:
        # as nobody, so that a live answer shows what anyone may see
        return await live.search(self._asking(is_known=False), self.source, query, self.map)

    @override
    def map(self, raw: Raw) -> Mapped:
        made = records.begun(self.source, self._front, raw)
        _MAKERS[raw.kind](made)
        return made.made()

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        asking = self._asking()
        known: dict[str, Any] = dict(mapping(cursor))
        since = {kind.name: _earlier(text(known.get(kind.name), 40)) for kind in KINDS}
        total = await asking.count(DATASET.path)
        if asking.has_account:
            # first, so that what was made anew since then comes after it
            gone, known["deleted"] = await history.deleted(asking, known.get("deleted"))
            for begin in range(0, len(gone), 1000):
                yield Batch(raws=gone[begin : begin + 1000], cursor=dict(known), total=total)
        for kind in KINDS:
            pages = await self._pages(asking, kind, since[kind.name])
            async for page in self._seen(pages):
                known[kind.name] = pages.at
                raws = [raw for record in page if (raw := self._raw(kind, record))]
                yield Batch(raws=raws, cursor=dict(known), total=total)

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        asking = self._asking()
        for kind in KINDS:
            least = await asking.count(kind.path) if kind is DATASET else 0
            pages = await self._pages(asking, kind, None, is_sweep=True)
            count = 0
            async for page in self._seen(pages):
                count += len(page)
                raws = [raw for record in page if (raw := self._raw(kind, record))]
                yield [(raw.kind, raw.external_id) for raw in raws if not raw.is_gone]
            # what was deleted meanwhile is missed by right
            if count < least and count < await asking.count(kind.path):
                raise asking.garbage(f"{kind.path} with {count} of its {least} records")

    async def _pages(
        self, asking: Asking, kind: Kind, since: str | None, *, is_sweep: bool = False
    ) -> Pages:
        if kind is PUBLICATION:
            kind = await _newest(asking)
        what = What(kind=kind, since=since)
        if kind is DATASET and is_sweep:
            what = replace(what, fields=(kind.key, AT, "isPublished"))
        elif kind is DATASET:
            what = replace(what, include=("origdatablocks",), size=WITH_FILES)
        return Pages(asking, what)

    @staticmethod
    async def _seen(pages: Pages) -> AsyncIterator[list[Record]]:
        """Yield the pages of a class; none if whoever asks may see nothing of it."""
        is_begun = False
        try:
            async for page in pages.read():
                is_begun = True
                yield page
        except BadStatus as error:
            if is_begun or error.answered != _HIDDEN:
                raise

    def _raw(self, kind: Kind, record: Record) -> Raw | None:
        theirs = text(record.get(kind.key), 1000)
        if theirs is None:
            return None
        changed = moment(record.get(AT))
        is_hidden = not self.source.is_adopted and not _is_public(kind, record)
        content = None if is_hidden else record
        return Raw(kind=kind.name, external_id=theirs, content=content, changed=changed)


def _is_public(kind: Kind, record: Record) -> bool:
    """Return whether anyone may see a record: an account sees more, which is not passed on."""
    if kind.name == PUBLICATION.name:
        return publications.is_public(record)
    return record.get("isPublished") is True if kind.is_guarded else True


def _earlier(at: str | None) -> str | None:
    """Return a time as SciCat spells it, earlier by the overlap."""
    time = moment(at)
    if time is None:
        return None
    return (time - OVERLAP).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _newest(asking: Asking) -> Kind:
    """Return published data by version 4, which says more, if its filters know dates."""
    newer = replace(PUBLICATION, path="api/v4/publisheddata")
    limits: dict[str, Any] = {"limit": 1, "skip": 0, "sort": {AT: "asc", newer.key: "asc"}}
    wanted = {"where": {AT: {"$gte": "1970-01-01T00:00:00.000Z"}}, "limits": limits}
    try:
        return newer if await asking.rows(newer.path, {newer.filter: wanted}) else PUBLICATION
    except BadStatus:
        return PUBLICATION
