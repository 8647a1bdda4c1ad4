"""Random filters as a client would send them: JSON, every operator, relation and nesting."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from search_oracle import LINK, MANY, ONE, SHOWN
from search_samples import PANET

Filter = dict[str, Any]

PIECES = [
    "Copper",
    "copper",
    "gel",
    "50%",
    "a_b",
    "É",
    "é",
    "o'neil",
    "(x)",
    "",
    "%e%",
    "c_p",
    "zzz",
]
PATTERNS = ["^C", "gel$", "[0-9]+", "o.n", "^$", "a|b", r"\w\w\w\w", r"50%"]
TIMES = [
    "2020-01-03",
    "2020-01-02T07:00:00Z",
    "2020-01-03T08:00:00+01:00",
    "2020-01-05T00:00:00.000Z",
]
NUMBERS = [
    930,
    0.93,
    12.4,
    12400,
    8000,
    20,
    293.15,
    68,
    4.2,
    0,
    1.064,
    1064,
    10.64,
    5,
    1.5e-16,
    -10,
]
NAMED = ["small angle scattering", "SANS", "sas", "x-ray absorption", "mystery Imaging", "zzz"]
PIDS = [
    "t-sans",
    "t-local",
    "PaNET01124",
    PANET + "PaNET01124",
    PANET + "PaNET01012",
    PANET + "PaNET01313",
]

TEXTS = {
    "Dataset": {"pid": [f"ds/{n}" for n in range(14)], "title": PIECES, "kind": ["raw", "reduced"]},
    "Document": {
        "pid": ["doc/1", "doc/5"],
        "title": PIECES,
        "summary": PIECES,
        "type": ["proposal"],
    },
    "Instrument": {"pid": ["i0", "i1"], "name": PIECES, "facility": ["ESS", "ILL", "SS"]},
    "Technique": {"pid": PIDS, "panetId": PIDS, "name": NAMED},
    "Sample": {"pid": ["s0", "s2"], "name": PIECES, "description": PIECES},
    "Parameter": {"name": ["photon_energy", "temperature", "wavelength", "formula", "state", "p"]},
    "File": {"name": ["gel", ".nxs", "-0", "Copper-0.nxs"]},
    "Member": {"role": ["owner", "principal investigator", "own%"]},
    "Person": {"fullName": PIECES, "id": ["p0", "p1", "q"]},
    "Affiliation": {
        "name": ["ESS", "île", "Île"],
        "city": ["Lund"],
        "country": ["France", "Sweden"],
    },
}
MEASURED = {
    "photon_energy": [930, 0.93, 12.4, 12400, 1.5e-16],
    "temperature": [20, 293.15, 68, 4.2, 300],
    "wavelength": [1.064, 1064, 10.64, 0.5, 5],
}
MEASURED_IN = {
    "photon_energy": ["eV", "keV", "J", "K", "furlong_x"],
    "temperature": ["K", "degC", "celsius", "", "eV"],
    "wavelength": ["nm", "angstrom", "um", "K"],
}
UNITS = ["eV", "keV", "J", "K", "degC", "celsius", "nm", "angstrom", "um", "furlong_x", ""]


def condition(
    values: st.SearchStrategy[Any], *, patterns: bool = False, null: bool = True
) -> st.SearchStrategy[Any]:
    """A value, or one or two operators."""
    known = values
    maybe = st.one_of(values, st.none()) if null else values
    operators: dict[str, st.SearchStrategy[Any]] = {
        "eq": maybe,
        "neq": maybe,
        "gt": known,
        "gte": known,
        "lt": known,
        "lte": known,
        "between": st.lists(known, min_size=2, max_size=2),
        "inq": st.lists(maybe, max_size=3),
        "nin": st.lists(maybe, max_size=3),
    }
    if patterns:
        text = st.sampled_from(PIECES)
        operators |= dict.fromkeys(("like", "nlike", "ilike", "nilike"), text)
        operators["regexp"] = st.sampled_from(PATTERNS)
    one = st.sampled_from(list(operators)).flatmap(
        lambda name: operators[name].map(lambda value: {name: value})
    )
    two = st.tuples(one, one).map(lambda pair: pair[0] | pair[1])
    return st.one_of(maybe, one, one, two)


def atom(model: str) -> st.SearchStrategy[Filter]:
    """One property, or text."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        name: condition(
            st.sampled_from(values), patterns=True, null=model != "Technique" or name != "pid"
        )
        for name, values in TEXTS[model].items()
    }
    states = st.sampled_from(["open", "embargoed", "closed"])
    truth = st.booleans().flatmap(lambda x: st.sampled_from([x, {"neq": x}, {"inq": [x]}]))
    match model:
        case "Dataset":
            choices["creationDate"] = condition(st.sampled_from(TIMES))
            choices["size"] = condition(st.sampled_from([0, 7, 6.5, 10**6, 10**15, 10**30, -1]))
            choices["isPublic"], choices["access"] = truth, condition(states)
        case "Document":
            choices["startDate"] = condition(st.sampled_from(TIMES))
            choices["isPublic"] = truth
            words = st.sampled_from(["gel", "Copper", "ice"])
            operators = ["eq", "neq", "like", "nlike", "ilike", "nilike"]
            choices["keywords"] = st.one_of(
                words,
                st.none(),
                st.lists(words, max_size=2).map(lambda x: {"inq": x}),
                st.lists(words, max_size=2).map(lambda x: {"nin": x}),
                st.sampled_from(operators).flatmap(lambda op: words.map(lambda x: {op: x})),
            )
        case "Parameter":
            value = st.one_of(
                st.sampled_from(NUMBERS), st.sampled_from(["930", "Cu", "solid", "20"])
            )
            choices["value"] = condition(value, patterns=True)
            unit = st.sampled_from(UNITS)
            choices["unit"] = st.one_of(
                unit,
                unit,
                unit,
                st.lists(unit, min_size=1, max_size=3).map(lambda x: {"inq": x}),
                unit.map(lambda x: {"neq": x}),
                st.none(),
                st.just({"like": "e"}),
            )
        case "File" | "Member":
            number = st.integers(1, 12)
            choices["id"] = st.one_of(
                number, number.map(lambda x: {"gt": x}), number.map(lambda x: {"inq": [x]})
            )
    single = st.sampled_from(list(choices)).flatmap(
        lambda name: choices[name].map(lambda value: {name: value})
    )
    text = st.sampled_from([*PIECES, "ess", "SCATTER"]).map(lambda words: {"text": words})
    return st.one_of(single, single, single, text)


