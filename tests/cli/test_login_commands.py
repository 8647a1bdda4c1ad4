"""`panosc login`, `whoami`, `logout` as processes, against a node that serves."""

import json
import os
import shutil
import signal
import stat
import time

import pytest
from remote_node import OTHER, PERSON, remote_node

from panosc.cli.remote.node import checked
from panosc.domain.errors import Invalid


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with remote_node(new_database, template, tmp_path_factory.mktemp("remote")) as found:
        yield found


@pytest.fixture
def node(served_node):
    shutil.rmtree(served_node.user_home / "config", ignore_errors=True)
    return served_node


def kept(node):
    return json.loads(node.credentials.read_text())["nodes"][node.address]


def let_it_be_over(node):
    """Make the access token look used up, so that the next command refreshes."""
    content = json.loads(node.credentials.read_text())
    content["nodes"][node.address]["expires"] = 0.0
    node.credentials.write_text(json.dumps(content))


def tokens(node, person=PERSON):
    with node.browser(person) as browser:
        return browser.get("/api/v1/tokens").json()


def test_login_whoami_refresh_logout(node):
    node.log_in()
    assert stat.S_IMODE(node.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(node.credentials.parent.stat().st_mode) == 0o700
    first = kept(node)
    told = json.loads(node.run("whoami", "--json").stdout)
    assert (told["account"], told["node"], told["scopes"]) == (
        PERSON,
        node.address,
        ["read", "data"],
    )
    assert kept(node) == first
    let_it_be_over(node)
    shown = node.run("whoami", node.address + "/")
    assert f"account\t{PERSON}" in shown.stdout
    second = kept(node)
    assert second["refresh"] != first["refresh"]
    assert stat.S_IMODE(node.credentials.stat().st_mode) == 0o600
    # the node has forgotten the access token, which the clock here calls good
    node.identity.devices.revoke(second["access"])
    over = node.run("whoami")
    assert over.returncode == 1
    assert "is over, or was revoked" in over.stderr
    assert f"panosc login {node.address}" in over.stderr
    node.log_in()
    ended = node.run("logout", node.address)
    assert (ended.returncode, "logged out" in ended.stderr) == (0, True)
    assert tokens(node) == []
    assert "ps_" not in node.credentials.read_text()
    nobody = node.run("whoami", node.address)
    assert (nobody.returncode, "not logged in" in nobody.stderr) == (1, True)
    for process in (shown, over, ended, nobody):
        assert "ps_at_" not in process.stdout + process.stderr


def test_two_processes_do_not_use_one_refresh_token(node):
    node.log_in()
    let_it_be_over(node)
    processes = [node.start("whoami", "--json") for _ in range(3)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["account"] == PERSON
    assert len(tokens(node)) == 1
    assert node.run("logout").returncode == 0


def test_a_second_login_ends_the_first(node):
    node.log_in()
    node.log_in(OTHER)
    assert json.loads(node.run("whoami", "--json").stdout)["account"] == OTHER
    assert tokens(node) == []


def test_ctrl_c_leaves_nothing(node):
    process = node.start("login", node.address)
    node.code_of(process)
    # by now it waits: it has said all it has to say
    assert "compare the code" in process.stderr.readline()
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted" in told
    assert "Traceback" not in told
    assert not node.credentials.exists()
    assert tokens(node) == []


def test_a_login_that_is_denied_says_so(node):
    process = node.start("login", node.address, "--scope", "read")
    node.answer(PERSON, node.code_of(process), "denied")
    _, told = process.communicate(timeout=60)
    assert (process.returncode, "denied in the browser" in told) == (1, True)
    assert not node.credentials.exists()


def test_a_file_that_others_can_read_is_not_used(node):
    node.credentials.parent.mkdir(parents=True)
    login = {"program": "x", "access": "a", "refresh": "b", "expires": 9e12}
    node.credentials.write_text(json.dumps({"nodes": {node.address: login}}))
    node.credentials.chmod(0o640)
    for words in (("whoami",), ("login", node.address)):
        failed = node.run(*words)
        assert failed.returncode == 1
        assert "can be read by others" in failed.stderr
    node.credentials.chmod(0o600)
    node.credentials.write_text("[]")
    failed = node.run("whoami")
    assert (failed.returncode, "not a file of credentials" in failed.stderr) == (1, True)


def test_a_token_of_the_environment_goes_before_the_login(node):
    made = node.operate("token", "create", "--as", OTHER, "--name", "x")
    token = made.stdout.strip()
    told = node.run("whoami", node.address, "--json", PANOSC_TOKEN=token)
    assert json.loads(told.stdout)["account"] == OTHER
    bad = node.run("whoami", node.address, PANOSC_TOKEN="ps_pat_nonsense")
    assert (bad.returncode, "does not take this token" in bad.stderr) == (1, True)
    where = node.run("whoami", PANOSC_TOKEN=token)
    assert (where.returncode, "for which node" in where.stderr) == (2, True)
    assert not node.credentials.exists()


@pytest.mark.parametrize("spoilt", ["ps_pat_first\nsecond", "ps_pat_é", " ", "Bearer ps_pat_x"])
def test_a_token_with_odd_characters_is_never_shown(node, spoilt):
    failed = node.run("whoami", node.address, PANOSC_TOKEN=spoilt)
    assert (failed.returncode, "PANOSC_TOKEN is no token" in failed.stderr) == (2, True)
    assert "ps_pat_" not in failed.stdout + failed.stderr


def test_no_node_there_is_said(node):
    failed = node.run("login", "http://127.0.0.1:9")
    assert (failed.returncode, "does not answer" in failed.stderr) == (3, True)
    assert "Traceback" not in failed.stderr
    failed = node.run("login", node.address, "--scope", "everything")
    assert (failed.returncode, "refuses the login" in failed.stderr) == (1, True)


@pytest.mark.parametrize(
    "address",
    [
        "http://data.example",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example",
        "ftp://data.example",
        "data.example",
        "https://user:secret@data.example",
        "https://data.example/?x=1",
        "https://[",
        "https://data.example:port",
        "",
    ],
)
def test_tokens_go_to_no_address_like_this(address):
    with pytest.raises(Invalid):
        checked(address)


@pytest.mark.parametrize(
    ("address", "spelling"),
    [
        ("https://Data.Example/", "https://data.example"),
        ("https://data.example/pan/", "https://data.example/pan"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_an_address_has_one_spelling(address, spelling):
    assert checked(address) == spelling
