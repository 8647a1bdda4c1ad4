"""Which form of a record is sent to whom."""

import json

import httpx
import publication_catalogue as given
import pytest
from landing_node import BROWSER, Node

from panosc.portal.accepting import Offer, best
from panosc.publication.exporting import exports

OPEN = f"/datasets/{given.OPEN}"
HTML = "text/html"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, HTML),
        ("*/*", HTML),
        ("", HTML),
        ("text/html;q=0.3, */*;q=0.3", HTML),
        ("application/xhtml+xml", HTML),
        ("text/*", HTML),
        ("text/turtle", "text/turtle"),
        ("text/turtle, application/rdf+xml;q=0.9, */*;q=0.1", "text/turtle"),
        ("text/html;q=0.4, text/turtle;q=0.5", "text/turtle"),
        ("text/html;q=0, application/ld+json;q=0.1", "application/ld+json"),
        ("application/json, text/plain, */*", "application/json"),
        (
            "application/vnd.datacite.datacite+json",
            "application/vnd.datacite.datacite+json",
        ),
        ("application/vnd.datacite.datacite+xml", "application/vnd.datacite.datacite+xml"),
        ("application/x-bibtex", "application/x-bibtex"),
        ("application/x-research-info-systems", "application/x-research-info-systems"),
        ("application/vnd.citationstyles.csl+json", "application/vnd.citationstyles.csl+json"),
        ("image/png, text/html;q=0.01", HTML),
    ],
    ids=lambda value: value.replace("/", " ")[:40],
)
@pytest.mark.parametrize("path", [OPEN, f"/doi/{given.OPEN}"], ids=["page", "doi"])
def test_the_best_form_is_sent(landing_node: Node, path: str, accept: str, kind: str) -> None:
    answer = landing_node.get(path, accept, headers={} if accept else {"Accept": ""})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert "Accept" in answer.headers["vary"]
    assert answer.headers["link"] == landing_node.get(OPEN).headers["link"]
    head = landing_node.get(path, accept, method="HEAD", headers={"Accept": accept})
    names = ("content-type", "content-length", "link", "vary", "etag")
    assert [head.headers.get(name) for name in names] == [
        answer.headers.get(name) for name in names
    ]


def test_the_form_is_the_one_of_its_own_address(landing_node: Node) -> None:
    answer = landing_node.get(OPEN, "text/turtle")
    own = landing_node.get(answer.headers["content-location"], None)
    assert (answer.content, answer.headers["etag"]) == (own.content, own.headers["etag"])
    assert own.headers["content-disposition"] == 'inline; filename="10.5072-open.ttl"'


def test_a_profile_tells_apart_what_has_one_media_type(landing_node: Node) -> None:
    crate = exports()["ro-crate"].profile
    by_profile = landing_node.get(OPEN, f'application/ld+json;profile="{crate}"')
    assert by_profile.headers["content-location"].endswith("/-/export/ro-crate")
    for accept in ("application/ld+json", 'application/ld+json; profile="https://none.example"'):
        answer = landing_node.get(OPEN, accept)
        assert answer.headers["content-location"].endswith("/-/export/json-ld")


@pytest.mark.parametrize("path", [OPEN, f"/documents/{given.PROPOSAL}"])
def test_what_there_is_not_is_said_with_what_there_is(landing_node: Node, path: str) -> None:
    answer = landing_node.get(path, "image/png, audio/*;q=0.5")
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    for kind in ("text/html", "text/turtle", "application/vnd.datacite.datacite+json"):
        assert kind in problem["hint"]


def test_every_format_is_sent_by_its_name(landing_node: Node) -> None:
    for path in (OPEN, f"/documents/{given.PROPOSAL}", f"/datasets/{given.EMBARGOED}"):
        for name, export in exports().items():
            answer = landing_node.get(f"{path}/-/export/{name}", None)
            assert answer.status_code == 200, (path, name)
            assert answer.headers["content-type"].partition(";")[0] == export.media_type
            assert answer.headers["etag"].startswith('"')
            assert export.suffix in answer.headers["content-disposition"]
            describes = f'<{landing_node.address}{path}>; rel="describes"; type="text/html"'
            assert answer.headers["link"] == describes
    missing = landing_node.get(f"{OPEN}/-/export/marc21", None)
    assert missing.status_code == 404
    assert "datacite-xml" in missing.json()["hint"]


def test_our_own_form_stays(landing_node: Node) -> None:
    answer = landing_node.get(f"{OPEN}/-/export/json", None)
    assert json.loads(answer.content)["pid"] == given.OPEN
    assert landing_node.get(f"/documents/{given.PROPOSAL}/-/export/json", None).status_code == 404


def test_the_closed_is_absent_in_every_form(landing_node: Node) -> None:
    for name in [*exports(), "json"]:
        paths = [f"/datasets/{pid}" for pid in (given.CLOSED, "10.5072/absent")]
        answers = [landing_node.get(f"{path}/-/export/{name}", None) for path in paths]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert len({_without_names(answer) for answer in answers}) == 1


def _without_names(answer: httpx.Response) -> str:
    text = answer.text.replace(answer.headers["x-request-id"], "")
    return text.replace(given.CLOSED, "PID").replace("10.5072/absent", "PID")


def test_weights_and_exactness_decide_in_this_order() -> None:
    page = Offer(name="page", kind="text/html")
    turtle = Offer(name="turtle", kind="text/turtle")
    crate = Offer(name="crate", kind="a/b", profile="p", is_asked_by_profile=True)
    offers = [page, turtle, crate]

    def chosen(accept: str) -> str | None:
        found = best(accept, offers)
        return found and found.name

    assert chosen("text/turtle;q=0.2, text/*;q=0.9") == "page"
    assert chosen("text/html;q=0, */*") == "turtle"
    assert chosen("a/b, a/*, */*;q=0") is None
    assert chosen('a/b;profile="p"') == "crate"
    assert chosen("text/html;q=much") is None
    assert chosen(", ;;=, text/turtle;;q=1") == "turtle"
    assert chosen("nonsense") is None
