"""What a page of results shows as a command is run: it finds what the page shows, for who asks."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from html import unescape

import httpx
import portal_catalogue as given
import pytest

import panosc

PAGES = [
    "/search",
    "/search?page=2",
    "/search?q=lysozyme",
    "/search?technique=PaNET01189&sort=title",
    "/search?wavelength=0.5..0.7 nm&access=open",
    '/search?q=it\'s "quoted" -not $(this)',
    "/search?-technique=PaNET01189&year=2021",
    "/search?q=nothingatall",
]
_SHOWN = re.compile(r'aria-label="(curl|Python|PaNOSC filter)"><code>(.*?)</code>', re.DOTALL)


def page_of(address, path, cookies=None):
    with httpx.Client(
        base_url=address, headers={"Accept": "text/html"}, cookies=cookies, trust_env=False
    ) as client:
        page = client.get(path, follow_redirects=True)
    assert page.status_code == 200, path
    return page.text


def shown(page):
    return {name: unescape(text) for name, text in _SHOWN.findall(page)}


def pids_on(page):
    links = re.findall(r'<h[23](?: id="[^"]*")?><a href="/datasets/([^"]*)"', page)
    return [httpx.URL(f"/{unescape(link)}").path[1:] for link in links]


def run(command, token=""):
    environment = {**os.environ, "PANOSC_TOKEN": token}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    return done.stdout


def found_by_curl(text, token=""):
    return [item["pid"] for item in json.loads(run(["bash", "-c", text], token))["items"]]


def found_by_python(text, token=""):
    """Return the lines that a program prints, run here: a process of its own takes its time."""
    if token:
        return run([sys.executable, "-c", text], token).splitlines()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "shown", "exec"), names := {})
    names["client"].close()
    return out.getvalue().splitlines()


@pytest.mark.parametrize("path", PAGES)
def test_what_is_shown_finds_the_page(served, path):
    page = page_of(served.address, path)
    texts, pids = shown(page), pids_on(page)
    assert set(texts) == {"curl", "Python", "PaNOSC filter"}
    assert bool(pids) == ("q=nothing" not in path and "$(this)" not in path)
    assert found_by_curl(texts["curl"]) == pids
    lines = found_by_python(texts["Python"])
    assert [line.split(" ")[0] for line in lines[1:] if re.match(r"10\.|local/", line)] == [
        pid.split(" ")[0] for pid in pids
    ]
    answer = httpx.get(
        f"{served.address}/panosc-api/Datasets",
        params={"filter": texts["PaNOSC filter"]},
        trust_env=False,
    )
    assert [item["pid"] for item in answer.json()] == pids


def test_who_has_signed_in_is_shown_commands_with_a_token(served):
    page = page_of(served.address, "/search?technique=PaNET01189", cookies=served.cookies)
    texts, pids = shown(page), pids_on(page)
    assert given.EMBARGOED in pids
    for text in (texts["curl"], texts["Python"]):
        assert "PANOSC_TOKEN" in text
        assert served.token not in page
    assert found_by_curl(texts["curl"], served.token) == pids
    lines = found_by_python(texts["Python"], served.token)
    assert [line.split(" ")[0] for line in lines[1:]] == pids
    with panosc.connect(served.address, token=served.token) as client:
        assert [item.pid for item in client.search(technique="PaNET01189")] == pids


def test_nothing_of_a_page_ends_the_command(served):
    evil = "/search?q=" + httpx.QueryParams({"q": "'; echo gone; '<b>$(id)`id`"})["q"]
    page = page_of(served.address, httpx.URL(evil))
    texts = shown(page)
    assert json.loads(run(["bash", "-c", texts["curl"]]))["total"] == 0
    assert "0 datasets" in run([sys.executable, "-c", texts["Python"]])


def test_the_files_hold_what_the_page_counts(served):
    page = page_of(served.address, "/search?technique=PaNET01189")
    links = re.findall(r'href="(/search\.(?:json|csv|bib|atom)[^"]*)"', page)
    assert len(links) == 4
    for link in links:
        answer = httpx.get(served.address + unescape(link), trust_env=False)
        assert answer.status_code == 200
        assert given.OPEN in answer.text, link
