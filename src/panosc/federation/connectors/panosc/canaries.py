"""The one way of asking a provider what is known: once so that it has to come, once so that not.

Who answers the first with nothing, or the second with something, is ``wrong``; an error is ``no``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from panosc.domain.errors import Upstream
from panosc.federation.calling import BadStatus
from panosc.federation.connectors.panosc.asking import PATHS, Asking, Listed
from panosc.federation.connectors.panosc.values import shown
from panosc.federation.contract import Support

AT_ONCE = 4
NOTHING = "panosc-canary-that-nothing-is-called"
_RANK = {"unknown": 0, "yes": 1, "no": 2, "wrong": 3}
_UNHEARD = frozenset({"late", "unreachable", "broken-off"})


@dataclass(slots=True)
class Canaries:
    """Asks, few questions at a time, and keeps what was found."""

    asking: Asking
    features: dict[str, Support] = field(default_factory=dict)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def note(
        self, name: str, state: Literal["yes", "no", "wrong", "unknown"], evidence: str
    ) -> None:
        """Keep a finding; of two on one name, the worse that is known."""
        before = self.features.get(name)
        if before is None or _RANK[state] > _RANK[before.state]:
            self.features[name] = Support(state=state, evidence=evidence)

    def note_error(self, name: str, what: str, error: Upstream) -> None:
        """Keep that a question was not answered; one that was not heard tells nothing."""
        if isinstance(error, BadStatus):
            self.note(name, "no", f"Asked {what}, it answered {error.answered}.")
            return
        is_unheard = getattr(error, "reason", "") in _UNHEARD
        self.note(name, "unknown" if is_unheard else "no", f"Asked {what}: {error.detail}")

    async def find(self, model: str, written: Mapping[str, Any]) -> Listed:
        """Return what a question brings."""
        async with self._turn:
            return await self.asking.find(model, written)

    async def count(self, model: str, where: Mapping[str, Any] | None = None) -> int:
        """Return a count."""
        async with self._turn:
            return await self.asking.count(model, where)

    async def pids(self, model: str, written: Mapping[str, Any]) -> list[str]:
        """Return the identifiers of what a question brings."""
        return [str(pid_of(record)) for record in (await self.find(model, written)).records]

    async def ask(
        self, name: str, model: str, pid: str, has: Mapping[str, Any], not_: Mapping[str, Any]
    ) -> None:
        """Ask twice: `pid` has to be among the records that `has` finds, `not_` finds none."""
        what = f"for {PATHS[model]} with {_short(has)}"
        try:
            with_it = await self.pids(model, has)
            without = await self.pids(model, not_)
        except Upstream as error:
            self.note_error(name, what, error)
            return
        if pid not in with_it:
            came = f"{len(with_it)} others came" if with_it else "nothing came"
            self.note(name, "wrong", f"Asked {what}, which {shown(pid)} is, {came}.")
        elif without:
            said = f"Asked for {_short(not_)}, which nothing is, {len(without)} came."
            self.note(name, "wrong", said)
        else:
            self.note(name, "yes", f"Asked {what}, {shown(pid)} came, as it should.")


def pid_of(record: Mapping[str, Any]) -> str | int | None:
    """Return the identifier of a record as the provider gives it."""
    value = record.get("pid", record.get("id"))
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _short(written: Mapping[str, Any]) -> str:
    return shown(written.get("include") or written.get("where") or written)
