"""My experiments, my account, the terms, my data: what each person is shown and may do there."""

from datetime import datetime, timedelta
from itertools import product

import httpx
import pytest
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from signed_in import NOW

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.people import (
    account,
    alias,
    audit,
    identity,
    petition,
    session,
    token,
    usage,
)
from panosc.catalogue.tables import dataset, group_member, share
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.identity.accounts import sign_in
from panosc.identity.groups.reading import said
from panosc.identity.personal.retention import prune
from panosc.identity.service import build
from panosc.settings import GroupRule, Provider

URN = "urn:geant:panosc.example:group:stewards"
HOME = Provider(
    name="home",
    title="The facility",
    issuer="https://idp.example",
    client_id="node",
    person_claims={"uo_key": "uo"},
    groups=(GroupRule(entitlement=URN, group="node", role="steward"),),
)
AWAY = HOME.model_copy(update={"name": "away", "title": "Far away", "issuer": "https://x.example"})
EVIL = "<script>alert(1)</script>"
PEOPLE = {
    "ada": {"name": "Ada Pieters", "email": "ada@x.example", "uo_key": "1"},
    "gus": {"name": EVIL, "uo_key": "2", "eduperson_entitlement": [EVIL, "urn:mace:x:y"]},
    "nobody": {"name": "Nemo"},
    "stella": {"name": "Stella Dahl", "eduperson_entitlement": [URN]},
    "new": {"name": "Not Yet", "uo_key": "1000"},
}
GROUPS = [
    {
        "name": "P/118 é",
        "title": "Water under pressure",
        "startDate": "2026-05-01",
        "endDate": "2026-05-03",
        "members": [
            {"person": "uo:1", "role": "pi"},
            {"person": "uo:1000"},
            {"person": "uo:2", "role": "guest", "until": "2026-07-01"},
        ],
    },
    {"name": "P-EMPTY", "title": EVIL, "members": [{"person": "uo:1"}]},
    {"name": "P-OTHER", "title": "Not theirs", "members": [{"person": "uo:77"}]},
]
LATER = "2029-05-03T00:00:00Z"


def rows():
    def one(number, group, **more):
        return (
            "Dataset",
            {
                "pid": f"10.5072/{group[:3].lower().replace('/', '')}{number:03d}",
                "title": f"Scan {number} of {group}",
                "creationDate": f"2026-05-{number % 28 + 1:02d}T00:00:00Z",
                "size": 1000,
                "ownerGroup": group,
                **more,
            },
        )

    mine, other = GROUPS[0]["name"], "P-OTHER"
    return [
        *(one(number, mine, access="embargoed", embargoUntil=LATER) for number in range(24)),
        *(one(number, mine, access="open") for number in range(24, 27)),
        one(27, mine, access="closed"),
        one(28, mine, access="withdrawn"),
        one(1, other, access="closed"),
        one(2, other, access="open"),
    ]


@pytest.fixture
def house(settings):
    chosen = settings.model_copy(update={"providers": (HOME, AWAY)})
    with open_database(chosen) as engine:
        time = [NOW]
        app = create_app(chosen, engine, clock=lambda: time[0])
        with serving(app) as address:
            found = House(app, engine, chosen, address, time)
            yield found
            for client in found.clients:
                client.close()


class House:
    """A node, and a browser for each of the people."""

    def __init__(self, app, engine, settings, address, time):
        self.app, self.engine, self.settings, self.address = app, engine, settings, address
        self.time = time
        self.clients = []
        self.people, self.cookies = {}, {}
        self.identity = build(engine, settings, lambda: time[0])
        with engine.begin() as connection:
            write(connection, rows(), now=NOW)
            for name, claims in PEOPLE.items():
                told = {"iss": HOME.issuer, "sub": name, **claims}
                self.people[name] = sign_in(connection, HOME, told, now=NOW)
                self.cookies[name] = self.begin(connection, name, "Firefox on a desk")
            accepted = sa.update(account).values(terms="1", terms_at=NOW)
            connection.execute(accepted.where(account.c.id != self.people["new"]))
        self.identity.groups.take(OPERATOR, [said(row, "Group") for row in GROUPS])

    def begin(self, connection, name, agent):
        return self.identity.sessions.begin(
            connection,
            self.people[name],
            provider="home",
            iss=HOME.issuer,
            sub=name,
            agent=agent,
        )

    def client(self, name=None, **headers):
        client = httpx.Client(
            base_url=self.address,
            headers={"Accept": "text/html", "Origin": self.address, **headers},
            trust_env=False,
            timeout=30,
        )
        self.clients.append(client)
        if name is not None:
            client.cookies.set(self.identity.sessions.cookie, self.cookies[name])
        return client

    def rows(self, query):
        with self.engine.connect() as connection:
            return connection.execute(query).all()

    def events(self, name):
        query = sa.select(audit.c.event).where(audit.c.subject == self.people[name])
        return [row.event for row in self.rows(query.order_by(audit.c.number))]


