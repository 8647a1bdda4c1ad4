"""Reading ranges from S3, by fsspec's `s3fs`: it finds regions and hosts, and what errors mean.

That costs it a millisecond and a half of a processor for each request. Where the settings name
the server, and a bucket stands in the path, there is nothing to find: then the request is signed
here and sent as to any server, and the library is asked when the answer is no success.

It is asked for ranges one by one, not for files: what it answers is held to what was asked, and
trying again is `trying`'s business alone. Nothing of the machine's own AWS set-up is used: no
profiles, no proxies, no credentials that the settings do not name.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import httpcore
import httpx
import s3fs
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectFailure
from fsspec.asyn import sync
from fsspec.exceptions import FSTimeoutError
from typing_extensions import override

from panosc.domain.errors import Unreadable
from panosc.files.storage.answers import Answer, Asked, error_of
from panosc.files.storage.facts import Facts, mark_of
from panosc.files.storage.judging import IDLE_S, Deadline, addresses, is_fine, refused
from panosc.files.storage.places import Store
from panosc.files.storage.trying import Transient
from panosc.files.storage.web import WebRemote

T = TypeVar("T")

CONNECTIONS: Final = 16
PIECE: Final = 2**20
CONNECT_S: Final = 5.0
CLOSE_S: Final = 5.0
REGION: Final = "us-east-1"
"""Where the settings name none; other servers than those of Amazon mostly mean no other by it."""
_SUCCESS: Final = frozenset({200, 206})
_AMAZON: Final = (".amazonaws.com", ".amazonaws.com.cn")
_FAILURES = (ConnectFailure, HTTPClientError, aiohttp.ClientError, OSError)


class _Ways(AbstractResolver):
    """Finds judged addresses, of the storage's own hosts only, and lets nobody connect elsewhere.

    The library follows redirects, which may name an address that is never resolved.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        parts = urlsplit(store.endpoint or "https:")
        self._host = (parts.hostname or "").rstrip(".")
        self._port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        self._judged: set[str] = set()
        try:
            literal = str(ipaddress.ip_address(self._host))
        except ValueError:
            return
        if not is_fine(literal, private=store.private):
            raise refused(
                store, f"{literal} is not in the public internet, and it is not set as `private`"
            )
        self._judged.add(literal)

    def open_socket(self, way: tuple[Any, ...]) -> socket.socket:
        """Return a socket for a connection, if it goes where the storage is."""
        family, kind, protocol, _, (address, port, *_) = way
        if address not in self._judged or port != self._port:
            raise refused(self._store, "it sends readers on to another address")
        return socket.socket(family, kind, protocol)

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        name = host.lower().rstrip(".")
        ours = (f".{self._host}",) if self._host else _AMAZON
        if name != self._host and not name.endswith(ours):
            raise refused(self._store, f"it leads to {host[:100]}, another host")

        def look_up() -> list[str]:
            return addresses(self._store, name, port, limit_s=CONNECT_S)

        found = await asyncio.get_running_loop().run_in_executor(None, look_up)
        self._judged.update(found)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    @override
    async def close(self) -> None:
        """Hold nothing."""


class _Otherwise(Exception):
    """The answer is no success: the library asks again, and says what is meant by it."""


class _Signed(WebRemote):
    """A storage whose objects have addresses that need not be found out."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._signing = (
            None
            if store.key is None
            else S3SigV4Auth(Credentials(store.key, store.secret), "s3", store.region or REGION)
        )

    @override
    @contextmanager
    def asking(
        self, method: str, url: str, wanted: dict[str, str], deadline: Deadline
    ) -> Iterator[tuple[httpcore.Response, httpx.Headers]]:
        bucket, key = self._store.bucket_and_key(url)
        address = f"{self._store.endpoint}/{bucket}/{quote(key, safe='/~')}"
        with self.ask(method, address, wanted, deadline) as response:
            if response.status not in _SUCCESS:
                raise _Otherwise
            yield response, httpx.Headers(response.headers)

    @override
    def credentials(self, method: str, address: str) -> dict[str, str]:
        if self._signing is None:
            return {}
        request = AWSRequest(method, address)
        self._signing.add_auth(request)
        return dict(request.headers)


def has_addresses(store: Store) -> bool:
    """Whether it is known where an object is: below the server's address, bucket and key."""
    return store.endpoint is not None and store.addressing != "virtual"


