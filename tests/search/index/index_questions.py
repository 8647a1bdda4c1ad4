"""Random questions of the forms that the index can answer, some that it cannot; trees and JSON."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from index_samples import INSTRUMENTS, LARGEST, PANET, QUANTITIES, SIZES

from panosc.domain import query as tree
from panosc.search.loopback.filter import read_filter
from panosc.search.sql.clauses import demands

Filter = dict[str, Any]
TIMES = (
    *("2020-01-01T00:00:00Z", "2020-01-02T07:00:00Z", "2020-01-03T08:00:00+01:00"),
    *(
        "2019-12-29T07:00:00.0000036Z",
        "2021-02-04",
        "1910-06-27T07:00:00Z",
        "9999-12-31",
        "0001-01-01",
    ),
)
KINDS = ("raw", "reduced", "É", "none")
NAMED = ("small angle scattering", "SANS", "sas", "x-ray absorption", "mystery Imaging", "zzz")
TAGS = (
    *("t-sans", "t-local", "t-null", "PaNET01124", PANET + "PaNET01124", PANET + "PaNET01012"),
    *(PANET + "PaNET01313", "PaNET01188", "none"),
)
FAR = (LARGEST, -LARGEST, 1e308, -1e308, "1e999", "-1e999", -0.0, 0, 5e-324, -5e-324, "300")
UNITS = {
    "photon_energy": ("eV", "keV", "J", "K", "furlong_x"),
    "temperature": ("K", "degC", "celsius", "", "eV"),
    "wavelength": ("nm", "angstrom", "um", "K"),
    "odd.name: 50% [é]": ("K", "degC"),
    "nowhere": ("K",),
}
SORTS = {
    "Dataset": ("creationDate", "releaseDate", "size", "creationDate", "size", "title", "pid"),
    "Document": ("startDate", "releaseDate", "startDate", "title"),
}


@dataclass(kw_only=True)
class Tree:
    """A condition: `where` or `include` as JSON, or other trees joined; `kind` says which."""

    kind: str
    value: Filter = field(default_factory=dict)
    inner: list["Tree"] = field(default_factory=list)


@dataclass(kw_only=True)
class Question:
    """What is asked: conditions that all hold, and how the answer is cut and sorted."""

    model: str
    parts: list[Tree]
    is_json: bool
    page: Filter

    def query(self) -> tree.Query:
        """Return it as the one query tree."""
        pid = {"fields": ["pid"]}
        if self.is_json:
            where = [part.value for part in self.parts if part.kind == "where"]
            includes = [part.value for part in self.parts if part.kind == "include"]
            whole = {"where": {"and": where}} if where else {}
            found = {**self.page, **whole, "include": includes, **pid}
            return read_filter(found, self.model)
        clauses = [clause(part, self.model) for part in self.parts]
        asked = read_filter({**self.page, **pid}, self.model)
        return tree.Query(
            model=self.model,
            where=tree.all_of(clauses) if clauses else tree.And(()),
            order=asked.order,
            limit=asked.limit,
            skip=asked.skip,
            fields=asked.fields,
        )


def clause(part: Tree, model: str) -> tree.Clause:
    """Return a condition as a clause of the query tree."""
    match part.kind:
        case "where":
            return read_filter({"where": part.value}, model).where
        case "include":
            [found] = read_filter({"include": [part.value]}, model).includes
            return related(found)
        case "not":
            return tree.Not(clause(part.inner[0], model))
        case "and":
            return tree.And(tuple(clause(one, model) for one in part.inner))
        case _:
            return tree.Or(tuple(clause(one, model) for one in part.inner))


def related(include: tree.Include) -> tree.Related:
    """Return an include as a condition."""
    inner = [related(one) for one in include.scope.includes if demands(one.scope)]
    return tree.Related(include.relation, tree.all_of([include.scope.where, *inner]))


class Asking:
    """Makes questions up."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def question(self) -> Question:
        rng = self.rng
        model = rng.choice(["Dataset", "Dataset", "Dataset", "Document"])
        is_json = rng.random() < 0.5
        count = rng.choice([0, 1, 1, 1, 1, 2, 2])
        parts = [self.leaf(model) if is_json else self.tree(model, 2) for _ in range(count)]
        return Question(model=model, parts=parts, is_json=is_json, page=self.page(model))

    def page(self, model: str) -> Filter:
        rng, found = self.rng, {}
        if rng.random() < 0.6:
            names = rng.sample(SORTS[model], 1 if rng.random() < 0.85 else 2)
            found["order"] = [f"{name}{rng.choice([' ASC', ' DESC'])}" for name in names]
        if rng.random() < 0.8:
            found["limit"] = rng.choice([1, 2, 3, 5, 10, 25])
        if rng.random() < 0.6:
            found["skip"] = rng.choice([1, 2, 3, 10, 25, 40, 70, 10**6])
        return found

    def tree(self, model: str, depth: int) -> Tree:
        rng = self.rng
        kind = rng.choice(["leaf", "leaf", "not", "and", "or"]) if depth else "leaf"
        if kind == "leaf":
            return self.leaf(model)
        number = 1 if kind == "not" else rng.randint(0, 3)
        return Tree(kind=kind, inner=[self.tree(model, depth - 1) for _ in range(number)])

    def leaf(self, model: str) -> Tree:
        rng = self.rng
        if rng.random() < 0.45:
            return Tree(kind="where", value=self.where(model))
        return Tree(kind="include", value=self.include(model))

    def include(self, model: str) -> Filter:
        rng = self.rng
        if model == "Document" and rng.random() < 0.75:
            scope: Filter = {"where": self.where("Dataset")} if rng.random() < 0.4 else {}
            if not scope or rng.random() < 0.7:
                scope["include"] = [self.include("Dataset") for _ in range(rng.choice([1, 1, 2]))]
            return {"relation": "datasets", "scope": scope}
        relations = ["parameters"]
        if model == "Dataset":
            relations += ["instrument", "techniques", "techniques", "parameters"]
            # only SQL can say it
            relations += ["documents"] if rng.random() < 0.2 else []
        relation = rng.choice(relations)
        where = {
            "parameters": self.parameter,
            "instrument": self.instrument,
            "techniques": self.technique,
            "documents": lambda: self.where("Document"),
        }[relation]
        return {"relation": relation, "scope": {"where": where()}}

    # conditions

    def equal(self, name: str, values: tuple[Any, ...]) -> Filter:
        rng = self.rng
        one = rng.choice(values)
        some = rng.choices(values, k=rng.randint(0, 3))
        if rng.random() < 0.1:
            some.append(None)
        return rng.choice(
            [{name: one}, {name: {"neq": one}}, {name: {"inq": some}}, {name: {"nin": some}}]
        )

    def compared(self, name: str, values: tuple[Any, ...]) -> Filter:
        rng = self.rng
        operator = rng.choice(["gt", "gte", "lt", "lte", "gte", "lte", "between", "eq", "neq"])
        if operator == "between":
            return {name: {operator: [rng.choice(values), rng.choice(values)]}}
        found: Filter = {operator: rng.choice(values)}
        if operator in {"gt", "gte"} and rng.random() < 0.4:
            found[rng.choice(["lt", "lte"])] = rng.choice(values)
        return {name: found}

    def where(self, model: str, depth: int = 1) -> Filter:
        rng = self.rng
        kind = rng.choice(["or", "and", "atom", "atom", "atom", "atom"]) if depth else "atom"
        if kind == "atom":
            return rng.choice(self.atoms(model))()
        return {kind: [self.where(model, depth - 1) for _ in range(rng.randint(1, 3))]}

    def atoms(self, model: str) -> list[Callable[[], Filter]]:
        rng = self.rng
        is_dataset = model == "Dataset"
        stem, began = ("ds", "creationDate") if is_dataset else ("doc", "startDate")
        sizes = (*(size for size in SIZES if size is not None), 6.5, 10**30, 2**61)
        pids = tuple(f"{stem}/{rng.randint(0, 95)}" for _ in range(4))
        both: list[Callable[[], Filter]] = [
            lambda: self.equal("pid", pids),
            lambda: self.equal("access", ("open", "embargoed", "closed")),
            lambda: {"isPublic": rng.choice([True, False, {"neq": True}, {"inq": [True]}])},
            lambda: {began: rng.choice([None, {"neq": None}])},
            *[lambda: self.compared(began, TIMES)] * 2,
            *[lambda: self.compared("releaseDate", TIMES)] * 2,
        ]
        if is_dataset:
            both += [lambda: self.equal("kind", KINDS), lambda: self.compared("size", sizes)] * 2
        # only SQL can say it
        return [*both, *both, lambda: {"title": {"like": "e%"}}]

    def instrument(self, depth: int = 2) -> Filter:
        rng = self.rng
        match rng.choice(["pid", "name", "facility", *["and", "or"][: depth * 2]]):
            case "pid":
                return self.equal("pid", INSTRUMENTS)
            case "name":
                return self.equal("name", ("D11", "D22", "d22"))
            case "facility":
                return self.equal("facility", ("ESS", "ILL", "none"))
            case kind:
                return {kind: [self.instrument(depth - 1) for _ in range(rng.randint(1, 2))]}

    def technique(self, depth: int = 2) -> Filter:
        rng = self.rng
        match rng.choice(["pid", "panetId", "name", "name", *["and", "or"][: depth * 2]]):
            case "name":
                return self.equal("name", NAMED)
            case "and" | "or" as kind:
                return {kind: [self.technique(depth - 1) for _ in range(rng.randint(1, 3))]}
            case name:
                return self.equal(name, TAGS)

    def parameter(self) -> Filter:
        rng = self.rng
        name = rng.choice(list(UNITS))
        _, values = QUANTITIES.get(name, ((), (1,)))
        found: list[Filter] = [{"name": name}]
        wanted = (*values, *values, rng.choice(FAR))
        found.append(self.compared("value", wanted))
        if rng.random() < 0.15:
            found.append(self.compared("value", wanted))
        if rng.random() < 0.7:
            found.append({"unit": rng.choice(UNITS[name])})
        rng.shuffle(found)
        return {"and": found}
