"""Overviews are made of files that are as they were, kept, and shown to whoever may see detail."""

import errno
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import overview_files as given
import pytest
import sqlalchemy as sa
from PIL import Image
from tripwires import tripwire

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.tables import dataset, location
from panosc.catalogue.writer import write
from panosc.charts.svg import finding
from panosc.data.overviews import following, telling
from panosc.data.overviews.drawing import PRELOAD
from panosc.data.overviews.keeping import OverviewStore
from panosc.data.overviews.service import Overviews
from panosc.domain.access import ANYONE, OPERATOR
from panosc.domain.errors import Gone, Invalid, NotFound
from panosc.files.chunks.selection import whole
from panosc.files.sandbox import Outcome
from panosc.files.workers import Pool
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PID = "local/a"
LATER = (NOW + timedelta(days=9)).isoformat()
STACK = np.random.default_rng(3).poisson(9, (11, 40, 60)).astype("u2")
ALL = whole(STACK.shape)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return given.squeezed(tmp_path / "ä stack.nxs", STACK, (1, 40, 60))


@pytest.fixture
def overviews(engine: sa.Engine, settings: Settings) -> Overviews:
    return Overviews(engine, settings.home, lambda: NOW)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=1, memory_mb=1024, time_limit_s=30, preload=PRELOAD) as made:
        yield made


@pytest.fixture
def keeper(engine: sa.Engine, settings: Settings, pool: Pool) -> following.Keeper:
    return following.Keeper(engine, settings, lambda: NOW, pool=pool)


def picture(overviews: Overviews, size: str = "small", frame: str | None = None) -> Image.Image:
    found = overviews.picture(ANYONE, PID, size=size, frame=frame, form="png").content()
    assert found is not None
    return Image.open(BytesIO(found))


