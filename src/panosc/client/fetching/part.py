"""A file that is not complete yet: what is there of it, of which version, its checksum so far."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import BinaryIO

from panosc.client.fetching.places import Place
from panosc.client.fetching.reply import Reply
from panosc.domain.errors import Conflict

_PIECE = 2**20
_LONGEST_TAG = 10_000


class Part:
    """The ``.part`` beside the file to be; its lock is ours."""

    def __init__(self, place: Place, file: BinaryIO) -> None:
        self._place = place
        self._file = file
        self._digest = sha256()
        self.offset = 0
        """How many bytes are there."""
        self.etag: str | None = None
        self.size: int | None = None
        self.whole_sha256: str | None = None
        """What the node said that all of it has."""
        self.begun = 0
        """How often it was begun anew."""

    def take_up(self, sha256_wanted: str | None) -> None:
        """Go on with what an earlier try has left, if it is known of which version that is.

        Raises
        ------
        Conflict
            If it was not left by an earlier try: it is somebody's.
        """
        said = self._tag()
        length = os.fstat(self._file.fileno()).st_size
        if length and "etag" not in said:
            raise Conflict(
                f"{self._place.path.with_name(self._place.part)} is there, and no part of this.",
                hint="Move it away, or take another folder.",
            )
        etag, size, known = said.get("etag"), said.get("size"), said.get("sha256")
        is_same = sha256_wanted is None or known in {None, sha256_wanted}
        fits = isinstance(size, int) and 0 < length <= size
        if not (isinstance(etag, str) and isinstance(size, int) and is_same and fits):
            self.begin_anew()
            return
        self._file.seek(0)
        for piece in pieces(self._file):
            self._digest.update(piece)
            self.offset += len(piece)
        self.etag, self.size = etag, size
        self.whole_sha256 = known if isinstance(known, str) else None

    def begin_anew(self) -> None:
        """Drop what is there."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = sha256()
        self.offset, self.etag, self.size, self.whole_sha256 = 0, None, None, None
        self.begun += 1

    def describe(self, reply: Reply, sha256_wanted: str | None) -> None:
        """Keep of which version the bytes are that come now, before they come."""
        self.size = reply.size if reply.size is not None else self.size
        if self.offset:
            return
        self.etag = reply.etag
        told = {"etag": reply.etag, "size": reply.size, "sha256": reply.sha256 or sha256_wanted}
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(self._place.open(self._place.tag, flags), "w") as file:
            json.dump(told, file)

    def write(self, piece: bytes) -> None:
        """Put a piece behind what is there."""
        self._file.write(piece)
        self._digest.update(piece)
        self.offset += len(piece)

    def flush(self) -> None:
        """Let nothing that was counted be lost when this program dies."""
        self._file.flush()

    def sync(self) -> None:
        """Let the disk have it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    @property
    def sha256(self) -> str:
        """The checksum of what is there."""
        return self._digest.hexdigest()

    def _tag(self) -> dict[str, object]:
        try:
            with os.fdopen(self._place.open(self._place.tag, os.O_RDONLY), "rb") as file:
                found = json.loads(file.read(_LONGEST_TAG))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


@contextmanager
def part_of(place: Place) -> Iterator[Part]:
    """Give the part beside a place, for a block of code; another program's is left alone.

    Raises
    ------
    Conflict
        If another program is at it.
    """
    while True:
        with os.fdopen(place.open(place.part, os.O_RDWR | os.O_CREAT), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    f"Another download writes {place.path} at this moment.",
                    hint="Wait for it, or take another folder.",
                ) from None
            if not _is_there(place, file):
                # who had the lock has just finished, and the file has its name
                continue
            yield Part(place, file)
            return


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file from where it stands to its end."""
    while piece := file.read(_PIECE):
        yield piece


def _is_there(place: Place, file: BinaryIO) -> bool:
    try:
        found = os.stat(place.part, dir_fd=place.folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(file.fileno()))
