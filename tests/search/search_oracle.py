# ruff: noqa: PLR0911, TC003
"""The API once more, in memory and by brute force: what the compiled questions must agree with.

It reads the filter as JSON, knows nothing of the query tree or of SQL, and is slow.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isclose
from typing import Any

from panosc.domain.access import Who
from panosc.search.panet import ontology

Record = dict[str, Any]

ENERGY = 1.602176634e-19
UNITS = {
    "eV": ("energy", ENERGY, 0),
    "keV": ("energy", 1000 * ENERGY, 0),
    "J": ("energy", 1, 0),
    "K": ("temperature", 1, 0),
    "degC": ("temperature", 1, 273.15),
    "celsius": ("temperature", 1, 273.15),
    "nm": ("length", 1e-9, 0),
    "angstrom": ("length", 1e-10, 0),
    "um": ("length", 1e-6, 0),
}
ONE = {
    "Dataset": {"instrument": ("Instrument", "instrumentId")},
    "Member": {
        "person": ("Person", "personId"),
        "affiliation": ("Affiliation", "affiliationId"),
        "document": ("Document", "documentId"),
    },
}
MANY = {
    "Dataset": {
        "parameters": ("Parameter", "datasetId"),
        "files": ("File", "datasetId"),
        "members": ("Member", "datasetId"),
    },
    "Document": {"parameters": ("Parameter", "documentId"), "members": ("Member", "documentId")},
    "Instrument": {"datasets": ("Dataset", "instrumentId")},
    "Person": {"members": ("Member", "personId")},
}
LINK = {
    "Dataset": {
        "documents": ("Document", "DocumentDataset", "datasetId", "documentId"),
        "techniques": ("Technique", "DatasetTechnique", "datasetId", "techniqueId"),
        "samples": ("Sample", "DatasetSample", "datasetId", "sampleId"),
    },
    "Document": {"datasets": ("Dataset", "DocumentDataset", "documentId", "datasetId")},
    "Technique": {"datasets": ("Dataset", "DatasetTechnique", "techniqueId", "datasetId")},
    "Sample": {"datasets": ("Dataset", "DatasetSample", "sampleId", "datasetId")},
}
DETAIL = {"parameters", "files", "samples"}
SHOWN = {
    "Dataset": ["pid", "title", "isPublic", "creationDate", "size"],
    "Document": ["pid", "isPublic", "type", "title", "summary", "startDate", "keywords"],
    "Instrument": ["pid", "name", "facility"],
    "Technique": ["pid", "name", "panetId"],
    "Sample": ["pid", "name", "description"],
    "Parameter": ["id", "name", "value", "unit"],
    "File": ["id", "name", "size"],
    "Member": ["id", "role"],
    "Person": ["id", "fullName", "firstName"],
    "Affiliation": ["id", "name", "city", "country"],
}
TEXT = {
    "Dataset": ["title"],
    "Document": ["title", "summary", "keywords"],
    "Instrument": ["name", "facility"],
    "Technique": ["name"],
    "Sample": ["name", "description"],
    "Parameter": ["name"],
    "File": ["name"],
    "Person": ["fullName", "firstName"],
    "Affiliation": ["name", "city", "country"],
    "Member": [],
}
TIMES = {"creationDate", "startDate"}
PARTS = {"Parameter", "File", "Member"}
DENIALS = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike"}


def number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def pattern(text: str, *, case: bool) -> re.Pattern[str]:
    wild = "".join({"%": ".*", "_": "."}.get(x, re.escape(x)) for x in text)
    return re.compile(wild, re.DOTALL | (0 if case else re.IGNORECASE))


def atoms(where: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Flatten ``and`` to a list of (property, operator, operand); ``or`` stays one."""
    found: list[tuple[str, str, Any]] = []
    for key, value in where.items():
        if key == "and":
            found += [atom for item in value for atom in atoms(item)]
        elif key in {"or", "text"}:
            found.append((key, "", value))
        elif isinstance(value, dict):
            found += [(key, operator, operand) for operator, operand in value.items()]
        else:
            found.append((key, "eq", value))
    return found


