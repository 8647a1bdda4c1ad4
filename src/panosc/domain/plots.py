"""What a default plot shows, as plain numbers: read by `files`, drawn by `charts`.

Values are thinned out to what a page can show; NaN and infinities are None. Everything
can be written as JSON with `as_json` and read back with `from_json`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A quantity with its name and unit, as the file spells them."""

    label: str
    unit: str | None = None
    values: tuple[float | None, ...] = ()
    log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlot:
    """One curve: `y` over `x`, equally long; `errors` of `y` where the file gives them."""

    title: str
    path: str
    x: Axis
    y: Axis
    errors: tuple[float | None, ...] | None = None
    points: int = 0
    """How many points the file holds, before thinning."""
    kind: Literal["line"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlot:
    """An image: `rows` from the first to the last value of `y`, each as long as `x`."""

    title: str
    path: str
    x: Axis
    y: Axis
    signal: Axis
    """Name and unit of the intensity; its `values` are (low, high) for the colour scale."""
    rows: tuple[tuple[float | None, ...], ...]
    shape: tuple[int, ...] = ()
    """Shape of the signal in the file; of more than two dimensions the first frame is shown."""
    kind: Literal["image"] = "image"


Plot = LinePlot | ImagePlot


def as_json(plot: Plot) -> dict[str, Any]:
    """Return the plot as what JSON can hold."""
    return asdict(plot)


def from_json(content: dict[str, Any]) -> Plot:
    """Return the plot that `as_json` wrote."""
    data = dict(content)
    for name in ("x", "y", "signal"):
        if name in data:
            data[name] = Axis(**{**data[name], "values": tuple(data[name]["values"])})
    if data["kind"] == "image":
        data["rows"] = tuple(tuple(row) for row in data["rows"])
        data["shape"] = tuple(data["shape"])
        return ImagePlot(**data)
    if data["errors"] is not None:
        data["errors"] = tuple(data["errors"])
    return LinePlot(**data)
