"""Archives: read back by other programs, exact in size, safe in names, true or broken off."""

import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import zipfile

import download_node as given
import httpx
import pytest
import sqlalchemy as sa
from download_node import EVIL, FILES, MEMBER, OPEN, STRANGER, TAPE, unpacked

from panosc.catalogue.tables import location
from panosc.data.downloads import zipping
from panosc.data.downloads.naming import Names, matching, safe_name


def at(pid: str, query: str = "") -> str:
    return f"/datasets/{pid}/-/download" + (f"?{query}" if query else "")


@pytest.fixture(scope="module")
def whole(node):
    answer = node.get(at(OPEN))
    assert answer.status_code == 200
    return answer


def test_all_files_are_in_it_with_their_checksums(node, whole):
    assert whole.headers["content-type"] == "application/zip"
    assert whole.headers["content-length"] == str(len(whole.content))
    assert whole.headers["content-disposition"] == 'attachment; filename="10.5072_open.zip"'
    folder, found = unpacked(whole.content)
    assert folder == "10.5072_open"
    for name, size in FILES[OPEN].items():
        assert found[f"data/{name}"] == given.content(OPEN, name, size)
    assert found["bagit.txt"].startswith(b"BagIt-Version: 1.0\n")
    assert f"Payload-Oxum: {sum(FILES[OPEN].values())}.4\n".encode() in found["bag-info.txt"]
    readme = found["README.txt"].decode()
    for told in ("Title of 10.5072/open", "Identifier: 10.5072/open", "CC-BY-4.0", "Cite as:"):
        assert told in readme
    assert "https://doi.org/10.5072/open" in readme
    lines = found["manifest-sha256.txt"].decode().splitlines()
    assert len(lines) == 4
    for line in lines:
        sha256, _, name = line.partition("  ")
        assert hashlib.sha256(found[name]).hexdigest() == sha256
    assert "fetch.txt" not in found


