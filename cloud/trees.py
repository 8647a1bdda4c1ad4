"""The folders of files of three facilities: measured files, and files of the formats' makers.

NeXus files are those that packages on PyPI ship as examples (docs/demo-data.md). Runs are written
by the example maker of ``extra_data``, openPMD series by ``openpmd_api``: real formats, no data.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def nexus(folder: Path, most: int | None = None) -> Path:
    """Lay measured NeXus files into a tree of instruments, `most` of them, the smallest."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import example_data  # noqa: PLC0415 - a script, found when it is asked for

    given = example_data.provide()
    files = [path for path in given.rglob("*") if path.suffix in example_data.SUFFIXES]
    for path in sorted(files, key=lambda path: path.stat().st_size)[:most]:
        place = folder / path.relative_to(given)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy(path, place)
    return folder


def runs(folder: Path, _most: int | None = None) -> Path:
    """Write a run of the European XFEL into a proposal's folder."""
    run = folder / "FXE" / "202101" / "p002012" / "raw" / "r0104"
    if not run.exists():
        from extra_data.tests import make_examples  # noqa: PLC0415 - large

        draft = folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        make_examples.make_fxe_run(draft, format_version="1.2")
        # the slow data alone: the modules of the detector are all alike
        for path in draft.glob("*LPD*"):
            path.unlink()
        run.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(run)
    return folder


def series(folder: Path, _most: int | None = None) -> Path:
    """Write a simulated wakefield as openPMD series into the folder of a pillar."""
    place = folder / "eli-beamlines" / "E2021-07" / "simulations"
    if place.exists():
        return folder
    import numpy as np  # noqa: PLC0415 - large
    import openpmd_api as io  # noqa: PLC0415 - large

    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("wake_%T.h5", "lysozyme_jet.h5"):
        made = io.Series(str(draft / name), io.Access.create)
        made.set_software("PIConGPU", "0.6.0")
        made.author = "Ada Example <ada@example.org>"
        made.comment = "A wake in a plasma" if "%" in name else "A jet of lysozyme in a laser"
        for step in (10, 20):
            iteration = made.iterations[step]
            iteration.time, iteration.dt, iteration.time_unit_SI = step * 1.5, 1.5, 1e-15
            values = np.zeros((8, 8))
            field = iteration.meshes["E"]["x"]
            field.reset_dataset(io.Dataset(values.dtype, values.shape))
            field.store_chunk(values)
            iteration.close()
        made.close()
    place.parent.mkdir(parents=True, exist_ok=True)
    draft.rename(place)
    return folder
