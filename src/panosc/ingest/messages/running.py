"""What a node does beside answering: it works on announcements, and listens to its broker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

import sqlalchemy as sa

from panosc.ingest.messages.desk import Desk
from panosc.ingest.messages.register import Register
from panosc.settings import Settings


@contextmanager
def announcements(
    engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Work on announcements beside whatever the block does; listen where there is a broker.

    A node that takes none, for want of `ingest_roots`, has nothing to do.
    """
    with ExitStack() as stack:
        if settings.ingest_roots:
            stack.enter_context(Desk(engine, settings, clock).working())
        if settings.stomp_url is not None:
            # the client of brokers is imported where there is one
            from panosc.ingest.messages.listening import listener  # noqa: PLC0415

            listening = listener(settings, Register(engine, settings, clock))
            stack.enter_context(listening.listening())
        yield
