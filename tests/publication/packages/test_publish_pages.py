"""The pages on which a package comes about: without JavaScript, by keyboard, at any width."""

import html
import sys
from pathlib import Path

import httpx
import nbformat
import pytest
from axe_playwright_python.base import AXE_SCRIPT

import panosc

sys.path.append(str(Path(__file__).parents[2] / "portal"))
import signed_in as given
from signed_in import EMBARGOED, OPEN
from test_portal_browser import RULES

FORM = {
    "title": "Data behind <a paper>",
    "abstract": "What we *measured*.",
    "licence": "CC0-1.0",
    "publication": "10.1107/S1600576723000001",
    "dataset": [OPEN, EMBARGOED],
    "parts": "1 a.nxs /entry/data/I 0, :10",
}


@pytest.fixture(scope="module")
def node(new_database, template, open_folder):
    with given.house(new_database, template, open_folder / "publish-pages") as found:
        yield found


@pytest.fixture(scope="module")
def package(node):
    """The path of a published package."""
    with node.client("pi") as client:
        made = client.post("/publish/new", data={**FORM, "parts": ""})
        assert made.status_code == 303, made.text
        path = made.headers["location"].partition("?")[0]
        done = client.post(f"{path}/-/publish", data={"state": "findable", "sure": "1"})
        assert done.status_code == 303
    return path


def test_the_selection_leads_to_the_form(node):
    with node.client("pi") as client:
        for pid in (OPEN, EMBARGOED):
            client.post("/selection/add", data={"pid": pid})
        assert 'href="/publish/new"' in client.get("/selection").text
        page = html.unescape(client.get("/publish/new").text)
    assert page.count('name="dataset"') == 2
    assert "stays under embargo until 2029-05-01" in page
    assert "no account at DataCite" in page


def test_a_draft_tells_what_would_be_told_and_what_is_missing(node):
    with node.client("pi") as client:
        made = client.post("/publish/new", data={**FORM, "abstract": "", "parts": ""})
        path = made.headers["location"]
        page = html.unescape(client.get(path).text)
        assert "The draft is kept." in page
        assert "has no abstract" in page
        assert '"resourceTypeGeneral": "Collection"' in page
        assert "Data behind <a paper>" in page
        path = path.partition("?")[0]
        refused = client.post(f"{path}/-/publish", data={"state": "findable"})
        assert refused.status_code == 422
        assert "Nothing was published" in refused.text
        again = client.post(f"{path}/-/change", data={**FORM, "parts": ""})
        assert again.status_code == 303
        assert "has no abstract" not in html.unescape(client.get(path).text)
        assert client.post(f"{path}/-/discard").headers["location"] == "/selection"
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("publication", "no doi"), ("licence", "mine"), ("parts", "9 x /y"), ("title", " ")],
)
def test_what_cannot_be_kept_stands_in_the_form_again(node, name, value):
    with node.client("pi") as client:
        answer = client.post("/publish/new", data={**FORM, "parts": "", name: value})
    assert answer.status_code == 422
    assert f'<a href="#{name}">' in answer.text
    assert "What we *measured*." in answer.text


def test_what_is_published_is_found_by_everyone(node, package):
    with node.client("pi") as client:
        page = html.unescape(client.get(package).text)
    assert "Data availability" in page
    assert "under embargo until 2029-05-01" in page
    with node.client() as client:
        public = client.get(package.replace("/publish/packages/", "/documents/"))
        assert public.status_code == 200
        assert "Lysozyme in D2O" in public.text
        assert client.get(package).status_code == 401


def test_what_a_package_says_is_not_said_of_its_datasets(node, package):
    with node.client() as client:
        items = client.get("/search.json").json()["items"]
    (item,) = [item for item in items if item["pid"] == OPEN]
    assert package.partition("/packages/")[2] in item["documents"]
    assert (item["people"], item["licence"]) == ([], "CC-BY-4.0")


def test_the_notebook_opens_its_datasets(node, package):
    page = package.replace("/publish/packages/", "/documents/")
    text = httpx.get(f"{node.address}{page}/-/export/notebook", trust_env=False).text
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    known = {"panosc": panosc}
    for source in cells:
        exec(source, known)
    assert [item.pid for item in known["datasets"]] == [OPEN, EMBARGOED]
    assert [item.access for item in known["datasets"]] == ["open", "embargoed"]
    known["node"].close()
    heading = notebook.cells[0].source
    assert "# Data behind \\<a paper\\>" in heading
    assert "CC0-1.0" in heading


def test_stewards_see_the_queue(node):
    with node.client("steward") as client:
        page = client.get("/publish/queue")
    assert "None waits" in page.text
    assert "no account at DataCite" in page.text


@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_accessible(node, browser, package, width):
    with node.client("pi") as client:
        made = client.post("/publish/new", data={**FORM, "abstract": "", "parts": ""})
    draft = made.headers["location"].partition("?")[0]
    context = browser.new_context(
        java_script_enabled=True, viewport={"width": width, "height": 800}, color_scheme="dark"
    )
    context.add_cookies([{"name": node.name, "value": node.cookies["pi"], "url": node.address}])
    page = context.new_page()
    for path in (f"/publish/new?dataset={OPEN}", draft, package):
        page.goto(f"{node.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate("rules => axe.run(rules)", RULES)
        assert len(found["passes"]) > 15, "axe did not look"
        faults = [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]]
        assert faults == [], path
    context.close()
