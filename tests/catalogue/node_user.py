"""A program that uses the embedded server of a home, for tests that kill it.

``python node_user.py HOME [SQL]`` runs the SQL, prints ``ready`` and waits for its input to end.
"""

import sys
from pathlib import Path

from panosc.catalogue.embedded.server import running
from panosc.domain.errors import PanoscError


def main() -> None:
    try:
        with running(Path(sys.argv[1])) as server:
            for statement in sys.argv[2:]:
                with server.connect() as connection:
                    connection.execute(statement.encode())
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.read()
    except PanoscError as error:
        sys.exit(f"{error.detail} ({error.hint})")


if __name__ == "__main__":
    main()
