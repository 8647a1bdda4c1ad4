"""Random selections, in the one spelling that reading gives them."""

from dataclasses import replace

from hypothesis import strategies as st

from panosc.search.language.names import Names
from panosc.search.language.selection import (
    FIELDS,
    LAST_PAGE,
    SIZES,
    SORTS,
    STATES,
    Between,
    Excluded,
    Matching,
    Selection,
)

WORDS = ["ice", "silver", "+must", "-tomography", '"small angle"', "LiFePO₄", "elements:Li,Fe"]
TEXTS = [
    "Cu",
    "solid",
    "é x",
    "pure % a_b",
    'say "ice"',
    "back\\slash",
    "a (b)",
    "or",
    "x: y",
    "שלום",
]
TECHNIQUES = ["PaNET01189", "PaNET01124", "PaNET01216", "site:method-7", "two words"]

words = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
value = st.sampled_from(TEXTS) | (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x2FFF), max_size=30)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
names = st.from_regex(r"[a-z]{3,9}_[a-z0-9]{1,9}", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False)
units = st.sampled_from([None, "nm", "K", "1/angstrom", "degC", "m/s**2", "%", "eV", "angstrom"])


@st.composite
def ranges(draw: st.DrawFn) -> Between:
    low, high = draw(st.none() | numbers), draw(st.none() | numbers)
    if low is None and high is None:
        low = draw(numbers)
    above, below = draw(st.booleans()), draw(st.booleans())
    return Between(
        name=draw(names),
        low=low,
        high=high,
        unit=draw(units),
        above=above and low is not None,
        below=below and high is not None,
    )


def together(items):
    """Those of one name beside each other, as they are read."""
    order = list(dict.fromkeys(item.name for item in items))
    return tuple(sorted(items, key=lambda item: order.index(item.name)))


def several(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=3, unique=True).map(tuple)


years = st.tuples(st.integers(1, 9999), st.integers(1, 9999)).flatmap(
    lambda pair: st.sampled_from(
        [str(pair[0]), f"{pair[0]}..{pair[1]}", f"{pair[0]}..", f"..{pair[1]}"]
    )
)
periods = st.dates().flatmap(
    lambda day: st.sampled_from([day.isoformat()[:length] for length in (4, 7, 10)])
)
days = st.tuples(periods, periods).flatmap(
    lambda pair: st.sampled_from([pair[0], f"{pair[0]}..{pair[1]}", f"{pair[0]}..", f"..{pair[1]}"])
)
sizes = st.sampled_from(
    ["0B", "1GB", "1500MB", "1GB..2TB", "7B..", "..2147483648B", ">1kB", "<3PB"]
)
banned = (
    st.tuples(st.sampled_from(["facility", "kind", "title", "sample"]), value)
    | st.tuples(st.just("technique"), st.sampled_from(TECHNIQUES))
    | st.tuples(st.just("created"), days)
    | ranges().map(lambda item: (item.name, item.text))
    | st.tuples(names, st.sampled_from(TEXTS))
)
selections = st.builds(
    Selection,
    words=words,
    facility=several(value),
    instrument=several(value),
    technique=several(st.sampled_from(TECHNIQUES)),
    kind=several(st.sampled_from(["raw", "reduced", "Other kind"])),
    access=several(st.sampled_from(STATES)),
    year=several(years),
    title=several(value),
    author=several(value),
    sample=several(value),
    document=several(st.sampled_from(["10.5072/a-1", "x y"])),
    pid=several(st.sampled_from(["10.5072/a-1", "hdl:1/2"])),
    created=several(days),
    released=several(days),
    bytes=several(sizes),
    ranges=st.lists(ranges(), max_size=3, unique=True).map(together),
    texts=st.dictionaries(
        names, st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2, unique=True), max_size=2
    ).map(
        lambda found: tuple(Matching(name=key, values=tuple(item)) for key, item in found.items())
    ),
    excluded=st.lists(
        banned.map(lambda pair: Excluded(name=pair[0], value=pair[1])), max_size=3, unique=True
    ).map(together),
    sort=st.sampled_from(["", *SORTS, *(f"-{name}" for name in SORTS)]),
    page=st.integers(1, LAST_PAGE),
    after=st.sampled_from(["", "10.5072/a-1", "hdl:1/2 3"]),
    size=st.sampled_from(SIZES),
).map(lambda found: replace(found, **({"after": ""} if found.is_ranked or found.page > 1 else {})))


def known_in(selection: Selection) -> Names:
    """A catalogue that has the parameters of a selection."""
    named = {item.name for item in (*selection.ranges, *selection.texts, *selection.excluded)}
    return Names(parameters=named - set(FIELDS))
