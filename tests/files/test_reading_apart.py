"""Another account reads: descriptors, readers and their memory come from its process.

Where the tests do not run as root, "another" is this account again: all that can be seen there
is the same way to the bytes.
"""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from apart_accounts import COMMANDS, OURS
from panosc.domain.errors import Unavailable, Unreadable
from panosc.files.apart import asking, starting
from panosc.files.lanes import Lanes
from panosc.files.sandbox import GRACE_S, Terms, write_frame
from panosc.files.storage.local import LocalSource, state_of
from panosc.files.workers import Pool

AREA = 1 << 20


@pytest.fixture(params=COMMANDS, ids=lambda name: name.replace(" ", "-"))
def account(request):
    """The account that reads."""
    asking.use(COMMANDS[request.param])
    yield asking.asker()
    asking.use(())


@pytest.fixture
def folder(open_folder, request):
    """A folder that every account may look into."""
    found = open_folder / "apart"
    found.mkdir(exist_ok=True)
    return found


def lanes_of(work, **options):
    given = {"quick": 1, "slow": 1, "memory_mb": 256, "time_limit_s": 20.0, "area_bytes": AREA}

    async def main():
        lanes = Lanes(**(given | options), preload=["lane_tasks"])
        try:
            return await work(lanes)
        finally:
            lanes.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


def has_ended(number: int) -> bool:
    """Whether a process ends within five seconds."""
    for _ in range(100):
        try:
            told = Path(f"/proc/{number}/stat").read_text("ascii")
        except OSError:
            return True
        if told.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_files_are_opened_there_for_reading_only(account, folder):
    path = folder / "plain"
    path.write_bytes(b"0123456789")
    with LocalSource(path, size=10, mtime_ns=path.stat().st_mtime_ns) as source:
        assert source.pread(2, 3) == b"234"
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(source.descriptor, b"x")
    assert state_of(str(path), 10, path.stat().st_mtime_ns) is None
    assert state_of(str(path), 9, None) == "changed"
    assert state_of(str(folder / "none"), None, None) == "gone"
    with pytest.raises(Unreadable) as gone:
        LocalSource(folder / "none")
    assert gone.value.reason == "gone"


def test_no_link_to_elsewhere_is_followed_there(account, folder):
    (folder / "real").mkdir(exist_ok=True)
    (folder / "real" / "file").write_bytes(b"x")
    link = folder / "link"
    with suppress(FileExistsError):
        link.symlink_to(folder / "real")
    with pytest.raises(Unreadable) as refused:
        LocalSource(link / "file")
    assert refused.value.reason == "changed"
    with pytest.raises(Unreadable):
        LocalSource("/dev/null")
    pipe = folder / "pipe"
    with suppress(FileExistsError):
        os.mkfifo(pipe)
    # nobody writes into it: it must not be waited for
    with pytest.raises(Unreadable):
        LocalSource(pipe)


def test_readers_share_memory_and_have_no_rights(account, folder):
    async def work(lanes):
        echo = await lanes.run("quick", "lane_tasks:echo", AREA, b"y")
        told = await lanes.run("quick", "lane_tasks:status")
        written = await lanes.run("quick", "lane_tasks:write_to", str(folder / "written"))
        shrunk = await lanes.run("quick", "lane_tasks:shrink_memory")
        after = await lanes.run("quick", "lane_tasks:echo", AREA, b"z")
        return echo.body, told.outcome.value, written.outcome, shrunk.outcome, after.body

    echo, told, written, shrunk, after = lanes_of(work)
    assert echo == b"y" * AREA
    lines = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    assert {lines[name] for name in ("CapPrm", "CapEff", "CapAmb", "CapInh")} == {"0" * 16}
    assert lines["NoNewPrivs"] == "1"
    assert lines["Uid"].split() == [str(account.uid)] * 4
    assert int(lines["PPid"]) == account.pid
    assert written.reason in {"failed", "crashed"}
    assert "not permitted" in shrunk.detail
    assert after == b"z" * AREA


