"""What a person may know of the catalogue, to read questions with and to suggest from.

Everything is counted and listed for that one person, so that nothing here tells of what the
person may not see.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from typing_extensions import override

from panosc.domain.access import Who
from panosc.domain.query import Query
from panosc.domain.units import display
from panosc.search.language.completing import Counted
from panosc.search.language.names import Names
from panosc.search.language.selection import Selection
from panosc.search.service import SearchService

MOST_NAMES = 2000
"""Instruments and techniques up to which a name that is not among them is a mistake."""
_MODELS = {"facility": "Instrument", "instrument": "Instrument", "technique": "Technique"}


class KnownTo:
    """What one person may know; each thing is asked for when it is needed, and once."""

    def __init__(self, search: SearchService, who: Who) -> None:
        self._search = search
        self._who = who
        self._units: dict[str, tuple[str, ...] | None] = {}
        self._listed: dict[str, list[dict[str, str]]] = {}

    def parameter_names(self) -> Collection[str]:
        """Return the names of all parameters."""
        found = self._search.parameters(self._who, Selection(), limit=MOST_NAMES)
        return [item.name for item in found] or self._search.parameter_names(self._who)

    @property
    def names(self) -> Names:
        """The names to read a question with."""
        return Names(
            parameters=_Parameters(self),
            units=self.units,
            spellings=self.spellings,
        )

    def values(self, field: str, prefix: str, limit: int) -> list[Counted]:
        """Return values of a facet that begin so, or whose label does, the most frequent first."""
        lower = prefix.casefold()
        facets = self._search.facets(self._who, Selection(), [field])[field]
        own = self.spellings(field) if field == "instrument" else None
        found: list[Counted] = []
        for facet in facets:
            if any(text.casefold().startswith(lower) for text in (facet.label, facet.value)):
                # an instrument is written by its name where only one bears it
                is_plain = (own or {}).get(facet.label.casefold()) == facet.value
                found.append((facet.label if is_plain else facet.value, facet.label, facet.count))
        return found[:limit]

    def parameters(self, prefix: str, limit: int) -> Sequence[Counted]:
        """Return names of parameters that begin so, or have a part that does."""
        lower = prefix.casefold()
        found = [
            item
            for item in self._search.parameters(self._who, Selection(), limit=MOST_NAMES)
            if f"_{item.name}".casefold().find(f"_{lower}") >= 0
        ]
        if not found and not self._search.has_index():
            names = self._search.parameter_names(self._who)
            return [(name, "parameter", None) for name in names if name.startswith(prefix)][:limit]
        found.sort(key=lambda item: not item.name.casefold().startswith(lower))
        return [(item.name, _measured(item.units), item.count) for item in found[:limit]]

    def units(self, parameter: str) -> Collection[str]:
        """Return the units of a parameter, the most frequent first; none without an index."""
        return self._units_of(parameter) or ()

    def has_parameter(self, name: str) -> bool:
        """Whether there is a parameter of this name."""
        return self._units_of(name) is not None

    def _units_of(self, parameter: str) -> tuple[str, ...] | None:
        if parameter not in self._units:
            self._units[parameter] = self._search.units(self._who, parameter)
        return self._units[parameter]

    def words(self, prefix: str, limit: int) -> list[Counted]:
        """Return words of the texts that begin so; none without an index."""
        found = self._search.words_beginning(self._who, prefix, limit=limit)
        return [(word, word, number) for word, number in found]

    def spellings(self, field: str) -> Mapping[str, str] | None:
        """Return name in lower case → value of a field; None where there are too many."""
        model = _MODELS.get(field)
        if model is None:
            return None
        if model not in self._listed:
            asked = Query(model=model, limit=MOST_NAMES + 1)
            self._listed[model] = list(self._search.find(self._who, asked))
        rows = self._listed[model]
        if len(rows) > MOST_NAMES:
            return None
        if field == "facility":
            known = {row["facility"] for row in rows if row.get("facility")}
            return {name.casefold(): name for name in sorted(known)}
        found: dict[str, str] = {}
        shared: set[str] = set()
        for row in rows:
            name = (row.get("name") or "").casefold()
            shared |= {name} & found.keys()
            found[name] = row["pid"]
        own = {name: pid for name, pid in found.items() if name and name not in shared}
        return own | {row["pid"].casefold(): row["pid"] for row in rows}


class _Parameters(Collection[str]):
    """The names of the parameters: whether there is one is asked alone, as that is quick."""

    def __init__(self, known: KnownTo) -> None:
        self._known = known

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._known.has_parameter(name)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._known.parameter_names())

    @override
    def __len__(self) -> int:
        return len(self._known.parameter_names())


def _measured(units: tuple[str, ...]) -> str:
    shown = ", ".join(display(unit) for unit in units[:3])
    return f"parameter in {shown}" if shown else "parameter"
