"""Services of beamlines: made by an administrator, for one instrument and nothing else."""

import pytest
import sqlalchemy as sa
import token_node as given
from token_node import ADMIN, AT_D22, D22, FILES, FILES_AT_D22, GROUP, PI, STRANGER

from panosc.catalogue.tables import group_member
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound

SERVICE = {"name": "d22-reduction", "instrument": D22}
ACCOUNT = "svc-d22-reduction"


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with given.token_node(new_database, template, tmp_path_factory.mktemp("services")) as found:
        yield found


@pytest.fixture
def node(served_node):
    with given.renewed(served_node) as found:
        yield found


def add(node):
    answer = node.browser(ADMIN).post("/api/v1/services", json=SERVICE)
    assert answer.status_code == 201, answer.text
    return answer.json()


def made_token(node, *scopes):
    answer = node.browser(ADMIN).post(
        f"/api/v1/services/{ACCOUNT}/tokens",
        json={"name": "night shift", "scopes": list(scopes or ("read", "data")), "days": 30},
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["token"]


def test_a_service_sees_its_instrument_alone(node):
    assert add(node) == {
        "account": ACCOUNT,
        "name": "d22-reduction",
        "instrument": D22,
        "isLocked": False,
    }
    program = node.program(made_token(node))
    me = program.get("/api/v1/me").json()
    assert me["groups"] == [{"group": f"instrument:{D22}", "roles": ["instrument_scientist"]}]
    assert (me["account"], me["kind"], me["roles"]) == (ACCOUNT, "service", [])
    assert len(program.get(FILES_AT_D22).json()) == 1
    assert program.get(FILES).json() == []


def test_no_list_of_members_gives_a_service_more(node):
    add(node)
    rows = [
        {"group": GROUP, "person": ACCOUNT, "role": "team"},
        {"group": "node", "person": ACCOUNT, "role": "steward"},
    ]
    node.run(sa.insert(group_member).values(rows))
    program = node.program(made_token(node))
    assert program.get(FILES).json() == []
    assert program.get("/api/v1/me").json()["roles"] == []
    with pytest.raises(Invalid, match="manage"):
        node.services.tokens.create(OPERATOR, name="x", scopes={"manage"}, days=1, owner=ACCOUNT)


def test_a_service_of_another_beamline_sees_nothing_of_this_one(node):
    node.services.services.add_service(OPERATOR, "d11", instrument="10.5072/d11")
    made = node.services.tokens.create(
        OPERATOR, name="x", scopes={"read", "data"}, days=1, owner="svc-d11"
    )
    program = node.program(made.secret)
    assert program.get(FILES_AT_D22).json() == []
    assert AT_D22 in program.get(FILES_AT_D22.removesuffix("/files")).text, "core is for anyone"


@pytest.mark.parametrize("person", [PI, STRANGER])
def test_only_administrators_have_services_in_their_care(node, person):
    add(node)
    browser = node.browser(person)
    assert browser.get("/api/v1/services").status_code == 403
    assert browser.post("/api/v1/services", json=SERVICE).status_code == 403
    assert browser.put(f"/api/v1/services/{ACCOUNT}/lock").status_code == 403
    assert browser.delete(f"/api/v1/services/{ACCOUNT}/lock").status_code == 403
    body = {"name": "x", "scopes": ["read"]}
    assert browser.post(f"/api/v1/services/{ACCOUNT}/tokens", json=body).status_code == 403
    assert node.client().get("/api/v1/services").status_code == 401


def test_tokens_of_services_come_from_a_browser_or_a_shell(node):
    add(node)
    program = node.program(node.token(ADMIN, "read", "write", "manage"))
    assert program.get("/api/v1/services").json()[0]["account"] == ACCOUNT
    body = {"name": "x", "scopes": ["read"]}
    assert program.post(f"/api/v1/services/{ACCOUNT}/tokens", json=body).status_code == 403
    # not even its own
    own = node.program(made_token(node, "read", "write"))
    assert own.post(f"/api/v1/services/{ACCOUNT}/tokens", json=body).status_code == 403
    assert own.post("/account/tokens", data={"name": "x", "days": "1"}).status_code == 403


def test_an_administrator_makes_no_token_of_a_person_there(node):
    body = {"name": "x", "scopes": ["read"]}
    browser = node.browser(ADMIN)
    for person in (PI, ADMIN, "svc-none", "%00"):
        answer = browser.post(f"/api/v1/services/{person}/tokens", json=body)
        assert answer.status_code == 404, (person, answer.text)


def test_a_locked_service_is_dead_until_it_is_opened(node):
    add(node)
    program, browser = node.program(made_token(node)), node.browser(ADMIN)
    assert browser.put(f"/api/v1/services/{ACCOUNT}/lock").json()["isLocked"] is True
    assert program.get("/api/v1/me").status_code == 401
    assert browser.delete(f"/api/v1/services/{ACCOUNT}/lock").json()["isLocked"] is False
    assert program.get("/api/v1/me").status_code == 200
    # people are not locked by this door
    assert browser.put(f"/api/v1/services/{PI}/lock").status_code == 404
    assert browser.put("/api/v1/services/%00/lock").status_code == 404


def test_an_administrator_revokes_the_token_of_a_service(node):
    add(node)
    secret = made_token(node)
    name = secret.removeprefix("ps_pat_").partition(".")[0]
    admin = node.browser(ADMIN)
    assert admin.delete(f"/api/v1/tokens/{name}").status_code == 204
    assert node.program(secret).get("/api/v1/me").status_code == 401


def test_a_name_is_given_once(node):
    add(node)
    assert node.browser(ADMIN).post("/api/v1/services", json=SERVICE).status_code == 409
    with pytest.raises(Conflict):
        node.services.services.add_service(OPERATOR, "svc-d22-reduction", instrument=D22)


@pytest.mark.parametrize(
    ("name", "instrument", "field"),
    [
        ("", D22, "name"),
        ("-x", D22, "name"),
        ("UPPER", D22, "name"),
        ("a/b", D22, "name"),
        ("a\x00", D22, "name"),
        ("x" * 41, D22, "name"),
        ("x", "", "instrument"),
        ("x", "a\x00", "instrument"),
    ],
)
def test_what_cannot_be_a_service_is_said(node, name, instrument, field):
    body = {"name": name, "instrument": instrument}
    answer = node.browser(ADMIN).post("/api/v1/services", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_accounts_are_found_by_any_of_their_names(node):
    node.run(sa.text("truncate alias"))
    node.run(sa.text(f"insert into alias values ('orcid:0000-0002-1825-0097', '{PI}')"))
    services = node.services.services
    assert services.named(PI) == services.named("orcid:0000-0002-1825-0097") == PI
    for nobody in ("orcid:0000", "", "\x00", "\ud800"):
        with pytest.raises(NotFound):
            services.named(nobody)


def test_a_person_is_locked_in_a_shell_or_by_an_administrator(node):
    services = node.services.services
    program = node.program(node.token(PI))
    browser = node.browser(PI)
    assert browser.get("/account").status_code == 200
    with pytest.raises(Forbidden):
        services.lock(node.who(STRANGER), PI)
    assert services.lock(OPERATOR, PI).is_locked
    assert program.get("/api/v1/me").status_code == 401
    assert node.client().get("/api/v1/me").status_code == 401
    assert not services.lock(OPERATOR, PI, is_locked=False).is_locked
    assert program.get("/api/v1/me").status_code == 200
    assert browser.get("/account").status_code == 401
    assert node.events()[-2:] == ["account.locked", "account.unlocked"]
