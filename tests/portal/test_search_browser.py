"""Searching in Chromium: suggestions, keys, no script; axe, wide and narrow, in both colours."""

import portal_catalogue as given
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_portal_browser import NARROW, RULES, SMALL, UNNAMED, opened  # noqa: F401

pytestmark = pytest.mark.browser

# name, path, and what is done on the page
STATES = {
    "results": ("/search?q=powder&facility=ILL&-kind=reduced&show=temperature", ()),
    "range": ("/search?temperature=285..300+K", (".spread summary", ".why summary")),
    "table": ("/search?q=powder&view=table", ()),
    "slip": ("/search?q=lysozime", (".why summary",)),
    "nothing": ("/search?q=lysozyme+cathode&year=2021", ()),
    "not understood": ("/search?q=lysozyme+facilty:ILL&colour=red", ()),
    "techniques": ("/techniques", (".tree summary",)),
    "techniques found": ("/techniques?q=small+angle", ()),
}


def faults(page):
    """Return what axe and our own rules find, wide and narrow, light and dark."""
    page.evaluate(AXE_SCRIPT)
    found = []
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((width, "overflows", page.evaluate(NARROW)))
        found += [(width, "small", place) for place in page.evaluate(SMALL)]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate("rules => axe.run(rules)", RULES)
            assert len(result["passes"]) > 15, "axe did not look"
            found += [
                (width, scheme, fault["id"], place["html"])
                for fault in result["violations"]
                for place in fault["nodes"][:3]
            ]
    return found


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(opened, state):  # noqa: F811
    path, pressed = STATES[state]
    page = opened(path)
    for selector in pressed:
        for place in page.locator(selector).all()[:3]:
            place.click()
    assert faults(page) == []
    assert page.evaluate(UNNAMED) == 0
    assert page.complaints == []


def test_words_are_completed_by_keys_alone(opened, node):  # noqa: F811
    page = opened("/search")
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search data")
    assert page.evaluate("document.activeElement.id") == "q"
    assert box.get_attribute("list") is None, "the browser's own list would lie over ours"
    page.keyboard.type("lysozyme technique:SAN")
    options = page.locator(".suggest li")
    options.first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.getAttribute('aria-activedescendant')") is None
    assert faults(page) == []
    page.keyboard.press("ArrowDown")
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-selected") == "true"
    assert "small angle neutron scattering" in active.text_content()
    page.keyboard.press("ArrowUp")
    assert options.last.get_attribute("aria-selected") == "true", "it goes round"
    assert active.get_attribute("aria-selected") == "false" or options.count() == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert box.get_attribute("aria-expanded") == "false"
    assert box.input_value().startswith("lysozyme technique:")
    assert page.url == f"{node.address}/search", "a suggestion is taken before anything is asked"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=lysozyme&technique=PaNET01189")
    assert page.complaints == []


def test_suggestions_are_left_and_typed_over(opened):  # noqa: F811
    page = opened("/")
    box = page.get_by_role("combobox", name="Search datasets")
    box.press_sequentially("techn")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("option").count() == 0
    assert box.input_value() == "techn"
    box.press_sequentially("iq")
    page.get_by_role("option").first.click()
    assert box.input_value().startswith("technique:")
    assert page.evaluate("document.activeElement.name") == "q"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    box.fill("")
    page.get_by_role("option").first.wait_for(state="detached")
    box.press_sequentially("lysoz", delay=20)
    page.get_by_role("option").first.wait_for()
    assert len(asked) == 1, "one question for what is typed in one go"


def test_results_are_walked_by_keys_that_can_be_turned_off(opened, node):  # noqa: F811
    page = opened("/search?q=powder")
    titles = page.locator(".hit h2 a")
    focused = "[...document.querySelectorAll('.hit h2 a')].indexOf(document.activeElement)"
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert page.evaluate(focused) == place
    first = titles.nth(1).get_attribute("href")
    page.keyboard.press("o")
    page.wait_for_url(f"**{first}")
    page.goto(f"{node.address}/search?q=powder&view=table")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr') !== null")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    assert faults(page) == []
    page.get_by_label("Single keys do this").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Single keys do this").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr') !== null")


@pytest.mark.parametrize("view", ["list", "table"])
def test_a_key_puts_a_result_into_the_selection_and_comes_back_to_it(opened, view):  # noqa: F811
    page = opened(f"/search?q=powder&view={view}" if view == "table" else "/search?q=powder")
    there = page.url
    for _ in range(2):
        page.keyboard.press("j")
    title = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("x")
    page.wait_for_url(f"{there}#*")
    assert page.get_by_role("button", name="Take out").count() == 1
    page.get_by_role("button", name=f"Take out: {title}").wait_for()
    assert faults(page) == []
    # it goes on from there
    page.keyboard.press("k")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == title
    page.keyboard.press("x")
    page.get_by_role("button", name="Take out").wait_for(state="detached")


def test_letters_in_fields_stay_letters(opened):  # noqa: F811
    page = opened("/search?q=powder")
    page.locator("#q").focus()
    page.keyboard.press("End")
    page.keyboard.type(" jkox?/")
    assert page.locator("#q").input_value() == "powder jkox?/"
    assert not page.get_by_role("dialog").is_visible()


def test_all_of_it_works_without_script(opened, node):  # noqa: F811
    page = opened("/search", java_script_enabled=False)
    assert page.locator("#q").get_attribute("list") == "hints"
    assert page.locator("#hints option").count() >= 5
    page.locator("#q").fill("small technique:SANS")
    page.get_by_role("button", name="Search", exact=True).click()
    assert page.url == f"{node.address}/search?q=small&technique=PaNET01189"
    field = page.get_by_role("group", name="Temperature")
    field.get_by_label("From", exact=True).fill("10")
    field.get_by_label("Unit").select_option("degC")
    page.get_by_role("button", name="Apply filters").click()
    assert page.url == (f"{node.address}/search?q=small&technique=PaNET01189&temperature=10..+degC")
    field.get_by_text("As a table").click()
    assert field.get_by_role("table").is_visible()
    page.get_by_role("link", name="table", exact=True).click()
    assert page.url.endswith("&view=table")
    page.get_by_role("link", name="Remove filter Temperature from 10 °C").click()
    page.get_by_role("link", name="Remove filter Technique").click()
    assert page.url == f"{node.address}/search?q=small&view=table"
    page.get_by_role("link", name="Small-angle scattering of lysozyme").click()
    assert page.url == f"{node.address}/datasets/{given.OPEN}"
