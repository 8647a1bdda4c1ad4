"""Whether this process itself is slow: then nothing can be said of how fast others are."""

import asyncio

EVERY_S = 0.1
LATE_S = 0.4
"""A beat that is so late means that answers are heard late as well."""


class Pulse:
    """Beats in the event loop in which it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._slow_at = 0.0
        self._due = self._loop.time() + EVERY_S
        self._task = asyncio.create_task(self._beat())

    def is_slow(self, *, since: float) -> bool:
        """Whether the loop was late at any time since then, or is now."""
        return self._slow_at >= since or self._loop.time() - self._due > LATE_S

    async def stop(self) -> None:
        """End."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            now = self._loop.time()
            if now - self._due > LATE_S:
                self._slow_at = now
            self._due = now + EVERY_S
