"""One file, to the end: resumed where a connection broke, checked, then renamed into place."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import httpx

from panosc.client.fetching.part import Part, part_of, pieces
from panosc.client.fetching.places import Place
from panosc.client.fetching.redirects import opened
from panosc.client.fetching.reply import Reply, reply_of
from panosc.client.http import Http, Params
from panosc.client.patience import Patience, is_passing
from panosc.domain.errors import Conflict, PanoscError, Unavailable, Upstream

_BEYOND = 416
_MOST_BEGUN = 5
State = Literal["fetched", "there"]


class Stopped(Exception):
    """The user does not want it any more; what came is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file at a node, and what its catalogue says of it."""

    name: str
    path: str
    """Of its address at the node."""
    params: Params = ()
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Brings files of a node here."""

    http: Http
    advance: Callable[[int], None]
    is_stopped: Callable[[], bool] = lambda: False
    overwrite: bool = False
    patience: Patience = Patience()  # noqa: RUF009 - it does not change

    def fetch(self, wanted: Wanted, place: Place) -> State:
        """Bring a file to its place, unless it is there already.

        Raises
        ------
        Conflict
            If another file is there.
        Upstream
            If what came is not what the node says it is.
        """
        if self._is_there(wanted, place):
            self.advance(wanted.size or 0)
            return "there"
        try:
            with part_of(place) as part:
                part.take_up(wanted.sha256)
                self.advance(part.offset)
                self._complete(wanted, part)
                part.sync()
                place.rename()
        except OSError as error:
            raise Unavailable(
                f"{place.path} cannot be written: {error.strerror or error}.",
                hint="Make room or take another folder; what came so far is kept there.",
            ) from None
        return "fetched"

    def _is_there(self, wanted: Wanted, place: Place) -> bool:
        found = place.status()
        if found is None:
            return False
        digest = wanted.sha256
        if digest is not None and wanted.size in {None, found.st_size}:
            own = sha256()
            with os.fdopen(place.open(place.name, os.O_RDONLY), "rb") as file:
                for piece in pieces(file):
                    own.update(piece)
            if own.hexdigest() == digest:
                return True
        if self.overwrite:
            return False
        what = "another file" if digest else "a file, and the node tells no checksum of its own"
        raise Conflict(
            f"{place.path} is {what}.", hint="Move it away, or download with overwrite=True."
        )

    def _complete(self, wanted: Wanted, part: Part) -> None:
        is_again = part.offset > 0
        digest = self._rounds(wanted, part)
        if digest is None or part.sha256 == digest:
            return
        if is_again:
            # what an earlier try left may be damaged: once from the start
            self._drop(part)
            digest = self._rounds(wanted, part)
        if digest is not None and part.sha256 != digest:
            self._drop(part)
            raise Upstream(
                f"{wanted.name} came with the checksum {part.sha256[:12]}…, not {digest[:12]}….",
                provider=self.http.url,
                hint="It was not kept. Tell the node's people if it happens again.",
            )

    def _rounds(self, wanted: Wanted, part: Part) -> str | None:
        """Read to the end, in as many requests as it takes; return the checksum to have."""
        failed = 0
        while True:
            before = part.offset
            if self.is_stopped():
                raise Stopped
            try:
                return self._round(wanted, part)
            except (httpx.HTTPError, PanoscError) as error:
                part.flush()
                told = self.http.silence(error) if isinstance(error, httpx.HTTPError) else error
                failed = 1 if part.offset > before else failed + 1
                if not is_passing(told):
                    raise told from None
                self.patience.wait(failed, told)

    def _round(self, wanted: Wanted, part: Part) -> str | None:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if part.offset and part.etag:
            if part.offset == part.size and (known := part.whole_sha256 or wanted.sha256):
                return known
            headers |= {"Range": f"bytes={part.offset}-", "If-Range": part.etag}
        elif part.offset:
            # nobody said of which version it is
            self._drop(part)
        with opened(self.http, wanted.path, wanted.params, headers) as answer:
            if answer.status_code == _BEYOND:
                self._drop(part)
                raise self._odd(wanted, "there is not as much of it as came before")
            if not answer.is_success:
                raise self.http.told(answer)
            reply = reply_of(answer)
            self._agree(wanted, part, reply)
            for piece in answer.iter_raw():
                if self.is_stopped():
                    part.flush()
                    raise Stopped
                part.write(piece)
                self.advance(len(piece))
        if part.size is not None and part.offset != part.size:
            if part.offset > part.size:
                self._drop(part)
            raise self._odd(wanted, f"{part.offset} of {part.size} bytes came")
        return reply.sha256 or wanted.sha256

    def _agree(self, wanted: Wanted, part: Part, reply: Reply) -> None:
        """See that what comes goes on where the part ends, or begin anew with it."""
        if reply.sha256 and wanted.sha256 and reply.sha256 != wanted.sha256:
            raise Conflict(
                f"{wanted.name} is not the file any more that was registered.",
                hint="Its people can register it anew; what is there now may be anything.",
            )
        is_other = part.offset and reply.etag and reply.etag != part.etag
        if reply.first == 0 and part.offset:
            self._drop(part)
        elif reply.first != part.offset or is_other:
            self._drop(part)
            raise self._odd(wanted, "another part of it came than was asked for")
        part.describe(reply, wanted.sha256)

    def _drop(self, part: Part) -> None:
        self.advance(-part.offset)
        part.begin_anew()
        if part.begun > _MOST_BEGUN:
            raise Conflict("The file changes at the node again and again.", hint="Try again later.")

    def _odd(self, wanted: Wanted, why: str) -> Upstream:
        return Upstream(f"{wanted.name} did not come whole: {why}.", provider=self.http.url)
