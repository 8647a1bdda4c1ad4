"""myMdC, the metadata catalogue of the European XFEL: proposals, runs, their files and samples.

It lists no proposals and does not say what changed: an administrator tells which proposals there
are. Proposals are read anew each time, with all their runs until their beam time has been over for
a while, and again if their state or release changed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import field_validator
from typing_extensions import override

from panosc.domain.errors import Invalid
from panosc.federation.calling import Caller
from panosc.federation.connectors.mymdc_parts.asking import Asking, Record
from panosc.federation.connectors.mymdc_parts.numbers import numbers
from panosc.federation.connectors.mymdc_parts.records import MAKERS, Making, is_public, is_there
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
from panosc.federation.naming import DOI
from panosc.federation.source import Source
from panosc.federation.values import integer, mapping, moment, objects, several, text

AT_ONCE = 200
"""Runs of a batch."""
SETTLED = timedelta(days=30)
"""So long after the end of its beam time a proposal's runs are taken for complete."""


class MyMdcOptions(Options):
    """What an administrator has to say of a myMdC."""

    proposals: str
    """Numbers and ranges, such as ``2000-2999,3104``, or the path of a file of them."""
    email: str
    """On whose behalf it is asked: myMdC wants to know."""
    instruments: str = ""
    """Identifiers, such as ``SPB,FXE``: only proposals of these are read."""
    doi_prefix: str = ""
    """What stands before the names that myMdC calls DOIs, such as ``10.22003``."""

    @field_validator("proposals")
    @classmethod
    def _are_numbers(cls, value: str) -> str:
        numbers(value)
        return value

    @field_validator("email")
    @classmethod
    def _is_email(cls, value: str) -> str:
        if "@" not in value or not value.isascii() or not value.isprintable():
            raise ValueError("is no e-mail address")
        return value

    @field_validator("doi_prefix")
    @classmethod
    def _is_prefix(cls, value: str) -> str:
        if value and not DOI.fullmatch(f"{value}/x"):
            raise ValueError("is no prefix of DOIs, such as 10.22003")
        return value


