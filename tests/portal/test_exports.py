"""A search as JSON, CSV, BibTeX and Atom: the same datasets, read with the parsers of others."""

import csv
import io
import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import feedparser
import portal_catalogue as given
import pytest
from pybtex.database import parse_string

from panosc.portal.pages.exports import atom, table
from panosc.portal.pages.exports.records import Record

ALL = "/search.{}"
ATOM = "{http://www.w3.org/2005/Atom}"


def pids_of(answer):
    return [item["pid"] for item in answer.json()["items"]]


def test_json_has_the_page(node):
    answer = node.get("/search.json?technique=PaNET01189&sort=title")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["total"] == 2
    assert pids_of(answer) == [given.OPEN, given.EMBARGOED]
    assert found["url"] == f"{node.address}/search?technique=PaNET01189&sort=title"
    first, second = found["items"]
    assert first["people"] == [
        {"name": "Lise Meitner", "orcid": "https://orcid.org/0000-0002-1825-0097"}
    ]
    assert first["techniques"] == [{"id": "PaNET01189", "label": "small angle neutron scattering"}]
    assert first["facility"] == "ILL"
    assert second["embargoUntil"] == "2031-05-01T00:00:00.000Z"
    assert given.SECRET not in answer.text


def test_json_goes_on(node):
    address, seen, total = "/search.json?instrument=10.5072/d22&size=25", [], None
    while address:
        answer = node.get(address).json()
        total = answer["total"]
        seen += [item["pid"] for item in answer["items"]]
        address = (answer["next"] or "").removeprefix(node.address)
    assert len(seen) == len(set(seen)) == total > 50
    assert given.CLOSED not in seen


def test_what_brings_no_licence_is_under_that_of_the_policy(node):
    said = parse_string(node.get(ALL.format("bib")).text, "bibtex").entries[given.BARE]
    wanted = said.fields["copyright"]
    assert wanted == "CC-BY-4.0"
    (row,) = [row for row in rows_of(node.get(ALL.format("csv"))) if row["pid"] == given.BARE]
    (item,) = [
        item
        for page in (1, 2, 3)
        for item in node.get(f"/search.json?page={page}").json()["items"]
        if item["pid"] == given.BARE
    ]
    feeds = [node.get(f"/search.atom?page={page}").content for page in (1, 2)]
    (entry,) = [
        entry
        for feed in feeds
        for entry in ET.fromstring(feed).iter(f"{ATOM}entry")
        if given.BARE in entry.find(f"{ATOM}link").get("href")
    ]
    own = node.get(f"/datasets/{given.BARE}/-/export/json").json()
    told = (row["licence"], item["licence"], entry.findtext(f"{ATOM}rights"), own["licence"])
    assert told == (wanted,) * 4


def test_a_parameter_of_the_question_is_told_with_it(node):
    found = node.get("/search.json?wavelength=0.5..0.7 nm").json()["items"]
    assert [item["pid"] for item in found] == [given.OPEN]
    assert found[0]["parameters"] == [{"name": "wavelength", "value": 6, "unit": "angstrom"}]


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_csv_holds_all_pages_and_units_in_its_headings(node):
    answer = node.get(ALL.format("csv"))
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert 'filename="datasets.csv"' in answer.headers["content-disposition"]
    rows = rows_of(answer)
    total = node.get(ALL.format("json")).json()["total"]
    assert len(rows) == total == int(answer.headers["x-total-count"])
    (row,) = [row for row in rows if row["pid"] == given.OPEN]
    assert row["size (bytes)"] == "18400000000"
    assert row["measured (UTC)"] == "2021-11-03T08:12:00.000Z"
    assert row["url"] == f"{node.address}/datasets/{given.OPEN}"
    (row,) = rows_of(node.get("/search.csv?wavelength=0.5..0.7 nm&temperature=280..320"))
    assert row["wavelength (nm)"] == "0.6"
    assert row["temperature (K)"] == "280; 290; 320"


