"""What a file holds, and parts of its arrays: answered from its index where the index knows.

Trees and attributes come from the index alone, so that they cost no look at the file. Of arrays
just the chunks that are asked for are read, in confined processes (`files.lanes`); a question that
needs much waits in a lane of its own. Answers of more than a band are read and sent in pieces.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Self

import anyio.to_thread
import orjson

from panosc.data.admitting import Admission, Located
from panosc.data.formats import MEDIA_TYPES
from panosc.data.overviews.service import Overviews
from panosc.data.questions import Question, path_of
from panosc.data.slices import Job, Place, Slices
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import NotFound, PanoscError, Unreadable
from panosc.files.chunks.selection import parse
from panosc.files.index.indexing import PRELOAD, Indexer
from panosc.files.index.keeping import IndexStore
from panosc.files.index.telling import Elsewhere, Face, FileIndex
from panosc.files.index.walking import beside
from panosc.files.lanes import Lanes
from panosc.files.storage.places import modules_for, stores_of
from panosc.files.workers import Pool
from panosc.settings import Settings

LINKS: Final = 8
"""Most files that one path leads through."""
INDEXERS: Final = 2
SLOW_READERS: Final = 1
AREA_BYTES: Final = 512 * 2**20
"""Room for one answer of a reading process; what is not used takes no memory."""
MOST_PLACES: Final = 4096
"""Arrays that were asked for lately, and lie in the file itself."""
KEPT_BYTES: Final = 64 * 2**20
LARGEST_KEPT: Final = 2**20
_NAMES: Final = {"csv": "data.csv", "npy": "data.npy", "tiff": "data.tiff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: all of it, or pieces of it that are `size` bytes together."""

    media_type: str
    body: bytes = b""
    pieces: AsyncIterator[bytes] | None = None
    size: int = 0
    file_name: str | None = None
    """Under which it is kept, for what is not shown."""


