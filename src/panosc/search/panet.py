"""PaNET, the ontology of photon and neutron techniques: names, definitions, what is broader.

The data lie beside this module in ``panet.json``, made from the published table of PaNET
(CC BY 4.0, see its ``credit``) by ``scripts/make_panet.py``. Nothing is fetched at run time,
and nothing here knows of a catalogue.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

PREFIX = "http://purl.org/pan-science/PaNET/"
ROOT = "PaNET00001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One technique. `id` is the short form of its IRI, such as ``PaNET01189``."""

    id: str
    label: str
    alternatives: tuple[str, ...]
    definition: str
    source: str
    broader: tuple[str, ...]
    """Identifiers of the next broader techniques."""

    @property
    def iri(self) -> str:
        """The full identifier."""
        return PREFIX + self.id

    @property
    def names(self) -> tuple[str, ...]:
        """Label and alternative labels."""
        return (self.label, *self.alternatives)


class Ontology:
    """All techniques; identifiers are taken and given in their short form."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._by_id = {concept.id: concept for concept in concepts}
        self._lines: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, text: str) -> Concept | None:
        """Return the technique with this identifier, short or full."""
        return self._by_id.get(short(text))

    def resolve(self, text: str) -> frozenset[str]:
        """Return the techniques that `text` names: identifier, label or alternative label.

        Names are compared whatever their case. Several techniques may bear one name.
        """
        found = self.find(text)
        if found is not None:
            return frozenset({found.id})
        return self._by_name.get(text.strip().casefold(), frozenset())

    def matching(self, fits: Callable[[str], bool]) -> frozenset[str]:
        """Return the techniques of which a label or an alternative label fits."""
        return frozenset(concept.id for concept in self if any(map(fits, concept.names)))

    def matching_iri(self, fits: Callable[[str], bool]) -> frozenset[str]:
        """Return the techniques whose full identifier fits."""
        return frozenset(concept.id for concept in self if fits(concept.iri))

    def descendants(self, ids: Iterable[str]) -> frozenset[str]:
        """Return all techniques narrower than one of these, and themselves."""
        return self._reach(ids, lambda item: self._narrower.get(item, ()))

    def ancestors(self, ids: Iterable[str]) -> frozenset[str]:
        """Return all techniques broader than one of these, and themselves."""
        return frozenset().union(*(self._above(item) for item in ids if item in self._by_id))

    def children(self, text: str) -> tuple[Concept, ...]:
        """Return the next narrower techniques, by label."""
        items = (self._by_id[item] for item in self._narrower.get(short(text), ()))
        return tuple(sorted(items, key=lambda concept: concept.label.casefold()))

    def parents(self, text: str) -> tuple[Concept, ...]:
        """Return the next broader techniques, by label."""
        found = self.find(text)
        items = (self._by_id[item] for item in (found.broader if found else ()))
        return tuple(sorted(items, key=lambda concept: concept.label.casefold()))

    def label(self, text: str) -> str | None:
        """Return the label behind an identifier, short or full."""
        found = self.find(text)
        return None if found is None else found.label

    def definition(self, text: str) -> str | None:
        """Return the definition behind an identifier, if it has one."""
        found = self.find(text)
        return (found.definition or None) if found else None

    def _above(self, item: str) -> frozenset[str]:
        # asked for each technique of each record, of which there are some hundreds
        known = self._lines.get(item)
        if known is None:
            known = self._lines[item] = self._reach([item], lambda one: self._by_id[one].broader)
        return known

    def _reach(self, ids: Iterable[str], step: Callable[[str], Iterable[str]]) -> frozenset[str]:
        # equivalent techniques are broader than one another: the hierarchy has loops
        seen: set[str] = set()
        todo = [item for item in ids if item in self._by_id]
        while todo:
            item = todo.pop()
            if item not in seen:
                seen.add(item)
                todo += step(item)
        return frozenset(seen)

    @cached_property
    def _narrower(self) -> dict[str, tuple[str, ...]]:
        below: dict[str, list[str]] = {}
        for concept in self:
            for item in concept.broader:
                below.setdefault(item, []).append(concept.id)
        return {item: tuple(ids) for item, ids in below.items()}

    @cached_property
    def _by_name(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for concept in self:
            for name in concept.names:
                found.setdefault(name.casefold(), set()).add(concept.id)
        return {name: frozenset(ids) for name, ids in found.items()}


def short(text: str) -> str:
    """Return ``PaNET01189`` for its full IRI too.

    Examples
    --------
    >>> short("http://purl.org/pan-science/PaNET/PaNET01189")
    'PaNET01189'
    """
    return text.strip().removeprefix(PREFIX)


def lineage(pid: str, panet_id: str | None) -> tuple[tuple[str, str], ...]:
    """Return id and label of a technique and of all broader ones; () for one that PaNET lacks.

    The root, which every technique is, is left out.

    Examples
    --------
    >>> ("PaNET01188", "small angle scattering") in lineage("PaNET01189", None)
    True
    """
    found = ontology().find(panet_id or "") or ontology().find(pid)
    ids = ontology().ancestors([] if found is None else [found.id]) - {ROOT}
    return tuple((item, ontology().label(item) or item) for item in sorted(ids))


@cache
def ontology() -> Ontology:
    """Return the ontology that this version of the software carries."""
    text = resources.files("panosc.search").joinpath("panet.json").read_text("utf-8")
    return Ontology(
        Concept(
            id=item["id"],
            label=item["label"],
            alternatives=tuple(item["alternatives"]),
            definition=item["definition"],
            source=item["source"],
            broader=tuple(item["broader"]),
        )
        for item in json.loads(text)["classes"]
    )
