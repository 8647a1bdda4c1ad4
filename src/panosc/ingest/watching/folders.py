"""Many roots watched together: each is looked at in a thread of its own, and each gets its turn.

A file system that does not answer holds up its own root and no other.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from panosc.domain.errors import Invalid
from panosc.ingest.walking import Found
from panosc.ingest.watching.folder import Folder
from panosc.ingest.watching.tree import Pace, Tree
from panosc.ingest.watching.waiting import Waiting

RUN = 100
"""Files of one folder right below a root that are taken together, before it is another's turn."""

Turn = tuple[Waiting, Folder]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootState:
    """How it stands with one root."""

    path: str
    state: str
    """``watched``, ``walking`` (for the first time), ``late`` (does not answer) or ``trouble``."""
    files: int
    folders: int
    backlog: int
    calls: int
    troubles: dict[str, str]


class _Root:
    """A tree and the thread that looks at it."""

    def __init__(self, path: str, pace: Pace) -> None:
        self.tree = Tree(path, pace)
        self.begun = 0.0
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def look(self, now: float, wall: float) -> None:
        if self.is_busy:
            return
        self.begun = now
        # a thread that a file system holds for ever must not hold the process
        self._thread = threading.Thread(target=self._look, args=(now, wall), daemon=True)
        self._thread.start()

    def _look(self, now: float, wall: float) -> None:
        try:
            self.tree.look(now, wall)
        except Exception as error:
            # whatever it is: the other roots are watched on, and this one is tried again
            self.tree.troubles[self.tree.root] = f"{type(error).__name__}: {error}"
            raise

    def wait(self, limit_s: float) -> None:
        if self._thread is not None:
            self._thread.join(limit_s)


class Folders:
    """The files below some roots: what is new, changed and gone since the last look.

    Parameters
    ----------
    roots : sequence of Path
        Folders; one that lies in another is left out, one that is not there is waited for.
    clock, wall : callable
        Seconds of a clock that is never set, and of the time of day.

    Raises
    ------
    Invalid
        If a root is no folder.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.pace = pace or Pace()
        self._clock = clock
        self._wall = wall
        self._roots = [_Root(path, self.pace) for path in outermost(roots)]
        self._turns: list[Turn] = []

    @property
    def paths(self) -> list[str]:
        """The roots."""
        return [root.tree.root for root in self._roots]

    def look(self, *, patience_s: float = 5.0) -> None:
        """Look at what is due; roots that take longer than `patience_s` go on by themselves."""
        now, wall = self._clock(), self._wall()
        for root in self._roots:
            root.look(now, wall)
        until = time.monotonic() + patience_s
        for root in self._roots:
            root.wait(max(0.0, until - time.monotonic()))

    def found(self, most: int) -> list[Found]:
        """Return about `most` files that are new or have changed, every beamline in its turn."""
        taken: list[Found] = []
        while len(taken) < most:
            if not self._turns:
                self._turns = [
                    (root.tree.waiting, top)
                    for root in self._roots
                    for top in root.tree.waiting.tops()
                ]
                if not self._turns:
                    break
            waiting, top = self._turns.pop(0)
            taken += waiting.found(top, RUN)
        return taken

    def gone(self, most: int) -> list[str]:
        """Return the URLs of up to `most` files that are not there any more."""
        return [Found(path=path, size=0, mtime_ns=0).url for path in islice(self._gone(), most)]

    def _gone(self) -> Iterator[str]:
        for root in self._roots:
            yield from root.tree.waiting.gone(2**31)

    @property
    def waits(self) -> bool:
        """Whether files wait to be taken."""
        return any(root.tree.waiting.tops() for root in self._roots)

    @property
    def backlog(self) -> int:
        """How many files wait to be taken, and how many to be let go."""
        return sum(len(root.tree.waiting) for root in self._roots)

    @property
    def lag_s(self) -> float:
        """How long the file has been known that has waited to be taken the longest."""
        times = [since for root in self._roots if (since := root.tree.waiting.since()) is not None]
        return max(0.0, self._clock() - min(times)) if times else 0.0

    def states(self) -> list[RootState]:
        """Return how it stands with each root."""
        return [self._state(root) for root in self._roots]

    def _state(self, root: _Root) -> RootState:
        tree, troubles = root.tree, dict(root.tree.troubles)
        late_s = self._clock() - root.begun if root.is_busy else 0.0
        state = "watched" if tree.is_walked else "walking"
        if troubles:
            state = "trouble"
        if late_s > max(30.0, 5 * self.pace.every_s) and tree.is_walked:
            state = "late"
            troubles.setdefault(tree.root, f"has not answered for {late_s:.0f} s")
        return RootState(
            path=tree.root,
            state=state,
            files=tree.count,
            folders=tree.folders,
            backlog=len(tree.waiting),
            calls=tree.calls,
            troubles=troubles,
        )

    def tree_of(self, path: str) -> Tree | None:
        """Return the tree of a root, if it is idle and has been walked."""
        for root in self._roots:
            if path == root.tree.root:
                return root.tree if root.tree.is_walked and not root.is_busy else None
        return None

    def close(self, *, patience_s: float = 5.0) -> None:
        """Stop looking."""
        for root in self._roots:
            root.tree.is_stopped = True
        until = time.monotonic() + patience_s
        for root in self._roots:
            root.wait(max(0.0, until - time.monotonic()))


def outermost(roots: Sequence[Path]) -> list[str]:
    """Return the roots without links, and without those that lie in others.

    Raises
    ------
    Invalid
        If one is there and is no folder.
    """
    resolved: list[str] = []
    for root in roots:
        try:
            path = root.resolve()
            is_other = path.exists() and not path.is_dir()
        except (OSError, RuntimeError):
            path, is_other = root.absolute(), False
        if is_other:
            raise Invalid(
                f"{root} is not a folder.", field="ROOT", hint="Give folders to be watched."
            )
        resolved.append(str(path))
    chosen: list[str] = []
    for text in sorted(set(resolved), key=lambda text: (len(text), text)):
        if not any(text.startswith(other.rstrip(os.sep) + os.sep) for other in chosen):
            chosen.append(text)
    return sorted(chosen, key=resolved.index)
