"""The pages in a real Chromium: axe, reflow, targets, focus, no script, nothing from elsewhere."""

from io import BytesIO
from itertools import product
from urllib.parse import quote

import portal_catalogue as given
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image

pytestmark = pytest.mark.browser

EVIL = f"/datasets/{quote(given.EVIL_PID, safe='')}"
PATHS = [*given.PAGES, EVIL, *given.ERRORS]
RULES = {
    "resultTypes": ["violations"],
    "runOnly": [
        "wcag2a",
        "wcag2aa",
        "wcag21a",
        "wcag21aa",
        "wcag22aa",
        "best-practice",
    ],
}
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}

NARROW = """() => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.closest('.scroll, pre, .vh, .skip')
    && getComputedStyle(e).position !== 'absolute';
}).map(e => e.outerHTML.slice(0, 120))"""

# WCAG 2.5.8: 24 by 24, or alone enough that a circle of 24 around it meets no other;
# links within sentences are exempt
SMALL = """() => {
  const seen = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary')]
    .filter(e => e.checkVisibility() && !e.closest('.skip, .to-filters'))
    .map(e => {
      const target = e.type === 'checkbox' ? e.closest('label') : e;
      const r = target.getBoundingClientRect();
      return {e, x: (r.left + r.right) / 2, y: (r.top + r.bottom) / 2, w: r.width, h: r.height, r,
              inline: !!e.closest('p, dd, .row, caption, td')};
    });
  const close = (a, b) => {
    const dx = Math.max(b.r.left - a.x, 0, a.x - b.r.right);
    const dy = Math.max(b.r.top - a.y, 0, a.y - b.r.bottom);
    return Math.hypot(dx, dy) < 12;
  };
  return seen.filter(a => (a.w < 24 || a.h < 24) && !a.inline
      && seen.some(b => b.e !== a.e && !a.e.contains(b.e) && close(a, b)))
    .map(a => a.e.outerHTML.slice(0, 120) + ' ' + a.w + 'x' + a.h);
}"""

UNNAMED = """() => [...document.querySelectorAll('svg')].filter(e => {
  const name = document.getElementById(e.getAttribute('aria-labelledby') || '');
  return e.getAttribute('role') !== 'img' || !name || name.textContent.split(' ').length < 4;
}).length"""


@pytest.fixture
def opened(browser, node):
    """Opens a page; what it complained of or loaded is in `complaints` and `loaded`."""
    contexts = []

    def open_page(path, size="desktop", scheme="light", **options):
        context = browser.new_context(
            viewport=SIZES[size] if isinstance(size, str) else size, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.loaded = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        page.on("request", lambda request: page.loaded.append(request.url))
        page.goto(node.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing(opened, path):
    page = opened(path)
    page.evaluate(AXE_SCRIPT)
    faults = []
    for size, scheme in product(SIZES, ("light", "dark")):
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("rules => axe.run(rules)", RULES)
        assert found["url"] == page.url
        assert len(found["passes"]) > 15, "axe did not look"
        faults += [
            (size, scheme, fault["id"], place["html"])
            for fault in found["violations"]
            for place in fault["nodes"][:3]
        ]
    assert faults == []


@pytest.mark.parametrize("path", PATHS)
def test_page_fits_and_behaves(opened, node, path):
    page = opened(path, {"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.evaluate(NARROW)
    assert page.evaluate(SMALL) == []
    assert page.evaluate(UNNAMED) == 0
    is_error = path in given.ERRORS
    # Chromium itself reports the status of a page that is an error
    complaints = [text for text in page.complaints if not (is_error and "status of 4" in text)]
    assert complaints == []
    outside = [url for url in page.loaded if not url.startswith((node.address, "data:image/png"))]
    assert outside == []
    assert len(page.loaded) - sum(url.startswith("data:") for url in page.loaded) <= 6


@pytest.mark.parametrize("path", ["/", "/search", f"/datasets/{given.OPEN}"])
def test_text_twice_as_large_still_fits(opened, path):
    page = opened(path, {"width": 640, "height": 900})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640, page.evaluate(NARROW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_is_seen_and_starts_at_the_skip_link(opened, scheme):
    page = opened("/search?q=lysozyme", scheme=scheme)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    for _ in range(12):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, parseFloat(s.outlineWidth)] })()"
        )
        assert ring == ["solid", 3]
    page.goto(page.url.partition("#")[0])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_journey_without_script(opened, node):
    page = opened("/", java_script_enabled=False)
    page.get_by_label("Search datasets").fill("lysozyme")
    page.get_by_role("button", name="Search").click()
    assert page.url == f"{node.address}/search?q=lysozyme"
    page.get_by_label("small angle neutron scattering").check()
    ends = page.get_by_role("group", name="Wavelength")
    ends.get_by_label("From", exact=True).fill("0.5")
    ends.get_by_label("To", exact=True).fill("0.7")
    ends.get_by_label("Unit").select_option("nm")
    page.get_by_role("button", name="Apply filters").click()
    assert page.url == (
        f"{node.address}/search?q=lysozyme&technique=PaNET01189&wavelength=0.5..0.7+nm"
    )
    page.get_by_role("link", name="Small-angle scattering of lysozyme").click()
    assert page.url == f"{node.address}/datasets/{given.OPEN}"
    assert page.get_by_role("img").count() == 1
    named = page.get_by_role("img", name="I falls from 10.1 to 0.00813 cm⁻¹ over Q from 0.01")
    assert named.count() == 1
    page.get_by_text("The plot as a table").click()
    assert page.get_by_role("table", name="40 of 120 points.").is_visible()
    assert "Meitner, L. (2023)" in page.get_by_role("region", name="Cite").text_content()


def test_theme_is_chosen_without_script(opened, node):
    page = opened("/instruments", java_script_enabled=False)
    page.get_by_role("button", name="dark").click()
    assert page.url == f"{node.address}/instruments"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="auto").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_image_plot_is_really_drawn(opened):
    """The policy lets the pixels in: their colours are on the screen."""
    page = opened("/-/patterns")
    shot = page.locator(".plotted svg.plot").nth(2).screenshot()
    colours = Image.open(BytesIO(shot)).convert("RGB").getcolors(1 << 24)
    yellow = sum(n for n, (r, g, b) in colours if r > 220 and g > 200 and b < 80)
    violet = sum(n for n, (r, g, b) in colours if r < 90 and g < 30 and 70 < b < 110)
    assert yellow > 500
    assert violet > 5000
