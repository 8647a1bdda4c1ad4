"""One question to all catalogues at once: the way in for pages, routes and the command line.

Whoever asks waits for all catalogues or the deadline, and is told how each fared. Other catalogues
are never told who asks; they are asked for what anyone may see.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.domain.query import Query
from panosc.federation.live import fetching
from panosc.federation.live.answer import HERE, Fate, Merged
from panosc.federation.live.calls.tallying import Tally
from panosc.federation.live.gathering import Gathering
from panosc.federation.live.listing import Listed, Listing
from panosc.federation.live.posting import Post, Posting
from panosc.federation.live.records.merging import Acquaintance, Merging, Own
from panosc.federation.live.records.shaping import Shaped
from panosc.federation.live.records.taking import Brought
from panosc.search.service import Answer, SearchService
from panosc.settings import Settings

_COUNTED = 100
"""Records that are looked at to count where a catalogue can neither filter nor count."""
_SEARCHERS = 4
_AT_WORK = 2
"""Threads that put questions or merge answers at once: were it all that wait, what others answer
would be heard too late, and they be taken for down."""


class Fanout:
    """Asks all catalogues; one for each web process. Nothing runs before the first question.

    Parameters
    ----------
    engine : Engine
    settings : Settings
    clock : callable
    local : SearchService
        This node's own catalogue, which is one of them: `HERE`.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        local: SearchService,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._local = local
        self._listing = Listing(engine)
        self._posting = Posting(settings, Tally(engine, clock))
        self._searchers = ThreadPoolExecutor(_SEARCHERS, "searching here")
        self._turns = threading.Semaphore(_AT_WORK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._posting.close()
        self._searchers.shutdown()

    def has_live(self) -> bool:
        """Whether any other catalogue is asked live."""
        return bool(self._listing.live())

    def ask(
        self,
        who: Who,
        query: Query,
        *,
        deadline_s: float | None = None,
        names: Collection[str] | None = None,
    ) -> Merged:
        """Return what all catalogues answer, or as many as do by the deadline.

        Parameters
        ----------
        who : Who
            Decides what of this node's own catalogue is seen.
        query : Query
        deadline_s : float, optional
            As the settings have it when not given.
        names : collection of str, optional
            Only these catalogues are asked; `HERE` is this node.

        Raises
        ------
        Invalid, BadFilter
            If the question cannot be asked.
        """
        gathering, post = self._begun(who, query, deadline_s, names)
        for name, answer in post.received():
            gathering.add(name, answer)
        with self._turns:
            return gathering.merged(is_final=True)

    def stream(
        self,
        who: Who,
        query: Query,
        *,
        deadline_s: float | None = None,
        names: Collection[str] | None = None,
    ) -> Iterator[Merged]:
        """Yield the whole answer as it then is, each time that a catalogue has answered.

        In the last one no catalogue is pending.

        Raises
        ------
        Invalid, BadFilter
        """
        gathering, post = self._begun(who, query, deadline_s, names)
        return _streamed(gathering, post, self._turns)

    def count(
        self, who: Who, query: Query, *, names: Collection[str] | None = None
    ) -> tuple[int, Sequence[Fate]]:
        """Return how many records fit in all catalogues, as far as that can be known."""
        merged = self.ask(who, replace(query, limit=_COUNTED, skip=0), names=names)
        return merged.total, merged.fates

    def get(
        self, who: Who, model: str, pid: str, query: Query | None = None
    ) -> dict[str, Any] | None:
        """Return one record from wherever it is, this node first; None if nobody knows it.

        Raises
        ------
        Gone
            If it was erased here.
        Upstream
            If the catalogue that it is of does not answer.
        """
        asked = query or Query(model=model)
        shaped = fetching.shaped(asked, pid)
        tellers = frozenset(one.name for one in self._listing.live() if one.has_told)
        merging = Merging(shaped, Acquaintance(self._engine, model, tellers))
        with suppress(NotFound):
            item = self._local.get(who, model, pid, asked)
            own = Own(items=[item | {"pid": pid}], total=1, is_least=False)
            [found] = merging.merged(own, {}, []).items
            return item | {name: found[name] for name in ("sources", "home") if name in found}
        fetched = self._fetched(shaped, pid)
        if fetched is None:
            return None
        [found] = merging.merged(None, fetched, []).items
        return {name: value for name, value in found.items() if name != "score"}

    def files(self, who: Who, pid: str, query: Query) -> Answer | None:
        """Return the files of one dataset from wherever it is; None if nobody knows it.

        Raises
        ------
        Upstream
            If the catalogue that it is of does not answer.
        """
        with suppress(NotFound):
            return self._local.files(who, pid, query)
        fetched = self._fetched(fetching.shaped(fetching.with_files(), pid), pid)
        if fetched is None:
            return None
        [brought] = fetched.values()
        return fetching.files(brought.hits[0].item, query)

    def _begun(
        self,
        who: Who,
        query: Query,
        deadline_s: float | None,
        names: Collection[str] | None,
    ) -> tuple[Gathering, Post]:
        shaped = Shaped(query)
        listed = [one for one in self._listing.live() if names is None or one.name in names]
        is_here = names is None or HERE in names
        post = Post(
            deadline_s or self._settings.federation_deadline_s, self._settings.query_time_limit_s
        )
        with self._turns:
            self._posting.put(listed, shaped.beyond, post)
        if is_here:
            post.need(HERE)
            self._searchers.submit(self._here, who, shaped.here, post)
        tellers = frozenset(one.name for one in listed if one.has_told)
        merging = Merging(shaped, Acquaintance(self._engine, query.model, tellers))
        here = self._settings.facility if is_here else None
        return Gathering(shaped, merging, listed, here), post

    def _fetched(self, shaped: Shaped, pid: str) -> Mapping[str, Brought] | None:
        def ask(some: Sequence[Listed]) -> Iterator[tuple[str, Brought]]:
            post = Post(self._settings.federation_deadline_s)
            self._posting.put(some, shaped.beyond, post)
            return post.received()

        return fetching.fetched(self._listing.live(), pid, ask)

    def _here(self, who: Who, query: Query, post: Post) -> None:
        begun = time.monotonic()
        try:
            answer = self._local.answer(who, query)
            items = list(answer.items)
        except Exception as error:
            # it is raised where the answer is waited for
            post.put(HERE, error)
            return
        seconds = time.monotonic() - begun
        found = Own(items=items, total=answer.total, is_least=answer.is_least, seconds=seconds)
        post.put(HERE, found)


def _streamed(gathering: Gathering, post: Post, turns: threading.Semaphore) -> Iterator[Merged]:
    for name, answer in post.received():
        gathering.add(name, answer)
        if not gathering.is_whole:
            with turns:
                merged = gathering.merged(is_final=False)
            yield merged
    with turns:
        merged = gathering.merged(is_final=True)
    yield merged
