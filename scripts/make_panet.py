"""Make src/panosc/search/panet.json from the table that the PaNET project publishes.

Run ``python scripts/make_panet.py PaNET.csv``. What leads from a class to a broader one:

- a parent (``SC``), or a named member of its definition (``EC``: the columns of one row
  together are one intersection); two classes that are each other's whole definition are
  broader than one another; a class declared disjoint is never broader;
- of two classes defined by the same property, the one with the broader specifier: a
  technique with *some soft x-ray* is one with *some x-ray*;
- what has nothing broader lies below the root.

The specifiers themselves (probe, process, purpose …) are no techniques and are left out.
"""

import csv
import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "http://purl.org/pan-science/PaNET/"
ROOT = "PaNET00001"
TARGET = Path(__file__).resolve().parent.parent / "src/panosc/search/panet.json"
HEADER_ROWS = 4
FIRST_SPECIFIER = 2_000_000
RESTRICTION = re.compile(r"\('(\w+)' some (.+)\)")


@dataclass
class Row:
    """One class as the table gives it."""

    id: str
    label: str
    alternatives: list[str]
    definition: str
    source: str
    superclasses: list[str]
    equivalents: list[str]
    disjoint: list[str]
    broader: set[str] = field(default_factory=set)
    some: tuple[str, str] | None = None

    @property
    def is_specifier(self) -> bool:
        """Whether it describes techniques without being one: told by its number."""
        return int(self.id.removeprefix("PaNET")) >= FIRST_SPECIFIER


def read(path: Path) -> dict[str, Row]:
    """Return the classes of the table by identifier."""
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    columns: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(table[0]):
        columns[name].append(index)

    def cells(line: list[str], name: str) -> list[str]:
        return [line[index].strip() for index in columns[name] if line[index].strip()]

    rows = {}
    for line in table[HEADER_ROWS:]:
        if cells(line, "RDF Type") != ["owl:Class"]:
            continue
        (iri,) = cells(line, "ID")
        (label,) = cells(line, "Label")
        row = Row(
            id=iri.removeprefix(PREFIX),
            label=label,
            alternatives=cells(line, "Alt Label 1") + cells(line, "Alt Label 2"),
            definition=" ".join(cells(line, "Definition")),
            source=" ".join(cells(line, "Definition Source")),
            superclasses=cells(line, "Parent IRI"),
            equivalents=cells(line, "Equivalent"),
            disjoint=cells(line, "Disjoint Classes"),
        )
        rows[row.id] = row
    return rows


class Names:
    """What the cells of the table call the classes."""

    def __init__(self, rows: dict[str, Row]) -> None:
        self.rows = rows
        self.by_label: dict[str, list[Row]] = defaultdict(list)
        for row in rows.values():
            self.by_label[row.label].append(row)

    def find(self, text: str, *, specifier: bool) -> str | None:
        """Return the identifier behind ``PaNET:PaNET01124`` or ``'scattering'``."""
        name = text.strip()
        if name.startswith("PaNET:"):
            return name.removeprefix("PaNET:")
        found = self.by_label.get(name.strip("'"), [])
        if len(found) > 1:
            found = [row for row in found if row.is_specifier == specifier]
        return found[0].id if len(found) == 1 else None


def define(rows: dict[str, Row]) -> None:
    """Fill in `broader` and `some` of every class from the cells."""
    names = Names(rows)
    for row in rows.values():
        parents = (names.find(cell, specifier=row.is_specifier) for cell in row.superclasses)
        row.broader.update(found for found in parents if found)
        named = members(row, names)
        row.broader.update(named)
        if len(row.equivalents) == 1 and len(named) == 1:
            rows[named[0]].broader.add(row.id)
    for row in rows.values():
        for cell in row.disjoint:
            other = names.find(cell, specifier=row.is_specifier)
            if other:
                row.broader.discard(other)
                rows[other].broader.discard(row.id)


def members(row: Row, names: Names) -> list[str]:
    """Return the named classes of the definition; note its restriction in `row.some`."""
    named: list[str] = []
    for cell in row.equivalents:
        restriction = RESTRICTION.fullmatch(cell)
        if restriction:
            filler = names.find(restriction[2], specifier=True)
            row.some = (restriction[1], filler) if filler else None
            continue
        whole = names.find(cell, specifier=False)
        for part in [cell] if whole else cell.strip("()").split(" and "):
            found = names.find(part, specifier=False)
            if found is None:
                sys.exit(f"{row.id}: what is {part!r}?")
            named.append(found)
    return named


def ancestors(rows: dict[str, Row], start: str) -> set[str]:
    """Return every class broader than `start`, itself included."""
    seen, todo = set(), [start]
    while todo:
        item = todo.pop()
        if item not in seen:
            seen.add(item)
            todo += rows[item].broader
    return seen


def infer(rows: dict[str, Row]) -> None:
    """Put classes below those that the same property defines by a broader specifier."""
    defined = {row.id: row.some for row in rows.values() if row.some}
    above = {
        item: {
            other
            for other, (name, filler) in defined.items()
            if other != item
            and len(rows[other].equivalents) == 1
            and name == some[0]
            and filler in ancestors(rows, some[1])
        }
        for item, some in defined.items()
    }
    for item, candidates in above.items():
        # the nearest only: the others follow from them
        rows[item].broader |= {
            one
            for one in candidates
            if not any(one in above[other] for other in candidates - above[one] - {one})
        }
    for row in rows.values():
        if not row.is_specifier and not row.broader and row.id != ROOT:
            row.broader.add(ROOT)


def main() -> None:
    """Write the file."""
    rows = read(Path(sys.argv[1]))
    define(rows)
    infer(rows)
    classes = [
        {
            "id": row.id,
            "label": row.label,
            "alternatives": row.alternatives,
            "definition": row.definition,
            "source": row.source,
            "broader": sorted(row.broader),
        }
        for row in sorted(rows.values(), key=lambda row: row.id)
        if not row.is_specifier
    ]
    content = {
        "title": "Photon and Neutron Experimental Techniques (PaNET)",
        "credit": "The PaNET developers (ExPaNDS and PaNOSC), "
        "https://github.com/pan-ontologies/PaNET; labels, definitions and relations, "
        "reduced to the techniques and their hierarchy by scripts/make_panet.py",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "prefix": PREFIX,
        "classes": classes,
    }
    lines = json.dumps(content, ensure_ascii=False, indent=0)
    TARGET.write_text(lines + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(classes)} techniques")


if __name__ == "__main__":
    main()
