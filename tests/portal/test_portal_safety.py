"""Strangers' text, addresses and headers: nothing of them becomes mark-up, a path or a redirect."""

import gzip
import json
import re
import socket
from html import unescape
from urllib.parse import quote

import httpx
import portal_catalogue as given
import pytest
from hypothesis import assume, settings
from hypothesis import given as holds
from hypothesis import strategies as st

from panosc.domain.pid import pid_path
from panosc.portal import jsonld, security, static_files
from panosc.portal.pages.about import safe_path

EVIL_PATHS = [
    f"/datasets/{quote(given.EVIL_PID, safe='')}",
    f"/datasets/{quote(given.EVIL_PID, safe='')}/-/metadata",
    f"/datasets/{quote(given.EVIL_PID, safe='')}/-/files",
    f"/documents/{quote(given.EVIL_PID + '/doc', safe='')}",
    f"/instruments/{quote(given.EVIL, safe='')}",
    f"/techniques/{quote(given.EVIL, safe='')}",
    "/instruments",
    "/techniques",
    "/search",
    "/",
    f"/search?q={quote(given.EVIL)}",
    f"/search?facility={quote(given.EVIL)}&kind={quote(given.EVIL)}",
    f"/search?{quote(given.EVIL)}=1",
    f"/nowhere/{quote(given.EVIL, safe='')}",
    f"/datasets/{quote(given.EVIL, safe='')}",
]


@pytest.mark.parametrize("path", EVIL_PATHS)
def test_no_text_becomes_markup(node, path):
    answer = node.get(path)
    if answer.status_code == 303:
        answer = node.get(answer.headers["location"])
    assert answer.status_code in {200, 404}, path
    text = answer.text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>" not in text
    assert "javascript:" not in re.sub(r">[^<]*<", "><", text), "only as text, never as address"
    assert "49 " not in unescape(text).replace("7*7", ""), "no template in a text is run"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)


def test_hostile_record_is_shown_as_it_is(node):
    answer = node.get(EVIL_PATHS[0])
    assert answer.status_code == 200
    shown = given.EVIL.replace("\x07", "�")
    assert f"<bdi>{shown}</bdi>" in unescape(answer.text)
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.text, re.DOTALL)
    assert json.loads(block[1])["name"] == shown


@holds(st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=5))
def test_json_in_a_page_reads_back_and_ends_no_script(content):
    text = str(jsonld.script(content))
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text) == content


@holds(st.text(st.characters(codec="utf-8"), max_size=60))
@settings(max_examples=300)
def test_the_path_of_a_pid_reads_back(pid):
    # of dots alone nothing is left in an address, however they are written
    assume(pid not in {".", ".."})
    path = pid_path(pid)
    assert httpx.URL(f"http://node/datasets/{path}").path == f"/datasets/{pid}"
    assert "/../" not in f"/{path}/"
    assert "/./" not in f"/{path}/"
    assert not {"?", "#", '"', "<", " "} & set(path)


@pytest.mark.parametrize(
    "path", ["/", "/search", "/nowhere", "/panosc-api/Datasets/count", "/api/openapi.json"]
)
def test_every_answer_carries_the_headers(node, path):
    headers = node.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == security.HEADERS["Referrer-Policy"]


# ---- static files ----


def test_style_sheet_is_kept_forever_under_its_hash(node):
    address = re.search(r'href="(/static/[0-9a-f]+/panosc.css)"', node.get("/").text)[1]
    answer = node.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    again = node.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = node.get(address.replace(static_files.version(), "0" * 12))
    assert other.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "../rendering.py",
        "..%2frendering.py",
        "%2e%2e/%2e%2e/app.py",
        "fonts/../../site.py",
        "fonts/%2e%2e%2f%2e%2e%2frouting.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "panosc.css%00.txt",
        "",
        "fonts",
        "fonts/",
    ],
)
def test_no_path_leads_out_of_the_static_files(node, path):
    # written by hand: a client would tidy the path away
    host, _, port = node.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        request = f"GET /static/x/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 404 "), answer[:300]
    assert "def " not in answer
    assert "root:" not in answer


# ---- theme ----


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        "/%0d%0aSet-Cookie:x=1\r\nX: y",
        "http:evil",
    ],
)
def test_the_theme_form_leads_nowhere_else(node, back):
    answer = node.get(f"/settings/theme?set=dark&back={quote(back)}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert safe_path(back, "/node") == "/node/"


def test_theme_is_remembered_and_forgotten(node):
    answer = node.get("/settings/theme?set=dark&back=/search%3Fq%3Da")
    assert answer.headers["location"] == "/search?q=a"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("theme=dark;")
    assert {"HttpOnly", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    shown = node.get("/", headers={"Cookie": "theme=dark"}).text
    assert '<html lang="en" data-theme="dark">' in shown
    evil = node.get("/", headers={"Cookie": 'theme="><script>'}).text
    assert '<html lang="en">' in evil
    assert "theme=" in node.get("/settings/theme?set=auto&back=/").headers["set-cookie"]
    assert "Cookie" in node.get("/").headers["vary"]


# ---- budgets ----


def test_pages_keep_their_budgets(node):
    search = node.get("/search").content
    assert search.count(b'<li class="hit">') == 25
    assert len(search) < 50_000
    assert len(gzip.compress(search)) < 8_000
    assert len(node.get(f"/datasets/{given.OPEN}").content) < 30_000
    files = static_files.files()
    assert len(files["panosc.css"]) <= 16_384
    assert len(gzip.compress(files["panosc.css"])) <= 5_000
    assert len(files["fonts/sans.woff2"]) + len(files["fonts/mono.woff2"]) <= 50_000
    # what is built for the viewer is loaded there alone: tests/portal/test_viewer_bundle.py
    ours = {name: file for name, file in files.items() if not name.startswith("dist/")}
    scripts = {name: len(gzip.compress(file)) for name, file in ours.items() if ".js" in name}
    assert scripts.keys() == {"search.js"}
    assert sum(scripts.values()) <= 3_000


def test_fonts_come_with_their_licences():
    names = static_files.files()
    for licence in ("fonts/SourceSans3-OFL.txt", "fonts/IBMPlexMono-OFL.txt"):
        assert b"SIL OPEN FONT LICENSE" in names[licence]
        assert b"Copyright" in names[licence]
