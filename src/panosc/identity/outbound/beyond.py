"""Calling out many times at once, by one pool of connections: for questions to other catalogues.

The rules are those of `outbound`: connections go to judged addresses only, answers are bounded,
a call has one deadline, no proxy of the environment is heeded. A connection that was judged is
kept for the next call to the same place.
"""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpcore
import httpx
from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.identity.outbound import default_tls
from panosc.identity.outbound.rules import Deadline, Refused, Resolver, Rules, plain, resolved
from panosc.settings import Settings

MOST_AT_ONE_PLACE = 40
"""Calls at once to one server: one that hangs leaves the others their connections."""
KEPT_S = 30.0
MOST_REDIRECTS = 3
_CLOSED = ("Server disconnected", "peer closed connection")
"""How it is said that an answer ended early; whatever else breaks the protocol is garbage."""
Place = tuple[str, str, int | None]
"""Scheme, host and port."""


class Failed(Upstream):
    """A call that brought no answer that can be used; `reason` is a stable word for why.

    ``late``, ``unreachable``, ``tls``, ``refused`` (by the rules of this node), ``too-large``,
    ``broken-off``, ``garbage``; a connector adds ``status`` for an answer that is an error.
    """

    def __init__(self, detail: str, *, provider: str, reason: str) -> None:
        super().__init__(detail, provider=provider)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one call may take."""

    seconds: float
    """From resolving the name to the last byte."""
    limit: int
    """Bytes of the answer, packed and unpacked."""
    take: Callable[[int], Awaitable[None]] | None = None
    """Told of each piece of an answer before it is kept; it may wait."""


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._inner = httpcore.AnyIOBackend()
        self._looking: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in await self._addresses(host, port, timeout or KEPT_S):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """Return judged addresses; whoever asks while a host is looked up waits for the same."""
        key = (host.lower().rstrip("."), port)
        found = self._looking.get(key)
        if found is None:
            found = self._looking[key] = asyncio.get_running_loop().create_future()
            self._look_up(found, key, seconds)
        return await asyncio.shield(found)

    def _look_up(
        self, found: "asyncio.Future[list[str]]", key: tuple[str, int], seconds: float
    ) -> None:
        """Look a host up in a thread of its own: the system's resolver may hang."""
        loop = asyncio.get_running_loop()

        def settle(addresses: list[str], error: Exception | None) -> None:
            del self._looking[key]
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)
                # nobody may be waiting any more
                found.exception()

        def look_up() -> None:
            addresses: list[str] = []
            failure: Exception | None = None
            try:
                addresses = self._rules.addresses(*key, Deadline(seconds))
            except Exception as error:
                failure = error
            # the loop may have ended meanwhile
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, addresses, failure)

        threading.Thread(target=look_up, daemon=True, name="looking up").start()

    @override
    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("it is not in a network")

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class _Line:
    """The connections to one place."""

    pool: httpcore.AsyncConnectionPool
    busy: int = 0
    used: float = 0.0

    def is_unused(self, now: float) -> bool:
        return not self.busy and self.used + KEPT_S < now


