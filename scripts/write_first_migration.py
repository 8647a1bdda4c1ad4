"""Write the SQL of the first migration from `catalogue.tables`: only before the first release.

Run as ``python scripts/write_first_migration.py``. Once a node has been installed anywhere, 0001
is frozen and every change of the tables is a step of its own.
"""

from pathlib import Path

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

from panosc.catalogue import migrations
from panosc.catalogue.tables import metadata

TARGET = Path(migrations.__file__).parent / "versions" / "0001_catalogue.sql"


def statements() -> list[str]:
    dialect = postgresql.dialect()
    lines = ["CREATE EXTENSION IF NOT EXISTS pg_trgm"]
    lines += [
        str(CreateSequence(sequence).compile(dialect=dialect))
        for sequence in sorted(metadata._sequences.values(), key=lambda s: s.name)  # noqa: SLF001
    ]
    for table in metadata.sorted_tables:
        lines.append(str(CreateTable(table).compile(dialect=dialect)))
        lines += [
            str(CreateIndex(index).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        ]
    return ["\n".join(s.rstrip() for s in line.strip().splitlines()) for line in lines]


if __name__ == "__main__":
    TARGET.write_text(";\n\n".join(statements()) + ";\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(statements())} statements")
