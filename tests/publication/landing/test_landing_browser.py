"""The page in Chromium: citations are copied by the keyboard alone, and without scripts too."""

import publication_catalogue as given
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from landing_node import SANS_DOI, Node
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PAGES = {
    "open": f"/datasets/{given.OPEN}",
    "embargoed": f"/datasets/{given.EMBARGOED}",
    "withdrawn": f"/datasets/{given.WITHDRAWN}",
    "proposal": f"/documents/{given.PROPOSAL}",
    "simulated": f"/doi/{SANS_DOI}",
}


def test_a_citation_is_copied_by_the_keyboard_and_that_is_said(
    browser: Browser, landing_node: Node
) -> None:
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(landing_node.address + PAGES["open"])
    field = page.get_by_label("DataCite", exact=True)
    field.focus()
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Copy DataCite")
    assert button.evaluate("it => it === document.activeElement")
    page.keyboard.press("Enter")
    page.get_by_text("Copied.").wait_for()
    said = page.get_by_role("status").filter(has_text="Copied.")
    assert said.count() == 1
    assert page.evaluate("navigator.clipboard.readText()") == field.input_value()
    assert field.input_value().startswith("Example, Ada (2022): Lysozyme & “salt” <1>.")
    # the other styles unfold by the keyboard, too
    page.get_by_text("Other styles").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy APA").focus()
    page.keyboard.press("Space")
    page.get_by_text("Copied.").nth(1).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Example, A. (2022). Lysozyme")
    context.close()


def test_without_a_clipboard_the_text_is_selected(browser: Browser, landing_node: Node) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.execCommand = () => false;"
    )
    page.goto(landing_node.address + PAGES["open"])
    page.get_by_role("button", name="Copy DataCite").click()
    page.get_by_text("It is selected: press Ctrl+C to copy it.").wait_for()
    assert "Lysozyme" in page.evaluate("getSelection().toString()")
    context.close()


def test_without_scripts_the_text_can_be_selected(browser: Browser, landing_node: Node) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(landing_node.address + PAGES["open"])
    field = page.get_by_label("DataCite", exact=True)
    assert field.get_attribute("readonly") is not None
    assert page.get_by_role("button", name="Copy").count() == 0
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_any_state(browser: Browser, landing_node: Node, name: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(landing_node.address + PAGES[name])
    page.evaluate(AXE_SCRIPT)
    for width, scheme in ((390, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = page.evaluate("axe.run()")
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
