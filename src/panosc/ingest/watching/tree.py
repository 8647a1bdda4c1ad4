"""One root and all below it, looked at again and again with as few calls as will do.

A folder's time tells of names that come and go; files that have changed lately are looked at one
by one, ever more rarely while they stay the same. What can hide from both (clocks that differ,
times that were set back) is found when each folder has its turn to be looked at whole. Nothing is
taken to be gone unless its folder could be listed twice without it. It opens no file.
"""

import os
import stat
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from panosc.ingest.walking import entries
from panosc.ingest.watching.folder import Folder, Mark
from panosc.ingest.watching.waiting import Waiting

TROUBLES = 20
"""Most folders of a root whose troubles are told."""
DEEP_FILES = 5_000
"""Files of quiet folders that are looked at whole in one look, beside what is due anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to look, in seconds, and how much to hold."""

    every_s: float = 2.0
    cold_s: float = 60.0
    """How often to look at folders that are quiet."""
    quiet_s: float = 3600.0
    """A folder in which nothing has changed for so long is quiet."""
    deep_s: float = 3600.0
    """How often every file of every folder is looked at."""
    unsure_s: float = 3.0
    """How long a folder's time may stay the same though names come and go."""
    ease: float = 3.0
    """A file that has been the same for some time is looked at again after this part of it."""
    most: int = 2_000
    """Files of one folder below the root that may wait to be taken."""


@dataclass(slots=True, eq=False)
class _Warm:
    """A file that has changed lately."""

    folder: Folder
    name: bytes
    mark: Mark
    since: float
    due: float | None = None


