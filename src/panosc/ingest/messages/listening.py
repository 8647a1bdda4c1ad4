"""Listening to a broker by STOMP: every message is kept before it is acknowledged.

A broker that is away is asked again and again, and never takes the node down. What a message
means is `icat`; what becomes of it is `desk`.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import stomp
from sqlalchemy.exc import SQLAlchemyError
from stomp.exception import StompException
from typing_extensions import override

from panosc.catalogue.beside.leading import in_thread
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, PanoscError
from panosc.ingest.messages import icat
from panosc.ingest.messages.bodies import Announced
from panosc.ingest.messages.register import Register
from panosc.ingest.messages.taking import INVESTIGATION
from panosc.settings import Settings

DATASET, UNKNOWN = "icat-dataset", "icat-unknown"
LONGEST_KEPT = 200_000
"""Bytes of a message that are kept beside what it says."""
_PORT = 61613
_HEARTBEAT_MS = 10_000
_ANSWER_S = 15.0
_CLOSE_S = 3.0
_PAUSES_S = (0.2, 1.0, 3.0)
_AT_ONCE = 10
"""Messages that a broker sends before they are acknowledged."""
SENDER = Who(person="icat", via="nobody")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where a broker is and how to sign in."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    is_encrypted: bool

    @override
    def __str__(self) -> str:
        """Return it without its secret."""
        return f"{self.host}:{self.port}"


def broker(url: str) -> Broker:
    """Return the broker at an address such as ``stomp://user:password@host:61613``.

    Raises
    ------
    Invalid
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in {"stomp", "stomps"} or parts.path not in {"", "/"}:
        # the address may hold a password: it is not shown
        raise Invalid(
            "The address of the broker is not understood.",
            field="stomp_url",
            hint="Give it as stomp://user:password@host:61613, or stomps: for TLS.",
        )
    return Broker(
        host=host,
        port=port or _PORT,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        is_encrypted=parts.scheme == "stomps",
    )


def keep(register: Register, content: bytes) -> str:
    """Keep a message under an id made from its content; return the id.

    One that makes no sense is kept as failed, with the reason.
    """
    name = f"icat:{hashlib.sha256(content).hexdigest()[:40]}"
    raw = {"message": icat.shown(content, LONGEST_KEPT)}
    try:
        message = icat.read(content)
    except Invalid as error:
        register.keep(name, kind=UNKNOWN, who=SENDER, body=raw, fault=error.detail)
        return name
    if isinstance(message, Announced):
        register.keep(name, kind=DATASET, who=SENDER, body={**raw, "said": message.kept()})
    else:
        said = {"proposal": message.proposal, "instrument": message.instrument}
        body = {**raw, **said, "start": message.start}
        register.keep(name, kind=INVESTIGATION, who=SENDER, body=body)
    return name