PRIVATE = ["/my", "/my/P-118", "/account", "/account/export.json", "/account/erase"]


@pytest.mark.parametrize("path", PRIVATE)
def test_strangers_are_sent_to_sign_in_and_tokens_turned_away(house, path):
    assert house.client().get(path).status_code == 401
    for act in ("/account/sessions/end", "/account/unlink", "/account/erase", "/account/terms"):
        assert house.client().post(act).status_code == 401


def test_my_experiments_in_figures_with_dates_and_what_opens_next(house):
    text = house.client("ada").get("/my").text
    assert "Water under pressure" in text
    assert "28 datasets" in text  # the withdrawn one is in no list
    assert "24 under embargo" in text
    assert "3 open" in text
    assert "1 closed" in text
    assert "24 datasets open to everyone next, on" in text
    assert "2029-05-03" in text
    assert "principal investigator" in text
    assert 'href="/my/P/118%20%C3%A9"' in text
    assert "Scan 27 of P/118 é" in text
    assert "Not theirs" not in text
    assert EVIL not in text
    assert "No dataset has arrived yet" in text
    assert "/audit" not in text


def test_a_guest_sees_until_when_and_then_nothing(house):
    client = house.client("gus")
    text = client.get("/my").text
    assert "until" in text
    assert "2026-07-01" in text
    house.time[0] = datetime.fromisoformat("2026-07-02T00:00:00Z")
    with house.engine.begin() as connection:
        house.cookies["gus"] = house.begin(connection, "gus", None)
    later = house.client("gus")
    assert "You are in none that this node knows of" in later.get("/my").text
    assert later.get("/my/P/118 é").status_code == 404


def test_who_is_in_nothing_is_told_why_and_a_steward_sees_the_node(house):
    assert "You are in none that this node knows of" in house.client("nobody").get("/my").text
    text = house.client("stella").get("/my").text
    assert "You are steward of this node" in text
    assert "<dd>24</dd>" in text  # under embargo
    assert "<dd>2</dd>" in text  # closed, of two groups


def test_one_experiment_page_by_page_and_none_of_others(house):
    client = house.client("ada")
    first = client.get("/my/P/118 é").text
    assert first.count('<li class="hit">') == 20
    assert "Page 1 of 2" in first
    second = client.get("/my/P/118 é?page=2").text
    assert second.count('<li class="hit">') == 8
    assert "There are not so many" in client.get("/my/P/118 é?page=9").text
    other, never = client.get("/my/P-OTHER"), client.get("/my/P-NEVER")
    assert (other.status_code, never.status_code) == (404, 404)
    # each request has a number of its own
    texts = [answer.text.replace(answer.headers["x-request-id"], "") for answer in (other, never)]
    assert texts[0].replace("P-OTHER", "") == texts[1].replace("P-NEVER", "")
    assert client.get("/my?page=0").status_code == 422


def test_number_of_queries_does_not_grow_with_the_groups(house):
    counts = []

    def count(*_):
        counts[-1] += 1

    def asked():
        counts.append(0)
        sa.event.listen(sa.Engine, "before_cursor_execute", count)
        try:
            assert house.client("ada").get("/my").status_code == 200
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", count)

    house.client("ada").get("/my")
    asked()
    more = [{"name": f"M{number}", "members": [{"person": "uo:1"}]} for number in range(15)]
    house.identity.groups.take(OPERATOR, [said(row, "Group") for row in more])
    with house.engine.begin() as connection:
        new = [("Dataset", {"pid": f"m/{n}", "ownerGroup": f"M{n}"}) for n in range(15)]
        write(connection, new, now=NOW)
    asked()
    assert counts[1] == counts[0]


def test_terms_are_accepted_once_and_open_the_rest(house):
    client = house.client("new")
    sent = client.get("/my")
    assert (sent.status_code, sent.headers["location"]) == (303, "/account/terms?back=/my")
    page = client.get("/account/terms?back=/my")
    assert "I have read this" in page.text
    assert "not accepted the acceptable use policy" in client.get("/account").text
    for form, fault in (
        ({"version": "1", "back": "/my"}, "Tick the box"),
        ({"version": "0", "agree": "yes"}, "has changed"),
    ):
        refused = client.post("/account/terms", data=form)
        assert refused.status_code == 422
        assert fault in refused.text
    good = {"version": "1", "agree": "yes", "back": "/my"}
    done = client.post("/account/terms", data=good)
    assert (done.status_code, done.headers["location"]) == (303, "/my")
    assert "Water under pressure" in client.get("/my").text
    client.post("/account/terms", data=good)
    assert house.events("new") == ["account.created", "alias.added", "terms.accepted"]
    [row] = house.rows(sa.select(account).where(account.c.id == house.people["new"]))
    assert (row.terms, row.terms_at) == ("1", NOW)
    away = client.post("/account/terms", data={**good, "back": "//evil.example/"})
    assert away.headers["location"] == "/"


