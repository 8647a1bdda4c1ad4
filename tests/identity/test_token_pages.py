"""The pages of tokens and devices: over plain HTTP, and in a real Chromium with a keyboard."""

import re

import pytest
import token_node as given
from axe_playwright_python.base import AXE_SCRIPT
from token_node import ADMIN, DEVICE_GRANT, NEWCOMER, PI, STRANGER

from panosc.portal.pages.personal.tokens import COOKIE

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
NARROW = """() => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.closest('.scroll, pre, .vh, .skip')
    && getComputedStyle(e).position !== 'absolute';
}).map(e => e.outerHTML.slice(0, 120))"""
FORM = {"name": "night reduction", "days": "7", "scope": ["read", "data"]}


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with given.token_node(new_database, template, tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture
def node(served_node):
    with given.renewed(served_node) as found:
        yield found


def secret_in(text):
    found = re.search(r'value="(ps_pat_[^"]+)"', text)
    return found and found[1]


def test_a_secret_is_shown_once(node):
    browser = node.browser(PI)
    sent = browser.post("/account/tokens", data=FORM)
    assert (sent.status_code, sent.headers["location"]) == (303, "/account/tokens")
    cookie = sent.headers["set-cookie"]
    for flag in ("HttpOnly", "SameSite=strict", "Max-Age=60", "Path=/account/tokens"):
        assert flag in cookie
    assert "ps_pat_" not in cookie
    page = browser.get("/account/tokens")
    assert page.headers["cache-control"] == "no-store"
    secret = secret_in(page.text)
    assert node.program(secret).get("/api/v1/me").status_code == 200
    assert secret_in(browser.get("/account/tokens").text) is None
    assert "night reduction" in browser.get("/account/tokens").text


def test_a_secret_is_shown_to_its_owner_for_a_minute(node):
    browser = node.browser(PI)
    browser.post("/account/tokens", data=FORM)
    sealed = browser.cookies[COOKIE]
    stranger = node.browser(STRANGER)
    stranger.cookies.set(COOKIE, sealed)
    assert secret_in(stranger.get("/account/tokens").text) is None
    late = node.browser(PI)
    late.cookies.set(COOKIE, sealed)
    node.clock.forward(seconds=61)
    assert secret_in(late.get("/account/tokens").text) is None
    forged = node.browser(PI)
    forged.cookies.set(COOKIE, "nonsense")
    assert forged.get("/account/tokens").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "needs a name"),
        ({"days": "soon"}, "is not a number of days"),
        ({"days": "999999999999"}, "is not a number of days"),
        ({"days": "-3"}, "is not a number of days"),
        ({"days": "0"}, "1 to 366 days"),
        ({"scope": []}, "one or more of the scopes"),
        ({"scope": ["read", "manage"]}, "for stewards"),
        ({"scope": ["<b>"]}, "one or more of the scopes"),
    ],
)
def test_a_form_that_cannot_be_used_is_shown_again(node, wrong, said):
    sent = {**FORM, "name": "<b>mine</b>", **wrong}
    answer = node.browser(PI).post("/account/tokens", data=sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert "<b>" not in answer.text
    if sent["name"]:
        assert "&lt;b&gt;mine&lt;/b&gt;" in answer.text
    assert node.events() == []


def test_pages_are_for_people_who_have_signed_in_and_agreed(node):
    program = node.program(node.token(ADMIN, "read", "write", "manage"))
    for path in ("/account/tokens", "/device"):
        stranger = node.client(headers={"Accept": "text/html"}).get(path)
        assert stranger.status_code == 401
        assert f"/login?back={path}" in stranger.text
        assert program.get(path).status_code == 403
        newcomer = node.browser(NEWCOMER).get(path)
        assert (newcomer.status_code, "/account/terms" in newcomer.text) == (403, True)


def test_only_who_has_a_role_is_offered_manage(node):
    assert 'value="manage"' not in node.browser(PI).get("/account/tokens").text
    assert 'value="manage"' in node.browser(ADMIN).get("/account/tokens").text


def test_a_form_from_elsewhere_makes_nothing(node):
    browser = node.browser(PI)
    browser.headers["Origin"] = "https://evil.example"
    assert browser.post("/account/tokens", data=FORM).status_code == 403
    assert node.events() == []


@pytest.fixture
def opened(browser, node):
    """Opens a page as a person who has signed in, in Chromium."""
    contexts = []

    def open_page(path, person=PI, scheme="light", width=1280):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        contexts.append(context)
        name, value = node.cookie(person)
        context.add_cookies([{"name": name, "value": value, "url": node.address}])
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(node.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def looks_right(page):
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    assert [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]] == []
    assert page.evaluate(NARROW) == []
    assert page.complaints == []
    # what a page knows does not run into the search box of all pages
    assert page.get_by_label("Search data").input_value() == ""


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_token_is_made_and_revoked_by_keyboard(opened, node, scheme, width):
    page = opened("/account/tokens", scheme=scheme, width=width)
    looks_right(page)
    page.get_by_label("What is it for?").focus()
    page.keyboard.type("night reduction")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_label("For how many days?").fill("7")
    page.keyboard.press("Enter")
    page.wait_for_selector("#secret")
    secret = page.get_by_label("Token", exact=True).input_value()
    assert page.get_by_label("Token", exact=True).get_attribute("readonly") is not None
    looks_right(page)
    told = node.program(secret).get("/api/v1/me").json()
    assert told["scopes"] == ["read", "data"]
    page.reload()
    assert page.locator("#secret").count() == 0
    page.locator("summary", has_text="Revoke").focus()
    page.keyboard.press("Enter")
    looks_right(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=It is revoked")
    assert node.program(secret).get("/api/v1/me").status_code == 401
    looks_right(page)


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_program_is_let_in_by_keyboard(opened, node, scheme, width):
    begun = node.client().post("/oauth/device", data={"client_id": "panosc on a laptop"}).json()
    page = opened("/device", scheme=scheme, width=width)
    looks_right(page)
    page.get_by_label("Code").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No program waits")
    assert page.get_by_label("Code").input_value() == "BBBB-BBBB"
    # the browser says that the page was no success
    page.complaints.clear()
    looks_right(page)
    page.get_by_label("Code").fill(begun["user_code"])
    page.keyboard.press("Enter")
    page.wait_for_selector("text=asks to act for you")
    looks_right(page)
    page.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=the program goes on by itself")
    looks_right(page)
    form = {
        "grant_type": DEVICE_GRANT,
        "client_id": "panosc on a laptop",
        "device_code": begun["device_code"],
    }
    assert node.client().post("/oauth/token", data=form).status_code == 200
