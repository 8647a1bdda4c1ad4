"""Links that lead machines: in the header, in the head of the page and in the linkset alike.

They are read by the package `signposting`, which nobody here wrote.
"""

import itertools
import re
import warnings

import publication_catalogue as given
import pytest
from landing_node import CONCEPT, FILES, MANY, SANS_DOI, Node
from signposting.htmllinks import HTML, _parse_html
from signposting.linkheader import find_signposting_http_link
from signposting.linkset import Linkset, LinksetJSON, _parse_linkset, _parse_linkset_json
from signposting.signpost import AbsoluteURI, Signposting

from panosc.publication import signposting
from panosc.publication.exporting import exports

PAGES = {
    "open": f"/datasets/{given.OPEN}",
    "embargoed": f"/datasets/{given.EMBARGOED}",
    "withdrawn": f"/datasets/{given.WITHDRAWN}",
    "bare": f"/datasets/{given.BARE}",
    "many": f"/datasets/{MANY}",
    "proposal": f"/documents/{given.PROPOSAL}",
    "paper": f"/documents/{given.PAPER}",
    "doi": f"/doi/{SANS_DOI}",
}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    # the package names html.parser by a way that its own parser finds old
    warnings.simplefilter("ignore")


def of_header(node: Node, path: str, method: str = "HEAD") -> Signposting:
    answer = node.get(path, method=method)
    return find_signposting_http_link([answer.headers["link"]], str(answer.url))


def of_page(node: Node, path: str) -> Signposting:
    answer = node.get(path)
    url = AbsoluteURI(str(answer.url))
    return _parse_html(HTML(answer.text, answer.headers["content-type"], url, url))


def of_linkset(node: Node, path: str, kind: str) -> Signposting:
    where = next(one for one in of_header(node, path).linksets if one.type == kind)
    answer = node.get(str(where.target), accept=str(kind))
    assert answer.headers["content-type"] == kind
    url = AbsoluteURI(str(answer.url))
    if kind == signposting.JSON:
        found = _parse_linkset_json(LinksetJSON(answer.text, kind, url, url))
    else:
        found = _parse_linkset(Linkset(answer.text, kind, url, url))
    return found.for_context(AbsoluteURI(node.address + path))


def pairs(found: Signposting) -> set[tuple[str, str, str | None]]:
    return {(str(one.rel), str(one.target), one.type) for one in found}


@pytest.mark.parametrize("name", PAGES)
def test_header_head_and_linkset_say_the_same(landing_node: Node, name: str) -> None:
    path = PAGES[name]
    header = of_header(landing_node, path)
    assert (
        pairs(of_page(landing_node, path))
        == pairs(header)
        == pairs(of_header(landing_node, path, "GET"))
    )
    for kind in (signposting.JSON, signposting.TEXT):
        whole = pairs(of_linkset(landing_node, path, kind))
        forth = {one for one in pairs(header) if one[0] != "linkset"}
        assert forth <= whole, "what is in the header is in the linkset"
        if name != "many":
            assert forth == whole


def test_an_open_dataset_leads_to_all_that_belongs_to_it(landing_node: Node) -> None:
    found = of_header(landing_node, PAGES["open"])
    assert found.citeAs is not None
    assert str(found.citeAs.target) == f"https://doi.org/{given.OPEN}"
    assert {str(one.target) for one in found.types} == {
        "https://schema.org/Dataset",
        "https://schema.org/AboutPage",
    }
    assert [str(one.target) for one in found.authors] == ["https://orcid.org/0000-0002-1825-0097"]
    assert found.license is not None
    assert str(found.license.target) == "https://creativecommons.org/licenses/by/4.0/"
    assert {(str(one.target).rpartition("=")[2], one.type) for one in found.items} == {
        ("a%20b.nxs", "application/x-hdf5"),
        ("notes.txt", "text/plain"),
    }
    assert found.collection is not None
    assert str(found.collection.target) == f"{landing_node.address}/documents/{given.PROPOSAL}"
    described = {(one.type, *sorted(map(str, one.profiles))) for one in found.describedBy}
    assert described == {
        (one.media_type, *([one.profile] if one.profile else [])) for one in exports().values()
    }


def test_all_that_a_page_leads_to_is_there_and_leads_back(landing_node: Node) -> None:
    found = of_linkset(landing_node, PAGES["open"], signposting.JSON)
    assert len(found.describedBy) == len(exports()) >= 10
    for one in found.describedBy:
        answer = landing_node.get(str(one.target), accept=None)
        assert answer.status_code == 200, one
        assert answer.headers["content-type"].partition(";")[0] == one.type
        back = find_signposting_http_link([answer.headers["link"]], str(answer.url))
        describes = [str(item.target) for item in back.describes]
        assert describes == [landing_node.address + PAGES["open"]]