def test_account_says_who_one_is_and_where_it_comes_from(house):
    text = house.client("gus").get("/account").text
    assert EVIL not in text
    assert "&lt;script&gt;" in text
    assert "urn:mace:x:y" in text
    assert "2 things that your login says" in text
    assert "uo:2" in text
    assert "the user office" in text
    assert "2026-07-01" in text
    assert "Link Far away" in text
    stella = house.client("stella").get("/account").text
    assert "steward of this node" in stella


def test_sessions_are_ended_by_their_owner_alone(house):
    with house.engine.begin() as connection:
        second = house.begin(connection, "ada", "Phone")
        third = house.begin(connection, "ada", "Library")
    client = house.client("ada")
    text = client.get("/account").text
    assert text.count("This browser") == 1
    assert "Phone" in text
    of_ada = sa.select(session).where(session.c.account == house.people["ada"])
    handles = {row.agent: row.handle for row in house.rows(of_ada)}
    stolen = house.client("gus").post("/account/sessions/end", data={"handle": handles["Phone"]})
    assert stolen.status_code == 404
    assert (
        client.post("/account/sessions/end", data={"handle": handles["Phone"]}).status_code == 303
    )
    assert house.identity.sessions.find(second) is None
    assert house.identity.sessions.find(third) is not None
    assert client.post("/account/sessions/end", data={"handle": "others"}).status_code == 303
    assert house.identity.sessions.find(third) is None
    assert client.get("/account").status_code == 200
    assert house.client("gus").get("/account").status_code == 200
    assert client.post("/account/sessions/end", data={"handle": "nope"}).status_code == 404


def test_unlinking_keeps_the_last_way_in(house):
    client = house.client("ada")
    last = client.post("/account/unlink", data={"iss": HOME.issuer, "sub": "ada"})
    assert last.status_code == 409
    assert "only way to sign in" in last.text
    other = client.post("/account/unlink", data={"iss": HOME.issuer, "sub": "gus"})
    assert other.status_code == 404


def keep_everything(house, name):
    """Leave something of a person in every table."""
    person = house.people[name]
    with house.engine.begin() as connection:
        [key] = connection.execute(sa.select(dataset.c.id).limit(1)).scalars()
        connection.execute(
            sa.insert(share),
            [
                {"id": "s1", "dataset_id": key, "reader": f"person:{person}", "by": "u-x"},
                {"id": "s2", "dataset_id": key, "reader": "link:hash-of-link", "by": person},
            ],
        )
        connection.execute(
            sa.insert(petition).values(
                id="q1",
                kind="access",
                dataset_id=key,
                pid="x",
                account=person,
                text="I, Ada Pieters, ask",
                state="open",
            )
        )
        connection.execute(
            sa.insert(token).values(
                id="t1",
                kind="personal",
                hash=b"secret-hash",
                account=person,
                name="script",
                expires=NOW + timedelta(days=9),
            )
        )
        connection.execute(sa.insert(usage).values(subject=person, day=NOW.date(), requests=3))
    house.identity.groups.add(OPERATOR, "P-OTHER", person, role="guest")


def test_export_holds_all_of_it_and_no_secret(house):
    keep_everything(house, "ada")
    answer = house.client("ada").get("/account/export.json")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["account"][0]["name"] == "Ada Pieters"
    assert found["account"][0]["email"] == "ada@x.example"
    assert [item["sub"] for item in found["identities"]] == ["ada"]
    assert [item["name"] for item in found["names"]] == ["uo:1"]
    assert {item["group"] for item in found["groups"]} == {"P/118 é", "P-EMPTY", "P-OTHER"}
    assert found["requests"][0]["text"] == "I, Ada Pieters, ask"
    assert found["tokens"][0]["name"] == "script"
    assert found["usage"][0]["requests"] == 3
    assert found["sessions"][0]["agent"] == "Firefox on a desk"
    assert (len(found["given"]), len(found["received"])) == (1, 1)
    assert {"account.created", "alias.added"} <= {item["event"] for item in found["audit"]}
    for secret in ("secret-hash", "hash-of-link", house.cookies["ada"], "Nemo", "sealed"):
        assert secret not in answer.text


