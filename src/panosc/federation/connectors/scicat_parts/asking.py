"""How SciCat is asked: who asks, and its dialect with the traps that it sets.

- Version 3 is asked: the dates in a filter of version 4 match nothing, and it does not say so.
- Conditions are Mongo's (``$gte``): all classes take them. A text in a filter of version 3 that
  looks like a date is taken for one, so that no condition but on a time is asked that way.
- A page without limits is cut without a word; limits stand inside ``limits``; proposals call the
  filter ``filters``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from panosc.federation.calling import BadStatus, Caller
from panosc.federation.source import Source
from panosc.identity.outbound.beyond import Failed

Login = Literal["local", "ldap"]
_LOGINS: dict[Login, str] = {"local": "api/v3/auth/login", "ldap": "api/v3/auth/ldap"}
_TAIL = re.compile(r"/(api(/v\d)?|explorer)/?$")
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One class of records."""

    name: str
    """As raw records call it."""
    path: str
    key: str
    filter: str = "filter"
    subsystem: str
    """As the history calls it."""
    is_guarded: bool = True
    """Has ``isPublished`` of its own."""


INSTRUMENT = Kind(
    name="instrument", path="api/v3/instruments", key="pid", subsystem="Instrument",
    is_guarded=False,
)  # fmt: skip
SAMPLE = Kind(name="sample", path="api/v3/samples", key="sampleId", subsystem="Sample")
PROPOSAL = Kind(
    name="proposal", path="api/v3/proposals", key="proposalId", filter="filters",
    subsystem="Proposal",
)  # fmt: skip
DATASET = Kind(name="dataset", path="api/v3/datasets", key="pid", subsystem="Dataset")
PUBLICATION = Kind(
    name="publication", path="api/v3/publisheddata", key="doi", subsystem="PublishedData"
)
KINDS = (INSTRUMENT, SAMPLE, PROPOSAL, DATASET, PUBLICATION)
"""Those that are referred to come first."""


def root_of(url: str) -> str:
    """Return the address of a SciCat, whichever of its addresses was given.

    Examples
    --------
    >>> root_of("https://scicat.example.org/api/v3")
    'https://scicat.example.org'
    """
    return _TAIL.sub("", url.rstrip("/"))


class Asking:
    """Asks one SciCat, as its account from when that is needed.

    Parameters
    ----------
    source : Source
    caller : Caller
    login : {"local", "ldap"}
    is_known : bool
        Sign in at once if there is an account; else only when asked to.
    """

    def __init__(self, source: Source, caller: Caller, login: Login, *, is_known: bool) -> None:
        self.root = root_of(source.url)
        self.has_account = bool(source.account and source.secret)
        self._source = source
        self._caller = caller
        self._login = login
        self._is_known = is_known and self.has_account
        self._token: str | None = None

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of an answer; a filter is given as what JSON is made of.

        Raises
        ------
        Failed
        """
        plain = {
            key: value if isinstance(value, str | int) else orjson.dumps(value).decode()
            for key, value in (params or {}).items()
        }
        if self._is_known and self._token is None:
            await self._sign_in()
        try:
            return await self._json(path, plain)
        except BadStatus as error:
            # a token that ended, or a question that is not for everyone
            is_over = error.answered == 401 if self._token else error.answered in _REFUSED  # noqa: PLR2004
            if not is_over or not self.has_account:
                raise
        await self._sign_in()
        return await self._json(path, plain)

    async def rows(self, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return an answer that is a list of objects.

        Raises
        ------
        Failed
        """
        found = await self.get(path, params)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self.garbage(f"{path} with what is no list of records")
        return found

    async def count(self, path: str, params: Mapping[str, Any] | None = None) -> int:
        """Return how many records there are.

        Raises
        ------
        Failed
        """
        found = await self.get(f"{path}/count", params)
        count = found.get("count") if isinstance(found, dict) else None
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise self.garbage(f"{path}/count with what is no count")
        return count

    def garbage(self, what: str) -> Failed:
        """Return the error for an answer that cannot be true."""
        name = self._source.name
        return Failed(f"{name} answered {what}.", provider=name, reason="garbage")

    async def _json(self, path: str, params: Mapping[str, str | int]) -> Any:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return await self._caller.json(f"{self.root}/{path}", params, headers=headers)

    async def _sign_in(self) -> None:
        assert self._source.secret is not None  # noqa: S101 - has_account
        given = {
            "username": self._source.account or "",
            "password": self._source.secret.get_secret_value(),
        }
        path = f"{self.root}/{_LOGINS[self._login]}"
        try:
            found = self._caller.read(await self._caller.send("POST", path, json=given))
        except BadStatus as error:
            if error.answered not in _REFUSED:
                raise
            name, login = self._source.name, self._login
            raise BadStatus(
                f"{name} does not take the account {self._source.account} ({login}): look at the "
                "secret, and at the option login, which is local or ldap.",
                provider=name,
                status=error.answered,
                said="",
            ) from None
        token = found.get("access_token") or found.get("id") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self.garbage("a login with what is no token")
        self._token = token
