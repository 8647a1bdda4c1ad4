"""The stand-in over HTTP, with faults on demand: refusals, lost answers, silence."""

import base64
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import orjson
from typing_extensions import override

from panosc.domain.errors import Unavailable
from panosc.publication.minting.standin.rules import RefusedError, Repository

HOST: Final = "127.0.0.1"
ACCOUNT: Final = "STANDIN.NODE"
PREFIX: Final = "10.5072"
SILENCE_S: Final = 5.0
LONGEST_BODY: Final = 4 << 20
_WORDS: Final = "This is a stand-in for DataCite. It registers nothing; what it has ends with it."
Fault = Literal[429, 500, 503, "lost", "silent"]
"""`lost`: it is done, and the connection is cut before the answer; `silent`: nothing is done, and
no answer comes in time."""
Faults = Callable[[str, str], Fault | None]
"""Method and DOI → what goes wrong with this request."""


class StandIn:
    """One stand-in; not for a node that anyone else can reach.

    Parameters
    ----------
    port : int
        0 takes a free one.
    faults : callable, optional
        What goes wrong, request by request.
    silence_s : float
        How long it is silent.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        prefix: str = PREFIX,
        password: str | None = None,
        faults: Faults | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.repository = Repository(prefix=prefix)
        self.account = ACCOUNT
        self.password = password or secrets.token_urlsafe(16)
        self.faults = faults
        self.silence_s = silence_s
        self.answered: Counter[str] = Counter()
        """How often each method was answered with each status or fault."""
        self._port = port
        self._ends = threading.Event()

    @property
    def url(self) -> str:
        """Its address, once it runs."""
        return f"http://{HOST}:{self._port}"

    @contextmanager
    def running(self) -> Iterator["StandIn"]:
        """Answer requests while the block runs.

        Raises
        ------
        Unavailable
            If the port is taken.
        """
        try:
            server = _Server(self, self._port)
        except OSError as error:
            raise Unavailable(
                f"The stand-in cannot listen on {HOST} port {self._port}: {error.strerror}.",
                hint="Choose another --port; 0 takes a free one.",
            ) from None
        self._port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ends.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def is_owner(self, header: str | None) -> bool:
        """Whether a request carries the account's name and password."""
        pair = base64.b64encode(f"{self.account}:{self.password}".encode()).decode()
        return secrets.compare_digest((header or "").encode(), f"Basic {pair}".encode())

    def keep_silent(self) -> None:
        """Wait until nobody expects an answer any more."""
        self._ends.wait(self.silence_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, stand_in: StandIn, port: int) -> None:
        self.stand_in = stand_in
        super().__init__((HOST, port), _Handler)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that was killed is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _stand_in(self) -> StandIn:
        server: Any = self.server
        found: StandIn = server.stand_in
        return found

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, act: Callable[[], tuple[int, Any]]) -> None:
        self._given = self._body()
        faults = self._stand_in.faults
        fault = faults(self.command, self._doi) if faults else None
        if isinstance(fault, int):
            self._send(fault, _errors(fault, "An injected fault."), retry="0")
        elif fault == "silent":
            self._stand_in.keep_silent()
            self._cut(fault)
        elif fault == "lost":
            self._allowed(act)
            self._cut(fault)
        else:
            self._send(*self._allowed(act))

    def _cut(self, fault: Fault) -> None:
        """End the connection without an answer."""
        self._stand_in.answered[f"{self.command} {fault}"] += 1
        self.close_connection = True

    def _allowed(self, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
        is_open = self.command == "GET"
        if not is_open and not self._stand_in.is_owner(self.headers.get("authorization")):
            return 401, _errors(401, "Bad credentials.")
        try:
            return act()
        except RefusedError as error:
            return error.status, _errors(error.status, str(error), error.source)

    def _get(self) -> tuple[int, Any]:
        repository = self._stand_in.repository
        if self._path == "/":
            return 200, {"about": _WORDS}
        if self._path == "/dois":
            found = [item.as_json() for item in list(repository.records.values())]
            shown = [item for item in found if item["attributes"]["state"] == "findable"]
            return 200, {"data": shown[:1000], "meta": {"total": len(shown)}}
        is_owner = self._stand_in.is_owner(self.headers.get("authorization"))
        return 200, {"data": repository.get(self._doi, is_owner=is_owner).as_json()}

    def _put(self) -> tuple[int, Any]:
        is_new = self._stand_in.repository.put(self._doi, self._attributes())
        told = self._stand_in.repository.get(self._doi, is_owner=True)
        return 201 if is_new else 200, {"data": told.as_json()}

    def _post(self) -> tuple[int, Any]:
        return 201, {"data": self._stand_in.repository.post(self._attributes()).as_json()}

    def _delete(self) -> tuple[int, Any]:
        self._stand_in.repository.delete(self._doi)
        return 204, None

    def _attributes(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self._given)["data"]["attributes"]
        except (ValueError, LookupError, TypeError):
            raise RefusedError(400, "The request cannot be parsed.") from None
        if not isinstance(found, dict):
            raise RefusedError(400, "The request has no attributes.")
        return found

    def _body(self) -> bytes:
        length = self.headers.get("content-length") or "0"
        size = int(length) if length.isascii() and length.isdigit() else 0
        return self.rfile.read(min(size, LONGEST_BODY))

    @property
    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    @property
    def _doi(self) -> str:
        return self._path.removeprefix("/dois/")

    def _send(self, status: int, told: Any, *, retry: str | None = None) -> None:
        self._stand_in.answered[f"{self.command} {status}"] += 1
        body = b"" if told is None else orjson.dumps(told)
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.api+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Stand-In", "This is not DataCite")
        if retry is not None:
            self.send_header("Retry-After", retry)
        if status == 405:  # noqa: PLR2004
            self.send_header("Allow", "HEAD, GET, POST, PATCH, PUT, OPTIONS")
        self.end_headers()
        self.wfile.write(body)


def _errors(status: int, title: str, source: str | None = None) -> dict[str, Any]:
    told = {"status": str(status), "source": source, "title": title}
    return {"errors": [{name: value for name, value in told.items() if value is not None}]}
