"""Numbers as colours: the map viridis, a robust range, and a picture as a small PNG."""

import base64
import math
import struct
import zlib
from collections.abc import Sequence

# every fifteenth colour of matplotlib's viridis (CC0), by N. Smith and S. van der Walt
_ANCHORS = bytes.fromhex(
    "440154481769472a7a433d843d4e8a355e8d2e6d8e297b8e23898e"
    "1f978b21a5852eb37c46c06f65cb5e89d548b0dd2fd8e219fde725"
)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Indices = list[bytearray]
"""Rows of palette indices; `Palette.levels` itself stands for a missing value."""


def viridis(position: float) -> tuple[int, int, int]:
    """Return the colour at 0…1, interpolated.

    Examples
    --------
    >>> viridis(0.0), viridis(1.0)
    ((68, 1, 84), (253, 231, 37))
    """
    last = len(_ANCHORS) // 3 - 1
    exact = min(max(position, 0.0), 1.0) * last
    index = min(int(exact), last - 1)
    part = exact - index
    below, above = _ANCHORS[index * 3 : index * 3 + 3], _ANCHORS[index * 3 + 3 : index * 3 + 6]
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(below, above, strict=True))
    return red, green, blue


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of sorted values, interpolated linearly between neighbours."""
    exact = share * (len(ordered) - 1)
    index = min(int(exact), len(ordered) - 2) if len(ordered) > 1 else 0
    if len(ordered) == 1:
        return ordered[0]
    return ordered[index] + (ordered[index + 1] - ordered[index]) * (exact - index)


def robust_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the 1st and the 99th percentile, or the extremes where these coincide."""
    if not values:
        return 0.0, 1.0
    ordered = sorted(values)
    low, high = quantile(ordered, 0.01), quantile(ordered, 0.99)
    return (low, high) if high > low else (ordered[0], ordered[-1])


def indices(
    rows: Sequence[Sequence[float | None]], *, low: float, high: float, log: bool, levels: int
) -> Indices:
    """Return the palette index of every value: 0 at `low`, ``levels - 1`` at `high`."""
    if log:
        low, high = math.log10(low), math.log10(high)
    factor = (levels - 1) / (high - low) if high > low else 0.0

    def index(value: float | None) -> int:
        if value is None or not math.isfinite(value):
            return levels
        if log:
            value = math.log10(value) if value > 0 else low
        exact = (min(max(value, low), high) - low) * factor
        return int(exact + 0.5)

    return [bytearray(map(index, row)) for row in rows]


def png(rows: Indices, *, levels: int) -> bytes:
    """Return a PNG with a viridis palette of `levels` colours; index `levels` is transparent."""
    height, width = len(rows), len(rows[0])
    palette = b"".join(bytes(viridis(index / max(levels - 1, 1))) for index in range(levels))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette + b"\x80\x80\x80"),
            _chunk(b"tRNS", b"\xff" * levels + b"\0"),
            _chunk(b"IDAT", pixels),
            _chunk(b"IEND", b""),
        )
    )


def data_uri(image: bytes) -> str:
    """Return a PNG as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
