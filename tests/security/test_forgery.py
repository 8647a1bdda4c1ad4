"""Requests that a page of a stranger makes a browser send are not carried out."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import security_node as given
from cloud.standins.running import running
from hypothesis import given as holds
from hypothesis import strategies as st

from panosc.portal.guards.forgery import origin_of
from panosc.portal.guards.hosts import name_of

METHODS = ["POST", "PUT", "PATCH", "DELETE"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://evil.example/http://127.0.0.1"},
        {"Origin": "http://x@127.0.0.1"},
        {"Origin": "file://"},
        {"Referer": "http://127.0.0.1/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
    ],
)
def test_a_request_of_unknown_origin_does_nothing(node, method, headers):
    answer = node.ask(method, "/test-act", headers={**node.cookie("pi"), **headers})
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("#forbidden")
    assert node.done == []


def test_a_forged_origin_beside_a_foreign_site_does_nothing(node):
    headers = {"Origin": node.address, "Sec-Fetch-Site": "cross-site"}
    answer = node.ask("POST", "/test-act", headers={**node.cookie("pi"), **headers})
    assert answer.status_code == 403
    assert node.done == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_a_page_of_the_node_may(node, headers):
    answer = node.ask("POST", "/test-act", headers={**node.cookie("pi"), **headers})
    assert answer.json() == {"who": "u-pi"}


def test_an_older_browser_may_by_its_origin(node):
    headers = {**node.cookie("pi"), "Origin": node.address}
    assert node.ask("POST", "/test-act", headers=headers).json() == {"who": "u-pi"}


def test_a_refusal_is_a_page_for_a_browser(node):
    headers = {**node.cookie("pi"), "Accept": "text/html", "Origin": "null"}
    answer = node.ask("POST", "/test-act", headers=headers)
    assert answer.status_code == 403
    assert "did not come from a page of this node" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_a_program_without_cookies_is_not_asked(node):
    assert node.ask("POST", "/test-act").json() == {"who": None}


def test_a_token_counts_even_beside_a_cookie(node):
    headers = {**node.cookie("pi"), "Authorization": "Bearer nonsense", "Origin": "null"}
    # the token is looked at, and the cookie is not
    assert node.ask("POST", "/test-act", headers=headers).status_code == 401
    assert node.done == []


def test_the_public_address_is_an_origin_and_its_http_twin_is_not(settings, engine):
    public = settings.model_copy(update={"base_url": "https://node.example/portal"})
    with given.running(public, engine) as node:
        own = {**node.cookie("pi"), "Host": "node.example"}
        for origin, expected in (
            ("https://node.example", 200),
            ("http://node.example", 403),
            ("https://node.example:8443", 403),
            ("https://www.node.example", 403),
            ("https://example", 403),
        ):
            answer = node.ask("POST", "/test-act", headers={**own, "Origin": origin})
            assert answer.status_code == expected, origin


@contextmanager
def page_of_another_origin(html: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address.rpartition(":")[2]


ATTACKS = {
    "a form": "<form id=f method=post action='{node}/test-act'><input name=a></form>"
    "<script>f.submit()</script>",
    "a form of plain text": "<form id=f method=post enctype=text/plain action='{node}/test-act'>"
    "<input name='{{\"a\":\"' value='\"}}'></form><script>f.submit()</script>",
    "a form without an origin": "<iframe sandbox='allow-scripts allow-forms' srcdoc=\"<form id=f "
    "method=post action='{node}/test-act'></form><script>f.submit()</script>\"></iframe>",
    "fetch with cookies": "<script>fetch('{node}/test-act',{{method:'POST',mode:'no-cors',"
    "credentials:'include',body:'a'}}).then(()=>document.title='sent')</script>",
    "fetch to read": "<script>fetch('{node}/test-act',{{method:'DELETE',credentials:'include'}})"
    ".then(a=>a.text()).then(a=>document.title=a,()=>document.title='refused')</script>",
    "a beacon": "<script>navigator.sendBeacon('{node}/test-act','a')</script>",
}


@pytest.mark.browser
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "cross site"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_in_chromium_cannot_act_for_who_looks(node, browser, attack, host):
    """From another port (the same site: cookies are sent) and from another site."""
    name, _, value = node.cookie("pi")["Cookie"].partition("=")
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(node.address + "/accessibility")
        # as weak as a cookie can be: the guard alone is what stands
        context.add_cookies([{"name": name, "value": value, "url": node.address}])
        html = ATTACKS[attack].format(node=node.address)
        with page_of_another_origin(html) as port:
            page.goto(f"http://{host}:{port}/")
            page.wait_for_timeout(700)
        assert "u-pi" not in node.done
        assert "u-pi" not in page.content()
        # and the same from a page of the node itself
        page.goto(node.address + "/accessibility")
        status = page.evaluate("fetch('/test-act', {method: 'POST'}).then(a => a.status)")
        assert status == 200
        assert node.done[-1] == "u-pi"
    finally:
        context.close()


@pytest.mark.browser
def test_a_stranger_page_reads_the_open_api_but_not_as_who_looks(node, browser):
    name, _, value = node.cookie("steward")["Cookie"].partition("=")
    context = browser.new_context()
    try:
        context.add_cookies([{"name": name, "value": value, "url": node.address}])
        page = context.new_page()
        with page_of_another_origin("<p>elsewhere</p>") as port:
            page.goto(f"http://127.0.0.1:{port}/")
            count = f"{node.address}/panosc-api/Datasets/count"
            ask = "([u, c]) => fetch(u, {credentials: c}).then(a => a.json(), e => 'refused')"
            assert page.evaluate(ask, [count, "omit"]) == {"count": 2}
            assert page.evaluate(ask, [count, "same-origin"]) == {"count": 2}
            assert page.evaluate(ask, [count, "include"]) == "refused"
            assert page.evaluate(ask, [f"{node.address}/test-act", "omit"]) == "refused"
    finally:
        context.close()
    assert (
        node.get("/panosc-api/Datasets/count", headers=node.cookie("steward")).json()["count"] > 2
    )


# ---- names that lead here ----


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "[2001:db8::1]",
        "127.0.0.1@evil.example",
        "a b",
        "localhost/evil",
        "127.0.0.1:99999999",
        "",
    ],
)
def test_a_name_that_is_not_ours_is_not_answered(node, host):
    answer = node.get("/panosc-api/Datasets/count", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "count" not in answer.json() if answer.status_code == 421 else True


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:1", "[::1]:8000", "LOCALHOST", "127.8.8.8"]
)
def test_names_of_loopback_are_ours(node, host):
    assert node.get("/panosc-api/Datasets/count", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "base_url", "name", "expected"),
    [
        ("0.0.0.0", "https://node.example", "node.example", 200),
        ("0.0.0.0", "https://node.example", "node.example:443", 200),
        ("0.0.0.0", "https://node.example", "10.1.2.3:8000", 200),
        ("0.0.0.0", "https://node.example", "evil.example", 421),
        ("0.0.0.0", None, "any.example", 200),
        ("127.0.0.1", "https://node.example", "node.example", 200),
        ("127.0.0.1", "https://node.example", "evil.example", 421),
    ],
)
def test_names_by_settings(settings, engine, host, base_url, name, expected):
    changed = settings.model_copy(update={"host": host, "base_url": base_url})
    with given.running(changed, engine) as node:
        assert node.get("/accessibility", headers={"Host": name}).status_code == expected


@holds(st.text(max_size=40))
def test_any_text_as_host_or_origin_is_read_or_is_none(text):
    assert name_of(text) is None or name_of(text)
    found = origin_of(text)
    assert found is None or found[0] in {"http", "https"}
