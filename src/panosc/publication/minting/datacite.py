"""DataCite's REST API, as far as a node needs it: put a DOI, and look what became of it.

Only PUT, under names of our own: it does the same however often it is sent, where POST would
fail after a lost answer. Whether to try again is the caller's to decide, by `Fault` and
`Refused`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, cast, get_args
from urllib.parse import quote

import httpx
import orjson

from panosc.domain.errors import Upstream
from panosc.publication.minting.account import Account

State = Literal["draft", "registered", "findable"]
Event = Literal["register", "publish", "hide"]
STATES: Final = cast("tuple[State, ...]", get_args(State))
LONGEST_MESSAGE: Final = 500
LONGEST_WAIT: Final = timedelta(days=1)
_AGAIN: Final = frozenset({408, 425, 429})
_MEDIA: Final = "application/vnd.api+json"


class Fault(Exception):
    """DataCite did not answer, or asked for patience; the same is sent again later."""

    def __init__(
        self, message: str, *, after: timedelta | None = None, is_busy: bool = False
    ) -> None:
        super().__init__(message[:LONGEST_MESSAGE])
        self.after = after
        self.is_busy = is_busy
        """Whether all else has to wait, too."""


class Refused(Exception):
    """DataCite will not have it, however often it is sent: a person has to look."""

    def __init__(self, message: str, *, is_account: bool = False) -> None:
        super().__init__(message[:LONGEST_MESSAGE])
        self.is_account = is_account
        """Whether it is the account that is refused, and so everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What DataCite has of a DOI."""

    state: State
    url: str | None
    title: str | None


def event_to(wanted: State, held: State | None) -> Event | None:
    """Return what leads from one state to another; None where nothing does or has to.

    Examples
    --------
    >>> event_to("findable", None), event_to("registered", "findable"), event_to("draft", "draft")
    ('publish', 'hide', None)
    """
    if wanted in {held, "draft"}:
        return None
    if wanted == "findable":
        return "publish"
    return "hide" if held == "findable" else "register"


class DataCite:
    """Asks DataCite on behalf of one account.

    Parameters
    ----------
    client : Client
        Of `identity.outbound`; the caller closes it.
    """

    def __init__(self, account: Account, client: httpx.Client) -> None:
        self._account = account
        self._client = client

    def put(self, doi: str, attributes: Mapping[str, Any], *, event: Event | None) -> None:
        """Make or change a DOI.

        Raises
        ------
        Fault, Refused
        """
        told = {**attributes, "doi": doi}
        if event is not None:
            told["event"] = event
        body = {"data": {"id": doi, "type": "dois", "attributes": told}}
        answer = self._call("PUT", doi, content=orjson.dumps(body))
        if answer.status_code not in {200, 201}:
            raise _refused(answer)

    def get(self, doi: str) -> Held | None:
        """Return what DataCite has of a DOI; None if it does not know it.

        Raises
        ------
        Fault, Refused
        """
        answer = self._call("GET", doi)
        if answer.status_code == 404:  # noqa: PLR2004
            return None
        if answer.status_code != 200:  # noqa: PLR2004
            raise _refused(answer)
        try:
            attributes = orjson.loads(answer.content)["data"]["attributes"]
            state = attributes["state"]
            titles = attributes.get("titles") or [{}]
            title, url = titles[0].get("title"), attributes.get("url")
        except (ValueError, LookupError, TypeError, AttributeError):
            raise Fault("DataCite's answer cannot be understood.") from None
        if state not in STATES:
            raise Fault(f"DataCite says that the DOI is “{str(state)[:40]}”.")
        return Held(state=state, url=url, title=title)

    def _call(self, method: str, doi: str, *, content: bytes | None = None) -> httpx.Response:
        address = f"{self._account.url}/dois/{quote(doi, safe='/')}"
        headers = {"Accept": _MEDIA} | ({"Content-Type": _MEDIA} if content is not None else {})
        auth = (self._account.name, self._account.password.get_secret_value())
        try:
            answer = self._client.request(
                method, address, content=content, headers=headers, auth=auth
            )
        except Upstream as error:
            raise Fault(error.detail) from None
        status = answer.status_code
        if status >= 500 or status in _AGAIN:  # noqa: PLR2004
            after = _patience(answer.headers.get("retry-after"), datetime.now(UTC))
            is_busy = status == 429  # noqa: PLR2004
            raise Fault(f"DataCite answered {status}.", after=after, is_busy=is_busy)
        return answer


def _refused(answer: httpx.Response) -> Refused:
    status = answer.status_code
    words: list[str] = []
    try:
        errors = orjson.loads(answer.content)["errors"]
        for item in errors[:10]:
            source, title = item.get("source"), item.get("title") or item.get("detail")
            words.append(f"{source}: {title}" if source else str(title))
    except (ValueError, LookupError, TypeError, AttributeError):
        words = ["without words"]
    told = "; ".join(words)
    if status in {401, 403}:
        return Refused(f"DataCite refuses the account ({status}): {told}", is_account=True)
    return Refused(f"DataCite refuses it ({status}): {told}")


def _patience(text: str | None, now: datetime) -> timedelta | None:
    """Return how long ``Retry-After`` asks to wait, a day at most.

    Examples
    --------
    >>> _patience("120", datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()
    120.0
    >>> _patience("soon", datetime(2026, 1, 1, tzinfo=UTC)) is None
    True
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(LONGEST_WAIT, timedelta(seconds=int(text[:9])))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(LONGEST_WAIT, max(timedelta(), moment - now))
