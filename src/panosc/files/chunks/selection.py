"""Selections as h5grove writes them: ``0,10:20,::2`` against the shape of an array.

Whole numbers and slices, one for each dimension; what is left out is taken whole. Negative
numbers count from the end. No lists, no ellipsis, no negative steps. Nothing is read here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Final, NoReturn

from panosc.domain.errors import Invalid

TEXT_LIMIT: Final = 1_000
"""Most characters of a selection."""
_NUMBER: Final = r"\s*(-?\d{1,19})?\s*"
_INTEGER: Final = re.compile(r"\s*(-?\d{1,19})\s*", re.ASCII)
_SLICE: Final = re.compile(f"{_NUMBER}:{_NUMBER}(?::{_NUMBER})?", re.ASCII)
_HINT: Final = (
    "Give a whole number or a slice start:stop:step with a positive step for each dimension, "
    "separated by commas, such as 0,10:20,::2; what is left out is taken whole."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is taken of one dimension: `start`, `start + step`, … below `stop`."""

    start: int
    stop: int
    step: int = 1
    is_single: bool = False
    """Chosen by a whole number: the answer has no such dimension."""
    count: int = field(init=False, repr=False, compare=False)
    """How many there are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", len(range(self.start, self.stop, self.step)))

    @property
    def last(self) -> int:
        """The last one; below `start` when there is none."""
        return self.start + (self.count - 1) * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is taken of an array, a `Span` for each of its dimensions."""

    spans: tuple[Span, ...]
    counts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The shape of the answer with the dimensions that whole numbers drop."""
    points: int = field(init=False, repr=False, compare=False)
    """How many elements the answer has."""

    def __post_init__(self) -> None:
        counts = tuple([span.count for span in self.spans])
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "points", prod(counts))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the answer."""
        return tuple([span.count for span in self.spans if not span.is_single])

    @property
    def index(self) -> tuple[int | slice, ...]:
        """What numpy and h5py take between brackets."""
        return tuple(
            span.start if span.is_single else slice(span.start, span.stop, span.step)
            for span in self.spans
        )


def whole(shape: tuple[int, ...]) -> Selection:
    """Return the selection of all elements."""
    return Selection(spans=tuple(Span(start=0, stop=extent) for extent in shape))


def parse(text: str | None, shape: tuple[int, ...]) -> Selection:
    """Return what a text selects of an array of this shape.

    Raises
    ------
    Invalid
        Of field ``selection``, when the text is not a selection or leads out of the array.
    """
    if text is None or not text.strip():
        return whole(shape)
    if len(text) > TEXT_LIMIT:
        _refuse(f"A selection has at most {TEXT_LIMIT} characters; this one has {len(text)}.")
    parts = text.split(",")
    if len(parts) > len(shape):
        _refuse(
            f"The selection names {len(parts)} dimensions, but the dataset has {len(shape)}"
            + (f": its shape is {_spell(shape)}." if shape else " (a single value).")
        )
    spans = [
        _span(part, extent=extent, dimension=number)
        for number, (part, extent) in enumerate(zip(parts, shape, strict=False))
    ]
    return Selection(spans=(*spans, *whole(shape[len(parts) :]).spans))


def _span(part: str, *, extent: int, dimension: int) -> Span:
    """Return what one part of the text takes of a dimension."""
    if ":" not in part and (match := _INTEGER.fullmatch(part)):
        number = int(match[1])
        if not -extent <= number < extent:
            _refuse(
                f"Dimension {dimension} of the dataset has {extent} elements; "
                f"{number} is outside of it."
            )
        start = number % extent
        return Span(start=start, stop=start + 1, is_single=True)
    if not (match := _SLICE.fullmatch(part)):
        _refuse(f"{_shorten(part)} (dimension {dimension}) is neither a whole number nor a slice.")
    given = [None if word is None else int(word) for word in match.groups()]
    if given[2] is not None and given[2] < 1:
        _refuse(f"The step of {_shorten(part)} (dimension {dimension}) has to be 1 or more.")
    start, stop, step = slice(*given).indices(extent)
    if stop <= start:
        return Span(start=start, stop=start)
    if step >= stop - start:
        # there is but one; a huge step must not lead arithmetic astray
        return Span(start=start, stop=start + 1)
    return Span(start=start, stop=stop, step=step)


def bands(
    selection: Selection, item_bytes: int, limit_bytes: int, *, chunks: tuple[int, ...] = ()
) -> Iterator[Selection]:
    """Split a selection into consecutive ones whose answers, one after the other, are the whole.

    The split is along the slowest dimensions, so that the answers in C order need only be sent
    one after the other. Each has at most `limit_bytes`, or one element where that is larger.
    With `chunks` a split is where a chunk ends, as far as the limit allows.
    """
    if not selection.points:
        return
    room = max(1, limit_bytes // max(1, item_bytes))
    yield from _split(selection.spans, depth=0, room=room, chunks=chunks)


def _split(
    spans: tuple[Span, ...], *, depth: int, room: int, chunks: tuple[int, ...]
) -> Iterator[Selection]:
    """Yield the parts of what is one element long in the dimensions before `depth`."""
    inner = prod(span.count for span in spans[depth + 1 :])
    if depth == len(spans) or inner * spans[depth].count <= room:
        yield Selection(spans=spans)
        return
    span, before, after = spans[depth], spans[:depth], spans[depth + 1 :]
    most = max(1, room // inner)
    done = 0
    while done < span.count:
        take = min(most, span.count - done)
        if chunks and done + take < span.count:
            take = _to_border(span, done=done, take=take, chunk=chunks[depth])
        start = span.start + done * span.step
        part = Span(
            start=start,
            stop=min(span.stop, start + take * span.step),
            step=span.step,
            is_single=span.is_single,
        )
        yield from _split((*before, part, *after), depth=depth + 1, room=room, chunks=chunks)
        done += take


def _to_border(span: Span, *, done: int, take: int, chunk: int) -> int:
    """Return how many to take so that the last one ends a chunk; `take` if none does."""
    start = span.start + done * span.step
    border = (start + take * span.step) // chunk * chunk
    fewer = len(range(start, border, span.step))
    return fewer or take


def _spell(shape: tuple[int, ...]) -> str:
    return " × ".join(str(extent) for extent in shape)


def _shorten(part: str) -> str:
    return repr(part if len(part) <= 40 else part[:40] + "…")  # noqa: PLR2004 - of a message


def _refuse(detail: str) -> NoReturn:
    raise Invalid(detail, field="selection", hint=_HINT)
