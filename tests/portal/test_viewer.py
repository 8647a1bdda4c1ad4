"""The viewer in Chromium: it shows what files hold, follows the address, and harms nobody."""

import json
from io import BytesIO
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image
from test_portal_browser import NARROW, RULES, SMALL
from viewer_catalogue import BROKEN, EVIL, OPEN, STACK, STACKS, viewed  # noqa: F401

pytestmark = pytest.mark.browser

SELECTED = "[role=treeitem][aria-selected=true]"
# of H5Web's own nodes, for which the text beneath stands in: its buttons are tabs without lists,
# and checked where tabs are selected; the marks of NeXus groups are pale
H5WEB_RULES = {"aria-allowed-attr", "aria-required-parent", "color-contrast"}
AXE = """async rules => {
  const {violations, passes} = await axe.run(rules);
  const ours = [], theirs = [];
  for (const {id, nodes} of violations) for (const {target, html} of nodes) {
    const island = document.querySelector(target[0]).closest('[data-island]');
    island && !island.matches(target[0]) ? theirs.push(id) : ours.push([id, html]);
  }
  return {ours, theirs, passes: passes.length};
}"""
# what the machine's own graphics say, not the page
DRIVER = "GL Driver Message"


@pytest.fixture
def look(browser, viewed):  # noqa: F811
    """Opens a view; what the browser complained of is in `complaints`."""
    contexts = []

    def open_view(pid, *, wait=True, width=1280, scheme="light", asked=None, **options):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("console", lambda told: DRIVER in told.text or page.complaints.append(told.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{viewed.address}/datasets/{pid}/-/view?{urlencode(asked or {})}")
        if wait:
            page.wait_for_selector(SELECTED, state="attached")
        return page

    yield open_view
    for context in contexts:
        context.close()


def shown(page):
    """Return the path that the tree of the viewer says is shown."""
    return page.locator(SELECTED).get_attribute("data-path")


def colours(page):
    """Return how many colours the plot has, when it is drawn."""
    canvas = page.locator("#h5w-main-area canvas").first
    canvas.wait_for()
    page.wait_for_load_state("networkidle")
    for _ in range(20):
        picture = Image.open(BytesIO(canvas.screenshot())).convert("RGB")
        found = len(picture.getcolors(1 << 24))
        if found > 2:
            return found
        page.wait_for_timeout(100)
    return found


def settled(page, path):
    """Wait until viewer, address and text all speak of one path."""
    page.wait_for_selector(
        f"[role=treeitem][aria-selected=true][data-path={json.dumps(path, ensure_ascii=False)}]"
    )
    page.wait_for_function(
        "path => document.querySelector('#here')?.textContent.endsWith(' ' + path)", arg=path
    )
    assert parse_qs(urlsplit(page.url).query).get("path", [path]) == [path]
    page.wait_for_load_state("networkidle")


def test_the_default_plot_is_drawn_and_nobody_is_disturbed(look, viewed):  # noqa: F811
    page = look(OPEN)
    assert colours(page) > 2
    settled(page, "/entry/data")
    area = page.inner_text("#h5w-main-area")
    assert "I (1/cm)" in area
    assert "Q (1/angstrom)" in area
    assert page.complaints == []
    assert all(url.startswith((viewed.address, "data:", "blob:")) for url in page.asked)
    assert page.evaluate("document.activeElement === document.body"), "it took the focus"
    assert page.evaluate("history.length") <= 2, "what is opened first is one place"
    # by keys alone, over the viewer to the text or into its tree
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.path") == "/":
            break
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    settled(page, "/kinds")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**path=%2Fkinds%2F*")
    assert page.complaints == []


def test_a_focus_that_is_taken_late_is_given_back_once(look):
    page = look(OPEN)
    page.add_init_script("window.requestIdleCallback = done => { window.release = done; }")
    page.reload()
    page.wait_for_function("() => window.release !== undefined")
    page.wait_for_selector(SELECTED)
    held = page.evaluate(
        """selected => {
            const item = document.querySelector(selected);
            const main = document.querySelector("a[href]");
            const taken = () => { item.focus(); return document.activeElement === item; };
            main.focus();
            window.release();
            return [taken(), document.activeElement === main, taken()];
        }""",
        SELECTED,
    )
    assert held == [False, True, True]
    assert page.complaints == []


def test_an_image_is_drawn_in_its_colours(look):
    page = look(STACKS, asked={"path": "/entry/image"})
    page.wait_for_selector("text=NX Heatmap")
    assert colours(page) > 50
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    assert colours(page) > 50
    assert page.complaints == []


def test_address_viewer_and_text_go_together(look, viewed):  # noqa: F811
    page = look(OPEN, asked={"path": "/kinds"})
    settled(page, "/kinds")
    paths = [f"/kinds/{name}" for name in ("whole", "flags", "table", "text", "nothing", EVIL)]
    for path in paths:
        page.locator(f"[data-path={json.dumps(path, ensure_ascii=False)}]").click()
        settled(page, path)
        assert page.title().startswith(f"{path} in looked.nxs")
    assert "1.5" in page.inner_text("#h5w-main-area")
    page.go_back()
    settled(page, "/kinds/nothing")
    page.go_back()
    settled(page, "/kinds/text")
    assert "Probe µ" in page.inner_text("#h5w-main-area")
    page.go_forward()
    settled(page, "/kinds/nothing")
    page.reload()
    settled(page, "/kinds/nothing")
    assert page.complaints == []
    page.click("[aria-label=Search]")
    page.fill("[aria-label='Path to search']", "half")
    page.click("[data-path='/kinds/half']")
    settled(page, "/kinds/half")
    assert page.complaints == []


def test_what_cannot_be_read_is_said_by_the_viewer_too(look):
    page = look(BROKEN, asked={"file": "missing.h5", "path": "/joined"})
    page.wait_for_load_state("networkidle")
    area = page.inner_text("#h5w-main-area")
    assert "lost.h5" in area
    assert "valid JSON" not in area
    assert "lost.h5" in page.inner_text("#values")


def test_without_script_the_text_is_all_and_forms_work(look):
    page = look(STACKS, wait=False, java_script_enabled=False, asked={"path": "/entry/stack"})
    assert not page.locator("[data-island]").is_visible()
    page.get_by_role("textbox", name="Frame").fill("2")
    page.get_by_role("spinbutton", name="Row").fill("30")
    page.get_by_role("button", name="Go").click()
    table = page.get_by_role("region", name="Table of values")
    assert table.locator("tbody tr").first.inner_text().split() == [
        *("30", *map(str, STACK[2, 30, :10]))
    ]
    page.get_by_role("link", name="Next frame").click()
    assert "Frame 3, rows 30 to" in table.inner_text()
    page.get_by_role("navigation", name="Path in the file").get_by_text("entry").click()
    page.get_by_role("link", name="image").click()
    assert page.locator("h2").first.inner_text() == "Group /entry/image"
    assert page.complaints == []


def test_axe_finds_nothing_but_what_is_known_of_h5web(look):
    page = look(STACKS, asked={"path": "/entry/stack"})
    colours(page)
    page.evaluate(AXE_SCRIPT)
    for width, scheme in ((1280, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(AXE, RULES)
        assert found["passes"] > 15, "axe did not look"
        assert found["ours"] == []
        assert set(found["theirs"]) <= H5WEB_RULES
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(NARROW) == []
        assert [place for place in page.evaluate(SMALL) if "h5w" not in place] == []
