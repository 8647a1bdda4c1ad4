"""The search page of a node that asks others: who answered, and where each record stands."""

import html
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from peers import Peer

from panosc.catalogue.federating.tables import connector, harvest, told
from panosc.catalogue.writer import write
from panosc.portal.pages.search import everywhere

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def record(pid, title=None, **more):
    return {"pid": pid, "isPublic": True, **({} if title is None else {"title": title}), **more}


def text_of(page):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def strip_of(page):
    return text_of(page[page.index('<div id="strip"') : page.index("</div>", page.index("strip"))])


def get(client, path="/search?q=copper"):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_without_other_catalogues_the_page_says_nothing_of_them(asking):
    with asking() as client:
        page = get(client)
    assert 'id="strip"' not in page
    assert "facilities answered" not in page


def test_all_answered(asking):
    theirs = record("10.5072/theirs", "Copper <b>there</b>", instrument={"name": "ID1"})
    with asking(esrf=Peer([theirs]), ill=Peer()) as client:
        page = get(client)
    assert 'role="status" aria-live="polite"' in page
    assert re.search(r"All 3 facilities answered in \d\.\d s\.", strip_of(page))
    assert "Ask them again" not in page
    assert "data-late" not in page
    assert "2 datasets match “copper”" in text_of(page)
    # of what is not here the title leads to its home, which its DOI is
    link = '<a href="https://doi.org/10.5072/theirs" rel="noopener noreferrer">'
    assert f"{link}<bdi><mark>Copper</mark> &lt;b&gt;there&lt;/b&gt;</bdi></a>" in page
    assert "Leads to The esrf" in text_of(page)
    assert page.count('name="pid" value=') == 1
    assert "They count the 1 record of this node that fits; 2 live catalogues are not" in text_of(
        page
    )


def test_first_is_shown_what_there_is_then_all(asking, monkeypatch):
    # a busy machine takes its time for the two that answer at once
    monkeypatch.setattr(everywhere, "FIRST_S", 2.5)
    slow = Peer([record("10.5072/slow", "Copper, late")], delay_s=9.0)
    good = Peer([record("10.5072/g", "Copper")])
    with asking(deadline_s=30.0, good=good, slow=slow) as client:
        begun = time.monotonic()
        first = get(client)
        took = time.monotonic() - begun
        assert "2 of 3 facilities answered" in strip_of(first)
        assert "The slow has not answered yet. Wait for them" in strip_of(first)
        [path] = re.findall(r'data-late="([^"]+)"', first)
        assert html.unescape(path) == "/search?q=copper&wait=all"
        whole = get(client, html.unescape(path))
    assert took < 9
    assert "All 3 facilities answered" in strip_of(whole)
    assert "Copper, late" in text_of(whole).replace(" ,", ",")
    assert "≥ 2 datasets match" in text_of(first)
    assert "3 datasets match" in text_of(whole)


def test_who_failed_is_named_and_can_be_asked_again(asking):
    poor, late = Peer(status=500, body=b"at Object.<anonymous> /app/x.js"), Peer(delay_s=5)
    with asking(poor=poor, late=late) as client:
        page = get(client, "/search?q=copper&wait=all")
    said = strip_of(page)
    assert "1 of 3 facilities answered" in said
    assert "The late timed out after 3 s." in said
    assert "The poor returned an error." in said
    assert "Ask them again" in said
    assert "/app/x.js" not in page
    assert "data-late" not in page


def test_terms_that_a_catalogue_cannot_filter_by_are_named(asking, node_engine):
    features = {name: {"state": "yes", "evidence": "."} for name in ("query", "include:techniques")}
    probed = {"version": None, "title": None, "totals": {}, "features": features}
    sparse = Peer([record("10.5072/sparse", "Copper", creationDate="2024-01-01T00:00:00Z")])
    with asking(sparse=sparse) as client:
        with node_engine.begin() as connection:
            connection.execute(sa.update(connector).values(probed=probed))
        page = get(client, "/search?q=copper&temperature=3..5 K&wait=all".replace(" ", "+"))
    assert "The sparse cannot filter by “temperature”: its 1 result may not fit." in strip_of(page)


def test_copies_stand_in_for_a_catalogue_that_is_away(asking, node_engine):
    day = NOW - timedelta(days=3)
    copied = {"pid": "10.5072/copied", "title": "Copper, copied", "access": "open"}
    row = {"connector": "alba", "model": "Dataset", "kind": "x", "external_id": "1"}
    with asking(alba=Peer(status=500, body=b"down"), esrf=Peer()) as client:
        with node_engine.begin() as connection:
            write(connection, [("Dataset", {**copied, "source": "alba"})], now=NOW)
            run = {"connector": "alba", "kind": "changes", "by": "x", "state": "done"}
            times = dict.fromkeys(("started", "beat", "ended"), day)
            connection.execute(sa.insert(harvest).values(run | times))
            its = {"own_pid": copied["pid"], "pid": copied["pid"], "fetched": day}
            home = {"home": "https://alba.example/1", "is_shown": True}
            connection.execute(sa.insert(told).values(row | its | home))
        page = get(client)
        with node_engine.begin() as connection:
            connection.execute(sa.text("delete from dataset where pid = '10.5072/copied'"))
    assert "The alba returned an error; copies of 2026-05-29 stand in." in strip_of(page)
    said = text_of(page)
    assert "Copy of 2026-05-29 The alba does not answer · its page there" in said
    assert 'href="/datasets/10.5072/copied"' in page


def test_the_same_record_at_several_is_one_and_names_them(asking):
    same = record("10.5072/own-1", "Copper elsewhere")
    with asking(esrf=Peer([same]), ill=Peer([same])) as client:
        page = get(client)
    assert page.count('<li class="hit">') == 1
    assert "Of this node · also at The esrf, The ill" in text_of(page)


@pytest.mark.parametrize("path", ["/search?view=table&q=copper", "/search?page=41&size=25"])
def test_other_views_and_deep_pages(asking, path):
    with asking(esrf=Peer([record("10.5072/theirs", "Copper")])) as client:
        page = get(client, path)
    if "table" in path:
        assert "Leads to The esrf" in text_of(page)
    else:
        assert 'id="strip"' not in page


def test_names_that_others_may_know_are_no_mistakes(asking):
    with asking(esrf=Peer()) as client:
        page = get(client, "/search?facility=ESRF")
    assert "Not all of the question was understood" not in page


def test_what_a_catalogue_calls_a_page_is_a_link_only_if_it_is_one(asking):
    evil = record("x", "Copper", home="javascript:alert(1)", doi="javascript:alert(2)")
    with asking(esrf=Peer([evil])) as client:
        page = get(client)
    assert "javascript:" not in page
    assert "At The esrf , which gives no page of it" in text_of(page)