def test_no_cell_is_a_formula(node):
    rows = rows_of(node.get(ALL.format("csv")))
    cells = [cell for row in rows for cell in row.values() if cell]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert table.safe("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
    for start in ("=", "+", "-", "@", "\t=", " =", "＝"):  # noqa: RUF001 - a full-width sign
        assert table.safe(start + "1").startswith("'"), start
    assert table.safe("2-1") == "2-1"


def test_a_cell_survives_quotes_commas_and_lines(node):
    (row,) = [row for row in rows_of(node.get(ALL.format("csv"))) if row["pid"] == given.EVIL_PID]
    assert "alert('x')" in row["title"]
    assert '"' in row["title"]
    assert "\x07" not in row["title"]


def record(**more):
    told = {
        "pid": "10.5072/x1",
        "title": "T",
        "people": (),
        "facility": "ILL",
        "instrument": None,
        "techniques": (),
        "kind": None,
        "access": "open",
        "until": None,
        "measured": "2020-02-03T00:00:00.000Z",
        "released": None,
        "size": None,
        "licence": None,
        "abstract": None,
        "documents": (),
        "url": "https://node.example/datasets/10.5072/x1",
        "parameters": (),
    }
    return Record(**{**told, **more})


def test_bibtex_of_a_search(node):
    answer = node.get(ALL.format("bib"))
    assert answer.headers["content-type"] == "application/x-bibtex; charset=utf-8"
    library = parse_string(answer.text, "bibtex")
    assert len(library.entries) == node.get(ALL.format("json")).json()["total"]
    found = library.entries[given.OPEN]
    assert found.type == "misc"
    assert dict(found.fields) == {
        "title": "{Small-angle scattering of lysozyme in D2O}",
        "year": "2023",
        "publisher": "{ILL}",
        "howpublished": "Dataset",
        "doi": given.OPEN,
        "url": f"https://doi.org/{given.OPEN}",
        "copyright": "CC-BY-4.0",
    }
    assert [str(person) for person in found.persons["author"]] == ["{Meitner}, {Lise}"]
    assert f"all {len(library.entries)}" in answer.text.partition("\n")[0]


def feed_of(node, path):
    answer = node.get(path)
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    found = feedparser.parse(answer.content)
    assert not found.bozo, found.get("bozo_exception")
    return found, ET.fromstring(answer.content)


def test_the_feed_is_one_and_can_be_followed(node):
    path, ids, stamps = "/search.atom?instrument=10.5072/d22", [], []
    first = None
    while path:
        found, tree = feed_of(node, path)
        first = first or found
        # RFC 4287: what a feed and an entry must have, once
        for element in (tree, *tree.iter(f"{ATOM}entry")):
            for name in ("id", "title", "updated"):
                assert len(element.findall(ATOM + name)) == 1, name
            assert element.findall(f"{ATOM}author")
        links = {link["rel"]: link["href"] for link in found.feed.links}
        assert links["self"] == node.address + path
        ids += [entry.id for entry in found.entries]
        stamps += [entry.published for entry in found.entries]
        path = links.get("next", "").removeprefix(node.address)
    assert len(first.entries) == 50
    assert len(ids) == len(set(ids)) == node.get("/search.json").json()["total"] - 2
    assert f"https://doi.org/{given.OPEN}" in ids
    assert not any(given.CLOSED in entry for entry in ids)
    measured = [stamp for stamp in stamps if stamp != "2023-05-17T00:00:00.000Z"]
    assert measured == sorted(measured, reverse=True)


def test_an_entry_says_what_and_when(node):
    found, _ = feed_of(node, "/search.atom?technique=PaNET01189&sort=title&page=1&size=100")
    newest, older = found.entries
    assert newest.title == "Spin echo of supercooled water"
    assert newest.updated == "2026-05-03T08:12:00.000Z"
    assert "Under embargo until 2031-05-01" in newest.summary
    assert older.updated == older.published == "2023-05-17T00:00:00.000Z"
    assert older.link == f"{node.address}/datasets/{given.OPEN}"
    assert [tag.term for tag in older.tags] == ["PaNET01189"]
    assert found.feed.updated == newest.updated
    assert found.feed.id == f"{node.address}/search?technique=PaNET01189"


def test_what_was_not_released_yet_was_not_updated_then():
    now = datetime(2021, 1, 1, tzinfo=UTC)
    later = record(released="2031-05-01T00:00:00.000Z")
    assert atom.updated(later, now) == "2020-02-03T00:00:00.000Z"
    assert atom.updated(record(measured=None), now) == "1970-01-01T00:00:00.000Z"


def test_an_entry_is_not_published_before_its_time():
    feed = atom.Feed(title="t", author="a", page="p", self="s", first="f", next=None, previous=None)
    later = record(released="2031-05-01T00:00:00.000Z", measured=None)
    text = atom.document(feed, [later], now=datetime(2021, 1, 1, tzinfo=UTC))
    (entry,) = feedparser.parse(text).entries
    assert "published" not in entry
    assert "2031" not in text.decode()


def test_an_entry_keeps_its_id_at_another_address():
    here, there = (
        record(pid="local/1", url=f"https://{host}/datasets/local/1") for host in ("a", "b")
    )
    assert atom.identifier(here) == atom.identifier(there)
    assert atom.identifier(here) != atom.identifier(record(pid="local/2"))


def test_files_have_an_end_and_say_so(node, monkeypatch):
    monkeypatch.setattr("panosc.portal.pages.exports.routes.MOST", 10)
    total = node.get("/search.json").json()["total"]
    table_of, library = node.get("/search.csv"), node.get("/search.bib")
    assert len(rows_of(table_of)) == len(parse_string(library.text, "bibtex").entries) == 10
    for answer in (table_of, library):
        assert answer.headers["x-limit"] == "10"
        assert answer.headers["x-total-count"] == str(total)
    assert f"the first 10 of {total}" in library.text.partition("\n")[0]


@pytest.mark.parametrize("form", ["json", "csv", "bib", "atom"])
def test_nothing_found_is_an_answer(node, form):
    answer = node.get(f"/search.{form}?q=nothingatall&year=1901")
    assert answer.status_code == 200
    if form == "json":
        assert answer.json()["total"] == 0
    elif form == "csv":
        assert rows_of(answer) == []
    elif form == "bib":
        assert not parse_string(answer.text, "bibtex").entries
    else:
        found, _ = feed_of(node, "/search.atom?q=nothingatall&year=1901")
        assert found.entries == []


@pytest.mark.parametrize("form", ["json", "csv", "bib", "atom"])
def test_what_cannot_be_used_is_refused(node, form):
    answer = node.get(f"/search.{form}?nonsense=1", headers={"Accept": "*/*"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "nonsense" in json.loads(answer.text)["detail"]


@pytest.mark.parametrize("form", ["json", "csv", "bib", "atom"])
def test_a_hidden_parameter_finds_nothing_and_is_not_told(node, form):
    """The remark of the dataset under embargo: no name to filter by, no value in an answer."""
    answer = node.get(f"/search.{form}?remark={given.SECRET}", headers={"Accept": "*/*"})
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert "no filter “remark”" in detail
    near = node.get(f"/search.{form}?remarks=1", headers={"Accept": "*/*"}).json()["detail"]
    assert "“remark”" not in near
    assert "mean remark" not in near
    everything = node.get(f"/search.{form}").text
    assert given.SECRET not in everything
    assert given.CLOSED not in everything
    assert given.EMBARGOED in everything


@pytest.mark.parametrize("form", ["json", "csv", "bib", "atom"])
def test_caches_keep_nothing_that_may_close_again(node, form):
    answer = node.get(f"/search.{form}")
    assert answer.headers["cache-control"] == "no-cache"
    assert {"Cookie", "Authorization"} <= set(answer.headers["vary"].replace(" ", "").split(","))
