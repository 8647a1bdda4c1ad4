"""Telling the catalogue that files it knows lie in a further place, such as a storage.

Every file is looked at there first: it must have the size that is known, and with `verify` the
checksum. It is one run, which can be undone, and goes on where an earlier one was stopped. What
a file is and who may have it stays as it is.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from panosc.catalogue.database import unlimited
from panosc.catalogue.tables import dataset, file, location
from panosc.catalogue.writer import record_changes, write
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, Unreachable, Unreadable
from panosc.files.storage.opening import open_place
from panosc.files.storage.places import Place, Store, address_below, name_below, place_of
from panosc.ingest.runs import journal
from panosc.policy import audit

BATCH: Final = 100
"""Files of one transaction."""
TOLD: Final = 1000
"""Most problems that are told one by one."""
_Verdict = Literal["missing", "different", "unreadable"]


class _RefusedError(Exception):
    """A file gets no further place."""

    def __init__(self, verdict: _Verdict, told: str) -> None:
        super().__init__(told)
        self.verdict = verdict
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that got no further place, and why."""

    url: str
    problem: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of the files below the old prefix."""

    files: int = 0
    added: int = 0
    known: int = 0
    missing: int = 0
    different: int = 0
    unreadable: int = 0
    replaced: int = 0
    bytes_read: int = 0
    run: int | None = None
    """The run that may be undone; None for one that changed nothing."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Files that got no further place."""
        return self.missing + self.different + self.unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be done: prefixes as addresses that end with a slash."""

    old: str
    new: str
    replace: bool = False
    """Forget the old place of each file that has got the new one."""
    verify: bool = False
    """Read each file, and compare its checksum."""
    dry_run: bool = False
    reason: str | None = None


Progress = Callable[[int, int], None]
"""Told how many files were looked at, and of how many."""


class Adding:
    """Adds places to files; only for who runs the node.

    Parameters
    ----------
    engine : Engine
    stores : sequence of Store
        The configured storages.
    clock : callable
    """

    def __init__(
        self, engine: sa.Engine, stores: Sequence[Store], clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._stores = tuple(stores)
        self._clock = clock

    def add(self, who: Who, wish: Wish, *, progress: Progress | None = None) -> Report:
        """Look at every file below the old prefix, and add its place below the new one.

        Raises
        ------
        Invalid
            If a prefix is none, or lies in no configured storage.
        Unreachable
            If the storage cannot be read from; what was added until then stays.
        """
        wish = self._checked(wish)
        report = Report()
        total = self._count(wish.old)
        if wish.dry_run:
            self._all(wish, report, total, progress)
            return report
        asked = {"act": "add-location", **asdict(wish)}
        report.run = journal.begin(
            self._engine, kind="edit", who=who, asked=asked, reason=wish.reason, now=self._clock()
        )
        state: Literal["done", "failed"] = "failed"
        try:
            self._all(wish, report, total, progress)
            state = "done"
        finally:
            self._end(who, wish, report, state)
        return report

    def _end(self, who: Who, wish: Wish, report: Report, state: Literal["done", "failed"]) -> None:
        now, told = self._clock(), _told(report)
        with self._engine.begin() as connection:
            journal.finish(connection, report.run or 0, state=state, report=told, now=now)
            audit.record(
                connection,
                who,
                "locations.added",
                now=now,
                subject=f"run:{report.run}",
                reason=wish.reason,
                old=wish.old,
                new=wish.new,
                **told,
            )

    def _checked(self, wish: Wish) -> Wish:
        for name in ("old", "new"):
            text: str = getattr(wish, name)
            if "://" not in text or not text.endswith("/"):
                raise Invalid(
                    f"{text!r} is no prefix of addresses.",
                    field=name,
                    hint="It is a folder's path, or such as s3://bucket/folder/.",
                )
        if wish.old == wish.new:
            raise Invalid("Both prefixes are the same.", field="new")
        try:
            place_of(wish.new + "a", self._stores)
        except Unreachable:
            raise Invalid(
                f"{wish.new} lies in no configured storage.",
                field="new",
                hint="`panosc storage list` shows those there are.",
            ) from None
        return wish

    def _count(self, old: str) -> int:
        query = sa.select(sa.func.count()).select_from(location).where(_below(old))
        with self._engine.connect() as connection:
            unlimited(connection)
            return int(connection.execute(query).scalar_one())

    def _all(self, wish: Wish, report: Report, total: int, progress: Progress | None) -> None:
        after = ("", "")
        while rows := self._rows(wish.old, after):
            after = (rows[-1].url, rows[-1].part)
            found = [(row, place) for row in rows if (place := self._look(row, wish, report))]
            if wish.dry_run:
                with self._engine.connect() as connection:
                    list(self._fresh(connection, report, found))
            else:
                self._write(wish, report, found)
            report.files += len(rows)
            if progress is not None:
                progress(report.files, total)

    def _rows(self, old: str, after: tuple[str, str]) -> Sequence[Any]:
        """Return the next places below the prefix, with what is known of their files."""
        kept = (
            sa.select(file.c.sha256)
            .where(file.c.dataset_id == location.c.dataset_id, file.c.name == location.c.name)
            .limit(1)
            .scalar_subquery()
        )
        query = (
            sa.select(location, dataset.c.pid, kept.label("sha256"))
            .join(dataset, dataset.c.id == location.c.dataset_id)
            .where(_below(old), sa.tuple_(location.c.url, location.c.part) > sa.tuple_(*after))
            .order_by(location.c.url, location.c.part)
            .limit(BATCH)
        )
        with self._engine.connect() as connection:
            unlimited(connection)
            return connection.execute(query).all()

    def _look(self, row: Any, wish: Wish, report: Report) -> Place | None:
        """Return the new place of a file if it is right; count what it is."""
        try:
            return self._compared(row, wish, report)
        except Unreachable:
            # nothing is known of this file, nor of the next ones
            raise
        except _RefusedError as error:
            _refuse(report, row.url, error)
        except Unreadable as error:
            is_missing = error.reason == "gone"
            told = "there is no such file there" if is_missing else error.detail
            verdict: _Verdict = "missing" if is_missing else "unreadable"
            _refuse(report, row.url, _RefusedError(verdict, told))
        return None

    def _compared(self, row: Any, wish: Wish, report: Report) -> Place:
        url = address_below(wish.new, name_below(row.url, wish.old))
        try:
            place = place_of(url or "?", self._stores)
        except Unreachable:
            raise _RefusedError("unreadable", "no address there can name it") from None
        with open_place(place) as source:
            size, mtime_ns = source.size, source.mtime_ns
            if size != row.size:
                told = f"{place.url} has {size} bytes instead of {row.size}"
                raise _RefusedError("different", told)
            if wish.verify:
                if row.sha256 is None:
                    raise _RefusedError("unreadable", "its checksum is not known")
                digest = hashlib.sha256()
                for piece in source.stream():
                    digest.update(piece)
                    report.bytes_read += len(piece)
                if digest.hexdigest() != row.sha256:
                    raise _RefusedError("different", f"{place.url} has another checksum")
        return Place(url=place.url, size=size, mtime_ns=mtime_ns, store=place.store)

    def _write(self, wish: Wish, report: Report, found: Sequence[tuple[Any, Place]]) -> None:
        """Add the places of a batch, and forget the old ones where that is wished."""
        if not found:
            return
        with self._engine.begin() as connection:
            unlimited(connection)
            fresh = list(self._fresh(connection, report, found))
            old = [row for row, _ in found] if wish.replace else []
            noted = [("Location", _key(place.url, row.part)) for row, place in fresh]
            noted += [("Location", _key(row.url, row.part)) for row in old]
            journal.note(connection, report.run or 0, noted)
            places = (("Location", _location(row, place)) for row, place in fresh)
            write(connection, places, now=self._clock())
            if old:
                pairs = [(row.url, row.part) for row in old]
                gone = sa.tuple_(location.c.url, location.c.part).in_(pairs)
                connection.execute(sa.delete(location).where(gone))
                report.replaced += len(old)
            touched = {("Dataset", row.dataset_id) for row, _ in fresh}
            touched |= {("Dataset", row.dataset_id) for row in old}
            record_changes(connection, touched)
        journal.beat(self._engine, report.run or 0, report=_told(report), now=self._clock())

    @staticmethod
    def _fresh(
        connection: sa.Connection, report: Report, found: Sequence[tuple[Any, Place]]
    ) -> Iterator[tuple[Any, Place]]:
        """Yield what is not so already; of another dataset's place it is said and kept."""
        urls = [place.url for _, place in found]
        query = sa.select(location).where(location.c.url == sa.any_(sa.literal(urls)))
        there = {(row.url, row.part): row for row in connection.execute(query)}
        for row, place in found:
            known = there.get((place.url, row.part))
            if known is None:
                report.added += 1
                yield row, place
            elif known.dataset_id != row.dataset_id or known.name != row.name:
                told = f"{place.url} is another dataset's"
                _refuse(report, row.url, _RefusedError("different", told))
            elif (known.size, known.mtime_ns, known.tier) == (place.size, place.mtime_ns, "online"):
                report.known += 1
            else:
                report.added += 1
                yield row, place


def prefix_of(text: str, here: Callable[[str], str]) -> str:
    """Return the prefix that a person means: an address, or the path of a folder.

    `here` makes a path an address.
    """
    found = text if "://" in text else here(text)
    return found if found.endswith("/") else found + "/"


def _below(prefix: str) -> Any:
    # "0" comes after "/" in the order of code points: a range of the index
    return sa.and_(location.c.url > prefix, location.c.url < prefix.removesuffix("/") + "0")


def _refuse(report: Report, url: str, error: _RefusedError) -> None:
    setattr(report, error.verdict, getattr(report, error.verdict) + 1)
    if len(report.problems) < TOLD:
        report.problems.append(Problem(url=url, problem=error.told))


def _told(report: Report) -> dict[str, Any]:
    told = asdict(report)
    return {name: told[name] for name in told if name not in {"problems", "run"}}


def _key(url: str, part: str) -> str:
    return url + (journal.PART + part if part else "")


def _location(row: Any, place: Place) -> dict[str, Any]:
    return {
        "url": place.url,
        "part": row.part,
        "datasetId": row.pid,
        "name": row.name,
        "size": place.size,
        "mtimeNs": place.mtime_ns,
        "tier": "online",
    }
