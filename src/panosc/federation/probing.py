"""A catalogue asked what it is and does, before it is added or whenever somebody wants to know."""

import asyncio

from panosc.domain.errors import PanoscError, Upstream
from panosc.federation.calling import BadStatus
from panosc.federation.contract import Probed
from panosc.federation.harvesting.harvester import calling, connecting
from panosc.federation.source import Source
from panosc.settings import Settings


def probe(settings: Settings, source: Source) -> Probed:
    """Return what a catalogue is and does.

    Raises
    ------
    Upstream
        If it is none of that kind, or does not answer.
    """

    async def asking() -> Probed:
        async with connecting(settings, source, is_patient=False) as found:
            return await found.probe()

    try:
        return asyncio.run(asking())
    except PanoscError:
        raise
    except Exception as error:
        detail = f"{source.name} cannot be probed: {type(error).__name__}: {error}"
        raise Upstream(detail, provider=source.name) from error


def is_refused(settings: Settings, source: Source, path: str, words: str) -> bool:
    """Whether an address lets nobody in without an account, and says it in such words."""

    async def asking() -> bool:
        async with calling(settings, source) as caller:
            try:
                await caller.get(path)
            except BadStatus as error:
                return error.answered == _NOBODY and words in error.said
            except PanoscError:
                return False
            return False

    return asyncio.run(asking())


_NOBODY = 401
