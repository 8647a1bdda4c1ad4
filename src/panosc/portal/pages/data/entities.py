"""What a group or dataset of a file is, in words: its type, its members, its attributes.

Made of what h5grove's ``/meta`` and ``/attr`` tell. The file is a stranger's, so all is bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

Meta = Mapping[str, Any]

MOST_MEMBERS: Final = 500
MOST_ATTRIBUTES: Final = 200
LONGEST: Final = 300
"""Characters of one value that are shown."""
_INTEGER, _FLOAT, _STRING, _OPAQUE, _COMPOUND, _REFERENCE, _ENUM, _VLEN, _ARRAY = (
    0,
    1,
    3,
    5,
    6,
    7,
    8,
    9,
    10,
)
_WORDS: Final = {2: "time", 4: "bit field", _OPAQUE: "opaque bytes", _REFERENCE: "reference"}
_BOOLEAN: Final = {"FALSE", "TRUE"}
_COMPLEX: Final = ("r", "i")
_KINDS: Final = {
    "group": "Group",
    "dataset": "Array",
    "datatype": "Named type",
    "soft_link": "Link that leads nowhere",
    "external_link": "Link to another file",
}
_DEEPEST: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A line in the list of a group."""

    name: str
    path: str
    kind: str
    about: str
    """Shape and type, or where a link leads."""
    is_link: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A line in the table of attributes."""

    name: str
    value: str
    type: str


def kind(meta: Meta) -> str:
    """Return what it is, in words."""
    return _KINDS.get(str(meta.get("kind")), "Something unknown")


def type_words(described: Any, depth: int = 0) -> str:
    """Return a type of HDF5 in words.

    Examples
    --------
    >>> type_words({"class": 0, "size": 2, "sign": 0}), type_words({"class": 1, "size": 8})
    ('16-bit unsigned integer', '64-bit float')
    >>> type_words({"class": 9, "base": {"class": 3, "vlen": True}})
    'lists of text'
    """
    if not isinstance(described, Mapping) or depth > _DEEPEST:
        return "unknown type"
    number, bits = described.get("class"), 8 * int(described.get("size") or 0)
    if number == _INTEGER:
        return f"{bits}-bit {'integer' if described.get('sign') else 'unsigned integer'}"
    if number == _FLOAT:
        return f"{bits}-bit float"
    if number == _STRING:
        return "text" if described.get("vlen") else f"text of {bits // 8} bytes"
    return _made_of_others(described, depth)


def _made_of_others(described: Meta, depth: int) -> str:
    number, members = described.get("class"), described.get("members")
    if number in {_VLEN, _ARRAY}:
        base = type_words(described.get("base"), depth + 1)
        return f"lists of {base}" if number == _VLEN else f"blocks of {base}"
    if number == _ENUM and isinstance(members, Mapping):
        return "true or false" if set(members) == _BOOLEAN else f"one of {listed(members)}"
    if number == _COMPOUND:
        if column_names(described) == _COMPLEX:
            return "complex number"
        return f"record of {listed(column_names(described))}"
    return _WORDS.get(number, "unknown type") if isinstance(number, int) else "unknown type"


def is_numeric(described: Any) -> bool:
    """Whether values of a type are numbers, of which there are a mean and a deviation."""
    return isinstance(described, Mapping) and described.get("class") in {_INTEGER, _FLOAT}


def is_text(described: Any) -> bool:
    """Whether values of a type are texts."""
    return isinstance(described, Mapping) and described.get("class") == _STRING


def column_names(described: Any) -> tuple[str, ...]:
    """Return the members of a compound type; none of others."""
    if not isinstance(described, Mapping) or described.get("class") != _COMPOUND:
        return ()
    return tuple(str(member.get("name")) for member in described.get("members", ()))


def listed(names: Any) -> str:
    """Return the first names of several."""
    given = [str(name) for name in names]
    return ", ".join(given[:6]) + (f" and {len(given) - 6} more" if len(given) > 6 else "")  # noqa: PLR2004


def shape_words(shape: Sequence[int] | None) -> str:
    """Return a shape as people write it.

    Examples
    --------
    >>> shape_words([200, 1024]), shape_words([]), shape_words(None)
    ('200 × 1,024', 'one value', 'empty')
    """
    if shape is None:
        return "empty"
    return " × ".join(f"{extent:,}" for extent in shape) or "one value"


def filter_words(filters: Sequence[Mapping[str, Any]] | None) -> str:
    """Return what chunks go through when they are written."""
    return listed(item.get("name") or item.get("id") for item in filters or ())


def members(meta: Meta, path: str) -> list[Member]:
    """Return the first members of a group."""
    return [_member(child, path) for child in meta.get("children", ())[:MOST_MEMBERS]]


def _member(child: Meta, path: str) -> Member:
    name = str(child.get("name"))
    target = [str(child[key]) for key in ("target_file", "target_path") if key in child]
    about = ": ".join(target)
    if child.get("kind") == "dataset":
        about = f"{shape_words(child.get('shape'))}, {type_words(child.get('type'))}"
    return Member(
        name=name,
        path=f"{path.rstrip('/')}/{name}",
        kind=kind(child),
        about=about,
        is_link=bool(target),
    )


def attributes(meta: Meta, values: Mapping[str, Any]) -> list[Attribute]:
    """Return the first attributes with their values."""
    return [
        Attribute(
            name=str(told["name"]),
            value=short(values.get(told["name"])),
            type=_attribute_type(told),
        )
        for told in meta.get("attributes", ())[:MOST_ATTRIBUTES]
    ]


def _attribute_type(told: Meta) -> str:
    words = type_words(told.get("type"))
    shape = told.get("shape")
    return f"{shape_words(shape)}, {words}" if shape else words


def short(value: Any) -> str:
    """Return a value as text, cut where it is long.

    Examples
    --------
    >>> short("m"), short(1.5), short(True), short([1, None]), short({"a": 1})
    ('m', '1.5', 'true', '[1, not finite]', '{"a":1}')
    """
    text = _text(value, 0)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "not finite" if depth else "nothing"
    if isinstance(value, list) and depth < _DEEPEST:
        shown = [_text(item, depth + 1) for item in value[:LONGEST]]
        return f"[{', '.join(shown)}{', …' if len(value) > LONGEST else ''}]"
    if isinstance(value, float):
        return repr(value)
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def units(values: Mapping[str, Any]) -> str | None:
    """Return the unit that an array's attributes name."""
    found = values.get("units")
    return short(found) if isinstance(found, str) and found else None


def signal(meta: Meta, values: Mapping[str, Any]) -> str | None:
    """Return the name of the array that a group of the class NXdata is about."""
    if values.get("NX_class") != "NXdata":
        return None
    arrays = [child for child in meta.get("children", ()) if child["kind"] == "dataset"]
    if "signal" in values:
        name = values["signal"]
        return name if name in [child["name"] for child in arrays] else None
    # older files mark the array itself
    marked = (child["name"] for child in arrays if "signal" in _names(child))
    return next(marked, None)


def _names(child: Meta) -> set[str]:
    return {str(told.get("name")) for told in child.get("attributes", ())}


def crumbs(path: str) -> list[tuple[str, str]]:
    """Return the names on the way to a path, each with its own path.

    Examples
    --------
    >>> crumbs("/entry/data"), crumbs("/")
    ([('entry', '/entry'), ('data', '/entry/data')], [])
    """
    names = [name for name in path.split("/") if name]
    return [(name, "/" + "/".join(names[: count + 1])) for count, name in enumerate(names)]
