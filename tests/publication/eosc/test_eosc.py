"""The node as a whole: sitemap, catalogue, and what registries are told of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import publication_catalogue as given
import pytest
import rdflib
import sqlalchemy as sa
from defusedxml.ElementTree import fromstring
from starlette.testclient import TestClient
from validators import breaches, installed

from panosc.app import create_app
from panosc.catalogue.writer import write
from panosc.publication.eosc.listing import Listing
from panosc.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 11_000
"""More than two batches."""
BASE = "http://127.0.0.1"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


def _rows(more: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for model, lines in given.CATALOGUE.items():
        for line in lines:
            yield model, line
    for number in range(more):
        yield "Dataset", {"pid": f"many/{number}", "title": "x", "isPublic": number % 10 != 0}


def _node(engine: sa.Engine, settings: Settings, *, more: int = 0) -> TestClient:
    with engine.begin() as connection:
        write(connection, _rows(more), now=NOW)
    given_settings = settings.model_copy(
        update={"facility": "A & B", "facility_ror": "02550n020", "contact": "mailto:a@b.example"}
    )
    return TestClient(create_app(given_settings, engine, clock=lambda: NOW), base_url=BASE)


def _places(text: str, of: str) -> list[str]:
    return [str(item.text) for item in fromstring(text).iter(f"{MAP}loc")] if of else []


def test_the_sitemap_has_every_public_page_once(engine: sa.Engine, settings: Settings) -> None:
    node = _node(engine, settings)
    index = _places(node.get("/sitemap.xml").text, "index")
    assert [urlsplit(place).path for place in index] == [
        "/sitemap/pages.xml",
        "/sitemap/datasets-1-0.xml",
        "/sitemap/documents-1-0.xml",
    ]
    found = [place for part in index for place in _places(node.get(part).text, "part")]
    pids = [unquote(urlsplit(place).path) for place in found]
    assert len(pids) == len(set(pids))
    for pid in (given.OPEN, given.EMBARGOED, given.BARE):
        assert f"/datasets/{pid}" in pids
    assert f"/documents/{given.PROPOSAL}" in pids
    assert not any(given.CLOSED in pid for pid in pids)
    part = fromstring(node.get(index[1]).text)
    dates = [date.fromisoformat(str(item.text)) for item in part.iter(f"{MAP}lastmod")]
    assert len(dates) == 3
    for wrong in ("datasets-1-1", "datasets-0-0", "people", "datasets-1-0x"):
        assert node.get(f"/sitemap/{wrong}.xml").status_code == 404


def test_parts_are_even_and_together_everything(engine: sa.Engine, settings: Settings) -> None:
    _node(engine, settings, more=MANY)
    listing = Listing(engine, lambda: NOW)
    whole = [item.pid for item in listing.part("Dataset", 0, 1, most=50_000)]
    parts = [[item.pid for item in listing.part("Dataset", n, 4, most=50_000)] for n in range(4)]
    assert [pid for part in parts for pid in part] == whole
    assert len(whole) == len(set(whole)) == listing.count("Dataset") == MANY * 9 // 10 + 3
    assert all(len(whole) / 4 * 0.9 < len(part) < len(whole) / 4 * 1.1 for part in parts)
    assert len(list(listing.part("Dataset", 0, 1, most=6000))) == 6000


def test_the_catalogue_is_walked_page_by_page(engine: sa.Engine, settings: Settings) -> None:
    node = _node(engine, settings, more=120)
    place: str | None = "/dcat"
    seen: list[str] = []
    pages = 0
    while place is not None:
        answer = node.get(place, headers={"Accept": "text/turtle"})
        assert answer.headers["content-type"].startswith("text/turtle")
        graph = rdflib.Graph().parse(data=answer.text, format="turtle")
        if pages == 0:
            assert breaches(graph) == []
            (total,) = graph.objects(None, HYDRA.totalItems)
            assert int(total) == 111
        seen += [str(item) for item in graph.objects(None, DCAT.dataset)]
        following = [str(item) for item in graph.objects(None, HYDRA.next)]
        assert answer.links.get("next", {}).get("url") == (following[0] if following else None)
        place = following[0] if following else None
        pages += 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 111
    assert f"https://doi.org/{given.EMBARGOED}" in seen
    assert not any(given.CLOSED in name for name in seen)


def test_the_catalogue_says_the_same_as_json_ld(engine: sa.Engine, settings: Settings) -> None:
    node = _node(engine, settings)
    asked = node.get("/dcat", headers={"Accept": "application/ld+json"})
    assert asked.headers["content-type"] == "application/ld+json"
    assert asked.headers["vary"].startswith("Accept,")
    same = node.get("/dcat?format=json-ld", headers={"Accept": "text/html"})
    assert same.json() == asked.json()
    read = rdflib.Graph().parse(data=asked.text, format="json-ld")
    other = rdflib.Graph().parse(data=node.get("/dcat").text, format="turtle")
    assert len(read) == len(other)
    assert "hidden.nxs" not in asked.text


def test_registries_are_told_what_they_ask_for(engine: sa.Engine, settings: Settings) -> None:
    node = _node(engine, settings)
    xml = node.get("/about/re3data.xml").content
    judge = Path(__file__).with_name("judging_re3data.py")

    def judged(text: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, str(judge)],
            env={"PYTHONPATH": str(installed()), "PATH": ""},
            input=text,
            capture_output=True,
            check=False,
            timeout=60,
        )

    good = judged(xml)
    assert good.returncode == 0, good.stderr.decode()
    assert good.stdout.decode().strip() == ""
    nameless = xml.replace(b"repositoryName", b"repositoryNames")
    assert judged(nameless).returncode != 0
    wrong = xml.replace(b">OAI-PMH<", b">OAI<").replace(b'"OAI-PMH"', b'"OAI"')
    assert judged(wrong).returncode != 0
    assert b"A &amp; B" in xml

    eosc = node.get("/api/v1/eosc").json()
    assert eosc["resourceOrganisation"]["ror"] == "https://ror.org/02550n020"
    assert eosc["datasource"]["harvesting"]["oaiPmh"] == f"{BASE}/oai"

    apis = node.get("/.well-known/api-catalog")
    assert apis.headers["content-type"].startswith("application/linkset+json")
    assert 'rel="api-catalog"' in node.head("/.well-known/api-catalog").headers["link"]
    anchors = {item["anchor"] for item in json.loads(apis.text)["linkset"]}
    assert f"{BASE}/panosc-api" in anchors

    void = rdflib.Graph().parse(data=node.get("/.well-known/void").text, format="turtle")
    assert len(void) > 5
    robots = node.get("/robots.txt").text.splitlines()
    assert robots[0] == "User-agent: *"
    assert robots[-1] == f"Sitemap: {BASE}/sitemap.xml"
    about = node.get("/about").text
    for path in ("/oai?verb=Identify", "/dcat", "/sitemap.xml", "/about/re3data.xml"):
        assert f'href="{path}"' in about
        assert node.get(path).status_code == 200, path
