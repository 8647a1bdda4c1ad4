"""Read a repository with the classes that `python-re3data` made of the official schema."""

import sys
from dataclasses import fields
from typing import Any

from re3data._resources.repository import Re3Data
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig


def missing(thing: Any, place: str = "") -> list[str]:
    """Return the parts that the schema requires, and that are not there."""
    found = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        here = f"{place}/{field.name}"
        if value in (None, []) and (
            field.metadata.get("required") or field.metadata.get("min_occurs")
        ):
            found.append(here)
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "__dataclass_fields__"):
                found += missing(part, here)
    return found


if __name__ == "__main__":
    # strict: unknown elements and values that are in none of its lists are errors
    config = ParserConfig(
        fail_on_unknown_properties=True,
        fail_on_unknown_attributes=True,
        fail_on_converter_warnings=True,
    )
    read = XmlParser(config=config).from_bytes(sys.stdin.buffer.read(), Re3Data)
    print("\n".join(missing(read)))  # noqa: T201 - what the caller reads
