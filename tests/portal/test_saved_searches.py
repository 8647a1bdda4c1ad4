"""Kept searches: kept, opened, renamed, deleted, each by their owner alone, and counted anew."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import signed_in as given
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT

from panosc.catalogue.people import saved_search
from panosc.catalogue.writer import write
from panosc.search.saved.store import LONGEST, MOST

PATH = "/account/searches"
API = "/api/v1/searches"
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def served(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[given.House]:
    with given.house(new_database, template, open_folder / "searches") as house:
        yield house


class Visited:
    """The house, with browsers that are closed in the end."""

    def __init__(self, house):
        self.engine, self.time, self.name = house.engine, house.time, house.name
        self.address, self.cookies = house.address, house.cookies
        self._house, self.clients = house, []

    def client(self, person):
        self.clients.append(self._house.client(person))
        return self.clients[-1]


@pytest.fixture
def house(served):
    visited = Visited(served)
    yield visited
    for client in visited.clients:
        client.close()
    with served.engine.begin() as connection:
        connection.execute(sa.delete(saved_search))
    served.time[0] = given.NOW


def kept(house):
    with house.engine.connect() as connection:
        rows = connection.execute(sa.select(saved_search).order_by(saved_search.c.name))
        return [row._mapping for row in rows]


def save(client, name="Water", params="q=water"):
    return client.post(PATH, data={"name": name, "params": params})


def test_a_search_is_kept_in_canonical_spelling(house):
    client = house.client("team")
    answer = save(client, "  Water \t again ", "technique=SANS&q=water&page=3&size=50&sort=title")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PATH}?done=saved"
    (row,) = kept(house)
    assert (row["account"], row["name"]) == ("u-team", "Water again")
    assert row["params"] == "q=water&technique=PaNET01189&sort=title"
    page = client.get(answer.headers["location"]).text
    assert "It is kept." in page
    assert 'href="/search?q=water&amp;technique=PaNET01189&amp;sort=title"' in page
    assert 'href="/search.atom?q=water&amp;technique=PaNET01189&amp;sort=title"' in page


def test_only_its_owner_has_it(house):
    save(house.client("team"))
    (row,) = kept(house)
    assert "You keep no search yet" in house.client("pi").get(PATH).text
    for act in ("rename", "open", "delete"):
        answer = house.client("pi").post(f"{PATH}/{row['id']}/{act}", data={"name": "Mine"})
        assert answer.status_code == 404, act
        answer = house.client("steward").delete(f"{API}/{row['id']}")
        assert answer.status_code == 404
    assert kept(house) == [row]
    assert house.client("pi").get(API).json() == []


def test_what_is_new_is_counted_as_its_owner_sees_it(house):
    team, stranger = house.client("team"), house.client("stranger")
    for client in (team, stranger):
        assert save(client, "All", "").status_code == 303
    by_person = {row["account"]: row for row in kept(house)}
    # six that anyone may list; the closed one is the team's
    assert by_person["u-stranger"]["looked_total"] == 6
    assert by_person["u-team"]["looked_total"] == 7
    closed = {
        "pid": "10.5072/hidden-new",
        "title": "Hidden",
        "access": "closed",
        "ownerGroup": given.GROUP,
    }
    with house.engine.begin() as connection:
        write(connection, [("Dataset", closed)], now=given.NOW)
    house.time[0] += timedelta(hours=1)
    assert "1 new since" in team.get(PATH).text
    assert "new since" not in stranger.get(PATH).text
    assert "6 datasets" in stranger.get(PATH).text
    answer = team.post(f"{PATH}/{by_person['u-team']['id']}/open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/search")
    assert "new since" not in team.get(PATH).text
    with house.engine.begin() as connection:
        connection.exec_driver_sql("delete from dataset where pid = '10.5072/hidden-new'")


def test_rename_and_delete(house):
    client = house.client("pi")
    save(client, "One")
    save(client, "Two", "q=ice")
    one, two = kept(house)
    assert client.post(f"{PATH}/{one['id']}/rename", data={"name": "First"}).status_code == 303
    assert client.post(f"{PATH}/{one['id']}/rename", data={"name": "First"}).status_code == 303
    taken = client.post(f"{PATH}/{two['id']}/rename", data={"name": "First"})
    assert taken.status_code == 409
    assert "called “First” already" in taken.text
    assert f'id="name-{two["id"]}" name="name" value="First"' in taken.text
    assert client.post(f"{PATH}/{one['id']}/delete").status_code == 303
    assert [row["name"] for row in kept(house)] == ["Two"]


@pytest.mark.parametrize(
    ("name", "params", "status", "said"),
    [
        ("", "q=a", 422, "A name has"),
        ("x" * 101, "q=a", 422, "A name has"),
        ("a\u202eb", "q=a", 422, "A name has"),
        ("Fine", "nonsense=1", 422, "nonsense"),
        ("Fine", "q=" + "a" * LONGEST, 422, "characters"),
        ("Fine", "&".join(["a=1"] * 700), 422, "query part"),
    ],
    ids=["no-name", "long-name", "bidi-name", "unknown-filter", "long", "many"],
)
def test_what_cannot_be_kept(house, name, params, status, said):
    answer = save(house.client("team"), name, params)
    assert answer.status_code == status
    assert said in answer.text
    assert kept(house) == []


def test_a_search_under_a_name_of_another(house):
    client = house.client("team")
    save(client)
    again = save(client, params="q=ice")
    assert again.status_code == 409
    assert 'name="params" value="q=ice"' in again.text
    assert save(house.client("pi")).status_code == 303


def test_there_is_a_most(house):
    with house.engine.begin() as connection:
        rows = [
            {
                "id": f"{number:016x}",
                "account": "u-team",
                "name": f"n{number}",
                "params": "",
                "looked_at": given.NOW,
            }
            for number in range(MOST - 1)
        ]
        connection.execute(sa.insert(saved_search), rows)

    def keep(number):
        with house.client("team") as client:
            return save(client, f"new {number}").status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(keep, range(4)))
    assert answers == [303, 409, 409, 409]
    assert len(kept(house)) == MOST
    assert house.client("team").get(PATH).status_code == 200


def test_names_are_text(house):
    client = house.client("team")
    save(client, EVIL, "q=" + "%3Cscript%3E")
    page = client.get(PATH).text
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_api(house):
    client = house.client("team")
    made = client.post(API, json={"name": "Water", "params": "?q=water"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    found = made.json()
    assert (found["name"], found["params"], found["lookedTotal"]) == ("Water", "q=water", 1)
    assert client.get(API).json() == [found]
    assert client.post(API, json={"name": "Water", "params": ""}).status_code == 409
    wrong = client.post(API, json={"name": "Other", "params": "nonsense=1"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "params")
    assert client.delete(f"{API}/{found['id']}").status_code == 204
    assert client.delete(f"{API}/{found['id']}").status_code == 404
    assert client.delete(f"{API}/%00").status_code in {400, 404, 422}


def test_a_page_of_another_origin_keeps_nothing(house):
    with house.client("team") as client:
        client.headers["Origin"] = "https://evil.example"
        assert save(client).status_code == 403
    assert kept(house) == []


def test_it_is_part_of_ones_data_and_goes_with_the_account(house):
    client = house.client("director")
    save(client, "Mine", "q=water")
    exported = json.loads(client.get("/account/export.json").text)
    assert [(row["name"], row["params"]) for row in exported["searches"]] == [("Mine", "q=water")]
    save(house.client("pi"), "Stays")
    assert client.post("/account/erase", data={"word": "erase"}).status_code == 303
    assert [row["name"] for row in kept(house)] == ["Stays"]


@pytest.mark.browser
def test_the_page_is_sound(house, browser):
    client = house.client("team")
    save(
        client, "Small-angle scattering of lysozyme, with a name that goes on and on", "q=lysozyme"
    )
    save(client, "All", "")
    context = browser.new_context()
    context.add_cookies(
        [{"name": house.name, "value": house.cookies["team"], "url": house.address}]
    )
    page = context.new_page()
    for path in (PATH, "/account"):
        page.goto(house.address + path)
        page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
        page.evaluate(AXE_SCRIPT)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("axe.run()")
            assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    context.close()
