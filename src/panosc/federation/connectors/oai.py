"""OAI-PMH 2.0: harvests any provider, those that break the protocol included.

What is asked: Identify, ListMetadataFormats, ListRecords with ``from``, ListIdentifiers. Never
``until``: what changes while a list is read comes again in the next. There is no live search.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from pydantic import Field
from typing_extensions import override

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.datacite_parts import oai_pages, resource, xml
from panosc.federation.connectors.datacite_parts.dates import moment
from panosc.federation.connectors.datacite_parts.meaning import Told, mapped
from panosc.federation.connectors.datacite_parts.oai_pages import Item, Page, Rounds
from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Mapped,
    Options,
    Probed,
    Raw,
    Support,
    Tried,
)
from panosc.identity.outbound.beyond import Failed

KIND: Final = "record"
BATCH: Final = 1000
_PREFERRED: Final = ("oai_datacite", "datacite")
_LAST: Final = ("oai_dc", "panosc")
_TOLD: Final = frozenset({400, 404, 410, 422})
"""Statuses with which there are providers that tell errors of the protocol."""
_AGAIN: Final = 3
"""How often in one run a list is begun again because its token was forgotten."""
_OVERLAP: Final = timedelta(minutes=5)
_DAY: Final = timedelta(days=1)
_FAR: Final = "2100-01-01"
_KEPT: Final = ("prefix", "wanted", "since", "token", "after")


class OaiOptions(Options):
    """What to ask for."""

    set: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.!~*'():-]{1,400}$")
    prefix: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.!~*'()-]{1,100}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """How far a harvest is, as its cursor keeps it."""

    prefix: str
    wanted: str
    """What the options said: another set is another harvest."""
    since: str | None = None
    """From when on this list tells; None: everything."""
    token: str | None = None
    """With which the list goes on; None: it begins."""
    after: str | None = None
    """From when on the next list has to tell."""

    def cursor(self) -> Cursor:
        return {name: getattr(self, name) for name in _KEPT}

    def done(self) -> "_Place":
        return replace(self, since=self.after, token=None, after=None)


class OaiConnector(Connector):
    """Speaks OAI-PMH."""

    kind = "oai"
    title = "OAI-PMH"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"changes", "deletions", "sweep"})
    tried = (
        Tried(what="the OAI-PMH server of a panosc node", how="live"),
        Tried(what="answers recorded from SciCat's oai-provider", how="recorded"),
        Tried(what="a provider written from the protocol, with faults", how="documented"),
    )
    Options = OaiOptions
    options: OaiOptions

    @override
    async def probe(self) -> Probed:
        identity = (await self._ask({"verb": "Identify"})).fields
        prefix = await self._prefix()
        asked = {"verb": "ListIdentifiers", "metadataPrefix": prefix} | self._set()
        some = await self._ask(asked)
        later = await self._ask(asked | {"from": _FAR})
        deleted = _first(identity, "deletedRecord")
        earliest = _first(identity, "earliestDatestamp")
        is_kept = later.error == "noRecordsMatch" or (later.error is None and not later.items)
        said = later.error or f"{len(later.items)} records"
        keeps = deleted in {"persistent", "transient"}
        return Probed(
            version=_first(identity, "protocolVersion"),
            title=_first(identity, "repositoryName"),
            # a list does not tell what its records are
            totals={"Dataset": None, "Document": None},
            features={
                "format": Support(state="yes", evidence=f"Records come as {prefix}."),
                "from": Support(
                    state="yes" if is_kept else "wrong",
                    evidence=f"Asked for what changed from {_FAR} on, it answered: {said}.",
                ),
                "deletions": Support(
                    state="yes" if keeps else "no",
                    evidence=f"It says that it keeps deleted records: {deleted or 'nothing'}.",
                ),
                "earliestDatestamp": Support(
                    state="wrong" if earliest is None or moment(earliest) is None else "yes",
                    evidence=f"Its first record is of “{earliest}”.",
                ),
                "count": Support(
                    state="no" if some.size is None else "yes",
                    evidence=f"It gave {len(some.items)} records on a page, of {some.size}.",
                ),
            },
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        identity = (await self._ask({"verb": "Identify"})).fields
        is_fine = "T" in (_first(identity, "granularity") or "").upper()
        place, again, rounds = await self._begin(cursor), 0, Rounds()
        while True:
            page = await self._page(place, is_fine=is_fine)
            if page.error == "badResumptionToken" and place.token is not None:
                # its tokens end after a minute, or with its process: what it told comes again
                again += 1
                if again > _AGAIN:
                    raise self._failed(f"forgot its own token {again} times: {page.message}")
                place, rounds = replace(place, token=None, after=None), Rounds()
                continue
            if page.error == "badArgument" and place.token is None and place.since is not None:
                # days are what each has to understand; what does not take dates tells all
                place = place if is_fine else replace(place, since=None)
                is_fine = False
                continue
            if page.error not in {None, "noRecordsMatch"}:
                raise self._failed(f"answered {page.error}: {page.message}")
            if place.token is None:
                place = replace(place, after=_after(page, is_fine=is_fine) or place.since)
            problem = rounds.problem(page)
            if problem is not None:
                raise self._failed(f"cannot be harvested: {problem}")
            next_ = place.done() if page.token is None else replace(place, token=page.token)
            for batch in _batches(page, place, next_):
                yield batch
            if page.token is None:
                return
            place = next_

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        place, rounds, size = await self._begin(None), Rounds(), None
        while True:
            page = await self._page(place, is_fine=True, verb="ListIdentifiers")
            if page.error == "noRecordsMatch" and place.token is None:
                return
            if page.error is not None:
                raise self._failed(f"answered {page.error}: {page.message}")
            size = page.size if size is None else size
            problem = rounds.problem(page) or _cut(page, rounds.records, size)
            if problem is not None:
                raise self._failed(f"cannot list all its records: {problem}")
            there = [(KIND, item.identifier) for item in page.items if not item.is_deleted]
            for start in range(0, len(there), BATCH):
                yield there[start : start + BATCH]
            if page.token is None:
                return
            place = replace(place, token=page.token)

    @override
    def map(self, raw: Raw) -> Mapped:
        content = raw.content if isinstance(raw.content, Mapping) else {}
        if content.get("problem"):
            return Mapped(warnings=(str(content["problem"])[:300],))
        try:
            root = xml.parsed(str(content.get("xml") or "").encode())
        except xml.NoXml as error:
            return Mapped(warnings=(f"Its metadata cannot be read: {error}.",))
        found = resource.attributes(root)
        if found is None:
            return Mapped(warnings=("Its metadata are neither DataCite nor Dublin Core.",))
        told = Told(attributes=found, key=raw.external_id, changed=raw.changed)
        return mapped(told, self.source)

    async def _begin(self, cursor: Cursor | None) -> _Place:
        wanted = f"{self.options.prefix or ''} {self.options.set or ''}"
        kept: dict[str, Any] = {name: (cursor or {}).get(name) for name in _KEPT}
        if kept["wanted"] == wanted and isinstance(kept["prefix"], str):
            return _Place(**kept)
        return _Place(prefix=await self._prefix(), wanted=wanted)

    async def _prefix(self) -> str:
        """Return the form in which records say most."""
        if self.options.prefix is not None:
            return self.options.prefix
        formats = (await self._ask({"verb": "ListMetadataFormats"})).fields
        spoken = [
            prefix
            for prefix, spaces in formats.items()
            if any("datacite" in space.lower() for space in spaces)
        ]
        for prefix in (*_PREFERRED, *spoken, *_LAST):
            if prefix in formats:
                return prefix
        raise self._failed(f"has no form that is read here, only {', '.join(formats) or 'none'}")

    def _set(self) -> dict[str, str]:
        return {} if self.options.set is None else {"set": self.options.set}

    async def _page(self, place: _Place, *, is_fine: bool, verb: str = "ListRecords") -> Page:
        if place.token is not None:
            return await self._ask({"verb": verb, "resumptionToken": place.token})
        asked = {"verb": verb, "metadataPrefix": place.prefix} | self._set()
        if place.since is not None:
            asked["from"] = place.since if is_fine else place.since[:10]
        return await self._ask(asked)

    async def _ask(self, asked: Mapping[str, str]) -> Page:
        response = await self.caller.get("", asked, headers={"Accept": "text/xml"}, fine=_TOLD)
        problem = None
        try:
            page = oai_pages.read(response.content)
        except xml.NoXml as error:
            page, problem = None, str(error)
        if page is not None and (response.is_success or page.error is not None):
            return page
        if response.is_success:
            raise self._failed(f"gave an answer that cannot be used: {problem}")
        said = " ".join(re.sub(r"[^\x20-\x7e]", " ", response.text[:200]).split())
        raise BadStatus(
            f"{self.source.name} answered {response.status_code}: “{said}”.",
            provider=self.source.name,
            status=response.status_code,
            said=said,
        )

    def _failed(self, what: str) -> Failed:
        plain = "".join(letter if letter.isprintable() else " " for letter in what)
        return Failed(f"{self.source.name} {plain}.", provider=self.source.name, reason="garbage")


def _first(fields: Mapping[str, list[str]], name: str) -> str | None:
    return next((text for text in fields.get(name, ()) if text), None)


def _batches(page: Page, place: _Place, next_: _Place) -> list[Batch]:
    """Return a page as batches; only behind the last of them the list goes on."""
    raws = [_raw(item) for item in page.items]
    starts = range(0, max(1, len(raws)), BATCH)
    return [
        Batch(
            raws=raws[start : start + BATCH],
            cursor=(next_ if start == starts[-1] else place).cursor(),
            total=page.size,
        )
        for start in starts
    ]


def _raw(item: Item) -> Raw:
    content: dict[str, str] | None = None
    if not item.is_deleted:
        # without the date of change: there are providers to which everything changed just now
        content = {"xml": item.metadata} if item.metadata else {"problem": item.problem or ""}
    changed = moment(item.datestamp)
    return Raw(
        kind=KIND,
        external_id=item.identifier,
        content=content,
        changed=None if changed is None else datetime.fromisoformat(changed),
    )


def _after(page: Page, *, is_fine: bool) -> str | None:
    """Return from when on the next list has to tell, by the provider's own clock."""
    answered = moment(page.answered)
    if answered is None:
        return None
    at = datetime.fromisoformat(answered).astimezone(UTC)
    try:
        at -= _OVERLAP if is_fine else _DAY
    except OverflowError:
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at.year >= 1000 else None  # noqa: PLR2004 - four digits


def _cut(page: Page, seen: int, size: int | None) -> str | None:
    """Return why a list that ends here may not be whole."""
    if page.token is not None:
        return None
    if size is not None and seen < size:
        return f"it ended after {seen} of {size} records"
    if not page.has_token and seen >= BATCH and seen % BATCH == 0:
        return f"it gave {seen} records and no token, which looks cut off"
    return None
