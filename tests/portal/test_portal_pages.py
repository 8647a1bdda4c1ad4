"""Every page answers, says what it must, and leads nowhere that does not exist."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import quote, urljoin, urlsplit

import httpx
import portal_catalogue as given
import pytest

from panosc.portal import words


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids, self.elements, self.text = [], [], [], [], []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag in {"a", "form"} and found.get("method") != "post":
            self.links.append(found.get("href") or found.get("action"))
        if tag == "link" and found["rel"] in {"stylesheet", "icon"}:
            self.loaded.append(found["href"])
        if "src" in found or tag == "image":
            self.loaded.append(found.get("src") or found["href"])
        self._in_data = tag == "script"

    def handle_endtag(self, tag):
        if tag == "script":
            self._in_data = False

    def handle_data(self, data):
        if self._in_data:
            self.data += data
        else:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    def all(self, tag):
        return [found for name, found in self.elements if name == tag]


def page(node, path, status=200):
    answer = node.get(path)
    assert answer.status_code == status, (path, answer.text[:500])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


@pytest.mark.parametrize("path", [*given.PAGES, *given.ERRORS])
def test_every_page_is_whole(node, path):
    found = page(node, path, given.ERRORS.get(path, 200))
    assert len(found.all("h1")) == 1
    assert len(found.all("main")) == 1
    assert len(found.ids) == len(set(found.ids)), "an id stands twice"
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for tag, attributes in found.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
    kinds = [script.get("type") for script in found.all("script") if not script.get("src")]
    assert set(kinds) <= {"application/ld+json"}
    assert not found.all("style")
    for address in found.loaded:
        assert address.startswith(("/static/", "data:image/png;base64,")), address


def test_links_lead_somewhere(node):
    seen, todo = set(), ["/"]
    while todo:
        path = todo.pop()
        if path in seen or len(seen) > 250:
            continue
        seen.add(path)
        answer = node.get(path)
        assert answer.status_code in {200, 303}, path
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for link in Page(answer.text).links:
            parts = urlsplit(urljoin(path, link or path))
            if not parts.netloc and parts.path.startswith("/"):
                todo.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    assert {f"/datasets/{given.OPEN}", "/instruments", "/techniques", "/api", "/privacy"} <= seen


@pytest.mark.parametrize("path", given.PAGES)
def test_head_answers_like_get(node, path):
    answer = httpx.head(node.address + path, trust_env=False)
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(("path", "status"), given.ERRORS.items())
def test_errors_are_pages_for_people_and_problems_for_programs(node, path, status):
    shown = page(node, path, status)
    answer = node.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"] in shown.words
    assert " ".join(problem["detail"].split()) in shown.words
    assert node.get(problem["type"]).status_code == 200
    assert problem["type"].partition("#")[2] in page(node, "/docs/errors/").ids


def test_what_is_closed_looks_like_what_never_was(node):
    answers = [node.get(f"/datasets/{pid}") for pid in (given.CLOSED, "10.5072/never-1")]
    # each request has a number of its own
    texts = [answer.text.replace(answer.headers["x-request-id"], "ID") for answer in answers]
    closed, never = (
        texts[0].replace(given.CLOSED, "PID"),
        texts[1].replace("10.5072/never-1", "PID"),
    )
    assert closed.replace(quote(given.CLOSED), "PID") == never
    assert 'value="PID"' in closed, "offers to search for it"
    assert given.SECRET not in closed


def test_an_unexpected_error_has_a_number_that_stands_in_the_log(node, caplog, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError(given.SECRET)

    monkeypatch.setattr("panosc.portal.pages.search.page.groups", fail)
    answer = node.get("/search")
    assert answer.status_code == 500
    assert "Content-Security-Policy" in answer.headers
    assert given.SECRET not in answer.text
    number = re.search(r"id ([0-9a-f]{16})", answer.text)[1]
    assert number in caplog.text


def test_wrong_method_is_told(node):
    answer = httpx.post(node.address + "/search", trust_env=False)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


# ---- the page of a dataset ----


def test_dataset_page_tells_what_the_contract_says(node):
    found = page(node, f"/datasets/{given.OPEN}")
    text = found.words
    for part in (
        "Small-angle scattering of lysozyme in D2O",
        "Raw dataset",
        "Open",
        "CC-BY-4.0",
        "Lise Meitner",
        "Seven temperatures.",
        # 12.3 exp(-20 Q) + 0.004 at Q = 0.01 and 0.4
        "I falls from 10.1 to 0.00813",
        "small angle neutron scattering",
        "PaNET01189",
        "D22",
        "2021-11-03 08:12",
        "2021-11-04 01:40",
        "280 to 320",
        "18.4 GB",
        f"All {given.FILES} files",
        "Meitner, L. (2023). Small-angle scattering of lysozyme in D2O [Data set]. ILL. https",
        "https://doi.org/10.5072/sans-118",
        "Protein solutions under pressure",
    ):
        assert part in text, part
    assert "https://orcid.org/0000-0002-1825-0097" in found.links
    assert "https://creativecommons.org/licenses/by/4.0/" in found.links
    assert "/techniques/PaNET01189" in found.links
    relations = {item["rel"]: item["href"] for item in found.all("link")}
    assert relations["canonical"] == f"{node.address}/datasets/{given.OPEN}"
    assert relations["cite-as"] == "https://doi.org/10.5072/sans-118"
    assert httpx.get(node.address + relations["alternate"]).json()["pid"] == given.OPEN


def test_plot_has_name_and_table(node):
    answer = node.get(f"/datasets/{given.OPEN}").text
    name = re.search(
        r'<svg class="plot"[^>]*aria-labelledby="plot".*?<title id="plot">(.*?)</', answer
    )
    assert re.fullmatch(r"I falls from [\d.]+ to [\d.]+ cm⁻¹ over Q from 0.01 to 0.4 Å⁻¹", name[1])
    assert "40 of 120 points." in answer


def test_json_ld_says_what_the_page_says(node):
    found = page(node, f"/datasets/{given.OPEN}")
    described = json.loads(found.data)
    assert described["@context"]["@vocab"] == "https://schema.org/"
    assert described["@type"] == "Dataset"
    assert described["name"] in found.words
    assert described["identifier"]["value"] == "https://doi.org/10.5072/sans-118"
    assert described["@id"] == "https://doi.org/10.5072/sans-118"
    assert described["url"] == f"{node.address}/datasets/{given.OPEN}"
    assert described["license"] in found.links
    assert described["creator"][0]["@id"] in found.links
    assert described["measurementTechnique"][0]["@id"] == given.TECHNIQUE
    assert {item["name"] for item in described["variableMeasured"]} == {"temperature", "wavelength"}
    assert described["isAccessibleForFree"] is True
    same = node.get(f"/datasets/{given.OPEN}/-/export/json-ld")
    assert same.headers["content-type"] == "application/ld+json"
    assert same.json() == described


def test_slashes_may_be_encoded(node):
    raw = node.get(f"/datasets/{given.OPEN}")
    encoded = node.get("/datasets/" + quote(given.OPEN, safe=""))
    assert raw.status_code == encoded.status_code == 200
    assert Page(raw.text).words == Page(encoded.text).words
    beneath = node.get("/datasets/" + quote(given.OPEN, safe="") + "/-/metadata")
    assert beneath.status_code == 200


def test_embargoed_dataset_shows_core_and_nothing_else(node):
    found = page(node, f"/datasets/{given.EMBARGOED}")
    for part in ("Under embargo until 2031-05-01", "9.1 GB", "Lise Meitner", "D22", "2026-05-03"):
        assert part in found.words
    text = node.get(f"/datasets/{given.EMBARGOED}").text
    assert given.SECRET not in text
    assert "<svg" not in text
    assert "/-/files" not in text
    for beneath in ("metadata", "files"):
        answer = node.get(f"/datasets/{given.EMBARGOED}/-/{beneath}")
        assert (answer.status_code, given.SECRET in answer.text) == (404, False)
    described = json.loads(found.data)
    assert described["isAccessibleForFree"] is False
    assert described["conditionsOfAccess"] == "http://purl.org/coar/access_right/c_f1cf"
    assert "variableMeasured" not in described


def test_withdrawn_dataset_keeps_its_page_with_the_reason(node):
    found = page(node, f"/datasets/{given.WITHDRAWN}")
    assert "The sample was not what its label said." in found.words
    assert "Diffraction of a mislabelled sample" in found.words
    assert not found.all("svg")
    described = json.loads(found.data)
    assert described["conditionsOfAccess"] == "http://purl.org/coar/access_right/c_14cb"
    assert "distribution" not in described


def test_a_dataset_of_which_nothing_is_known_has_a_page(node):
    found = page(node, f"/datasets/{given.BARE}")
    # what it lacks has a fallback: who made it, what it is, since when it is here
    assert re.search(r"ILL & friends\. \(20\d\d\). 10.5072/bare-1 \[Data set\]. https", found.words)
    assert "Raw data from ILL & friends." in found.words


def test_parameters_are_given_in_both_units_with_their_place(node):
    found = page(node, f"/datasets/{given.OPEN}/-/metadata")
    text = found.words.replace("\xa0", " ")
    assert "4 parameters" in text
    assert "6 Å" in text
    assert "6 × 10 −10 m" in text
    assert "/entry/instrument/beam/incident_wavelength" in text


def test_files_are_paged_and_complete(node):
    names, path = [], f"/datasets/{given.OPEN}/-/files"
    while path:
        answer = node.get(path).text
        names += re.findall(r"<code>(\d+\.nxs)</code>", answer)
        following = re.search(r'rel="next" href="([^"]+)"', answer)
        path = following[1] if following else None
    assert names == [f"{118000 + number}.nxs" for number in range(given.FILES)]


def test_code_on_the_page_runs(node):
    answer = node.get(f"/datasets/{given.OPEN}").text
    blocks = [
        re.sub(r"<[^>]+>", "", block).replace("&#34;", '"').replace("&#39;", "'")
        for block in re.findall(r"<pre[^>]*>(.*?)</pre>", answer, re.DOTALL)
    ]
    python = subprocess.run(
        [sys.executable, "-c", blocks[0]], capture_output=True, text=True, check=True, timeout=60
    )
    assert "wavelength 6 angstrom" in python.stdout
    curl = subprocess.run(
        ["bash", "-c", blocks[1]], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(curl.stdout)["pid"] == given.OPEN


def test_commands_of_the_api_page_run(node):
    answer = node.get("/api").text
    blocks = re.findall(r'aria-label="curl: [^"]*"><code>(.*?)</code>', answer)
    assert len(blocks) >= 3
    for block in blocks:
        command = block.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&")
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60
        )
        found = json.loads(done.stdout)
        assert "error" not in found, found


def test_the_api_page_lists_every_operation(node):
    text = page(node, "/api").words
    for path in node.get("/api/openapi.json").json()["paths"]:
        assert path in text


def test_document_page_lists_people_and_datasets(node):
    found = page(node, f"/documents/{given.DOCUMENT}")
    for part in ("Lise Meitner", "principal investigator", "Institut Laue-Langevin", "2 datasets"):
        assert part in found.words
    assert f"/datasets/{given.OPEN}" in found.links
    (maker,) = json.loads(found.data)["creator"]
    assert maker["affiliation"]["name"] == "Institut Laue-Langevin"


def test_technique_page_counts_narrower_ones(node):
    found = page(node, "/techniques/PaNET01124")
    assert "2 datasets, narrower techniques included" in found.words
    full = node.get("/techniques/" + quote(given.TECHNIQUE, safe=""))
    assert (full.status_code, full.headers["location"]) == (303, "/techniques/PaNET01189")


def test_doi_and_licence_addresses_are_only_made_of_what_they_are():
    assert words.doi_address("10.5072/x") == "https://doi.org/10.5072/x"
    assert words.doi_address("javascript:10.5072/x") is None
    assert words.licence_address("CC0") == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert words.licence_address("MIT-0") == "https://spdx.org/licenses/MIT-0.html"
    assert words.licence_address("javascript:alert(1)") is None
    assert words.orcid_address("https://evil.example/0000-0002-1825-0097x") is None
