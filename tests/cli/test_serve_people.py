"""`panosc serve --dev-login` as a process: made-up people sign in, and never at a real node."""

import os
import re
import signal

import pytest
import requests


def test_made_up_people_sign_in_at_a_node(node):
    server = node.start("serve", "--workers", "1", "--dev-login", "--port", "0")
    line = server.stdout.readline()
    assert line.startswith("ready http://"), server.stderr.read()
    address = line.split()[1]
    browser = requests.Session()
    people = browser.get(f"{address}/login/demo", timeout=20)
    assert "Ada Demo" in people.text
    assert not people.url.startswith(address)
    issuer = people.url.split("/authorize")[0]
    form = re.search(r'action="([^"]+)"', people.text)
    assert form
    target = issuer + form[1].replace("&amp;", "&")
    after = browser.post(target, data={"person": "ada"}, timeout=20)
    assert after.status_code == 200
    assert after.url.startswith(address)
    assert "Ada Demo" in after.text
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
    assert "Traceback" not in server.stderr.read()
    with pytest.raises(requests.ConnectionError):
        requests.get(issuer, timeout=5)


@pytest.mark.parametrize(
    ("options", "toml", "reason"),
    [
        (["--host", "0.0.0.0"], "", "others can reach"),
        ([], 'base_url = "https://data.example.org"\n', "public address"),
        (
            [],
            (
                '[[providers]]\nname = "aai"\ntitle = "AAI"\nissuer = "https://aai.example.org"\n'
                'client_id = "x"\n'
            ),
            "real people",
        ),
    ],
)
def test_a_node_for_real_people_has_no_made_up_ones(node, options, toml, reason):
    node.home.mkdir(parents=True, exist_ok=True)
    (node.home / "panosc.toml").write_text(toml)
    done = node.run("serve", "--workers", "1", "--dev-login", "--port", "0", *options)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "ready" not in done.stdout


def test_without_the_option_nobody_made_up_is_there(node):
    server = node.start("serve", "--workers", "1", "--port", "0")
    address = server.stdout.readline().split()[1]
    assert requests.get(f"{address}/login/demo", timeout=20).status_code == 404
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