def where(model: str) -> st.SearchStrategy[Filter]:
    """A whole where: mostly one or two conditions, at times a tree."""
    one = atom(model)
    tree = st.recursive(
        one,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2).map(lambda items: {"and": items}),
            st.lists(inner, min_size=2, max_size=3).map(lambda items: {"or": items}),
        ),
        max_leaves=4,
    )
    edge = st.sampled_from([{}, {"and": []}, {"or": []}, {"and": [{}]}])
    two = st.tuples(one, one).map(lambda pair: pair[0] | pair[1])
    return st.sampled_from([one] * 5 + [two] * 2 + [tree] * 4 + [edge]).flatmap(lambda x: x)


def measured() -> st.SearchStrategy[Filter]:
    """What portals send for a parameter: name, value and unit."""
    value = condition(st.sampled_from(NUMBERS), null=False)
    return st.tuples(
        st.sampled_from(["photon_energy", "temperature", "wavelength"]),
        value,
        st.sampled_from(UNITS),
    ).map(lambda x: {"and": [{"name": x[0]}, {"value": x[1]}, {"unit": x[2]}]})


def every(model: str) -> Iterator[Filter]:
    """Each property of a class with each operator, over what its values may be."""
    for name, values in TEXTS[model].items():
        yield from _operators(name, values, patterns=True)
    match model:
        case "Dataset":
            yield from _operators("creationDate", TIMES)
            yield from _operators("size", [0, 7, 6.5, 10**15, 10**30])
            yield from _operators("access", ["open", "embargoed", "closed"])
        case "Document":
            yield from _operators("startDate", TIMES)
            for words in ("gel", "Copper", "GEL", "nothing"):
                yield {"keywords": words}
                for operator in ("neq", "like", "nlike", "ilike", "nilike", "regexp"):
                    yield {"keywords": {operator: words}}
            yield from ({"keywords": {op: x}} for op in ("inq", "nin") for x in ([], ["gel", None]))
            yield from ({"keywords": None}, {"keywords": {"neq": None}})
        case "Parameter":
            yield from _operators("value", [930, 20, "930", "Cu"], patterns=True)
            yield from (
                {"name": name} | condition | {"unit": unit}
                for name, values in MEASURED.items()
                for condition in _operators("value", values)
                for unit in MEASURED_IN[name]
            )
    for words in PIECES:
        yield {"text": words}
    for truth in (True, False) if model in {"Dataset", "Document"} else ():
        yield from ({"isPublic": truth}, {"isPublic": {"neq": truth}})


