"""Reading all records of a class, or what changed, page by page and without a gap.

Pages go by the time of the last change: each begins with the time at which the one before it
ended, so that a record that changes meanwhile comes (again) at the end, and none is skipped.
What came already at that time is left out. Only where more records than a page share one time
are some skipped by number. An empty answer is believed only if nothing speaks against it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from panosc.federation.connectors.scicat_parts.asking import Asking, Kind
from panosc.federation.values import moment, text
from panosc.identity.outbound.beyond import Failed

AT = "updatedAt"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """What is wanted of a class."""

    kind: Kind
    since: str | None = None
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    size: int = 500
    """Records of a page, at first."""


class Pages:
    """Reads one class.

    Attributes
    ----------
    at : str or None
        The time, as SciCat spells it, up to which all that was yielded came.
    """

    def __init__(self, asking: Asking, what: What) -> None:
        self.at = what.since
        self._asking = asking
        self._what = what
        self._size = what.size
        self._include = what.include
        self._is_plain = False
        self._skip = 0
        self._seen: set[str] = set()
        self._largest = 0

    async def read(self) -> AsyncIterator[list[Record]]:
        """Yield the records, oldest change first, in pages without those that came before.

        Raises
        ------
        Failed
        """
        is_first = True
        while True:
            page = await self._page()
            if not page:
                if self._skip == 0 and (self.at is not None or not is_first):
                    await self._check_empty()
                return
            has_skipped = self._skip > 0
            fresh = self._take(page)
            if fresh:
                yield fresh
            elif has_skipped:
                raise self._asking.garbage(f"{self._what.kind.path} with the same page again")
            # a page may be short because the server gives no more at once; the next one tells
            if not is_first and len(page) < min(self._size, self._largest):
                return
            self._largest, is_first = max(self._largest, len(page)), False

    def _take(self, page: list[Record]) -> list[Record]:
        """Return what of a page is new, and move on to its end."""
        fresh = [record for record in page if self._key(record) not in self._seen]
        last = text(page[-1].get(AT), 40)
        if last == self.at:
            self._skip += len(page)
            self._seen.update(map(self._key, page))
            return fresh
        same = {self._key(record) for record in page if text(record.get(AT), 40) == last}
        self.at, self._skip, self._seen = last, 0, same
        return fresh

    def _key(self, record: Record) -> str:
        return text(record.get(self._what.kind.key), 1000) or ""

    async def _page(self) -> list[Record]:
        while True:
            try:
                page = await self._asked()
            except Failed as error:
                if error.reason != "too-large" or not self._shrink():
                    raise
                continue
            times = [moment(record.get(AT)) for record in page]
            known = [time for time in times if time is not None]
            since = moment(self.at)
            if since is not None and any(time < since for time in known):
                raise self._asking.garbage(f"{self._what.kind.path} with what changed before")
            if known == sorted(known) and None not in times[len(times) - len(known) :]:
                return page
            if self._is_plain:
                raise self._asking.garbage(f"{self._what.kind.path} in another order than asked")
            self._is_plain = True

    def _shrink(self) -> bool:
        """Ask for less at once: fewer records, at last one without its files."""
        if self._size > 1:
            self._size = max(1, self._size // 4)
            return True
        if self._include:
            self._include = ()
            return True
        return False

    async def _asked(self) -> list[Record]:
        kind = self._what.kind
        limits: dict[str, Any] = {"limit": self._size, "skip": self._skip}
        if self._is_plain:
            limits["order"] = f"{AT}:asc"
        else:
            limits["sort"] = {AT: "asc", kind.key: "asc"}
        where = {} if self.at is None else {AT: {"$gte": self.at}}
        wanted: dict[str, Any] = {"where": where, "limits": limits}
        if self._what.fields:
            wanted["fields"] = list(self._what.fields)
        if self._include:
            wanted["include"] = [{"relation": name} for name in self._include]
        return await self._asking.rows(kind.path, {kind.filter: wanted})

    async def _check_empty(self) -> None:
        """See that nothing has the time that was asked for, by another way.

        Raises
        ------
        Failed
            If something has: then conditions on a time find nothing there.
        """
        kind = self._what.kind
        limits: dict[str, Any] = {"limit": 1, "skip": 0}
        limits |= {"order": f"{AT}:desc"} if self._is_plain else {"sort": {AT: "desc"}}
        latest = await self._asking.rows(kind.path, {kind.filter: {"limits": limits}})
        found = moment(latest[0].get(AT)) if latest else None
        since = moment(self.at)
        if found is not None and since is not None and found >= since:
            raise self._asking.garbage(
                f"nothing to a condition on {AT} of {kind.path}, though there is a record of "
                f"{found.isoformat()}"
            )
