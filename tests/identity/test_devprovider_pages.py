"""The embedded provider's pages in Chromium: keyboard, both schemes, a phone, and axe."""

from collections.abc import Callable, Iterator
from itertools import product

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from identity_providers import Embedded
from playwright.sync_api import Browser, Page

from panosc.identity.devprovider import PEOPLE
from panosc.settings import Provider

pytestmark = pytest.mark.browser
NODE = "http://127.0.0.1:9"
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def registered(dev_provider: Embedded) -> Provider:
    return dev_provider.as_provider(NODE)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=True)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def asking(provider: Embedded, registered: Provider) -> str:
    query = {
        "client_id": registered.client_id,
        "redirect_uri": f"{NODE}/auth/callback/demo",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    return str(httpx.URL(f"{provider.issuer}/authorize", params=query))


def device(provider: Embedded, registered: Provider) -> str:
    assert registered.client_secret is not None
    secret = (registered.client_id, registered.client_secret.get_secret_value())
    asked = httpx.post(f"{provider.issuer}/device/authorize", auth=secret).json()
    return str(asked["verification_uri_complete"])


def leaving(provider: Embedded, _registered: Provider) -> str:
    return f"{provider.issuer}/logout"


def no_code(provider: Embedded, _registered: Provider) -> str:
    return f"{provider.issuer}/device?user_code=WRONG"


def refused(provider: Embedded, _registered: Provider) -> str:
    return f"{provider.issuer}/authorize?client_id=unknown"


Where = Callable[[Embedded, Provider], str]


@pytest.mark.parametrize("where", [asking, device, leaving, no_code, refused])
def test_pages_are_sound(
    page: Page, dev_provider: Embedded, registered: Provider, where: Where
) -> None:
    if where is leaving:
        page.goto(device(dev_provider, registered))
        page.get_by_role("button", name="Ada Demo").click()
        page.wait_for_selector("h1:has-text('signed in')")
    page.goto(where(dev_provider, registered))
    page.evaluate(AXE_SCRIPT)
    faults = []
    for size, scheme in product(SIZES, ("light", "dark")):
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = page.evaluate("rules => axe.run(rules)", RULES)
        assert len(found["passes"]) > 10, "axe did not look"
        faults += [(size, scheme, fault["id"]) for fault in found["violations"]]
    assert faults == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_people_are_reached_by_keyboard_and_sent_on(
    page: Page, dev_provider: Embedded, registered: Provider
) -> None:
    page.goto(asking(dev_provider, registered))
    reached = []
    for _ in PEOPLE:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.value"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == [person.key for person in PEOPLE]
    # the policy of the page lets the browser be sent to the client, where nobody listens here
    with page.expect_request(lambda request: request.url.startswith(NODE)) as sent:
        page.keyboard.press("Enter")
    assert "code=" in sent.value.url
