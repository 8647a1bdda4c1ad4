"""The strip of the search page in Chromium: late catalogues are swapped in and read out."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from peers import Peer

pytestmark = pytest.mark.browser

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


def record(pid, title):
    return {"pid": pid, "isPublic": True, "title": title}


def test_who_is_late_comes_without_a_click_and_is_told(visited, browser):
    slow = Peer([record("10.5072/slow", "Copper, late")], delay_s=2.5)
    poor = Peer(status=500, body=b"x")
    with visited(slow=slow, poor=poor) as address:
        page = browser.new_page()
        try:
            page.goto(f"{address}/search?q=copper")
            strip = page.locator("#strip")
            first = strip.element_handle()
            assert "has not answered yet" in strip.inner_text()
            page.get_by_role("link", name="Copper, late").wait_for(timeout=20_000)
            # the very same element changes its words: that is what is read out
            assert strip.evaluate("(now, before) => now === before", first)
            assert strip.get_attribute("role") == "status"
            assert "2 of 3 facilities answered" in strip.inner_text()
            assert "The poor returned an error." in strip.inner_text()
            assert page.locator("h1").inner_text().endswith("2 datasets match “copper”")
            page.evaluate(AXE_SCRIPT)
            for width, scheme in ((1280, "light"), (320, "dark")):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                found = page.evaluate("rules => axe.run(rules)", RULES)["violations"]
                assert not found, [fault["id"] for fault in found]
        finally:
            page.close()
