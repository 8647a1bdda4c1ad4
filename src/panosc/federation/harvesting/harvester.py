"""One harvest of a catalogue: what it was asked, what it brought, where the next one goes on.

Each batch is one transaction, with the cursor after it. A run that is killed has done whole
batches, and the next goes on after them. How a batch becomes records is `keeping`.
"""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.database import unlimited
from panosc.catalogue.federating.tables import connector as table
from panosc.domain.errors import Conflict, Invalid, PanoscError, Upstream
from panosc.federation.calling import Caller, Patience
from panosc.federation.connectors import connector_of
from panosc.federation.connectors.tree import TreeConnector
from panosc.federation.contract import Batch, Connector, Cursor, Raw
from panosc.federation.harvesting import journal, raws
from panosc.federation.harvesting.keeping import Counts, Keeping
from panosc.federation.harvesting.sweeping import Sweep
from panosc.federation.harvesting.trees import follow
from panosc.federation.source import Source
from panosc.federation.sources import Known, Sources
from panosc.identity.outbound.beyond import Bounds, beyond
from panosc.settings import Settings

LOCK = 0x68617276 << 32
"""Keys of the advisory locks of catalogues begin with this."""
BATCH = 1000
SWEPT_EVERY = timedelta(days=1)
LONGEST_WAIT = timedelta(days=1)
BOUNDS = Bounds(seconds=120.0, limit=64 << 20)
_LOOK_S = 0.5
_c = table.c

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many records have come, and about how many there are."""


def _silent(_what: str, _done: int, _total: int | None) -> None:
    """Say nothing."""


def _always() -> bool:
    return True


class Stopped(Exception):
    """The run was asked to end; what it had is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run is to do beside fetching what changed."""

    by: str
    sweep: bool = False
    """List all records and delete those that are gone, even if that is not due."""
    remap: bool = False
    """Map everything that is kept anew, even if the mapping is the same."""
    force: bool = False
    """Believe a list from which more than half are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run brought."""

    name: str
    counts: Counts = field(default_factory=Counts)
    swept: bool = False

    @property
    def is_partly(self) -> bool:
        """Whether some records could not be taken."""
        return self.counts.refused > 0


class Harvester:
    """Harvests catalogues.

    Parameters
    ----------
    engine : Engine
    settings : Settings
    clock : callable
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self.sources = Sources(engine, clock)

    def harvest(
        self,
        name: str,
        wish: Wish,
        *,
        progress: Progress = _silent,
        goes_on: Callable[[], bool] = _always,
    ) -> Outcome:
        """Fetch what changed at a catalogue since the last time, and bring it in.

        Raises
        ------
        NotFound
        Invalid
            If it cannot be harvested.
        Conflict
            If it is being harvested, or a sweep tells what cannot be believed.
        Upstream
            If it does not answer as it should; what came before is kept.
        Stopped
            If `goes_on` says no.
        """
        known = self.sources.get(name)
        if "changes" not in connector_of(known.source.kind).abilities:
            raise Invalid(f"{name} cannot be harvested: it can only be asked live.", field="name")
        run = _Run(self, known, wish, progress)
        with alone(self._engine, name):
            try:
                outcome = asyncio.run(self._watched(run, goes_on))
            except PanoscError:
                self._put_off(known)
                raise
            self._plan(name, timedelta(seconds=known.source.every_s * _jitter()))
        return outcome

    async def _watched(self, run: "_Run", goes_on: Callable[[], bool]) -> Outcome:
        """Do a run until it ends or is to end."""
        work = asyncio.ensure_future(run.all())
        while not work.done():
            await asyncio.wait([work], timeout=_LOOK_S)
            if not work.done() and not goes_on():
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
                raise Stopped
        return work.result()

    def _put_off(self, known: Known) -> None:
        with self._engine.connect() as connection:
            failures = journal.failures(connection, known.source.name)
        wait = timedelta(seconds=known.source.every_s * 2 ** min(failures, 12) * _jitter())
        self._plan(known.source.name, min(wait, LONGEST_WAIT))

    def _plan(self, name: str, wait: timedelta) -> None:
        due = sa.case((_c.is_harvested, self._clock() + wait))
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(_c.name == name).values(due=due))

    @asynccontextmanager
    async def asking(self, source: Source) -> AsyncIterator[Connector]:
        """Give a connector that asks a catalogue, with patience."""
        async with connecting(self._settings, source) as found:
            yield found

    @property
    def engine(self) -> sa.Engine:
        """Where records are brought to."""
        return self._engine

    @property
    def clock(self) -> Callable[[], datetime]:
        """What time it is."""
        return self._clock

    @property
    def settings(self) -> Settings:
        """The settings of this node."""
        return self._settings


@asynccontextmanager
async def calling(
    settings: Settings, source: Source, patience: Patience | None = None
) -> AsyncIterator[Caller]:
    """Give calls to a catalogue, with large answers."""
    host = urlsplit(source.url).hostname
    trusted = [host] if source.is_private and host is not None else []
    async with beyond(settings, trusted=trusted) as pool:
        yield Caller(pool, source, BOUNDS, patience)


@asynccontextmanager
async def connecting(
    settings: Settings, source: Source, *, is_patient: bool = True
) -> AsyncIterator[Connector]:
    """Give a connector for a harvest or a probe."""
    async with calling(settings, source, Patience() if is_patient else None) as caller:
        yield connector_of(source.kind)(source, caller)


