"""Questions to a node over HTTP; its problem details become the errors of `domain.errors`.

A token travels encrypted, or to this machine itself, and only to the node it was given for.
"""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from panosc.domain import errors
from panosc.domain.errors import Invalid, PanoscError, Upstream

TIMEOUT_S = 60.0
_LONGEST = 2000


class Http:
    """A connection to one node."""

    def __init__(
        self, url: str, *, token: str | None = None, timeout: float | None = TIMEOUT_S
    ) -> None:
        self.url = address(url, has_token=token is not None)
        headers = {"Accept": "application/json"}
        if token is not None:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise Invalid("The token is none.", field="token", hint="Copy all of it, alone.")
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(headers=headers, timeout=timeout)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """Return what the node answers, from JSON.

        Raises
        ------
        PanoscError
            The one that the node tells of.
        Upstream
            If it does not answer, or not as a node does.
        """
        try:
            answer = self._client.get(self.url + path, params=list(params))
        except httpx.HTTPError as error:
            raise Upstream(
                f"{self.url} does not answer: {str(error) or type(error).__name__}.",
                provider=self.url,
                hint="Is the address right, and the node running?",
            ) from None
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.is_success and content is not None:
            return content
        raise self._error(answer, content)

    def _error(self, answer: httpx.Response, content: object) -> PanoscError:
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
            "too-large": lambda: errors.TooLarge(detail, limit=0, hint=hint),
            "upstream": lambda: Upstream(detail, provider=self.url, hint=hint),
            "unreadable": lambda: errors.Unreadable(detail, reason="", hint=hint),
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