class Beyond:
    """Calls other services; made by `beyond`, used within one event loop."""

    def __init__(self, rules: Rules, tls: ssl.SSLContext) -> None:
        self._rules = rules
        self._tls = tls
        self._backend = _Backend(rules)
        self._lines: dict[Place, _Line] = {}

    def is_trusted(self, host: str) -> bool:
        """Whether a host may be in a private network, by the administrator's leave."""
        return self._rules.is_trusted(host.lower().rstrip("."))

    async def close(self) -> None:
        """End all connections."""
        for line in self._lines.values():
            await line.pool.aclose()

    async def call(self, request: httpx.Request, bounds: Bounds, *, name: str) -> httpx.Response:
        """Return the whole answer to a request, of any status; the provider `name` is asked.

        A GET follows redirects, each judged anew. A host that may be in a private network, by the
        administrator's leave, may lead on to itself alone, and nobody else may lead there. What
        was given to prove who asks goes to no other place.

        Raises
        ------
        Failed
        """
        try:
            async with asyncio.timeout(bounds.seconds):
                return await self._followed(request, bounds)
        except Refused as error:
            raise _failed(name, str(error), error.reason) from None
        except (TimeoutError, httpcore.TimeoutException):
            raise _failed(name, f"it took longer than {bounds.seconds:g} s", "late") from None
        except httpcore.ConnectError as error:
            reason = "tls" if isinstance(error.__cause__ or error.__context__, ssl.SSLError) else ""
            reason = reason or ("tls" if "SSL" in str(error).upper() else "unreachable")
            raise _failed(name, f"it cannot be reached: {error}", reason) from None
        except httpcore.ProtocolError as error:
            text = str(error)
            if text.startswith(_CLOSED):
                raise _failed(name, f"its answer broke off: {text}", "broken-off") from None
            raise _failed(name, f"its answer is not HTTP: {text}", "garbage") from None
        except (httpcore.NetworkError, OSError) as error:
            text = str(error) or type(error).__name__
            raise _failed(name, f"its answer broke off: {text}", "broken-off") from None

    async def _followed(self, request: httpx.Request, bounds: Bounds) -> httpx.Response:
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._once(request, bounds)
            if request.method not in {"GET", "HEAD"} or not response.has_redirect_location:
                return response
            request = self._next(request, response.headers["location"])
        raise Refused(f"it redirects more than {MOST_REDIRECTS} times")

    def _next(self, request: httpx.Request, location: str) -> httpx.Request:
        try:
            url = request.url.join(location)
        except (httpx.InvalidURL, ValueError):
            raise Refused("it redirects to what is no address", reason="garbage") from None
        is_same = _place(url) == _place(request.url)
        if not is_same and (self.is_trusted(request.url.host) or self.is_trusted(url.host)):
            raise Refused("it redirects to another server, which its leave does not cover")
        headers = httpx.Headers(
            {
                name: value
                for name, value in request.headers.items()
                if name != "host" and (is_same or name in {"accept", "user-agent"})
            }
        )
        return httpx.Request(request.method, url, headers=headers)

    async def _once(self, request: httpx.Request, bounds: Bounds) -> httpx.Response:
        url = request.url
        host = url.host.lower().rstrip(".")
        if not host:
            raise Refused("its address names no host")
        self._rules.check(url.copy_with(host=host))
        place = _place(url)
        line = self._lines.get(place)
        if line is None:
            line = self._lines[place] = _Line(self._pool())
        line.busy += 1
        try:
            await self._close_unused()
            return await self._answered(request, bounds, line.pool)
        finally:
            line.busy -= 1
            line.used = asyncio.get_running_loop().time()

    async def _close_unused(self) -> None:
        now = asyncio.get_running_loop().time()
        unused = [place for place, line in self._lines.items() if line.is_unused(now)]
        # out of reach before the first is waited for: others look for some meanwhile
        for line in [self._lines.pop(place) for place in unused]:
            await line.pool.aclose()

    def _pool(self) -> httpcore.AsyncConnectionPool:
        """Return a pool for one place: in a pool for all, each call looks through all."""
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=MOST_AT_ONE_PLACE,
            keepalive_expiry=KEPT_S,
            network_backend=self._backend,
        )

    async def _answered(
        self, request: httpx.Request, bounds: Bounds, pool: httpcore.AsyncConnectionPool
    ) -> httpx.Response:
        url = request.url
        request.headers.setdefault("User-Agent", "panosc")
        request.headers["Accept-Encoding"] = "gzip"
        call = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": dict.fromkeys(("connect", "read", "write"), bounds.seconds)},
        )
        response = await _begun(call, pool)
        try:
            told = httpx.Headers(response.headers).get("content-length", "")
            if told.isdecimal() and int(told[:20]) > bounds.limit:
                raise _too_large(bounds.limit)
            body = bytearray()
            async for piece in response.aiter_stream():
                if bounds.take is not None:
                    await bounds.take(len(piece))
                body += piece
                if len(body) > bounds.limit:
                    raise _too_large(bounds.limit)
        finally:
            await response.aclose()
        found = plain(response, bytes(body), bounds.limit)
        found.request = request
        return found


async def _begun(call: httpcore.Request, pool: httpcore.AsyncConnectionPool) -> httpcore.Response:
    """Return an answer that begins; a kept connection may have ended as it was taken."""
    try:
        return await pool.handle_async_request(call)
    except (httpcore.RemoteProtocolError, httpcore.ReadError) as error:
        is_closed = isinstance(error, httpcore.ReadError) or str(error).startswith(_CLOSED)
        if call.method not in {b"GET", b"HEAD"} or not is_closed:
            raise
    return await pool.handle_async_request(call)


def _place(url: httpx.URL) -> Place:
    return url.scheme, url.host.lower().rstrip("."), url.port


def _too_large(limit: int) -> Refused:
    return Refused(f"its answer is larger than {limit} bytes", reason="too-large")


def _failed(name: str, why: str, reason: str) -> Failed:
    return Failed(f"{name} was not used: {why}.", provider=name, reason=reason)


@asynccontextmanager
async def beyond(
    settings: Settings,
    *,
    trusted: Iterable[str] = (),
    resolve: Resolver = resolved,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Beyond]:
    """Provide calls to other services.

    Parameters
    ----------
    settings : Settings
        ``outbound_hosts`` may be in private networks and be called without TLS.
    trusted : iterable of str
        Further hosts that may, by the administrator's leave.
    resolve : callable
        Finds the addresses of a host.
    tls : SSLContext, optional
        Whom to trust; the usual authorities when not given.
    """
    made = Beyond(Rules(settings, resolve, trusted=trusted), tls or default_tls())
    try:
        yield made
    finally:
        await made.close()
