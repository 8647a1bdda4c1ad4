"""Values of an array to a file or to a terminal, in blocks, so that memory stays bounded."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from math import prod
from pathlib import Path
from typing import IO, Any, TextIO

import orjson

from panosc.cli import terminal
from panosc.client.data.arrays import Array
from panosc.client.data.selecting import select
from panosc.domain.errors import Conflict, Invalid, TooLarge, Unavailable

_FORMS = ("npy", "csv", "json")
_MOST_SHOWN = 10_000
_TABLE = 2


def to_file(array: Array, key: Any, path: Path, *, form: str) -> None:
    """Write what is selected; the file is there as a whole, or not.

    Raises
    ------
    Invalid
        If no format is given, nor known by the name.
    Conflict
        If a file is there.
    """
    if form not in _FORMS:
        raise Invalid(
            f"{path.name} does not say in which format.",
            field="format",
            hint="Name it .npy, .csv or .json, or give --format.",
        )
    if path.exists():
        raise Conflict(f"{path} is there already.", hint="Give another name.")
    with _renamed(path) as part:
        if form == "npy":
            _npy(array, key, part)
            return
        with part.open("w", encoding="utf-8", newline="") as file:
            _text(array, key, file, form=form)


def to_terminal(array: Array, key: Any, *, form: str | None) -> None:
    """Print what is selected: a table on a terminal, tab-separated values in a pipe.

    Raises
    ------
    TooLarge
        If it is more than anybody reads.
    Invalid
        If it would be bytes on a terminal.
    """
    if form == "npy":
        if sys.stdout.isatty():
            raise Invalid("NPY is no text.", field="format", hint="Give --to FILE.npy.")
        _numpy().save(sys.stdout.buffer, array.read(key))
        sys.stdout.flush()
        return
    if form is not None:
        _text(array, key, sys.stdout, form=form)
        sys.stdout.write("\n" if form == "json" else "")
        return
    if not terminal.out.is_terminal:
        _text(array, key, sys.stdout, form="tsv")
        return
    size = select(key, array.shape).size
    if size > _MOST_SHOWN:
        raise TooLarge(
            f"{size:,} values are too many to show.",
            limit=_MOST_SHOWN,
            hint="Select a part, or give --to FILE.",
        )
    rows = [row for block in _tables(array, key) for row in block]
    terminal.show_rows([str(number) for number in range(len(rows[0]) if rows else 0)], rows)


def _npy(array: Array, key: Any, path: Path) -> None:
    np = _numpy()
    selection = select(key, array.shape)
    is_straight = not any(part.is_backward for part in selection.parts)
    if array.dtype.hasobject:
        raise Invalid("Texts are no NPY.", field="format", hint="Give --format json or csv.")
    if is_straight and selection.size and array.is_plain:
        # the file on disk is the array that is filled
        target = np.lib.format.open_memmap(
            path, mode="w+", dtype=array.dtype, shape=selection.shape
        )
        array.read_into(target, key)
        target.flush()
        return
    with path.open("wb") as file:
        np.save(file, array.read(key), allow_pickle=False)


def _text(array: Array, key: Any, file: TextIO | IO[str], *, form: str) -> None:
    if form == "json":
        _json(array, key, file)
        return
    rows = csv.writer(file, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
    if array.dtype.names:
        rows.writerow(array.dtype.names)
    for block in _tables(array, key):
        rows.writerows(block)


def _tables(array: Array, key: Any) -> Iterator[list[list[Any]]]:
    """Yield what is selected as rows of cells."""
    shape = () if array.is_empty else select(key, array.shape).shape
    if len(shape) > _TABLE:
        raise Invalid(
            f"A table has two dimensions; this has {len(shape)}.",
            field="selection",
            hint="Select a plane of it, such as 0,...; or --format npy or json.",
        )
    if array.is_empty or prod(shape) == 0:
        return
    for block in array.blocks(key):
        cells = _cells(block)
        yield cells if block.ndim == _TABLE else [_row(cell) for cell in cells]


def _row(cell: Any) -> list[Any]:
    return [_cell(item) for item in cell] if isinstance(cell, tuple) else [cell]


def _cells(block: Any) -> Any:
    values = block.reshape(1) if block.ndim == 0 else block
    if values.dtype.kind == "f":
        # as numpy writes them: the shortest text that is this number of this width
        return values.astype(str).tolist()
    found = values.tolist()
    if values.dtype.kind in "OSV":
        return (
            [[_cell(item) for item in row] for row in found]
            if values.ndim > 1
            else [item if isinstance(item, tuple) else _cell(item) for item in found]
        )
    return found


def _cell(item: Any) -> Any:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else item


def _json(array: Array, key: Any, file: TextIO | IO[str]) -> None:
    if array.is_empty or not select(key, array.shape).shape:
        file.write(_dump(array[key]))
        return
    before = "["
    for block in array.blocks(key):
        file.write(before + _dump(block.tolist())[1:-1])
        before = ","
    file.write("[]" if before == "[" else "]")


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=_told).decode()


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, complex):
        return [value.real, value.imag]
    return str(value)


@contextmanager
def _renamed(path: Path) -> Iterator[Path]:
    """Give a path to write to, which gets its name when all is written."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.rename(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror or error}.", hint="Give another place."
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _numpy() -> Any:
    return import_module("numpy")