class DataService:
    """Answers questions on files of datasets; see `build`.

    Parameters
    ----------
    admission : Admission
    indexer : Indexer
    slices : Slices
    overviews : Overviews, optional
        Whose statistics need no second reading.
    close : callables
        What ends the processes of these.
    """

    def __init__(
        self,
        admission: Admission,
        indexer: Indexer,
        slices: Slices,
        *,
        overviews: Overviews | None = None,
        close: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._close = close
        self._overviews = overviews
        self.admission = admission
        self.indexer = indexer
        self.slices = slices
        self._kept = _Kept(KEPT_BYTES)
        self._asked: dict[tuple[str, str | None], asyncio.Task[Located]] = {}
        self._places: dict[tuple[str, int, int, str], Place] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for close in self._close:
            close()

    async def locate(self, who: Who, pid: str, name: str | None) -> Located:
        """Return the file that is asked for, if `who` may have it: see `Admission.locate`."""
        found = self.admission.remembered(who, pid, name)
        if found is not None:
            return found
        if who != ANYONE:
            return await anyio.to_thread.run_sync(self.admission.locate, who, pid, name)
        asked = self._asked.get((pid, name))
        if asked is None:
            # whoever asks the same meanwhile has the same answer, which holds for a moment anyway
            asked = asyncio.create_task(
                anyio.to_thread.run_sync(self.admission.locate, who, pid, name)
            )
            self._asked[pid, name] = asked
            asked.add_done_callback(partial(self._located, (pid, name)))
        return await asyncio.shield(asked)

    def _located(self, key: tuple[str, str | None], asked: "asyncio.Task[Located]") -> None:
        del self._asked[key]
        if not asked.cancelled():
            # whoever asked may be gone by now
            asked.exception()

    async def answer(self, who: Who, located: Located, question: Question) -> Reply:
        """Answer a question on a file that `who` was admitted to.

        Raises
        ------
        NotFound
            If there is nothing at the path.
        Invalid, TooLarge
            If the question cannot be answered.
        Unreadable
            If the file, or this part of it, cannot be read, with the reason.
        """
        tag = question.tag(located)
        kept = self._kept.get(tag)
        if kept is not None:
            return Reply(media_type="application/json", body=kept)
        found = self._at_hand(who, located, question)
        if found is None:
            found = await anyio.to_thread.run_sync(self._prepare, who, located, question)
        if isinstance(found, bytes):
            return Reply(media_type="application/json", body=found)
        if question.what == "stats":
            return Reply(media_type="application/json", body=await self.slices.stats(found))
        media_type, file_name = MEDIA_TYPES[question.form], _NAMES.get(question.form)
        first, pieces, size = await self.slices.read(found)
        if pieces is None:
            return Reply(media_type=media_type, body=first, file_name=file_name)
        return Reply(media_type=media_type, pieces=pieces, size=size, file_name=file_name)

    def index(self, located: Located) -> FileIndex:
        """Return the index of a file, made now if there is none; for threads.

        Raises
        ------
        Unreadable, Unavailable
        """
        try:
            return self.indexer.index_of(located)
        except Unreadable as error:
            if error.reason == "nearline":
                located.require_online()
            raise Unreadable(
                f"{located.name} cannot be read: {error.detail}.",
                reason=error.reason,
                hint=error.hint,
            ) from None

    def look(self, who: Who, pid: str, question: Question) -> bytes:
        """Answer a question that the index knows the answer to; for threads.

        Raises
        ------
        As `answer`, and as `Admission.locate`.
        """
        located = self.admission.locate(who, pid, question.file)
        found = self._prepare(who, located, question)
        if not isinstance(found, bytes):
            raise NotFound(f"There is no {question.what} at {question.path}.")
        return found

    def left_out(self, who: Who, pid: str, file: str | None) -> tuple[str, ...]:
        """Return what of a file is not told, for it is too much; for threads.

        Raises
        ------
        As `look`.
        """
        return self.index(self.admission.locate(who, pid, file)).left_out

    def _at_hand(self, who: Who, located: Located, question: Question) -> "bytes | Job | None":
        """Return what has to be read, where that is known without waiting for anything."""
        place = self._places.get((located.url, located.size, located.mtime_ns, question.path))
        if place is None or question.what != "data":
            return None
        if place.located is not located:
            # its tier may be another now
            place = replace(place, located=located)
            self._remember(place)
        return self.slices.plan(place, partial(self.source, who), question)

    def _remember(self, place: Place) -> None:
        located = place.located
        if not self.slices.is_light(place):
            return
        if len(self._places) >= MOST_PLACES:
            self._places.clear()
        self._places[(located.url, located.size, located.mtime_ns, place.path)] = place

    def _prepare(self, who: Who, located: Located, question: Question) -> "bytes | Job":
        match question.what:
            case "meta":
                beyond = _Beyond(self, who, located)
                found = self._meta(who, located, question, beyond)
                if not beyond.was_asked:
                    # it depends on this file alone
                    self._kept.put(question.tag(located), found)
                return found
            case "attr":
                place = self._place(who, located, question.path)
                names = None if question.names is None else list(question.names)
                return place.index.attributes(place.path, names)
            case "paths":
                place = self._place(who, located, question.path)
                beyond = _Beyond(self, who, place.located)
                return place.index.paths(place.path, question.resolve, beyond)
            case _:
                place = self._place(who, located, question.path)
                kept = self._statistics(place, question) if question.what == "stats" else None
                if kept is not None:
                    return kept
                if place.located is located:
                    self._remember(place)
                return self.slices.plan(place, partial(self.source, who), question)

    def _statistics(self, place: Place, question: Question) -> bytes | None:
        """Return the statistics that an overview keeps of all that is asked for."""
        array = place.index.array_of(place.number, place.path)
        shape = array.shape
        if self._overviews is None or not shape or array.is_endless:
            return None
        found = self._overviews.statistics(
            place.located.pid,
            place.path,
            file=place.located.name,
            part=parse(question.selection, shape),
        )
        return None if found is None else orjson.dumps(found)

    def _meta(self, who: Who, located: Located, question: Question, beyond: "_Beyond") -> bytes:
        index = self.index(located)
        try:
            return index.meta(question.path, question.resolve, beyond)
        except Elsewhere as link:
            beyond.was_asked = True
            try:
                place = self.follow(who, located, link, left=LINKS)
            except NotFound:
                if question.resolve != "only_valid":
                    raise
                return index.meta(question.path, "none")
            content = orjson.loads(
                place.index.meta(place.path, question.resolve, _Beyond(self, who, place.located))
            )
            # it is called as whoever asks calls it
            return orjson.dumps(content | {"name": question.path.rpartition("/")[2]})

    def source(self, who: Who, place: Place, file: str, path: str) -> Place:
        """Return where a source of a virtual dataset lies, among the files of its dataset alone.

        Raises
        ------
        NotFound
        """
        if file in {".", ""}:
            return self._place(who, place.located, path_of(path))
        return self.follow(who, place.located, Elsewhere(file, path), left=LINKS)

    def _place(self, who: Who, located: Located, path: str, *, left: int = LINKS) -> Place:
        """Return where a path leads, in this file or through links in another of the dataset."""
        index = self.index(located)
        try:
            number = index.number(path)
        except Elsewhere as link:
            return self.follow(who, located, link, left=left)
        return Place(located=located, index=index, path=path, number=number)

    def follow(self, who: Who, located: Located, link: Elsewhere, *, left: int) -> Place:
        """Return where a link to another file leads, if that is of the dataset.

        Raises
        ------
        NotFound
        """
        name = beside(located.name, link.file)
        if not left:
            raise NotFound("Links lead from file to file, on and on.")
        if name is None:
            raise NotFound(f"{link.path} lies in {link.file[:200]}, which is not of this dataset.")
        try:
            there = self.admission.locate(who, located.pid, name)
        except NotFound:
            raise NotFound(
                f"{link.path} lies in {link.file[:200]}, which this dataset does not have."
            ) from None
        return self._place(who, there, path_of(link.path), left=left - 1)


def build(
    settings: Settings, admission: Admission, overviews: Overviews | None = None
) -> DataService:
    """Return the service of a node; its processes start when they are needed."""
    memory_mb, time_limit_s = settings.file_memory_mb, settings.file_time_limit_s
    stores = stores_of(settings)
    beyond = modules_for(stores)
    pool = Pool(
        workers=INDEXERS,
        memory_mb=memory_mb,
        time_limit_s=time_limit_s,
        preload=[*PRELOAD, *beyond],
    )
    lanes = Lanes(
        quick=settings.data_readers,
        slow=SLOW_READERS,
        memory_mb=memory_mb,
        time_limit_s=time_limit_s,
        area_bytes=AREA_BYTES,
        preload=["hdf5plugin", "panosc.data.reader", *beyond],
    )
    indexer = Indexer(IndexStore(settings.home / "derived" / "index"), pool, stores=stores)
    slices = Slices(lanes, limit_bytes=settings.data_answer_mb * 2**20, stores=stores)
    close = (pool.close, lanes.close, slices.close)
    return DataService(admission, indexer, slices, overviews=overviews, close=close)


@dataclass(slots=True)
class _Beyond:
    """What links to other files of the dataset lead to; nothing where they may not be followed."""

    service: DataService
    who: Who
    located: Located
    was_asked: bool = False

    def __call__(self, file: str, path: str) -> Face | None:
        self.was_asked = True
        link = Elsewhere(file, path)
        try:
            place = self.service.follow(self.who, self.located, link, left=LINKS)
            return place.index.face(place.path, _Beyond(self.service, self.who, place.located))
        except PanoscError:
            return None

    def extent(self, index: FileIndex, number: int) -> tuple[int, ...] | None:
        """Return how long an array is whose length its sources say; None where they do not."""
        self.was_asked = True
        place = Place(located=self.located, index=index, path="It", number=number)
        try:
            found = self.service.slices.array_of(place, partial(self.service.source, self.who))
        except PanoscError:
            return None
        return found.shape


class _Kept:
    """Answers that were asked for lately, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        with self._lock:
            found = self._answers.get(tag)
            if found is not None:
                self._answers.move_to_end(tag)
            return found

    def put(self, tag: str, answer: bytes) -> None:
        if len(answer) > LARGEST_KEPT:
            return
        with self._lock:
            self._size += len(answer) - len(self._answers.pop(tag, b""))
            self._answers[tag] = answer
            while self._size > self._most:
                _, dropped = self._answers.popitem(last=False)
                self._size -= len(dropped)
