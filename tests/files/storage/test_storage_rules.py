"""The small rules: which addresses are meant, what tells contents apart, when to give up."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from panosc.catalogue.writer import write
from panosc.domain.errors import Invalid, Unreachable, Unreadable
from panosc.files.storage.ahead import Ahead
from panosc.files.storage.facts import Facts, mark_of
from panosc.files.storage.local import LocalSource
from panosc.files.storage.opening import open_place, open_source
from panosc.files.storage.places import (
    Place,
    Store,
    address_below,
    modules_for,
    name_below,
    place_of,
    stores_of,
)
from panosc.files.storage.remote import GAP, MERGED, coalesced
from panosc.files.storage.trying import FAILURES, Line, Transient
from panosc.files.tiers import online_file, online_files
from panosc.settings import Settings, Storage

WEB = Store(name="web", url="https://data.example/raw/")
S3 = Store(name="s3", url="s3://raw/", endpoint="https://s3.example", key="k", secret="hidden")


@given(st.binary(min_size=1, max_size=30), st.sampled_from([WEB.url, S3.url, "file:///data/"]))
def test_a_name_stays_the_same_name(name: bytes, prefix: str) -> None:
    url = address_below(prefix, name)
    if url is None:
        assert prefix == S3.url
        with pytest.raises(UnicodeDecodeError):
            name.decode("utf-8")
    else:
        assert url.startswith(prefix)
        assert name_below(url, prefix) == name


@given(st.text(max_size=40))
def test_whatever_is_written_nothing_leads_out(rest: str) -> None:
    for store in (WEB, S3):
        if store.rest(store.url + rest) is not None:
            plain = rest
            for _ in range(3):
                assert not {"..", "."} & set(plain.replace("\\", "/").split("/"))
                plain = plain.replace("%2e", ".").replace("%2E", ".").replace("%2f", "/")


def test_the_longest_prefix_counts() -> None:
    inner = Store(name="inner", url="https://data.example/raw/2026/", private=True)
    assert place_of("https://data.example/raw/2026/a", (WEB, inner)).store == inner
    assert place_of("https://data.example/raw/2025/a", (inner, WEB)).store == WEB
    with pytest.raises(Unreachable):
        place_of("https://data.example/other/a", (WEB, inner))


def test_no_text_shows_secrets() -> None:
    place = Place(url="s3://raw/a", store=S3)
    assert "hidden" not in f"{place!r} {place} {S3!r}"
    setting = Storage(name="a", url="s3://raw/", secret=SecretStr("hidden"))
    assert "hidden" not in f"{setting!r} {setting.model_dump(mode='json')}"


def test_what_processes_load_before() -> None:
    assert modules_for([]) == modules_for([Store(name="a", url="file:///a/")]) == []
    assert modules_for([WEB]) == ["panosc.files.storage.opening"]
    assert modules_for([S3, WEB])[1] == "panosc.files.storage.s3"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "s3://raw"},
        {"url": "ftp://raw/"},
        {"url": "https://me:secret@data.example/"},
        {"url": "https:///raw/"},
        {"url": "http://data.example/"},
        {"url": "dav://data.example/"},
        {"url": "https://data.example/?a=/"},
        {"endpoint": "http://s3.example"},
        {"endpoint": "https://s3.example/path"},
        {"secret": "a", "secret_file": "b"},
        {"name": "A b"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_settings_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Storage(**({"name": "a", "url": "s3://raw/"} | wrong))


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    storage = Storage(name="a", url="s3://raw/", secret_file=secret)
    (store,) = stores_of(Settings(storages=(storage,)))
    assert store.secret == "hidden"
    secret.unlink()
    with pytest.raises(Invalid, match="secret of the storage a cannot be read"):
        stores_of(Settings(storages=(storage,)))
    with pytest.raises(Invalid, match="same name"):
        stores_of(Settings(storages=(Storage(name="a", url="s3://b/"),) * 2))


def test_what_tells_contents_apart() -> None:
    at = "Mon, 23 Nov 2026 00:00:00 GMT"
    marks = [mark_of(at, '"one"'), mark_of(at, '"two"'), mark_of(at, None), mark_of(None, '"one"')]
    assert len(set(marks)) == 4
    assert mark_of(at, 'W/"one"') == mark_of(at, '"one"') == marks[0]
    assert mark_of(at, '"one"', use_etag=False) == marks[2]
    assert mark_of("no time", None) == 0
    assert all(
        0 <= mark < 2**63 for mark in (*marks, mark_of("Mon, 23 Nov 9999 00:00:00 GMT", "x"))
    )
    facts = Facts(size=5, mark=marks[0])
    assert facts.state(5, marks[0]) is None
    assert facts.state(5, marks[1]) == facts.state(6, marks[0]) == "changed"
    # what is not known tells nothing
    assert facts.state(None, 0) is None
    assert Facts(size=None, mark=0).state(5, marks[0]) is None


def test_a_line_that_is_down_and_comes_back() -> None:
    now, waited = [0.0], []
    line = Line("x", clock=lambda: now[0], pause=waited.append)
    calls = []

    def fail(limit_s: float) -> int:
        calls.append(limit_s)
        raise Transient("it does not answer")

    for _ in range(FAILURES):
        with pytest.raises(Unreachable, match="storage x cannot be read from: it does not answer"):
            line.tried(fail, limit_s=5)
    assert len(calls) == 4 * FAILURES
    assert all(before < after for before, after in pairwise(waited[:3]))
    with pytest.raises(Unreachable, match="does not answer"):
        line.tried(fail, limit_s=5)
    assert len(calls) == 4 * FAILURES
    now[0] = 3
    # one tries, nobody else does meanwhile
    line.check()
    with pytest.raises(Unreachable):
        line.check()
    now[0] = 10
    assert line.tried(lambda _: 1, limit_s=5) == 1
    line.check()


def test_what_a_file_does_is_no_failure_of_its_storage() -> None:
    line = Line("x")

    def gone(_: float) -> int:
        raise Unreadable("it is gone", reason="gone")

    for _ in range(2 * FAILURES):
        with pytest.raises(Unreadable, match="gone"):
            line.tried(gone, limit_s=5)


def test_time_is_bounded() -> None:
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    def slow(limit_s: float) -> int:
        now[0] += 2
        raise Transient("slow")

    line = Line("x", clock=lambda: now[0], pause=pause)
    with pytest.raises(Unreachable):
        line.tried(slow, limit_s=3)
    assert now[0] < 5


@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**6)), max_size=30))
def test_ranges_that_are_read_together(ranges: list[tuple[int, int]]) -> None:
    groups = coalesced(ranges)
    assert sorted(index for group in groups for index in group.members) == list(range(len(ranges)))
    for group in groups:
        inside = [ranges[index] for index in group.members]
        assert all(
            group.offset <= at and at + size <= group.offset + group.size for at, size in inside
        )
        assert group.size <= MERGED or len(inside) == 1 or group.size == max(s for _, s in inside)
        assert group.size <= sum(size for _, size in inside) + GAP * len(inside)


def test_local_files(tmp_path: Path) -> None:
    path = tmp_path / "ä b"
    path.write_bytes(b"0123456789" * 300_000)
    with open_source(path.as_uri()) as source:
        assert source.pread(3, 4) == b"3456"
        assert source.pread_many([(0, 1), (9, 2)]) == [b"0", b"90"]
        assert b"".join(source.stream(5)) == path.read_bytes()[5:]
        assert source.state(3_000_000, source.mtime_ns) is None
        for beyond in ((2_999_999, 2), (-1, 2), (2**70, 1)):
            with pytest.raises(Unreadable):
                source.pread(*beyond)
        with Ahead(source, [(0, 100), (200, 100)]) as ahead:
            assert ahead.pread(210, 80) == path.read_bytes()[210:290]
        size, mtime_ns = 3_000_000, path.stat().st_mtime_ns
    os.utime(path, ns=(1, 1))
    place = Place(url=path.as_uri(), size=size, mtime_ns=mtime_ns)
    with pytest.raises(Unreadable) as caught:
        open_place(place)
    assert caught.value.reason == "changed"
    os.mkfifo(tmp_path / "pipe")
    for name in ("nothing", "pipe", "."):
        with pytest.raises(Unreadable) as caught:
            LocalSource(str(tmp_path / name))
        assert caught.value.reason == "gone"


def test_only_what_is_online_has_a_place(engine: sa.Engine, tmp_path: Path) -> None:
    known = {"size": 5, "mtime_ns": 7}
    for url in ("s3://raw/a", f"{WEB.url}a"):
        found = online_file(url, "online", stores=(WEB, S3), **known)
        assert (found.path, found.place.url if found.place else "") == ("", url)
        for tier, reason in (("nearline", "nearline"), ("removed", "gone")):
            with pytest.raises(Unreadable) as caught:
                online_file(url, tier, stores=(WEB, S3), **known)
            assert caught.value.reason == reason
        with pytest.raises(Unreadable) as caught:
            online_file(url, "online", **known)
        assert caught.value.reason == "not-here"
    mirror = Store(name="mirror", url="file:///data/")
    assert online_file("file:///data/a", "online", stores=(mirror,), **known).path == "/data/a"
    rows = [("Dataset", {"pid": "local/a", "access": "open"})]
    for number, url in enumerate(("s3://raw/a", "file:///z/a", "s3://raw/tape")):
        row = {"url": url, "datasetId": "local/a", "name": "a", "size": 5, "mtimeNs": number}
        rows.append(("Location", row | {"tier": "nearline" if "tape" in url else "online"}))
    with engine.begin() as connection:
        write(connection, rows, now=connection.scalar(sa.select(sa.func.now())))
        key = connection.scalar(sa.text("select id from dataset"))
        # this machine's own come first
        assert [item.path for item in online_files(connection, key, stores=(S3,))] == ["/z/a", ""]
        assert [item.path for item in online_files(connection, key)] == ["/z/a"]
