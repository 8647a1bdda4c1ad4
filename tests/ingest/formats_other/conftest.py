"""The folder's writer of files, for its test modules."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
