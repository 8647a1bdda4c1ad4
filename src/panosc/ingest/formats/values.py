"""Small values of a file as texts and as what a catalogue can search for."""

import math

from panosc.files.careful import Value

SHOWN = 8
"""Most numbers of an array that are spelt out."""


def words(value: Value) -> list[str]:
    """Return the texts of a field; a number that stands where a text should is spelt out."""
    values = value if isinstance(value, list) else [value]
    return [_spelt(item) for item in values]


def _spelt(item: str | int | float) -> str:
    if isinstance(item, float):
        return f"{item:g}" if math.isfinite(item) else ""
    return str(item)


def scalar_of(value: Value, *, is_number: bool) -> str | int | float | None:
    """Return what a catalogue can search for: one number or one text."""
    if not is_number:
        return ", ".join(word for word in words(value) if word) or None
    values = [_number(item) for item in (value if isinstance(value, list) else [value])]
    numbers = [item for item in values if isinstance(item, int | float)]
    if len(numbers) < len(values):
        return ", ".join(word for word in words(value) if word) or None
    if not all(math.isfinite(item) for item in numbers):
        return None
    if len(set(numbers)) == 1:
        return numbers[0]
    return ", ".join(f"{item:g}" for item in numbers[:SHOWN]) + (
        ", …" if len(numbers) > SHOWN else ""
    )


def _number(value: str | int | float) -> str | int | float:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