def test_other_programs_read_it(whole, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(whole.content)
    readers = {"unzip": ["unzip", "-tq"], "bsdtar": ["bsdtar", "-tf"]}
    found = [command for name, command in readers.items() if shutil.which(name)]
    for command in found:
        subprocess.run([*command, path], check=True, capture_output=True)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    subprocess.run(
        ["sha256sum", "-c", "manifest-sha256.txt"],
        check=True,
        cwd=tmp_path / "10.5072_open",
        capture_output=True,
    )


def test_head_tells_the_same_and_reads_nothing(node, whole):
    with node.client() as client:
        head = client.head(at(OPEN))
    kept = {"date", "x-request-id"}
    told = {k: v for k, v in whole.headers.items() if k not in kept}
    assert told == {k: v for k, v in head.headers.items() if k not in kept}
    answer = node.get(at(OPEN), **{"If-None-Match": whole.headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_broken_download_of_an_archive_is_continued(node, whole):
    size, tag = len(whole.content), whole.headers["etag"]
    chance = random.Random(7)
    starts = [0, 1, 30, size - 1, size - 300, *(chance.randrange(size) for _ in range(8))]
    for start in starts:
        answer = node.get(at(OPEN), Range=f"bytes={start}-", **{"If-Range": tag})
        assert answer.status_code == 206, start
        assert answer.headers["content-range"] == f"bytes {start}-{size - 1}/{size}"
        assert answer.content == whole.content[start:], start
        stop = chance.randrange(start, size)
        part = node.get(at(OPEN), Range=f"bytes={start}-{stop}")
        assert part.content == whole.content[start : stop + 1], (start, stop)
    assert node.get(at(OPEN), Range=f"bytes={size}-").status_code == 416


def test_some_of_the_files(node):
    _, found = unpacked(node.get(at(OPEN, "match=*.NXS")).content)
    assert {name for name in found if name.startswith("data/")} == {
        "data/run-1.nxs",
        "data/run-2.nxs",
    }
    _, found = unpacked(node.get(at(OPEN, "match=logs/")).content)
    assert "data/logs/π run.txt" in found
    assert node.get(at(OPEN, "match=nothing*")).status_code == 404
    assert node.get(at(OPEN, "match=" + "*a" * 200)).status_code == 422


def test_patterns_take_no_long_time():
    fits = matching("*a" * 90 + "*b")
    assert not fits("a" * 4000)
    assert matching("[x]")("a[x]b")
    assert not matching("[x]*")("x")


@pytest.mark.parametrize(
    ("pid", "person", "status"),
    [
        (given.EMBARGOED, None, 403),
        (given.EMBARGOED, STRANGER, 403),
        (given.EMBARGOED, MEMBER, 200),
        (given.CLOSED, None, 404),
        (given.CLOSED, MEMBER, 200),
        (given.WITHDRAWN, MEMBER, 410),
        (given.ERASED, MEMBER, 410),
        (given.NEVER, None, 404),
    ],
)
def test_who_gets_it(node, pid, person, status):
    forms = ["", *(f"as={form}" for form in ("curl", "aria2", "manifest", "urls", "json"))]
    for form in forms:
        for method in ("GET", "HEAD"):
            with node.client(person) as client:
                answer = client.request(method, at(pid, form))
            assert answer.status_code == status, (form, method)
            if status == 200:
                assert "private" in answer.headers["cache-control"]
            else:
                assert "etag" not in answer.headers
                assert "run-1" not in answer.text
                assert "60000" not in answer.text


def test_hostile_names_are_harmless(node, tmp_path):
    content = node.get(at(EVIL)).content
    folder, found = unpacked(content)
    names = [name for name in found if name.startswith("data/")]
    assert len(names) == len(FILES[EVIL])
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        parts = name.split("/")
        assert not {"", ".", ".."} & {*parts}
        assert not re.search(r'[\x00-\x1f<>:"|?*\\\u202e]', name)
        assert not any(part.upper() in {"CON", "NUL"} or part.startswith("-") for part in parts)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "out")
    (only,) = (tmp_path / "out").iterdir()
    assert only.name == folder == "10.5072_evil"
    assert len(found["manifest-sha256.txt"].splitlines()) == len(names)


def test_names_stay_apart():
    names = Names()
    found = [names.add(name) for name in ("a", "A", "a/b", "a/b/c", "x/y", "x", "ﬁ", "fi", "a")]
    assert len({name.casefold() for name in found}) == len(found)
    files = {*found}
    for name in found:
        parts = name.split("/")
        assert not any("/".join(parts[:depth]) in files for depth in range(1, len(parts)))
    many = [
        names.add(f"same{chr(0x200B + number % 5)}" + "\u2060" * (number % 7))
        for number in range(2000)
    ]
    assert len({*many}) == 2000
    assert len(safe_name("é" * 3000 + ".nxs").encode()) <= 200
    assert safe_name("é" * 3000 + ".nxs").endswith(".nxs")
    assert safe_name("/".join("a" * 100)).count("/") < 40


def test_files_on_tape_are_not_recalled(node):
    answer = node.get(at(TAPE))
    assert answer.status_code == 422
    told = answer.json()
    assert told["detail"] == "1 of 2 files are on tape: tape.nxs."
    assert "online=true" in told["hint"]
    assert "/-/restore" in told["hint"]
    _, found = unpacked(node.get(at(TAPE, "online=true")).content)
    assert "data/disk.nxs" in found
    assert "data/tape.nxs" not in found
    assert "1 file(s) are NOT in this archive" in found["README.txt"].decode()
    address, size, name = found["fetch.txt"].decode().split()
    assert address.endswith("/datasets/10.5072/tape/-/download?file=tape.nxs")
    assert (size, name) == ("50000", "data/tape.nxs")
    sha256 = hashlib.sha256(given.content(TAPE, "tape.nxs", 50_000)).hexdigest()
    assert f"{sha256}  data/tape.nxs\n" in found["manifest-sha256.txt"].decode()


def broken(node, path):
    with pytest.raises(httpx.RemoteProtocolError):
        node.get(path)


def test_what_is_not_as_registered_breaks_the_archive_off(own_node, caplog):
    path = own_node.path(OPEN, "run-1.nxs")
    where = location.c.url == path.as_uri()
    # the same size and time, another content
    data = path.read_bytes()
    status = path.stat()
    path.write_bytes(data[:-1] + b"X")
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    checking = own_node.settings.model_copy(update={"download_check_sha256": True})
    with given.served_again(own_node, checking) as node:
        broken(node, at(OPEN))
    assert "has another SHA-256" in caplog.text
    path.write_bytes(data)
    broken(own_node, at(OPEN))
    assert "changed" in caplog.text
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert own_node.get(at(OPEN)).status_code == 200
    # without SHA-256: what was read once is known again
    path.write_bytes(b"X" + data[1:])
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    broken(own_node, at(OPEN))
    assert "not what it was before" in caplog.text
    path.unlink()
    broken(own_node, at(OPEN))
    with own_node.engine.begin() as connection:
        connection.execute(sa.update(location).where(where).values(tier="removed"))
    assert "have been removed" in own_node.get(at(OPEN)).json()["detail"]


def test_more_than_an_archive_may_have(node):
    limited = node.settings.model_copy(update={"download_max_bytes": 1000})
    with given.served_again(node, limited) as small:
        answer = small.get(at(OPEN))
        assert answer.status_code == 413
        assert "as=curl" in answer.json()["hint"]
        assert small.get(at(OPEN, "as=curl")).status_code == 200
        assert small.get(at(OPEN, "file=run-1.nxs")).status_code == 200
    limited = node.settings.model_copy(update={"download_max_files": 3})
    with given.served_again(node, limited) as small:
        assert small.get(at(OPEN)).status_code == 413
        assert small.get(at(OPEN, "match=run")).status_code == 200


def entry(name: str, data: bytes) -> zipping.Entry:
    return zipping.Entry(
        name=name.encode(), size=len(data), mtime_s=1_700_000_000, read=lambda: iter([data])
    )


@pytest.mark.parametrize(("limit", "many"), [(2**32 - 1, 2**16 - 1), (1000, 3)], ids=["32", "64"])
def test_sizes_are_exact_with_and_without_zip64(monkeypatch, tmp_path, limit, many):
    monkeypatch.setattr(zipping, "LIMIT", limit)
    monkeypatch.setattr(zipping, "MANY", many)
    chance = random.Random(3)
    entries = [entry(f"f{n}", chance.randbytes(n * 300)) for n in range(12)]
    content = b"".join(zipping.write(entries))
    assert len(content) == zipping.size_of(entries)
    assert (b"PK\x06\x06" in content) == (many == 3)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert [info.file_size for info in archive.infolist()] == [n * 300 for n in range(12)]
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tq", path], check=True, capture_output=True)


def test_very_many_files_make_an_archive():
    entries = [
        zipping.Entry(name=b"%d" % number, size=0, mtime_s=0, read=lambda: iter(()))
        for number in range(66_000)
    ]
    content = b"".join(zipping.write(entries))
    assert len(content) == zipping.size_of(entries)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.infolist()) == 66_000


def test_a_file_of_another_length_breaks_off():
    for data in (b"12", b"1234"):
        wrong = zipping.Entry(name=b"x", size=3, mtime_s=0, read=lambda data=data: iter([data]))
        with pytest.raises(zipping.Broken):
            b"".join(zipping.write([wrong]))
