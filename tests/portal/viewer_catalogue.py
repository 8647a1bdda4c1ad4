"""A node whose datasets have files to look into: all kinds of values, and every reason not to."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import h5py
import numpy as np
import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.settings import Settings

OPEN, STACKS, TAPE, EMBARGOED, CLOSED, WITHDRAWN = (
    f"10.5072/{word}" for word in ("looked", "stacks", "taped", "later", "hidden", "drawn")
)
BROKEN, BARE = "10.5072/broken", "10.5072/bare"
# no slash, which would make two names of it
EVIL = "<img src=x onerror=alert(1)>\"'&#%2f{{ 7*7 }} é"
RNG = np.random.default_rng(118)
STACK = RNG.poisson(20, (4, 60, 80)).astype("u2")
LONG = 100_000


def looked(path: Path) -> Path:
    """Write a file with a curve as its default plot, and beside it one of each kind."""
    q = np.geomspace(0.01, 0.4, 120)
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I", "axes": "Q"})
        data["Q"], data["I"] = q, 12.3 * np.exp(-q * 20) + 0.004
        data["Q"].attrs["units"], data["I"].attrs["units"] = "1/angstrom", "1/cm"
        kinds = file.create_group("kinds")
        kinds["whole"] = np.arange(3, dtype="i8") + 2**60
        kinds["flags"] = np.array([True, False])
        kinds["text"], kinds["names"] = "Probe µ", ["first", EVIL]
        kinds["table"] = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
        kinds["complex"] = np.arange(3) * 1j
        kinds["odd"] = np.array([1, np.nan, np.inf])
        kinds["half"], kinds["big"] = np.arange(3, dtype="f2"), np.arange(3, dtype=">f4")
        kinds["nothing"], kinds["none"] = h5py.Empty("f4"), np.zeros((0, 4))
        kinds["soft"] = h5py.SoftLink("/nowhere")
        kinds["away"] = h5py.ExternalLink("elsewhere.h5", "/x")
        kinds[EVIL] = 1.5
        kinds["long"] = ["x" * LONG] * 20
        kinds.attrs.update({"note": EVIL, "offsets": [1.5, 2.5], "deg": np.bytes_("90 °", "l1")})
    return path


def stacks(path: Path) -> Path:
    """Write a file with images in a stack, and one as the default plot."""
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "image"})
        entry.create_dataset(
            "stack", data=STACK, chunks=(1, 60, 80), compression="gzip", shuffle=True
        )
        image = entry.create_group("image")
        image.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        y, x = np.mgrid[:60, :80]
        hill = 1000 * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 200)
        image["counts"] = RNG.poisson(1 + hill).astype("u4")
    return path


def claims(path: Path) -> Path:
    """Write a file whose plots are none: of a number, without their axes, leading nowhere."""
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        for name, more in {
            "a": {"signal": "one"},
            "b": {"signal": "many", "axes": "absent"},
            "c": {"signal": "absent"},
            "d": {"signal": "many", "axes": 5},
            "e": {"signal": [1, 2]},
            "f": {"signal": "many", "axes": [[1.5, 2.5]]},
        }.items():
            data = entry.create_group(name)
            data.attrs.update({"NX_class": "NXdata", **more})
            data["one"], data["many"] = 1.5, np.arange(4.0)
        entry["array"] = np.arange(9.0)
    return path


def bare(path: Path, **texts: str) -> Path:
    """Write a file without any array."""
    with h5py.File(path, "w") as file:
        file.create_group("empty")
        for name, text in texts.items():
            file[name] = text
    return path


def missing(path: Path) -> Path:
    """Write a file whose virtual dataset has lost its source."""
    layout = h5py.VirtualLayout((4, 10), "f4")
    layout[:2] = h5py.VirtualSource("lost.h5", "/x", (2, 10))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("joined", layout)
    return path


def _located(dataset: str, path: Path, **told: object) -> list[tuple[str, dict[str, object]]]:
    status = path.stat()
    known = {"size": status.st_size, "mtimeNs": status.st_mtime_ns, "tier": "online"} | told
    file = {"id": f"{dataset} {path.name}", "name": path.name, "datasetId": dataset}
    place = {"url": path.as_uri(), "datasetId": dataset, "name": path.name, **known}
    return [("File", file | {"size": known["size"]}), ("Location", place)]


def rows(folder: Path) -> list[tuple[str, dict[str, object]]]:
    """Return the whole catalogue, with its files in `folder`."""
    for name in ("a.txt", "gone.h5", "changed.h5"):
        (folder / name).write_text("This is no HDF5 file.\n")
    curve, images = looked(folder / "looked.nxs"), stacks(folder / "stacks.h5")
    found: list[tuple[str, dict[str, object]]] = [
        ("Dataset", {"pid": pid, "title": f"Data {pid}", "isPublic": True, **more})
        for pid, more in {
            OPEN: {"defaultPlot": "/entry/data/I", "defaultFile": "looked.nxs"},
            STACKS: {},
            TAPE: {},
            BROKEN: {},
            BARE: {},
            EMBARGOED: {
                "isPublic": False,
                "access": "embargoed",
                "embargoUntil": "2031-05-01T00:00:00Z",
            },
            CLOSED: {"isPublic": False, "access": "closed"},
            WITHDRAWN: {"access": "withdrawn", "withdrawnReason": "Mistaken."},
        }.items()
    ]
    others = (
        claims(folder / "claims.h5"),
        bare(folder / "bare.h5", text="nothing to draw"),
        bare(folder / "empty.h5"),
    )
    for path in (curve, *others):
        found += _located(OPEN, path)
    for pid in (EMBARGOED, CLOSED, WITHDRAWN):
        found += _located(pid, missing(folder / f"{pid[8:]}.h5"))
    found += _located(STACKS, images)
    found += _located(TAPE, missing(folder / "taped.h5"), tier="nearline")
    for name in ("a.txt", "gone.h5", "changed.h5"):
        found += _located(BROKEN, folder / name, **({"size": 1} if name == "changed.h5" else {}))
    found += _located(BROKEN, missing(folder / "missing.h5"))
    (folder / "gone.h5").unlink()
    return found


@pytest.fixture(scope="session")
def viewed(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[given.Node]:
    """The node, running."""
    # one for each module that asks for it
    files = Path(tempfile.mkdtemp(prefix="viewed-", dir=open_folder))
    with new_database(template) as address:
        settings = Settings(home=files / "home", database_url=address, facility="ILL")
        with open_database(settings) as engine:
            with engine.begin() as connection:
                write(connection, rows(files), now=given.NOW)
            app = create_app(settings, engine, clock=lambda: given.NOW)
            with serving(app) as served:
                yield given.Node(app=app, engine=engine, settings=settings, address=served)
