"""A thousand files on tape: whatever reads the node recalls none; many who ask share mounts.

The files are stubs as a hierarchical store leaves them: their paths are there, and to open one
would recall it. Every opening, by whatever process of this machine, is counted by the kernel.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from archive import TERMS, Archive, person
from tape_house import PEOPLE, House, housed
from watched_disk import Opened, watched

from panosc.catalogue.tables import dataset, location
from panosc.data.overviews.following import Keeper
from panosc.data.restoring.running import beside
from panosc.search.index.following import following
from panosc.settings import Settings

DATASETS, FILES, VOLUMES = 40, 25, 5
PLACE = "/entry/data/counts"


def pid(number: int) -> str:
    return f"10.5072/tape-{number}"


@pytest.fixture
def house(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Iterator[tuple[House, Opened]]:
    taped = settings.model_copy(update={"tape": "slow", "restore_settle_s": 60.0})
    archive = Archive(
        engine=engine, settings=taped, folder=tmp_path, mount_s=0.2, file_s=0.005, stubs=True
    )
    for number in range(DATASETS):
        volumes = [f"V{file % VOLUMES}" for file in range(FILES)]
        archive.put(pid(number), volumes, defaultPlot=PLACE, defaultFile="run-0000.nxs")
    with watched(archive.disk) as opened, housed(archive) as served:
        yield served, opened


def test_nothing_recalls_but_those_who_ask_and_they_share_mounts(
    house: tuple[House, Opened],
) -> None:
    served, opened = house
    read_everything(served)
    assert opened.names() == []
    ask_at_once(served)
    # the counter counts
    opened.names()
    first = min(served.archive.disk.iterdir())
    first.open("rb").close()
    assert opened.names() == [first.name]


def read_everything(house: House) -> None:
    """Followers, pages, searches, listings, thumbnails, data: a thousand stubs stay stubs."""
    archive = house.archive
    assert archive.tiers() == {"nearline": DATASETS * FILES}
    keeper = Keeper(archive.engine, archive.settings, archive.now)
    keeper.catch_up()
    with following(archive.engine, archive.settings, archive.now), house.client("ada") as client:
        for path in (
            "/panosc-api/Datasets?filter=%7B%22include%22%3A%5B%7B%22relation%22%3A%22files%22%7D%5D%7D",
            "/panosc-api/Datasets/count",
            "/search",
            "/search?q=tape",
            "/search.json?q=tape",
            "/search.csv",
            "/search.atom",
            "/suggest?prefix=tape",
            "/my",
        ):
            assert client.get(path).status_code == 200, path
        for number in range(0, DATASETS, 13):
            page = f"/datasets/{pid(number)}"
            api = f"/panosc-api/Datasets/{pid(number)}"
            for path in (
                *(f"{page}{rest}" for rest in ("", "/-/metadata", "/-/files", "/-/restore")),
                *(f"{page}/-/export/{form}" for form in ("json", "json-ld")),
                f"{api}/files",
                f"/api/v1/datasets/{pid(number)}/recalls",
            ):
                assert client.get(path).status_code == 200, path
            shown = client.get(page, headers={"Accept": "text/html"}).text
            assert f"{page}/-/restore" in shown
            for rest in DATA:
                answer = client.get(f"{page}/-/{rest}")
                # the page is there, and says so
                status = 200 if rest.startswith("view") else 422
                assert answer.status_code == status, (rest, answer.text[:300])
                assert "tape" in answer.text, rest
                assert f"{page}/-/restore" in answer.text or rest.startswith("view"), rest
            assert client.get(f"{page}/-/thumbnail").status_code in {200, 404, 422}
    assert archive.library.calls("recall") == 0
    assert archive.library.mounts() == []
    assert archive.states() == {}


DATA = (
    "view?file=run-0000.nxs",
    "download?file=run-0000.nxs",
    "h5/meta?file=run-0000.nxs&path=/",
    "h5/attr?file=run-0000.nxs&path=/",
    "h5/stats?file=run-0000.nxs&path=/entry/data/counts",
    "h5/data?file=run-0000.nxs&path=/entry/data/counts",
    "zarr/run-0000.nxs/zarr.json",
)


def ask_at_once(house: House) -> None:
    """Two hundred requests of four people for fifty files: one mount a volume, each file once."""
    archive = house.archive
    files = [(pid(number), f"run-{file:04}.nxs") for number in (3, 17) for file in range(FILES)]
    terms = replace(TERMS, settle=timedelta(seconds=60))
    begin = threading.Barrier(16)

    def ask(wanted: tuple[int, tuple[str, tuple[str, str]]]) -> int:
        number, (whose, (which, name)) = wanted
        if number < 16:
            begin.wait(30)
        with house.client(whose) as client:
            if number % 2:
                path = f"/datasets/{which}/-/restore"
                return client.post(path, data={"which": "chosen", "file": name}).status_code
            path = f"/api/v1/datasets/{which}/recalls"
            return client.post(path, json={"files": [name]}).status_code

    wanted = list(product(PEOPLE, files))
    Random(1).shuffle(wanted)
    jobs = list(enumerate(wanted))
    with beside(archive.engine, archive.tape, terms, archive.now, look_s=0.02):
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(ask, jobs))
        assert len(statuses) == 200
        assert set(statuses) <= {202, 303}
        assert sum(archive.states().values()) == 50
        archive.later(seconds=61)
        ends = time.monotonic() + 60
        while archive.tiers().get("online") != 50:
            assert time.monotonic() < ends, archive.states()
            time.sleep(0.05)
    assert sorted(volume for volume, *_ in archive.library.mounts()) == [
        f"V{number}" for number in range(VOLUMES)
    ]
    recalled = archive.library.recalls()
    assert len(recalled) == len(set(recalled)) == 50
    with archive.engine.connect() as connection:
        query = sa.select(dataset.c.pid, location.c.name).join(
            location, location.c.dataset_id == dataset.c.id
        )
        rows = connection.execute(query.where(location.c.tier == "online"))
        assert sorted((row.pid, row.name) for row in rows) == sorted(files)
    found = archive.wishes.look(person("eve"), pid(3))
    assert {(item.state, item.people, item.is_mine) for item in found} == {("online", 4, True)}
