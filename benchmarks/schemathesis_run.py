"""Ten minutes of requests made from the API description, by every role in turn.

    python benchmarks/schemathesis_run.py [--minutes 10] [--seed N]

It runs a node of its own with a throw-away database, prints every answer that is a failure of
the server or not as described, and ends with 1 if there is one.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from panosc.catalogue.database import open_database
from panosc.settings import Settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "security"))

import schema_attack
import security_node


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        with (
            open_database(settings) as engine,
            security_node.running(settings, engine) as node,
        ):
            security_node.catalogue(engine)
            attack = schema_attack.Attack(node, seed=given.seed)
            report = attack.run(given.minutes * 60, examples=10)
    print("\n".join(report.lines()))
    print(f"\n{len(report.findings)} findings")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
