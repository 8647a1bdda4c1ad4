"""Look the pinned dependencies up in a list of known vulnerabilities; fail on what is found.

    python scripts/audit_dependencies.py [--fresh]

It asks the service that pip-audit asks (PyPI). Where that is out of reach, or knows none of our
packages, it says that nothing was looked up, and does not fail. A day's good answer is kept.
Findings that do not concern us stand in scripts/audit-ignored.txt, each with its reason.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONSTRAINTS = Path("constraints.txt")
IGNORED = Path("scripts/audit-ignored.txt")
KEPT = Path(sys.prefix) / ".audited"
DAY_S = 24 * 3600
LONGEST_S = 120


def ignored() -> list[str]:
    """Return the ids that do not concern us; each line is ``ID: reason``."""
    lines = IGNORED.read_text(encoding="utf-8").splitlines()
    found = [line.partition(":") for line in lines if line.strip() and not line.startswith("#")]
    without = [name for name, _, reason in found if not reason.strip()]
    if without:
        sys.exit(f"{IGNORED}: no reason is given for {', '.join(without)}")
    return [name.strip() for name, _, _ in found]


def ask(requirements: Path, ids: list[str]) -> list[dict] | None:
    """Return what pip-audit says of each package; None when it cannot say anything."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(requirements), "--no-deps"]
    command += ["--disable-pip", "-f", "json", "--progress-spinner", "off", "--timeout", "5"]
    command += [part for name in ids for part in ("--ignore-vuln", name)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        return json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


def nothing(why: str) -> int:
    print(f"WARNING: dependencies were NOT looked up for known vulnerabilities: {why}.")
    return 0


def is_kept(state: str) -> bool:
    """Whether the same pins were found good within the last day."""
    if not KEPT.exists() or KEPT.read_text() != state:
        return False
    return time.time() - KEPT.stat().st_mtime < DAY_S


def why_not(pinned: list[str]) -> str | None:
    """Ask for one package first: a service that does not know us is not asked a hundred times."""
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.txt"
        one.write_text(next(line for line in pinned if line.startswith("jinja2==")) + "\n")
        first = ask(one, [])
    if first is None:
        return "the service cannot be reached"
    if any("skip_reason" in item for item in first):
        return "the service does not know our packages"
    return None


def main() -> int:
    """Look everything up; return the exit status."""
    ids = ignored()
    pinned = [line for line in CONSTRAINTS.read_text().splitlines() if "==" in line]
    state = hashlib.sha256("\n".join([*pinned, *ids]).encode()).hexdigest()
    if "--fresh" not in sys.argv and is_kept(state):
        print("No known vulnerabilities (looked up within the last day).")
        return 0
    why = why_not(pinned)
    if why is not None:
        return nothing(why)
    found = ask(CONSTRAINTS, ids)
    return nothing("the service stopped answering") if found is None else judge(found, state)


def judge(found: list[dict], state: str) -> int:
    """Print what is wrong with the packages; return the exit status."""
    bad = [(item, vuln) for item in found for vuln in item.get("vulns", [])]
    for item, vuln in bad:
        fixed = ", ".join(vuln["fix_versions"]) or "no version yet"
        print(f"{item['name']} {item['version']}: {vuln['id']}, fixed in {fixed}")
    if bad:
        print(f"Raise the pins, or give a reason in {IGNORED}.")
        return 1
    skipped = [item["name"] for item in found if "skip_reason" in item]
    if skipped:
        print(f"WARNING: not looked up: {', '.join(skipped)}")
        return 0
    KEPT.write_text(state)
    print(f"No known vulnerabilities in {len(found)} packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
