"""Faults of DataCite and kills of the process lose no DOI and make none twice."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "minting.py"


def test_sixty_mints_through_faults_and_kills(database_url: str) -> None:
    """As `benchmarks/minting.py` does it with a thousand; it exits with 1 if one is wrong."""
    options = ["60", "--kills", "3", "--span", "0.6", "--limit", "90", "--database", database_url]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 wrong" in done.stdout
    assert "through 3 kills" in done.stdout
