"""The page and the API of files on tape, as people and programs meet them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from archive import PID, SECRET, Archive
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser
from tape_house import House, housed

from panosc.catalogue.tape.tables import recall, tape_mount

PATH = f"/datasets/{PID}/-/restore"
API = f"/api/v1/datasets/{PID}/recalls"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = ((1280, 900, "light"), (390, 844, "dark"))


@pytest.fixture
def house(archive: Archive) -> Iterator[House]:
    archive.put(PID, ["V1", "V1", "V1", "V2", "V2", "V3"])
    archive.put(SECRET, ["V1"], access="closed", ownerGroup="P-9")
    archive.put("10.5072/disk", ["disk"], tier="online")
    with housed(archive) as served:
        yield served


def test_asking_and_taking_back_by_forms(house: House) -> None:
    with house.client() as client:
        page = client.get(PATH, headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert "6 files that are on tape" in page.text
        assert "/login?back=" in page.text
        assert '<button class="btn primary" name=' not in page.text
        assert client.post(PATH, data={"which": "all"}).status_code == 401
        assert client.get(f"/datasets/{SECRET}/-/restore").status_code == 404
        assert (
            "No file of this dataset is on tape"
            in client.get("/datasets/10.5072/disk/-/restore").text
        )
        assert client.get(f"{PATH}?page=2").status_code == 404
    with house.client("ada") as client:
        html = {"Accept": "text/html"}
        refused = client.post(PATH, data={"which": "chosen"}, headers=html)
        assert refused.status_code == 422
        assert "No file is ticked" in refused.text
        files = ["run-0000.nxs", "run-0003.nxs"]
        sent = client.post(PATH, data={"which": "chosen", "file": files})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{PATH}?done=asked")
        page = client.get(sent.headers["location"], headers=html).text
        assert "It is noted" in page
        assert "asked for: 2 files" in page
    with house.client("ben") as client:
        client.post(PATH, data={"which": "chosen", "file": files[:1]})
        page = client.get(PATH, headers=html).text
        assert "you and 1 other" in page
        assert "1 person" in page
        assert "u-ada" not in page
        back = client.post(f"{PATH}/cancel", data={"which": "all"})
        assert back.headers["location"] == f"{PATH}?done=taken-back"
        assert (
            "you"
            not in client.get(PATH, headers=html)
            .text.partition("<tbody>")[2]
            .partition("</tbody>")[0]
        )
    assert house.archive.states() == {"asked": 2}


def test_the_same_for_programs(house: House) -> None:
    with house.client("ada") as client:
        assert client.post(API, json={"files": ["none"]}).status_code == 404
        assert client.post(API, json={"files": "x"}).status_code == 422
        assert client.post(API, json={"files": ["x"] * 10_001}).status_code == 422
        done = client.post(API, json={"files": ["run-0001.nxs"]})
        assert (done.status_code, done.json()) == (202, {"files": 1, "new": 1, "size": 2})
        assert client.post(API, json={}).json() == {"files": 6, "new": 5, "size": 19}
        house.archive.settle()
        shown = client.get(API).json()
        assert [item["state"] for item in shown] == ["online"] * 6
        assert shown[0]["until"] == "2026-06-15T12:00:00Z"
        assert client.delete(API).status_code == 204
        house.archive.rounds().round()
        assert {item["state"] for item in client.get(API).json()} == {"on tape"}


def test_too_much_for_a_day_is_told_with_when(house: House) -> None:
    house.archive.settings.__dict__["restore_max_files"] = 2
    with house.client("ada") as client:
        refused = client.post(API, json={})
        assert refused.status_code == 429
        assert refused.json()["type"] == "/docs/errors/#over-budget"
        assert refused.headers["retry-after"] == "86400"
        page = client.post(PATH, data={"which": "all"}, headers={"Accept": "text/html"})
        assert page.status_code == 429
        assert "You may ask for 2 files" in page.text
        assert page.headers["retry-after"] == "86400"
    assert house.archive.states() == {}


def _every_state(archive: Archive) -> None:
    """Lay out a file in each state."""
    states = ("queued", "staging", "online", "failed", "given up")
    now = archive.now()
    with archive.engine.begin() as connection:
        started = now - timedelta(minutes=3)
        for volume, state in (("V9", "done"), ("V1", "live")):
            ended = started + timedelta(minutes=2) if state == "done" else None
            row = {"request": volume, "volume": volume, "state": state, "files": 1}
            times = {"started": started, "beat": started, "ended": ended}
            connection.execute(sa.insert(tape_mount).values(**row, **times))
        found = connection.execute(sa.select(recall.c.id).order_by(recall.c.url)).scalars().all()
        for key, state in zip(found, states, strict=False):
            values = {"state": state, "volume": "V1" if state == "staging" else "V2"}
            words = "The tape is torn: nothing can be read of it." if state == "failed" else None
            change = sa.update(recall).where(recall.c.id == key)
            until = now + timedelta(days=14) if state == "online" else None
            connection.execute(change.values(**values, message=words, until=until))


@pytest.mark.browser
def test_the_page_in_a_browser(house: House, browser: Browser) -> None:
    """Without a script, on a phone, in the dark, by keyboard; axe finds nothing."""
    archive = house.archive
    with house.client("ada") as client:
        names = [f"run-{number:04}.nxs" for number in range(5)]
        client.post(API, json={"files": names})
    _every_state(archive)
    faults = []
    for width, height, scheme in LOOKS:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            bypass_csp=True,
        )
        context.add_cookies(
            [{"name": house.cookie, "value": house.sessions["ada"], "url": house.address}]
        )
        page = context.new_page()
        page.goto(house.address + PATH)
        page.add_script_tag(content=AXE_SCRIPT)
        rules = {"resultTypes": ["violations"], "runOnly": TAGS}
        found = page.evaluate("rules => axe.run(rules)", rules)
        assert len(found["passes"]) > 15, "axe did not look"
        faults += [
            (width, scheme, item["id"], item["nodes"][0]["html"]) for item in found["violations"]
        ]
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        context.close()
    assert faults == []
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(
        [{"name": house.cookie, "value": house.sessions["ada"], "url": house.address}]
    )
    page = context.new_page()
    page.goto(house.address + PATH)
    page.get_by_label("run-0005.nxs").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Ask for the ticked ones").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{house.address}{PATH}?done=asked")
    assert page.get_by_text("It is noted").is_visible()
    context.close()