def _operators(name: str, values: list[Any], *, patterns: bool = False) -> Iterator[Filter]:
    for value in values:
        for operator in ("eq", "neq", "gt", "gte", "lt", "lte"):
            yield {name: {operator: value}}
        yield {name: {"inq": [value, values[0]]}}
        yield {name: {"nin": [value]}}
        yield {name: {"between": [values[0], value]}}
    yield from ({name: None}, {name: {"neq": None}}, {name: {"inq": [None]}})
    yield from ({name: {"nin": [values[0], None]}}, {name: {"nin": []}}, {name: {"inq": []}})
    if patterns:
        for operator in ("like", "nlike", "ilike", "nilike"):
            for piece in [*PIECES, *(str(value)[-3:] for value in values[:2])]:
                yield {name: {operator: piece}}
        yield from ({name: {"regexp": pattern}} for pattern in PATTERNS)


@st.composite
def scope(draw: st.DrawFn, model: str, depth: int) -> Filter:
    """What stands inside a filter or the scope of an include."""
    found: Filter = {}
    if draw(st.integers(0, 4)) > (2 if depth else 0):
        found["where"] = draw(
            st.one_of(where(model), measured()) if model == "Parameter" else where(model)
        )
    relations = [name for kind in (ONE, MANY, LINK) for name in kind.get(model, {})]
    if depth and relations:
        count = draw(st.sampled_from([0, 1, 1, 2]))
        names = [draw(st.sampled_from(relations)) for _ in range(count)]
        found["include"] = [draw(include(model, name, depth - 1)) for name in names]
    if draw(st.integers(0, 3)) == 0:
        found["limit"] = draw(st.integers(0, 4))
        found["skip"] = draw(st.integers(0, 3))
    names = {"Dataset": ["title", "size", "creationDate"], "Document": ["title", "summary"]}
    if model in names and draw(st.integers(0, 3)) == 0:
        chosen = draw(st.lists(st.sampled_from(names[model]), max_size=2, unique=True))
        found["order"] = [
            f"{name}{draw(st.sampled_from(['', ' ASC', ' DESC']))}" for name in chosen
        ]
    if draw(st.integers(0, 7)) == 0:
        found["fields"] = draw(st.lists(st.sampled_from(SHOWN[model]), min_size=1, unique=True))
    return found


@st.composite
def include(draw: st.DrawFn, model: str, relation: str, depth: int) -> Filter:
    """One include."""
    target = next(
        kind[model][relation][0] for kind in (ONE, MANY, LINK) if relation in kind.get(model, {})
    )
    found: Filter = {"relation": relation}
    inner = draw(scope(target, depth))
    if inner:
        found["scope"] = inner
    return found
