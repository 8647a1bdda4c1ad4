"""How a connector calls its catalogue: judged addresses, bounded answers, patience where there is.

A live question has one deadline and no patience: what fails is told at once. A harvest waits and
tries again, as the catalogue wishes: it heeds ``Retry-After`` and keeps a pace.
"""

import asyncio
import random
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from panosc.federation.source import Source
from panosc.identity.outbound.beyond import Beyond, Bounds, Failed

Params = Mapping[str, str | int]
_AGAIN = frozenset({429, 500, 502, 503, 504})
_TRIED_AGAIN = frozenset({"late", "unreachable", "broken-off", "garbage"})
_SAID = 200
"""Characters of an error's body that are passed on."""


class BadStatus(Failed):
    """The catalogue answered with an error; `answered` is its status, `said` what it says."""

    def __init__(self, detail: str, *, provider: str, status: int, said: str) -> None:
        super().__init__(detail, provider=provider, reason="status")
        self.answered = status
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a harvest tries."""

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    pace_s: float = 0.0
    """Least time between the beginnings of two calls."""


class Caller:
    """Calls one catalogue.

    Parameters
    ----------
    beyond : Beyond
        The pool of connections.
    source : Source
        Whom to call; paths are relative to its address.
    bounds : Bounds
        Of each call.
    patience : Patience, optional
        Without it a failure is final.
    """

    def __init__(
        self,
        beyond: Beyond,
        source: Source,
        bounds: Bounds,
        patience: Patience | None = None,
        *,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.calls = 0
        self._beyond = beyond
        self._source = source
        self._bounds = bounds
        self._patience = patience
        self._sleep = sleep
        self._begun = 0.0

    async def get(
        self,
        path: str = "",
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fine: Collection[int] = (),
    ) -> httpx.Response:
        """Return the answer to a GET; statuses from 300 on are errors unless they are `fine`.

        `path` is taken literally: whoever puts identifiers into it has quoted them. A whole
        address is taken as well, for links that a catalogue gives: it is judged as any other.

        Raises
        ------
        Failed
        """
        return await self.send("GET", path, params, headers=headers, fine=fine)

    async def json(
        self,
        path: str = "",
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON that a GET answers.

        Raises
        ------
        Failed
        """
        given = {"Accept": "application/json"} | dict(headers or {})
        return self.read(await self.get(path, params, headers=given))

    def read(self, response: httpx.Response) -> Any:
        """Return the JSON of an answer.

        Raises
        ------
        Failed
        """
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            begin = _plain(response.text[:60])
            raise Failed(
                f"{self._source.name} answered what is no JSON: “{begin}”.",
                provider=self._source.name,
                reason="garbage",
            ) from None

    async def send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fine: Collection[int] = (),
        **content: Any,
    ) -> httpx.Response:
        """Return the answer to a request; `content` is ``json``, ``data`` or ``content`` of httpx.

        Raises
        ------
        Failed
        """
        tries = 1 if self._patience is None else self._patience.tries
        for number in range(1, tries + 1):
            request = self._request(method, path, params, headers, content)
            await self._keep_pace()
            try:
                response = await self._beyond.call(request, self._bounds, name=self._source.name)
            except Failed as error:
                if number == tries or error.reason not in _TRIED_AGAIN:
                    raise
                await self._wait(number, None)
                continue
            if response.is_success or response.status_code in fine:
                return response
            if number == tries or response.status_code not in _AGAIN:
                raise self._bad(response)
            await self._wait(number, response)
        raise AssertionError("unreachable")

    def _request(
        self,
        method: str,
        path: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        content: Mapping[str, Any],
    ) -> httpx.Request:
        is_whole = path.startswith(("http://", "https://"))
        address = path if is_whole else f"{self._source.url}/{path}".rstrip("/")
        self.calls += 1
        given = dict(headers or {})
        try:
            if params and not is_whole:
                address += ("&" if "?" in address else "?") + urlencode(params)
            url = httpx.URL(address)
            if is_whole and _place(url) != _place(httpx.URL(self._source.url)):
                given = self._abroad(url, given)
            if params and is_whole:
                url = url.copy_merge_params(dict(params))
            return httpx.Request(method, url, headers=given, **content)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise Failed(
                f"{self._source.name} was not used: {_plain(address[:80])} is no address: {error}.",
                provider=self._source.name,
                reason="garbage",
            ) from None

    def _abroad(self, url: httpx.URL, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what may be said to another server that a catalogue's link leads to.

        None that has an administrator's leave to be private: that was given for another catalogue.
        """
        if self._beyond.is_trusted(url.host):
            raise Failed(
                f"{self._source.name} was not used: it leads to another server of this network.",
                provider=self._source.name,
                reason="refused",
            )
        return {name: text for name, text in headers.items() if name.lower() == "accept"}

    def _bad(self, response: httpx.Response) -> BadStatus:
        said = _plain(response.text[:_SAID])
        return BadStatus(
            f"{self._source.name} answered {response.status_code}: “{said}”.",
            provider=self._source.name,
            status=response.status_code,
            said=said,
        )

    async def _keep_pace(self) -> None:
        if self._patience is None or not self._patience.pace_s:
            return
        loop = asyncio.get_running_loop()
        rest = self._begun + self._patience.pace_s - loop.time()
        if rest > 0:
            await self._sleep(rest)
        self._begun = loop.time()

    async def _wait(self, number: int, response: httpx.Response | None) -> None:
        if self._patience is None:
            return
        wished = None if response is None else retry_after(response, datetime.now(UTC))
        wait = self._patience.first_wait_s * 2 ** (number - 1) * random.uniform(0.75, 1.25)  # noqa: S311
        await self._sleep(min(self._patience.longest_wait_s, max(wait, wished or 0.0)))


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Return for how many seconds a service asks to be left alone (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - now).total_seconds())


def _place(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower().rstrip("."), url.port


def _plain(text: str) -> str:
    """Return a piece of a stranger's answer on one line, without what a terminal obeys."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
