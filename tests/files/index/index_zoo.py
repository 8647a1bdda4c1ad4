"""Files with every type, layout and link that HDF5 has, by name."""

from pathlib import Path

import h5py
import numpy as np
from h5py import h5a, h5d, h5p, h5s, h5t

UNLIMITED = h5s.UNLIMITED


def _fixed(pad: int, size: int, *, utf8: bool = False) -> h5t.TypeID:
    kind = h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(pad)
    if utf8:
        kind.set_cset(h5t.CSET_UTF8)
    return kind


def _odd_float() -> h5t.TypeID:
    kind = h5t.IEEE_F32LE.copy()
    kind.set_fields(23, 15, 8, 0, 15)
    kind.set_size(3)
    kind.set_precision(24)
    return kind


def raw(file: h5py.File, name: str, kind: h5t.TypeID, shape: tuple[int, ...], data: bytes) -> None:
    """Write items of a type that numpy has no name for."""
    made = h5d.create(file.id, name.encode(), kind, h5s.create_simple(shape))
    made.write(h5s.ALL, h5s.ALL, np.frombuffer(data, f"V{kind.get_size()}").reshape(shape), kind)


def numbers(path: Path) -> None:
    """Numbers of every kind, size and byte order; scalars, nothing, empty."""
    with h5py.File(path, "w") as file:
        for letter in "iu":
            for size in (1, 2, 4, 8):
                for order in "<>":
                    file[f"{letter}{size}{'le' if order == '<' else 'be'}"] = np.arange(
                        12, dtype=f"{order}{letter}{size}"
                    ).reshape(3, 4)
        for size in (2, 4, 8, 16):
            value = np.array([0, 1.5, np.nan, np.inf, -np.inf, 1e-3], f"<f{size}")
            file[f"f{size}"] = value
            file.attrs[f"f{size}"] = value
            file.attrs[f"one_f{size}"] = value[1]
        file["f4be"] = np.arange(6, dtype=">f4")
        file["c8"] = np.array([1 + 2j, 3 - 4j], "c8")
        file["c16be"] = np.array([1 + 2j], ">c16")
        file["bool"] = np.array([[True, False], [False, True]])
        file["scalar"] = np.uint16(7)
        file["true"] = True
        file["nothing"] = h5py.Empty("f8")
        file["empty"] = np.empty((0, 5), "f4")
        colours = h5py.enum_dtype({"red": 1, "blue": -3}, "<i2")
        file.create_dataset("enum", data=[1, -3, 1], dtype=colours)
        file.create_dataset("bits", data=np.arange(4, dtype="u1"))
        raw(file, "bitfield", h5t.STD_B16LE, (4,), b"\x01\x02" * 4)
        raw(file, "odd_float", _odd_float(), (4,), b"\x01\x02\x03" * 4)
        twelve = h5t.STD_U16LE.copy()
        twelve.set_precision(12)
        raw(file, "twelve_bits", twelve, (4,), b"\x01\x02" * 4)
        opaque = h5t.create(h5t.OPAQUE, 5)
        opaque.set_tag(b"five bytes")
        raw(file, "opaque", opaque, (3,), b"abcde" * 3)
        times = np.arange(3).astype("M8[ns]")
        file.create_dataset("time", data=times.astype(h5py.opaque_dtype(times.dtype)))


