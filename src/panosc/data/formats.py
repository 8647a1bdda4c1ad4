"""Arrays as bytes on the wire: JSON, raw, CSV, NPY and TIFF, as h5grove 4 answers them.

Runs in the processes that read, and nowhere waits for anything.
"""

import io
import math
from typing import Any, Final, Literal, get_args

import numpy as np
import orjson

from panosc.domain.errors import Invalid, TooLarge

Form = Literal["json", "bin", "csv", "npy", "tiff"]
Array = np.ndarray[Any, np.dtype[Any]]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
WEIGHTS: Final[dict[Form, int]] = {"csv": 500, "json": 50}
"""What it costs to write one value as text, in bytes that are unpacked in the same time."""
MEDIA_TYPES: Final[dict[Form, str]] = {
    "json": "application/json",
    "bin": "application/octet-stream",
    "csv": "text/csv; charset=utf-8",
    "npy": "application/octet-stream",
    "tiff": "image/tiff",
}
TEXT_BYTES: Final = 32 * 2**20
"""Most bytes of an array that become text or an image: as JSON they are up to ten times as many."""
_EXACT: Final = 2**53
"""Up to here JavaScript tells whole numbers apart."""
_ROUTE: Final = "json, bin, npy, csv (one or two dimensions) or tiff (two)"


def form_of(text: str) -> Form:
    """Return the form that `text` names.

    Raises
    ------
    Invalid
    """
    if text in MEDIA_TYPES:
        return text
    raise Invalid(f"There is no format “{text[:50]}”.", field="format", hint=f"There are {_ROUTE}.")


def check(form: Form, shape: tuple[int, ...], dtype: str, *, is_safe: bool) -> None:
    """Refuse what a form cannot say, before anything is read.

    Parameters
    ----------
    dtype : str
        As numpy's array interface spells it; empty for values that it has no type for.

    Raises
    ------
    Invalid, TooLarge
    """
    kind = np.dtype(dtype).kind if dtype else "O"
    is_number = kind in "biufc"
    if (form != "json" or is_safe) and not is_number and not (form == "bin" and kind in "SV"):
        raise Invalid("These values are no numbers.", field="format", hint="Ask for format=json.")
    if form == "csv" and len(shape) not in {1, 2}:
        raise Invalid(
            f"CSV holds one or two dimensions; this has {len(shape)}.",
            field="format",
            hint="Select a plane of it, such as selection=0,:,:, or ask for format=npy.",
        )
    if form == "tiff" and len(shape) != 2:  # noqa: PLR2004
        raise Invalid(
            f"A TIFF image has two dimensions; this has {len(shape)}.",
            field="format",
            hint="Select a plane of it, such as selection=0,:,:, or ask for format=npy.",
        )
    size = math.prod(shape) * (np.dtype(dtype).itemsize if dtype else 1)
    if form in {"json", "csv", "tiff"} and size > TEXT_BYTES:
        raise TooLarge(
            f"{size:,} bytes are too many for {form}.",
            limit=TEXT_BYTES,
            hint="Select a part of it, or ask for format=bin or npy.",
        )


def safe_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that JavaScript has an array for, nearest to `dtype`."""
    if dtype.kind == "f" and dtype.itemsize < 4:  # noqa: PLR2004
        return np.dtype("<f4")
    if dtype.kind == "f" and dtype.itemsize > 8:  # noqa: PLR2004
        return np.dtype("<f8")
    return dtype if dtype.byteorder == "|" else dtype.newbyteorder("<")


def npy_head(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return what stands before the numbers of an NPY file."""
    head = io.BytesIO()
    described = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(
        head, {"descr": described, "fortran_order": False, "shape": shape}
    )
    return head.getvalue()


def encode(array: Array, form: Form, *, is_safe: bool, is_flat: bool) -> bytes | Array:
    """Return `array` in a form; for raw bytes the array itself, contiguous.

    Raises
    ------
    Invalid
    """
    if is_safe:
        array = array.astype(safe_dtype(array.dtype), copy=False)
    if form == "bin":
        return np.ascontiguousarray(array)
    if form == "json":
        return _json(array.reshape(-1) if is_flat and array.ndim else array, is_safe=is_safe)
    # its imports take longer than most answers
    from h5grove import encoders  # noqa: PLC0415

    encoded: bytes = encoders.encode(array, form).content
    return encoded


def _json(array: Array, *, is_safe: bool) -> bytes:
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:  # noqa: PLR2004
        if is_safe and array.dtype.kind in "iu" and array.size and _is_beyond(array):
            # as texts, for a script would round the numbers
            return orjson.dumps(array.astype("U").tolist())
        native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
        if native.dtype.str[1:] != "f2":
            told_of = native if array.ndim else native[0]
            return orjson.dumps(told_of, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.dumps(told(array.tolist()))


def _is_beyond(array: Array) -> bool:
    return int(array.max()) > _EXACT or int(array.min()) < -_EXACT


def told(value: Any) -> Any:
    """Return a value as JSON has it: complex numbers as pairs, texts as UTF-8 or else Latin-1."""
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value