class S3Remote:
    """One storage that is read by the protocol of S3."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signed = _Signed(store) if has_addresses(store) else None
        ways = _Ways(store)
        self._fs = s3fs.S3FileSystem(
            anon=store.key is None,
            key=store.key,
            secret=store.secret,
            endpoint_url=store.endpoint,
            client_kwargs={"region_name": store.region or REGION, "verify": store.ca_file},
            config_kwargs={
                "connect_timeout": CONNECT_S,
                "read_timeout": IDLE_S,
                "retries": {"total_max_attempts": 1, "mode": "standard"},
                "max_pool_connections": CONNECTIONS,
                "proxies": {},
                "response_checksum_validation": "when_required",
                "ignore_configured_endpoint_urls": True,
                "s3": {"addressing_style": store.addressing},
                "connector_args": {"resolver": ways, "socket_factory": ways.open_socket},
            },
            skip_instance_cache=True,
        )

    def close(self) -> None:
        """Close the connections."""
        if self._signed is not None:
            self._signed.close()
        creator = getattr(self._fs, "_s3creator", None)
        if creator is not None:
            # its own `close_session` would use the loop of whoever calls, if one runs there
            with suppress(FSTimeoutError):
                sync(self._fs.loop, creator.__aexit__, None, None, None, timeout=CLOSE_S)

    def look(self, url: str, *, limit_s: float) -> Facts:
        """Return what the storage tells of an object."""
        end = time.monotonic() + limit_s
        if self._signed is not None:
            with suppress(_Otherwise):
                return self._signed.look(url, limit_s=limit_s)
        answer = self._ask("head_object", url, limit_s=end - time.monotonic())
        return self._facts(answer, answer.get("ContentLength"))

    @contextmanager
    def fetch(
        self, url: str, offset: int, size: int, *, limit_s: float, is_long: bool
    ) -> Iterator[Answer]:
        """Ask for a range."""
        end = time.monotonic() + limit_s
        with ExitStack() as kept:
            found = None
            if self._signed is not None:
                signed = self._signed.fetch(url, offset, size, limit_s=limit_s, is_long=is_long)
                with suppress(_Otherwise):
                    found = kept.enter_context(signed)
            if found is None:
                left_s = end - time.monotonic()
                found = kept.enter_context(
                    self._fetch(url, offset, size, limit_s=left_s, is_long=is_long)
                )
            yield found

    @contextmanager
    def _fetch(
        self, url: str, offset: int, size: int, *, limit_s: float, is_long: bool
    ) -> Iterator[Answer]:
        """Let the library ask for a range."""
        asked = Asked(store=self._store, offset=offset, size=size)
        end = time.monotonic() + limit_s
        answer = self._ask("get_object", url, limit_s=limit_s, Range=asked.header)
        body = answer["Body"]
        try:
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            whole = asked.whole_size(
                status, answer.get("ContentRange"), answer.get("ContentLength")
            )
            pieces = self._pieces(body, size, limit_s=limit_s, end=None if is_long else end)
            yield Answer(facts=self._facts(answer, whole), pieces=asked.exactly(pieces))
        finally:
            # of an answer that was read to its end this does nothing
            self._fs.loop.call_soon_threadsafe(body.close)

    def _pieces(
        self, body: Any, size: int, *, limit_s: float, end: float | None
    ) -> Iterator[bytes]:
        async def take(count: int) -> bytes:
            taken = bytearray()
            while len(taken) < count and (some := await body.read(count - len(taken))):
                taken += some
            return bytes(taken)

        left = size
        while left > 0:
            rest_s = limit_s if end is None else end - time.monotonic()
            count = min(left, PIECE)
            piece = self._wait(partial(take, count), limit_s=rest_s)
            yield piece
            if len(piece) < count:
                return
            left -= len(piece)

    def _ask(self, act: str, url: str, *, limit_s: float, **wanted: str) -> dict[str, Any]:
        bucket, key = self._store.bucket_and_key(url)

        async def ask() -> dict[str, Any]:
            client = await self._fs.set_session()
            answer: dict[str, Any] = await getattr(client, act)(Bucket=bucket, Key=key, **wanted)
            return answer

        return self._wait(ask, limit_s=limit_s)

    def _wait(self, action: Callable[[], Coroutine[Any, Any, T]], *, limit_s: float) -> T:
        """Wait in this thread for what the library's own does."""
        if limit_s <= 0:
            raise Transient("it took too long to answer")
        try:
            found: T = sync(self._fs.loop, action, timeout=limit_s)
        except Exception as error:
            failure = error
        else:
            return found
        raise self._meant(failure) from None

    def _meant(self, failure: BaseException) -> Exception:
        """Return what a failure of the library means."""
        told: BaseException | None = failure
        while told is not None:
            if isinstance(told, (Unreadable, Transient)):
                return told
            told = told.__cause__ or told.__context__
        if isinstance(failure, ClientError):
            status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = str(failure.response.get("Error", {}).get("Code", ""))[:60]
            return error_of(self._store, status, "" if code == str(status) else code)
        if isinstance(failure, TimeoutError):
            return Transient("it took too long to answer")
        if isinstance(failure, _FAILURES):
            # its text names addresses inside the facility
            return Transient(f"it cannot be reached ({type(failure).__name__})")
        if isinstance(failure, BotoCoreError):
            return refused(self._store, f"{type(failure).__name__}: {failure}"[:200])
        return failure if isinstance(failure, Exception) else Transient("it was interrupted")

    def _facts(self, answer: dict[str, Any], size: int | None) -> Facts:
        told, tag = answer.get("LastModified"), answer.get("ETag")
        return Facts(size=size, mark=mark_of(told, tag, use_etag=self._store.use_etag))
