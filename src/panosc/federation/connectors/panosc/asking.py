"""Asking a provider: lists, counts, and what else its paths may be called.

An answer that is no list of records is a failure, never an empty list. A list may be longer than
was asked for; a count may be a bare number or a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from panosc.domain.entities import EXPOSED
from panosc.domain.errors import Upstream
from panosc.federation.calling import BadStatus, Caller
from panosc.federation.connectors.panosc.values import Unreadable, whole_of
from panosc.federation.source import Source

PATHS = {model: path for path, model in EXPOSED.items()}
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, and how many fit if the answer says so."""

    records: Sequence[dict[str, Any]]
    total: int | None = None


@dataclass(slots=True)
class Asking:
    """Asks one provider; `base` is the path of its API below the address."""

    source: Source
    caller: Caller
    base: str = ""

    async def find(self, model: str, written: Mapping[str, Any]) -> Listed:
        """Return the records of a class that fit a filter.

        Raises
        ------
        Upstream
        """
        response = await self._get(PATHS[model], {"filter": written})
        found = self.caller.read(response)
        if not isinstance(found, list):
            raise self.wrong(f"to a question for {PATHS[model]} with no list")
        if not all(isinstance(record, dict) for record in found):
            raise self.wrong(f"to a question for {PATHS[model]} with what are no records")
        try:
            total = whole_of(response.headers.get("x-total-count", ""))
        except Unreadable:
            total = None
        return Listed(found, total)

    async def count(self, model: str, where: Mapping[str, Any] | None = None) -> int:
        """Return how many records of a class fit a condition.

        Raises
        ------
        Upstream
        """
        asked = {} if where is None else {"where": where}
        found = self.caller.read(await self._get(f"{PATHS[model]}/count", asked))
        try:
            number = whole_of(found.get("count") if isinstance(found, dict) else found)
        except Unreadable:
            number = None
        if number is None or number < 0:
            raise self.wrong("to a question for a count with no number")
        return number

    async def answers(self, path: str) -> Any:
        """Return the JSON at a path beneath the API.

        Raises
        ------
        Upstream
        """
        return self.caller.read(await self._get(path, {}))

    async def _get(self, path: str, asked: Mapping[str, Any]) -> Any:
        params = {name: orjson.dumps(value).decode() for name, value in asked.items() if value}
        # of a node that asks others, too, only its own records: they are asked themselves
        params["providers"] = "local"
        headers = {"Accept": "application/json"}
        if self.source.secret is not None:
            headers["Authorization"] = f"Bearer {self.source.secret.get_secret_value()}"
        head, _, tail = path.partition("/")
        for name in (head, head.lower()):
            full = "/".join(part for part in (self.base, name, tail) if part)
            try:
                return await self.caller.get(full, params, headers=headers)
            except BadStatus as error:
                # some know their paths in small letters only
                if error.answered != NOT_FOUND or name != head:
                    raise
        raise AssertionError("unreachable")

    def wrong(self, what: str) -> Upstream:
        """Return the error for an answer that cannot be used."""
        name = self.source.name
        return Upstream(f"{name} answered {what}.", provider=name)
