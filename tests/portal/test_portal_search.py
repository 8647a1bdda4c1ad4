"""The search page: its address is the question, its numbers are true."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.app import create_app
from panosc.domain.access import ANYONE
from panosc.portal.pages.home import examples
from panosc.portal.pages.search import Paging, Place, headline, ranges_joined
from panosc.search.counts.facets import Facet
from panosc.search.language.selection import Selection
from panosc.search.language.url import parse
from panosc.search.service import SearchService


@pytest.fixture
def service(node):
    return SearchService(node.engine, node.settings, lambda: given.NOW)


def text_of(node, path):
    answer = node.get(path)
    assert answer.status_code == 200, answer.headers
    return unescape(answer.text)


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("?q=", ""),
        ("?q=+silver++behenate+", "?q=silver+behenate"),
        ("?q=&technique=PaNET01189&year=", "?technique=PaNET01189"),
        ("?page=1&size=25", ""),
        ("?year=2021&technique=PaNET01189", "?technique=PaNET01189&year=2021"),
        (
            "?q=&parameter=wavelength&parameter.min=0.4&parameter.max=0.8&parameter.unit=nm",
            "?wavelength=0.4..0.8+nm",
        ),
        ("?parameter=wavelength&parameter.min=&parameter.max=&parameter.unit=nm", ""),
        ("?temperature.min=300&temperature.max=&temperature.unit=K", "?temperature=300..+K"),
        ("?parameter=&parameter.min=3", ""),
        ("?view=list", ""),
    ],
)
def test_forms_lead_to_the_one_spelling(node, asked, canonical):
    answer = node.get(f"/search{asked}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/search{canonical}"
    assert node.get(answer.headers["location"]).status_code == 200


def test_ranges_are_joined_without_a_word_too_many():
    assert ranges_joined([("x.min", "1"), ("x.max", "1"), ("x.unit", "K")]) == [("x", "1 K")]
    assert ranges_joined([("a", "b"), ("c", " ")]) == [("a", "b")]


def test_what_cannot_be_used_is_explained_and_the_rest_answered(node):
    text = text_of(node, "/search?facilities=ILL&access=open")
    assert "There is no filter “facilities”. Did you mean facility?" in text
    assert "<h1>" in text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=lysozyme",
        "access=embargoed",
        "technique=PaNET01124",
        "facility=ILL&year=2021",
        "wavelength=0.5..0.7+nm",
        "temperature=285..+K",
        "kind=raw&access=open",
    ],
)
def test_title_is_the_true_count(node, service, query):
    selection = parse(parse_qsl(query), parameters=service.parameter_names(ANYONE))
    total = service.count(ANYONE, selection.query())
    text = text_of(node, f"/search?{query}" if query else "/search")
    assert f"<h1>{headline(total, selection.words)}</h1>" in text
    assert text.count('<li class="hit">') == min(total, 25)


def test_counts_of_facets_are_what_choosing_them_gives(node):
    text = text_of(node, "/search?access=open")
    choices = re.findall(
        r'name="(\w+)" value="([^"]*)"(?: checked)?><bdi>[^<]*</bdi><span class="n">([\d,]+)<', text
    )
    assert {"technique", "facility", "instrument", "year", "kind", "access"} == {
        key for key, _, _ in choices
    }
    for key, value, count in choices:
        if key == "access" or "<" in value:
            continue
        query = f"?{key}={value}&access=open" if key != "kind" else f"?kind={value}&access=open"
        answer = node.get(f"/search{query}")
        if answer.status_code == 303:
            answer = node.get(answer.headers["location"])
        shown = re.search(r"<h1>([\d,]+) dataset", answer.text)
        assert shown[1] == count, (key, value)


def test_chips_remove_one_filter_each(node):
    text = text_of(
        node, "/search?technique=PaNET01189&year=2021&year=2026&wavelength=4..8+angstrom"
    )
    chips = dict(re.findall(r'<li class="chip"><bdi>([^<]*)</bdi><a href="([^"]*)"', text))
    assert chips == {
        "Technique: small angle neutron scattering": (
            "/search?year=2021&year=2026&wavelength=4..8+angstrom"
        ),
        "Measured in: 2021": "/search?technique=PaNET01189&year=2026&wavelength=4..8+angstrom",
        "Measured in: 2026": "/search?technique=PaNET01189&year=2021&wavelength=4..8+angstrom",
        "Wavelength 4 to 8 Å": "/search?technique=PaNET01189&year=2021&year=2026",
    }


def test_form_carries_along_what_it_does_not_show(node):
    text = text_of(
        node,
        "/search?q=lysozyme&wavelength=4..8+angstrom&wavelength=9..+angstrom"
        "&-kind=raw&sort=-created&size=50&view=table",
    )
    form = text.partition('aria-labelledby="filters-head">')[2].partition("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    carried = [pair for pair in hidden if not pair[0].endswith(".in")]
    assert carried == [
        ("q", "lysozyme"),
        ("wavelength", "9.. angstrom"),
        ("-kind", "raw"),
        ("sort", "-created"),
        ("size", "50"),
        ("view", "table"),
    ]
    fields = re.findall(r'<input name="wavelength\.(min|max)" value="([^"]*)"', form)
    assert fields == [("min", "4"), ("max", "8")]
    assert '<option value="angstrom" selected>Å</option>' in form


def test_nothing_found_proposes_what_would_find_something(node):
    text = text_of(node, "/search?q=lysozyme&technique=PaNET01189&year=1901")
    assert "0 datasets match “lysozyme”" in text
    ways = re.findall(r'<a href="([^"]*)">([\d,]+) datasets? without “', text)
    assert ways == [("/search?q=lysozyme&technique=PaNET01189", "1")]
    shown = text_of(node, ways[0][0])
    assert "<h1>1 dataset matches “lysozyme”</h1>" in shown


def test_pages_show_every_dataset_once(node, service):
    total = service.count(ANYONE, Selection().query())
    found, path = [], "/search"
    while path:
        text = text_of(node, path)
        found += re.findall(r'<h2 id=".*?"><a href="/datasets/([^"]*)"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        path = following[1] if following else None
    assert len(found) == len(set(found)) == total
    beyond = text_of(node, "/search?page=90")
    assert "There is no page 90." in beyond


def test_embargoed_detail_is_no_filter(node):
    for query in (f"q={given.SECRET}", f"q={given.SECRET}.nxs"):
        assert "<h1>0 datasets" in text_of(node, f"/search?{query}"), query
    named = text_of(node, f"/search?remark={given.SECRET}")
    assert "There is no filter “remark”." in named, "only an embargoed dataset has it"
    assert 'name="wavelength.min"' in named
    filters = named.partition('id="filters"')[2].partition("</section>")[0]
    assert "remark" not in filters.casefold()
    everything = re.search("<h1>[^<]*</h1>", text_of(node, "/search"))
    assert everything[0] in named, "as if it had not been asked"


def test_pages_offered_have_gaps():
    paging = Paging(Place(selection=Selection(page=10, words="a"), root="/node"), 1000)
    assert paging.near() == [1, None, 8, 9, 10, 11, 12, None, 40]
    assert paging.at(2) == "/node/search?q=a&page=2"
    assert (paging.before, paging.following) == (paging.at(9), paging.at(11))
    assert Paging(Place(selection=Selection()), 75).near() == [1, 2, 3]


def test_numbered_pages_go_on_behind_a_dataset():
    last = Selection(kind=("raw",), page=100)
    paging = Paging(Place(selection=last), 2501, "10.5072/a b")
    assert paging.following == "/search?kind=raw&after=10.5072/a+b"
    assert not Paging(Place(selection=last), 2500, "10.5072/a").following, "that was all"
    behind = Paging(Place(selection=paging.next), 2501, "")
    assert (behind.before, behind.following, behind.near()) == ("", "", [1, None, 100])
    further = Paging(Place(selection=paging.next), 9000, "10.5072/c")
    assert further.following == "/search?kind=raw&after=10.5072/c"
    ranked = Selection(words="ice", page=100)
    assert not Paging(Place(selection=ranked), 9000, "10.5072/a").following
    newest = replace(ranked, sort="-created")
    assert Paging(Place(selection=newest), 9000, "10.5072/a").following


def test_a_page_may_begin_behind_a_dataset(node):
    shown = httpx.get(f"{node.address}/search.json", params={"size": 100}, trust_env=False).json()
    pids = [item["pid"] for item in shown["items"]]
    path = f"/search?after={pids[2]}"
    text = text_of(node, path)
    assert re.findall(r'<h2 id=".*?"><a href="/datasets/([^"]+)"', text)[:3] == pids[3:6]
    assert f"<h1>{re.search('<h1>([^<]*)', text_of(node, '/search'))[1]}" in text
    pages = text.partition('aria-label="Pages"')[2].partition("</nav>")[0]
    assert 'aria-current="page"' not in pages
    assert "Nothing comes after" in text_of(node, f"/search?after={pids[-1]}")
    unknown, hidden = (
        text_of(node, f"/search?after={pid}").replace(pid, "PID")
        for pid in ("10.5072/never", given.CLOSED)
    )
    assert "There is no Dataset PID (any more) after which to go on. This is the first" in unknown
    assert unknown == hidden


def test_best_matches_are_not_gone_on_behind_one(node):
    text = text_of(node, "/search?q=neutron&after=10.5072/x")
    assert "The best matches have numbered pages only" in text


def test_examples_on_the_front_page_find_what_they_say(node):
    text = text_of(node, "/")
    shown = re.findall(r'<span><a href="(/search\?[^"]+)"><bdi>[^<]*</bdi></a> \(([\d,]+)\)', text)
    assert len(shown) == 3
    for path, count in shown:
        assert re.search(r"<h1>([\d,]+) dataset", text_of(node, path))[1] == count
    nothing = {"technique": [], "instrument": [], "year": []}
    assert examples(nothing) == []
    one = nothing | {"year": [Facet(value="2020", label="2020", count=3)]}
    assert examples(one) == [("from 2020", "year=2020", 3)]


def test_a_prefix_of_the_proxy_stands_before_every_path(node):
    settings = node.settings.model_copy(update={"base_url": "https://data.example.org/node"})
    app = create_app(settings, node.engine, clock=lambda: given.NOW)
    with serving(app) as address:
        client = httpx.Client(base_url=address, trust_env=False)
        text = client.get(f"/datasets/{given.BARE}", headers={"Accept": "text/html"}).text
        answer = client.get("/search?q=")
        client.close()
    for target in re.findall(r'(?:href|action)="([^"#]+)', text):
        parts = urlsplit(target)
        assert parts.netloc or parts.path.startswith("/node/"), target
    assert f'rel="canonical" href="https://data.example.org/node/datasets/{given.BARE}"' in text
    assert answer.headers["location"] == "/node/search"
