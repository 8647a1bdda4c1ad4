"""Parts of arrays: what has to be read is planned here, and read in the lanes of `files.lanes`.

A long answer is read a band at a time, each when the one before it was sent, so that memory does
not grow with what is asked. What costs much to decode goes to the slow lane.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import anyio.to_thread
import numpy as np
import orjson

from panosc.data import formats, reader
from panosc.data.admitting import Located
from panosc.data.handles import Handles
from panosc.data.partial import Moments
from panosc.data.questions import Question
from panosc.data.reader import File
from panosc.domain.errors import Invalid, TooLarge, Unreachable, Unreadable
from panosc.files.chunks import reading
from panosc.files.chunks.endless import settled
from panosc.files.chunks.mapping import Finder, Found, VirtualPlan, plan_virtual
from panosc.files.chunks.planning import Plan, Rows, grid_of, plan, way_of
from panosc.files.chunks.selection import Selection, bands, parse
from panosc.files.index.contents import Array
from panosc.files.index.telling import FileIndex
from panosc.files.lanes import Answer, Lane, Lanes
from panosc.files.storage.places import Store
from panosc.files.tiers import online_file

BAND_BYTES: Final = 8 * 2**20
"""Most bytes that are read at once for one answer."""
SLOW_BYTES: Final = 8 * 2**20
"""What decodes more than this waits in the slow lane."""
SHORT_BYTES: Final = 256 * 2**10
"""Plain values up to so many bytes are read without a process of their own."""
SHORT_THREADS: Final = 8
SETTLED_S, MOST_SETTLED = 5.0, 64
"""How long extents that depend on other files are believed, and how many."""
FEW_CHUNKS: Final = 20_000
MOST_FILES: Final = 256
_WHOLE_TABLE: Final = 4096
"""Chunks of an array whose table is looked at as a whole."""
_READER: Final = "panosc.data.reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a path led: through links perhaps into another file of the dataset."""

    located: Located
    index: FileIndex
    path: str
    number: int


