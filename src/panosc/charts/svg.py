"""The one door to plots: any `Plot` as SVG, and as the table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from panosc.charts.findings import finding, name_of, unit_of
from panosc.charts.images import draw_image
from panosc.charts.lines import draw_line
from panosc.charts.ticks import number
from panosc.domain.plots import Axis, ImagePlot, LinePlot, Plot

__all__ = ["Table", "draw", "finding", "table"]

MOST_ROWS = 40
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The numbers behind a plot; the first cell of each row is its head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def draw(plot: Plot, *, width: int = 640, height: int = 340, identifier: str = "plot") -> str:
    """Return `plot` as SVG text, ready to stand in a page.

    Parameters
    ----------
    plot : Plot
    width, height : int
        Size of the picture in its own units; a page scales it.
    identifier : str
        Unique in the page: what names the picture refers to it.
    """
    if isinstance(plot, LinePlot):
        return draw_line(plot, width=width, height=height, identifier=identifier)
    return draw_image(plot, width=width, height=height, identifier=identifier)


def table(plot: Plot) -> Table:
    """Return the plot's numbers as a table that a page can hold: evenly picked ones of many."""
    return _line(plot) if isinstance(plot, LinePlot) else _image(plot)


def _line(plot: LinePlot) -> Table:
    count = min(len(plot.x.values), len(plot.y.values))
    chosen = _picked(count, MOST_ROWS)
    head = [_title(plot.x), _title(plot.y)]
    columns = [plot.x.values, plot.y.values]
    if plot.errors is not None and len(plot.errors) >= count:
        head.append("uncertainty")
        columns.append(plot.errors)
    total = plot.points or count
    which = "All" if total == len(chosen) else f"{len(chosen)} of"
    return Table(
        caption=f"{which} {total:,} points.",
        head=tuple(head),
        rows=tuple(tuple(_cell(column[index]) for column in columns) for index in chosen),
    )


def _image(plot: ImagePlot) -> Table:
    up = _picked(len(plot.rows), MOST_COLUMNS)[::-1]
    across = _picked(min(map(len, plot.rows), default=0), MOST_COLUMNS)
    head = (
        f"{_title(plot.y, 'row')} \\ {_title(plot.x, 'column')}",
        *(_at(plot.x, index) for index in across),
    )
    size = " × ".join(f"{extent:,}" for extent in plot.shape)
    return Table(
        caption=f"{_title(plot.signal)}: {len(up)} × {len(across)} places of {size}.",
        head=head,
        rows=tuple(
            (_at(plot.y, row), *(_cell(plot.rows[row][column]) for column in across)) for row in up
        ),
    )


def _picked(count: int, most: int) -> Sequence[int]:
    if count <= most:
        return range(count)
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def _at(axis: Axis, index: int) -> str:
    return _cell(axis.values[index]) if index < len(axis.values) else str(index)


def _cell(value: float | None) -> str:
    return "–" if value is None else number(value, digits=4)


def _title(axis: Axis, unnamed: str = "point") -> str:
    unit, name = unit_of(axis), name_of(axis, unnamed=unnamed)
    return f"{name} ({unit})" if unit else name
