"""Theme and units: chosen by form, kept by cookie and account, shown on pages."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import portal_catalogue as catalogue
import pytest
import signed_in as given
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT

from panosc.catalogue.people import account
from panosc.domain.preferred import CHOICES, Units, read

PATH = "/settings"


@pytest.fixture(scope="module")
def house(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[given.House]:
    with given.house(new_database, template, open_folder / "settings") as served:
        yield served


@pytest.fixture
def visitor(node):
    headers = {"Accept": "text/html", "Origin": node.address}
    with httpx.Client(base_url=node.address, headers=headers, trust_env=False) as client:
        yield client


def choose(client, **chosen):
    answer = client.post(PATH, data=chosen)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?saved=1")


def shown(page, name):
    """Return what the overview of a dataset says of a parameter, without mark-up."""
    found = re.search(f"<dt>{name}</dt><dd>(.*?)</dd>", page)
    return re.sub("<[^>]+>", "", found[1]).replace("&nbsp;", " "), found[1]


def test_values_are_shown_in_the_units_of_ones_choice(visitor):
    path = f"/datasets/{catalogue.OPEN}"
    page = visitor.get(path).text
    assert shown(page, "Wavelength")[0] == "6 Å"
    assert shown(page, "Temperature")[0] == "280 to 320 K"
    choose(visitor, length="nm", temperature="degC", energy="keV")
    page = visitor.get(path).text
    text, html = shown(page, "Wavelength")
    assert text == "0.6 nm"
    assert 'title="6 Å in the file"' in html
    assert shown(page, "Temperature")[0] == "6.85 to 46.85 °C"
    table = visitor.get(f"{path}/-/metadata").text
    assert "Å in the file" in table
    assert "in the units that you chose" in table
    assert visitor.get("/search.json?wavelength=6 angstrom").json()["items"][0]["parameters"] == [
        {"name": "wavelength", "value": 6, "unit": "angstrom"}
    ]
    choose(visitor)
    assert shown(visitor.get(path).text, "Wavelength")[0] == "6 Å"


def test_ranges_of_the_search_page_are_in_them_too(visitor):
    def unit_of_range():
        page = visitor.get("/search?show=wavelength").text
        choices = re.search(r'<select name="wavelength.unit".*?</select>', page, re.DOTALL)[0]
        return re.search(r'<option value="([^"]*)" selected', choices)[1], page

    assert unit_of_range()[0] == "angstrom"
    choose(visitor, length="nm")
    unit, page = unit_of_range()
    assert unit == "nm"
    assert "0.6" in re.search(r"<svg.*?</svg>", page, re.DOTALL)[0]
    # what the address says goes before what one prefers
    page = visitor.get("/search?wavelength=4..8 angstrom").text
    assert re.search(
        r'<select name="wavelength.unit".*?<option value="angstrom" selected', page, re.DOTALL
    )


def test_the_form_says_what_is_chosen(visitor):
    choose(visitor, theme="dark", energy="keV")
    page = visitor.get(f"{PATH}?saved=1").text
    assert 'data-theme="dark"' in page
    assert "Your choice is kept." in page
    assert 'name="energy" value="keV" checked' in page
    assert 'name="length" value="" checked' in page
    assert 'name="theme" value="dark" checked' in page
    choose(visitor, theme="<script>", energy="furlong", length="K")
    page = visitor.get(PATH).text
    assert "data-theme" not in page
    assert 'name="energy" value="" checked' in page
    assert not visitor.cookies


def test_a_cookie_of_others_does_no_harm(visitor):
    for text in ("x", "..", "a.b.c", "nm.nm.nm", "%00.%0a.", "." * 999):
        visitor.cookies.set("units", text)
        answer = visitor.get(f"/datasets/{catalogue.OPEN}")
        assert answer.status_code == 200
        assert visitor.get(PATH).status_code == 200


def test_who_has_signed_in_finds_it_in_another_browser(house):
    with house.client("team") as client:
        choose(client, theme="dark", length="nm")
    with house.engine.connect() as connection:
        query = sa.select(account.c.id, account.c.preferences).where(
            account.c.preferences.is_not(None)
        )
        assert connection.execute(query).all() == [
            ("u-team", {"theme": "dark", "units": Units(length="nm").text})
        ]
    with house.client("team") as client:
        choose(client)
    with house.engine.connect() as connection:
        assert connection.execute(query).all() == []


def test_what_is_kept_can_be_read_back():
    for length in ("", *CHOICES["length"]):
        for energy in ("", *CHOICES["energy"]):
            units = Units(length=length, energy=energy, temperature="degC")
            assert read(units.text) == units


@pytest.mark.parametrize(
    ("name", "value", "unit", "expected"),
    [
        ("wavelength", 6, "A", (0.6, "nm")),
        ("incident_wavelength", 6e-10, "m", (0.6, "nm")),
        ("q", 0.1, "1/angstrom", (1.0, "1/nm")),
        ("intensity", 0.1, "1/cm", None),
        ("detector_distance", 2.0, "m", None),
        ("lattice_a", 5.431, "angstrom", (0.5431, "nm")),
        ("photon_energy", 8047.8, "eV", (8.0478, "keV")),
        ("energy_transfer", 5.0, "meV", None),
        ("temperature", 300, "K", (26.85, "degC")),
        ("temperature", 20, "celsius", None),
        ("current", 5, "A", None),
        ("remark", 5, None, None),
        ("remark", 5, "furlongs of no use", None),
    ],
)
def test_what_is_converted_and_what_is_not(name, value, unit, expected):
    units = Units(length="nm", energy="keV", temperature="degC")
    assert units.converted(name, value, unit) == expected
    assert Units().converted(name, value, unit) is None


@pytest.mark.browser
def test_without_scripts_and_by_keyboard(node, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(node.address + PATH)
    page.get_by_role("radio", name="nm", exact=True).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{node.address}{PATH}?saved=1")
    assert page.get_by_role("radio", name="nm", exact=True).is_checked()
    context.close()


@pytest.mark.browser
def test_the_page_is_sound(node, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(node.address + PATH)
    page.evaluate(AXE_SCRIPT)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
