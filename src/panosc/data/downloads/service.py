"""Downloads: what may be fetched, how much of it there is, and the answers that carry it."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

from fastapi.responses import Response

from panosc.data.admitting import Admission, Located
from panosc.data.downloads import answering, bagging, zipping
from panosc.data.downloads.bagging import About, Bag, Checksums, Item
from panosc.data.downloads.naming import matching
from panosc.data.downloads.opening import Opener
from panosc.data.downloads.ranges import Version, spans
from panosc.data.downloads.sending import Closing, Streamed
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, NotFound, TooLarge, Unreadable
from panosc.files.storage.places import stores_of
from panosc.files.tiers import ONLINE
from panosc.settings import Settings

THREADS: Final = 16
"""That read for downloads: a disk that hangs holds up no other request."""
LONGEST_MATCH: Final = 200
_NAMED: Final = 5
"""Files that an error names."""
Describe = Callable[[Who, Sequence[str]], list[About]]
"""Tells of datasets what an archive of them says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Files that were asked for: those that are on disk, and those that are not."""

    pids: tuple[str, ...]
    online: list[Item]
    missing: list[Item]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(item.located.size for item in self.online)

    @property
    def is_public(self) -> bool:
        """Whether anyone may have all of it."""
        return all(item.located.is_public for item in (*self.online, *self.missing))


class Downloads:
    """Answers requests for files and archives; to be closed, or used by ``with``.

    Parameters
    ----------
    describe : callable
        Tells of datasets what an archive of them says.
    """

    def __init__(
        self,
        settings: Settings,
        admission: Admission,
        describe: Describe,
    ) -> None:
        self.settings = settings
        self.admission = admission
        self._describe = describe
        self._stores = stores_of(settings)
        self._checksums = Checksums()
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    @property
    def threads(self) -> ThreadPoolExecutor:
        """The threads that read."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="panosc-download")
        return self._threads

    def file(
        self, who: Who, pid: str, name: str, headers: Mapping[str, str], *, is_head: bool
    ) -> Response:
        """Return the answer with one file; see `answering.answer`. Needs the permission `bytes`."""
        located = self.admission.locate(who, pid, name)
        return answering.answer(
            located, headers, is_head=is_head, threads=self.threads, stores=self._stores
        )

    def choose(
        self, who: Who, pids: Sequence[str], *, match: str = "", file: str | None = None
    ) -> Chosen:
        """Return the files of datasets whose names fit, or the one of a name.

        Needs the permission `bytes` for all of the datasets.

        Raises
        ------
        NotFound, Embargoed, Forbidden, Gone
            As `Admission.locate_all` does, of the first dataset of which it does.
        TooLarge
            If they are more than one download may have.
        """
        if len(match) > LONGEST_MATCH:
            raise Invalid(
                f"A pattern has at most {LONGEST_MATCH} characters.",
                field="match",
                hint="Use * and ?, as in *.nxs.",
            )
        fits = matching(match) if match else None
        if file is not None:
            return self._chosen(pids, [self.admission.locate(who, pid, file) for pid in pids])
        found: list[Located] = []
        for pid in pids:
            for located in self.admission.locate_all(who, pid):
                if fits is None or fits(located.name):
                    found.append(located)
                    self._check_count(len(found))
        if not found:
            raise NotFound(
                f"No file fits “{match}”." if match else "There are no files.",
                hint="The files page lists those there are.",
            )
        return self._chosen(pids, found)

    @staticmethod
    def _chosen(pids: Sequence[str], found: Sequence[Located]) -> Chosen:
        items = bagging.named(found, is_apart=len(pids) > 1)
        return Chosen(
            pids=tuple(pids),
            online=[item for item in items if item.located.tier == ONLINE],
            missing=[item for item in items if item.located.tier != ONLINE],
        )

    def archive(
        self,
        who: Who,
        chosen: Chosen,
        headers: Mapping[str, str],
        *,
        is_partial: bool,
        is_head: bool,
    ) -> Response:
        """Return the answer with an archive of files; `is_partial`: of those that are on disk.

        Raises
        ------
        Unreadable
            If some are not on disk, and only all of them will do.
        TooLarge
            If it would be larger than a download may be.
        """
        if chosen.missing and not (is_partial and chosen.online):
            raise _not_there(chosen)
        limit = self.settings.download_max_bytes
        if chosen.size > limit:
            raise TooLarge(
                f"These files have {chosen.size:_} bytes; an archive may have {limit:_}.".replace(
                    "_", " "
                ),
                limit=limit,
                hint="Take a list for curl or aria2 (as=curl, as=aria2), or choose fewer files.",
            )
        about = self._describe(who, chosen.pids)
        bag = bagging.pack(
            chosen.online,
            chosen.missing,
            about,
            checksums=self._checksums,
            is_hashed=self.settings.download_check_sha256,
            opener=Opener(self._stores),
        )
        return self._answer(bag, headers, is_public=chosen.is_public, is_head=is_head)

    def about(self, who: Who, pids: Sequence[str]) -> list[About]:
        """Return what a list or an archive tells of datasets."""
        return self._describe(who, pids)

    def _answer(
        self, bag: Bag, headers: Mapping[str, str], *, is_public: bool, is_head: bool
    ) -> Response:
        version = Version(tag=bag.tag, modified=None)
        told = {"ETag": bag.tag, **answering.caching(is_public=is_public)}
        if (early := answering.precondition(headers, version, told)) is not None:
            return early
        size = zipping.size_of(bag.entries)
        told |= {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{_plain(bag.name)}.zip"',
            "Accept-Ranges": "bytes",
            **answering.NEVER_SHOWN,
        }
        if is_head:
            return Response(headers={**told, "Content-Length": str(size)})
        wanted = spans(headers, size, version)
        if wanted == []:
            raise answering.unsatisfiable(size)
        start, stop, status = 0, size, 200
        # several ranges of an archive are not sent: all of it is, as RFC 9110 allows
        if wanted is not None and len(wanted) == 1:
            start, stop, status = wanted[0].start, wanted[0].stop, 206
            told["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return Streamed(
            Closing(zipping.write(bag.entries, start=start, stop=stop), bag.close),
            length=stop - start,
            status=status,
            headers=told,
            threads=self.threads,
            name=f"archive of {bag.name}",
        )

    def _check_count(self, count: int) -> None:
        limit = self.settings.download_max_files
        if count > limit:
            raise TooLarge(
                f"These are more than {limit} files, the most in one download.",
                limit=limit,
                hint="Choose fewer: match=*.nxs, or one dataset at a time.",
            )


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c not in '"\\%;' else "_" for c in name)


def _not_there(chosen: Chosen) -> Unreadable:
    missing = chosen.missing
    names = ", ".join(item.name for item in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    total = len(missing) + len(chosen.online)
    tiers = {item.located.tier for item in missing}
    reason = "gone" if tiers == {"removed"} else "nearline"
    where = "have been removed" if reason == "gone" else "are on tape"
    page = f"/datasets/{missing[0].located.pid}/-/restore"
    ask = "" if reason == "gone" else f"Ask for them on {page}. "
    others = "Take the others with online=true." if chosen.online else ""
    return Unreadable(
        f"{len(missing)} of {total} files {where}: {names}{more}.",
        reason=reason,
        hint=f"{ask}{others}".strip() or None,
    )
