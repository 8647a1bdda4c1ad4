"""Asking ICAT+: within a session where there is an account, page by page.

Newer routes take the session as a bearer token, older ones have it in their path; both exist side
by side in ICAT+, so both are spoken.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from panosc.federation.calling import BadStatus, Caller
from panosc.federation.source import Source
from panosc.federation.values import Object, integer, mapping, objects, short
from panosc.identity.outbound.beyond import Failed

PAGE = 500
MOST_PAGES = 20_000
_OUT = frozenset({401, 403})
_ABSENT = frozenset({400, 404, 405, 501})
_YOUNG_S = 60.0
"""A session as young as that has not ended: what it may not see it may not see."""
_SESSION = re.compile(r"[\w-]{8,128}")


class Plus:
    """Asks one ICAT+, in one session."""

    def __init__(self, source: Source, caller: Caller, plugin: str) -> None:
        self._source = source
        self._caller = caller
        self._plugin = plugin
        self._session: str | None = None
        self._begun = 0.0
        self._entering = asyncio.Lock()

    @property
    def has_account(self) -> bool:
        """Whether it can be asked for more than anyone may."""
        return self._source.account is not None

    async def open(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return what a route answers that takes the session, if any, as a bearer token.

        Raises
        ------
        Failed
        """
        return await self._asked(path, params or {}, in_path=False)

    async def inside(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return what a route answers that has the session in its path, at ``{session}``.

        Raises
        ------
        Failed
        """
        return await self._asked(path, params or {}, in_path=True)

    async def offered(self, path: str) -> list[Object]:
        """Return the list of an open route, an empty one where this ICAT+ has no such route.

        Raises
        ------
        Failed
        """
        try:
            return list(objects(await self.open(path), 100_000))
        except BadStatus as error:
            if error.answered in _ABSENT:
                return []
            raise

    async def pages(
        self, path: str, params: Mapping[str, str | int], *, in_path: bool, size: int = PAGE
    ) -> AsyncIterator[list[Object]]:
        """Yield a list page by page, each record once; an ICAT+ may not heed limit and skip.

        Raises
        ------
        Failed
            Also if it is not a list of records, for then it would seem to be an empty one.
        """
        seen: set[int] = set()
        skip = 0
        for _ in range(MOST_PAGES):
            asked = {**params, "limit": size, "skip": skip}
            answer = await self._asked(path, asked, in_path=in_path)
            if not isinstance(answer, list):
                raise self.garbage("answered with what is no list")
            fresh = self._fresh(answer, seen)
            if fresh:
                yield fresh
            if len(answer) != size or not fresh or _is_last(answer):
                return
            skip += len(answer)
        raise self.garbage("has no end to its pages")

    def _fresh(self, answer: list[Any], seen: set[int]) -> list[Object]:
        found = []
        for record in objects(answer):
            number = integer(record.get("id"))
            if number is None:
                raise self.garbage("answered with a record without an id")
            if number not in seen:
                seen.add(number)
                found.append(record)
        return found

    async def _asked(self, path: str, params: Mapping[str, str | int], *, in_path: bool) -> Any:
        for is_last in (False, True):
            session = await self._entered()
            try:
                return await self._caller.json(
                    path.replace("{session}", quote(session or "none", safe="")),
                    params,
                    headers={"Authorization": f"Bearer {session}"}
                    if session is not None and not in_path
                    else None,
                )
            except BadStatus as error:
                # a session ends after some hours, in the midst of a long harvest
                is_young = asyncio.get_running_loop().time() - self._begun < _YOUNG_S
                if is_last or is_young or error.answered not in _OUT:
                    raise
                self._session = None
        raise AssertionError("unreachable")

    async def _entered(self) -> str | None:
        if self._source.account is None:
            return None
        # of several calls at once one logs in
        async with self._entering:
            if self._session is None:
                self._session = await self._enter()
                self._begun = asyncio.get_running_loop().time()
            return self._session

    async def _enter(self) -> str:
        secret = self._source.secret
        account = {
            "plugin": self._plugin,
            "username": self._source.account,
            "password": "" if secret is None else secret.get_secret_value(),
        }
        try:
            answer = self._caller.read(await self._caller.send("POST", "session", json=account))
        except BadStatus as error:
            if error.answered in _OUT:
                raise Failed(
                    f"{self._source.name} does not let {self._source.account} in: it answered "
                    f"{error.answered}. Check the account, its secret and the option plugin.",
                    provider=self._source.name,
                    reason="status",
                ) from None
            raise
        session = short(mapping(answer).get("sessionId"))
        if session is None or not _SESSION.fullmatch(session):
            raise self.garbage("answered to the login without a session")
        return session

    def garbage(self, what: str) -> Failed:
        """Return that an answer cannot be used."""
        return Failed(f"{self._source.name} {what}.", provider=self._source.name, reason="garbage")


def total(answer: object) -> int | None:
    """Return how many records there are, which every record of a page may tell."""
    for record in objects(answer, 1):
        return integer(mapping(mapping(record.get("meta")).get("page")).get("total"))
    return None


def _is_last(answer: list[Any]) -> bool:
    page = mapping(mapping(mapping(answer[-1]).get("meta")).get("page")) if answer else {}
    current, pages = integer(page.get("currentPage")), integer(page.get("totalPages"))
    return current is not None and pages is not None and current >= pages > 0
