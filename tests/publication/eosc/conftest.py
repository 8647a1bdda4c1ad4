"""The judges of `tests/publication/rdf` judge here, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "rdf"))
