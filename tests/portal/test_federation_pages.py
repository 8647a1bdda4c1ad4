"""Pages about other catalogues: what they say, and what they never say."""

import html
import re

import federation_catalogue as given
import pytest
import signed_in
import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector
from panosc.catalogue.people import audit

PAGES = ["/facilities", "/facilities/alba", "/facilities/esrf", "/facilities/hzdr"]
PEOPLE = [None, "stranger", "steward", "administrator"]


@pytest.fixture(scope="module")
def house(new_database, template, open_folder):
    with signed_in.house(new_database, template, open_folder / "federation-pages") as found:
        given.fill(found.engine)
        yield found


def text_of(page):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def read(house, path, person=None):
    with house.client(person) as client:
        page = client.get(path)
    assert page.status_code == 200, page.text
    return text_of(page)


def test_facilities_tell_what_each_has_and_how_it_does(house):
    said = read(house, "/facilities")
    row = said[said.index("ALBA Synchrotron") : said.index("ESRF", said.index("ALBA Synch"))]
    assert "OAI-PMH" in row
    assert "1 dataset" in row
    assert "2026-06-01 10:05" in row
    esrf = said[said.index("ESRF") :]
    assert "gone-plugin" in esrf
    assert "not yet" in esrf
    assert "the last try failed" in esrf
    assert "not harvested" in said[said.index("HZDR") :]


def test_a_closed_record_is_counted_for_those_alone_who_may_know_of_it(house):
    assert "Records here 1 dataset Live" in read(house, "/facilities/alba")
    assert "Records here 2 datasets Live" in read(house, "/facilities/alba", "steward")


def test_a_facility_has_its_ninety_days_in_words_and_numbers(house):
    said = read(house, "/facilities/alba")
    assert "answered 2,345 of 2,400 questions (97.7 %) on 60 days of the last 90" in said
    assert "the worst day was 2026-05-29 with 0 %" in said
    assert "2026-05-15 62.5 % 25 15 0 0 0.48 s" in said
    with house.client() as client:
        page = client.get("/facilities/alba").text
    assert page.count("<rect") == 90


def test_a_facility_tells_of_harvests_and_of_what_it_supports(house):
    said = read(house, "/facilities/alba")
    assert "1,200 seen, 12 new, 1 gone" in said
    assert said.index("2026-06-01 10:00") < said.index("2026-05-31 06:00")
    assert "count Answers wrongly It says 0 of a catalogue with 12 records." in said
    assert "where:title Yes" in said
    assert "was tried against" in said
    assert "Every hour; none is done yet" in read(house, "/facilities/esrf")
    assert "esrf was not used: it answered 500." in read(house, "/facilities/esrf")


def test_what_could_not_be_taken_is_for_those_who_tend(house):
    assert "It has no title" not in read(house, "/facilities/alba", "stranger")
    assert "oai:alba:broken : It has no title" in read(house, "/facilities/alba", "steward")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("person", PEOPLE)
def test_no_page_tells_a_secret_an_option_or_where_a_private_network_is(house, path, person):
    with house.client(person) as client:
        page = client.get(path).text
    for word in (given.SECRET_OPTION, given.SECRET_ACCOUNT, given.SECRET_FILE):
        assert word not in page
    # those who tend it know where it is
    tends = person in {"steward", "administrator"} and path.endswith("hzdr")
    assert (given.PRIVATE in page) is tends
    assert ("Hidden-8844" in page) is False


def test_an_unknown_facility_is_not_found(house):
    with house.client() as client:
        page = client.get("/facilities/nobody")
    assert page.status_code == 404
    assert "This node knows no catalogue “nobody”" in html.unescape(page.text)


def test_the_page_of_a_harvested_record_tells_where_it_is_from(house):
    path = f"/datasets/{given.HARVESTED}"
    said = read(house, path)
    assert "From ALBA Synchrotron , harvested 2026-06-01 . Its page there . Also at ESRF" in said
    with house.client() as client:
        page = client.get(path).text
    assert f'<a href="{given.HOME}" rel="noopener noreferrer">' in page
    assert f'href="{path}/-/sources"' in page
    assert "harvested" not in read(house, f"/datasets/{signed_in.OPEN}")


def test_sources_tell_why_records_are_one(house):
    path = f"/datasets/{given.HARVESTED}/-/sources"
    said = read(house, path)
    assert "2 other catalogues told of this dataset. It is one record here" in said
    assert said.index("ALBA Synchrotron shown here") < said.index("ESRF oai:esrf:1")
    assert f"by itself it would be {given.ALSO}" in said
    assert f"DOI {given.HARVESTED} , identifier 11/22" in said
    assert f"It has the same DOI ({given.HARVESTED}) as a record of alba" in said
    with house.client() as client:
        page = client.get(path).text
    # what another catalogue calls a page is a link only if it is one
    assert "javascript:" not in page
    assert "no other catalogue has told" in read(house, f"/datasets/{signed_in.OPEN}/-/sources")