def test_erasure_leaves_the_science_and_an_id(house):
    keep_everything(house, "ada")
    client, person = house.client("ada"), house.people["ada"]
    wrong = client.post("/account/erase", data={"word": "yes"})
    assert wrong.status_code == 422
    assert 'value="yes"' in wrong.text
    before = house.rows(sa.select(dataset.c.pid, dataset.c.owner_group).order_by(dataset.c.id))
    done = client.post("/account/erase", data={"word": " Erase "})
    assert (done.status_code, done.headers["location"]) == (303, "/account/erased")
    assert house.identity.sessions.find(house.cookies["ada"]) is None
    assert house.client("ada").get("/my").status_code == 401
    assert "nothing here says who you were" in client.get("/account/erased").text
    [row] = house.rows(sa.select(account).where(account.c.id == person))
    kept = {name for name, value in row._mapping.items() if value is not None}
    assert kept == {"id", "kind", "created", "seen", "locked_at", "erased_at"}
    everything = ""
    for table in account.metadata.sorted_tables:
        everything += f"\n{table.name}: {house.rows(sa.select(table))}"
    for trace in ("Ada Pieters", "ada@x.example", "Firefox on a desk'), ('ada", "secret-hash"):
        assert trace not in everything
    for table in (identity, alias, session, token, group_member):
        column = table.c.person if "person" in table.c else table.c.account
        assert house.rows(sa.select(table).where(column == person)) == []
    assert house.rows(sa.select(share.c.id)) == [("s2",)]
    assert house.rows(sa.select(petition.c.text, petition.c.state)) == [("(erased)", "taken back")]
    assert (
        house.rows(sa.select(dataset.c.pid, dataset.c.owner_group).order_by(dataset.c.id)) == before
    )
    assert house.events("ada")[-1] == "account.erased"
    with house.engine.begin() as connection:
        told = {"iss": HOME.issuer, "sub": "ada", **PEOPLE["ada"]}
        again = sign_in(connection, HOME, told, now=NOW)
    assert again != person


def test_what_is_old_is_forgotten_and_the_rest_kept(house):
    days = house.settings.audit_days
    real = datetime.now(tz=NOW.tzinfo)
    old = real - timedelta(days=days + 1)
    with house.engine.begin() as connection:
        connection.execute(sa.delete(usage))
        for when in (old, real):
            connection.execute(sa.insert(audit).values(at=when, event="test.kept"))
            connection.execute(sa.insert(usage).values(subject="x", day=when.date(), requests=1))
    for _ in range(2):
        with house.engine.begin() as connection:
            prune(connection, real, house.settings)
        left = sa.select(sa.func.count()).select_from(audit).where(audit.c.event == "test.kept")
        assert house.rows(left) == [(1,)]
        assert house.rows(sa.select(usage.c.day)) == [(real.date(),)]


SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SEEN = [
    ("/my", "ada"),
    ("/my", "nobody"),
    ("/my", "stella"),
    ("/my/P/118 é", "ada"),
    ("/account", "gus"),
    ("/account", "new"),
    ("/account/terms", "new"),
    ("/account/erase", "ada"),
    ("/account/erased", None),
    ("/privacy", None),
]


@pytest.mark.browser
def test_pages_are_sound_in_both_colours_and_on_a_phone(house, browser):
    faults = []
    for path, name in SEEN:
        context = browser.new_context()
        if name is not None:
            cookie = {"name": house.identity.sessions.cookie, "value": house.cookies[name]}
            context.add_cookies([{**cookie, "url": house.address}])
        page = context.new_page()
        said_ = []
        page.on("console", lambda message, said_=said_: said_.append(message.text))
        page.on("pageerror", lambda error, said_=said_: said_.append(str(error)))
        assert page.goto(house.address + path).status == 200
        page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
        page.evaluate(AXE_SCRIPT)
        for size, scheme in product(SIZES, ("light", "dark")):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("rules => axe.run(rules)", RULES)
            assert len(found["passes"]) > 15, "axe did not look"
            faults += [
                (path, size, scheme, fault["id"], place["html"])
                for fault in found["violations"]
                for place in fault["nodes"][:3]
            ]
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert said_ == [], path
        context.close()
    assert faults == []


@pytest.mark.browser
def test_terms_with_the_keyboard_alone(house, browser):
    context = browser.new_context(java_script_enabled=False)
    cookie = {"name": house.identity.sessions.cookie, "value": house.cookies["new"]}
    context.add_cookies([{**cookie, "url": house.address}])
    page = context.new_page()
    page.goto(f"{house.address}/my")
    page.get_by_label("I have read this").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{house.address}/my")
    assert page.get_by_role("heading", name="Water under pressure").is_visible()
    context.close()
