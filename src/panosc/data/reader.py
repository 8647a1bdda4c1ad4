"""What the processes that read do: one function a kind of answer, each for one band of an array.

They put what they read where the web process finds it. Nothing here is imported by a process that
serves people; what is asked was checked there, and is checked against the file again here.
"""

from typing import Any

from panosc.data import formats
from panosc.data.partial import moments as moments_of
from panosc.domain.errors import Unreadable
from panosc.files.chunks import library, reading
from panosc.files.chunks.planning import Plan
from panosc.files.chunks.selection import Selection
from panosc.files.sandbox import Shared, share
from panosc.files.tiers import OnlineFile

How = tuple[formats.Form, bool, bool]
"""Form, whether JavaScript reads it, and whether JSON is one flat list."""


def numbers(file: OnlineFile, plan: Plan, how: How) -> Shared:
    """Share a band of an array that is read chunk by chunk."""
    form, is_safe, is_flat = how
    with opened(file) as source:
        array = reading.read(source, plan)
    return share(formats.encode(array, form, is_safe=is_safe, is_flat=is_flat))


def moments(file: OnlineFile, plan: Plan) -> tuple[Any, ...]:
    """Return what `data.partial.Moments` keeps of a band."""
    with opened(file) as source:
        found = moments_of(reading.read(source, plan))
    return tuple(getattr(found, name) for name in found.__slots__)


def by_library(file: OnlineFile, path: str, selection: Selection, how: How) -> Shared:
    """Share a part of an array that only the HDF5 library can read."""
    form, is_safe, is_flat = how
    if (state := file.state()) is not None:
        raise Unreadable("it is not as it was registered", reason=state)
    found = library.read(file.path, path, selection)
    return share(formats.encode(found, form, is_safe=is_safe, is_flat=is_flat))


def opened(file: OnlineFile) -> reading.LocalSource:
    """Open a file where it lies; it has to be the one that was registered."""
    return reading.LocalSource(file.path, size=file.size, mtime_ns=file.mtime_ns)
