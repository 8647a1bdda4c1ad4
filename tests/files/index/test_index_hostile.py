"""Files that were made to do harm, or were harmed themselves, are indexed or refused in peace."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin
import hostile
import index_zoo
import numpy as np
import orjson
import pytest

from panosc.domain.errors import Invalid, NotFound, PanoscError, TooLarge
from panosc.files.index.building import build
from panosc.files.index.contents import Contents
from panosc.files.index.indexing import BUILD, PRELOAD
from panosc.files.index.keeping import IndexStore
from panosc.files.index.objects import chunks
from panosc.files.index.telling import Elsewhere, FileIndex
from panosc.files.workers import Pool

MUTANTS = 160
REASONS = {"damaged", "truncated", "bad-signature", "open-for-writing", "crashed", "time-limit"}


def _index(path: Path, contents: Contents | None = None) -> FileIndex:
    store = IndexStore(path.with_name(f"{path.name}-index"))
    store.write("a1", contents or build(str(path)))
    found = store.open("a1")
    assert found is not None
    return found


def _words(index: FileIndex) -> set[str]:
    return {word for word, _ in index.notes}


@pytest.fixture
def neighbour(tmp_path: Path) -> Path:
    path = tmp_path / "neighbour.nxs"
    with hostile.nexus(path, title="a secret") as file:
        file["x"] = range(64)
    return path


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=2, memory_mb=600, time_limit_s=6, preload=PRELOAD) as it:
        yield it


def test_links_to_other_files_are_named_and_not_followed(tmp_path: Path, neighbour: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.external_links(path, neighbour)
    index = _index(path)
    with pytest.raises(Elsewhere) as link:
        index.meta("/entry/title")
    assert (link.value.file, link.value.path) == ("/etc/passwd", "/")
    with pytest.raises(Elsewhere) as link:
        # the way out hides behind a soft link
        index.array("/entry/data/I")
    assert (link.value.file, link.value.path) == (str(neighbour), "/entry/data/I")
    with pytest.raises(Elsewhere) as link:
        index.attributes("/entry/sample/temperature")
    assert link.value.path == "/entry/sample/temperature"
    children = {item["name"]: item for item in orjson.loads(index.meta("/entry"))["children"]}
    assert children["sample"]["kind"] == children["title"]["kind"] == "external_link"
    assert b"a secret" not in b"".join(index.meta(f"/entry{part}") for part in ("", "/data"))


def test_a_listing_may_show_what_a_link_to_a_file_of_the_same_dataset_leads_to(
    tmp_path: Path, neighbour: Path
) -> None:
    path = tmp_path / "x.nxs"
    hostile.external_links(path, neighbour)
    index, other = _index(path), _index(neighbour)
    alone = index.meta("/entry")
    asked: list[tuple[str, str]] = []

    def beyond(file: str, place: str) -> object:
        asked.append((file, place))
        return other.face(place) if file == str(neighbour) else None

    children = {
        item["name"]: item
        for item in orjson.loads(index.meta("/entry", beyond=beyond))["children"]  # type: ignore[arg-type]
    }
    assert children["sample"]["kind"] == "group"
    assert children["sample"]["attributes"][0]["name"] == "NX_class"
    assert children["title"]["kind"] == "external_link"
    assert ("/etc/passwd", "/") in asked
    # what was said with the help of another file is not kept for those without it
    assert index.meta("/entry") == alone
    with pytest.raises(NotFound):
        index.paths("/entry", "all")


def test_values_outside_the_file_are_refused(tmp_path: Path, neighbour: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.external_storage(path, Path("/etc/passwd"))
    index = _index(path)
    for place in ("/entry/data/I", "/entry/sample/name"):
        array = index.array(place)
        assert (array.layout, array.why) == ("refused", "external-storage")
        assert not array.values
    assert dict(reversed(index.notes)) == {
        "external-storage": "/entry/data/I: its values lie in /etc/passwd; they are not read"
    }
    hostile.virtual(tmp_path / "v.nxs", neighbour)
    array = _index(tmp_path / "v.nxs").array("/entry/data/I")
    assert array.layout == "virtual"
    assert array.sources[0].file == str(neighbour)


def test_links_in_circles_and_mazes_come_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.link_loops(path)
    with h5py.File(path, "a") as file:
        for number in range(2000):
            file[f"many/way{number}"] = h5py.SoftLink("/maze14/entry/definition")
    index = _index(path)
    begun = time.thread_time()
    root = orjson.loads(index.meta("/"))
    many = orjson.loads(index.meta("/many"))["children"]
    with pytest.raises(NotFound):
        index.paths("/", "all")
    assert time.thread_time() - begun < 5
    assert {item["kind"] for item in many} == {"soft_link"}
    assert {item["name"] for item in root["children"]} >= {"entry", "maze0", "maze14"}
    for place in ("/entry/title", "/maze14", "/entry/loop/" * 30 + "title"):
        with pytest.raises(NotFound):
            index.array(place)


def test_one_object_under_many_names_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        groups = [file.create_group(f"g{number}") for number in range(40)]
        for group in groups:
            for other in groups:
                group[other.name.lstrip("/")] = other
            group["top"] = file["/"]
    contents = build(str(path))
    assert len(contents.things) == 41
    assert len(contents.links) == 40 + 40 * 41
    index = _index(path, contents)
    assert index.meta("/g1/top/g2/g3/g1") == index.meta("/g1")


def test_a_small_file_of_a_huge_shape_has_a_small_index(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.huge_shape(path)
    contents = build(str(path))
    array = _index(path, contents).array("/entry/data/I")
    assert (array.layout, array.shape, array.chunks) == ("chunked", (2**19, 2**18), (64, 64))
    assert sum(len(thing.head) for thing in contents.things) < 50_000


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.filter_bomb(path)
    index = _index(path)
    assert index.array("/entry/title").layout == "chunked"
    assert index.array("/entry/sample/name").layout in {"chunked", "library"}


def test_huge_attributes_are_left_out_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.huge_attribute(path)
    index = _index(path)
    assert orjson.loads(index.attributes("/entry", ["default"])) == {"default": None}
    assert "large-attribute" in _words(index)
    assert len(index.attributes("/entry/sample/temperature")) > 60_000


def test_odd_texts_are_told_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.odd_texts(path)
    index = _index(path)
    with h5py.File(path) as file:
        for _, place in index.datasets():
            expected = file[place][()]
            if isinstance(expected, bytes):
                told = orjson.loads(index.array(place).values or b'"raw"')
                assert told in {expected.decode("latin-1"), expected.decode(errors="ignore"), "raw"}


def test_many_groups_and_deep_ones_are_cut_off_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, deep = tmp_path / "many.h5", tmp_path / "deep.h5"
    hostile.many_groups(many, 2000)
    hostile.deep(deep)
    assert len(build(str(many)).things) == 2003
    whole = _index(deep)
    assert orjson.loads(whole.meta("/entry" + "/g" * 1200))["kind"] == "group"
    assert len(orjson.loads(whole.paths("/"))) > 1200
    building = "panosc.files.index.building"
    monkeypatch.setattr(f"{building}.OBJECTS", 500)
    monkeypatch.setattr(f"{building}.DEPTH", 100)
    cut = _index(many)
    assert "many-objects" in _words(cut)
    assert len(orjson.loads(cut.meta("/"))["children"]) == 2001
    with pytest.raises(NotFound):
        cut.meta("/group1999")
    assert "too-deep" in _words(_index(deep.rename(tmp_path / "deep2.h5")))


def test_long_answers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["big"] = 1
        for number in range(200):
            file["big"].attrs[f"a{number}"] = number
        for number in range(100):
            file[f"g/soft{number}"] = h5py.SoftLink("/big")
    index = _index(path)
    assert len(index.meta("/g")) > 1_000_000
    monkeypatch.setattr("panosc.files.index.telling.ANSWER_BYTES", 500_000)
    with pytest.raises(TooLarge):
        _index(path).meta("/g")


def test_what_is_asked_of_the_wrong_thing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    index_zoo.links(path)
    index = _index(path)
    for place in ("", "..", "/a/../a", "/a/b/c/", "nowhere", "a" * 100_000, "/\0", "/a\udcff"):
        if place == "/a/b/c/":
            assert orjson.loads(index.meta(place))["name"] == ""
            continue
        with pytest.raises(NotFound):
            index.meta(place)
    with pytest.raises(Invalid):
        index.array("/a")
    with pytest.raises(Invalid):
        index.paths("/a/b/c")
    with pytest.raises(NotFound):
        index.attributes("/tracked", ["nothing"])
    assert index.attributes("/tracked", ["m", "z", "m"]) == b'{"m":"m","z":"z"}'


def _mutants(folder: Path, examples: Path) -> Iterator[Path]:
    """Write files with a few bytes changed, in the parts that say where things are."""
    chance = random.Random(20_260)
    for name in ("layouts", "texts", "compounds", "links", "latest"):
        index_zoo.ZOO[name](folder / f"{name}.h5")
    sources = [*sorted(folder.glob("*.h5")), examples / "punx" / "writer_1_3.hdf5"]
    contents = [path.read_bytes() for path in sources]
    for number in range(MUTANTS):
        data = bytearray(contents[number % len(contents)])
        for _ in range(chance.choice((1, 2, 8, 40))):
            at = chance.randrange(len(data))
            data[at] = chance.choice((0, 1, 255, chance.randrange(256), data[at] ^ 1))
        if chance.random() < 0.05:
            del data[chance.randrange(len(data)) :]
        path = folder / f"mutant{number}"
        path.write_bytes(data)
        yield path


def _ask_everything(index: FileIndex) -> None:
    """Ask for all there is; errors must be ours."""
    asked = Counter[str]()
    try:
        places = orjson.loads(index.paths("/"))
    except PanoscError:
        return
    for place in places[:200]:
        for ask in (index.meta, index.attributes, index.array):
            try:
                orjson.loads(answer) if isinstance(answer := ask(place), bytes) else answer
                asked["answered"] += 1
            except (PanoscError, Elsewhere):
                asked["refused"] += 1


def test_harmed_files_harm_nobody(tmp_path: Path, examples: Path, pool: Pool) -> None:
    paths = list(_mutants(tmp_path, examples))
    outcomes = Counter[str]()
    arguments = ((str(path),) for path in paths)
    for path, outcome in zip(paths, pool.map_in_order(BUILD, arguments), strict=True):
        outcomes[outcome.reason or "indexed"] += 1
        if outcome.reason is None:
            assert isinstance(outcome.value, Contents)
            _ask_everything(_index(path, outcome.value))
            shutil.rmtree(path.with_name(f"{path.name}-index"))
    assert outcomes.keys() <= REASONS | {"indexed"}, outcomes
    assert outcomes["indexed"] > MUTANTS / 2, outcomes
    assert pool.run(BUILD, str(tmp_path / "links.h5")).reason is None


def test_the_same_long_text_named_over_and_over_is_left_to_the_library(
    tmp_path: Path, pool: Pool
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("t", (20_000,), h5py.string_dtype())
        made[0] = "x" * 5_000_000
        place = made.id.get_offset()
    data = bytearray(path.read_bytes())
    reference = bytes(data[place : place + 16])
    data[place : place + 16 * 20_000] = reference * 20_000
    path.write_bytes(data)
    outcome = pool.run(BUILD, str(path))
    assert outcome.reason in {None, "memory-limit", "time-limit"}
    if outcome.reason is None:
        assert outcome.value.things[1].array.layout == "library"


def test_damaged_chunks_are_not_given_to_filters_that_trust_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    values = np.arange(90, dtype="<u2").reshape(9, 10)
    with h5py.File(path, "w") as file:
        for name, options in (
            ("gzip", {"compression": "gzip"}),
            ("bitshuffle", dict(hdf5plugin.Bitshuffle(cname="zstd"))),
        ):
            file.create_dataset(name, data=values, chunks=(4, 10), **options)
    assert _index(path).array("/bitshuffle").layout == "chunked"
    monkeypatch.setattr(chunks, "are_found", lambda *_: False)
    index = _index(path)
    found = {name: index.array(f"/{name}") for name in ("gzip", "bitshuffle")}
    assert {name: array.why for name, array in found.items()} == dict.fromkeys(found, "damaged")
    # a chunk of bitshuffle says itself how long it is: HDF5 would end with the process
    assert found["bitshuffle"].layout == "refused"
    assert found["gzip"].layout == "library"
