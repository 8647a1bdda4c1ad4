"""The page “Related works”: as a page and as JSON, and its form for a steward, in a browser."""

from datetime import UTC, datetime

import publication_catalogue as given
import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.writer import write
from panosc.domain.access import Who
from panosc.policy.asking import install
from panosc.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = f"/datasets/{given.OPEN}/-/links"


def _filled(engine: sa.Engine) -> None:
    rows = ((model, line) for model, lines in given.CATALOGUE.items() for line in lines)
    with engine.begin() as connection:
        write(connection, rows, now=NOW)


def test_anyone_has_the_page_and_its_json(engine: sa.Engine, settings: Settings) -> None:
    _filled(engine)
    node = TestClient(create_app(settings, engine, clock=lambda: NOW), base_url="http://127.0.0.1")
    page = node.get(HERE, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Proteins &lt;in&gt; water" in page.text
    assert "Add a link" not in page.text
    told = node.get(HERE, headers={"Accept": "application/json"}).json()
    assert told["centre"] == f"https://doi.org/{given.OPEN}"
    assert told["isWhole"]
    kinds = {node["id"]: node["kind"] for node in told["nodes"]}
    assert kinds[f"https://doi.org/{given.PROPOSAL}"] == "proposal"
    assert {edge["from"] for edge in told["edges"]} <= set(kinds)
    place = f"/datasets/{given.EMBARGOED}/-/links"
    hidden = node.get(place, headers={"Accept": "application/json"}).json()
    from_it = {edge["relation"] for edge in hidden["edges"] if edge["from"] == hidden["centre"]}
    assert "IsPartOf" in from_it
    assert "measured" not in from_it
    assert node.post(HERE, data={"relation": "Cites"}).status_code in {401, 403}


@pytest.mark.parametrize("number", [-1, 0, 2**63, 10**30])
def test_a_number_that_no_link_can_have_is_refused(
    engine: sa.Engine, settings: Settings, number: int
) -> None:
    _filled(engine)
    app = create_app(settings, engine, clock=lambda: NOW)
    install(app, lambda _request: Who(person="u-s", roles=frozenset({"steward"}), via="token"))
    node = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    assert node.post(f"{HERE}/{number}/remove").status_code == 422
    assert node.post(f"{HERE}/{2**63 - 1}/remove").status_code == 404


@pytest.mark.browser
def test_a_steward_adds_and_removes_a_link(
    engine: sa.Engine, settings: Settings, browser: Browser
) -> None:
    _filled(engine)
    app = create_app(settings, engine, clock=lambda: NOW)
    steward = Who(person="u-s", roles=frozenset({"steward"}), via="session")
    install(app, lambda _request: steward)
    with serving(app) as address:
        page = browser.new_page(viewport={"width": 390, "height": 900})
        page.goto(address + HERE)
        page.get_by_label("Identifier of the other work").fill("just words")
        page.get_by_role("button", name="Add", exact=True).click()
        assert "is no identifier" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Identifier of the other work").input_value() == "just words"
        page.get_by_label("Identifier of the other work").fill("10.5555/paper")
        page.get_by_label("Its title").fill("A <i>paper</i>")
        page.get_by_role("button", name="Add", exact=True).click()
        assert page.locator(".notice").inner_text() == "The link is added."
        assert page.get_by_role("link", name="A <i>paper</i>").count() == 2
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Remove IsSupplementTo 10.5555/paper").click()
        assert page.locator(".notice").inner_text() == "The link is removed."
        page.goto(f"{address}/about")
        assert Axe().run(page).violations_count == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()