def texts(path: Path) -> None:
    """Texts of every padding and length, also as attributes."""
    with h5py.File(path, "w") as file:
        for name, pad in (("nul", 0), ("nulls", 1), ("spaces", 2)):
            pads = (h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD)
            raw(file, name, _fixed(pads[pad], 6), (3,), b"ab\0ef " + b"abcdef" + b"a  \0  ")
            raw(file, f"{name}_utf8", _fixed(pads[pad], 5, utf8=True), (1,), "µm\0x".encode()[:5])
        file["text"] = "Å and 日本"
        file["texts"] = ["a", "", "ccc"]
        file["many"] = np.array([[f"{n}" for n in range(60)] for _ in range(50)], dtype="O")
        file["fixed"] = np.array([b"abc", b"", b"abcdef"])
        lengths = file.create_dataset("lengths", (3,), h5py.vlen_dtype("<i4"))
        lengths[0], lengths[2] = [1, 2, 3], [4]
        swapped = file.create_dataset("swapped", (2,), h5py.vlen_dtype(">f8"))
        swapped[0] = [1.5, 2.5]
        packed = file.create_dataset("packed", (40,), h5py.string_dtype(), chunks=(7,))
        packed[::2] = "x" * 30
        file.create_dataset("gzipped", data=["a", "b"], compression="gzip")
        file.attrs["text"] = "Å"
        file.attrs["texts"] = ["a", "µ"]
        file.attrs["fixed"] = np.bytes_(b"plain")
        file.attrs["fixed_list"] = np.array([b"a", b"bc"])
        file.attrs["empty"] = ""
        file.attrs["quoted"] = 'a "b" \\ \n {}[],:'
        file.attrs.create("lengths", np.array([[1, 2], [3, 4]]), dtype="f4")


def compounds(path: Path) -> None:
    """Records, arrays in items, references, named types and attributes of all of these."""
    record = np.dtype([("a", "<f8"), ("b", "S3"), ("c", "<i2", (2, 2)), ("d", "?")])
    nested = np.dtype([("outer", record), ("text", h5py.string_dtype())])
    with h5py.File(path, "w") as file:
        group = file.create_group("group")
        file["record"] = np.zeros(3, record)
        file.create_dataset("nested", (2,), nested)
        file.create_dataset("with_text", (2,), [("t", h5py.string_dtype()), ("n", "i4")])
        file.create_dataset("arrays", (2,), np.dtype(("<f4", (3,))))
        file["named"] = np.dtype("<f4")
        file["named"].attrs["units"] = "mm"
        file["named_record"] = record
        file.create_dataset("of_named", (2,), file["named"])
        file.create_dataset("references", data=[group.ref, file.ref], dtype=h5py.ref_dtype)
        file.create_dataset("no_references", (2,), h5py.ref_dtype)
        for name in ("record", "arrays"):
            file.attrs.create(name, np.zeros(2, file[name].dtype), dtype=file[name].dtype)
        file.attrs["reference"] = group.ref
        file.attrs["region"] = file["record"].regionref[:2]
        file.attrs["nothing"] = h5py.Empty("S4")
        file.attrs["bool"], file.attrs["bools"] = True, [True, False]
        file.attrs["complex"], file.attrs["complexes"] = 1 + 2j, np.array([1j, 2], "c8")
        file.attrs["big"] = np.arange(5, dtype=">u8") + np.uint64(2**63)
        file.attrs["enum"] = np.array(1, h5py.enum_dtype({"on": 1, "off": 0}))
        file.attrs.create("lengths", [np.arange(2.0), np.arange(3.0)], dtype=h5py.vlen_dtype("f8"))
        file.attrs.create("compound_text", np.array([("x", 1)], nested_text()))
        kind = h5t.TypeID
        assert issubclass(type(h5t.STD_B8LE), kind)
        bits = h5a.create(file.id, b"bitfield", h5t.STD_B8LE, h5s.create_simple((2,)))
        bits.write(np.array([1, 2], "u1"), h5t.STD_B8LE)


def nested_text() -> np.dtype:  # type: ignore[type-arg]
    """Return a record with a text in it."""
    return np.dtype([("t", h5py.string_dtype()), ("n", "i4")])


