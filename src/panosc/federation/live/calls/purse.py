"""How many bytes of other catalogues' answers this process holds at once: a bound for all.

Answers come in pieces, and many at once: if each waited for bytes that the others hold, none would
be read to its end. So one of those that wait may go on beyond what there is, up to its own bound.
"""

import asyncio
from typing import Self

MOST = 32_000_000
"""Bytes of answers on their way, over all catalogues and questions."""


class Share:
    """What one question to one catalogue holds of it; given back at the end of its block.

    Parameters
    ----------
    purse : Purse
    most : int
        Bytes up to which it may go on alone.
    """

    def __init__(self, purse: "Purse", most: int) -> None:
        self.most = most
        self.held = 0
        self._purse = purse

    async def take(self, size: int) -> None:
        """Take some bytes; wait for them while there are none left."""
        await self._purse.take(size, self)
        self.held += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._purse.give_all(self)


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
        self._ahead: Share | None = None
        """Who may take more than is left."""
        self._waiting: dict[asyncio.Future[None], None] = {}

    @property
    def left(self) -> int:
        """Bytes that nobody holds."""
        return self._left

    async def take(self, size: int, share: Share) -> None:
        """Take bytes, when there are."""
        while self._left < size and not self._goes_ahead(share):
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
            await self._whole.take(size, share)
        except BaseException:
            self._give(size)
            raise

    def give_all(self, share: Share) -> None:
        """Take bytes back here and in the whole."""
        if self._ahead is share:
            self._ahead = None
        self._give(share.held)
        if self._whole is not None:
            self._whole.give_all(share)

    def is_ahead(self, share: Share) -> bool:
        """Whether it is this one that may take what is not there, here or in the whole."""
        # both: two that are ahead, one here and one there, must not wait for one another
        return self._ahead is share or (self._whole is not None and self._whole.is_ahead(share))

    def _goes_ahead(self, share: Share) -> bool:
        if share.held > share.most:
            return False
        if self._ahead is None:
            self._ahead = share
        return self.is_ahead(share)

    def _give(self, size: int) -> None:
        """Take bytes back, and let those go on who wait."""
        self._left += size
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
