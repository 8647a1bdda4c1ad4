"""How myMdC is asked: OAuth2 with an account of a service, lists by pages that say how many.

The wire form is that of ``metadata_client`` of the European XFEL.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from panosc.federation.calling import BadStatus, Caller
from panosc.federation.source import Source
from panosc.federation.values import integer, mapping, text
from panosc.identity.outbound.beyond import Failed

PAGE_SIZE = 100
MOST_PAGES = 10_000
_GONE, _HIDDEN, _UNKNOWN = 404, 403, 401
Record = dict[str, Any]


class Asking:
    """Asks one myMdC.

    Parameters
    ----------
    source : Source
        Its account is the client of OAuth2, its secret that client's.
    caller : Caller
    email : str
        On whose behalf it is asked.
    """

    def __init__(self, source: Source, caller: Caller, email: str) -> None:
        self.has_account = bool(source.account and source.secret)
        self._source = source
        self._caller = caller
        self._email = email
        self._token: str | None = None

    async def found(self, path: str, *, may_be_hidden: bool = False) -> Record | None:
        """Return one record; None if it is not there, or hidden where that may be.

        Raises
        ------
        Failed
        """
        fine = {_GONE, _HIDDEN} if may_be_hidden else {_GONE}
        response = await self._got(path, {}, fine=fine)
        if response.status_code == _HIDDEN:
            return None
        content = self._caller.read(response)
        if response.status_code == _GONE:
            # only myMdC's own words are believed: another server may say 404 for anything
            if "not found" not in (text(mapping(content).get("info")) or "").lower():
                raise self.garbage(f"{path} with 404 and no reason")
            return None
        if not isinstance(content, dict) or integer(content.get("id")) is None:
            raise self.garbage(f"{path} with what is no record")
        return content

    async def listed(self, path: str, params: Mapping[str, str | int]) -> list[Record]:
        """Return all records of a list.

        Raises
        ------
        Failed
        """
        return [record async for page in self.pages(path, params) for record in page]

    async def pages(
        self, path: str, params: Mapping[str, str | int], *, inside: str | None = None
    ) -> AsyncIterator[list[Record]]:
        """Yield a list page by page; it may stand inside an object.

        Raises
        ------
        Failed
            Also if it ends before it has told as many as it says there are.
        """
        count, before = 0, None
        for number in range(1, MOST_PAGES + 1):
            page = {"page": number, "page_size": PAGE_SIZE}
            response = await self._got(path, {**params, **page})
            content = self._caller.read(response)
            records = self._records(
                path, content if inside is None else mapping(content).get(inside)
            )
            if records and records == before:
                raise self.garbage(f"{path} with the same page again")
            if records:
                yield records
            count, before = count + len(records), records
            last, total = (
                integer(response.headers.get(name)) for name in ("x-total-pages", "x-total-count")
            )
            if number < last if last is not None else len(records) == PAGE_SIZE:
                continue
            if total is not None and count < total:
                raise self.garbage(f"{path} with {count} of its {total} records")
            return

    async def whole(self, path: str, params: Mapping[str, str | int]) -> list[Record]:
        """Return a list that has no pages.

        Raises
        ------
        Failed
        """
        return self._records(path, self._caller.read(await self._got(path, params)))

    def _records(self, path: str, content: object) -> list[Record]:
        if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
            raise self.garbage(f"{path} with what is no list of records")
        return content

    async def ids(self, path: str, params: Mapping[str, str | int]) -> list[int]:
        """Return a list of identifiers, given as numbers or as records.

        Raises
        ------
        Failed
        """
        content = self._caller.read(await self._got(path, params))
        if not isinstance(content, list):
            raise self.garbage(f"{path} with what is no list")
        found = (
            integer(mapping(one).get("id") if isinstance(one, dict) else one) for one in content
        )
        return [one for one in found if one is not None]

    def garbage(self, what: str) -> Failed:
        """Return the error for an answer that cannot be true."""
        name = self._source.name
        return Failed(f"{name} answered {what}.", provider=name, reason="garbage")

    async def _got(
        self, path: str, params: Mapping[str, str | int], *, fine: set[int] | None = None
    ) -> httpx.Response:
        if self._token is None:
            await self._sign_in()
        try:
            return await self._call(path, params, fine or set())
        except BadStatus as error:
            if error.answered != _UNKNOWN:
                raise
        await self._sign_in()
        return await self._call(path, params, fine or set())

    async def _call(
        self, path: str, params: Mapping[str, str | int], fine: set[int]
    ) -> httpx.Response:
        headers = {
            "Accept": "application/json; version=1",
            "Authorization": f"Bearer {self._token}",
            "X-User-Email": self._email,
        }
        return await self._caller.get(f"api/{path}", params, headers=headers, fine=fine)

    async def _sign_in(self) -> None:
        name = self._source.name
        if not self._source.account or self._source.secret is None:
            raise Failed(
                f"{name} was not used: myMdC answers nobody without an account: add the connector "
                "with --account (the client's identifier) and its secret.",
                provider=name,
                reason="refused",
            )
        pair = f"{self._source.account}:{self._source.secret.get_secret_value()}".encode()
        basic = base64.b64encode(pair).decode()
        try:
            response = await self._caller.send(
                "POST",
                "oauth/token",
                headers={"Authorization": f"Basic {basic}", "Accept": "application/json"},
                data={"grant_type": "client_credentials"},
            )
        except BadStatus as error:
            if error.answered not in {400, _UNKNOWN}:
                raise
            raise BadStatus(
                f"{name} does not take the client {self._source.account}: look at its secret.",
                provider=name,
                status=error.answered,
                said="",
            ) from None
        token = mapping(self._caller.read(response)).get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self.garbage("a login with what is no token")
        self._token = token
