"""Archives of files that lie in a real S3: one request a file, and never another content."""

import io
import random
import threading
import zipfile

import pytest
from seaweed import BUCKET, Seaweed

from panosc.data.admitting import Located
from panosc.data.downloads import bagging, zipping
from panosc.data.downloads.bagging import About, Bag, Checksums
from panosc.data.downloads.opening import AHEAD, EARLY, Broken, Opener
from panosc.files.storage.opening import connected, open_source

SIZES = (0, 1, 5000, EARLY, EARLY + 1, 700_000, 3_000_000, 20, 5000, 5000)
CONTENTS = [random.Random(number).randbytes(size) for number, size in enumerate(SIZES)]
ABOUT = About(pid="x/1", title="X", licence=None, citation="X", address="http://x")


@pytest.fixture
def files(seaweed: Seaweed) -> list[Located]:
    return [put(seaweed, f"{number}.bin", data) for number, data in enumerate(CONTENTS)]


def put(seaweed: Seaweed, name: str, data: bytes) -> Located:
    url = f"s3://{BUCKET}/archives/{name}"
    seaweed.put(f"archives/{name}", data)
    return Located(
        dataset_id=1,
        pid="x/1",
        title="X",
        name=name,
        url=url,
        tier="online",
        size=len(data),
        mtime_ns=open_source(url, [seaweed.store()]).mtime_ns,
        sha256="0" * 64,
        format=None,
        part="",
        is_public=True,
    )


def packed(seaweed: Seaweed, files: list[Located]) -> Bag:
    items = bagging.named(files, is_apart=False)
    opener = Opener((seaweed.store(),))
    return bagging.pack(items, [], [ABOUT], checksums=Checksums(), is_hashed=False, opener=opener)


def test_all_files_are_in_it_at_one_request_each(seaweed: Seaweed, files: list[Located]) -> None:
    before = connected(seaweed.store()).requests
    bag = packed(seaweed, files)
    whole = b"".join(zipping.write(bag.entries))
    bag.close()
    assert connected(seaweed.store()).requests == before + len(files)
    assert len(whole) == zipping.size_of(bag.entries)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        found = [archive.read(f"x_1/data/{one.name}") for one in files]
    assert found == CONTENTS
    assert not [one for one in threading.enumerate() if "panosc-ahead" in one.name and wait(one)]


def wait(thread: threading.Thread) -> bool:
    """Whether a thread goes on."""
    thread.join(5)
    return thread.is_alive()


@pytest.mark.parametrize("number", [0, 2, 5, 6, len(SIZES) - 1])
@pytest.mark.parametrize("harm", ["another", "longer", "gone"])
def test_what_is_not_as_registered_breaks_it_off(
    seaweed: Seaweed, files: list[Located], number: int, harm: str
) -> None:
    data, key = CONTENTS[number], f"archives/{number}.bin"
    if harm == "gone":
        seaweed.delete(key)
    else:
        seaweed.put(key, data + b"x" if harm == "longer" else data[::-1] or b"x")
    bag = packed(seaweed, files)
    came = bytearray()
    with pytest.raises(Broken, match=r"not where|not in the storage|changed"):
        _append(came, bag)
    bag.close()
    assert b"x_1/manifest" not in came
    assert all(one in came for one in CONTENTS[:number])


def _append(came: bytearray, bag: Bag) -> None:
    for piece in zipping.write(bag.entries):
        came += piece


def test_one_content_under_two_registrations(seaweed: Seaweed) -> None:
    one = put(seaweed, "twice", b"y" * 5000)
    other = Located(**{**{name: getattr(one, name) for name in one.__slots__}, "mtime_ns": 5})
    for files in ([one, other], [other, one], [one, one, other]):
        bag = packed(seaweed, files)
        with pytest.raises(Broken, match="changed"):
            list(zipping.write(bag.entries))
        bag.close()


def test_no_more_is_read_ahead_than_is_said(seaweed: Seaweed) -> None:
    files = [put(seaweed, f"ahead-{number}", b"z" * 100) for number in range(3 * AHEAD)]
    store = seaweed.store()
    with Opener((store,)) as opener:
        before = connected(store).requests
        with opener.open(files[0], following=files[1:]) as opened:
            assert opened.read(0, 100) == b"z" * 100
        # what was begun is ended before more is asked for
        opener.open(files[1], following=[]).close()
    assert connected(store).requests <= before + 1 + AHEAD
