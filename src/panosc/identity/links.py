"""Short signed links: one address, one person, an hour at most; seven days for a download.

A link gives what that person may see when it is used, never what they could when it was made:
whoever has left the team gets nothing by an old link. It cannot be revoked but by locking the
account; it ends soon.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import Request

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid
from panosc.identity.keys import Keys
from panosc.identity.standing import standing_of
from panosc.identity.tokens import is_admitted
from panosc.settings import Settings

LONGEST = timedelta(hours=1)
LONGEST_DOWNLOAD = timedelta(days=7)
"""For what is fetched by a script, or by somebody else: ``/datasets/PID/-/download``."""
PARAMETER = "signed"
_PURPOSE = "link"
_MARK = f"{PARAMETER}="
_SCOPES = frozenset({"read", "data"})
_LONGEST_PATH = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What to add to an address, such as ``?signed=…``, and until when it is good."""

    suffix: str
    expires: datetime


class LinkService:
    """Signs links, and knows who a request by one comes from."""

    def __init__(
        self, engine: sa.Engine, settings: Settings, keys: Keys, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._terms = settings.terms_version
        self.base = (settings.base_url or "").rstrip("/")
        """The public address before a path; empty when the node was given none."""
        self._keys = keys
        self._clock = clock

    def sign(self, who: Who, path: str, *, lifetime: timedelta = LONGEST) -> Signed:
        """Return what to add to `path` so that it opens without sign-in.

        Parameters
        ----------
        path : str
            Exactly as it will be asked for: encoded, and with its query if it has one.
        lifetime : timedelta
            At most an hour, for a download at most seven days; longer is cut.

        Raises
        ------
        Invalid
            If the path is none that links are made for.
        """
        _refuse(path)
        longest = LONGEST_DOWNLOAD if is_download(path) else LONGEST
        expires = (self._clock() + min(lifetime, longest)).replace(microsecond=0)
        value = {
            "path": path,
            "account": who.person or "",
            "scopes": sorted(_SCOPES & who.scopes),
            "exp": int(expires.timestamp()),
        }
        text = self._keys.sign(value, _PURPOSE)
        joint = "&" if "?" in path else "?"
        return Signed(suffix=f"{joint}{_MARK}{text}", expires=expires)

    def read(self, request: Request) -> Who | None:
        """Return the caller of a signed link; None where the request is by none.

        Raises
        ------
        Forbidden
            If the link is over, for another address or way of asking, or was never made.
        """
        query = request.scope.get("query_string", b"").decode("latin-1")
        if _MARK not in query:
            return None
        before, mark, text = query.rpartition(_MARK)
        if mark and before and not before.endswith("&"):
            return None
        value = self._keys.verify(text, _PURPOSE)
        path = request.scope.get("raw_path", b"").decode("latin-1")
        asked = path + (f"?{before[:-1]}" if before else "")
        if (
            value is None
            or request.method not in {"GET", "HEAD"}
            or value["path"] != asked
            or value["exp"] <= self._clock().timestamp()
        ):
            raise _bad()
        return self._caller(value)

    def _caller(self, value: dict[str, Any]) -> Who:
        if not value["account"]:
            return Who(via="link", scopes=frozenset(value["scopes"]))
        with self._engine.connect() as connection:
            standing = standing_of(connection, value["account"], now=self._clock())
        if standing is None:
            raise _bad()
        return standing.who(
            via="link",
            scopes=value["scopes"],
            is_admitted=is_admitted(standing, self._terms),
        )


def is_download(path: str) -> bool:
    """Whether a path is that of data to be fetched: a file, or all of a dataset."""
    bare = urlsplit(path).path
    return bare.startswith("/datasets/") and bare.endswith("/-/download")


def _bad() -> Forbidden:
    return Forbidden(
        "This link is not good: it is over, or was made for another address.",
        hint="Links are good for an hour, for downloads for days at most. Take a new one where you "
        "found it, or sign in.",
    )


def _refuse(path: str) -> None:
    bare = urlsplit(path).path if path.startswith("/") and not path.startswith("//") else ""
    is_plain = path.isascii() and path.isprintable() and not set(path) & set(' #"<>\\^`{|}')
    has_dots = any(
        part.replace("%2e", ".").replace("%2E", ".") in {".", ".."} for part in bare.split("/")
    )
    is_ours = bare.startswith("/panosc-api/") or (bare.startswith("/datasets/") and "/-/" in bare)
    if not (is_ours and is_plain and len(path) <= _LONGEST_PATH) or has_dots or _MARK in path:
        raise Invalid(
            "Links are made for addresses beneath /datasets/PID/-/ and /panosc-api/.",
            field="path",
            hint="Give the path exactly as it is asked for, encoded, without host.",
        )
