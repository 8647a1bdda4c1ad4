"""Pages on which people share, release, ask and answer: as they send forms, and in Chromium."""

import re
from datetime import timedelta
from itertools import product

import pytest
import signed_in as given
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from signed_in import CLOSED, EMBARGOED, OPEN, TO_OPEN, TO_RELEASE, TO_SHARE, TO_WITHDRAW
from test_portal_browser import NARROW, RULES, SIZES, SMALL

from panosc.catalogue.people import petition
from panosc.catalogue.tables import dataset, share

WHY = "We compare it with our own measurement."


@pytest.fixture(scope="module")
def house(new_database, template, open_folder):
    with given.house(new_database, template, open_folder / "access-pages") as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_is_shared_or_asked(house):
    """Let each test begin alike, in whatever order they run."""
    with house.engine.begin() as connection:
        for table in (share, petition):
            connection.execute(sa.delete(table))


@pytest.fixture
def by(house):
    """Returns a client of somebody; all are closed at the end."""
    clients = []

    def client(person=None):
        clients.append(house.client(person))
        return clients[-1]

    yield client
    for item in clients:
        item.close()


def page(pid):
    return f"/datasets/{pid}/-/access"


def test_everyone_learns_why_and_until_when(by):
    told = by().get(page(EMBARGOED)).text
    assert "2029-05-01" in told
    assert "opens to everyone by itself" in told
    assert "/login?back=/datasets/10.5072/later/-/access" in told.replace("%2F", "/")
    assert "never closed again" in by().get(page(OPEN)).text
    assert f'href="{page(EMBARGOED)}"' in by().get(f"/datasets/{EMBARGOED}").text


def test_a_closed_dataset_is_as_if_it_never_was(by):
    bodies = []
    for pid in (CLOSED, "10.5072/not-there"):
        for who in (None, "stranger", "administrator"):
            got = by(who).get(page(pid))
            assert got.status_code == 404
            sent = by(who).post(f"{page(pid)}/release", data={"sure": "yes"})
            assert sent.status_code == (401 if who is None else 404)
            # each request has a number of its own
            texts = [one.text.replace(one.headers["x-request-id"], "ID") for one in (got, sent)]
            bodies.append([re.sub(pid, "PID", text) for text in texts])
    assert bodies[:3] == bodies[3:]
    assert "Sesame" in by("team").get(page(CLOSED)).text


@pytest.mark.parametrize("person", [None, "stranger", "team", "director", "administrator"])
def test_forms_are_for_whom_they_are_for(by, person):
    text = by(person).get(page(EMBARGOED)).text
    assert "/-/access/share" not in text
    assert "/-/access/release" not in text
    assert "/-/access/withdraw" not in text
    assert ("/-/access/request" in text) == (person in {"stranger", "director", "administrator"})
    wanted = 401 if person is None else 403
    for form, data in [
        ("share", {"kind": "link"}),
        ("release", {"sure": "yes"}),
        ("extend", {"years": "1", "text": WHY}),
        ("withdraw", {"reason": WHY}),
    ]:
        assert by(person).post(f"{page(EMBARGOED)}/{form}", data=data).status_code == wanted, form


def test_a_link_is_told_once_and_opens_that_dataset_alone(house, by):
    pi, guest = by("pi"), by()
    made = pi.post(f"{page(TO_SHARE)}/share", data={"kind": "link", "note": "For the referee"})
    assert made.status_code == 303
    first = pi.get(made.headers["location"]).text
    link = re.search(r'value="(http[^"]*/share/[^"]+)"', first)[1]
    assert "/share/" not in pi.get(page(TO_SHARE)).text
    assert "For the referee" in pi.get(page(TO_SHARE)).text
    assert "a.nxs" not in guest.get(f"/datasets/{TO_SHARE}").text
    opened = guest.get(link)
    assert (opened.status_code, opened.headers["location"]) == (303, f"/datasets/{TO_SHARE}")
    assert opened.headers["referrer-policy"] == "no-referrer"
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    shown = guest.get(f"/datasets/{TO_SHARE}").text
    assert "a.nxs" in shown
    assert "Shared with you until" in shown
    assert "a.nxs" not in guest.get(f"/datasets/{EMBARGOED}").text
    assert guest.get(f"/datasets/{CLOSED}").status_code == 404
    # taken back, it is over with the next request
    share = re.search(r"/-/access/shares/(\w+)/take-back", pi.get(page(TO_SHARE)).text)[1]
    assert pi.post(f"{page(TO_SHARE)}/shares/{share}/take-back").status_code == 303
    assert "a.nxs" not in guest.get(f"/datasets/{TO_SHARE}").text
    lost = by().get(link)
    assert lost.status_code == 404
    assert "taken back" in lost.text


