"""What the processes that read do: one function a kind of answer, each for one band of an array.

They put what they read where the web process finds it. What is asked was checked there, and is
checked against the file again here.
"""

import os
import pickle
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from panosc.data import formats
from panosc.data.partial import moments as moments_of
from panosc.files.chunks import library, reading
from panosc.files.chunks.mapping import VirtualPlan
from panosc.files.chunks.planning import Facts, Plan, facts_of, restored
from panosc.files.chunks.selection import Selection
from panosc.files.chunks.virtual import read_virtual
from panosc.files.index.contents import Array
from panosc.files.sandbox import Shared, share
from panosc.files.storage.local import LocalSource

if TYPE_CHECKING:
    from panosc.files.storage.places import Place

OPEN_S: Final = 1.0
"""How long a file stays open before its path is walked anew."""
MOST_OPEN: Final = 16
MOST_PACKED: Final = 256
How = tuple[formats.Form, bool, bool]
"""Form, whether JavaScript reads it, and whether JSON is one flat list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to read, as it was when it was registered."""

    path: str
    """Empty for a file in a storage."""
    size: int
    mtime_ns: int
    place: "Place | None" = None
    """The storage's place of it."""

    def source(self) -> Any:
        """Open it; it has to be the one that was registered.

        Raises
        ------
        Unreadable
            With the reason ``gone``, ``changed`` or ``not-reachable``.
        """
        if self.place is None:
            return LocalSource(self.path, size=self.size, mtime_ns=self.mtime_ns)
        # most files lie here: a process should not wait for what speaks to storages
        from panosc.files.storage.opening import open_place  # noqa: PLC0415

        return open_place(self.place)


def numbers(file: File, plan: Plan | VirtualPlan, how: How) -> Shared:
    """Share a band of an array that is read chunk by chunk."""
    form, is_safe, is_flat = how
    array = _read(file, plan)
    return share(formats.encode(array, form, is_safe=is_safe, is_flat=is_flat))


def part(
    packed: bytes,
    spans: tuple[tuple[int, int, int, bool], ...],
    rows: bytes,
    touched: int,
    how: How,
) -> Shared:
    """Share a band of an array, as `numbers` does; what all bands have in common is `packed`."""
    file, facts = _unpacked(packed)
    plan = restored(facts, spans, rows, touched)
    form, is_safe, is_flat = how
    found = reading.read(_OPEN.source(file), plan) if file.place is None else _read(file, plan)
    return share(formats.encode(found, form, is_safe=is_safe, is_flat=is_flat))


def pack(file: File, plan: Plan) -> bytes:
    """Return what all bands of an array have in common, for `part`."""
    return pickle.dumps((file, facts_of(plan)), protocol=pickle.HIGHEST_PROTOCOL)


class Packing:
    """What was packed of arrays lately, in the process that asks."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Array, File, bytes]] = {}

    def of(self, file: File, array: Array, plan: Plan) -> bytes:
        """Return what `pack` does for a plan of this array."""
        found = self._kept.get(id(array))
        # an array that is kept has its number to itself
        if found is not None and found[0] is array and found[1] == file:
            return found[2]
        if len(self._kept) >= MOST_PACKED:
            self._kept.clear()
        packed = pack(file, plan)
        self._kept[id(array)] = (array, file, packed)
        return packed


@lru_cache(maxsize=MOST_PACKED)
def _unpacked(packed: bytes) -> tuple[File, Facts]:
    found: tuple[File, Facts] = pickle.loads(packed)  # noqa: S301 - from our parent
    return found


class _Open:
    """Files that were opened a moment ago; each is looked at anew before it is read."""

    def __init__(self) -> None:
        self._files: OrderedDict[File, tuple[float, LocalSource, int]] = OrderedDict()

    def source(self, file: File) -> LocalSource:
        """Return a file of this machine, open; it is closed here.

        Raises
        ------
        Unreadable
            As `File.source` does.
        """
        found = self._files.get(file)
        if found is not None:
            until, source, touched_ns = found
            if time.monotonic() < until and _is_there(source, touched_ns):
                return source
            del self._files[file]
            source.close()
        while len(self._files) >= MOST_OPEN:
            self._files.popitem(last=False)[1][1].close()
        opened: LocalSource = file.source()
        touched_ns = os.fstat(opened.descriptor).st_ctime_ns
        self._files[file] = (time.monotonic() + OPEN_S, opened, touched_ns)
        return opened


_OPEN: Final = _Open()


def _is_there(source: LocalSource, touched_ns: int) -> bool:
    """Whether the path leads to the open file still, and nobody wrote to it or closed it to us."""
    try:
        told = os.stat(source.path)  # noqa: PTH116 - not the time to make a Path
    except OSError:
        return False
    now = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)
    return now == source.key and told.st_ctime_ns == touched_ns


def plain(file: File, plan: Plan, how: How) -> tuple[bytes, LocalSource]:
    """Return a short band of values that lie in a file here as they are, and the file, open.

    That is safe in any process: nothing is decoded, and no library looks at the file.
    """
    source = LocalSource(file.path, size=file.size, mtime_ns=file.mtime_ns)
    try:
        return told(reading.read(source, plan), how), source
    except BaseException:
        source.close()
        raise


def told(values: reading.Values, how: How) -> bytes:
    """Return values in the form that is asked for."""
    form, is_safe, is_flat = how
    found = formats.encode(values, form, is_safe=is_safe, is_flat=is_flat)
    return found if isinstance(found, bytes) else found.tobytes()


def moments(file: File, plan: Plan | VirtualPlan) -> tuple[Any, ...]:
    """Return what `data.partial.Moments` keeps of a band."""
    found = moments_of(_read(file, plan))
    return tuple(getattr(found, name) for name in found.__slots__)


def by_library(file: File, path: str, selection: Selection, how: How) -> Shared:
    """Share a part of an array that only the HDF5 library can read."""
    form, is_safe, is_flat = how
    # looks whether it is as it was registered
    file.source().close()
    found = library.read(file.path if file.place is None else file.place, path, selection)
    return share(formats.encode(found, form, is_safe=is_safe, is_flat=is_flat))


def _read(file: File, plan: Plan | VirtualPlan) -> reading.Values:
    if isinstance(plan, VirtualPlan):
        # the sources have been found already: what is opened is what was registered of each
        file.source().close()
        return read_virtual(plan, _ahead)
    with _ahead(file, plan) as source:
        return reading.read(source, plan)


def _ahead(file: File, plan: Plan | None = None) -> Any:
    """Open a file; of one in a storage, where each look takes long, several chunks come at once."""
    source = file.source()
    if file.place is None:
        return source
    from panosc.files.storage.ahead import Ahead  # noqa: PLC0415 - as in `File.source`

    table = plan.table if plan is not None else ()
    return Ahead(source, [(int(row["offset"]), int(row["size"])) for row in table])