@contextmanager
def alone(engine: sa.Engine, name: str) -> Iterator[None]:
    """Be the only one that is at a catalogue.

    Raises
    ------
    Conflict
        If somebody else is.
    """
    key = LOCK | zlib.crc32(name.encode())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))):
            raise Conflict(
                f"{name} is being harvested by another process.",
                hint="`panosc connector show` tells how far it is.",
            )
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))


def _jitter() -> float:
    return random.uniform(0.9, 1.1)  # noqa: S311 - so that catalogues are not asked all at once


class _Run:
    """All that one harvest does, each part written down as a run of its own."""

    def __init__(self, harvester: Harvester, known: Known, wish: Wish, progress: Progress) -> None:
        self._harvester = harvester
        self._engine = harvester.engine
        self._clock = harvester.clock
        self._known = known
        self._wish = wish
        self._progress = progress
        self._counts = Counts()
        self.name = known.source.name

    async def all(self) -> Outcome:
        """Map anew what was mapped otherwise, fetch what changed, look for what is gone."""
        is_swept = False
        async with self._harvester.asking(self._known.source) as found:
            if self._wish.remap or self._has_older(found):
                await self._part("remap", found, self._remap)
            await self._part("changes", found, self._changes)
            if self._is_sweep_due(found):
                await self._part("sweep", found, self._sweep)
                is_swept = True
        return Outcome(name=self.name, counts=self._counts, swept=is_swept)

    async def _part(
        self,
        kind: journal.Kind,
        found: Connector,
        do: "Callable[[Connector, Keeping, int, Counts], object]",
    ) -> None:
        with self._engine.begin() as connection:
            number = journal.begin(connection, self.name, kind, by=self._wish.by, now=self._clock())
        counts = Counts()
        keeping = Keeping(
            found, self._clock, harvest=number, facility=self._harvester.settings.facility
        )
        state: journal.State = "failed"
        message: str | None = None
        try:
            await do(found, keeping, number, counts)  # type: ignore[misc]
            state = "done"
        except asyncio.CancelledError:
            state = "stopped"
            raise
        except PanoscError as error:
            message = error.detail
            raise
        except SQLAlchemyError as error:
            message = f"The database failed: {getattr(error, 'orig', error)}"
            raise
        except Exception as error:
            message = f"{found.title} failed: {type(error).__name__}: {error}"
            raise Upstream(message, provider=self.name) from error
        finally:
            self._counts.add(counts)
            with suppress(SQLAlchemyError), self._engine.begin() as connection:
                journal.end(
                    connection, number, state, counts=counts, message=message, now=self._clock()
                )

    def _keep(
        self,
        keeping: Keeping,
        given: Sequence[Raw],
        number: int,
        counts: Counts,
        *,
        cursor: Cursor | None = None,
        anew: bool = False,
    ) -> None:
        with self._engine.begin() as connection:
            if cursor is not None:
                connection.execute(
                    sa.update(table).where(_c.name == self.name).values(cursor=dict(cursor))
                )
            came = keeping.keep(connection, given, anew=anew)
            counts.add(came)
            journal.beat(connection, number, counts, now=self._clock())

    async def _changes(
        self, found: Connector, keeping: Keeping, number: int, counts: Counts
    ) -> None:
        if isinstance(found, TreeConnector):
            self._follow(found, counts)
            return
        async for batch in found.changes(self._known.cursor):
            for begin in range(0, max(len(batch.raws), 1), BATCH):
                piece = batch.raws[begin : begin + BATCH]
                is_last = begin + BATCH >= len(batch.raws)
                cursor = batch.cursor if is_last else None
                self._keep(keeping, piece, number, counts, cursor=cursor)
                self._tell("records", counts, batch)
                await asyncio.sleep(0)

    def _follow(self, tree: TreeConnector, counts: Counts) -> None:
        harvester = self._harvester

        def tell(done: int, total: int) -> None:
            self._progress("files", done, total)

        counts.add(follow(self._engine, harvester.settings, tree, self._clock, tell))

    def _tell(self, what: str, counts: Counts, batch: Batch | None = None) -> None:
        self._progress(what, counts.seen, None if batch is None else batch.total)

    def _has_older(self, found: Connector) -> bool:
        with self._engine.connect() as connection:
            version = found.mapping_version
            return bool(raws.older(connection, self.name, mapping=version, after=("", ""), limit=1))

    async def _remap(self, found: Connector, keeping: Keeping, number: int, counts: Counts) -> None:
        after = ("", "")
        version = None if self._wish.remap else found.mapping_version
        while True:
            with self._engine.connect() as connection:
                unlimited(connection)
                given = raws.older(connection, self.name, mapping=version, after=after, limit=BATCH)
            if not given:
                return
            self._keep(keeping, given, number, counts, anew=True)
            self._tell("mapped anew", counts)
            after = raws.place_of(given[-1])
            await asyncio.sleep(0)

    def _is_sweep_due(self, found: Connector) -> bool:
        if "sweep" not in found.abilities:
            return False
        if self._wish.sweep:
            return True
        if "deletions" in found.abilities:
            return False
        # what the first harvest brought is there
        last = self._known.swept or self._known.added
        return last <= self._clock() - SWEPT_EVERY

    async def _sweep(self, found: Connector, keeping: Keeping, number: int, counts: Counts) -> None:
        with self._engine.connect() as connection:
            unlimited(connection)
            sweep = Sweep(connection, self.name)
            await sweep.fill(found.sweep_ids())
            sweep.check(is_forced=self._wish.force)
            for places in sweep.gone():
                given = [Raw(kind=kind, external_id=external) for kind, external in places]
                self._keep(keeping, given, number, counts)
                self._tell("gone", counts)
                await asyncio.sleep(0)
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(table).where(_c.name == self.name).values(swept=self._clock())
            )
