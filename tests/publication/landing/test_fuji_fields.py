"""What F-UJI 3.5 (metrics 0.8) looks for in the page of an open and of an embargoed dataset.

F-UJI itself is run by hand: it needs more than tests may install. Here stands each field that
one of its tests depends on, and where it looks for it.
"""

import json
import re
from html import unescape
from typing import Any

import publication_catalogue as given
import pytest
from landing_node import Node

STATES = {"open": given.OPEN, "embargoed": given.EMBARGOED}
COAR = "http://purl.org/coar/access_right/"
CC_BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture(params=STATES)
def pid(request: pytest.FixtureRequest) -> str:
    return STATES[request.param]


def page_of(node: Node, pid: str) -> str:
    answer = node.get(f"/datasets/{pid}", "text/html, application/xhtml+xml")
    assert answer.status_code == 200, "a page of another status is not read"
    return answer.text


def described(node: Node, pid: str) -> dict[str, Any]:
    text = page_of(node, pid)
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    found: dict[str, Any] = json.loads(block[1])
    return found


def test_json_ld_needs_no_network(landing_node: Node, pid: str) -> None:
    found = described(landing_node, pid)
    assert found["@context"]["@vocab"] == "https://schema.org/"
    assert not isinstance(found["@context"], str)
    assert found["@type"] == "Dataset"


def test_core_metadata(landing_node: Node, pid: str) -> None:
    """FsF-F2-01M: who, what, when, about what."""
    found = described(landing_node, pid)
    assert found["name"]
    assert len(found["description"]) > 20
    assert found["keywords"]
    assert found["publisher"]["name"] == given.FACILITY
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["datePublished"])
    (creator,) = found["creator"]
    assert creator["@id"] == "https://orcid.org/0000-0002-1825-0097"
    assert creator["affiliation"]["@id"] == "https://ror.org/02550n020"


def test_identifier_is_a_doi(landing_node: Node, pid: str) -> None:
    """FsF-F1-02MD."""
    found = described(landing_node, pid)
    assert found["identifier"]["value"] == f"https://doi.org/{pid}"
    assert found["@id"] == f"https://doi.org/{pid}"
    assert found["url"] == f"{landing_node.address}/datasets/{pid}"


def test_licence(landing_node: Node, pid: str) -> None:
    """FsF-R1.1-01M."""
    assert described(landing_node, pid)["license"] == CC_BY


def test_access_condition(landing_node: Node, pid: str) -> None:
    """FsF-A1-01M."""
    found = described(landing_node, pid)
    is_open = pid == given.OPEN
    assert found["isAccessibleForFree"] is is_open
    assert found["conditionsOfAccess"] == COAR + ("c_abf2" if is_open else "c_f1cf")


def test_distribution(landing_node: Node, pid: str) -> None:
    """FsF-F3-01M, A1-02MD, R1-01M, R1.3-02D: where, of which format, how large."""
    given_ = described(landing_node, pid)["distribution"]
    for one in given_:
        assert one["contentUrl"].startswith(f"{landing_node.address}/datasets/{pid}/-/download")
        assert one["contentSize"].isdigit()
        assert one["encodingFormat"]
    assert given_[0]["encodingFormat"] == "application/x-hdf5"
    if pid == given.EMBARGOED:
        (whole,) = given_
        assert whole["contentSize"] == "4000"
        answer = landing_node.get(whole["contentUrl"], "*/*")
        assert answer.status_code == 403


def test_catalogue_and_related(landing_node: Node, pid: str) -> None:
    """FsF-I3-01M."""
    found = described(landing_node, pid)
    assert found["includedInDataCatalog"]["@type"] == "DataCatalog"
    assert found["isPartOf"][0]["@id"] == f"https://doi.org/{given.PROPOSAL}"


def test_provenance(landing_node: Node, pid: str) -> None:
    """FsF-R1.2-01M."""
    found = described(landing_node, pid)
    assert found["@context"]["prov"] == "http://www.w3.org/ns/prov#"
    assert "prov:wasGeneratedBy" in found


def test_terms_of_a_registered_vocabulary(landing_node: Node, pid: str) -> None:
    """FsF-I2-01M."""
    (term,) = described(landing_node, pid)["measurementTechnique"]
    assert term["@id"] == "http://purl.org/pan-science/PaNET/PaNET01189"


def test_link_elements_are_in_the_head(landing_node: Node, pid: str) -> None:
    """F-UJI looks for a header ``Link`` with this capital, and servers send small letters."""
    head = page_of(landing_node, pid).partition("</head>")[0]
    links = re.findall(r'<link rel="([^"]+)" href="([^"]+)"(?: type="([^"]+)")?>', head)
    relations = {(rel, kind) for rel, _, kind in links}
    for expected in (
        ("cite-as", ""),
        ("license", ""),
        ("author", ""),
        ("type", ""),
        ("describedby", "text/turtle"),
        ("describedby", "application/ld+json"),
        ("describedby", "application/vnd.datacite.datacite+json"),
        ("describedby", "application/vnd.datacite.datacite+xml"),
        ("item", "application/x-hdf5"),
        ("linkset", "application/linkset+json"),
    ):
        assert expected in relations
    assert not any("," in href for _, href, _ in links)


def test_turtle_by_negotiation(landing_node: Node, pid: str) -> None:
    """FsF-I1-01M, and R1.3-01M by the namespace of CSMD."""
    answer = landing_node.get(f"/datasets/{pid}", "text/turtle, application/rdf+xml;q=0.5")
    assert answer.headers["content-type"].startswith("text/turtle")
    assert "http://www.purl.org/net/CSMD/4.0#" in answer.text
    assert CC_BY in answer.text


def test_datacite_json_says_who_registered(landing_node: Node, pid: str) -> None:
    """Without an agency F-UJI takes it for something else."""
    kind = "application/vnd.datacite.datacite+json"
    assert landing_node.get(f"/datasets/{pid}", kind).json()["agency"] == "datacite"


def test_meta_elements(landing_node: Node, pid: str) -> None:
    text = page_of(landing_node, pid)
    found: dict[str, list[str]] = {}
    for name, content in re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', text):
        found.setdefault(name, []).append(unescape(content))
    ld = described(landing_node, pid)
    assert found["DC.title"] == found["citation_title"] == found["og:title"] == [ld["name"]]
    assert found["DC.creator"] == found["citation_author"] == ["Example, Ada"]
    assert found["DC.identifier"] == [f"https://doi.org/{pid}"]
    assert found["citation_doi"] == [pid]
    assert found["citation_publication_date"] == [ld["datePublished"].replace("-", "/")]
    assert found["DC.publisher"] == found["citation_publisher"] == [given.FACILITY]
    assert set(found["DC.subject"]) <= set(ld["keywords"])
    assert found["DCTERMS.license"] == [CC_BY]
    right = "openAccess" if pid == given.OPEN else "embargoedAccess"
    assert f"info:eu-repo/semantics/{right}" in found["DCTERMS.accessRights"]
    assert found["og:url"] == [f"{landing_node.address}/datasets/{pid}"]
    assert found["DC.description"] == [ld["description"]]


def test_what_is_embargoed_is_nowhere(landing_node: Node) -> None:
    """Neither a file, nor a sample, nor a value: in the page, its headers and its linkset."""
    path = f"/datasets/{given.EMBARGOED}"
    answer = landing_node.get(path)
    linkset = landing_node.get(f"{path}/-/linkset", "application/linkset")
    for text in (answer.text, str(answer.headers), linkset.text):
        for secret in ("hidden.nxs", "lysozyme", "77.25", "heavy water", "?file="):
            assert secret not in text.casefold()