def test_what_is_kept_of_a_stack(
    keeper: following.Keeper, overviews: Overviews, engine: sa.Engine, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    assert overviews.shown(ANYONE, PID) is None
    keeper.catch_up()
    shown = overviews.shown(ANYONE, PID)
    assert shown is not None
    assert (shown.note, shown.overview.shape) == (None, (11, 40, 60))
    assert shown.svg.startswith("<svg ")
    assert finding(shown.plot) == shown.overview.finding
    assert overviews.thumbnails(ANYONE, [PID, "local/b"]) == {PID: shown.overview.finding}
    assert picture(overviews).size == (96, 96)
    assert picture(overviews, "large", "max").size == shown.overview.size == (480, 320)
    assert [item.name for item in telling.pictures(shown.overview)] == [
        *("max", "0", "2", "5", "8", "10")
    ]
    words = telling.statistics(shown.overview)
    assert words is not None
    assert words.startswith(f"{STACK.min()} to {STACK.max()}, mean {STACK.mean():.4g}")
    wanted = given.expected(STACK)
    found = overviews.statistics(PID, given.SIGNAL, file=path.name, part=ALL)
    assert found == pytest.approx(wanted, rel=1e-12)
    assert overviews.statistics(PID, "/entry/data/other", file=path.name, part=ALL) is None
    assert overviews.statistics(PID, given.SIGNAL, file="other.nxs", part=ALL) is None


@pytest.mark.parametrize("tier", ["nearline", "removed"])
def test_it_stays_when_the_file_goes_to_tape_or_away(
    keeper: following.Keeper, tier: str, overviews: Overviews, engine: sa.Engine, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    before = overviews.picture(ANYONE, PID, size="small", frame=None, form="webp")
    given.register(engine, path, pid=PID, now=NOW, tier=tier)
    with engine.begin() as connection:
        connection.execute(sa.update(location).values(tier=tier))
        given.append(connection, [("Dataset", PID)])
    path.unlink()
    keeper.catch_up()
    shown = overviews.shown(ANYONE, PID)
    assert shown is not None
    assert shown.note is not None
    assert ("tape" in shown.note) == (tier == "nearline")
    after = overviews.picture(ANYONE, PID, size="small", frame=None, form="webp")
    assert (after.tag, after.content()) == (before.tag, before.content())


def test_a_changed_file_is_not_drawn_until_it_is_registered_again(
    keeper: following.Keeper, overviews: Overviews, engine: sa.Engine, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    old = overviews.picture(ANYONE, PID, size="small", frame="0", form="png")
    given.written(path, STACK[:1, ::-1] * 2)
    os.utime(path, ns=(5, 5))
    with engine.begin() as connection:
        given.append(connection, [("Dataset", PID)])
    keeper.catch_up()
    shown = overviews.shown(ANYONE, PID)
    assert shown is not None
    assert "changed" in str(shown.note)
    assert overviews.picture(ANYONE, PID, size="small", frame="0", form="png").tag == old.tag
    # now the catalogue speaks of the new content: the old picture is none of it
    with engine.begin() as connection:
        size = {"size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns}
        connection.execute(sa.update(location).values(**size))
    assert overviews.shown(ANYONE, PID) is None
    with pytest.raises(NotFound):
        overviews.picture(ANYONE, PID, size="small", frame="0", form="png")
    with engine.begin() as connection:
        given.append(connection, [("Dataset", PID)])
    keeper.catch_up()
    new = overviews.picture(ANYONE, PID, size="small", frame="0", form="png")
    assert new.tag != old.tag


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    keeper: following.Keeper,
    overviews: Overviews,
    engine: sa.Engine,
    settings: Settings,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    run = following.Pool.run

    def changing(pool: following.Pool, function: str, *arguments: object) -> object:
        outcome = run(pool, function, *arguments)
        os.utime(path, ns=(9, 9))
        return outcome

    monkeypatch.setattr(following.Pool, "run", changing)
    keeper.catch_up()
    assert overviews.shown(ANYONE, PID) is None
    assert list(OverviewStore(settings.home).all()) == []


def test_a_failure_is_remembered_until_the_file_changes(
    keeper: following.Keeper,
    engine: sa.Engine,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = given.written(tmp_path / "empty.nxs", np.zeros((0, 4)))
    given.register(engine, path, pid=PID, now=NOW)
    store, calls = OverviewStore(settings.home), []
    run = following.Pool.run

    def counting(pool: following.Pool, function: str, *arguments: object) -> object:
        calls.append(arguments)
        return run(pool, function, *arguments)

    monkeypatch.setattr(following.Pool, "run", counting)
    for _ in range(3):
        keeper.catch_up()
        with engine.begin() as connection:
            given.append(connection, [("Dataset", PID)])
    found = store.look(PID)
    assert found is not None
    assert found.failure == ("empty", f"{given.SIGNAL} holds no values")
    assert len(calls) == 1
    given.written(path, STACK)
    given.register(engine, path, pid=PID, now=NOW)
    with engine.begin() as connection:
        size = {"size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns}
        connection.execute(sa.update(location).values(**size))
        given.append(connection, [("Dataset", PID)])
    keeper.catch_up()
    found = store.look(PID)
    assert found is not None
    assert found.failure is None


def test_a_hundred_nearline_files_are_never_opened(
    keeper: following.Keeper, engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "tape"
    folder.mkdir()
    online = given.written(tmp_path / "online.nxs", np.arange(9.0))
    with engine.begin() as connection:
        for number in range(100):
            path = folder / f"{number}.nxs"
            shutil.copy(online, path)
            rows = given.rows(path, pid=f"local/{number}", tier="nearline")
            write(connection, rows, now=NOW)
    given.register(engine, online, pid="local/online", now=NOW)
    with tripwire(tmp_path, folder) as wire, serving(create_app(settings, engine)) as address:
        keeper.catch_up()
        assert httpx.get(f"{address}/search?size=100").status_code == 200
        assert httpx.get(f"{address}/datasets/local/7").status_code == 200
        assert httpx.get(f"{address}/datasets/local/7/-/thumbnail").status_code == 404
        touched = set(wire.touched())
    assert touched == {online.name}


def test_a_full_disk_leaves_nothing_half_and_is_said(
    keeper: following.Keeper,
    engine: sa.Engine,
    settings: Settings,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    is_full = True
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr("panosc.data.overviews.keeping.os.fsync", failing)
    assert keeper._seconds_after_a_try() == 1
    assert keeper._seconds_after_a_try() == 2
    assert "is full. Free some space" in caplog.text
    assert not any(record.exc_info for record in caplog.records)
    kept = [item for item in (settings.home / "derived").rglob("*") if item.is_file()]
    assert [item.name for item in kept] == ["lock"]
    is_full = False
    keeper.catch_up()
    assert OverviewStore(settings.home).look(PID) is not None


def test_it_goes_with_its_dataset(
    keeper: following.Keeper,
    overviews: Overviews,
    engine: sa.Engine,
    settings: Settings,
    path: Path,
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    given.register(engine, path.with_name("x").absolute(), pid="local/x", now=NOW)
    keeper.catch_up()
    store = OverviewStore(settings.home)
    assert len(list(store.all())) == 1
    with engine.begin() as connection:
        connection.execute(sa.update(dataset).values(mark="erased"))
    with pytest.raises(Gone):
        overviews.picture(OPERATOR, PID, size="small", frame=None, form="webp")
    with engine.begin() as connection:
        given.append(connection, [("Dataset", PID)])
    keeper.catch_up()
    assert list(store.all()) == []


def test_what_belongs_to_no_dataset_is_pruned(
    keeper: following.Keeper, engine: sa.Engine, settings: Settings, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    store = OverviewStore(settings.home)
    (kept,) = store.all()
    strange = kept.with_name("strange.zip")
    strange.write_bytes(b"PK of nothing")
    with engine.begin() as connection:
        connection.execute(sa.delete(dataset))
    (store.path / following.MARK).unlink()
    keeper.catch_up()
    assert list(store.all()) == []


def test_a_damaged_overview_is_none(
    keeper: following.Keeper,
    overviews: Overviews,
    engine: sa.Engine,
    settings: Settings,
    path: Path,
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    store = OverviewStore(settings.home)
    (kept,) = store.all()
    whole, known = kept.read_bytes(), store.look(PID)
    assert known is not None
    store.write(replace(known, version=0), {})
    assert overviews.thumbnails(ANYONE, [PID]) == {}
    for bad in (b"", whole[: len(whole) // 2], whole[:60] + b"zq" + whole[62:]):
        kept.write_bytes(bad)
        assert overviews.shown(ANYONE, PID) is None
        assert overviews.thumbnails(ANYONE, [PID]) == {}


def test_who_may_not_see_detail_sees_nothing(
    keeper: following.Keeper, overviews: Overviews, engine: sa.Engine, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW, access="embargoed", embargoUntil=LATER)
    keeper.catch_up()
    asked = {"size": "small", "frame": None, "form": "webp"}
    assert overviews.picture(OPERATOR, PID, **asked).is_public is False
    assert PID in overviews.thumbnails(OPERATOR, [PID])
    assert overviews.thumbnails(ANYONE, [PID]) == {}
    assert overviews.shown(ANYONE, PID) is None
    told = []
    for pid in (PID, "local/b"):
        with pytest.raises(NotFound) as caught:
            overviews.picture(ANYONE, pid, **asked)
        told.append((caught.value.detail.replace(pid, "PID"), caught.value.hint))
    assert told[0] == told[1]
    with pytest.raises(NotFound):
        overviews.picture(ANYONE, "a\0b", **asked)


def test_what_there_is_no_picture_of(
    keeper: following.Keeper, overviews: Overviews, engine: sa.Engine, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    for wrong in ({"size": "huge"}, {"form": "gif"}, {"form": "svg", "frame": "0"}):
        asked: dict[str, str | None] = {"size": "small", "frame": None, "form": "png", **wrong}
        with pytest.raises(Invalid):
            overviews.picture(ANYONE, PID, **asked)
    for frame in ("1", "../overview.json", "line", ""):
        with pytest.raises(NotFound, match="there are 0, 2, 5, 8, 10, max"):
            overviews.picture(ANYONE, PID, size="small", frame=frame, form="png")


@pytest.fixture
def address(engine: sa.Engine, settings: Settings) -> Iterator[str]:
    with serving(create_app(settings, engine, clock=lambda: NOW)) as found:
        yield found


def test_the_route(
    keeper: following.Keeper, address: str, engine: sa.Engine, settings: Settings, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    url = f"{address}/datasets/{PID}/-/thumbnail"
    for form, magic in (("webp", b"RIFF"), ("png", b"\x89PNG"), ("svg", b"<svg xmlns=")):
        for size in ("small", "large"):
            answer = httpx.get(url, params={"form": form, "size": size})
            assert answer.status_code == 200
            assert answer.content.startswith(magic)
            assert answer.headers["cache-control"] == "public, max-age=600"
            assert answer.headers["x-content-type-options"] == "nosniff"
            tag = answer.headers["etag"]
            (kept,) = OverviewStore(settings.home).all()
            # answered before anything is read
            away = kept.read_bytes()
            again = httpx.get(
                url, params={"form": form, "size": size}, headers={"If-None-Match": f"W/{tag}"}
            )
            assert (again.status_code, again.content) == (304, b"")
            assert kept.read_bytes() == away
    head = httpx.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert httpx.get(url, params={"frame": "3"}).status_code == 404
    assert httpx.get(url, params={"form": "tiff"}).status_code == 422
    assert "sandbox" in httpx.get(url, params={"form": "svg"}).headers["content-security-policy"]


def test_pages_show_it_without_a_query_a_hit(
    keeper: following.Keeper, address: str, engine: sa.Engine, tmp_path: Path
) -> None:
    for number in range(12):
        path = given.written(tmp_path / f"{number}.nxs", STACK[: number % 3 + 1])
        given.register(engine, path, pid=f"local/{number}", now=NOW)

    httpx.get(f"{address}/search")
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        # who else is asked is looked up once a second, and what is used is written every few
        # seconds, whatever the page
        if "FROM connector" not in statement and " usage " not in statement:
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    before = httpx.get(f"{address}/search").text
    without = len(statements)
    keeper.catch_up()
    statements.clear()
    page = httpx.get(f"{address}/search").text
    assert len(statements) == without + 1
    assert (before.count("/-/thumbnail"), page.count("/-/thumbnail")) == (0, 12)
    assert page.count('width="96" height="96" loading="lazy"') == 12
    assert 'alt="counts (1 × 40 × 60)' in page
    assert httpx.get(f"{address}/search?view=table").text.count("/-/thumbnail") == 0
    items = httpx.get(f"{address}/search.json").json()["items"]
    assert {item["thumbnail"] for item in items} == {
        f"{address}/datasets/local/{number}/-/thumbnail" for number in range(12)
    }
    one = httpx.get(f"{address}/datasets/local/2").text
    assert one.count("/-/thumbnail?size=large&amp;frame=") == 4
    assert "Highest value of each pixel in all 3 frames" in one


def test_the_worker_of_a_hostile_file_says_nonsense(
    keeper: following.Keeper,
    engine: sa.Engine,
    settings: Settings,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    run = following.Pool.run

    def lying(pool: following.Pool, function: str, *arguments: object) -> object:
        outcome = run(pool, function, *arguments)
        outcome.value["frames"][0]["large"] = (10**6, 10**6, b"")
        return outcome

    monkeypatch.setattr(following.Pool, "run", lying)
    keeper.catch_up()
    found = OverviewStore(settings.home).look(PID)
    assert found is not None
    assert found.failure is not None
    assert found.failure[0] == "crashed"


def test_real_files(
    keeper: following.Keeper,
    engine: sa.Engine,
    settings: Settings,
    example_files: list[Path],
    overviews: Overviews,
) -> None:
    import h5py  # noqa: PLC0415

    wanted: dict[str, tuple[Path, str]] = {}
    for number, path in enumerate(example_files[::2]):
        with h5py.File(path, "r") as file:
            found: list[str] = []
            file.visititems(
                lambda name, node, found=found: found.append(name) if _plots(node) else None
            )
            if found:
                wanted[f"local/{number}"] = path, f"/{found[0]}"
    assert len(wanted) > 10
    for pid, (path, signal) in wanted.items():
        given.register(engine, path, pid=pid, now=NOW, defaultPlot=signal)
    keeper.catch_up()
    drawn = 0
    for pid, (path, signal) in wanted.items():
        with h5py.File(path, "r") as file:
            part = whole(file[signal].shape)
        found_statistics = overviews.statistics(pid, signal, file=path.name, part=part)
        if found_statistics is None:
            failure = getattr(OverviewStore(settings.home).look(pid), "failure", None)
            assert failure is not None
            assert failure[0] in {"no-such-field", "empty", "missing-source", "external-link"}
            continue
        drawn += 1
        with h5py.File(path, "r") as file:
            expected = given.expected(file[signal][()])
        assert found_statistics == pytest.approx(expected, rel=1e-6)
        assert overviews.picture(ANYONE, pid, size="large", frame=None, form="png").content()
    assert drawn > 10


def _plots(node: object) -> bool:
    import h5py  # noqa: PLC0415

    return (
        isinstance(node, h5py.Dataset)
        and node.dtype.kind in "iuf"
        and node.ndim > 0
        and max(node.shape) > 3
    )


def test_what_is_kept_can_be_opened_with_any_tool(
    keeper: following.Keeper, engine: sa.Engine, settings: Settings, path: Path
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    keeper.catch_up()
    (kept,) = OverviewStore(settings.home).all()
    with zipfile.ZipFile(kept) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
    assert {"overview.json", "plot.json", "plot.svg", "small/max.webp", "large/5.webp"} <= names
    assert kept.stat().st_size < 400_000


def test_what_took_too_long_is_tried_again_later(
    engine: sa.Engine, settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.register(engine, path, pid=PID, now=NOW)
    answers = [Outcome(reason="time-limit", detail="it took too long")] * 2
    run = Pool.run

    def slow(pool: Pool, function: str, *arguments: object) -> object:
        return answers.pop() if answers else run(pool, function, *arguments)

    monkeypatch.setattr(Pool, "run", slow)
    monkeypatch.setattr(following, "AGAIN_S", 0.05)
    store = OverviewStore(settings.home)
    with following.overviewing(engine, settings, lambda: NOW):
        end = time.monotonic() + 60
        while (found := store.look(PID)) is None or found.failure is not None:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert answers == []
