"""The portal's URL as a question: ``facility=ESS&-technique=SANS&wavelength=0.4..0.8 nm``.

Repeated keys mean any of them, different keys all of them, a ``-`` before a key what must not be.
The text in ``q`` may hold fields as the search box does. Reading never fails: what cannot be used
is left out and explained in `Selection.problems`. `Selection.params` is the one canonical spelling.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from panosc.search.language.box import LONGEST as LONGEST_BOX
from panosc.search.language.box import split_box
from panosc.search.language.names import ALIASES, Names, field_of
from panosc.search.language.ranges import Between, looks_like_range, read_range
from panosc.search.language.selection import (
    FIELDS,
    LAST_PAGE,
    SIZES,
    SORTS,
    Excluded,
    Matching,
    Selection,
)
from panosc.search.language.values import Unusable, settle, short

_Named = TypeVar("_Named", Between, Excluded)

_MOST_VALUES = 50
_MOST_PAIRS = 500
_LONGEST = 300
_MOST_DIGITS = 9
_ONCE = frozenset({"q", "sort", "page", "after", "size"})
_MOST_NEAREST = 5
_IN_BOX = {"size": "bytes"}
_NEVER = frozenset({"q", "page", "after", "view"})


def parse(
    pairs: Iterable[tuple[str, str]],
    *,
    parameters: Collection[str] | None = None,
    names: Names | None = None,
) -> Selection:
    """Return the selection that the query part of a URL spells.

    Parameters
    ----------
    pairs : iterable of (key, value)
        As the URL gives them, decoded.
    parameters : collection of str, optional
        Names of the parameters that the catalogue knows. Without it any name will do for
        a range, and no name for a text.
    names : Names, optional
        All that is known of the catalogue, instead of `parameters`.
    """
    reader = _Reader(names or Names(parameters=parameters))
    for number, (key, value) in enumerate(pairs):
        if number >= _MOST_PAIRS:
            reader.problem(f"Only the first {_MOST_PAIRS} parts of the question were read.")
            break
        reader.read(key, value.strip())
    return reader.selection()


def settled(pairs: Iterable[tuple[str, str]], names: Names) -> Selection:
    """Return the selection of URL pairs whose ``q`` may hold fields, as typed into the box.

    A page that gets such pairs leads (303) to ``selection.params()``: there the fields are
    filters, names are values (``technique=SANS`` is ``technique=PaNET01189``) and ``q`` holds only
    words. Where ``params()`` equals the pairs, the address is the canonical one already.
    """
    return parse(pairs, names=names)


def read_box(text: str, names: Names | None = None) -> Selection:
    """Return the selection that a text of the search box spells.

    Examples
    --------
    >>> read_box("lysozyme technique:SANS -facility:ESS").params()
    [('q', 'lysozyme'), ('technique', 'PaNET01189'), ('-facility', 'ESS')]
    """
    return parse([("q", text)], names=names)


class _Reader:
    """Takes pairs one by one; `selection` is what came together."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._values: dict[str, list[str]] = {name: [] for name in FIELDS}
        self._ranges: list[Between] = []
        self._texts: dict[str, list[str]] = {}
        self._excluded: list[Excluded] = []
        self._single: dict[str, str] = {}
        self._problems: list[str] = []
        self._looked_up = 0

    def read(self, key: str, value: str) -> None:
        if not value or key == "view":
            return
        longest = LONGEST_BOX if key == "q" else _LONGEST
        if "\0" in value or not _encodable(value) or len(value) > longest:
            self.problem(f"A value of {short(key)} is too long or not text; it was left out.")
        elif key in _ONCE:
            self._once(key, value)
        else:
            name = key.removeprefix("-")
            self._filter(name, value, is_banned=name != key)

    def selection(self) -> Selection:
        found = self._found()
        if found.after and found.is_ranked:
            self.problem(
                "The best matches have numbered pages only; sort the results to go on after one."
            )
            return replace(found, after="", problems=tuple(self._problems))
        return found

    def _found(self) -> Selection:
        return replace(
            Selection(**{name: tuple(values) for name, values in self._values.items()}),  # type: ignore[arg-type]
            words=self._single.get("q", ""),
            ranges=_grouped(self._ranges),
            texts=tuple(
                Matching(name=name, values=tuple(values)) for name, values in self._texts.items()
            ),
            excluded=_grouped(self._excluded),
            sort=self._single.get("sort", ""),
            page=1 if "after" in self._single else int(self._single.get("page", "1")),
            after=self._single.get("after", ""),
            size=int(self._single.get("size", str(SIZES[0]))),
            problems=tuple(self._problems),
        )

    def problem(self, sentence: str) -> None:
        if sentence not in self._problems and len(self._problems) < _MOST_VALUES:
            self._problems.append(sentence)

    def _once(self, key: str, value: str) -> None:
        if key in self._single:
            self.problem(f"{key} was given twice; the first one counts.")
        elif key == "q":
            self._box(value)
        elif key == "sort" and value.removeprefix("-") not in SORTS:
            names = ", ".join(SORTS)
            self.problem(
                f"Results cannot be sorted by “{short(value)}”; use {names}, or - before one."
            )
        elif key == "page" and not (_natural(value) and 1 <= int(value) <= LAST_PAGE):
            self.problem(
                f"Pages go from 1 to {LAST_PAGE}; choose more filters to narrow down, "
                "or go on from the last one."
            )
        elif key == "size" and not (_natural(value) and int(value) in SIZES):
            sizes = ", ".join(map(str, SIZES))
            self.problem(f"A page shows {sizes} results, not “{short(value)}”.")
        else:
            self._single[key] = str(int(value)) if key in {"page", "size"} else value

    def _box(self, text: str) -> None:
        split = split_box(text, self._takes)
        self._single["q"] = split.words
        for name in split.strange:
            near = "" if name in _NEVER else self._near(name)
            if near:
                self.problem(
                    f"There is no field “{short(name)}”; it was looked for as words.{near}"
                )
        for key, value in split.pairs:
            name = key.removeprefix("-")
            sign = key.removesuffix(name)
            self.read(sign + _IN_BOX.get(name.casefold(), name), value.strip())

    def _takes(self, name: str, value: str) -> bool:
        """Whether a name in the box is a field."""
        if self._field_for(name) or name in {*_IN_BOX, "sort"}:
            return True
        if name in _NEVER:
            return False
        if self._names.parameters is None:
            return looks_like_range(value)
        return self._names.parameter(name) is not None

    def _field_for(self, name: str) -> str | None:
        """Return the field that a name means; one of a parameter goes before other words."""
        found = field_of(name)
        is_parameter = self._names.parameters is not None and self._names.parameter(name)
        return found if found or is_parameter else ALIASES.get(name.casefold())

    def _near(self, name: str) -> str:
        # looking for the nearest name takes its time: it is done for the first few
        self._looked_up += 1
        return self._names.nearest(name) if self._looked_up <= _MOST_NEAREST else ""

    def _filter(self, name: str, value: str, *, is_banned: bool) -> None:
        known = self._field_for(name)
        if known is not None:
            self._field(known, value, is_banned=is_banned)
        else:
            self._parameter(name, value, is_banned=is_banned)

    def _field(self, name: str, value: str, *, is_banned: bool) -> None:
        found = settle(name, value, self._names)
        if isinstance(found, Unusable):
            self.problem(found.sentence)
            return
        for item in found:
            if is_banned:
                self._ban(name, item)
            elif len(self._values[name]) >= _MOST_VALUES:
                self.problem(f"At most {_MOST_VALUES} values of {name} can be chosen at once.")
            elif item not in self._values[name]:
                self._values[name].append(item)

    def _ban(self, name: str, value: str) -> None:
        item = Excluded(name=name, value=value)
        if len(self._excluded) >= _MOST_VALUES:
            self.problem(f"At most {_MOST_VALUES} values can be left out at once.")
        elif item not in self._excluded:
            self._excluded.append(item)

    def _parameter(self, key: str, value: str, *, is_banned: bool) -> None:
        name = self._names.parameter(key)
        if name is None:
            self.problem(f"There is no filter “{short(key)}”.{self._near(key)}")
            return
        found = read_range(name, value, self._names.units(name))
        if isinstance(found, str):
            self.problem(f"{short(key)} was left out. {found}")
        elif found is None and self._names.parameters is None:
            self.problem(
                f"There is no filter “{short(key)}” with such a value; a parameter takes a range: "
                f"0.4..0.8 nm, 300.. K or ..80 K.{self._near(key)}"
            )
        elif is_banned:
            self._ban(name, value if found is None else found.text)
        elif found is not None:
            if len(self._ranges) >= _MOST_VALUES:
                self.problem(f"At most {_MOST_VALUES} ranges can be chosen at once.")
            elif found not in self._ranges:
                self._ranges.append(found)
        elif sum(map(len, self._texts.values())) >= _MOST_VALUES:
            self.problem(f"At most {_MOST_VALUES} values of parameters can be chosen at once.")
        elif value not in self._texts.setdefault(name, []):
            self._texts[name].append(value)


def _grouped(items: list[_Named]) -> tuple[_Named, ...]:
    """Return the same with those of one name together: repeated keys mean any of them."""
    order = {item.name: None for item in items}
    return tuple(item for name in order for item in items if item.name == name)


def _natural(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
