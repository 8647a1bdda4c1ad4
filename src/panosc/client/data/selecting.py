"""Which elements of an array are meant: numpy's basic indexing, as the node's grammar writes it.

Negative steps and new axes are done here, after reading. Lists, masks and names of fields are
refused: they would read what is between, or say less than they seem to.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from panosc.domain.errors import Invalid

_MOST_TEXT = 1000
_SLICE_PARTS = 3


class Outside(Invalid, IndexError):
    """A position that the array does not have; programs expect an `IndexError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Positions along one dimension: `count` of them from `start`, each `step` after the other."""

    start: int
    count: int
    step: int = 1
    is_one: bool = False
    """An integer: the dimension is dropped."""
    is_backward: bool = False
    """They are wanted from the last to the first."""

    def cut(self, first: int, after: int) -> "Part":
        """Return the positions from number `first` up to, not with, number `after`."""
        return Part(
            start=self.start + first * self.step,
            count=after - first,
            step=self.step,
            is_one=self.is_one,
            is_backward=self.is_backward,
        )

    @property
    def text(self) -> str:
        """As the node's grammar writes it."""
        if self.is_one:
            return str(self.start)
        end = self.start + (self.count - 1) * self.step + 1
        return f"{self.start}:{end}" + (f":{self.step}" if self.step != 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A `Part` for each dimension, and where new axes stand in the result."""

    parts: tuple[Part, ...]
    new_axes: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is read, without new axes."""
        return tuple(part.count for part in self.parts if not part.is_one)

    @property
    def size(self) -> int:
        """How many elements are read."""
        return prod(part.count for part in self.parts)

    @property
    def text(self) -> str:
        """As the node's grammar writes it."""
        return ",".join(part.text for part in self.parts)

    def rows(self, first: int, after: int) -> "Selection":
        """Return the rows `first` up to, not with, `after` of the result, of its first dimension.

        There must be one, and no new axis.
        """
        place = next(number for number, part in enumerate(self.parts) if not part.is_one)
        part = self.parts[place]
        if part.is_backward:
            first, after = part.count - after, part.count - first
        cut = (*self.parts[:place], part.cut(first, after), *self.parts[place + 1 :])
        return Selection(parts=cut)

    def finish(self, values: Any) -> Any:
        """Turn around what is wanted backward, and put new axes in."""
        kept = [part for part in self.parts if not part.is_one]
        if any(part.is_backward for part in kept):
            turned = slice(None, None, -1)
            values = values[tuple(turned if part.is_backward else slice(None) for part in kept)]
        if self.new_axes:
            lengths = list(values.shape)
            for place in self.new_axes:
                lengths.insert(place, 1)
            values = values.reshape(lengths)
        return values


def select(key: Any, shape: Sequence[int]) -> Selection:
    """Return what `key` selects of an array of this shape, as ``array[key]`` means it.

    Raises
    ------
    Outside
        An `IndexError`, too: if a position is outside, or there are too many of them.
    Invalid
        If it is a list, a mask or a name.

    Examples
    --------
    >>> select((-1, slice(None, None, 2)), (3, 5)).text
    '2,0:5:2'
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    # `in` would compare, and arrays compare by element
    dots = [place for place, item in enumerate(keys) if item is Ellipsis]
    named = sum(item is not None for item in keys) - len(dots)
    if len(dots) > 1:
        raise Outside("A selection can only have a single '...'.", field="selection")
    if named > len(shape):
        raise Outside(
            f"{named} positions are too many for an array of {len(shape)} dimensions.",
            field="selection",
        )
    place = dots[0] if dots else len(keys)
    keys[place : place + 1] = [slice(None)] * (len(shape) - named)
    parts: list[Part] = []
    new_axes: list[int] = []
    kept = 0
    for item in keys:
        if item is None:
            new_axes.append(kept)
            kept += 1
            continue
        part = _part(item, shape[len(parts)], len(parts))
        parts.append(part)
        kept += not part.is_one
    return Selection(parts=tuple(parts), new_axes=tuple(new_axes))


def parse(text: str) -> Any:
    """Return what ``array[text]`` would be given: ``0,10:20,...,::2``.

    Raises
    ------
    Invalid

    Examples
    --------
    >>> parse("-1, 2:8:2, ...")
    (-1, slice(2, 8, 2), Ellipsis)
    """
    if len(text) > _MOST_TEXT:
        raise _unusable(text[:20] + "…")
    return tuple(_item(piece.strip(), text) for piece in text.split(",")) if text.strip() else ()


def _item(piece: str, text: str) -> Any:
    if piece in {"...", "…"}:
        return Ellipsis
    numbers = piece.split(":")
    try:
        if len(numbers) == 1:
            return int(piece)
        ends = [int(number) if number.strip() else None for number in numbers]
    except ValueError:
        raise _unusable(text) from None
    if len(numbers) > _SLICE_PARTS:
        raise _unusable(text)
    return slice(*ends)


def _unusable(text: str) -> Invalid:
    return Invalid(
        f"{text!r} is no selection.",
        field="selection",
        hint="Give a number, a range or ... for each dimension: 0,10:20,::2",
    )


def _part(item: Any, length: int, axis: int) -> Part:
    if isinstance(item, slice):
        try:
            wanted = range(*item.indices(length))
        except (TypeError, ValueError) as error:
            raise Invalid(f"{item} is no selection: {error}.", field="selection") from None
        if wanted.step > 0:
            return Part(start=wanted.start, count=len(wanted), step=wanted.step)
        turned = wanted[::-1]
        return Part(start=turned.start, count=len(turned), step=turned.step, is_backward=True)
    # a truth value is a number to Python, and a mask to numpy
    if isinstance(item, bool) or getattr(getattr(item, "dtype", None), "kind", "") == "b":
        raise _refused("a mask")
    try:
        index = operator.index(item)
    except TypeError:
        raise _refused("a name" if isinstance(item, str) else "a list") from None
    place = index + length if index < 0 else index
    if not 0 <= place < length:
        raise Outside(
            f"Position {index} is out of bounds for dimension {axis}, which has {length}.",
            field="selection",
        )
    return Part(start=place, count=1, is_one=True)


def _refused(what: str) -> Invalid:
    return Invalid(
        f"An array of a node takes numbers, ranges and ..., not {what}.",
        field="selection",
        hint="Read the range around it first, then select in that: array[2:9][[0, 4]].",
    )
