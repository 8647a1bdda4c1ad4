"""What the search page says beside its results: spreads, marks, ways out, the tree; all true."""

import re
from html import unescape
from urllib.parse import quote

import httpx
import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.charts.histogram import Bins, draw_histogram, rows, told
from panosc.domain.access import ANYONE
from panosc.portal.pages.search.filters import groups
from panosc.portal.pages.search.found import fits_of, marked, snippet
from panosc.portal.pages.search.nothing import without_word
from panosc.portal.pages.search.place import read
from panosc.search.counts.facets import Facet
from panosc.search.index.opening import SearchIndex
from panosc.search.language.names import Names
from panosc.search.language.selection import Selection
from panosc.search.language.url import parse
from panosc.search.panet import ontology
from panosc.search.service import SearchService

HEAD = re.compile(r"<h1>([\d,]+) dataset")


@pytest.fixture
def service(node):
    index = SearchIndex(node.settings.home)
    return SearchService(node.engine, node.settings, lambda: given.NOW, index)


def text_of(node, path):
    answer = node.get(path)
    assert answer.status_code == 200, answer.headers
    return unescape(answer.text)


def total_of(node, path):
    return int(HEAD.search(text_of(node, path))[1].replace(",", ""))


# ---- the address ----


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("?view=table&q=lysozyme", "?q=lysozyme&view=table"),
        ("?view=tree", ""),
        ("?show=temperature&show=", "?show=temperature"),
        ("?show=remark", ""),
        ("?show=nothing+nm", ""),
        ("?temperature.unit=degC&temperature.in=K", "?show=temperature+degC"),
        ("?temperature.unit=K&temperature.in=K", ""),
        (
            "?show=temperature&temperature.min=290&temperature.unit=K&temperature.in=K",
            "?temperature=290..+K",
        ),
        ("?temperature.max=%3C290&temperature.unit=K", "?temperature=%3C290+K"),
        ("?q=lysozyme+technique:SANS+-kind:reduced&view=table", None),
    ],
)
def test_what_is_shown_is_part_of_the_one_address(node, asked, canonical):
    answer = node.get(f"/search{asked}")
    assert answer.status_code == 303
    if canonical is None:
        canonical = "?q=lysozyme&technique=PaNET01189&-kind=reduced&view=table"
    assert answer.headers["location"] == f"/search{canonical}"
    assert node.get(answer.headers["location"]).status_code == 200


def test_every_link_of_the_page_leads_straight_to_an_answer(node):
    text = text_of(node, "/search?q=lysozyme&technique=PaNET01189&show=temperature&view=table")
    links = set(re.findall(r'href="(/search[^"#]*)"', text))
    assert len(links) > 6
    assert [link for link in links if node.get(link).status_code != 200] == []


def test_more_is_never_shown_than_can_be_read():
    names = Names(parameters=[f"p{number}" for number in range(20)])
    place = read([("show", f"p{number} nm") for number in range(20)], names, "/prefix")
    assert [name for name, _ in place.shown] == [f"p{number}" for number in range(14, 20)]
    assert place.path.startswith("/prefix/search?show=p14+nm&")


# ---- ranges and how values are spread ----


def test_a_spread_says_what_the_service_counted(node, service):
    text = text_of(node, "/search?facility=ILL&temperature=285..300+K")
    field = text.partition("<legend>Temperature</legend>")[2].partition("</fieldset>")[0]
    selection = parse([("facility", "ILL"), ("temperature", "285..300 K")])
    found = service.histograms(ANYONE, selection, {"temperature": "K"})["temperature"]
    counts = [count for count in found.counts if count]
    assert sum(counts) == 3, "the range itself is left out"
    shown = re.findall(r'<tr><th scope="row">[^<]*</th><td class="num">(\d+)</td></tr>', field)
    assert [int(count) for count in shown] == counts
    name = re.search(r"<title[^>]*>([^<]*)</title>", field)[1]
    assert name.startswith("Temperature from 280 to 320 K; most values between ")
    assert 'class="bars"' in field
    assert 'class="bars off"' in field, "what lies outside of the range is told apart"
    assert '<option value="K" selected>K</option>' in field
    assert '<option value="degC">°C</option>' in field


def test_a_spread_is_shown_in_the_unit_asked_for(node):
    text = text_of(node, "/search?show=temperature+degC")
    field = text.partition("<legend>Temperature</legend>")[2].partition("</fieldset>")[0]
    assert "Temperature from 6.85 to 46.9 °C" in field
    assert 'class="bars off"' not in field


def test_nothing_is_spread_that_may_not_be_seen(node):
    text = text_of(node, "/search?access=embargoed")
    assert "emark" not in text.partition('id="filters"')[2].partition("</section>")[0]
    assert given.SECRET not in text


