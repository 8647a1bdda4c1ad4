"""The example facility of ``python-icat``: its data and rules, and what each account sees of it.

``icat_example.json`` is what python-icat 1.7.0 (Apache-2.0, Copyright 2013-2025 Helmholtz-Zentrum
Berlin für Materialien und Energie GmbH) ships as ``icatdump-6.2.yaml`` and
``summary-6.2*``, written as JSON, without the classes that are not used here. Who sees how many
entities was counted by a real ICAT, and so says whether the stand-in reads JPQL as ICAT does.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cloud.standins.icat import Icat
from cloud.standins.icat_jpql import MANY, ONE, Row

AT = datetime(2025, 12, 1, 16, tzinfo=UTC)
"""When the dump was made."""
_NUMBERS = ("numericValue", "error", "rangeBottom", "rangeTop")


@cache
def example() -> dict[str, Any]:
    """Return the file's content."""
    file = Path(__file__).with_name("icat_example.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def seen() -> dict[str, dict[str, int]]:
    """Return how many entities of each class an account sees."""
    found: dict[str, dict[str, int]] = example()["seen"]
    return found


class _Loading:
    def __init__(self) -> None:
        self.icat = Icat()
        self.ids: dict[str, int] = {}
        self.keys: list[tuple[Row, str, str]] = []

    def add(self, entity: str, said: dict[str, Any], **owner: int) -> int:
        """Add an entity with all that is within it."""
        rows = self.icat.store.rows.setdefault(entity, {})
        row: Row = {"id": len(rows) + 1, "createTime": AT, "modTime": AT, **owner}
        self.icat.store.put(entity, row)
        for name, value in said.items():
            if isinstance(value, list):
                target, back = MANY.get(entity, {}).get(name, ("", ""))
                for item in value if target else ():
                    self.add(target, item, **{back: row["id"]})
            elif name in ONE.get(entity, {}):
                self.keys.append((row, name, value))
            else:
                row[name] = float(value) if name in _NUMBERS else _read(value)
        return int(row["id"])

    def settle(self) -> None:
        """Turn the keys of the dump into ids."""
        for row, name, key in self.keys:
            row[name] = self.ids[key]


def _read(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value


def load() -> Icat:
    """Return an ICAT that holds the example, and has its rules."""
    loading = _Loading()
    for part in example()["dump"]:
        for name, objects in part.items():
            if name != "rule":
                for key, said in objects.items():
                    entity = f"{name[0].upper()}{name[1:]}"
                    loading.ids[key] = loading.add(entity, said)
    loading.settle()
    icat = loading.icat
    icat.rules = tuple(
        (_members(icat, loading.ids, rule.get("grouping")), rule["what"])
        for rule in example()["dump"][0]["rule"].values()
        if "R" in rule["crudFlags"]
    )
    icat.accounts = {"root": "x"} | {
        user["name"].removeprefix("db/"): "x" for user in icat.store.rows["User"].values()
    }
    return icat


def _members(icat: Icat, ids: dict[str, int], group: str | None) -> frozenset[str] | None:
    if group is None:
        return None
    users = icat.store.rows["User"]
    members = icat.store.many("UserGroup", "grouping", ids[group])
    return frozenset(users[item["user"]]["name"] for item in members)
