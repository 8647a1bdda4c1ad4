"""Names in a question to all catalogues: those that this node does not have are no mistakes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from panosc.search.language.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNames(Names):
    """The names of this catalogue, and any other as it stands."""

    @override
    def parameter(self, name: str) -> str | None:
        """Return the parameter that a name means here, else the name itself."""
        # zero-argument super does not work in a class with slots
        return Names.parameter(self, name) or Names().parameter(name)


def opened(names: Names) -> OpenNames:
    """Return names that take what they do not know as it stands.

    Examples
    --------
    >>> found = opened(Names(parameters={"temperature"}, spellings=lambda _: {"ill": "ILL"}))
    >>> found.parameter("temp"), found.parameter("humidity"), found.parameter("no name")
    ('temperature', 'humidity', None)
    """

    def spellings(field: str) -> Mapping[str, str] | None:
        known = names.spellings(field)
        return None if known is None else _Open(known)

    return OpenNames(parameters=names.parameters, units=names.units, spellings=spellings)


class _Open(dict[str, str]):
    """Spellings of values; a value that nobody here spells is one of them."""

    @override
    def values(self) -> Any:
        return _Values(self)


class _Values:
    def __init__(self, known: dict[str, str]) -> None:
        self._known = known
        self._values = set(dict.values(known))

    def __contains__(self, value: object) -> bool:
        is_new = isinstance(value, str) and value.casefold() not in self._known
        return is_new or value in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)
