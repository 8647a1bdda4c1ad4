"""Write the SQL that makes tables and indexes which the last migration does not know yet.

Run as ``python scripts/write_migration.py NAME …`` with the names of the new tables and print
the statements, to be put beside the migration by hand. A step that is part of a release is frozen.
"""

import sys

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from panosc.catalogue.schema import metadata


def statements(names: set[str]) -> list[str]:
    dialect = postgresql.dialect()
    lines: list[str] = []
    for table in metadata.sorted_tables:
        if table.name in names:
            lines.append(str(CreateTable(table).compile(dialect=dialect)))
            lines += [
                str(CreateIndex(index).compile(dialect=dialect))
                for index in sorted(table.indexes, key=lambda i: str(i.name))
            ]
    return ["\n".join(s.rstrip() for s in line.strip().splitlines()) for line in lines]


if __name__ == "__main__":
    print(";\n\n".join(statements(set(sys.argv[1:]))) + ";")