def test_an_embargoed_dataset_leads_to_one_address_of_all_of_it(landing_node: Node) -> None:
    found = of_linkset(landing_node, PAGES["embargoed"], signposting.JSON)
    (item,) = found.items
    assert str(item.target) == f"{landing_node.address}{PAGES['embargoed']}/-/download"
    assert item.type == "application/x-hdf5"
    assert landing_node.get(str(item.target)).status_code == 403


def test_a_withdrawn_dataset_leads_to_no_data(landing_node: Node) -> None:
    assert not list(of_header(landing_node, PAGES["withdrawn"]).items)
    assert landing_node.get(f"{PAGES['withdrawn']}/-/download").status_code == 410


def test_a_document_leads_to_its_datasets(landing_node: Node) -> None:
    found = of_header(landing_node, PAGES["proposal"])
    assert {str(one.target) for one in found.items} == {
        f"{landing_node.address}/datasets/{pid}" for pid in (given.OPEN, given.EMBARGOED)
    }


def test_a_header_stays_small_and_the_linkset_has_the_rest(landing_node: Node) -> None:
    answer = landing_node.get(PAGES["many"])
    assert len(answer.headers["link"]) <= signposting.MOST
    assert sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) < 4096
    in_header = of_header(landing_node, PAGES["many"])
    assert 1 <= len(list(in_header.items)) < FILES
    assert len(list(in_header.describedBy)) == len(exports())
    whole = of_linkset(landing_node, PAGES["many"], signposting.JSON)
    assert len(list(whole.items)) == 100


def test_no_address_has_a_comma_a_quote_or_a_space(landing_node: Node) -> None:
    header = landing_node.get(PAGES["many"]).headers["link"]
    parts = header.split(",")
    assert len(parts) == len(re.findall("<[^>]*>", header)), "readers part it at commas"
    assert all(re.fullmatch(r"\s*<[!-~]+>(; [a-z]+=\"[^\"]*\")*", part) for part in parts)


def test_the_doi_of_all_versions_leads_to_the_newest(landing_node: Node) -> None:
    answer = landing_node.get(f"/doi/{CONCEPT}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets/10.5072/newer")
    old = landing_node.get(PAGES["many"]).text
    assert "There is a newer version" in old
    assert f'href="{landing_node.address}/datasets/10.5072/newer"' in old


def test_a_doi_leads_to_the_page_of_its_record(landing_node: Node) -> None:
    answer = landing_node.get(f"/doi/{SANS_DOI.upper()}")
    assert answer.status_code == 200
    canonical = f'<link rel="canonical" href="{landing_node.address}/datasets/{landing_node.sans}">'
    assert canonical in answer.text
    by_document = landing_node.get("/doi/10.1107/S0000000000000001")
    assert "What proteins do" in by_document.text
    as_pid = landing_node.get(f"/doi/{given.BARE}")
    assert (as_pid.status_code, as_pid.headers["link"]) == (
        200,
        landing_node.get(PAGES["bare"]).headers["link"],
    )


def test_the_doi_of_what_is_closed_is_like_one_that_never_was(landing_node: Node) -> None:
    asked = (given.CLOSED, "10.5072/absent")
    assert len(asked[0]) == len(asked[1])
    for accept in ("text/html", "text/turtle", "*/*"):
        answers = [landing_node.get(f"/doi/{doi}", accept) for doi in asked]
        texts = [
            answer.text.replace(answer.headers["x-request-id"], "").replace(doi, "DOI")
            for answer, doi in zip(answers, asked, strict=True)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("form", ["linkset", "export/json-ld", "export/json", "export/bibtex"])
def test_what_has_not_changed_is_not_sent_again(landing_node: Node, form: str) -> None:
    path = f"{PAGES['open']}/-/{form}"
    first = landing_node.get(path, accept=None)
    again = landing_node.get(path, None, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


def test_addresses_of_strangers_cannot_break_a_header() -> None:
    for text in (
        'https://x.example/a>; rel="evil", <b',
        "https://x.example/\r\nSet-Cookie: a",
        "é",
    ):
        assert re.fullmatch(r"[!-~]*", signposting.plain_address(text))
        assert not set('<>", ') & set(signposting.plain_address(text))


def test_links_stop_before_a_header_is_too_long() -> None:
    many = [
        signposting.Link(rel="item", href=f"https://n.example/{number}") for number in range(500)
    ]
    kept = signposting.first(many)
    assert kept == list(itertools.islice(many, len(kept)))
    assert signposting.MOST - 60 < len(signposting.header(many)) <= signposting.MOST
