"""The part of JPQL that ICAT's clients speak, over entities in memory.

Written from ICAT's tokenizer and parser (icat.server 6.2): a time is ``{ts 2026-11-22 06:00:00}``
and nothing else, a quote in a text is doubled, aliases stand for entities, ``INCLUDE`` and
``LIMIT offset,count`` are ICAT's own. Its authorisation rules are such queries as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
ONE: dict[str, dict[str, str]] = {
    "Investigation": {"facility": "Facility", "type": "InvestigationType"},
    "Instrument": {"facility": "Facility"},
    "InvestigationUser": {"investigation": "Investigation", "user": "User"},
    "InvestigationInstrument": {"investigation": "Investigation", "instrument": "Instrument"},
    "InvestigationParameter": {"investigation": "Investigation", "type": "ParameterType"},
    "InvestigationGroup": {"investigation": "Investigation", "grouping": "Grouping"},
    "Keyword": {"investigation": "Investigation"},
    "InstrumentScientist": {"instrument": "Instrument", "user": "User"},
    "UserGroup": {"grouping": "Grouping", "user": "User"},
    "Sample": {"investigation": "Investigation", "type": "SampleType"},
    "Dataset": {"investigation": "Investigation", "sample": "Sample", "type": "DatasetType"},
    "DatasetParameter": {"dataset": "Dataset", "type": "ParameterType"},
    "DatasetTechnique": {"dataset": "Dataset", "technique": "Technique"},
    "DatasetInstrument": {"dataset": "Dataset", "instrument": "Instrument"},
    "Datafile": {"dataset": "Dataset"},
    "DataCollectionDataset": {"dataCollection": "DataCollection", "dataset": "Dataset"},
    "DataCollectionDatafile": {"dataCollection": "DataCollection", "datafile": "Datafile"},
    "DataCollectionInvestigation": {
        "dataCollection": "DataCollection",
        "investigation": "Investigation",
    },
    "DataPublication": {"content": "DataCollection"},
}
MANY: dict[str, dict[str, tuple[str, str]]] = {
    "Investigation": {
        "investigationUsers": ("InvestigationUser", "investigation"),
        "investigationInstruments": ("InvestigationInstrument", "investigation"),
        "investigationGroups": ("InvestigationGroup", "investigation"),
        "parameters": ("InvestigationParameter", "investigation"),
        "keywords": ("Keyword", "investigation"),
        "datasets": ("Dataset", "investigation"),
        "dataCollectionInvestigations": ("DataCollectionInvestigation", "investigation"),
    },
    "Instrument": {"instrumentScientists": ("InstrumentScientist", "instrument")},
    "Grouping": {"userGroups": ("UserGroup", "grouping")},
    "Dataset": {
        "parameters": ("DatasetParameter", "dataset"),
        "datasetTechniques": ("DatasetTechnique", "dataset"),
        "datasetInstruments": ("DatasetInstrument", "dataset"),
        "datafiles": ("Datafile", "dataset"),
        "dataCollectionDatasets": ("DataCollectionDataset", "dataset"),
    },
    "Datafile": {"dataCollectionDatafiles": ("DataCollectionDatafile", "datafile")},
    "DataCollection": {
        "dataCollectionDatasets": ("DataCollectionDataset", "dataCollection"),
        "dataCollectionDatafiles": ("DataCollectionDatafile", "dataCollection"),
        "dataCollectionInvestigations": ("DataCollectionInvestigation", "dataCollection"),
        "dataPublications": ("DataPublication", "content"),
    },
}
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
    | (?P<time>\{\s*ts\s+(?P<at>\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d)\s*\})
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)
    | (?P<name>:?[A-Za-z_][\w.]*)
    | (?P<sign><=|>=|<>|!=|[=<>(),])
    )""",
    re.VERBOSE,
)
_WORDS = frozenset(
    {"SELECT", "DISTINCT", "FROM", "JOIN", "AS", "WHERE", "ORDER", "BY", "ASC", "DESC"}
)
_WORDS |= {"INCLUDE", "LIMIT", "AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "BETWEEN"}
_WORDS |= {"COUNT", "MAX", "MIN", "UPPER", "LOWER", "CURRENT_TIMESTAMP"}


class BadQuery(Exception):
    """The query is none; ``BAD_PARAMETER`` there."""


@dataclass
class Store:
    """Entities by class and id. What refers to another entity holds its id."""

    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    version: int = 0
    """Moves with every change."""
    _below: dict[tuple[str, str], dict[int, list[Row]]] = field(default_factory=dict)

    def put(self, entity: str, row: Row) -> Row:
        """Add or change an entity."""
        self.rows.setdefault(entity, {})[row["id"]] = row
        self._change()
        return row

    def delete(self, entity: str, number: int) -> None:
        """Delete an entity."""
        del self.rows[entity][number]
        self._change()

    def _change(self) -> None:
        self.version += 1
        self._below.clear()

    def many(self, entity: str, owner: str, number: int) -> list[Row]:
        """Return the entities whose `owner` is the one of that number."""
        found = self._below.get((entity, owner))
        if found is None:
            found = self._below[entity, owner] = {}
            for row in self.rows.get(entity, {}).values():
                if row.get(owner) is not None:
                    found.setdefault(row[owner], []).append(row)
        return found.get(number, [])

    def follow(self, entity: str, row: Row, name: str) -> tuple[str, list[Row]]:
        """Return the class and the entities at the end of a relation."""
        if name in ONE.get(entity, {}):
            target = ONE[entity][name]
            other = self.rows.get(target, {}).get(row.get(name, -1))
            return target, [] if other is None else [other]
        if name in MANY.get(entity, {}):
            target, owner = MANY[entity][name]
            return target, self.many(target, owner, row["id"])
        raise BadQuery(f"{entity} has no {name}")


def tokens(text: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token; a text without its quotes.

    Raises
    ------
    BadQuery
        For anything that is no token, such as a ``T`` in a time.
    """
    found: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadQuery(f"Unexpected character near position {place}")
        place = match.end()
        kind = str(match.lastgroup) if match.lastgroup != "at" else "time"
        value = match[kind]
        if kind == "text":
            value = value[1:-1].replace("''", "'")
        elif kind == "time":
            value = match["at"]
        elif kind == "name" and value.upper() in _WORDS:
            kind, value = "word", value.upper()
        found.append((kind, value))
    return found


Env = Mapping[str, tuple[str, Row]]
Value = Callable[[Env], Any]
Test = Callable[[Env], bool | None]


@dataclass
class Parsed:
    """A query: what is selected of which joins, under which condition."""

    what: list[Value] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    fold: str = ""
    is_distinct: bool = False
    entity: str = ""
    alias: str = ""
    joins: list[tuple[str, str, str]] = field(default_factory=list)
    where: Test | None = None
    order: list[tuple[Value, bool]] = field(default_factory=list)
    includes: list[list[str]] = field(default_factory=list)
    limit: tuple[int, int] | None = None


class Parser:
    """Reads one query."""

    def __init__(self, text: str, store: Store, *, now: datetime, user: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._store = store
        self._now = now
        self._user = user

    def parse(self) -> Parsed:
        """Return what the query says."""
        found = Parsed()
        self._select(found)
        self._expect("FROM")
        found.entity, found.alias = self._name(), ""
        self._take("AS")
        found.alias = self._name()
        while self._take("JOIN"):
            alias, _, relation = self._name().partition(".")
            self._take("AS")
            found.joins.append((alias, relation, self._name()))
        if self._take("WHERE"):
            found.where = self._either()
        if self._take("ORDER"):
            self._expect("BY")
            found.order.append(self._ordered())
            while self._sign(","):
                found.order.append(self._ordered())
        self._end(found)
        if self._at < len(self._tokens):
            raise BadQuery(f"Trailing token {self._tokens[self._at]}")
        return found

    def _end(self, found: Parsed) -> None:
        if self._take("INCLUDE"):
            found.includes.append(self._name().split(".")[1:])
            while self._sign(","):
                found.includes.append(self._name().split(".")[1:])
        if self._take("LIMIT"):
            first = int(self._literal("number"))
            if not self._sign(","):
                raise BadQuery("LIMIT wants two numbers")
            found.limit = first, int(self._literal("number"))

    def _select(self, found: Parsed) -> None:
        self._expect("SELECT")
        found.is_distinct = self._take("DISTINCT")
        for fold in ("COUNT", "MAX", "MIN"):
            if self._take(fold):
                found.fold = fold
                self._sign("(", is_needed=True)
                found.is_distinct |= self._take("DISTINCT")
                found.names.append(self._peek_name())
                found.what.append(self._operand())
                self._sign(")", is_needed=True)
                return
        found.names.append(self._peek_name())
        found.what.append(self._operand())
        while self._sign(","):
            found.names.append(self._peek_name())
            found.what.append(self._operand())

    def _ordered(self) -> tuple[Value, bool]:
        value = self._operand()
        is_down = self._take("DESC")
        self._take("ASC")
        return value, is_down

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return lambda env: any(test(env) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return lambda env: all(test(env) for test in tests)

    def _one(self) -> Test:
        if self._take("NOT"):
            inner = self._one()
            return lambda env: not inner(env)
        if self._sign("("):
            inner = self._either()
            self._sign(")", is_needed=True)
            return inner
        return self._comparison(self._operand())

    def _comparison(self, left: Value) -> Test:
        if self._take("IS"):
            is_not = self._take("NOT")
            self._expect("NULL")
            return lambda env: (left(env) is None) is not is_not
        if self._take("IN"):
            self._sign("(", is_needed=True)
            values = {self._constant(*self._next())}
            while self._sign(","):
                values.add(self._constant(*self._next()))
            self._sign(")", is_needed=True)
            return lambda env: left(env) in values
        if self._take("LIKE"):
            right = self._operand()
            return lambda env: _like(left(env), right(env))
        if self._take("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            return lambda env: (
                _compares(">=", left(env), low(env)) and _compares("<=", left(env), high(env))
            )
        kind, sign = self._next()
        if kind != "sign" or sign in "(),":
            raise BadQuery(f"{sign} is no comparison")
        right = self._operand()
        return lambda env: _compares(sign, left(env), right(env))

    def _operand(self) -> Value:
        kind, value = self._next()
        if kind == "word" and value in {"UPPER", "LOWER"}:
            self._sign("(", is_needed=True)
            inner = self._operand()
            self._sign(")", is_needed=True)
            change = str.upper if value == "UPPER" else str.lower
            return lambda env: None if inner(env) is None else change(str(inner(env)))
        if kind == "name" and value != ":user":
            return self._path(value)
        constant = self._constant(kind, value)
        return lambda _: constant

    def _constant(self, kind: str, value: str) -> Any:
        if kind == "time":
            return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        if kind == "number":
            return float(value) if set(".eE") & set(value) else int(value)
        if kind == "text":
            return value
        known = {"CURRENT_TIMESTAMP": self._now, ":user": self._user}
        if value not in known:
            raise BadQuery(f"{value} where a value should be")
        return known[value]

    def _path(self, text: str) -> Value:
        alias, *steps = text.split(".")

        def value(env: Env) -> Any:
            if alias not in env:
                raise BadQuery(f"{alias} stands for nothing")
            entity, row = env[alias]
            for step in steps[:-1]:
                entity, found = self._store.follow(entity, row, step)
                if not found:
                    return None
                row = found[0]
            return row.get(steps[-1]) if steps else row["id"]

        return value

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise BadQuery("The query ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek_name(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _name(self) -> str:
        return self._literal("name")

    def _literal(self, wanted: str) -> str:
        kind, value = self._next()
        if kind != wanted:
            raise BadQuery(f"{value} where a {wanted} should be")
        return value

    def _take(self, word: str) -> bool:
        is_it = self._at < len(self._tokens) and self._tokens[self._at] == ("word", word)
        self._at += is_it
        return is_it

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise BadQuery(f"{word} is missing")

    def _sign(self, sign: str, *, is_needed: bool = False) -> bool:
        is_it = self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign)
        self._at += is_it
        if is_needed and not is_it:
            raise BadQuery(f"{sign} is missing")
        return is_it


def environments(parsed: Parsed, store: Store, seen: Callable[[str], Any]) -> Iterator[Env]:
    """Yield what the aliases stand for, wherever the condition holds; `seen` filters the roots."""
    visible = seen(parsed.entity)
    for number, row in list(store.rows.get(parsed.entity, {}).items()):
        if visible is not None and number not in visible:
            continue
        envs: list[dict[str, tuple[str, Row]]] = [{parsed.alias: (parsed.entity, row)}]
        for alias, relation, name in parsed.joins:
            envs = [
                {**env, name: (target, other)}
                for env in envs
                for target, others in (store.follow(*env[alias], relation),)
                for other in others
            ]
        for env in envs:
            if parsed.where is None or parsed.where(env):
                yield env


def _compares(sign: str, left: Any, right: Any) -> bool:
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return False
    return {
        "=": left == right,
        "<>": left != right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[sign]


def _like(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    pattern = "".join({"%": ".*", "_": "."}.get(item, re.escape(item)) for item in str(right))
    return re.fullmatch(pattern, str(left), re.DOTALL) is not None