def layouts(path: Path, *, libver: str = "earliest", user_block: int = 0) -> None:
    """Datasets that lie contiguous, compact, in chunks of all sorts, or nowhere yet."""
    values = np.arange(35 * 22, dtype="<u2").reshape(35, 22)
    with h5py.File(path, "w", libver=libver, userblock_size=user_block) as file:
        file["contiguous"] = values
        plan = h5p.create(h5p.DATASET_CREATE)
        plan.set_layout(h5d.COMPACT)
        space = h5s.create_simple((4, 5))
        made = h5d.create(file.id, b"compact", h5t.STD_I32BE, space, plan)
        made.write(h5s.ALL, h5s.ALL, np.arange(20, dtype=">i4").reshape(4, 5))
        for name, options in {
            "chunked": {},
            "gzip": {"compression": "gzip"},
            "shuffle": {"shuffle": True},
            "both": {"compression": "gzip", "shuffle": True, "fletcher32": True},
            "lzf": {"compression": "lzf"},
            "scaled": {"scaleoffset": 4},
            "growing": {"maxshape": (None, 22)},
            "growing_both": {"maxshape": (None, None), "compression": "gzip"},
        }.items():
            file.create_dataset(name, data=values, chunks=(8, 5), **options)
        file.create_dataset("one_chunk", data=values, chunks=values.shape)
        file.create_dataset("one_gzip", data=values, chunks=values.shape, compression="gzip")
        some = file.create_dataset("some", (35, 22), "f4", chunks=(8, 5), fillvalue=-1.5)
        some[10:12, 7] = 3
        file.create_dataset("never", (6, 4), "<i4", fillvalue=9)
        file.create_dataset("never_chunked", (6, 4), ">i4", chunks=(2, 2), fillvalue=9)
        shrunk = file.create_dataset("shrunk", data=values, chunks=(8, 5), maxshape=(None, None))
        shrunk.resize((11, 22))
        file.create_dataset("cube", data=np.arange(5**4).reshape(5, 5, 5, 5), chunks=(2, 1, 5, 3))
        _late(file, "unfilled", h5d.FILL_TIME_NEVER, is_defined=True)
        _late(file, "undefined", h5d.FILL_TIME_IFSET, is_defined=False)


def _late(file: h5py.File, name: str, when: int, *, is_defined: bool) -> None:
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_chunk((2, 2))
    if is_defined:
        plan.set_fill_value(np.array(5, "<i4"))
    plan.set_fill_time(when)
    h5d.create(file.id, name.encode(), h5t.STD_I32LE, h5s.create_simple((4, 4)), plan)


def links(path: Path) -> None:
    """Links of all kinds, and names of all sorts."""
    with h5py.File(path, "w") as file:
        file["a/b/c"] = 1
        file["a/b/d"] = file["a/b/c"]
        file["a/up"] = file["/"]
        file["also_a"] = file["a"]
        file["soft"] = h5py.SoftLink("/a/b")
        file["a/near"] = h5py.SoftLink("b/c")
        file["a/back"] = h5py.SoftLink("/soft/d")
        file["broken"] = h5py.SoftLink("/nowhere/at/all")
        file["through"] = h5py.SoftLink("/a/b/c/d")
        file["self"] = h5py.SoftLink("/self")
        file["ping"], file["pong"] = h5py.SoftLink("/pong"), h5py.SoftLink("/ping")
        file["dotted"] = h5py.SoftLink("./a/./b//c")
        file["chain0"] = h5py.SoftLink("/a")
        for number in range(1, 20):
            file[f"chain{number}"] = h5py.SoftLink(f"/chain{number - 1}")
        file["out"] = h5py.ExternalLink("not-here.h5", "/x/y")
        file["soft_out"] = h5py.SoftLink("/out")
        file["a/üñí 日本"] = 2
        file["a/quote\"'\\"] = 3
        file["a/#%?&"] = 4
        file["type"] = np.dtype("f4")
        tracked = file.create_group("tracked", track_order=True)
        for name in ("z", "a", "m"):
            tracked.create_group(name)
            tracked.attrs[name] = name
        with h5py.File(path.with_name("dense.h5"), "w", libver="latest"):
            pass


def dense(path: Path) -> None:
    """Many links and attributes, which the library then keeps otherwise."""
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(70):
            file[f"x{number * 7919 % 101}"] = number
            file.attrs[f"a{number * 7919 % 101}"] = number


ZOO = {
    "numbers": numbers,
    "texts": texts,
    "compounds": compounds,
    "layouts": layouts,
    "latest": lambda path: layouts(path, libver="latest"),
    "user-block": lambda path: layouts(path, user_block=1024),
    "links": links,
    "dense": dense,
}