def test_a_task_that_takes_too_long_is_ended_there(account):
    async def work(lanes):
        before = (await lanes.run("quick", "lane_tasks:number")).outcome.value
        late = await lanes.run("quick", "lane_tasks:sleep", 60)
        after = (await lanes.run("quick", "lane_tasks:number")).outcome.value
        return before, late.outcome.reason, after

    before, reason, after = lanes_of(work, time_limit_s=1.0)
    assert reason == "time-limit"
    assert has_ended(before)
    assert after != before


def test_pools_tell_how_a_worker_there_ended(account):
    with Pool(workers=1, memory_mb=256, time_limit_s=20) as pool:
        first = pool.run("os:getpid").value
        died = pool.run("os:abort")
        assert died.reason == "crashed"
        assert "SIGABRT" in died.detail
        assert pool.run("os:getuid").value == account.uid
        last = pool.run("os:getpid").value
    assert first != last
    assert has_ended(last)


def test_another_process_there_takes_over_from_one_that_was_killed(account, folder):
    async def work(lanes):
        before = (await lanes.run("quick", "lane_tasks:number")).outcome.value
        os.kill(account.pid, signal.SIGKILL)
        again = await lanes.run("quick", "lane_tasks:echo", 3)
        return before, again.body

    before, again = lanes_of(work)
    assert again == b"xxx"
    assert has_ended(before)
    path = folder / "later"
    path.write_bytes(b"x")
    with LocalSource(path) as source:
        assert source.pread(0, 1) == b"x"
    assert asking.asker().pid != account.pid


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda found: found[0].split("/")[-1])
def test_what_reads_ends_with_the_node(command):
    script = f"""
import time
from panosc.files.apart import asking
from panosc.files.workers import Pool
asking.use({command!r})
pool = Pool(workers=1, memory_mb=256, time_limit_s=60)
print(asking.asker().pid, pool.run("os:getpid").value, flush=True)
pool.run("time:sleep", 60)
"""
    node = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with node:
        keeper, reader = map(int, node.stdout.readline().split())
        assert Path(f"/proc/{reader}/stat").read_text("ascii").split()[2] != "Z"
        node.kill()
    assert has_ended(keeper)
    assert has_ended(reader)


def test_a_reader_ends_itself_where_nobody_else_does():
    source, ask = os.pipe()
    answer, sink = os.pipe()
    reader = starting.start(source, sink)
    os.close(source)
    os.close(sink)
    terms = Terms(parent=os.getpid(), memory_mb=256, search_path=tuple(sys.path), limit_s=0.2)
    write_frame(ask, terms)
    write_frame(ask, [("time:sleep", (60,))])
    began = time.monotonic()
    with os.fdopen(answer, "rb") as answers:
        answers.read()
    assert time.monotonic() - began < GRACE_S + 10
    assert reader.wait() == -signal.SIGALRM
    os.close(ask)


def test_a_command_that_does_not_work_is_told(tmp_path):
    asking.use(("false",))
    try:
        with pytest.raises(Unavailable, match="cannot be reached"):
            LocalSource(tmp_path / "a")
        with (
            Pool(workers=1, memory_mb=256, time_limit_s=20) as pool,
            pytest.raises(Unavailable, match="cannot be started"),
        ):
            pool.run("os:getpid")
    finally:
        asking.use(())


def test_what_the_account_may_not_read_is_not_read(account, folder):
    """As root it is its account that decides, and not that of the tests, which may read all."""
    secret = folder / "secret"
    secret.write_bytes(b"secret")
    secret.chmod(0)
    with pytest.raises(Unreadable) as refused:
        LocalSource(secret)
    assert refused.value.reason == "not-reachable"
    if account.uid != os.getuid():
        os.chown(secret, account.uid, -1)
    secret.chmod(stat.S_IRUSR)
    with LocalSource(secret) as source:
        assert source.pread(0, 6) == b"secret"
    secret.unlink()


def test_this_account_opens_files_itself_where_no_command_is_set(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    assert not asking.is_used()
    assert COMMANDS["this account"] == OURS
    with LocalSource(path) as source:
        assert source.pread(0, 1) == b"x"
