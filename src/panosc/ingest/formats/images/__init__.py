"""Image files of area detectors: the header is read, the picture never.

``fabio`` decodes the frame of most formats while it opens them and has no public way to read a
header alone, so headers are read by small bounded readers here; the tests hold them against
fabio's.
"""

from typing import Final

from panosc.files.careful import Refusal
from panosc.ingest.formats.spelling import Gathering, measured

WIDTH: Final = "image_width"
HEIGHT: Final = "image_height"


def size_of_image(found: Gathering, width: str, height: str, *, path: str) -> None:
    """Take width and height in pixels."""
    for name, text in ((WIDTH, width), (HEIGHT, height)):
        size = measured(text)
        if size is not None and isinstance(size[0], int) and 0 < size[0] < 2**31:
            found.add(name, size[0], path, unit="pixel")


def truncated(ends: int, size: int) -> tuple[Refusal, ...]:
    """Return the warning that a file ends before its picture does."""
    if ends <= size:
        return ()
    detail = f"its header promises {ends} bytes, the file has {size}"
    return (Refusal(reason="truncated", detail=detail),)


def endless(limit: int) -> tuple[Refusal, ...]:
    """Return the warning that a header does not end where headers do."""
    return (Refusal(reason="too-large", detail=f"only the first {limit} bytes of its header"),)
