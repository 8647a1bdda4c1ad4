"""What has been found and gone below one root, until somebody takes it; threads may share it."""

import os
import stat
from collections import OrderedDict, deque
from collections.abc import Iterator
from threading import Lock

from panosc.ingest.walking import Found
from panosc.ingest.watching.folder import Folder, Mark

Key = tuple[Folder, bytes]
MOST = 20_000
"""Files of one root that may wait, whatever its folders are: they take memory."""


class Waiting:
    """Files by the folder right below the root that they are in, so that each gets its turn.

    Parameters
    ----------
    most : int
        Files of one such folder that may wait before it `is_full`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._found: dict[Folder, OrderedDict[Key, tuple[int, int, float]]] = {}
        self._gone: deque[Key] = deque()
        self._count = 0

    def add(self, folder: Folder, name: bytes, mark: Mark, *, now: float) -> None:
        """Let a file wait; one that waits already keeps its place, as it is now."""
        with self._lock:
            queue = self._found.setdefault(folder.top, OrderedDict())
            earlier = queue.get((folder, name))
            since = now if earlier is None else earlier[2]
            self._count += earlier is None
            queue[folder, name] = (mark.size, mark.mtime_ns, since)

    def lose(self, folder: Folder, name: bytes) -> None:
        """Let it be known that a file has gone."""
        with self._lock:
            queue = self._found.get(folder.top)
            if queue is not None and queue.pop((folder, name), None) is not None:
                self._count -= 1
            self._gone.append((folder, name))

    def is_full(self, folder: Folder) -> bool:
        """Whether so many files wait that no more should be looked for."""
        return self._count >= MOST or len(self._found.get(folder.top, ())) >= self._most

    def tops(self) -> list[Folder]:
        """Return the folders right below the root, and the root, of which files wait."""
        with self._lock:
            return [top for top, queue in self._found.items() if queue]

    def found(self, top: Folder, most: int) -> Iterator[Found]:
        """Yield up to `most` files of one of `tops`, those that wait the longest first."""
        for _ in range(most):
            with self._lock:
                queue = self._found.get(top)
                if not queue:
                    return
                (folder, name), (size, mtime_ns, _) = queue.popitem(last=False)
                self._count -= 1
                if not queue:
                    del self._found[top]
            yield Found(path=folder.path_of(name), size=size, mtime_ns=mtime_ns)

    def gone(self, most: int) -> Iterator[str]:
        """Yield the paths of up to `most` files that are not there any more."""
        for _ in range(most):
            with self._lock:
                if not self._gone:
                    return
                folder, name = self._gone.popleft()
            path = folder.path_of(name)
            if _is_gone(path):
                yield path

    def __len__(self) -> int:
        with self._lock:
            return self._count + len(self._gone)

    def since(self) -> float | None:
        """Return when the file was found that has waited the longest."""
        with self._lock:
            times = [next(iter(queue.values()))[2] for queue in self._found.values() if queue]
        return min(times, default=None)


def _is_gone(path: str) -> bool:
    """Whether there is no file, which may have come back."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
