"""Arguments of a search in Python as a selection, and back.

``search("lysozyme", technique="SANS", wavelength=("4 Å", "8 Å"), not_kind="raw")``. How arguments
become the pairs of a URL is `domain.arguments`, which the client shares.
"""

from collections.abc import Mapping
from typing import Any

from panosc.domain.arguments import argument_name, number, pairs_of
from panosc.search.language.names import Names
from panosc.search.language.ranges import Between
from panosc.search.language.selection import SIZES, Selection
from panosc.search.language.url import parse


def from_arguments(words: str = "", /, **filters: Any) -> Selection:
    """Return the selection that the arguments of a search spell.

    Raises
    ------
    Invalid
        If a value is of a type that no filter takes. What else cannot be used is explained in
        the selection's problems.
    """
    return read_arguments(words, filters)


def read_arguments(
    words: str, filters: Mapping[str, Any], *, names: Names | None = None
) -> Selection:
    """Return the same with the names of a catalogue known."""
    return parse(pairs_of(words, filters), names=names)


def to_arguments(selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return the words and the filters that spell a selection."""
    found: dict[str, list[Any]] = {}
    ranges = list(selection.ranges)
    for key, value in selection.filters():
        is_range = ranges and (key, value) == (ranges[0].name, ranges[0].text)
        given = _range(ranges.pop(0)) if is_range else value
        found.setdefault(argument_name(key), []).append(given)
    filters: dict[str, Any] = {
        name: values[0] if len(values) == 1 else values for name, values in found.items()
    }
    if selection.sort:
        filters["sort"] = selection.sort
    if selection.after:
        filters["after"] = selection.after
    elif selection.page != 1:
        filters["page"] = selection.page
    if selection.size != SIZES[0]:
        filters["size"] = selection.size
    return selection.words, filters


def to_python(selection: Selection) -> str:
    """Return the arguments as the text of a call.

    Examples
    --------
    >>> to_python(Selection(words="ice", facility=("ESS", "ILL"), sort="-released"))
    "'ice', facility=['ESS', 'ILL'], sort='-released'"
    """
    words, filters = to_arguments(selection)
    parts = [repr(words)] if words else []
    odd: Mapping[str, Any] = {key: item for key, item in filters.items() if not key.isidentifier()}
    parts += [f"{key}={item!r}" for key, item in filters.items() if key not in odd]
    return ", ".join([*parts, f"**{odd!r}"] if odd else parts)


def _range(item: Between) -> Any:
    if item.above or item.below or item.low == item.high:
        return item.text
    if item.unit is None:
        return item.low, item.high
    return tuple(
        None if end is None else f"{number(end)} {item.unit}" for end in (item.low, item.high)
    )
