"""Whole logins in Chromium, with the policies of both sides in force, and how the pages are."""

from collections.abc import Callable, Iterator

import identity_providers as providers
import pytest
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from login_node import Node, events
from playwright.sync_api import Browser, ConsoleMessage, Page

from panosc.catalogue.people import account

pytestmark = pytest.mark.browser
MakeNode = Callable[..., Node]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def node(signed_node: MakeNode, any_provider: providers.AnyProvider) -> Node:
    return signed_node(any_provider, facility="A facility")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def admit(node: Node) -> None:
    """Let everybody have accepted the terms."""
    with node.engine.begin() as connection:
        connection.execute(sa.update(account).values(terms=node.settings.terms_version))


def test_login_and_logout(node: Node, page: Page, any_provider: providers.AnyProvider) -> None:
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text and message.location["url"].startswith(
            node.address
        ):
            complaints.append(message.text)

    page.on("console", hear)
    page.goto(f"{node.address}/instruments")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Sign in with").click()
    any_provider.browser_sign_in(page, "ada")
    admit(node)
    page.goto(f"{node.address}/instruments")
    you = page.get_by_role("navigation", name="You")
    assert "Ada Demo" in you.inner_text()
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "panosc"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    # a second login needs no form at the provider, and comes back to where it began
    page.goto(f"{node.address}/login/demo?back=/techniques")
    page.wait_for_url(f"{node.address}/techniques")
    you.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    if page.url.startswith(any_provider.issuer):
        # the certified provider asks once more
        page.get_by_role("button", name="Yes").click()
    page.wait_for_url(lambda url: url.startswith(f"{node.address}/logout"))
    assert page.get_by_role("heading", name="You are signed out").is_visible()
    page.goto(node.address)
    assert page.get_by_role("link", name="Sign in").is_visible()
    assert complaints == []
    ended = [event for event, _ in events(node)]
    assert ended == ["session.began", "session.began", "session.ended"]


def test_pages_are_accessible(
    signed_node: MakeNode, browser: Browser, dev_provider: providers.Embedded
) -> None:
    node = signed_node(dev_provider, facility="A facility")
    shapes = (("light", 1280), ("dark", 390))
    for scheme, width in shapes:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = context.new_page()
        look(page, f"{node.address}/login")
        look(page, f"{node.address}/logout")
        look(page, f"{node.address}/auth/callback/demo?state=x&code=y")
        page.goto(f"{node.address}/login/demo")
        dev_provider.browser_sign_in(page, "ada")
        admit(node)
        for path in ("/login", "/logout", "/account/link/demo"):
            look(page, node.address + path)
        context.close()


def test_sign_in_page_of_a_node_without_providers(
    signed_node: MakeNode, browser: Browser, dev_provider: providers.Embedded
) -> None:
    node = signed_node(dev_provider, providers=())
    page = browser.new_page()
    look(page, f"{node.address}/login")
    assert "no login provider" in page.inner_text("main")
    page.close()


def test_keyboard_alone(node: Node, page: Page) -> None:
    page.goto(f"{node.address}/login")
    for _ in range(30):
        page.keyboard.press("Tab")
        if "Sign in with" in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.startswith(node.settings.providers[0].issuer))


def look(page: Page, address: str) -> None:
    """Open a page; nothing on it is out of reach of anyone, or wider than the screen."""
    page.goto(address)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], address
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("rules => axe.run(rules)", RULES)
    assert len(found["passes"]) > 10, "axe did not look"
    assert found["violations"] == [], (address, found["violations"])