class Oracle:
    """Answers questions over rows for one person at one moment."""

    def __init__(self, rows: list[tuple[str, Record]], who: Who, now: datetime) -> None:
        self.who, self.now = who, now
        self.rows: dict[str, list[Record]] = {}
        for model, row in rows:
            self.rows.setdefault(model, []).append(dict(row))
        for row in self.rows.get("Dataset", []) + self.rows.get("Document", []):
            row["open_"] = row["access"] == "open"
            row["isPublic"] = row["open_"]
        for name in TIMES:
            for row in self.rows.get("Dataset", []) + self.rows.get("Document", []):
                if row.get(name) is not None:
                    row[name] = datetime.fromisoformat(row[name])

    # who sees what

    def listed(self, model: str, row: Record) -> bool:
        if model == "Member":
            owners = [("Dataset", row.get("datasetId")), ("Document", row.get("documentId"))]
            return all(self.listed(m, self.by_key(m, k)) for m, k in owners if k is not None)
        if model not in {"Dataset", "Document"}:
            return True
        if row["access"] in {"withdrawn", "erased"}:
            return False
        return row["access"] != "closed" or self.insider(row)

    def detailed(self, row: Record) -> bool:
        if row["access"] in {"withdrawn", "erased"}:
            return False
        return row["open_"] or self.insider(row)

    def insider(self, row: Record) -> bool:
        return self.who.is_steward or row.get("ownerGroup") in self.who.groups

    def by_key(self, model: str, key: Any) -> Record:
        name = "pid" if "pid" in SHOWN[model] else "id"
        return next(row for row in self.rows[model] if str(row[name]) == str(key))

    def related(self, model: str, row: Record, name: str) -> tuple[str, list[Record]]:
        if name in DETAIL and model in {"Dataset", "Document"} and not self.detailed(row):
            return self.target(model, name), []
        if name in ONE.get(model, {}):
            target, column = ONE[model][name]
            found = [self.by_key(target, row[column])] if row.get(column) is not None else []
        elif name in MANY.get(model, {}):
            target, column = MANY[model][name]
            key = row.get("pid", row.get("id"))
            found = [one for one in self.rows.get(target, []) if one.get(column) == key]
        else:
            target, link, mine, theirs = LINK[model][name]
            keys = {one[theirs] for one in self.rows.get(link, []) if one[mine] == row["pid"]}
            found = [one for one in self.rows.get(target, []) if one["pid"] in keys]
        if model == "Sample":
            found = [one for one in found if self.detailed(one)]
        return target, [one for one in found if self.listed(target, one)]

    def target(self, model: str, name: str) -> str:
        for kind in (ONE, MANY, LINK):
            if name in kind.get(model, {}):
                return str(kind[model][name][0])
        raise KeyError(name)

    # conditions

    def fits(self, model: str, row: Record, where: dict[str, Any], unit: str | None = None) -> bool:
        parts = atoms(where)
        if model == "Parameter":
            return self.fits_parameter(row, parts, unit)
        return all(self.fits_atom(model, row, atom) for atom in parts)

    def fits_atom(self, model: str, row: Record, atom: tuple[str, str, Any]) -> bool:
        key, operator, operand = atom
        if key == "or":
            return any(self.fits(model, row, item) for item in operand)
        if key == "text":
            return self.has_text(model, row, operand)
        value = row.get(key)
        if key in TIMES:
            operand = self.times(operand)
        if key == "id" and isinstance(operand, int) and operator in {"gt", "gte", "lt", "lte"}:
            return str(value).isdigit() and self.compare(operator, int(value), operand)
        if key == "id":
            value, operand = (
                str(value),
                [str(x) for x in operand] if isinstance(operand, list) else str(operand),
            )
        if operator in DENIALS:
            return not self.compare_any(DENIALS[operator], value, operand)
        return self.compare_any(operator, value, operand)

    def times(self, operand: Any) -> Any:
        if isinstance(operand, list):
            return [self.times(item) for item in operand]
        if operand is None:
            return None
        found = datetime.fromisoformat(operand)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def has_text(self, model: str, row: Record, words: str) -> bool:
        for name in TEXT[model]:
            value = row.get(name)
            for item in value if isinstance(value, list) else [value]:
                if item is not None and words.lower() in item.lower():
                    return True
        return False

    def compare_any(self, operator: str, value: Any, operand: Any) -> bool:
        if isinstance(value, list):
            return any(self.compare(operator, item, operand) for item in value)
        return self.compare(operator, value, operand)

    def compare(self, operator: str, value: Any, operand: Any) -> bool:
        if operator == "inq":
            return any(self.compare("eq", value, item) for item in operand)
        if operator == "eq":
            return bool(value == operand)
        if value is None:
            return False
        tests: dict[str, Callable[[], bool]] = {
            "gt": lambda: value > operand,
            "gte": lambda: value >= operand,
            "lt": lambda: value < operand,
            "lte": lambda: value <= operand,
            "between": lambda: operand[0] <= value <= operand[1],
            "like": lambda: bool(pattern(operand, case=True).search(value)),
            "ilike": lambda: bool(pattern(operand, case=False).search(value)),
            "regexp": lambda: bool(re.search(operand, value)),
        }
        return bool(tests[operator]())

    # parameters

    def fits_parameter(
        self, row: Record, parts: list[tuple[str, str, Any]], unit: str | None
    ) -> bool:
        units = [a for a in parts if a[0] == "unit" and a[1] in {"eq", "inq"} and a[2] is not None]
        units = [a for a in units if not (isinstance(a[2], list) and (None in a[2] or not a[2]))]
        choices = [unit]
        rest = parts
        if units:
            first = units[0]
            rest = [a for a in parts if a is not first]
            choices = first[2] if isinstance(first[2], list) else [first[2]]
        return any(
            (not units or self.measured(row, one))
            and all(self.fits_part(row, atom, one) for atom in rest)
            for one in choices
        )

    def fits_part(self, row: Record, atom: tuple[str, str, Any], unit: str | None) -> bool:
        key, operator, operand = atom
        if key == "or":
            return any(self.fits("Parameter", row, item, unit) for item in operand)
        if key == "unit" and operator in {"eq", "inq"} and operand is not None:
            options = operand if isinstance(operand, list) else [operand]
            if None not in options:
                return any(self.measured(row, one) for one in options)
        if key != "value":
            return self.fits_atom("Parameter", row, atom)
        if operator in DENIALS:
            return not self.fits_value(row, DENIALS[operator], operand, unit)
        return self.fits_value(row, operator, operand, unit)

    def scale(self, row: Record) -> tuple[str, float, float] | None:
        unit = row.get("unit")
        if unit == "A" and row["name"] == "wavelength":
            unit = "angstrom"
        return UNITS.get(unit or "")

    def measured(self, row: Record, unit: str) -> bool:
        own = self.scale(row)
        if unit in UNITS:
            numeric = not isinstance(row["value"], str)
            return numeric and own is not None and own[0] == UNITS[unit][0]
        return row.get("unit") == unit or (unit == "" and row.get("unit") is None)

    def fits_value(self, row: Record, operator: str, operand: Any, unit: str | None) -> bool:
        value = row["value"]
        if operator in {"like", "ilike", "regexp"}:
            text = value if isinstance(value, str) else f"{value:.15g}"
            return self.compare(operator, text, operand)
        if operator in {"eq", "inq"}:
            options = operand if isinstance(operand, list) else [operand]
            return any(self.equal(row, value, one, unit) for one in options)
        ends = operand if isinstance(operand, list) else [operand]
        numbers = [number(one) for one in ends]
        if None in numbers:
            texts = [str(one) for one in ends]
            return isinstance(value, str) and self.compare(
                operator, value, texts if len(texts) > 1 else texts[0]
            )
        if isinstance(value, str):
            return False
        base, ends = self.converted(row, numbers, unit)
        if base is None:
            return False
        near = (
            [isclose(base, end, rel_tol=1e-9) for end in ends] if unit in UNITS else [False, False]
        )
        if operator in {"gt", "lt"} and near[0]:
            return False
        if operator in {"gte", "lte"} and near[0]:
            return True
        if operator == "between":
            return (near[0] or ends[0] <= base) and (near[1] or base <= ends[1])
        return self.compare(operator, base, ends[0])

    def converted(
        self, row: Record, numbers: list[Any], unit: str | None
    ) -> tuple[float | None, list[float]]:
        if unit not in UNITS:
            return row["value"], numbers
        own, (_, factor, offset) = self.scale(row), UNITS[unit]
        if own is None:
            return None, []
        return row["value"] * own[1] + own[2], [x * factor + offset for x in numbers]

    def equal(self, row: Record, value: Any, operand: Any, unit: str | None) -> bool:
        if operand is None:
            return value is None
        if isinstance(value, str):
            return isinstance(operand, str) and value == operand
        wanted = number(operand)
        if wanted is None:
            return False
        base, ends = self.converted(row, [wanted], unit)
        if base is None:
            return False
        return isclose(base, ends[0], rel_tol=1e-9) if unit in UNITS else base == ends[0]

    # techniques: conditions on the set of tags

    def tag(self, row: Record, atom: tuple[str, str, Any]) -> bool:
        key, operator, operand = atom
        if self.fits_atom("Technique", row, atom):
            return True
        if key not in {"pid", "panetId", "name"}:
            return False
        panet, found = ontology(), set()
        own = {str(row.get("panetId") or "").rpartition("/")[2], row["pid"].rpartition("/")[2]}
        if operator in {"eq", "inq"}:
            options = operand if isinstance(operand, list) else [operand]
            for one in options:
                found |= panet.resolve(str(one)) if one is not None else set()
                if (
                    key != "name"
                    and one is not None
                    and str(one) in {row["pid"], row.get("panetId")}
                ):
                    return True
        elif operator in {"like", "ilike", "regexp"}:
            for concept in panet:
                names = concept.names if key == "name" else (concept.iri,)
                if any(self.compare(operator, one, operand) for one in names):
                    found.add(concept.id)
        return bool(own & panet.descendants(found))

    def set_fits(self, tags: list[Record], parts: list[tuple[str, str, Any]]) -> bool:
        for atom in parts:
            key, operator, operand = atom
            if key == "or":
                holds = any(self.set_fits(tags, atoms(item)) for item in operand)
            elif key == "text":
                holds = any(self.fits_atom("Technique", tag, atom) for tag in tags)
            elif operator in DENIALS:
                holds = not any(self.tag(tag, (key, DENIALS[operator], operand)) for tag in tags)
            else:
                holds = any(self.tag(tag, atom) for tag in tags)
            if not holds:
                return False
        return True

    def tag_shown(self, tag: Record, parts: list[tuple[str, str, Any]]) -> bool | None:
        """Whether a positive part fits the tag; None when there is no positive part."""
        verdicts: list[bool] = []
        for atom in parts:
            key, operator, operand = atom
            if key == "or":
                inner = [self.tag_shown(tag, atoms(item)) for item in operand]
                if None not in inner:
                    verdicts.append(any(inner))
            elif key == "text":
                verdicts.append(self.fits_atom("Technique", tag, atom))
            elif operator not in DENIALS:
                verdicts.append(self.tag(tag, atom))
        return any(verdicts) if verdicts else None

    # answers

    def demands(self, scope: dict[str, Any]) -> bool:
        return bool(atoms(scope.get("where") or {})) or any(
            self.demands(one.get("scope") or {}) for one in scope.get("include") or []
        )

    def children(self, model: str, row: Record, include: Record) -> tuple[str, list[Record]]:
        """Return the related records that an include shows."""
        scope = include.get("scope") or {}
        target, found = self.related(model, row, include["relation"])
        parts = atoms(scope.get("where") or {})
        if target == "Technique":
            shown = [one for one in found if self.tag_shown(one, parts) in {True, None}]
        else:
            shown = [one for one in found if self.fits(target, one, scope.get("where") or {})]
        return target, [one for one in shown if self.includes_fit(target, one, scope)]

    def includes_fit(self, model: str, row: Record, scope: Record) -> bool:
        for include in scope.get("include") or []:
            inner = include.get("scope") or {}
            if not self.demands(inner):
                continue
            target, shown = self.children(model, row, include)
            if target == "Technique":
                tags = self.related(model, row, "techniques")[1]
                if not tags or not self.set_fits(tags, atoms(inner.get("where") or {})):
                    return False
                if (
                    any(self.demands(x.get("scope") or {}) for x in inner.get("include") or [])
                    and not shown
                ):
                    return False
            elif not shown:
                return False
        return True

    def matching(self, model: str, query: Record) -> list[Record]:
        found = [row for row in self.rows.get(model, []) if self.listed(model, row)]
        found = [row for row in found if self.fits(model, row, query.get("where") or {})]
        return [row for row in found if self.includes_fit(model, row, query)]

    def answer(self, model: str, query: Record) -> list[Record]:
        page = self.page(model, self.matching(model, query), query)
        return [{**self.shown(model, row, query), "score": 0} for row in page]

    def page(self, model: str, rows: list[Record], scope: Record) -> list[Record]:
        if model not in PARTS:
            rows = sorted(rows, key=lambda row: str(row.get("pid", row.get("id"))))
        orders = scope.get("order") or []
        for order in reversed([orders] if isinstance(orders, str) else orders):
            name, _, direction = order.partition(" ")
            known = [row for row in rows if row.get(name) is not None]
            known.sort(key=lambda row, name=name: row[name], reverse=direction == "DESC")
            rows = known + [row for row in rows if row.get(name) is None]
        skip, limit = scope.get("skip") or 0, scope.get("limit") or len(rows)
        return rows[skip : skip + limit]

    def shown(
        self, model: str, row: Record, scope: Record, units: list[str] | None = None
    ) -> Record:
        names = [
            name for name in SHOWN[model] if not scope.get("fields") or name in scope["fields"]
        ]
        item = {name: row[name] for name in names if row.get(name) is not None}
        for name in TIMES & item.keys():
            item[name] = item[name].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if units and model == "Parameter":
            self.convert(row, item, units)
        by_relation: dict[str, dict[int, Record]] = {}
        for include in scope.get("include") or []:
            target, found = self.children(model, row, include)
            inner = include.get("scope") or {}
            asked = self.asked(inner.get("where") or {}) if target == "Parameter" else None
            kept = by_relation.setdefault(include["relation"], {})
            for one in self.page(target, found, inner):
                new = self.shown(target, one, inner, asked)
                kept[id(one)] = {**new, **kept.get(id(one), {})}
        for name, items in by_relation.items():
            if name in ONE.get(model, {}):
                item.update({name: one for one in items.values()})  # noqa: B035 - at most one
            else:
                item[name] = list(items.values())
        return item

    def asked(self, where: Record) -> list[str]:
        found: list[str] = []
        for key, operator, operand in atoms(where):
            if key == "or":
                found += [unit for item in operand for unit in self.asked(item)]
            elif key == "unit" and operator in {"eq", "inq"} and operand is not None:
                options = operand if isinstance(operand, list) else [operand]
                found += options if None not in options else []
        return [unit for unit in found if unit in UNITS]

    def convert(self, row: Record, item: Record, units: list[str]) -> None:
        own = self.scale(row)
        if own is None or isinstance(row["value"], str):
            return
        for unit in units:
            kind, factor, offset = UNITS[unit]
            if kind == own[0]:
                if unit != row["unit"]:
                    item["value"] = (row["value"] * own[1] + own[2] - offset) / factor
                    item["unit"] = unit
                return