class Tree:
    """The files below one root; `look` is for one thread, what is `waiting` for any.

    Parameters
    ----------
    root : str
        Absolute and without links.
    """

    def __init__(self, root: str, pace: Pace) -> None:
        self.root = root
        self.troubles: dict[str, str] = {}
        """Folder → why it cannot be trusted; what was below it is kept."""
        self.calls = 0
        """Calls to the file system so far."""
        self.count = 0
        """Files that it knows."""
        self.folders = 1
        self.is_walked = False
        """Whether everything has been looked at once."""
        self.is_stopped = False
        self.waiting = Waiting(pace.most)
        self._pace = pace
        self._top = Folder(root.rstrip(os.sep), None, deep=pace.deep_s)
        self._fresh: list[Folder] = [self._top]
        self._heap: list[tuple[float, int, Folder | _Warm]] = []
        self._numbers = count()
        self._warm: dict[tuple[Folder, bytes], _Warm] = {}
        self._now = self._wall = 0.0
        self._deep_left = 0

    def look(self, now: float, wall: float) -> None:
        """Look at what is due; `wall` is the time of day, for the times of files."""
        self._now, self._wall, self._deep_left = now, wall, DEEP_FILES
        held: list[tuple[float, int, Folder | _Warm]] = []
        self._look_into_fresh()
        while self._heap and self._heap[0][0] <= self._now and not self.is_stopped:
            entry = heappop(self._heap)
            due, _, item = entry
            if item.due != due:
                continue
            if self.waiting.is_full(item if isinstance(item, Folder) else item.folder):
                held.append(entry)
            elif isinstance(item, Folder):
                self._visit(item)
                self._look_into_fresh()
            else:
                self._visit_file(item)
        for entry in held:
            heappush(self._heap, entry)
        self.is_walked = self.is_walked or not (self._fresh or self._top.mtime_ns is None)

    def _look_into_fresh(self) -> None:
        held: list[Folder] = []
        while self._fresh and not self.is_stopped:
            folder = self._fresh.pop()
            if self.waiting.is_full(folder):
                held.append(folder)
            else:
                self._visit(folder)
        self._fresh += reversed(held)

    # -- folders -------------------------------------------------------------------------------

    def _visit(self, folder: Folder) -> None:
        self.calls += 1
        path = folder.path
        try:
            status = os.stat(path, follow_symlinks=folder.parent is None)  # noqa: PTH116
        except OSError as error:
            self._lost(folder, error)
            return
        if not stat.S_ISDIR(status.st_mode):
            self._lost(folder, NotADirectoryError())
            return
        is_deep = folder.deep <= self._now and self._deep_left > 0
        is_same = (status.st_mtime_ns, status.st_dev) == (folder.mtime_ns, folder.device)
        if is_deep or not is_same or folder.is_doubted or self._now < folder.unsure_until:
            self._list(folder, path, status, is_deep=is_deep)
        else:
            self.troubles.pop(path, None)
        self._plan(folder)

    def _lost(self, folder: Folder, error: OSError) -> None:
        """Think again of a folder that cannot be looked at: only its parent can tell it gone."""
        parent = folder.parent
        if parent is None or not isinstance(error, FileNotFoundError | NotADirectoryError):
            self._trouble(folder.path, f"cannot be looked at: {error.strerror or 'is no folder'}")
            self._plan(folder)
            return
        folder.due = None
        self._doubt(parent)

    def _list(self, folder: Folder, path: str, status: os.stat_result, *, is_deep: bool) -> None:
        self.calls += 1
        try:
            listed = entries(path, self.root, [])
        except OSError as error:
            self._trouble(path, f"cannot be listed: {error.strerror}")
            return
        before = folder.files()
        names = {entry.name for entry in listed}
        if (why := self._suspicion(folder, before, names, status)) is not None:
            self._trouble(path, why)
            return
        self.troubles.pop(path, None)
        is_first = folder.mtime_ns is None
        if is_first:
            age = 0.0 if self.is_walked else max(0.0, self._wall - status.st_mtime)
            folder.changed = self._now - age
            folder.unsure_until = self._now + self._pace.unsure_s - age
        elif folder.mtime_ns != status.st_mtime_ns:
            folder.changed = self._now
            folder.unsure_until = self._now + self._pace.unsure_s
        folder.mtime_ns, folder.device = status.st_mtime_ns, status.st_dev
        after = self._files(folder, before, listed, is_first=is_first, is_deep=is_deep)
        self._miss(folder, before, after, self._enter(folder, listed))
        folder.keep(after)
        self.count += len(after) - len(before)
        if is_deep or is_first:
            self._deep_left -= len(after)
            # each folder at its own time, so that they do not come all at once
            share = 0.75 + 0.5 * (next(self._numbers) % 64) / 64
            folder.deep = self._now + self._pace.deep_s * share

    @staticmethod
    def _suspicion(
        folder: Folder, before: dict[bytes, Mark], names: set[str], status: os.stat_result
    ) -> str | None:
        """Why a listing cannot be believed: a folder that is not mounted looks empty."""
        if folder.mtime_ns is None or folder.is_empty:
            return None
        if folder.parent is None and not names:
            return "empty all at once; what was below it is kept. Is it mounted?"
        if folder.device != status.st_dev:
            known = {os.fsdecode(name) for name in before} | set(folder.children or ())
            if not known & names:
                return "on another device, without what was there; that is kept. Is it mounted?"
        return None

    def _enter(self, folder: Folder, listed: "list[os.DirEntry[str]]") -> set[str]:
        """Begin to look at folders that are new in `folder`; return the names of all."""
        fresh, names = [], set()
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                names.add(entry.name)
                if folder.children is None:
                    folder.children = {}
                child = folder.children.get(entry.name)
                if child is None:
                    child = Folder(entry.name, folder, deep=self._now + self._pace.deep_s)
                    folder.children[entry.name] = child
                    child.due = 0.0
                    self.folders += 1
                    fresh.append(child)
                elif child.due is None:
                    self._at(child, self._now)
        self._fresh += reversed(fresh)
        return names

    def _plan(self, folder: Folder) -> None:
        pace = self._pace
        is_unsure = folder.is_doubted or self._now < folder.unsure_until
        is_quiet = self._now - folder.changed >= pace.quiet_s or folder.mtime_ns is None
        if folder.parent is None or is_unsure or not is_quiet:
            self._at(folder, self._now + pace.every_s)
        else:
            self._at(folder, self._now + pace.cold_s)

    def _doubt(self, folder: Folder) -> None:
        """List a folder at the next look, whatever its time says."""
        folder.is_doubted = True
        due = self._now + self._pace.every_s
        if folder.due is None or folder.due > due:
            self._at(folder, due)

    def _at(self, item: Folder | _Warm, due: float) -> None:
        item.due = due
        heappush(self._heap, (due, next(self._numbers), item))

    def _trouble(self, path: str, reason: str) -> None:
        if path in self.troubles or len(self.troubles) < TROUBLES:
            self.troubles[path] = reason

    # -- files ---------------------------------------------------------------------------------

    def _files(
        self,
        folder: Folder,
        before: dict[bytes, Mark],
        listed: "list[os.DirEntry[str]]",
        *,
        is_first: bool,
        is_deep: bool,
    ) -> dict[bytes, Mark]:
        """Return the files of a listing, each looked at only if it may be another than before."""
        after: dict[bytes, Mark] = {}
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                continue
            name = os.fsencode(entry.name)
            known = before.get(name)
            mark = known
            if known is None or is_deep or known.inode != Mark.inode_of(entry.inode()):
                mark = self._mark(entry.path, entry.inode(), known)
            if mark is None:
                continue
            after[name] = mark
            if mark != known and mark.size >= 0:
                is_old = is_deep or (is_first and not self.is_walked)
                age = max(0.0, self._wall - mark.mtime_ns / 1e9) if is_old else 0.0
                self._emit(folder, name, mark, since=self._now - age)
        return after

    def _mark(self, path: str, inode: int, known: Mark | None) -> Mark | None:
        """Return the mark of a file as it is now; None if there is none any more."""
        self.calls += 1
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
        except FileNotFoundError:
            return None
        except OSError as error:
            self._trouble(path, f"cannot be looked at: {error.strerror}")
            return known
        if not stat.S_ISREG(status.st_mode):
            return Mark(-1, 0, 0, Mark.inode_of(inode))
        self.troubles.pop(path, None)
        return Mark.of(status, inode)

    def _visit_file(self, warm: _Warm) -> None:
        folder, name = warm.folder, warm.name
        mark = self._mark(folder.path_of(name), warm.mark.inode, warm.mark)
        if mark is None:
            # only its folder can tell it gone
            self._doubt(folder)
        elif mark != warm.mark:
            folder.change(name, mark)
            if mark.size >= 0:
                self._emit(folder, name, mark, since=self._now)
            return
        age = self._now - warm.since
        if age < self._pace.quiet_s:
            self._at(warm, self._now + max(self._pace.every_s, age / self._pace.ease))
        else:
            del self._warm[folder, name]

    def _emit(self, folder: Folder, name: bytes, mark: Mark, *, since: float) -> None:
        """Have a file taken, and look at it again soon if it has changed lately."""
        key = (folder, name)
        self.waiting.add(folder, name, mark, now=self._now)
        if self._now - since < self._pace.quiet_s:
            warm = _Warm(folder, name, mark, since)
            old = self._warm.get(key)
            if old is not None:
                old.due = None
            self._warm[key] = warm
            self._at(warm, self._now + self._pace.every_s)
            folder.changed = max(folder.changed, since)

    # -- what has gone -------------------------------------------------------------------------

    def _miss(
        self, folder: Folder, before: dict[bytes, Mark], after: dict[bytes, Mark], names: set[str]
    ) -> None:
        """Keep what is missing until it is missed a second time: a listing may pass a name by."""
        files = {name for name in before if name not in after}
        # a name of a folder ends with a slash, which no name of a file can
        folders = {os.fsencode(name) + b"/" for name in folder.children or () if name not in names}
        missing = frozenset(files | folders)
        gone, folder.missing = missing & folder.missing, missing - folder.missing
        folder.is_doubted = bool(folder.missing)
        for name in folder.missing & files:
            after[name] = before[name]
        for name in sorted(gone):
            if name.endswith(b"/"):
                self._bury(folder, os.fsdecode(name[:-1]))
            else:
                self._forget(folder, name)

    def _bury(self, parent: Folder, name: str) -> None:
        assert parent.children is not None  # noqa: S101 - it was found there
        waiting = [parent.children.pop(name)]
        while waiting:
            folder = waiting.pop()
            folder.is_dead, folder.due = True, None
            self.folders -= 1
            self.count -= len(folder)
            self.troubles.pop(folder.path, None)
            for file in folder.files():
                self._forget(folder, file)
            waiting += (folder.children or {}).values()

    def _forget(self, folder: Folder, name: bytes) -> None:
        warm = self._warm.pop((folder, name), None)
        if warm is not None:
            warm.due = None
        self.waiting.lose(folder, name)

    def folder_at(self, path: str) -> Folder | None:
        """Return the folder at an absolute path, if it is known and can be trusted."""
        inside = os.path.relpath(path, self.root)
        folder = self._top
        for part in Path(inside).parts:
            found = (folder.children or {}).get(part)
            if found is None:
                return None
            folder = found
        return folder