def test_what_an_adopted_catalogue_shares_is_not_the_teams_to_take_back(house, by):
    pi = by("pi")
    with house.engine.begin() as connection:
        key = connection.scalar(sa.select(dataset.c.id).where(dataset.c.pid == TO_SHARE))
        row = {"id": "s1", "dataset_id": key, "reader": "staff", "by": "connector:ess"}
        connection.execute(sa.insert(share).values(row | {"source": "ess"}))
    shown = pi.get(page(TO_SHARE)).text
    assert "as long as that catalogue says so" in shown
    assert "take-back" not in shown
    assert pi.post(f"{page(TO_SHARE)}/shares/s1/take-back").status_code == 409
    assert "as long as that catalogue says so" in pi.get(page(TO_SHARE)).text


def test_a_link_ends_by_the_clock(house, by):
    pi, guest = by("pi"), by()
    made = pi.post(f"{page(TO_SHARE)}/share", data={"kind": "link", "until": "2026-06-03"})
    link = re.search(r'value="(http[^"]*/share/[^"]+)"', pi.get(made.headers["location"]).text)[1]
    guest.get(link)
    assert "a.nxs" in guest.get(f"/datasets/{TO_SHARE}").text
    try:
        house.time[0] += timedelta(days=3)
        assert "a.nxs" not in guest.get(f"/datasets/{TO_SHARE}").text
        assert by().get(link).status_code == 404
    finally:
        house.time[0] = given.NOW


def test_what_was_typed_is_kept_beside_the_error(by):
    pi = by("pi")
    typed = {"kind": "person", "name": "0000-0001-0000-0000", "until": "2027-01-01", "note": "Nöte"}
    refused = pi.post(f"{page(TO_SHARE)}/share", data=typed)
    assert refused.status_code == 422
    for text in ("Nobody who can be given access", 'value="2027-01-01"', 'value="Nöte"'):
        assert text in refused.text
    assert 'value="person" selected' in refused.text
    assert pi.post(f"{page(TO_SHARE)}/share", data={**typed, "until": "soon"}).status_code == 422
    late = pi.post(f"{page(TO_SHARE)}/share", data={"kind": "link", "until": "2031-01-01"})
    assert "for a year at most" in late.text
    unsure = pi.post(f"{page(EMBARGOED)}/release", data={"reason": "A paper"})
    assert unsure.status_code == 422
    assert "A paper</textarea>" in unsure.text
    assert pi.post(f"{page(EMBARGOED)}/extend", data={"years": "x", "text": WHY}).status_code == 422


def test_asked_and_granted(by):
    stranger, pi = by("stranger"), by("pi")
    assert stranger.post(f"{page(EMBARGOED)}/request", data={"text": " "}).status_code == 422
    assert stranger.post(f"{page(EMBARGOED)}/request", data={"text": WHY}).status_code == 303
    assert "You asked on" in stranger.get(page(EMBARGOED)).text
    assert stranger.post(f"{page(EMBARGOED)}/request", data={"text": WHY}).status_code == 409
    listed = pi.get("/requests").text
    assert WHY in listed
    assert "Sven Ström" in listed
    number = re.search(r"/requests/(\w+)/answer", listed)[1]
    silent = pi.post(f"/requests/{number}/answer", data={"answer": "refuse"})
    assert silent.status_code == 422
    assert "Tell the asker why not" in silent.text
    assert (
        by("team").post(f"/requests/{number}/answer", data={"answer": "grant"}).status_code == 404
    )
    granted = pi.post(f"/requests/{number}/answer", data={"answer": "grant", "until": "2027-01-31"})
    assert granted.status_code == 303
    assert "Shared with you until" in stranger.get(f"/datasets/{EMBARGOED}").text
    assert "a.nxs" in stranger.get(f"/datasets/{EMBARGOED}").text
    assert "Granted" in stranger.get("/requests").text
    assert pi.post(f"/requests/{number}/answer", data={"answer": "grant"}).status_code == 409


def test_taken_back_by_the_asker(by):
    stranger = by("stranger")
    stranger.post(f"{page(TO_RELEASE)}/request", data={"text": WHY})
    number = re.search(r"/requests/(\w+)/take-back", stranger.get("/requests").text)[1]
    assert by("pi").post(f"/requests/{number}/take-back").status_code == 404
    assert stranger.post(f"/requests/{number}/take-back").status_code == 303
    assert stranger.post(f"/requests/{number}/take-back").status_code == 409
    assert "Taken back" in stranger.get("/requests").text


