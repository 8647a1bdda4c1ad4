"""What one version of a document says otherwise than another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from panosc.policy.document import Document

_NAMES = frozenset({"version", "effective_from"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is said otherwise; None where nothing was said."""

    path: str
    before: str | None
    after: str | None


def differences(before: Document, after: Document) -> list[Difference]:
    """Return what `after` says otherwise than `before`, in the order of the document."""
    old, new = dict(_flat(before.as_json())), dict(_flat(after.as_json()))
    return [
        Difference(path=".".join(path), before=old.get(path), after=new.get(path))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path) and not (path[0] == "policy" and path[-1] in _NAMES)
    ]


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, (*path, key))
    else:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "nobody"
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ") if isinstance(value, str) else f"{value:,}"
