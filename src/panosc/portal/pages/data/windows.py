"""A window onto an array: which part of it a page shows as a table, and the ways to the next.

Of an array of one dimension rows, of two a rectangle, of more a rectangle of one frame. What the
address asks for is brought within the array, so every address shows something.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from panosc.portal.pages.data import entities

ROWS: Final = 25
COLUMNS: Final = 10
_TABLE: Final = 2
"""Dimensions of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A way to another part: what the link says, and where it leads."""

    text: str
    place: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of an array that is shown."""

    shape: tuple[int, ...]
    frame: tuple[int, ...]
    """Where in the dimensions before the last two."""
    row: int
    col: int

    @property
    def rows(self) -> range:
        """The rows shown."""
        extent = self.shape[-min(_TABLE, len(self.shape))] if self.shape else 1
        return range(self.row, min(self.row + ROWS, extent))

    @property
    def columns(self) -> range:
        """The columns shown; one when there is one dimension."""
        extent = self.shape[-1] if len(self.shape) >= _TABLE else 1
        return range(self.col, min(self.col + COLUMNS, extent))

    @property
    def selection(self) -> str:
        """What is shown, as h5grove writes it; empty for the only value of a scalar."""
        if not self.shape:
            return ""
        parts = [str(place) for place in self.frame]
        parts.append(f"{self.rows.start}:{self.rows.stop}")
        if len(self.shape) >= _TABLE:
            parts.append(f"{self.columns.start}:{self.columns.stop}")
        return ",".join(parts)

    @property
    def frame_selection(self) -> str:
        """The whole frame of which a part is shown; empty where there are no frames."""
        return ",".join([*map(str, self.frame), ":", ":"]) if self.frame else ""

    @property
    def frame_items(self) -> int:
        """How many values a frame has."""
        return prod(self.shape[len(self.frame) :])

    @property
    def frame_text(self) -> str:
        """The frame as the address says it."""
        return ",".join(map(str, self.frame))

    def place(self, **changed: int | str) -> dict[str, str]:
        """Return what the address says of this window, or of one that differs from it."""
        said: dict[str, int | str] = {"frame": self.frame_text, "row": self.row, "col": self.col}
        return {key: str(value) for key, value in (said | changed).items() if value not in {0, ""}}

    def steps(self) -> list[Step]:
        """Return the ways from here, those that there are."""
        found: list[tuple[bool, str, dict[str, str]]] = []
        if self.frame:
            *before, last = self.frame
            for step, text in ((-1, "Previous frame"), (1, "Next frame")):
                there = last + step
                is_there = 0 <= there < self.shape[len(before)]
                frame = ",".join(map(str, [*before, there]))
                found.append((is_there, text, self.place(frame=frame)))
        height = self.shape[-min(_TABLE, len(self.shape))] if self.shape else 1
        found += [
            (self.row > 0, "Rows before", self.place(row=max(0, self.row - ROWS))),
            (self.rows.stop < height, "Rows after", self.place(row=self.row + ROWS)),
        ]
        if len(self.shape) >= _TABLE:
            is_more = self.columns.stop < self.shape[-1]
            found += [
                (self.col > 0, "Columns before", self.place(col=max(0, self.col - COLUMNS))),
                (is_more, "Columns after", self.place(col=self.col + COLUMNS)),
            ]
        return [Step(text=text, place=place) for is_there, text, place in found if is_there]

    def words(self) -> str:
        """Return which part is shown."""
        if not self.shape:
            return "The only value"
        parts = [f"Frame {self.frame_text}"] if self.frame else []
        parts.append(_range("rows", self.rows))
        if len(self.shape) >= _TABLE:
            parts.append(_range("columns", self.columns))
        text = ", ".join(parts)
        return f"{text[0].upper()}{text[1:]} of {entities.shape_words(self.shape)}"


def _range(noun: str, shown: range) -> str:
    return f"{noun} {shown.start:,} to {shown.stop - 1:,}"


def window(shape: Sequence[int], *, frame: str = "", row: int = 0, col: int = 0) -> Window | None:
    """Return what is shown of an array for what an address says; None of one without values.

    Examples
    --------
    >>> window((200, 1024, 1024), frame="7", row=1000).selection
    '7,1000:1024,0:10'
    >>> window((3,), row=99).selection, window(()).selection, window((0, 5))
    ('0:3', '', None)
    """
    shape = tuple(shape)
    if prod(shape) == 0:
        return None
    count = max(0, len(shape) - _TABLE)
    asked = [int(part) for part in frame.split(",") if part.isascii() and part.isdigit()][:count]
    asked += [0] * (count - len(asked))
    places = tuple(min(place, extent - 1) for place, extent in zip(asked, shape, strict=False))
    height = shape[-min(_TABLE, len(shape))] if shape else 1
    width = shape[-1] if len(shape) >= _TABLE else 1
    return Window(
        shape=shape,
        frame=places,
        row=_within(row, height, ROWS),
        col=_within(col, width, COLUMNS),
    )


def _within(asked: int, extent: int, shown: int) -> int:
    """Return the first of a page; what lies behind the end becomes the last page."""
    return max(0, asked) if asked < extent else (extent - 1) // shown * shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Values as they stand on the page."""

    head: list[str]
    rows: list[tuple[str, list[str]]]
    is_text: bool


def table(shown: Window, values: Any, described: Any) -> Table:
    """Return the values of a window, as h5grove's JSON gives them, as a table."""
    names = entities.column_names(described)
    if not shown.shape:
        values = [values]
    rows: Sequence[Any] = values if isinstance(values, list) else [values]
    if len(shown.shape) >= _TABLE:
        head = [f"{column:,}" for column in shown.columns]
        cells = [list(row) if isinstance(row, list) else [row] for row in rows]
    elif names and all(isinstance(row, list | tuple) for row in rows):
        head, cells = list(names), [list(row) for row in rows]
    else:
        head, cells = ["Value"], [[row] for row in rows]
    return Table(
        head=head,
        rows=[
            (f"{number:,}", [_cell(cell) for cell in row])
            for number, row in zip(shown.rows, cells, strict=False)
        ],
        is_text=bool(names) or entities.is_text(described),
    )


def _cell(value: Any) -> str:
    # JSON has no word for these
    return "not finite" if value is None else entities.short(value)