class MyMdcConnector(Connector):
    """Speaks with one myMdC."""

    kind: ClassVar[str] = "mymdc"
    title: ClassVar[str] = "myMdC"
    mapping_version: ClassVar[int] = 1
    abilities: ClassVar[frozenset[Ability]] = frozenset({"changes", "deletions", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="a stand-in that metadata_client 4.2 reads as well", how="its own client"),
    )
    Options: ClassVar[type[Options]] = MyMdcOptions

    def __init__(self, source: Source, caller: Caller) -> None:
        super().__init__(source, caller)
        self._said = MyMdcOptions.model_validate(dict(source.options))

    def _asking(self) -> Asking:
        return Asking(self.source, self.caller, self._said.email)

    @override
    async def probe(self) -> Probed:
        asking = self._asking()
        instruments = await asking.listed("instruments/", {})
        wanted = self._numbers()
        found = await asking.found(f"proposals/by_number/{wanted[-1]}")
        said = "is there" if found else "is not there"
        evidence = f"Of {len(wanted)} proposals the last, {wanted[-1]}, {said}."
        return Probed(
            totals={"Instrument": len(instruments), "Document": None, "Dataset": None},
            features={
                "changes": Support(state="yes" if found else "unknown", evidence=evidence),
                "search": Support(state="no", evidence="myMdC finds by number and name alone."),
            },
        )

    @override
    def map(self, raw: Raw) -> Mapped:
        made = Making(self.source)
        if isinstance(raw.content, dict):
            MAKERS[raw.kind](made, raw.content)
        else:
            made.warnings.append("It is no object.")
        return made.made()

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        asking = self._asking()
        known: dict[str, Any] = dict(mapping(mapping(cursor).get("proposals")))
        instruments = await self._instruments(asking)
        raws = [_raw("instrument", one) for one in instruments.values()]
        yield Batch(raws=raws, cursor={"proposals": dict(known)})
        for number in self._numbers():
            proposal = await asking.found(f"proposals/by_number/{number}")
            if proposal is None or not is_there(proposal):
                if str(number) in known:
                    del known[str(number)]
                    gone = Raw(kind="proposal", external_id=str(number))
                    yield Batch(raws=[gone], cursor={"proposals": dict(known)})
                continue
            instrument = instruments.get(integer(proposal.get("instrument_id")) or 0)
            if self._is_wanted(instrument):
                before = several(known.get(str(number)))
                known_before = {"proposals": dict(known)}
                async for batch, last in self._proposal(asking, proposal, instrument, before):
                    known[str(number)] = last
                    yield Batch(raws=batch, cursor=known_before)
                yield Batch(raws=[], cursor={"proposals": dict(known)})

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        asking = self._asking()
        instruments = await self._instruments(asking)
        yield [("instrument", str(integer(one.get("id")))) for one in instruments.values()]
        for number in self._numbers():
            proposal = await asking.found(f"proposals/by_number/{number}")
            if proposal is None or not is_there(proposal):
                continue
            if not self._is_wanted(instruments.get(integer(proposal.get("instrument_id")) or 0)):
                continue
            yield [("proposal", str(number))]
            own = {"proposal_id": integer(proposal.get("id")) or 0}
            samples = await asking.listed("samples/", own)
            yield [("sample", str(integer(one.get("id")))) for one in samples if is_there(one)]
            path = f"proposals/by_number/{number}/runs"
            async for runs in asking.pages(path, {}, inside="runs"):
                yield [("run", _run_id(number, one)) for one in runs if is_there(one)]

    def _numbers(self) -> list[int]:
        try:
            return numbers(self._said.proposals)
        except ValueError as error:
            raise Invalid(f"The option proposals {error}.", field="options") from None

    def _is_wanted(self, instrument: Record | None) -> bool:
        wanted = {one.strip().lower() for one in self._said.instruments.split(",")} - {""}
        theirs = text(mapping(instrument).get("identifier"), 200) or ""
        return not wanted or theirs.lower() in wanted

    async def _instruments(self, asking: Asking) -> dict[int, Record]:
        found = {
            integer(one.get("id")) or 0: one for one in await asking.listed("instruments/", {})
        }
        return {key: one for key, one in found.items() if key and self._is_wanted(one)}

    async def _proposal(
        self,
        asking: Asking,
        proposal: Record,
        instrument: Record | None,
        before: Sequence[Any],
    ) -> AsyncIterator[tuple[list[Raw], list[Any]]]:
        """Yield what is to be read of a proposal, and how far that is: last run, state, release."""
        number = integer(proposal.get("number")) or 0
        state = [text(proposal.get(key), 40) for key in ("flg_beamtime_status", "release_at")]
        own = {"proposal_id": integer(proposal.get("id")) or 0}
        experiments = await asking.listed("experiments/", own)
        content: dict[str, Any] = {
            "proposal": proposal,
            "experiments": experiments,
            "instrument": instrument,
            "doi_prefix": self._said.doi_prefix,
        }
        for key, role in (
            ("principal_investigator_id", "investigator"),
            ("main_proposer_id", "proposer"),
        ):
            user = integer(proposal.get(key))
            path = f"users/{user}"
            content[role] = await asking.found(path, may_be_hidden=True) if user else None
        groups = await self._groups(asking, experiments)
        samples = await asking.listed("samples/", own)
        raws = [_raw("sample", one) for one in samples if integer(one.get("id"))]
        public = [{"flg_public": True} for one in groups.values() if is_public(one)][:1]
        told = content | {"data_groups": public}
        raws.append(Raw(kind="proposal", external_id=str(number), content=told))
        last = integer(before[0]) if before else None
        is_settled = last is not None and list(before[1:]) == state and _is_over(proposal)
        newest = last or 0
        units: dict[int, Record] = {}
        async for runs in asking.pages(f"proposals/by_number/{number}/runs", {}, inside="runs"):
            for one in runs:
                theirs = integer(one.get("id")) or 0
                newest = max(newest, theirs)
                if not is_settled or theirs > (last or 0):
                    raws.append(await self._run(asking, content, one, groups, units))
                if len(raws) >= AT_ONCE:
                    yield raws, [newest, *state]
                    raws = []
        yield raws, [newest, *state]

    async def _groups(self, asking: Asking, experiments: list[Record]) -> dict[int, Record]:
        found: dict[int, Record] = {}
        for one in experiments:
            own = {"experiment_id": integer(one.get("id")) or 0}
            for group in await asking.listed("data_groups/", own):
                found[integer(group.get("id")) or 0] = group
        return found

    async def _run(
        self,
        asking: Asking,
        content: Mapping[str, Any],
        listed: Record,
        groups: Mapping[int, Record],
        units: dict[int, Record],
    ) -> Raw:
        """Return a run with all that belongs to it."""
        number = integer(mapping(content["proposal"]).get("number")) or 0
        external_id = _run_id(number, listed)
        run = await asking.found(f"runs/{integer(listed.get('id')) or 0}")
        if run is None or not is_there(run):
            return Raw(kind="run", external_id=external_id)
        where = {"run_number": integer(listed.get("run_number")) or 0, "proposal_number": number}
        ids = await asking.ids("runs/all_raw_data_groups_ids", where)
        own = [groups[one] for one in ids if one in groups]
        files = await asking.whole("dataset_files/search_dataset_files", where)
        used = {
            integer(parameter.get("unit_id")) or 0
            for group in own
            for parameter in objects(group.get("parameters"))
        } - {0}
        for unit in used - units.keys():
            units[unit] = await asking.found(f"units/{unit}") or {}
        now = datetime.now(UTC)
        removed = [
            integer(one.get("id"))
            for one in own
            if (at := moment(one.get("removed_at"))) is not None and at <= now
        ]
        parts = {"run": run, "listed": listed, "data_groups": own, "files": files}
        told = {str(unit): units[unit] for unit in sorted(used)}
        whole = dict(content) | parts | {"units": told, "removed": removed}
        del whole["experiments"], whole["investigator"], whole["proposer"]
        return Raw(kind="run", external_id=external_id, content=whole)


def _is_over(proposal: Record) -> bool:
    """Return whether no more runs are to be expected; what does not say when it ends may go on."""
    end = moment(proposal.get("beamtime_end_at")) or moment(proposal.get("end_at"))
    return end is not None and end + SETTLED < datetime.now(UTC)


def _raw(kind: str, record: Record) -> Raw:
    theirs = str(integer(record.get("id")))
    return Raw(kind=kind, external_id=theirs, content=record if is_there(record) else None)


def _run_id(number: int, record: Mapping[str, Any]) -> str:
    return f"{number}/{integer(record.get('run_number'))}"
