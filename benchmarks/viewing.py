"""Opens every HDF5 file of a folder in the viewer, in Chromium, and prints what it shows.

    python benchmarks/viewing.py [FOLDER] [--pictures FOLDER]

It runs a node of its own with a throw-away database; without a folder it takes the files of
`scripts/example_data.py`. It ends with 1 if the browser or the viewer complains of anything. With
`--pictures` there is a picture of each page, to be looked at.
"""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.settings import Settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

import example_data
from ensure_chromium import find

import app_serving

PID = "10.5072/all"
SUFFIXES = {".h5", ".hdf5", ".hdf", ".nxs", ".nx5"}
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SELECTED = "[role=treeitem][aria-selected=true]"
# what the machine's own graphics say, not the page
DRIVER = "GL Driver Message"
# a virtual dataset whose source is missing is said to be so, and never drawn
SAID = "its source "
# in these words it says that it draws nothing
FAULTS = ("Expected ", "Unknown error", "Request failed", "cannot be read", "Nothing to display")


def rows(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return a catalogue of one dataset with all files."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("Dataset", {"pid": PID, "title": "All files", "isPublic": True})
    ]
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            name, status = str(path.relative_to(folder)), path.stat()
            file = {"name": name, "datasetId": PID, "size": status.st_size}
            place = {**file, "url": path.resolve().as_uri(), "mtimeNs": status.st_mtime_ns}
            found += [("File", {**file, "id": name}), ("Location", place)]
    return found


@contextmanager
def running(content: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """Serve a node with that content; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        with open_database(settings) as engine:
            with engine.begin() as connection:
                write(connection, content, now=datetime.now(UTC))
            with app_serving.serving(create_app(settings, engine)) as address:
                yield address


def shown(page: Page, address: str) -> tuple[str, float]:
    """Open a view; return what it shows and the seconds until then."""
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(SELECTED, state="attached")
    page.wait_for_load_state("networkidle")
    spent = time.perf_counter() - start
    path = page.locator(SELECTED).get_attribute("data-path")
    return f"{path}: {' '.join(page.inner_text('#h5w-main-area').split())}", spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    content = rows(given.folder or example_data.provide())
    names = [row["name"] for model, row in content if model == "File"]
    if given.pictures:
        shutil.rmtree(given.pictures, ignore_errors=True)
        given.pictures.mkdir(parents=True)
    faulty = 0
    with running(content) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        told: list[str] = []
        page.on("console", lambda line: DRIVER in line.text or told.append(line.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        for number, name in enumerate(names):
            told.clear()
            query = urlencode({"file": name})
            text, spent = shown(page, f"{address}/datasets/{PID}/-/view?{query}")
            is_said = any(SAID in line for line in told)
            is_faulty = not is_said and (bool(told) or any(fault in text for fault in FAULTS))
            faulty += is_faulty
            state = "FAULT" if is_faulty else "said" if is_said else "ok"
            print(f"{state:5} {spent:5.1f} s  {name}  {text[:110]}")
            for line in told:
                print(f"      {line[:300]}")
            if given.pictures:
                page.screenshot(path=given.pictures / f"{number:03d}.png")
        browser.close()
    print(f"\n{len(names)} files, {faulty} with faults")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
