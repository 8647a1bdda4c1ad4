"""Hold modules and folders to the sizes that a reader can take in at once."""

import sys
from pathlib import Path

MOST_LINES, MOST_MODULES = 400, 12
VAGUE = {"utils", "helpers", "manager", "base", "common", "misc"}


def main() -> int:
    """Print what is too large or vaguely named; return the exit status."""
    faults: list[str] = []
    for folder in (Path("src/panosc"), *Path("src/panosc").rglob("*/")):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        if len(modules) > MOST_MODULES:
            faults.append(f"{folder}: {len(modules)} modules, at most {MOST_MODULES}")
        for path in folder.glob("*.py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MOST_LINES:
                faults.append(f"{path}: {lines} lines, at most {MOST_LINES}")
            if path.stem in VAGUE:
                faults.append(f"{path}: a name that says nothing")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
