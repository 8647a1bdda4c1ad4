"""Helpers of these tests lie beside them, those for hostile files in tests/files."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
