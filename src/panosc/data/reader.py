"""What the processes that read do: one function a kind of answer, each for one band of an array.

They put what they read where the web process finds it. What is asked was checked there, and is
checked against the file again here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc.data import formats
from panosc.data.partial import moments as moments_of
from panosc.files.chunks import library, reading
from panosc.files.chunks.mapping import VirtualPlan
from panosc.files.chunks.planning import Plan
from panosc.files.chunks.selection import Selection
from panosc.files.chunks.sources import LocalSource
from panosc.files.chunks.virtual import read_virtual
from panosc.files.sandbox import Shared, share

if TYPE_CHECKING:
    from panosc.files.storage.places import Place

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
