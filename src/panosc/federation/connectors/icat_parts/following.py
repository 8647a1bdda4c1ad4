"""Following an ICAT: first all records by their ids, then what has changed by times of change.

ICAT's times are told and compared to the second, and the time of a record does not move when what
belongs to it changes. So the newest time of each entity is noted before anything is read; the next
run reads what is newer than that less five minutes, of records and of what belongs to them, and
reads each record once that has changed or whose part has.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from panosc.federation.connectors.icat_parts.entities import (
    DATASET,
    ENTITIES,
    INSTRUMENT,
    INVESTIGATION,
    TRACES,
    Trace,
)
from panosc.federation.connectors.icat_parts.jpql import Select, literal
from panosc.federation.connectors.icat_parts.rest import PAGE, Icat
from panosc.federation.connectors.icat_parts.whole import Whole
from panosc.federation.contract import Batch, Cursor
from panosc.federation.values import mapping, moment

OVERLAP = timedelta(minutes=5)
_KINDS = (INSTRUMENT, INVESTIGATION, DATASET)
_OFTEN_ENOUGH = 2
_MOST_REMEMBERED = 500_000


class Following:
    """One run of a harvest of one ICAT.

    Parameters
    ----------
    icat, whole
        Whom to ask.
    cursor : mapping or None
        ``marks``: what the run before saw of each entity; ``full``: when all was last read;
        ``run``: of one that was broken off, what it was to read and up to where it is done.
    full_every : timedelta
        How often all is read, for what ICAT keeps no trace of: parts that were deleted.
    """

    def __init__(
        self,
        icat: Icat,
        whole: Whole,
        cursor: Cursor | None,
        *,
        now: datetime,
        full_every: timedelta,
    ) -> None:
        self._icat = icat
        self._whole = whole
        given_cursor = cursor or {}
        self._marks: dict[str, Any] = dict(mapping(given_cursor.get("marks")))
        self._full = str(given_cursor.get("full") or "")
        self._run: dict[str, Any] = dict(mapping(given_cursor.get("run")))
        self._now = now
        self._full_every = full_every
        self._done: set[tuple[str, int]] = set()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what there is to read.

        Raises
        ------
        Failed
        """
        if not self._run:
            oldest = (self._now - self._full_every).isoformat()
            is_full = not self._marks or self._full < oldest
            self._run = {
                "new": await self._seen(),
                "is_full": is_full,
                "begun": self._now.isoformat(),
                "stage": 0,
                "after": -1,
            }
        stages = self._all() if self._run["is_full"] else self._changed()
        async for batch in stages:
            yield batch
        full = self._run["begun"] if self._run["is_full"] else self._full
        yield Batch(raws=(), cursor={"marks": self._run["new"], "full": full})

    async def _traces(self) -> list[Trace]:
        version = await self._icat.version()
        return [trace for trace in TRACES if trace.since <= version]

    async def _seen(self) -> dict[str, Any]:
        """Return the newest time of change of each entity, and how many changed about then."""
        seen: dict[str, Any] = {}
        for entity in dict.fromkeys(trace.entity for trace in await self._traces()):
            select = Select(entity=entity, alias="e")
            answer = await self._icat.one(select.text(what="MAX(e.modTime)"))
            if answer is None:
                seen[entity] = None
                continue
            newest = moment(answer)
            if newest is None:
                raise self._icat.garbage(f"tells no time when a {entity} changed last")
            select.where.append(f"e.modTime >= {literal(newest - OVERLAP)}")
            number = await self._icat.count(select)
            mark = {"newest": newest.isoformat(), "count": number, "times": 1}
            before = mapping(self._marks.get(entity))
            if {**before, "times": 1} == mark:
                mark["times"] = min(int(before["times"]) + 1, _OFTEN_ENOUGH + 1)
            seen[entity] = mark
        return seen

    async def _all(self) -> AsyncIterator[Batch]:
        for stage, kind in enumerate(_KINDS):
            if stage < self._run["stage"]:
                continue
            select = Select(entity=ENTITIES[kind], alias="e")
            async for page in self._icat.ids(select, after=self._after(stage), size=PAGE):
                raws = await self._whole.raws(kind, [number for number, _ in page])
                yield Batch(raws=raws, cursor=self._at(stage, page[-1][0]))

    async def _changed(self) -> AsyncIterator[Batch]:
        for stage, trace in enumerate(await self._traces()):
            if stage < self._run["stage"]:
                continue
            select = self._since(trace)
            if select is None:
                continue
            async for page in self._icat.ids(
                select,
                what=f"e.{trace.path}" if trace.path else "",
                after=self._after(stage),
                size=PAGE,
            ):
                cursor = self._at(stage, page[-1][0])
                async for ids in self._led_to(trace, page):
                    raws = await self._whole.raws(trace.kind, ids)
                    # the page is done only when all that it leads to has been read
                    yield Batch(raws=raws, cursor=self._at(stage, self._after(stage)))
                yield Batch(raws=(), cursor=cursor)
                self._run |= {"stage": stage, "after": page[-1][0]}

    def _since(self, trace: Trace) -> Select | None:
        """Return what may have changed, None if it is known that nothing has."""
        old = mapping(self._marks.get(trace.entity))
        new = mapping(self._run["new"].get(trace.entity))
        if not new or int(new["times"]) > _OFTEN_ENOUGH:
            return None
        select = Select(entity=trace.entity, alias="e")
        since = moment(old.get("newest"))
        if since is not None:
            select.where.append(f"e.modTime >= {literal(since - OVERLAP)}")
        return select

    async def _led_to(
        self, trace: Trace, page: Sequence[tuple[int, int | None]]
    ) -> AsyncIterator[list[int]]:
        numbers = [number for number, _ in page]
        if trace.below:
            async for ids in self._whole.below(trace.below, numbers):
                yield self._fresh(trace.kind, ids)
            return
        targets = [other for _, other in page] if trace.path else numbers
        yield self._fresh(trace.kind, [item for item in targets if item is not None])

    def _fresh(self, kind: str, ids: Iterable[int]) -> list[int]:
        """Return the ids that were not read in this run."""
        found = [number for number in dict.fromkeys(ids) if (kind, number) not in self._done]
        if len(self._done) < _MOST_REMEMBERED:
            self._done.update((kind, number) for number in found)
        return found

    def _after(self, stage: int) -> int:
        is_here = stage == self._run["stage"]
        return int(self._run["after"]) if is_here else -1

    def _at(self, stage: int, after: int) -> dict[str, Any]:
        run = {**self._run, "stage": stage, "after": after}
        return {"marks": self._marks, "full": self._full, "run": run}


async def sweep(icat: Icat) -> AsyncIterator[Sequence[tuple[str, str]]]:
    """Yield every id, in their order, and make sure that none was left out.

    Raises
    ------
    Failed
        If fewer came than ICAT counts.
    """
    for kind in _KINDS:
        select = Select(entity=ENTITIES[kind], alias="e")
        before = await icat.count(select)
        seen = 0
        async for page in icat.ids(select):
            seen += len(page)
            yield [(kind, str(number)) for number, _ in page]
        if seen < min(before, await icat.count(select)):
            raise icat.garbage(f"lists fewer {kind}s than it counts")
