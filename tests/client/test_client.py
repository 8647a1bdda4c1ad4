"""The Python client against a running node: what it finds is what the page shows."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import portal_catalogue as given
import pytest

import panosc
from panosc.client import Client, Dataset
from panosc.client.http import address
from panosc.domain.errors import Invalid, NotFound, PanoscError, TooLarge, Unauthenticated, Upstream


@pytest.fixture
def client(served):
    with panosc.connect(served.address) as opened:
        yield opened


@pytest.fixture
def member(served):
    with panosc.connect(served.address, token=served.token) as opened:
        yield opened


def test_importing_it_is_light():
    code = (
        "import sys, panosc; from panosc import connect; import panosc.client\n"
        "heavy = {'numpy', 'pint', 'fastapi', 'starlette', 'sqlalchemy', 'pydantic', 'jinja2',"
        " 'h5py', 'psycopg', 'tantivy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "connect('http://127.0.0.1:9').search('x', wavelength=('4 Å', '8 Å'), technique='SANS')\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n[]\n"


def test_panosc_itself_loads_nothing():
    code = "import sys, panosc; print('httpx' in sys.modules, 'panosc.client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False False\n"
    with pytest.raises(AttributeError, match="nothing"):
        _ = panosc.nothing


def test_results_are_read_when_they_are_used(served):
    asked = []
    client = panosc.connect(served.address)
    client._http._client.event_hooks["request"].append(lambda request: asked.append(request.url))
    found = client.search(instrument="10.5072/d22")
    assert asked == []
    assert "not asked" in repr(found)
    assert len(found) == 62
    assert len(asked) == 1
    assert len({dataset.pid for dataset in found}) == 62
    assert len(found[10:20]) == 10
    assert found[-1] == found[61]
    assert len(asked) == 1, "a page that was read is asked for again"
    client.close()


def test_many_pages(served, monkeypatch):
    monkeypatch.setattr("panosc.client.results._SIZE", 25)
    with panosc.connect(served.address) as client:
        found = client.search(instrument="10.5072/d22")
        seen = [dataset.pid for dataset in found]
        assert len(set(seen)) == len(found) == 62
        assert [dataset.pid for dataset in found[24:27]] == seen[24:27]
        assert found[61].pid == seen[61]
        with pytest.raises(IndexError):
            found[62]
        with pytest.raises(IndexError):
            found[-63]


def test_beyond_numbered_pages(served, monkeypatch):
    monkeypatch.setattr("panosc.client.results._SIZE", 25)
    for module in ("search.place", "exports.routes"):
        monkeypatch.setattr(f"panosc.portal.pages.{module}.LAST_PAGE", 1)
    with panosc.connect(served.address) as client:
        found = client.search(instrument="10.5072/d22")
        assert found[61].pid == list(found)[-1].pid
        assert len({dataset.pid for dataset in found}) == 62
        best = client.search("delithiated cathode")
        assert len(best) > 25
        assert best[24]
        with pytest.raises(TooLarge, match="The 25 best matches"):
            best[25]


def test_words_filters_and_ranges(client):
    found = client.search("lysozyme", technique="PaNET01189", wavelength=("0.5 nm", "0.7 nm"))
    assert [dataset.pid for dataset in found] == [given.OPEN]
    assert not client.search("lysozyme", wavelength=("0.7 nm", None))
    assert client.search(access=["open", "embargoed"], technique="PaNET01189").total == 2


def test_the_filter_of_the_standard_finds_the_same(client, served):
    found = client.search("lysozyme", technique="PaNET01189", not_kind="simulated")
    asked = {"filter": json.dumps(found.filter)}
    answer = httpx.get(f"{served.address}/panosc-api/Datasets", params=asked, trust_env=False)
    assert [item["pid"] for item in answer.json()] == [dataset.pid for dataset in found]
    assert "limit" not in found.filter


def test_what_the_node_cannot_use_it_explains(client):
    with pytest.raises(Invalid, match="nonsense"):
        len(client.search(nonsense=1))
    with pytest.raises(Invalid, match="object"):
        client.search(year=object())


def test_a_dataset(client):
    (found,) = client.search("lysozyme")
    whole = client[given.OPEN]
    for dataset in (found, whole):
        assert isinstance(dataset, Dataset)
        assert dataset.title == "Small-angle scattering of lysozyme in D2O"
        assert dataset.access == "open"
        assert dataset.measured == datetime(2021, 11, 3, 8, 12, tzinfo=UTC)
        assert dataset.size == 18_400_000_000
        assert dataset.licence == "CC-BY-4.0"
        assert (dataset.facility, dataset.instrument) == ("ILL", "D22")
        assert [person.name for person in dataset.people] == ["Lise Meitner"]
        assert dataset.documents == (given.DOCUMENT,)
        values = [item.value for item in dataset.parameters if item.name == "temperature"]
        assert sorted(values) == [280, 290, 320]
        assert len(dataset.files) == given.FILES
        assert dataset.files["118000.nxs"].size == 80_000_000
        assert next(iter(dataset.files)) == "118000.nxs"
        assert "118000.nxs" in repr(dataset.files)
        with pytest.raises(KeyError):
            dataset.files["none"]
    assert found == whole
    assert httpx.get(whole.url, trust_env=False).status_code == 200


def test_pids_with_any_letter(client):
    assert client[given.EVIL_PID].pid == given.EVIL_PID
    for pid in (given.CLOSED, "10.5072/never", "../../", "a?b=c#d", ""):
        with pytest.raises(PanoscError):
            client[pid]
    with pytest.raises(NotFound):
        client[given.CLOSED]


def test_a_token_shows_what_is_its_owners(client, member):
    hidden, shown = client[given.EMBARGOED], member[given.EMBARGOED]
    assert hidden.embargo_until == shown.embargo_until == datetime(2031, 5, 1, tzinfo=UTC)
    assert len(hidden.files) == 0
    assert hidden.samples == ()
    assert list(shown.files) == [f"{given.SECRET}.nxs"]
    assert shown.samples == (f"Lysozyme {given.SECRET}",)
    assert client.search("spin echo").total == member.search("spin echo").total == 1


def test_a_bad_token_is_told(served):
    bad = panosc.connect(served.address, token="ps_pat_0.nothing")
    with bad as client, pytest.raises(Unauthenticated):
        len(client.search("x"))


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("node.example", None),
        ("ftp://node.example", None),
        ("https://a:b@node.example", None),
        ("https://node.example?x=1", None),
        ("http://node.example", "token"),
        ("https://[", None),
        ("https://node.example", "two words"),
        ("https://node.example", "line\nbreak"),
    ],
)
def test_addresses_and_tokens_that_are_none(url, token):
    with pytest.raises(Invalid):
        panosc.connect(url, token=token)


def test_a_token_may_travel_to_this_machine():
    assert address("http://localhost:8000/", has_token=True) == "http://localhost:8000"
    assert address("http://[::1]:8000", has_token=True) == "http://[::1]:8000"


def test_nobody_answers():
    with panosc.connect("http://127.0.0.1:9") as client, pytest.raises(Upstream, match="answer"):
        len(client.search("x"))


def test_something_else_answers(served):
    with panosc.connect(f"{served.address}/static") as client, pytest.raises(PanoscError):
        len(client.search("x"))


def test_notebooks_are_shown_text_never_mark_up(client):
    for shown in (client.search(), client[given.EVIL_PID]):
        html = shown._repr_html_()
        assert "<script>" not in html
        assert "onerror=alert(1)>" not in html
        assert html.count("<table>") == 1
    assert "lysozyme in D2O" in client.search("lysozyme")._repr_html_()
    assert repr(client[given.OPEN]).startswith("<Dataset 10.5072/sans-118: Small-angle")


def test_the_address_for_people_asks_the_same(client):
    found = client.search("lysozyme", technique="PaNET01189")
    page = httpx.get(found.url, headers={"Accept": "text/html"}, trust_env=False)
    assert page.status_code in {200, 303}
    assert isinstance(client, Client)
