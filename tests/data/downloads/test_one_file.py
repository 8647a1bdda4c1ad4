"""One file: its bytes, its ranges, its headers, and nothing for whoever may not have it."""

import base64
import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import download_node as given
import httpx
import pytest
from download_node import FILES, MEMBER, OPEN, STRANGER

NAME = "run-1.nxs"
SIZE = FILES[OPEN][NAME]
DATA = given.content(OPEN, NAME, SIZE)


def at(pid: str, name: str = NAME) -> str:
    return f"/datasets/{pid}/-/download?file={quote(name, safe='')}"


def test_the_whole_file(node):
    answer = node.get(at(OPEN))
    assert answer.status_code == 200
    assert answer.content == DATA
    sha256 = hashlib.sha256(DATA)
    assert answer.headers["etag"] == f'"{sha256.hexdigest()}"'
    digest = base64.b64encode(sha256.digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["digest"] == f"sha-256={digest}"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'attachment; filename="run-1.nxs"'
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("public")
    with node.client() as client:
        head = client.head(at(OPEN))
    assert head.content == b""
    kept = {"date", "x-request-id"}
    told = {k: v for k, v in answer.headers.items() if k not in kept}
    assert told == {k: v for k, v in head.headers.items() if k not in kept}
    encoded = node.get(at(OPEN.replace("/", "%2F")))
    assert encoded.content == DATA


def test_a_file_without_a_checksum_and_an_empty_one(node):
    answer = node.get(at(OPEN, "run-2.nxs"))
    assert answer.content == given.content(OPEN, "run-2.nxs", FILES[OPEN]["run-2.nxs"])
    assert answer.headers["etag"].startswith('"k')
    assert "repr-digest" not in answer.headers
    empty = node.get(at(OPEN, "empty.txt"))
    assert (empty.status_code, empty.content) == (200, b"")
    named = node.get(at(OPEN, "logs/π run.txt"))
    assert named.headers["content-disposition"].endswith("filename*=UTF-8''%CF%80%20run.txt")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=2999990-", 2_999_990, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        ("bytes=-9999999", 0, SIZE),
        ("bytes=5-9999999", 5, SIZE),
        ("bytes=1048570-1048590", 1_048_570, 1_048_591),
        ("bytes=0-9,5-19", 0, 20),
    ],
)
def test_a_range(node, asked, start, stop):
    answer = node.get(at(OPEN), Range=asked)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.content == DATA[start:stop]


def test_several_ranges(node):
    answer = node.get(at(OPEN), Range="bytes=2000000-2000009, 0-4,-3")
    assert answer.status_code == 206
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = answer.content.split(f"--{boundary}".encode())
    assert parts[-1] == b"--\r\n"
    bodies = [part.partition(b"\r\n\r\n")[2][:-2] for part in parts[1:-1]]
    assert bodies == [DATA[:5], DATA[2_000_000:2_000_010], DATA[-3:]]
    assert f"bytes 0-4/{SIZE}".encode() in parts[1]


@pytest.mark.parametrize(
    "asked", ["bytes=3000000-", "bytes=-0", "bytes=99999999999999999999-", "bytes=" + "1-1," * 40]
)
def test_ranges_that_are_not_there_are_refused(node, asked):
    answer = node.get(at(OPEN), Range=asked.rstrip(","))
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=9-2", "bytes=x", "lines=0-1", "bytes=--5", "bytes=,"])
def test_what_is_no_range_is_passed_over(node, asked):
    answer = node.get(at(OPEN), Range=asked)
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


def test_conditions(node):
    tag = node.get(at(OPEN), Range="bytes=0-0").headers["etag"]
    modified = node.get(at(OPEN), Range="bytes=0-0").headers["last-modified"]
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"x", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
    ):
        answer = node.get(at(OPEN), **headers)
        assert (answer.status_code, answer.content) == (304, b""), headers
        assert answer.headers["etag"] == tag
    assert node.get(at(OPEN), **{"If-None-Match": '"x"'}).status_code == 200
    assert node.get(at(OPEN), **{"If-Match": '"x"'}).status_code == 412
    assert node.get(at(OPEN), **{"If-Match": tag}).status_code == 200
    ranged = {"Range": "bytes=0-1"}
    assert node.get(at(OPEN), **ranged, **{"If-Range": tag}).status_code == 206
    assert node.get(at(OPEN), **ranged, **{"If-Range": modified}).status_code == 206
    for stale in ('"x"', f"W/{tag}", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert node.get(at(OPEN), **ranged, **{"If-Range": stale}).status_code == 200, stale


def test_a_download_is_resumed(node, tmp_path):
    kept = b""
    while len(kept) < SIZE:
        with (
            node.client(Range=f"bytes={len(kept)}-") as client,
            client.stream("GET", at(OPEN)) as answer,
        ):
            for block in answer.iter_raw(100_000):
                kept += block
                if len(kept) % 3 == 0:
                    break
    assert kept == DATA


@pytest.mark.parametrize(
    ("pid", "person", "status"),
    [
        (given.EMBARGOED, None, 403),
        (given.EMBARGOED, STRANGER, 403),
        (given.EMBARGOED, MEMBER, 200),
        (given.CLOSED, None, 404),
        (given.CLOSED, STRANGER, 404),
        (given.CLOSED, MEMBER, 200),
        (given.WITHDRAWN, MEMBER, 410),
        (given.WITHDRAWN, None, 410),
        (given.ERASED, None, 410),
        (given.NEVER, MEMBER, 404),
        (given.TAPE, None, 200),
    ],
)
def test_who_gets_it(node, pid, person, status):
    name = "disk.nxs" if pid == given.TAPE else NAME
    for method in ("GET", "HEAD"):
        with node.client(person) as client:
            answer = client.request(method, at(pid, name))
        assert answer.status_code == status
        if status != 200:
            told = str(answer.headers) + answer.text
            assert "etag" not in answer.headers
            assert "60000" not in told
            assert hashlib.sha256(given.content(pid, NAME, 60_000)).hexdigest() not in told


def test_closed_is_as_if_it_never_was(node):
    closed, never = node.get(at(given.CLOSED)), node.get(at(given.NEVER))
    closed_text = closed.text.replace(given.CLOSED, "PID")
    closed_text = closed_text.replace(closed.headers["x-request-id"], "ID")
    never_text = never.text.replace(given.NEVER, "PID").replace(never.headers["x-request-id"], "ID")
    assert closed_text == never_text
    assert set(closed.headers) == set(never.headers)
    # conditions of whoever may not have it are not answered
    tag = f'"{hashlib.sha256(given.content(given.CLOSED, NAME, 60_000)).hexdigest()}"'
    assert node.get(at(given.CLOSED), **{"If-None-Match": tag}).status_code == 404
    assert node.get(at(given.EMBARGOED), **{"If-None-Match": "*"}).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "../open/0.dat",
        "..%2F..%2Fetc%2Fpasswd",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "....//....//etc/passwd",
        "run-1.nxs/../run-2.nxs",
        "run-1.nxs\0.txt",
        "file:///etc/passwd",
        "",
        "x" * 4000,
    ],
    ids=range(10),
)
def test_only_registered_names_are_names(node, name):
    answer = node.get(at(OPEN, name))
    assert answer.status_code == 404
    assert "root:" not in answer.text
    twice = node.get(at(OPEN, quote(name, safe="")))
    assert twice.status_code in {404, 422}