def test_sources_of_a_closed_record_are_there_for_those_alone_who_may_know_of_it(house):
    path = f"/datasets/{given.HIDDEN}/-/sources"
    with house.client("stranger") as client:
        assert client.get(path).status_code == 404
    assert "oai:alba:2" in read(house, path, "steward")


# ---- tending ----

TEND = "/facilities/administration"


@pytest.fixture
def tended(house):
    """What was changed is as before after the test."""
    yield
    with house.engine.begin() as connection:
        connection.execute(sa.delete(connector))
        connection.execute(sa.text("delete from dataset where source = 'alba'"))
    given.fill(house.engine)


def audited(house):
    with house.engine.connect() as connection:
        query = sa.select(audit.c.event, audit.c.subject).order_by(audit.c.number.desc())
        return tuple(connection.execute(query.limit(1)).one())


@pytest.mark.parametrize("path", [TEND, f"{TEND}/alba/remove"])
def test_tending_is_for_stewards_and_administrators(house, path):
    for person, status in ((None, 401), ("stranger", 403), ("director", 403)):
        with house.client(person) as client:
            assert client.get(path).status_code == status
            assert client.post(path).status_code == status
    for person in ("steward", "administrator"):
        assert "ALBA Synchrotron" in read(house, path, person)


def test_a_catalogue_is_paused_asked_again_and_harvested(house, tended):
    with house.client("steward") as client:
        paused = client.post(f"{TEND}/esrf/pause")
        assert audited(house) == ("connector.paused", "esrf")
        cannot = client.post(f"{TEND}/alba/resume")
        due = client.post(f"{TEND}/alba/harvest")
        assert audited(house) == ("connector.harvested", "alba")
        never = client.post(f"{TEND}/hzdr/harvest")
    assert (paused.status_code, due.status_code) == (303, 303)
    assert due.headers["location"] == f"{TEND}?done=harvest#alba"
    assert (cannot.status_code, never.status_code) == (409, 409)
    assert "alba cannot be asked live" in text_of(cannot)
    with house.engine.connect() as connection:
        when = connection.scalar(sa.select(connector.c.due).where(connector.c.name == "alba"))
    assert when == signed_in.NOW


REFUSED = [
    ({"url": "http://alba.example/oai"}, "not one of the open network"),
    ({"url": "https://me:secret@alba.example/oai"}, "not one of the open network"),
    ({"url": "file:///etc"}, "not one of the open network"),
    ({"name": "No Name"}, "cannot be the name of a catalogue"),
    ({"kind": "nothing"}, "There is no connector for"),
    ({"options": "not an option"}, "An option is a line such as"),
    ({"options": "nothing=1"}, "The option nothing"),
    ({"every": "1"}, "Say how often"),
    # what a name of the open network leads to is judged when it is called
    ({"url": "https://127.0.0.1/oai"}, "was not used"),
]


def test_what_cannot_be_added_is_told_and_nothing_is_kept(house):
    form = {"name": "new", "kind": "oai", "url": "https://127.0.0.1/oai", "every": "3600"}
    with house.client("administrator") as client:
        for changed, said in REFUSED:
            answer = client.post(TEND, data=form | {"uses": ["live", "harvest"]} | changed)
            assert answer.status_code == 422, changed
            assert said in text_of(answer), changed
            # what was typed is still there
            assert "url" in changed or 'value="https://127.0.0.1/oai"' in answer.text
    with house.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(connector)) == 3


def test_a_form_of_another_origin_changes_nothing(house):
    with house.client("steward") as client:
        answer = client.post(f"{TEND}/esrf/pause", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_removing_asks_first_and_takes_what_nobody_else_told_of(house, tended):
    with house.client("administrator") as client:
        asked = text_of(client.get(f"{TEND}/alba/remove"))
        gone = client.post(f"{TEND}/alba/remove")
        assert audited(house) == ("connector.removed", "alba")
        missing = client.get("/facilities/alba")
        unknown = client.post(f"{TEND}/nobody/remove")
    assert "Remove ALBA Synchrotron ?" in asked
    assert "With it go 1 dataset that nobody else told of" in asked
    assert gone.headers["location"] == f"{TEND}?done=removed"
    assert (missing.status_code, unknown.status_code) == (404, 404)


def test_the_table_of_evidence_tells_what_was_asked(house):
    said = read(house, "/facilities")
    table = said[said.index("What each offers, from evidence") :]
    heads = "Data policy Catalogue Metadata definition DOI Open data Data services Common API"
    assert heads in table
    assert "Yes OAI-PMH 2.0" in table
    # the closed record of ALBA is counted for nobody
    assert "Yes 1 of 1" in table
    page = read(house, "/facilities/alba")
    assert "DOI Yes 1 of 1 Which datasets have a DOI. 2026-06-01 10:05" in page
    assert "Data services No It answers 404." in page
