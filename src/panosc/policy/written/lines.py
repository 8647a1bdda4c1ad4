"""YAML as plain values that remember on which line each of them stands.

Only what a document needs: no aliases (a few lines could stand for gigabytes), no tags but those
of plain values, no key twice, limits on size, depth and number of values.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

LARGEST = 256 * 1024
"""Bytes of a document."""
DEEPEST = 20
MOST = 10_000
"""Values in a document."""
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "timestamp")
)

Path = tuple[str | int, ...]


class NotReadable(Exception):
    """The text is no YAML that may be read; says on which line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class Lines:
    """Values, and the line of each by its path; that of a key by its path and ``key=True``."""

    value: Any = None
    by_path: dict[Path, int] = field(default_factory=dict)
    by_key: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of a value, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            found = self.by_key.get(path[:length]) or self.by_path.get(path[:length])
            if found is not None:
                return found
        return 1


def read(text: bytes) -> Lines:
    """Return the values of a YAML text.

    Raises
    ------
    NotReadable
    """
    if len(text) > LARGEST:
        raise NotReadable(1, f"it is larger than {LARGEST // 1024} kB")
    try:
        plain = text.decode("utf-8")
        _look(plain)
        loader = yaml.SafeLoader(plain)
        try:
            node = loader.get_single_node()
            found = Lines()
            found.value = None if node is None else _value(loader, node, (), found)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise NotReadable(line, "it is not UTF-8") from None
    except yaml.YAMLError as error:
        raise _explained(error) from None
    return found


def _look(text: str) -> None:
    """Refuse what would grow or nest without end, before anything is built of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NotReadable(line, "aliases (& and *) are not allowed; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise NotReadable(line, f"it is nested more than {DEEPEST} deep")
        if count > MOST:
            raise NotReadable(line, f"it holds more than {MOST:,} values")


def _value(loader: yaml.SafeLoader, node: yaml.Node, path: Path, found: Lines) -> Any:
    found.by_path[path] = line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, (*path, index), found) for index, item in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, path, found)
    if node.tag not in _TAGS:
        raise NotReadable(line, f"the tag {node.tag} is not allowed")
    try:
        return loader.construct_object(node)
    except (ValueError, KeyError, OverflowError):
        raise NotReadable(line, f"“{node.value[:40]}” is no value; put text in quotes") from None


def _mapping(loader: yaml.SafeLoader, node: yaml.Node, path: Path, found: Lines) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise NotReadable(line, "a key has to be a word")
        key = key_node.value
        if key in values:
            raise NotReadable(line, f"“{key[:40]}” is there twice")
        found.by_key[*path, key] = line
        values[key] = _value(loader, value_node, (*path, key), found)
    return values


def _explained(error: yaml.YAMLError) -> NotReadable:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML"
    return NotReadable(1 if mark is None else mark.line + 1, str(reason))