@pytest.mark.parametrize("name", given.EVIL_NAMES, ids=range(len(given.EVIL_NAMES)))
def test_hostile_names_in_headers(node, name):
    answer = node.get(at(given.EVIL, name))
    assert answer.content == given.content(given.EVIL, name, 10)
    said = answer.headers["content-disposition"]
    assert said.startswith('attachment; filename="')
    plain = said.partition('filename="')[2].partition('"')[0]
    assert not set(plain) & set('/\\:\n\r"')
    assert plain not in {"..", "CON"}
    rest = said.partition("UTF-8''")[2]
    assert "%2F" not in rest
    assert "%0A" not in rest
    assert "%E2%80%AE" not in rest


def test_what_changed_is_not_sent(own_node):
    path = own_node.path(OPEN, NAME)
    status = path.stat()

    def reason():
        answer = own_node.get(at(OPEN))
        assert answer.status_code == 422
        return answer.json()["detail"]

    path.write_bytes(DATA[:-1])
    assert "changed" in reason()
    path.write_bytes(DATA[::-1])
    assert "changed" in reason()
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    path.unlink()
    assert "not where it was" in reason()
    path.mkdir()
    assert own_node.get(at(OPEN)).status_code == 422


def test_links_in_the_path_lead_nowhere(own_node, tmp_path):
    """Somebody swaps a file, or a folder above it, for a link to a secret just like it."""
    node, path = own_node, own_node.path(OPEN, NAME)
    # a file of somebody else that this process may read
    secret = Path("/etc/passwd")
    status = secret.stat()
    node.registered(path, status.st_size, status.st_mtime_ns)
    aside = path.rename(path.with_suffix(".aside"))

    def lay(link: Path, target: object) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(str(target))
        if os.geteuid() == 0:
            os.lchown(link, 12345, -1)

    for target in (secret, os.path.relpath(secret, path.parent)):
        lay(path, target)
        answer = node.get(at(OPEN))
        assert answer.status_code == 422
        assert "root:" not in answer.text
    status = aside.stat()
    node.registered(path, SIZE, status.st_mtime_ns)
    # inside its folder a link is a file, and elsewhere it is to what belongs to who laid it
    lay(path, aside.name)
    assert node.get(at(OPEN)).content == DATA
    other = tmp_path / path.name
    other.write_bytes(DATA[::-1])
    os.utime(other, ns=(status.st_mtime_ns, status.st_mtime_ns))
    lay(path, other)
    os.chown(other, path.lstat().st_uid, -1)
    assert node.get(at(OPEN)).content == DATA[::-1]
    # the folder above it
    path.parent.rename(path.parent.with_suffix(".aside"))
    path.parent.symlink_to(other.parent)
    assert node.get(at(OPEN)).status_code == 422


def read_until_it_ends(node, change) -> int:
    """Return how many bytes come of a file that is changed after the first of them."""
    got = 0
    with node.client() as client, client.stream("GET", at(OPEN)) as answer:
        try:
            for block in answer.iter_raw():
                if got == 0:
                    change()
                got += len(block)
        except httpx.RemoteProtocolError:
            return got
    pytest.fail("the connection was not broken")


def test_a_file_that_shrinks_or_changes_while_it_is_sent_breaks_the_connection(own_node):
    path, size = own_node.path(OPEN, NAME), 200_000_000
    changes = (lambda: os.truncate(path, size - 10), lambda: os.utime(path, ns=(2, 2)))
    for change in changes:
        os.truncate(path, size)
        own_node.registered(path, size, path.stat().st_mtime_ns)
        assert 0 < read_until_it_ends(own_node, change) < size


def test_a_nearline_file_is_not_opened(node):
    answer = node.get(at(given.TAPE, "tape.nxs"))
    assert answer.status_code == 422
    assert "tape" in answer.json()["detail"]
