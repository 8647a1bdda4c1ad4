"""Texts with placeholders in them: what a rule sets from what its pattern found."""

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

LONGEST = 2000
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WHOLE = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
WAYS = {"number": "a whole number without leading zeros", "upper": "", "lower": ""}
"""What may follow a colon: how the value is spelt."""


class WrongTemplate(ValueError):
    """A template that is none; the message goes on from its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with placeholders."""

    text: str
    parts: tuple[str | tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders in it."""
        return tuple(part[0] for part in self.parts if isinstance(part, tuple))

    def filled(self, values: Mapping[str, str]) -> str | None:
        """Return the text with the values in it; None if one of them is not there."""
        found = []
        for part in self.parts:
            if isinstance(part, str):
                found.append(part)
            elif not (value := values.get(part[0])):
                return None
            else:
                found.append(_spelt(value, part[1]))
        return "".join(found).strip() or None


def template(text: str, *, names: Collection[str] | None = None) -> Template:
    """Return the template that is written so; `names` are the placeholders that there are.

    Raises
    ------
    WrongTemplate
    """
    if len(text) > LONGEST:
        raise WrongTemplate(f"is longer than {LONGEST} letters")
    parts: list[str | tuple[str, str]] = []
    end = 0
    for found in _PART.finditer(text):
        if found.start() > end:
            parts.append(text[end : found.start()])
        end = found.end()
        if found[1] is not None:
            parts.append(_named(found[1], names))
        elif found[0] in {"{{", "}}"}:
            parts.append(found[0][0])
        else:
            raise WrongTemplate(f"has a {found[0]} that does not fit; write it twice for itself")
    if end < len(text):
        parts.append(text[end:])
    return Template(text=text, parts=tuple(parts))


def first_filled(templates: Collection[Template], values: Mapping[str, str]) -> str | None:
    """Return the first of some texts whose placeholders all have values."""
    return next((text for one in templates if (text := one.filled(values)) is not None), None)


def number_or_text(text: str) -> int | float | str:
    """Return the number that a text spells, or the text.

    Examples
    --------
    >>> number_or_text("0042"), number_or_text("1.5e3"), number_or_text("12a")
    (42, 1500.0, '12a')
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    return text


def _named(text: str, names: Collection[str] | None) -> tuple[str, str]:
    name, _, way = text.partition(":")
    if way and way not in WAYS:
        raise WrongTemplate(f"has {{{text[:60]}}}; after the colon may stand {', '.join(WAYS)}")
    if names is not None and name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        meant = f"; did you mean {{{close[0]}}}" if close else ""
        there = ", ".join(f"{{{one}}}" for one in names) or "none"
        raise WrongTemplate(
            f"has {{{name[:60]}}}, which is not in the path of the rule{meant}; there is {there}"
        )
    return name, way


def _spelt(value: str, way: str) -> str:
    if way == "number":
        return str(int(value)) if _WHOLE.fullmatch(value) else value
    if way == "upper":
        return value.upper()
    return value.lower() if way == "lower" else value
