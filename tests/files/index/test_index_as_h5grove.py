"""What an index tells of a file is byte for byte what h5grove 4 tells, for every object."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import index_zoo
import orjson
import pytest
from h5grove.content import (
    DatasetContent,
    GroupContent,
    ResolvedEntityContent,
    create_content,
    get_list_of_paths,
)
from h5grove.encoders import encode
from h5grove.models import LinkResolution
from h5grove.utils import LinkError

from panosc.domain.errors import NotFound
from panosc.files.index.building import build
from panosc.files.index.keeping import IndexStore
from panosc.files.index.telling import Elsewhere, FileIndex

HEXAPOD = "sample_info/I14-C-CX1__EX__Hexapod-MED__#1/Orientation"
LATIN_1 = {
    **{
        f"/com_05551/SIXS/{name}": "°"
        for name in (
            "I14-C-C02__OP__MONO-MT_Rs.1__#1/raw_value",
            *(f"I14-C-CX1__EX__DIFF-MED-TPP__#1/{axis}" for axis in ("pitch", "roll", "yaw")),
            *(
                f"I14-C-CX1__EX__{motor}-MED__#1/raw_value"
                for motor in ("Delta", "Gamma", "Mu", "Omega")
            ),
        )
    },
    **{f"/com_05551/{HEXAPOD}/{axis}": "°" for axis in "uvw"},
    "/com_05551/SIXS/Monochromator/wavelength": "Å",
}
"""Units in the example scan101.nxs that h5grove cannot tell."""
AT_MOST = 10
"""Objects of one real file that are compared, evenly spread."""
LONG = "VTMA.h5"
"""Of 9 000 objects, for which h5grove takes a while."""
EXAMPLES = ("punx", "nexusformat", "pynxtools", "sasdata")


def _index(path: Path, folder: Path) -> FileIndex:
    store = IndexStore(folder)
    store.write("a1", build(str(path)))
    found = store.open("a1")
    assert found is not None
    return found


def _paths(file: h5py.File) -> Iterator[str]:
    yield "/"
    found: list[str] = []
    file.id.links.visit(lambda name: found.append(f"/{name.decode()}"))
    yield from found


class Comparison:
    """Both answers for each object of a file; what differs, and where h5grove has none."""

    def __init__(self, path: Path, index: FileIndex) -> None:
        self.path = path
        self.index = index
        self.same = 0
        self.different: list[tuple[str, str]] = []
        self.silent: list[tuple[str, str, str]] = []
        """Where h5grove fails, by what it says."""

    def ask(
        self, what: str, path: str, ours: Callable[[], bytes], theirs: Callable[[], Any]
    ) -> None:
        """Compare one answer."""
        found = self._ours(ours)
        try:
            expected = encode(theirs()).content
        except Exception as error:
            self.silent.append((what, path, type(error).__name__))
            if found is None and not what.endswith("all"):
                self.different.append((what, path))
            return
        if isinstance(found, Elsewhere) and not (self.path.parent / found.file).exists():
            # the link leads out of the file, and there is nothing there
            found = self.index.meta(path, "none")
        if found == expected:
            self.same += 1
        else:
            self.different.append((what, path))

    @staticmethod
    def _ours(ours: Callable[[], bytes]) -> object:
        try:
            found = ours()
        except NotFound:
            return None
        except Elsewhere as link:
            return link
        orjson.loads(found)
        return found

    def all(self, most: int = 10**6) -> "Comparison":
        """Compare all answers on a file, or on some of its objects."""
        with h5py.File(self.path) as file:
            paths = list(_paths(file))
            for path in paths[:: len(paths) // most + 1]:
                self._one(file, path)
        return self

    def _one(self, file: h5py.File, path: str) -> None:
        index = self.index
        for how in ("none", "only_valid", "all"):
            self.ask(
                f"meta {how}",
                path,
                lambda how=how: index.meta(path, how),  # type: ignore[misc]
                lambda how=how: create_content(file, path, LinkResolution(how)).metadata(),  # type: ignore[misc]
            )
        try:
            content = create_content(file, path)
        except RuntimeError:
            return
        if isinstance(content, ResolvedEntityContent):
            self.ask("attributes", path, lambda: index.attributes(path), content.attributes)
            names = sorted(content._h5py_entity.attrs)[::2]
            self.ask(
                "some attributes",
                path,
                lambda: index.attributes(path, names),
                lambda: content.attributes(names),
            )
        if isinstance(content, GroupContent):
            self.ask("paths", path, lambda: index.paths(path), lambda: self._below(path))
        if isinstance(content, DatasetContent):
            array = index.array(path)
            if array.layout == "values":
                self.ask("values", path, lambda: array.values, content.data)

    def _below(self, path: str) -> list[str]:
        with get_list_of_paths(self.path, path, lambda _, text: OSError(text)) as paths:
            return list(paths)


@pytest.mark.parametrize("name", index_zoo.ZOO)
def test_of_every_type_layout_and_link(name: str, tmp_path: Path) -> None:
    path = tmp_path / "zoo.h5"
    index_zoo.ZOO[name](path)
    found = Comparison(path, _index(path, tmp_path / "index")).all()
    assert found.different == []
    assert found.same > 20
    if name != "links":
        assert found.silent == []


def test_where_h5grove_fails_on_links_the_index_does_not(tmp_path: Path) -> None:
    path = tmp_path / "links.h5"
    index_zoo.links(path)
    index = _index(path, tmp_path / "index")
    with h5py.File(path) as file, pytest.raises(RuntimeError, match="too many links"):
        create_content(file, "/").metadata()
    listed = {item["name"]: item for item in orjson.loads(index.meta("/"))["children"]}
    assert listed["ping"] == {"kind": "soft_link", "name": "ping", "target_path": "/pong"}
    assert listed["chain15"]["kind"] == "group"
    assert listed["chain16"]["kind"] == "soft_link"
    assert listed["out"]["kind"] == "external_link"
    for broken in ("broken", "ping", "self", "chain16", "through", "nowhere", "a/b/c/d"):
        with pytest.raises(NotFound):
            index.meta(f"/{broken}", "all")
    with h5py.File(path) as file, pytest.raises(LinkError):
        create_content(file, "/broken", LinkResolution.ALL)


@pytest.mark.parametrize("folder", EXAMPLES)
def test_of_real_files(folder: str, examples: Path, tmp_path: Path) -> None:
    compared = 0
    for number, path in enumerate(sorted((examples / folder).iterdir())):
        if path.name == LONG:
            continue
        found = Comparison(path, _index(path, tmp_path / str(number))).all(AT_MOST)
        assert found.different == [], path.name
        compared += found.same
        silent = {item[1] for item in found.silent if item[2] != "LinkError"}
        assert silent <= LATIN_1.keys(), path.name
    assert compared > 30


def test_latin_1_is_told_where_h5grove_fails(examples: Path, tmp_path: Path) -> None:
    path = examples / "punx" / "scan101.nxs"
    index = _index(path, tmp_path)
    with h5py.File(path) as file:
        for place, unit in LATIN_1.items():
            assert orjson.loads(index.attributes(place, ["units"])) == {"units": unit}
            with pytest.raises(TypeError):
                encode(create_content(file, place).attributes(["units"]))