class Listener:
    """Listens to queues of one broker, and comes back to it whenever it was lost."""

    def __init__(
        self,
        register: Register,
        where: Broker,
        queues: Sequence[str],
        *,
        first_wait_s: float = 1.0,
        longest_wait_s: float = 60.0,
    ) -> None:
        self._register = register
        self._broker = where
        self._queues = tuple(queues)
        self._waits = (first_wait_s, longest_wait_s)
        self._ends = threading.Event()

    def listen(self, told: Callable[[str], None] = _log.info) -> None:
        """Listen until `stop` is called; `told` gets what happens, in words."""
        first, longest = self._waits
        wait = first
        while not self._ends.is_set():
            was_connected, reason = self._session(told)
            if self._ends.is_set():
                return
            wait = first if was_connected else min(2 * wait, longest)
            told(f"The broker {self._broker} is lost ({reason}); asked again in {wait:.0f} s.")
            self._ends.wait(wait)

    def stop(self) -> None:
        """Let `listen` end."""
        self._ends.set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen in a thread beside whatever the block does."""
        with in_thread(self.listen, self.stop, name="broker"):
            yield

    def _session(self, told: Callable[[str], None]) -> tuple[bool, str]:
        """Listen once; return whether it came about, and why it ended."""
        try:
            # a message that could not be kept would only be sent in vain
            self._register.is_there()
        except (SQLAlchemyError, PanoscError) as error:
            return False, f"the database is away: {type(error).__name__}"
        connection = self._connection()
        session = _Session(connection, self._queues, self._register)
        connection.set_listener("", session)
        try:
            connection.connect(self._broker.user, self._broker.password, wait=False)
            if not session.wait(session.connected, self._ends, _ANSWER_S):
                return False, session.reason or "no answer"
            told(f"Listening to {', '.join(self._queues)} of {self._broker}.")
            session.wait(session.over, self._ends, None)
        except (StompException, OSError) as error:
            return False, str(error) or type(error).__name__
        finally:
            _close(connection, session)
        return True, session.reason or "the connection was closed"

    def _connection(self) -> Any:
        place = [(self._broker.host, self._broker.port)]
        connection = stomp.StompConnection11(
            place,
            heartbeats=(_HEARTBEAT_MS, _HEARTBEAT_MS),
            # coming back is ours, with a look at the database before
            reconnect_attempts_max=1,
            timeout=_ANSWER_S,
            keepalive=True,
            auto_decode=False,
        )
        if self._broker.is_encrypted:
            connection.set_ssl(place, verify=True)
        return connection


def listener(settings: Settings, register: Register) -> Listener:
    """Return the listener to the broker of the settings.

    Raises
    ------
    Invalid
        If there is none, or its address is not understood.
    """
    url = "" if settings.stomp_url is None else settings.stomp_url.get_secret_value()
    return Listener(register, broker(url), settings.stomp_queues)


class _Session(stomp.ConnectionListener):  # type: ignore[misc]
    """One connection, from its beginning to its end; called by a thread of its own."""

    def __init__(self, connection: Any, queues: Sequence[str], register: Register) -> None:
        self._connection = connection
        self._queues = queues
        self._register = register
        self.connected = threading.Event()
        self.over = threading.Event()
        self.reason = ""

    @override
    def on_connected(self, frame: Any) -> None:
        for number, queue in enumerate(self._queues):
            prefetch = {"activemq.prefetchSize": str(_AT_ONCE)}
            self._connection.subscribe(queue, number, ack="client-individual", headers=prefetch)
        self.connected.set()

    @override
    def on_message(self, frame: Any) -> None:
        if self.over.is_set():
            return
        headers = frame.headers
        body = frame.body if isinstance(frame.body, bytes) else str(frame.body or "").encode()
        if self._kept(body):
            self._connection.ack(headers["message-id"], headers["subscription"])

    def _kept(self, body: bytes) -> bool:
        """Keep a message, with patience: a database may be away for a moment."""
        for pause in (*_PAUSES_S, None):
            try:
                keep(self._register, body)
            except Exception as error:
                _log.exception("A message could not be kept")
                if pause is not None:
                    time.sleep(pause)
                    continue
                # not acknowledged: the broker sends it again to the next session
                self.reason = f"a message could not be kept: {type(error).__name__}"
                self.over.set()
                return False
            return True
        return False

    @override
    def on_error(self, frame: Any) -> None:
        words = frame.headers.get("message") or frame.body or b""
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        self.reason = f"it says: {text[:300]}"
        self.over.set()

    @override
    def on_disconnected(self) -> None:
        self.over.set()

    @override
    def on_heartbeat_timeout(self) -> None:
        self.reason = "its heart-beat was missed"
        self.over.set()

    def wait(self, wanted: threading.Event, ends: threading.Event, seconds: float | None) -> bool:
        """Wait until `wanted` comes about, the session is over, or `ends` is set."""
        left = seconds
        while not (wanted.is_set() or self.over.is_set() or ends.is_set()):
            if left is not None and left <= 0:
                return False
            wanted.wait(0.1)
            left = None if left is None else left - 0.1
        return wanted.is_set()


def _close(connection: Any, session: _Session) -> None:
    with suppress(StompException, OSError):
        if connection.is_connected():
            session.over.clear()
            connection.disconnect()
            session.over.wait(_CLOSE_S)
    with suppress(StompException, OSError, AttributeError):
        connection.transport.disconnect_socket()
