"""Which tier a file is in is told without reading it, and cheaply."""

import os
import stat
import sys
import time

import pytest
from profile_trees import profile, told

from panosc.ingest.profiles.outside.tiers import FAILURES, PAUSE_S, ByCommand
from panosc.ingest.profiles.outside.troubles import Troubles

RULES = "profile: site\ntitle: A site\nrules: [{name: all, path: '*'}]\ntiers:\n"


def calls(path, work):
    """The system calls with which Python touches files, as its audit hooks tell them."""
    seen = []
    wanted = {"open", "os.getxattr", "os.scandir", "os.listdir"}

    def hook(event, arguments):
        if hook.is_on and event in wanted and str(path) in map(str, arguments):
            seen.append(event)

    hook.is_on = True
    sys.addaudithook(hook)
    try:
        work()
    finally:
        hook.is_on = False
    return seen


def script(folder, text):
    path = folder / "where.py"
    path.write_text(f"#!{sys.executable}\nimport sys, time, os\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_by_path(tmp_path):
    site = profile(
        tmp_path,
        RULES + "  - {tier: online, path: /tape/cache/**}\n  - path: /tape/**\n"
        "  - {path: '{proposal}/archive/**'}\n",
    )
    assert site.tiers(["/tape/cache/x", "/tape/x", "/a/tape/x", "/d/ma1/archive/y/x"]) == [
        "online",
        "nearline",
        "online",
        "nearline",
    ]
    assert calls("/tape/x", lambda: site.tiers(["/tape/x"])[0]) == []


def test_by_attribute(tmp_path):
    site = profile(tmp_path, RULES + "  - {xattr: user.state, value: 'offline|migrated'}\n")
    for name, value in {"a": b"offline", "b": b"online", "c": b"migrated\0", "d": None}.items():
        (tmp_path / name).touch()
        if value is not None:
            try:
                os.setxattr(tmp_path / name, "user.state", value)
            except OSError:
                pytest.fail("the file system of the tests has no extended attributes")
    found = site.tiers([str(tmp_path / name) for name in "abcd"])
    assert found == ["nearline", "online", "nearline", "online"]
    assert site.tiers([str(tmp_path / "none")])[0] == "online"
    path = tmp_path / "a"
    assert calls(path, lambda: site.tiers([str(path)])[0]) == ["os.getxattr"]


def test_an_attribute_that_may_not_be_asked_means_nearline(tmp_path):
    site = profile(tmp_path, RULES + "  - {xattr: user.state}\n")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert site.tiers([str(loop)])[0] == "nearline"
    ((place, reason),) = site.troubles.take()
    assert place == str(loop)
    assert "taken for nearline" in reason


def test_by_blocks(tmp_path):
    site = profile(tmp_path, RULES + "  - blocks: true\n")
    (tmp_path / "whole").write_bytes(os.urandom(200_000))
    with (tmp_path / "stub").open("wb") as file:
        file.truncate(10_000_000)
    # a small file may lie in its inode, without blocks
    with (tmp_path / "small").open("wb") as file:
        file.truncate(50_000)
    paths = [str(tmp_path / name) for name in ("small", "whole", "stub", "none")]
    assert site.tiers(paths) == ["online", "online", "nearline", "online"]
    assert calls(paths[2], lambda: site.tiers([paths[2]])[0]) == []


def test_a_command_is_asked_once_about_many_files(tmp_path):
    log = tmp_path / "log"
    where = script(
        tmp_path,
        f"open({str(log)!r}, 'a').write('x')\n"
        "for line in sys.stdin: print('nearline' if 'tape' in line else 'online')",
    )
    site = profile(tmp_path, RULES + f"  - command: [{where}]\n")
    paths = [f"/{'tape' if number % 3 else 'disk'}/{number}" for number in range(900)]
    assert site.tiers(paths) == ["nearline" if "tape" in path else "online" for path in paths]
    assert log.read_text(encoding="utf-8") == "x"
    assert site.tiers(["/tape/a b'\"$(x)"])[0] == "nearline"
    assert site.tiers(["/disk/\udcff"])[0] == "online"
    assert site.tiers(["/disk/a\nb"])[0] == "nearline"
    assert "line break" in site.troubles.take()[0][1]


def test_a_command_may_be_asked_file_by_file(tmp_path):
    where = script(tmp_path, "print('nearline' if 'tape' in sys.argv[1] else 'online')")
    site = profile(tmp_path, RULES + f"  - {{command: [{where}, '{{path}}'], limit: 20s}}\n")
    assert site.tiers(["/tape/; echo online", "/disk/y"]) == ["nearline", "online"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sys.exit(3)", "ended with code 3"),
        ("print('perhaps')", "neither online nor nearline"),
        ("print('online online')", "2 words for 1 paths"),
        ("pass", "0 words for 1 paths"),
        ("time.sleep(60)", "did not answer within 0.3 s"),
        ("os.fork() or time.sleep(60)\nprint('online')", "did not answer within 0.3 s"),
    ],
    ids=["code", "word", "many", "none", "slow", "child"],
)
def test_a_command_that_fails_means_nearline_and_is_said(tmp_path, text, says):
    where = script(tmp_path, text)
    site = profile(tmp_path, RULES + f"  - {{command: [{where}], limit: 0.3s}}\n")
    if "sleep" not in text:
        site = profile(tmp_path, RULES + f"  - {{command: [{where}]}}\n")
    begin = time.monotonic()
    assert site.tiers(["/disk/x"])[0] == "nearline"
    assert time.monotonic() - begin < 20
    ((_, reason),) = site.troubles.take()
    assert says in reason
    assert "taken for nearline" in reason


def test_a_command_that_is_not_there_is_left_in_peace_after_some_failures():
    now = [0.0]
    teller = ByCommand(
        words="command",
        arguments=("/no/such/command",),
        limit_s=1,
        troubles=Troubles(),
        clock=lambda: now[0],
    )
    runs = []
    run = teller._run

    def counted(paths):
        runs.append(paths)
        return run(paths)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ByCommand, "_run", lambda self, paths: counted(paths))
        for _ in range(10):
            assert teller.tell(["/x"]) == ["nearline"]
        assert len(runs) == FAILURES
        now[0] = PAUSE_S + 1
        teller.tell(["/x"])
        assert len(runs) == FAILURES + 1
    ((_, reason),) = teller.troubles.take()
    assert "cannot be run" in reason


def test_a_side_file_on_tape_is_not_read(tmp_path):
    site = profile(
        tmp_path,
        "profile: site\ntitle: A site\nrules:\n"
        "  - {name: run, path: 'run/**', group: folder, side: metadata.yaml}\n"
        "tiers: [{path: '*.yaml'}]\n",
        name="site.yml",
    )
    folder = tmp_path / "run"
    folder.mkdir()
    side = folder / "metadata.yaml"
    side.write_text("title: On tape\n", encoding="utf-8")
    seen = calls(side, lambda: told(site, str(folder / "x.h5")))
    assert seen == []
    assert told(site, str(folder / "x.h5")).title is None
