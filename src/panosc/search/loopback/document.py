"""From the arguments of a request to plain JSON values, whatever is sent.

``filter={"limit":2}`` and ``filter[limit]=2`` mean the same. Depth and length are bounded
before anything is parsed, so that hostile input is refused with its place instead of
exhausting the parser. What the values mean is read by `filter` and `where`.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from panosc.domain.errors import BadFilter

LONGEST = 256 * 1024
DEEPEST = 64
_MOST_DIGITS = 400
_BRACKETS = 32
_MOST_PLACES = 5

_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)"?+|[][{}:,]', re.DOTALL)
_KEY = re.compile(r"\[([^\[\]]*)\]")


def argument(pairs: Iterable[tuple[str, str]], name: str) -> Any:
    """Return the argument `name` of a request as a JSON value; None when it is not given.

    Parameters
    ----------
    pairs : iterable of (key, value)
        The decoded query string.
    name : str
        ``filter`` or ``where``.

    Raises
    ------
    BadFilter
        If it is given twice, is not JSON, or is too long or too deep.
    """
    whole: list[str] = []
    parts: list[tuple[list[str], str]] = []
    for key, value in pairs:
        if key == name:
            whole.append(value)
        elif key.startswith(f"{name}[") and key.endswith("]"):
            parts.append((_path(key, name), value))
    if len(whole) + bool(parts) > 1:
        raise BadFilter(f"{name} is given twice.", field=name, hint="Put it into one object.")
    if parts:
        return _assemble(parts, name)
    return _parse(whole[0], name) if whole and whole[0].strip() else None


def _parse(text: str, name: str) -> Any:
    if len(text) > LONGEST:
        raise BadFilter(f"{name} is longer than {LONGEST} characters.", field=name)
    _check_depth(text, name)
    try:
        return json.loads(text, parse_int=_integer, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BadFilter(
            f"{name} is not JSON: {error.msg} at character {error.pos + 1}.",
            field=name,
            hint='Send an object such as {"where":{"title":{"like":"copper"}},"limit":10}.',
        ) from None
    except ValueError as error:
        raise BadFilter(f"{name} is not JSON: {error}.", field=name) from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no value of JSON")


def _check_depth(text: str, name: str) -> None:
    """Refuse nesting that no question needs, and say where it is."""
    stack: list[int | str] = []
    word = ""
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case '"':
                word = token[1]
            case "[":
                stack.append(0)
            case "{":
                stack.append("")
            case "]" | "}" if stack:
                stack.pop()
            case ":" if stack:
                stack[-1] = word
            case "," if stack and isinstance(stack[-1], int):
                stack[-1] += 1
        if len(stack) > DEEPEST:
            place = _place(name, stack[: DEEPEST // 4])
            raise BadFilter(
                f"{name} is nested more than {DEEPEST} levels deep, in {place}…", field=place
            )


def _place(name: str, steps: list[int | str]) -> str:
    place = name
    for step in steps:
        place += f"[{step}]" if isinstance(step, int) else f".{step[:40]}" if step else ""
    return place


def _path(key: str, name: str) -> list[str]:
    rest = key[len(name) :]
    steps = _KEY.findall(rest)
    if "".join(f"[{step}]" for step in steps) != rest or len(steps) > _BRACKETS:
        raise BadFilter(
            f"{key[:80]} is not an argument with brackets.",
            field=name,
            hint=f"Write {name}[where][name]=…, or send {name} as JSON.",
        )
    return steps


def _assemble(parts: list[tuple[list[str], str]], name: str) -> Any:
    root: dict[str, Any] = {}
    for steps, value in parts:
        place = root
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise BadFilter(
                    f"{name}[{step}] is given both as a value and as an object.", field=name
                )
            place = inner
        last = steps[-1]
        if last == "":
            last = str(len(place))
        if isinstance(place.get(last), dict):
            raise BadFilter(
                f"{name}[{last}] is given both as a value and as an object.", field=name
            )
        before = place.get(last)
        place[last] = value if before is None else [*_listed(before), value]
    return _settled(root)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _settled(value: Any) -> Any:
    """Turn objects whose keys are all numbers into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isascii() and key.isdigit() and len(key) <= _MOST_PLACES for key in value):
        return [_settled(value[key]) for key in sorted(value, key=int)]
    return {key: _settled(item) for key, item in value.items()}
