"""Calling ICAT's REST interface: sessions, queries, and what its errors mean."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from panosc.federation.calling import BadStatus, Caller
from panosc.federation.connectors.icat_parts.jpql import Select
from panosc.federation.source import Source
from panosc.federation.values import Object, integer, mapping, number, short
from panosc.identity.outbound.beyond import Failed

USUAL_MOST = 10_000
PAGE = 500
_OUT = {"SESSION"}
_CODE = re.compile(r'"code"\s*:\s*"([A-Z_]+)"')
_SESSION = re.compile(r"[\w-]{8,128}")
_VERSION = re.compile(r"(\d+)\.(\d+)")
_HALF = 0.5
_FIRST_S = 300.0
"""A session that is used for longer is looked after."""


class Icat:
    """Asks one ICAT, in one session.

    Attributes
    ----------
    most : int
        Entities that one answer may hold there; more is an error, not a part.
    """

    def __init__(self, source: Source, caller: Caller, plugin: str | None) -> None:
        self.most = USUAL_MOST
        self._source = source
        self._caller = caller
        self._plugin = plugin or ("anon" if source.account is None else "db")
        self._session: str | None = None
        self._due = 0.0
        self._version: tuple[int, int] | None = None
        self._entering = asyncio.Lock()

    async def version(self) -> tuple[int, int]:
        """Return which ICAT it is, such as (6, 2).

        Raises
        ------
        Failed
        """
        if self._version is None:
            answer = mapping(await self._caller.json("version"))
            found = _VERSION.match(short(answer.get("version")) or "")
            if found is None:
                raise self.garbage("does not tell its version: it seems to be no ICAT")
            self._version = int(found[1]), int(found[2])
        return self._version

    async def properties(self) -> Object:
        """Return what it tells of itself: limits and ways to log in.

        Raises
        ------
        Failed
        """
        answer = mapping(await self._caller.json("properties"))
        self.most = integer(answer.get("maxEntities")) or USUAL_MOST
        return answer

    async def query(self, jpql: str) -> list[Any]:
        """Return what a query answers.

        Raises
        ------
        Failed
        """
        answer = await self._in_session("entityManager", {"query": jpql})
        if not isinstance(answer, list):
            raise self.garbage("answered a query with what is no list")
        return answer

    async def one(self, jpql: str) -> Any:
        """Return the one value that a query answers, None for null.

        Raises
        ------
        Failed
        """
        answer = await self.query(jpql)
        return answer[0] if answer else None

    async def count(self, select: Select) -> int:
        """Return how many entities there are.

        Raises
        ------
        Failed
        """
        what = f"COUNT({'DISTINCT ' if select.joins else ''}{select.alias})"
        found = integer(await self.one(select.text(what=what)))
        if found is None:
            raise self.garbage("counts what is no number")
        return found

    async def entities(
        self, select: Select, *, order: str | None = None, count: int = 0
    ) -> list[Object]:
        """Return entities, without the name that ICAT wraps each in.

        Raises
        ------
        Failed
        """
        answer = await self.query(select.text(order=order, count=count))
        return [self._unwrapped(item, select.entity) for item in answer]

    def _unwrapped(self, item: object, entity: str) -> Object:
        found = mapping(mapping(item).get(entity))
        if integer(found.get("id")) is None:
            raise self.garbage(f"answered with what is no {entity}")
        return found

    async def ids(
        self, select: Select, *, what: str = "", after: int = -1, size: int = 0
    ) -> AsyncIterator[list[tuple[int, int | None]]]:
        """Yield (id, id of what belongs to it) page by page, in the order of the ids.

        It ends with an empty page: a short one may be one that somebody else has cut.

        Raises
        ------
        Failed
        """
        alias = select.alias
        wanted = f"{alias}.id, {what}" if what else f"{alias}.id"
        size = min(size or self.most, self.most)
        while True:
            page = Select(
                entity=select.entity,
                alias=alias,
                joins=select.joins,
                where=[*select.where, *([f"{alias}.id > {after}"] if after >= 0 else [])],
            )
            answer = await self.query(page.text(what=wanted, order=f"{alias}.id", count=size))
            if not answer:
                return
            found = [self._pair(row, is_pair=bool(what)) for row in answer]
            last = max(number for number, _ in found)
            if last <= after:
                raise self.garbage("goes round in circles")
            after = last
            yield found

    def _pair(self, row: object, *, is_pair: bool) -> tuple[int, int | None]:
        values = row if is_pair and isinstance(row, list) and len(row) == 2 else [row, None]  # noqa: PLR2004
        first = integer(values[0])
        if first is None or (is_pair and not isinstance(row, list)):
            raise self.garbage("answered with what is no id")
        return first, integer(values[1])

    async def documents(self, asked: Mapping[str, Any], most: int) -> list[int]:
        """Return the ids that its search engine finds, best first.

        Raises
        ------
        Failed
        """
        answer = await self._in_session(
            "search/documents", {"query": json.dumps(asked), "maxCount": most}
        )
        results = mapping(answer).get("results")
        if not isinstance(results, list):
            raise self.garbage("answered a search with no results")
        found = (integer(mapping(item).get("id")) for item in results[:most])
        return [number for number in found if number is not None]

    async def _in_session(self, path: str, params: Mapping[str, str | int]) -> Any:
        for is_last in (False, True):
            session = await self.enter()
            try:
                return await self._caller.json(path, {"sessionId": session, **params})
            except BadStatus as error:
                if is_last or code_of(error) not in _OUT:
                    raise
                self._session = None
        raise AssertionError("unreachable")

    async def enter(self) -> str:
        """Return the session, a new one if there is none.

        Raises
        ------
        Failed
        """
        async with self._entering:
            now = asyncio.get_running_loop().time()
            if self._session is not None and now > self._due:
                await self._refresh()
            if self._session is None:
                self._session = await self._enter()
                self._due = now + _FIRST_S
            return self._session

    async def _enter(self) -> str:
        credentials: list[dict[str, str]] = []
        if self._source.account is not None:
            secret = self._source.secret
            credentials = [
                {"username": self._source.account},
                {"password": "" if secret is None else secret.get_secret_value()},
            ]
        login = json.dumps({"plugin": self._plugin, "credentials": credentials})
        try:
            response = await self._caller.send("POST", "session", data={"json": login})
        except BadStatus as error:
            if code_of(error) in {"SESSION", "BAD_PARAMETER", "INSUFFICIENT_PRIVILEGES"}:
                who = self._source.account or "anybody"
                raise Failed(
                    f"{self._source.name} does not let {who} in by {self._plugin}: “{error.said}”. "
                    "Check the account, its secret and the option plugin.",
                    provider=self._source.name,
                    reason="status",
                ) from None
            raise
        session = short(mapping(self._caller.read(response)).get("sessionId"))
        if session is None or not _SESSION.fullmatch(session):
            raise self.garbage("answered to the login without a session")
        return session

    async def _refresh(self) -> None:
        """Let the session last longer; one that has ended is begun anew."""
        try:
            await self._caller.send("PUT", f"session/{self._session}")
            await self._plan()
        except BadStatus as error:
            if code_of(error) not in _OUT:
                raise
            self._session = None

    async def _plan(self) -> None:
        """Plan to refresh the session when half of its time has gone."""
        answer = mapping(await self._caller.json(f"session/{self._session}"))
        minutes = number(answer.get("remainingMinutes"))
        minutes = 10.0 if minutes is None or not minutes > 0 else min(float(minutes), 10_000.0)
        self._due = asyncio.get_running_loop().time() + minutes * 60 * _HALF

    def garbage(self, what: str) -> Failed:
        """Return that an answer cannot be used."""
        return Failed(f"{self._source.name} {what}.", provider=self._source.name, reason="garbage")


def code_of(error: BadStatus) -> str:
    """Return ICAT's own word for an error, such as ``VALIDATION``; empty if it is not ICAT's."""
    found = _CODE.search(error.said)
    return "" if found is None else found[1]