def test_histograms_are_drawn_and_told():
    bins = Bins(edges=(1.0, 10.0, 100.0, 1000.0), counts=(5, 0, 2), unit="eV", is_log=True)
    picture = draw_histogram(bins, name="a < b", identifier="x", low=500.0)
    assert '<title id="x">a &lt; b</title>' in picture
    inside = re.search(r'class="bars" [^>]*d="([^"]*)"', picture)[1]
    outside = re.search(r'class="bars off" [^>]*d="([^"]*)"', picture)[1]
    assert inside.count("M") == outside.count("M") == 1
    assert rows(bins) == [("1 to 10", 5), ("100 to 1,000", 2)]
    assert told(bins, what="Energy").endswith("most values between 1 and 10 eV: 5 of 7")
    flat = Bins(edges=(2.0, 2.0), counts=(0,), unit="")
    assert told(flat, what="Gap") == "Gap: no value between 2 and 2"
    assert "<path" in draw_histogram(flat, name="n", identifier="y")


# ---- facets ----


def test_techniques_stand_under_the_broader_ones():
    counts = {
        "PaNET00001": 90,  # everything
        "PaNET00003": 80,  # only puts others in order
        "PaNET01189": 30,  # small angle neutron scattering
        "PaNET01124": 40,  # small angle scattering
        "PaNET01188": 10,  # small angle x-ray scattering
    }
    facets = [
        Facet(value=value, label=ontology().label(value), count=count)
        for value, count in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
    (group,) = groups(Selection(), {"technique": facets})
    assert [(item.value, item.depth) for item in group.first] == [
        ("PaNET01124", 0),
        ("PaNET01189", 1),
        ("PaNET01188", 1),
    ]
    (group,) = groups(Selection(technique=("PaNET00001",)), {"technique": facets})
    assert group.first[0].value == "PaNET00001", "what is chosen is always there"


def test_a_technique_that_says_no_more_than_its_narrower_one_is_left_out():
    facets = [Facet(value=value, label=value, count=7) for value in ("PaNET01124", "PaNET01189")]
    (group,) = groups(Selection(), {"technique": facets})
    assert [item.value for item in group.first] == ["PaNET01189"]


def test_what_is_excluded_is_a_chip_too(node):
    text = text_of(node, "/search?q=powder&temperature=%3E280..%3C300+K&-instrument=10.5072/d22")
    chips = dict(re.findall(r'<li class="chip"><bdi>([^<]*)</bdi><a href="([^"]*)"', text))
    assert chips == {
        "Temperature above 280 below 300 K": "/search?q=powder&-instrument=10.5072/d22",
        "Instrument: not D22": "/search?q=powder&temperature=%3E280..%3C300+K",
    }


# ---- results ----


def test_words_are_marked_where_they_stand():
    fits = fits_of("scattering <b>")
    assert marked("Scattered <b>light</b>", fits_of("scattering")) == (
        "<mark>Scattered</mark> &lt;b&gt;light&lt;/b&gt;"
    )
    text = "x " * 200 + "scattering of <i>water</i> " + "y " * 200
    shown = snippet(text, fits)
    assert "<mark>scattering</mark> of &lt;i&gt;water&lt;/i&gt;" in shown
    assert shown.startswith("… x ")
    assert shown.endswith(" …")
    assert len(shown) < 260
    assert snippet("nothing here", fits) is None


def test_a_result_shows_its_words_and_says_where_they_stand(node):
    text = text_of(node, "/search?q=protein+SANS")
    hit = text.partition('<li class="hit">')[2].partition("</li>")[0]
    assert "Scattering patterns of a <mark>protein</mark> solution." in hit
    why = " ".join(re.sub("<[^>]*>", "", hit.partition("Why this")[2]).split())
    assert why == "“protein” in abstract; “SANS” in technique, identifier"


def test_hostile_records_stay_text(node):
    text = node.get("/search?q=alert&view=table").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;<mark>alert</mark>" in text


def test_list_and_table_show_the_same(node):
    for query in ("?q=powder", "?facility=ILL&page=2"):
        listed = text_of(node, f"/search{query}")
        table = text_of(node, f"/search{query}&view=table")
        links = r'<a href="/datasets/([^"]*)"'
        assert re.findall(links, listed) == re.findall(links, table)
        assert '<div class="scroll" tabindex="0" role="region"' in table
        assert HEAD.search(listed)[1] == HEAD.search(table)[1]


def test_a_slip_is_mended_and_said(node):
    text = text_of(node, "/search?q=lysozime")
    assert HEAD.search(text)[1] == "1"
    path = re.search(r'Did you mean <a href="([^"]*)"><bdi>lysozyme</bdi></a>\?', text)[1]
    assert path == "/search?q=lysozyme"
    assert "of <mark>lysozyme</mark> in D2O" in text


def test_without_an_index_the_page_works_and_says_so(node, tmp_path):
    from panosc.app import create_app  # noqa: PLC0415

    settings = node.settings.model_copy(update={"home": tmp_path})
    app = create_app(settings, node.engine, clock=lambda: given.NOW)
    with serving(app) as address:
        bare = given.Node(app=app, engine=node.engine, settings=settings, address=address)
        text = text_of(bare, "/search?q=lysozyme")
        assert "The search index is being made." in text
        assert HEAD.search(text)[1] == "1"
        assert '<option value="wavelength">Wavelength</option>' in text
        ranged = text_of(bare, "/search?wavelength=5..7+angstrom")
        assert 'name="wavelength.min" value="5"' in ranged
    assert "being made" not in text_of(node, "/search?q=lysozyme")


# ---- nothing found ----


def test_ways_out_lead_where_they_say(node):
    text = text_of(node, "/search?q=lysozyme+cathode&facility=ILL&-kind=reduced")
    assert HEAD.search(text)[1] == "0"
    ways = re.findall(r'<a href="([^"]*)">([\d,]+) datasets? without “<bdi>([^<]*)</bdi>”', text)
    assert {name for _, _, name in ways} == {"lysozyme", "cathode"}
    for path, count, _ in ways:
        assert total_of(node, path) == int(count) > 0
    counts = [int(count) for _, count, _ in ways]
    assert counts == sorted(counts, reverse=True)


def test_one_word_is_taken_away_whole():
    assert without_word('a "b c" -d', '"b c"') == "a -d"
    assert without_word("a aa", "a") == "aa"


# ---- techniques ----


def test_the_tree_counts_what_the_search_finds(node):
    text = text_of(node, "/techniques?only=used")
    shown = dict(
        re.findall(r'href="/techniques/(PaNET\d+)">[^<]*</a> <span class="n">([\d,]+)</span>', text)
    )
    assert shown["PaNET01189"] == shown["PaNET01124"] == "2", "what is broader counts too"
    for value, count in shown.items():
        assert total_of(node, f"/search?technique={value}") == int(count), value


def test_the_tree_is_looked_through_by_any_name(node):
    text = text_of(node, "/techniques?q=SANS")
    assert "<mark>small angle neutron scattering</mark>" in text
    assert "tomography" not in text.partition('id="tree"')[2]
    assert "<details open>" in text
    nothing = text_of(node, "/techniques?q=%3Cb%3E&only=used")
    assert "No technique with datasets here is called so." in nothing


def test_the_whole_tree_keeps_its_weight(node):
    whole = node.get("/techniques").content
    assert set(re.findall(rb"/techniques/(PaNET\d+)", whole)) == {
        concept.id.encode() for concept in ontology() if concept.id != "PaNET00001"
    }
    assert len(whole) < 100_000


def test_a_full_page_of_marked_results_keeps_its_weight(node):
    page = node.get("/search?q=diffraction+cathode&show=temperature&show=wavelength").content
    assert page.count(b'<li class="hit">') == 25
    assert page.count(b"<mark>") >= 50
    assert len(page) < 50_000


@pytest.mark.parametrize("view", ["", "&view=table"])
def test_a_result_is_put_into_the_selection_where_it_stands(node, view):
    path = f"/search?q=diffraction&page=2{view}"
    text = text_of(node, path)
    assert text.count(">Select</button>") == 25
    back = unescape(re.search(r'name="back" value="([^"]*)"', text).group(1))
    pid = re.search(r'name="pid" value="([^"]*)"', text).group(1)
    sent = {"pid": pid, "back": back}
    own = {"Origin": node.address}

    def post(what, data, **headers):
        url = f"{node.address}/selection/{what}"
        return httpx.post(url, data=data, headers=own | headers, trust_env=False, timeout=30)

    answer = post("add", sent)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{path}#{quote(pid, safe='')}"
    assert f'id="{pid}"' in text
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    chosen = node.get(path, headers=cookie).text
    assert chosen.count(">Take out</button>") == 1
    assert chosen.count(">Select</button>") == 24
    answer = post("remove", sent, **cookie)
    assert answer.headers["location"] == f"{path}#{quote(pid, safe='')}"
    for back in ("https://evil.example/search", "//evil.example/search", "/login", "/search/x"):
        answer = post("add", {"pid": pid, "back": back})
        assert answer.headers["location"] == "/selection?done=added"