Sources = Callable[[Place, str, str], Place]
"""Finds a source of a virtual dataset by file and path, among the files of the dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An answer that has to be read: whole, or in bands."""

    file: File
    path: str
    array: Array
    rows: Rows
    find: Finder
    """Finds the sources of a virtual dataset."""
    selection: Selection
    form: formats.Form
    is_safe: bool
    is_flat: bool

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of what is sent."""
        found: np.dtype[Any] = np.dtype(self.array.dtype)
        return formats.safe_dtype(found) if self.is_safe else found


class Slices:
    """Reads parts of arrays.

    Parameters
    ----------
    lanes : Lanes
    limit_bytes : int
        Most bytes of one answer.
    stores : sequence of Store
        Where files may lie beside this machine.
    """

    def __init__(self, lanes: Lanes, *, limit_bytes: int, stores: tuple[Store, ...] = ()) -> None:
        self.lanes = lanes
        self._limit = limit_bytes
        self._stores = stores
        self.handles = Handles()
        """Of the event loop's thread."""
        self._files: dict[tuple[str, str, int, int], File] = {}
        self._packing = reader.Packing()
        self._settled: dict[tuple[Any, ...], Array] = {}
        self._threads = ThreadPoolExecutor(SHORT_THREADS, thread_name_prefix="short-reads")

    def online(self, located: Located) -> File:
        """Return the file where it may be opened.

        Raises
        ------
        Unreadable
            If it is on tape, was removed, or is nowhere that this node reads from.
        """
        located.require_online()
        key = (located.url, located.tier, located.size, located.mtime_ns)
        known = self._files.get(key)
        if known is not None:
            return known
        found = online_file(
            located.url,
            located.tier,
            size=located.size,
            mtime_ns=located.mtime_ns,
            stores=self._stores,
        )
        file = File(path=found.path, size=found.size, mtime_ns=found.mtime_ns, place=found.place)
        if file.place is None:
            if len(self._files) >= MOST_FILES:
                self._files.clear()
            self._files[key] = file
        return file

    def plan(self, place: Place, sources: Sources, question: Question) -> bytes | Job:
        """Return what has to be read for an answer, or the answer where the index has it.

        Raises
        ------
        Invalid, TooLarge, NotFound, Unreadable
        """
        path = place.path
        array = self.array_of(place, sources)
        if array.layout == "refused":
            raise Unreadable(f"{path} cannot be read: {array.why}.", reason=array.why or "refused")
        if array.shape is None:
            return b"null" if question.what == "data" else orjson.dumps(Moments().told())
        selection = parse(question.selection, array.shape)
        if question.what == "data":
            formats.check(question.form, selection.shape, array.dtype, is_safe=question.is_safe)
        elif not array.dtype or np.dtype(array.dtype).kind not in "biuf":
            raise Invalid(
                f"{path} holds no numbers.", field="path", hint="There are none to compute with."
            )
        if array.layout == "values":
            return _known(array, selection, is_flat=question.is_flat)
        job = Job(
            file=self.online(place.located),
            path=path,
            array=array,
            rows=_rows(place, array, selection),
            find=self._finder(place, sources),
            selection=selection,
            form=question.form,
            is_safe=question.is_safe,
            is_flat=question.is_flat,
        )
        size = selection.points * (job.dtype.itemsize if array.dtype else 1)
        if question.what == "data" and size > self._limit:
            raise TooLarge(
                f"The answer would have {size:,} bytes; one answer has at most {self._limit:,}.",
                limit=self._limit,
                hint="Ask for parts of it, such as selection=0:100, one after the other. "
                "The Python client does so by itself.",
            )
        return job

    def array_of(self, place: Place, sources: Sources) -> Array:
        """Return the array at a place, of one without an end as long as its sources are now.

        Raises
        ------
        Invalid, Unreadable
        """
        array = place.index.array_of(place.number, place.path)
        if not array.is_endless:
            return array
        located = place.located
        key = (located, place.number, time.monotonic() // SETTLED_S)
        known = self._settled.get(key)
        if known is None:
            known = settled(array, self._finder(place, sources))
            if len(self._settled) >= MOST_SETTLED:
                self._settled.clear()
            if located.is_public:
                self._settled[key] = known
        return known

    def is_light(self, place: Place) -> bool:
        """Whether `plan` takes less than it takes to hand it to a thread."""
        array = place.index.array_of(place.number, place.path)
        if array.layout == "contiguous":
            return True
        return (
            array.layout == "chunked"
            and bool(array.shape)
            and math.prod(grid_of(array.shape or (), array.chunks)) <= FEW_CHUNKS
        )

    async def read(self, job: Job) -> tuple[bytes, AsyncIterator[bytes] | None, int]:
        """Return the whole answer, or its first part, an iterator over all parts and their size.

        Raises
        ------
        Unreadable, TooLarge, Busy, Unavailable
        """
        head = b""
        if job.form == "npy":
            head = formats.npy_head(job.selection.shape, job.dtype)
        size = job.selection.points * job.dtype.itemsize if job.array.dtype else 0
        if job.form not in {"bin", "npy"} or size <= BAND_BYTES:
            return await self._band(job, job.selection, head), None, 0
        parts = bands(job.selection, job.dtype.itemsize, BAND_BYTES, chunks=job.array.chunks)
        # what cannot be read is told by the status, which is sent before all else
        first = await self._band(job, next(parts), head, form="bin")
        return first, self._bands(job, first, parts), size + len(head)

    async def stats(self, job: Job) -> bytes:
        """Return extremes, mean and standard deviation as JSON, as h5grove names them.

        Raises
        ------
        Unreadable, TooLarge, Busy, Unavailable
        """
        found = Moments()
        item = np.dtype(job.array.dtype).itemsize
        # all of it has the time of one part: of a tebibyte nobody waits for the end
        end = time.monotonic() + self.lanes.limit_s
        for part in bands(job.selection, item, BAND_BYTES, chunks=job.array.chunks):
            if time.monotonic() > end:
                raise _unreadable("time-limit", "all of it takes too long; ask for parts of it")
            planned = await self._planned(job, part)
            answer = await self._run(planned.cost, "moments", job.file, planned)
            found = found.with_(Moments(*answer.outcome.value))
        return orjson.dumps(found.told())

    async def _bands(
        self, job: Job, first: bytes, parts: Iterator[Selection]
    ) -> AsyncIterator[bytes]:
        yield first
        for part in parts:
            yield await self._band(job, part, b"", form="bin")

    async def _band(
        self, job: Job, selection: Selection, head: bytes, *, form: formats.Form | None = None
    ) -> bytes:
        wanted = form or ("bin" if job.form == "npy" else job.form)
        how = (wanted, job.is_safe, job.is_flat)
        if way_of(job.array) == "library":
            answer = await self._run(SLOW_BYTES, "by_library", job.file, job.path, selection, how)
        else:
            planned = await self._planned(job, selection)
            # also what costs nothing to read takes its time to be written as text
            cost = max(planned.cost, selection.points * formats.WEIGHTS.get(wanted, 0))
            if cost <= SHORT_BYTES and _is_short(planned, job.file):
                return head + await self._short(job, planned, how)
            if isinstance(planned, Plan):
                answer = await self._run(cost, "part", *self._told(job, planned), how)
            else:
                answer = await self._run(cost, "numbers", job.file, planned, how)
        return head + answer.body if head else answer.body

    def _told(self, job: Job, planned: Plan) -> tuple[Any, ...]:
        """Return what a reader is told of a plan, in few bytes."""
        packed = self._packing.of(job.file, job.array, planned)
        spans = [
            (span.start, span.stop, span.step, span.is_single) for span in planned.selection.spans
        ]
        return packed, tuple(spans), planned.rows, planned.touched

    async def _short(self, job: Job, planned: Plan, how: reader.How) -> bytes:
        """Read what needs no decoding, and no process for it."""
        at_hand = self._at_hand(job, planned, how)
        if at_hand is not None:
            return at_hand
        loop = asyncio.get_running_loop()
        try:
            found, source = await loop.run_in_executor(
                self._threads, reader.plain, job.file, planned, how
            )
        except Unreadable as error:
            raise _unreadable(error.reason, error.detail) from None
        self.handles.keep(job.file, source)
        return found

    def _at_hand(self, job: Job, planned: Plan, how: reader.How) -> bytes | None:
        """Return what can be read without waiting for anything; None if that is not all."""
        source = self.handles.get(job.file)
        if source is None:
            return None
        try:
            found = reader.told(reading.read(source, planned), how)
            return found if source.is_same() else None
        except (OSError, Unreadable):
            # whatever it is, it is told by who opens the file anew
            return None

    def close(self) -> None:
        """Close the files that are open."""
        self._threads.shutdown()
        self.handles.close()

    async def _planned(self, job: Job, selection: Selection) -> Plan | VirtualPlan:
        if job.array.layout == "virtual":
            # the indexes of its sources may have to be made first
            return await anyio.to_thread.run_sync(plan_virtual, job.array, selection, job.find)
        return plan(job.array, job.rows, selection)

    def _finder(self, place: Place, sources: Sources) -> Finder:
        def find(file: str, path: str) -> Found:
            there = sources(place, file, path)
            return Found(
                token=self.online(there.located),
                array=there.index.array_of(there.number, there.path),
                rows=there.index.table(there.number),
                path=there.path,
                find=self._finder(there, sources),
            )

        return find

    async def _run(self, cost: int, function: str, *arguments: Any) -> Answer:
        lane: Lane = "quick" if cost < SLOW_BYTES else "slow"
        answer = await self.lanes.run(lane, f"{_READER}:{function}", *arguments)
        outcome = answer.outcome
        if outcome.reason is not None:
            raise _unreadable(outcome.reason, outcome.detail)
        return answer


def _unreadable(reason: str, detail: str) -> Unreadable:
    if reason == "changed":
        return Unreadable(
            "The file has changed since it was registered.",
            reason=reason,
            hint="Ingest it again.",
        )
    if reason == "gone":
        return Unreadable("The file is not where it was registered.", reason=reason)
    if reason == "not-reachable":
        return Unreachable(detail)
    return Unreadable(f"This cannot be read: {detail}.", reason=reason)


def _is_short(planned: Plan | VirtualPlan, file: File) -> TypeGuard[Plan]:
    return (
        isinstance(planned, Plan)
        and planned.layout == "contiguous"
        # what was never written costs nothing to read, and may be long all the same
        and planned.output_bytes <= SHORT_BYTES
        and file.place is None
    )


def _rows(place: Place, array: Array, selection: Selection) -> Rows:
    """Return the rows of the table between the first and the last chunk that is needed."""
    if array.layout != "chunked" or not array.shape or not selection.points:
        return place.index.rows(place.number, 0, -1)
    first = last = 0
    grid = grid_of(array.shape, array.chunks)
    if math.prod(grid) <= _WHOLE_TABLE:
        return place.index.table(place.number)
    for span, chunk, extent in zip(selection.spans, array.chunks, grid, strict=True):
        first = first * extent + span.start // chunk
        last = last * extent + span.last // chunk
    return place.index.rows(place.number, first, last)


def _known(array: Array, selection: Selection, *, is_flat: bool) -> bytes:
    """Return a part of what the index keeps of short and variable values."""
    value = orjson.loads(array.values)
    found = _picked(value, selection, 0)
    if is_flat:
        for _ in range(len(selection.shape) - 1):
            found = [item for row in found for item in row]
    return orjson.dumps(found)


def _picked(value: Any, selection: Selection, depth: int) -> Any:
    if depth == len(selection.spans):
        return value
    span = selection.spans[depth]
    items = [
        _picked(item, selection, depth + 1) for item in value[span.start : span.stop : span.step]
    ]
    return items[0] if span.is_single else items