def test_withdrawn_and_restored_by_a_steward(by):
    steward = by("steward")
    sent = steward.post(f"{page(TO_WITHDRAW)}/withdraw", data={"reason": "Wrong label."})
    assert sent.status_code == 303
    assert "Wrong label." in by().get(f"/datasets/{TO_WITHDRAW}").text
    assert "Wrong label." in by().get(page(TO_WITHDRAW)).text
    assert steward.post(f"{page(TO_WITHDRAW)}/restore", data={"reason": "Right"}).status_code == 303
    assert "withdrawn" not in by().get(f"/datasets/{TO_WITHDRAW}").text


def test_the_trail_is_read_by_stewards_and_administrators(by):
    by("pi").post(f"{page(TO_SHARE)}/share", data={"kind": "group", "name": "P-200"})
    statuses = {who: by(who).get("/audit").status_code for who in (None, *given.PEOPLE)}
    assert statuses == {
        None: 401,
        "pi": 403,
        "team": 403,
        "stranger": 403,
        "director": 403,
        "steward": 200,
        "administrator": 200,
    }
    steward = by("steward")
    found = steward.get(f"/audit?subject={TO_SHARE}&event=share.*&person=&from=").text
    assert "share.given" in found
    assert "dataset." not in found.partition("<tbody>")[2]
    assert "No line fits" in steward.get("/audit?event=nothing").text
    for query in ("from=99999999999999999999999", "from=x", "from=²", "event=*"):
        assert steward.get(f"/audit?{query}").status_code == 200, query
    assert steward.get("/audit?person=%00").status_code == 422


@pytest.fixture(scope="module")
def drawn(browser, house):
    """Opens pages in Chromium as somebody."""
    contexts = []

    def open_page(path, person=None, *, size="desktop", **options):
        viewport = SIZES[size] if isinstance(size, str) else size
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        if person is not None:
            context.add_cookies(
                [{"name": house.name, "value": house.cookies[person], "url": house.address}]
            )
        opened = context.new_page()
        opened.complaints = []
        opened.on("console", lambda message: opened.complaints.append(message.text))
        opened.goto(house.address + path)
        return opened

    yield open_page
    for context in contexts:
        context.close()


SEEN = [
    (page(OPEN), None),
    (page(EMBARGOED), None),
    (page(EMBARGOED), "administrator"),
    (page(TO_SHARE), "pi"),
    (page(CLOSED), "team"),
    (page(TO_WITHDRAW), "steward"),
    ("/requests", "pi"),
    ("/requests", "stranger"),
    ("/audit", "steward"),
    (f"/datasets/{TO_SHARE}", "pi"),
    ("/share/nothing", None),
]


@pytest.mark.browser
@pytest.mark.parametrize(("path", "person"), SEEN)
def test_pages_are_sound(drawn, by, path, person):
    by("administrator").post(f"{page(TO_RELEASE)}/request", data={"text": WHY})
    by("pi").post(f"{page(TO_SHARE)}/share", data={"kind": "link", "note": "Referee"})
    opened = drawn(path, person)
    opened.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    opened.evaluate(AXE_SCRIPT)
    faults = []
    for size, scheme in product(SIZES, ("light", "dark")):
        opened.set_viewport_size(SIZES[size])
        opened.emulate_media(color_scheme=scheme)
        found = opened.evaluate("rules => axe.run(rules)", RULES)
        assert len(found["passes"]) > 15, "axe did not look"
        faults += [
            (size, scheme, fault["id"], place["html"])
            for fault in found["violations"]
            for place in fault["nodes"][:3]
        ]
    assert faults == []
    opened.set_viewport_size({"width": 320, "height": 640})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 320, opened.evaluate(NARROW)
    assert opened.evaluate(SMALL) == []
    assert [text for text in opened.complaints if "status of 4" not in text] == []


@pytest.mark.browser
def test_released_with_the_keyboard_alone(drawn, house):
    opened = drawn(page(TO_OPEN), "pi", java_script_enabled=False)
    opened.get_by_text("Release it now").focus()
    opened.keyboard.press("Enter")
    opened.keyboard.press("Tab")
    opened.keyboard.type("The paper is out")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Space")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    opened.wait_for_url("**/-/access?done=release")
    assert opened.get_by_role("status").inner_text() == "It is open to everyone from now on."
    assert opened.get_by_text("never closed again").is_visible()
    stranger = drawn(f"/datasets/{TO_OPEN}")
    assert stranger.locator(".tag.open").count() == 1
