"""A thousand files on tape: the kernel is asked whether anybody opened or read one of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hostile
import httpx
import pytest
import sqlalchemy as sa
from tripwires import Tripwire, tripwire

import app_serving
from panosc.app import create_app
from panosc.catalogue.dumping import dump
from panosc.catalogue.tables import dataset, location
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Unreadable
from panosc.files.service import PlotService
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FOLDERS, EACH = 10, 100
PROFILE = """\
profile: site-with-tape
title: Every file is a dataset; what lies in a folder called tape is on tape
rules:
  - name: file
    path: "*"
    group: file
    complete: at once
tiers:
  - tier: nearline
    path: "**/tape/**"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three files on disk, a thousand on tape; no two alike."""
    (tmp_path / "data" / "disk").mkdir(parents=True)
    for number in range(3):
        with hostile.nexus(tmp_path / "data" / "disk" / f"{number}.nxs", title=f"run {number}"):
            pass
    content = (tmp_path / "data" / "disk" / "0.nxs").read_bytes()
    for folder in range(FOLDERS):
        place = tmp_path / "data" / "tape" / f"{folder}"
        place.mkdir(parents=True)
        for number in range(EACH):
            (place / f"{number:03}.nxs").write_bytes(content + f"{folder} {number}".encode())
    return tmp_path / "data"


@pytest.fixture
def wires(data: Path) -> Iterator[tuple[Tripwire, Tripwire]]:
    """Tripwires on disk and on tape."""
    tapes = sorted((data / "tape").iterdir())
    with tripwire(data / "disk") as disk, tripwire(data / "tape", *tapes) as tape:
        yield disk, tape


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Settings:
    profile = tmp_path / "site.yaml"
    profile.write_text(PROFILE, "utf-8")
    return settings.model_copy(update={"profile": str(profile)})


def _tiers(engine: sa.Engine) -> dict[str, int]:
    query = sa.select(location.c.tier, sa.func.count().label("count")).group_by(location.c.tier)
    with engine.connect() as connection:
        return {row.tier: row.count for row in connection.execute(query)}


def _visit(engine: sa.Engine, settings: Settings, pids: list[str]) -> list[httpx.Response]:
    """Open the pages of datasets and whatever is beneath them, as a browser does."""
    app = create_app(settings, engine, clock=lambda: NOW)
    with (
        app_serving.serving(app) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
    ):
        client.headers["Accept"] = "text/html"
        paths = ["/", "/search?q=run", "/panosc-api/Datasets?filter=%7B%22limit%22%3A5%7D"]
        for pid in pids:
            page = f"/datasets/{pid}"
            paths += [
                page,
                *(f"{page}/-/{part}" for part in ("metadata", "files", "export/json-ld")),
            ]
        return [client.get(path) for path in paths]


def test_nobody_reads_a_file_that_is_on_tape(
    engine: sa.Engine,
    site: Settings,
    data: Path,
    wires: tuple[Tripwire, Tripwire],
    tmp_path: Path,
) -> None:
    disk, tape = wires
    request = Request(roots=[data])
    report = ingest(engine, site, request, who=OPERATOR, now=NOW)
    assert (report.files, report.new) == (1003, 1003), report.as_json()
    assert _tiers(engine) == {"nearline": 1000, "online": 3}
    # the tripwire works: those on disk were read
    assert set(disk.touched()) == {"0.nxs", "1.nxs", "2.nxs"}
    assert tape.touched() == []
    for more in (
        Request(roots=[data], rehash=True),
        Request(roots=[data], rehash=True, is_dry=True),
        Request(roots=[data], complete=True),
    ):
        ingest(engine, site, more, who=OPERATOR, now=NOW)
        assert tape.touched() == []
    dump(engine, tmp_path / "dump", bare=True)
    with engine.begin() as connection:
        # as if each had been on disk before, and told what to draw
        connection.execute(sa.update(dataset).values(default_plot="/entry/data/I"))
        pids = sa.select(dataset.c.pid).join(location).where(location.c.tier == "nearline")
        some = list(connection.scalars(pids.order_by(dataset.c.pid).limit(5)))
        every = list(connection.scalars(pids))
    with PlotService(engine, site, lambda: NOW) as plots:
        for pid in every:
            with pytest.raises(Unreadable) as caught:
                plots.plot(OPERATOR, pid)
            assert caught.value.reason == "nearline"
    pages = _visit(engine, site, some)
    assert not [page.url for page in pages if page.status_code != 200]
    assert any("on tape" in page.text for page in pages)
    assert tape.touched() == []


def test_files_that_go_to_tape_are_not_read_any_more(
    engine: sa.Engine, site: Settings, data: Path, wires: tuple[Tripwire, Tripwire]
) -> None:
    disk, tape = wires
    one = [data / "tape" / "0", data / "disk"]
    plain = site.model_copy(update={"profile": "plain"})
    ingest(engine, plain, Request(roots=one), who=OPERATOR, now=NOW)
    assert len(set(tape.touched())) == EACH
    assert _tiers(engine) == {"online": EACH + 3}
    ingest(engine, site, Request(roots=one), who=OPERATOR, now=NOW)
    assert _tiers(engine) == {"nearline": EACH, "online": 3}
    disk.touched()
    with engine.connect() as connection:
        pids = sa.select(dataset.c.pid, location.c.tier).join(location)
        rows = list(connection.execute(pids.order_by(dataset.c.pid)))
    on_tape = [pid for pid, tier in rows if tier == "nearline"][:5]
    on_disk = [pid for pid, tier in rows if tier == "online"]
    pages = _visit(engine, site, [*on_tape, *on_disk])
    assert not [page.url for page in pages if page.status_code != 200]
    assert tape.touched() == []
    # those on disk were drawn
    assert disk.touched()
