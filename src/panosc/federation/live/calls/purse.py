"""How many bytes of other catalogues' answers this process holds at once: a bound for all."""

import asyncio
from typing import Self

MOST = 32_000_000
"""Bytes of answers on their way, over all catalogues and questions."""


class Share:
    """What one question to one catalogue holds of it; given back at the end of its block."""

    def __init__(self, purse: "Purse") -> None:
        self.held = 0
        self.is_used = False
        """Whether anything was called by it yet."""
        self._purse = purse

    async def take(self, size: int) -> None:
        """Take some bytes; wait for them while there are none left."""
        await self._purse.take(size)
        self.held += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._purse.give_all(self.held)


class Purse:
    """Hands out bytes; whoever waits for them too long is told late by its own deadline.

    Parameters
    ----------
    most : int
        Bytes in all.
    whole : Purse, optional
        The one that these are taken from.
    """

    def __init__(self, most: int = MOST, whole: "Purse | None" = None) -> None:
        self.most = most
        self._whole = whole
        self._left = most
        self._waiting: dict[asyncio.Future[None], None] = {}

    @property
    def left(self) -> int:
        """Bytes that nobody holds."""
        return self._left

    async def take(self, size: int) -> None:
        """Take bytes, when there are."""
        while self._left < size:
            woken = asyncio.get_running_loop().create_future()
            self._waiting[woken] = None
            try:
                await woken
            finally:
                self._waiting.pop(woken, None)
        self._left -= size
        if self._whole is None:
            return
        try:
            await self._whole.take(size)
        except BaseException:
            self.give(size)
            raise

    def give_all(self, size: int) -> None:
        """Take bytes back here and in the whole."""
        self.give(size)
        if self._whole is not None:
            self._whole.give(size)

    def give(self, size: int) -> None:
        """Take bytes back, and let those go on who wait."""
        self._left += size
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
