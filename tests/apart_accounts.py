"""Commands by which a test reaches the process that reads: of this account, and of another.

Only root may become another account without being asked for a password. Where the tests run as
root, and an account of the machine may run Python, everything is done by that account as well.
"""

import os
import subprocess
import sys
from pathlib import Path

OURS = (sys.executable, "-I", "-m", "panosc.files.apart")
OTHER_ACCOUNT = "nobody"


def _as_other() -> tuple[str, ...] | None:
    """Return the command for another account; None where there is no way to become one."""
    if os.getuid() != 0 or not Path("/usr/bin/setpriv").exists():
        return None
    become = (
        "setpriv",
        f"--reuid={OTHER_ACCOUNT}",
        "--clear-groups",
        "--inh-caps=-all",
        "--",
    )
    # the interpreter of the tests may lie where no other account may look
    paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    known = ("env", f"PYTHONPATH={paths}")
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        # a process of its own, as the keeper starts readers
        check = (
            f"import subprocess as s, sys; import panosc; s.run([{python!r}, '-c', ''], check=True)"
        )
        command = (*become, *known, python)
        tried = subprocess.run([*command, "-c", check], check=False, capture_output=True)
        if tried.returncode == 0:
            return (*command, "-m", "panosc.files.apart")
    return None


OTHER = _as_other()
COMMANDS = {"this account": OURS} | ({"another account": OTHER} if OTHER else {})
