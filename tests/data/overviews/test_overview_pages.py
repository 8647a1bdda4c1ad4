"""Pages with pictures in Chromium: axe, both colours, a phone, and nothing that moves."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import overview_files as given
import pytest
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Request, Route

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.tables import location
from panosc.data.overviews.following import Keeper
from panosc.settings import Settings

pytestmark = pytest.mark.browser

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SEEN = """() => [...document.images].map(image => {
  const box = image.getBoundingClientRect();
  return [image.complete && image.naturalWidth > 0, image.alt.length > 0, box.right <= innerWidth,
    Math.abs(box.width / box.height - image.naturalWidth / image.naturalHeight) < 0.05]
})"""
LOADED = """() => {
  for (const image of document.images) image.loading = "eager";
  return Promise.all([...document.images].map(image => image.decode().catch(() => null)))
}"""
PLACES = """() => document.fonts.ready.then(() => [...document.querySelectorAll("main *")].map(
  item => Math.round(item.getBoundingClientRect().top)))"""


@pytest.fixture
def address(engine: sa.Engine, settings: Settings) -> Iterator[str]:
    chance = np.random.default_rng(4)
    stack = chance.poisson(30, (9, 80, 120)).astype("u2")
    path = given.squeezed(settings.home.parent / "stack.nxs", stack, (1, 80, 120))
    line = given.written(settings.home.parent / "line.nxs", np.cos(np.arange(99.0) / 9))
    tape = given.written(settings.home.parent / "tape.nxs", stack[0])
    for name, file in (("stack", path), ("line", line), ("tape", tape)):
        given.register(engine, file, pid=f"local/{name}", now=NOW)
    Keeper(engine, settings, lambda: NOW).catch_up()
    with engine.begin() as connection:
        on_tape = sa.update(location).where(location.c.name == tape.name)
        connection.execute(on_tape.values(tier="nearline"))
    with serving(create_app(settings, engine, clock=lambda: NOW)) as found:
        yield found


def test_pages_with_pictures(address: str, browser: Browser) -> None:
    pages = {"/search": 3, "/datasets/local/stack": 6, "/datasets/local/tape": 0}
    for scheme, width in (("light", 1200), ("dark", 320)):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = context.new_page()
        for path, count in pages.items():
            held: list[Route] = []

            def hold(route: Route, _request: Request, held: list[Route] = held) -> None:
                held.append(route)

            page.route("**/-/thumbnail*", hold)
            page.goto(address + path, wait_until="domcontentloaded")
            before = page.evaluate(PLACES)
            for route in held:
                route.continue_()
            page.unroute("**/-/thumbnail*")
            page.evaluate(LOADED)
            # nothing moves when pictures come
            assert page.evaluate(PLACES) == before
            seen = page.evaluate(SEEN)
            assert len(seen) == count, path
            assert all(all(good) for good in seen), (path, seen)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.evaluate(AXE_SCRIPT)
            found = page.evaluate("rules => axe.run(rules)", RULES)
            assert len(found["passes"]) > 15, "axe did not look"
            assert [item["id"] for item in found["violations"]] == [], path
        assert "on tape" in page.inner_text("main")
        context.close()
