"""Pages of data managers in Chromium: axe, both colours, a phone, the keyboard, without script."""

from datetime import timedelta

import intake_catalogue as given
import pytest
import signed_in
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from test_portal_browser import NARROW, RULES, SIZES, SMALL

from panosc.catalogue.tables import dataset
from panosc.domain.access import OPERATOR
from panosc.ingest.runs.editing.operations import Edit, Selection, SetField
from panosc.ingest.runs.service import Runs

pytestmark = pytest.mark.browser

WORDS = 4.5
"""The least contrast of words, by WCAG."""
CONTRAST = """(selector) => {
  const light = text => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  return [...document.querySelectorAll(selector)].map(e => {
    const s = getComputedStyle(e), a = light(s.color), b = light(s.backgroundColor);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def house(new_database, template, open_folder):
    profile = given.profile(open_folder / "browser-profile")
    home = open_folder / "intake-browser"
    with signed_in.house(new_database, template, home, profile=str(profile)) as found:
        yield found


@pytest.fixture(scope="module")
def paths(house, open_folder):
    """The pages, full of what is long, strange and wrong."""
    run = given.taken(house, given.fill(open_folder / "browser-files"))
    given.beats(house)
    given.announce(house)
    given.begun(house)
    given.taped(house)
    report = given.long_report(house, 60)
    with house.engine.connect() as connection:
        query = sa.select(dataset.c.pid).where(dataset.c.title == given.TITLES[2])
        pid = connection.scalar(query)
    runs = Runs(house.engine, house.settings, lambda: house.time[0])
    chosen = Selection(pids=(pid,))
    for title in ("Once", f"Twice, {given.UGLY}"):
        house.time[0] += timedelta(minutes=1)
        edit = Edit(operations=(SetField(field="description", value=title),))
        token = runs.preview(OPERATOR, chosen, edit).token
        last = runs.apply(OPERATOR, chosen, edit, reason=given.UGLY, token=token)
    runs.undo(OPERATOR, last, reason="It was once.")
    return {
        "overview": "/ingest",
        "runs": "/ingest?kind=ingest&from=x",
        "run": f"/ingest/runs/{run}",
        "long": f"/ingest/runs/{report}",
        "undo": f"/ingest/runs/{report}/undo",
        "blocked": f"/ingest/runs/{run}/undo",
        "quarantine": "/ingest/quarantine",
        "edit": "/ingest/edit",
        "tape": "/ingest/tape",
        "record": f"/datasets/{pid}/-/edit",
        "history": f"/datasets/{pid}/-/history",
        "pid": pid,
    }


@pytest.fixture
def bare(new_database, template, open_folder):
    """A node into which nothing has come."""
    with signed_in.house(new_database, template, open_folder / "intake-bare") as found:
        yield found


@pytest.fixture
def opened(browser, house):
    contexts = []

    def open_page(path, house=house, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        cookie = {"name": house.name, "value": house.cookies["steward"], "url": house.address}
        context.add_cookies([cookie])
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(house.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def sound(page):
    """Assert that a page is sound in both colours, on a desk and on phones."""
    page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    page.evaluate(AXE_SCRIPT)
    faults = []
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("rules => axe.run(rules)", RULES)
        assert len(found["passes"]) > 15, "axe did not look"
        faults += [
            (size, scheme, fault["id"], place["html"])
            for fault in found["violations"]
            for place in fault["nodes"][:3]
        ]
        assert min(page.evaluate(CONTRAST, "del, ins, .tag"), default=WORDS) >= WORDS
    assert faults == []
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(NARROW)
        # tables are read without moving them to the side
        wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > innerWidth)"
        assert page.evaluate(f"{wide}.map(e => e.ariaLabel)") == []
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize(
    "name",
    [
        *("overview", "runs", "run", "long", "undo", "blocked", "quarantine"),
        *("edit", "record", "history", "tape"),
    ],
)
def test_page_is_sound(opened, paths, name):
    page = opened(paths[name])
    sound(page)
    assert page.complaints == []


def test_preview_and_faults_are_sound(opened, paths):
    page = opened("/ingest/edit")
    page.get_by_role("button", name="Show a preview").click()
    assert page.get_by_role("alert").is_visible()
    sound(page)
    page.get_by_label("Or identifiers").fill(f"{paths['pid']}\nlocal/none")
    page.get_by_label("Replace in").select_option("title")
    page.get_by_label("This text", exact=True).fill("four")
    page.get_by_label("By this text").fill(given.UGLY)
    page.get_by_role("button", name="Show a preview").click()
    assert page.locator("del").first.text_content() == "four"
    sound(page)


def test_edit_and_undo_with_the_keyboard_alone(opened, house, paths):
    page = opened("/ingest/edit", java_script_enabled=False)

    def reach(role, name):
        wanted = page.get_by_role(role, name=name, exact=True)
        for _ in range(60):
            page.keyboard.press("Tab")
            if wanted.evaluate("e => e === document.activeElement"):
                return
        pytest.fail(f"{name} cannot be reached")

    reach("textbox", "Or identifiers")
    page.keyboard.type(paths["pid"])
    reach("combobox", "Set")
    page.keyboard.type("license")
    reach("textbox", "To")
    page.keyboard.type("CC0-1.0")
    reach("button", "Show a preview")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Preview of the edit").wait_for()
    assert page.locator("ins").first.text_content() == "CC0-1.0"
    reach("textbox", "Reason")
    page.keyboard.type("The owner asked for it")
    reach("button", "Change 1 dataset")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Edit, run").wait_for()
    reach("link", "Undo this run")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Undo run").wait_for()
    reach("textbox", "Reason")
    page.keyboard.type("The owner did not mean it")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    assert "It is undone" in page.get_by_role("status").text_content()
    with house.engine.connect() as connection:
        query = sa.select(dataset.c.license).where(dataset.c.pid == paths["pid"])
        assert connection.scalar(query) is None


def test_empty_node_is_sound(opened, bare):
    for path in ("/ingest", "/ingest/quarantine", "/ingest?kind=edit"):
        page = opened(path, bare)
        sound(page)
        assert page.complaints == []


def test_a_node_without_wishes_for_tape_says_so(opened, bare):
    page = opened("/ingest/tape", bare)
    sound(page)
    assert page.complaints == []
