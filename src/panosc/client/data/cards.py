"""What notebooks show of datasets, files, groups and arrays; every text in it is escaped."""

import base64
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from panosc.client.progress import size

if TYPE_CHECKING:
    from panosc.client.data.arrays import Array

_MOST_ROWS = 30
_LONGEST = 200
_MOST_PICTURE = 512 * 1024
_PICTURES = {"image/png", "image/webp", "image/jpeg", "image/svg+xml"}


def facts(rows: Iterable[tuple[str, Any]]) -> str:
    """Return a table of names and values; without those that are not known."""
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{_text(value)}</td></tr>'
        for name, value in rows
        if value not in (None, "", ())
    )
    return f"<table>{cells}</table>"


def picture(kind: str, content: bytes, *, words: str) -> str:
    """Return an image as part of the card; nothing if it is no image or too large."""
    kind = kind.partition(";")[0].strip().lower()
    if kind not in _PICTURES or not 0 < len(content) <= _MOST_PICTURE:
        return ""
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<img src="data:{kind};base64,{data}" alt="{escape(words)}"'
        ' style="max-width:256px;max-height:256px">'
    )


def card(title: str, body: str, *, link: str | None = None) -> str:
    """Return a card with a title, which links to the page for people."""
    head = escape(title[:_LONGEST])
    if link is not None and link.startswith(("http://", "https://")):
        head = f'<a href="{escape(link)}">{head}</a>'
    return f"<div><strong>{head}</strong>{body}</div>"


def array(shown: "Array") -> str:
    """Return the card of an array."""
    rows: list[tuple[str, Any]] = [
        ("shape", " × ".join(str(length) for length in shown.shape) or "one value"),
        ("type", type_of(shown.told)),
        ("units", shown.units),
        ("chunks", " × ".join(str(length) for length in shown.chunks or ())),
    ]
    told = shown.attrs.items()
    rows += [(name, value) for name, value in told if name != "units"][:_MOST_ROWS]
    return card(shown.path, facts(rows))


def group(path: str, members: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the card of a group: what is in it."""
    return card(path, content(members))


def content(members: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what is in a group as a table."""
    rows: list[tuple[str, Any]] = [(name, kind_of_member(told)) for name, told in members.items()]
    more = len(rows) - _MOST_ROWS
    return facts(rows[:_MOST_ROWS]) + (f"<p>and {more} more</p>" if more > 0 else "")


def kind_of_member(told: Mapping[str, Any]) -> str:
    """Return what a member of a group is, in words."""
    if told.get("kind") != "dataset":
        return str(told.get("kind", "")).replace("_", " ")
    shape = told.get("shape")
    lengths = tuple(shape) if isinstance(shape, list) else ()
    return kind_of(told.get("type"), lengths)


def kind_of(told: Any, shape: tuple[Any, ...]) -> str:
    """Return what an array is, in words.

    Examples
    --------
    >>> kind_of({"dtype": "<u2"}, (2, 3))
    '2 × 3 uint16'
    """
    return " ".join(filter(None, (" × ".join(str(length) for length in shape), type_of(told))))


def type_of(told: Any) -> str:
    """Return a type in the words of numpy, without loading it.

    Examples
    --------
    >>> type_of({"dtype": ">f8"}), type_of({"dtype": "|O", "class": 3})
    ('float64, big-endian', 'text')
    """
    text = told.get("dtype") if isinstance(told, dict) else None
    if isinstance(text, dict):
        return f"record of {', '.join(map(str, text))}"[:_LONGEST]
    if not isinstance(text, str) or not text:
        return ""
    if told.get("class") == 3 or "S" in text:  # noqa: PLR2004 - H5T_STRING
        return "text"
    kind, width = text.lstrip("<>|=")[:1], text.lstrip("<>|=")[1:]
    names = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
    if kind == "b":
        return "bool"
    if kind not in names or not width.isdigit():
        return "object"
    order = ", big-endian" if text.startswith(">") else ""
    return f"{names[kind]}{int(width) * 8}{order}"


def bytes_of(count: int | None) -> str | None:
    """Return a number of bytes for people, if it is known."""
    return None if count is None else size(count)


def _text(value: Any) -> str:
    return escape(str(value)[:_LONGEST] + ("…" if len(str(value)) > _LONGEST else ""))
