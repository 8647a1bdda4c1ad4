"""Files that mean harm, or were harmed: written here, used by several tests."""

import struct
from pathlib import Path

import h5py
import numpy as np


def nexus(path: Path, *, title: str = "an honest file", libver: str = "earliest") -> h5py.File:
    """Return a small NeXus file, open for whatever else is to be put in."""
    file = h5py.File(path, "w", libver=libver)
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    entry.attrs["default"] = "data"
    entry["title"] = title
    entry["start_time"] = "2024-02-29T12:00:00+01:00"
    entry["definition"] = "NXsas"
    sample = entry.create_group("sample")
    sample.attrs["NX_class"] = "NXsample"
    sample["name"] = "silver behenate"
    sample["temperature"] = 21.5
    sample["temperature"].attrs["units"] = "C"
    instrument = entry.create_group("instrument")
    instrument.attrs["NX_class"] = "NXinstrument"
    instrument["name"] = "ID02"
    source = instrument.create_group("source")
    source.attrs["NX_class"] = "NXsource"
    source["name"], source["probe"] = "ESRF", "x-ray"
    monochromator = instrument.create_group("monochromator")
    monochromator.attrs["NX_class"] = "NXmonochromator"
    monochromator["wavelength"] = 0.99
    monochromator["wavelength"].attrs["units"] = "A"
    user = entry.create_group("user")
    user.attrs["NX_class"] = "NXuser"
    user["name"], user["ORCID"] = "Josiah Carberry", "https://orcid.org/0000-0002-1825-0097"
    data = entry.create_group("data")
    data.attrs.update(NX_class="NXdata", signal="I", axes="Q")
    data["Q"], data["I"] = np.linspace(0.01, 1, 64), np.linspace(100, 1, 64)
    return file


def filter_bomb(path: Path) -> None:
    """A title of a few kilobytes on disk that unpacks to a gigabyte."""
    with nexus(path) as file:
        del file["entry/title"]
        file.create_dataset(
            "entry/title",
            shape=(1,),
            maxshape=(None,),
            chunks=(2**27,),
            dtype="f8",
            compression="gzip",
            fillvalue=0,
        )
        sample = file["entry/sample"]
        del sample["name"]
        sample.create_dataset(
            "name", (1,), f"S{2**20}", chunks=(1024,), compression="gzip", maxshape=(None,)
        )


def huge_shape(path: Path) -> None:
    """A signal of 1 TiB in a file of 6 kB."""
    with nexus(path) as file:
        del file["entry/data/I"]
        file["entry/data"].create_dataset("I", (2**19, 2**18), "u8", chunks=(64, 64))


def external_links(path: Path, sibling: Path) -> None:
    """Links to a system file and to a neighbour, where title and sample should be."""
    with nexus(path) as file:
        entry = file["entry"]
        del entry["title"], entry["sample"], entry["data/I"]
        entry["title"] = h5py.ExternalLink("/etc/passwd", "/")
        entry["sample"] = h5py.ExternalLink(str(sibling), "/entry/sample")
        entry["hidden"] = h5py.ExternalLink(str(sibling), "/entry")
        # the way out hides behind a soft link
        entry["data/I"] = h5py.SoftLink("/entry/hidden/data/I")


def link_loops(path: Path) -> None:
    """Soft links in circles, to nowhere, and a maze that grows exponentially."""
    with nexus(path) as file:
        entry = file["entry"]
        del entry["title"]
        entry["title"] = h5py.SoftLink("/entry/other")
        entry["other"] = h5py.SoftLink("/entry/title")
        entry["experiment_identifier"] = h5py.SoftLink("/nowhere/at/all")
        entry["loop"] = h5py.SoftLink("/entry")
        file["maze0"] = h5py.SoftLink("/")
        for number in range(1, 15):
            file[f"maze{number}"] = h5py.SoftLink("/".join([f"maze{number - 1}"] * 150))
        entry["run_cycle"] = h5py.SoftLink("/maze14/entry/definition")


def virtual(path: Path, sibling: Path) -> None:
    """Title and signal are virtual, and made of a neighbour's."""
    with nexus(path) as file:
        del file["entry/data/I"], file["entry/sample/temperature"]
        for name, source in (("entry/data/I", "/entry/data/I"), ("entry/sample/temperature", "/x")):
            layout = h5py.VirtualLayout((64,), "f8")
            layout[:] = h5py.VirtualSource(str(sibling), source, (64,))
            file.create_virtual_dataset(name, layout)


def external_storage(path: Path, secret: Path) -> None:
    """Signal and sample name lie in another file, byte by byte."""
    with nexus(path) as file:
        del file["entry/data/I"], file["entry/sample/name"]
        file["entry/data"].create_dataset("I", (8,), "f8", external=[(str(secret), 0, 64)])
        file["entry/sample"].create_dataset("name", (1,), "S32", external=[(str(secret), 0, 32)])


def odd_texts(path: Path) -> None:
    """Latin-1, NULs, numbers for names, a list of titles, arrays as units."""
    with nexus(path) as file:
        entry = file["entry"]
        for name in ("title", "definition"):
            del entry[name]
        del entry["sample/name"], entry["user/name"]
        entry.create_dataset("title", data=np.array(b"Gr\xfc\xdfe in 5 \xc5\x00\x00", "S20"))
        entry["definition"] = ["NXsas", "NXcanSAS"]
        entry["sample/name"] = np.float64("nan")
        entry["user/name"] = [["Ada", "Émilie"]]
        entry["sample/temperature"].attrs["units"] = np.arange(3)
        entry["sample"].attrs["NX_class"] = np.array([b"NXsample"])
        entry["instrument"].attrs.create("odd", np.zeros(2, [("a", "f8"), ("b", "S3")]))
        entry.attrs["reference"] = entry.ref
        entry["collection_time"] = h5py.Empty("f8")
        entry["duration"] = "not a number"


def huge_attribute(path: Path) -> None:
    """Class and units that are long arrays instead of words."""
    with nexus(path, libver="latest") as file:
        file["entry"].attrs["default"] = np.zeros(2**20)
        file["entry/sample/temperature"].attrs["units"] = "K" * 60_000


def many_groups(path: Path, count: int = 100_000) -> None:
    """More entries than anyone needs."""
    with h5py.File(path, "w", libver="latest") as file:
        entry = file.create_group("entry00")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "the first of many"
        for number in range(count):
            file.create_group(f"group{number}")


def deep(path: Path, levels: int = 1200) -> None:
    """One group inside the other, each an entry."""
    with nexus(path) as file:
        here = file["entry"]
        for _ in range(levels):
            here = here.create_group("g")
            here.attrs["NX_class"] = "NXsubentry"


def hdf4(path: Path) -> None:
    """What the ancestor of HDF5 begins with."""
    path.write_bytes(b"\x0e\x03\x13\x01" + struct.pack(">HI", 10, 0) + bytes(200))
