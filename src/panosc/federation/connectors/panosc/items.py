"""Answers of any PaNOSC search API become items of the standard's shape.

Missing relations come as ``{}``, null, ``[]`` or not at all, one as a list and many as an object,
``document`` for ``documents``; identifiers as numbers. What cannot be used is left out and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Model, Relation
from panosc.federation.connectors.panosc.values import Unreadable, read, shown
from panosc.federation.naming import Names, doi_of

Item = dict[str, Any]
MOST_RELATED = 2000
"""Related records of one kind in one record."""
DEEPEST = 3
MOST_WARNINGS = 20
_ALSO_CALLED = {
    "documents": ("document",),
    "datasets": ("dataset",),
    "techniques": ("technique",),
    "samples": ("sample",),
    "parameters": ("parameter",),
    "members": ("member",),
    "instrument": ("instruments",),
    "person": ("persons",),
    "affiliation": ("affiliations",),
}

_RELATED = {
    model.name: [
        (one, frozenset((one.name, *_ALSO_CALLED.get(one.name, ())))) for one in model.relations
    ]
    for model in MODEL_BY_NAME.values()
}
"""The relations of a class, and what each may be called."""


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads records of one source and collects what could not be used."""

    names: Names
    warnings: list[str] = field(default_factory=list)
    _techniques: dict[tuple[Any, ...], Item | None] = field(default_factory=dict)
    """Those that were read already: records of one answer have the same ones."""

    def item(self, model: Model, given: Any, *, deep: int = DEEPEST) -> Item | None:
        """Return a record with its relations; None for what is no record of this class."""
        if not isinstance(given, dict):
            self._warn(f"There is {shown(given)!r} for a {model.name}.")
            return None
        item = self._properties(model, given)
        if model.key == "pid":
            pid = self._pid(model, given)
            if pid is None:
                self._warn(f"A {model.name} has no identifier.")
                return None
            item["pid"] = pid
        if deep:
            for relation, names in _RELATED[model.name]:
                # of most relations a record says nothing
                if not names.isdisjoint(given):
                    self._relate(item, relation, given, deep)
        return item

    def _pid(self, model: Model, given: Item) -> str | None:
        for name in ("pid", "id", *(("name",) if model.name in {"Instrument", "Sample"} else ())):
            pid = self.names.pid(given.get(name))
            if pid is not None:
                return pid
        return None

    def _properties(self, model: Model, given: Item) -> Item:
        item: Item = {}
        known = model.property_by_name
        for name, value in given.items():
            # relations, and what the data model does not have, are no properties
            prop = known.get(name)
            if prop is None or value is None or name == "pid":
                continue
            try:
                found = read(prop.kind, value)
            except Unreadable:
                self._warn(f"{model.name}.{prop.name} cannot be {shown(value)!r}.")
                continue
            if found is not None:
                item[prop.name] = found
        if "doi" in item:
            # a blank or a sentence where the DOI belongs is none
            item["doi"] = doi_of(item["doi"])
            if item["doi"] is None:
                del item["doi"]
        return item

    def _relate(self, item: Item, relation: Relation, given: Item, deep: int) -> None:
        target = MODEL_BY_NAME[relation.target]
        found = []
        for one in self._given(relation, given):
            made = self._related(target, one, deep - 1)
            if made:
                found.append(made)
        if not found:
            return
        item[relation.name] = found[0] if relation.kind == "one" else found

    def _related(self, target: Model, given: Any, deep: int) -> Item | None:
        if target.name == "Technique":
            return self._technique(given)
        made = self.item(target, given, deep=deep)
        if made is not None and target.name in {"Parameter", "File"} and not made.get("name"):
            self._warn(f"A {target.name} has no name.")
            return None
        return made

    def _technique(self, given: Any) -> Item | None:
        if not isinstance(given, dict):
            self._warn(f"There is {shown(given)!r} for a Technique.")
            return None
        said = {
            name: value
            for name in ("panetId", "pid", "name")
            if isinstance(value := given.get(name), str)
        }
        key = tuple(said.items())
        if key not in self._techniques:
            self._techniques[key] = self._named(said)
        known = self._techniques[key]
        return None if known is None else dict(known)

    def _named(self, said: Mapping[str, str]) -> Item | None:
        texts = {name: value.strip() for name, value in said.items() if value.strip().isprintable()}
        texts = {name: value[:1000] for name, value in texts.items() if value}
        known = self.names.technique(texts.get("panetId"), None) if "panetId" in texts else None
        if known is None or "panetId" not in known:
            known = self.names.technique(texts.get("pid"), texts.get("name"))
        return known

    def _given(self, relation: Relation, given: Item) -> Sequence[Any]:
        for name in (relation.name, *_ALSO_CALLED.get(relation.name, ())):
            value = given.get(name)
            if value is None or value in ("", {}):
                continue
            if isinstance(value, dict):
                value = [value]
            if not isinstance(value, list):
                self._warn(f"{relation.name} cannot be {shown(value)!r}.")
                continue
            if len(value) > MOST_RELATED:
                self._warn(f"Of {len(value)} {relation.name}, {MOST_RELATED} were taken.")
            return [one for one in value[:MOST_RELATED] if one not in ({}, None)]
        return ()

    def _warn(self, text: str) -> None:
        if len(self.warnings) < MOST_WARNINGS and text not in self.warnings:
            self.warnings.append(text)
