"""Questions to a node over HTTP; its problem details become the errors of `domain.errors`.

A token travels encrypted, or to this machine itself, and only to the node it was given for.
"""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from typing_extensions import override

from panosc.client.kept import Kept
from panosc.client.patience import Lasting
from panosc.domain import errors
from panosc.domain.errors import Invalid, PanoscError, Upstream

TIMEOUT_S = 60.0
_LONGEST = 2000
BAND_BYTES = 32 * 2**20
_MOST_SAID = 100_000
"""Bytes of an answer that is an error."""
Params = Sequence[tuple[str, str]]
Token = str | Callable[[], str] | None
"""Or what returns one that is good now."""


class Http:
    """A connection to one node; threads may share it, and it can be sent to a process of one's own.

    What is sent so holds the token.
    """

    def __init__(self, url: str, *, token: Token = None, timeout: float | None = TIMEOUT_S) -> None:
        self.url = address(url, has_token=token is not None)
        if isinstance(token, str) and (
            not token.isascii() or not token.isprintable() or " " in token
        ):
            raise Invalid("The token is none.", field="token", hint="Copy all of it, alone.")
        self._token = token
        self._timeout = timeout
        self.kept = Kept()
        """What is inside of files."""
        self.most_bytes = BAND_BYTES
        """What one answer may hold; less once the node has said so."""
        self._client = httpx.Client(headers={"Accept": "application/json"}, timeout=timeout)
        self._others: httpx.Client | None = None

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Make it anew at the other side: connections do not travel."""
        return _again, (self.url, self._token, self._timeout)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
        if self._others is not None:
            self._others.close()

    def get(self, path: str, params: Params = ()) -> Any:
        """Return what the node answers, from JSON.

        Raises
        ------
        PanoscError
            The one that the node tells of.
        Upstream
            If it does not answer, or not as a node does.
        """
        return _json(self.answer(path, params), self)

    def answer(
        self, path: str, params: Params = (), headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Return an answer as it came, whatever its status.

        Raises
        ------
        Upstream
            If the node does not answer.
        """
        headers = {**(headers or {}), **self.bearer()}
        try:
            return self._client.get(self.url + path, params=list(params), headers=headers)
        except httpx.HTTPError as error:
            raise self.silence(error) from None

    @contextmanager
    def stream(
        self, path: str, params: Params = (), headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """Give an answer whose content has yet to be read, for a block of code.

        What fails there is an `httpx.HTTPError` still: how far it came is the caller's to know.
        """
        headers = {**(headers or {}), **self.bearer()}
        with self._client.stream(
            "GET", self.url + path, params=list(params), headers=headers
        ) as answer:
            yield answer

    @contextmanager
    def elsewhere(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Give the answer of a host that the node sent us to: it sees neither token nor cookies.

        Raises
        ------
        Upstream
            If the way there is less safe than that to the node.
        """
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and self.url.startswith("http:")):
            raise Lasting(
                f"{self.url} sends us on to {url[:200]!r}, which is not encrypted.",
                provider=self.url,
            )
        if self._others is None:
            self._others = httpx.Client(timeout=self._timeout)
        with self._others.stream("GET", url, headers=headers) as answer:
            yield answer

    def bearer(self) -> dict[str, str]:
        """Return the header that carries the token, for this node alone."""
        token = self._token() if callable(self._token) else self._token
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def silence(self, error: httpx.HTTPError) -> Upstream:
        """Return what to say of a node that does not answer."""
        return Upstream(
            f"{self.url} does not answer: {str(error) or type(error).__name__}.",
            provider=self.url,
            hint="Is the address right, and the node running?",
        )

    def told(self, answer: httpx.Response) -> PanoscError:
        """Return the error that an answer tells of; reads a bounded part of its content."""
        said = bytearray()
        if not answer.is_closed:
            for piece in answer.iter_bytes(_MOST_SAID):
                said += piece
                if len(said) >= _MOST_SAID:
                    break
        else:
            said += answer.content
        try:
            content = json.loads(bytes(said))
        except ValueError:
            content = None
        return self.error(answer, content)

    def error(self, answer: httpx.Response, content: object) -> PanoscError:
        """Return the error that the content of an answer tells of."""
        if not isinstance(content, dict) or "detail" not in content:
            return Upstream(
                f"{self.url} does not answer as a node does (status {answer.status_code}).",
                provider=self.url,
                hint="Give the address of its front page.",
            )
        code = str(content.get("type", "")).rpartition("#")[2]
        detail = str(content["detail"])[:_LONGEST]
        hint = str(content["hint"])[:_LONGEST] if content.get("hint") else None
        waits = answer.headers.get("Retry-After", "")
        told: dict[str, Callable[[], PanoscError]] = {
            "embargoed": lambda: errors.Embargoed(detail, until=None, hint=hint),
            "wrong-scope": lambda: errors.WrongScope(detail, scope="", hint=hint),
            "too-large": lambda: errors.TooLarge(
                detail, limit=_number(content.get("limit")), hint=hint
            ),
            "upstream": lambda: Upstream(detail, provider=self.url, hint=hint),
            "unreadable": lambda: errors.Unreadable(
                detail, reason=str(content.get("reason", ""))[:_LONGEST], hint=hint
            ),
        }
        if code in told:
            return told[code]()
        kind = _KINDS.get(code, PanoscError)
        if issubclass(kind, errors.Busy | errors.TooMany):
            return kind(detail, retry_after=int(waits) if waits.isdigit() else 5, hint=hint)
        if issubclass(kind, Invalid):
            field = content.get("field")
            return kind(detail, field=None if field is None else str(field), hint=hint)
        return kind(detail, hint=hint)


def _again(url: str, token: Token, timeout: float | None) -> Http:
    return Http(url, token=token, timeout=timeout)


def _json(answer: httpx.Response, http: Http) -> Any:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.is_success and content is not None:
        return content
    raise http.error(answer, content)


def _number(told: object) -> int:
    return told if isinstance(told, int) else 0


def _below(kind: type[PanoscError]) -> list[type[PanoscError]]:
    own = [found for found in kind.__subclasses__() if found.__module__ == errors.__name__]
    return [kind, *(deeper for found in own for deeper in _below(found))]


_KINDS = {kind.code: kind for kind in _below(PanoscError)}


def address(url: str, *, has_token: bool) -> str:
    """Return the address of a node in its one spelling.

    Raises
    ------
    Invalid
        If it is none, or a token would travel unencrypted.

    Examples
    --------
    >>> address("https://node.example/data/", has_token=True)
    'https://node.example/data'
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if not host or parts.scheme not in {"http", "https"} or not is_bare:
        raise Invalid(
            f"{url!r} is not the address of a node.", field="url", hint="Give it as https://HOST."
        )
    if has_token and parts.scheme == "http" and not _is_here(host):
        raise Invalid(
            f"{url} is not encrypted: the token would travel readable.",
            field="url",
            hint="Give it as https://….",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
