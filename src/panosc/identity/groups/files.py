"""Files of a user office: NDJSON, packed or not, or one JSON document."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from panosc.domain.errors import Invalid, NotFound
from panosc.identity.groups.reading import KINDS, LONGEST_LINE, Kind, Said, lines, said

LARGEST_DOCUMENT = 64 << 20
"""Bytes of a JSON document, which has to fit into memory; NDJSON may be of any size."""
_WITHIN = {"groups": "Group", "members": "GroupMember", "people": "PersonAlias"}


def kind_of(path: Path) -> Kind | None:
    """Return the only kind of line in a file of this name; None where they may be mixed."""
    stem = path.name.partition(".")[0]
    return next((kind for kind in KINDS if kind == stem), None)


def read(path: Path) -> Iterator[Said]:
    """Yield what a file says.

    Raises
    ------
    Invalid
        With the file and the line, or the place in the document.
    NotFound
    """
    try:
        with path.open("rb") as packed:
            is_packed = path.suffix == ".gz"
            # closed with the file beneath it
            text: IO[bytes] = gzip.GzipFile(fileobj=packed) if is_packed else packed  # type: ignore[assignment]
            if path.name.removesuffix(".gz").endswith(".json"):
                yield from _document(text.read(LARGEST_DOCUMENT + 1), path.name, kind_of(path))
            else:
                yield from lines(broken(text), path.name, kind_of(path))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Invalid(f"{path.name} cannot be unpacked: {error}") from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from None


def broken(text: IO[bytes]) -> Iterator[bytes]:
    """Yield lines, none of them much longer than is allowed: the rest is not read."""
    while line := text.readline(LONGEST_LINE + 1):
        yield line
        if len(line) > LONGEST_LINE:
            return


def _document(text: bytes, name: str, kind: Kind | None) -> Iterator[Said]:
    """Yield what a JSON document says: a list of objects, or lists of them by what they are."""
    if len(text) > LARGEST_DOCUMENT:
        raise Invalid(
            f"{name} is larger than {LARGEST_DOCUMENT >> 20} MB.", hint="Send NDJSON, line by line."
        )
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"{name}, line {error.lineno}: not JSON: {error.msg}.") from None
    parts: dict[str, Any] = {"": found}
    if isinstance(found, dict) and not ({"name", "person"} & found.keys()):
        parts = found
    for part, items in parts.items():
        own: Any = _WITHIN.get(part, kind)
        if part and part not in _WITHIN:
            raise Invalid(f"{name}: {part} is none of {', '.join(_WITHIN)}.", field=part)
        for index, item in enumerate(items if isinstance(items, list) else [items]):
            place = f"{name}, {part}[{index}]"
            try:
                yield said(item, own, place=place)
            except Invalid as error:
                raise Invalid(
                    f"{place}: {error.detail}", field=error.field, hint=error.hint
                ) from None
