"""Personal tokens over real sockets: what they open, who makes them, how they end."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import token_node as given
from token_node import ADMIN, FILES, GROUP, NEWCOMER, PI, STRANGER, TEAM

from panosc.catalogue.people import account, token
from panosc.catalogue.tables import group_member
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound
from panosc.identity import tokens as tokens_module


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with given.token_node(new_database, template, tmp_path_factory.mktemp("tokens")) as found:
        yield found


@pytest.fixture
def node(served_node):
    with given.renewed(served_node) as found:
        yield found


def seen(client):
    """Return how many files of the embargoed dataset someone sees."""
    answer = client.get(FILES)
    assert answer.status_code == 200, answer.text
    return len(answer.json())


def test_a_token_opens_what_its_owner_may_see(node):
    assert seen(node.client()) == 0
    assert seen(node.program(node.token(TEAM))) == 1
    assert seen(node.program(node.token(STRANGER))) == 0


def test_a_token_is_kept_as_a_hash_and_shown_without(node):
    secret = node.token(PI)
    assert re.fullmatch(r"ps_pat_[0-9a-f]{12}\.[A-Za-z0-9_-]{43}", secret)
    with node.engine.connect() as connection:
        rows = connection.execute(sa.select(token)).all()
        dumped = repr(rows) + repr(connection.execute(sa.text("select * from audit")).all())
    assert secret.partition(".")[2] not in dumped
    listed = node.program(secret).get("/api/v1/tokens").json()
    assert [(item["name"], item["scopes"], item["isOver"]) for item in listed] == [
        ("a script", ["read", "data"], False)
    ]
    assert secret.partition(".")[2] not in repr(listed)


def test_last_use_is_kept_to_the_minute(node):
    secret = node.token(PI)
    who, minute = node.who(PI), node.clock.now.replace(second=0)
    assert node.services.tokens.listed(who)[0].used is None
    assert seen(node.program(secret)) == 1
    assert node.services.tokens.listed(who)[0].used == minute
    node.clock.forward(seconds=20)
    seen(node.program(secret))
    assert node.services.tokens.listed(who)[0].used == minute
    node.clock.forward(seconds=20)
    seen(node.program(secret))
    assert node.services.tokens.listed(who)[0].used == minute + timedelta(minutes=1)


def wrong_secret(secret):
    return secret[:-1] + ("A" if secret[-1] != "A" else "B")


def test_all_bad_tokens_are_answered_alike(node):
    good, revoked, over, locked = (node.token(person) for person in (PI, PI, PI, TEAM))
    node.services.tokens.revoke(node.who(PI), revoked.split("_")[2].partition(".")[0])
    node.run(
        sa.update(token)
        .values(expires=node.clock.now)
        .where(token.c.id == over.split("_")[2].partition(".")[0])
    )
    node.services.services.lock(OPERATOR, TEAM)
    bad = [
        revoked,
        over,
        locked,
        wrong_secret(good),
        "ps_pat_" + "0" * 12 + good[19:],
        "ps_at_" + good[7:],
        "ps_rt_" + good[7:],
        "ps_pat_",
        "ps_",
        good + "=",
        "ps_pat_\N{SNOWMAN}".encode().decode("latin-1"),
    ]
    answers = set()
    for text in bad:
        header = {"Authorization": f"Bearer {text}".encode("latin-1")}
        answer = node.client().get("/api/v1/me", headers=header)
        # each request has a number of its own
        said = answer.text.replace(answer.headers["x-request-id"], "")
        answers.add((answer.status_code, said, answer.headers["www-authenticate"]))
    assert len(answers) == 1, answers
    status, text, challenge = answers.pop()
    assert status == 401
    assert "never was, is over, or was revoked" in text
    assert 'error="invalid_token"' in challenge
    assert seen(node.program(good)) == 1


def test_a_token_ends_on_its_day(node):
    secret = node.token(PI, days=1)
    node.clock.forward(hours=23, minutes=59)
    assert seen(node.program(secret)) == 1
    node.clock.forward(minutes=1)
    assert node.program(secret).get(FILES).status_code == 401


def test_who_has_left_the_team_sees_nothing_by_an_old_token(node):
    program = node.program(node.token(TEAM))
    assert seen(program) == 1
    node.run(sa.delete(group_member).where(group_member.c.person == TEAM))
    assert seen(program) == 0


def test_a_token_in_an_address_is_refused(node):
    secret = node.token(PI)
    for name in ("access_token", "token"):
        answer = node.client().get("/panosc-api/Datasets", params={name: secret})
        assert answer.status_code == 422
        assert secret not in answer.text


def test_a_token_makes_no_token(node):
    who = node.services.tokens.bearer(node.token(ADMIN, "read", "data", "write", "manage"))
    with pytest.raises(Forbidden, match="never by a token"):
        node.services.tokens.create(who, name="more", scopes={"read"}, days=1)
    program = node.program(node.token(ADMIN, "manage", "write", "read"))
    answer = program.post("/account/tokens", data={"name": "more", "days": "1", "scope": ["read"]})
    assert answer.status_code == 403
    answer = program.post(
        "/api/v1/services/svc-x/tokens", json={"name": "more", "scopes": ["read"]}
    )
    assert answer.status_code == 403
    assert node.events().count("token.created") == 2


def test_a_scope_is_not_more_than_its_name(node):
    """A token with one scope cannot do what needs another."""
    data = node.program(node.token(PI, "data"))
    assert seen(data) == 0, "files are detail, which needs read"
    assert data.get("/api/v1/me").status_code == 403
    challenge = data.get("/api/v1/tokens").headers["www-authenticate"]
    assert 'error="insufficient_scope", scope="read"' in challenge
    read = node.program(node.token(PI, "read"))
    mine = read.get("/api/v1/tokens").json()
    assert read.delete(f"/api/v1/tokens/{mine[0]['id']}").status_code == 403
    assert read.get("/api/v1/services").status_code == 403
    admin = node.program(node.token(ADMIN, "read", "write"))
    assert admin.get("/api/v1/services").status_code == 403


def test_only_who_has_a_role_gets_manage(node):
    with pytest.raises(Invalid, match="stewards") as refused:
        node.token(PI, "read", "manage")
    assert refused.value.field == "scopes"
    assert node.token(ADMIN, "manage")


def test_manage_is_worth_nothing_once_the_role_is_gone(node):
    program = node.program(node.token(ADMIN, "read", "manage"))
    assert program.get("/api/v1/services").status_code == 200
    node.run(sa.delete(group_member).where(group_member.c.person == ADMIN))
    assert program.get("/api/v1/services").status_code == 403


def test_the_token_of_somebody_else_cannot_be_revoked(node):
    theirs = node.token(PI).split("_")[2].partition(".")[0]
    attacker = node.program(node.token(STRANGER, "read", "write"))
    there = attacker.delete(f"/api/v1/tokens/{theirs}")
    nowhere = attacker.delete(f"/api/v1/tokens/{'f' * 12}")
    assert there.status_code == nowhere.status_code == 404
    # each request has a number of its own
    texts = [one.text.replace(one.headers["x-request-id"], "") for one in (there, nowhere)]
    assert texts[0].replace(theirs, "") == texts[1].replace("f" * 12, "")
    browser = node.browser(STRANGER)
    assert browser.post(f"/account/tokens/{theirs}/revoke").status_code == 404
    assert "token.revoked" not in node.events()
    # nor that of a person by an administrator, who tends services
    assert node.browser(ADMIN).post(f"/account/tokens/{theirs}/revoke").status_code == 404


def test_its_owner_revokes_it_by_a_token_with_write(node):
    good, used = node.token(PI, "read", "write"), node.token(PI)
    name = used.split("_")[2].partition(".")[0]
    assert node.program(good).delete(f"/api/v1/tokens/{name}").status_code == 204
    assert node.program(used).get("/api/v1/me").status_code == 401
    assert node.program(good).delete(f"/api/v1/tokens/{name}").status_code == 404


@pytest.mark.parametrize("name", ["%00", "%ED%A0%80", "x" * 3000, "..", "%2e%2e%2fme"])
def test_no_name_of_a_token_is_an_error_of_ours(node, name):
    program = node.program(node.token(PI, "read", "write"))
    assert program.delete(f"/api/v1/tokens/{name}").status_code in {404, 405}


def test_me_says_who(node):
    me = node.program(node.token(PI, "read")).get("/api/v1/me")
    assert me.headers["cache-control"] == "no-store"
    assert me.json() == {
        "account": PI,
        "kind": "person",
        "name": "Person u-pi",
        "groups": [{"group": GROUP, "roles": ["pi"]}],
        "roles": [],
        "scopes": ["read"],
        "via": "token",
        "userClass": "open-data",
    }
    admin = node.browser(ADMIN).get("/api/v1/me").json()
    assert (admin["roles"], admin["groups"], admin["via"]) == (["administrator"], [], "session")
    stranger = node.client().get("/api/v1/me")
    assert (stranger.status_code, stranger.json()["title"]) == (401, "Sign in")


def test_whoever_has_not_accepted_the_terms_makes_none(node):
    with pytest.raises(Forbidden, match="acceptable use"):
        node.services.tokens.create(
            node.who(NEWCOMER, is_admitted=False), name="x", scopes={"read"}, days=1
        )
    made = node.services.tokens.create(OPERATOR, name="x", scopes={"read"}, days=1, owner=NEWCOMER)
    answer = node.program(made.secret).get("/api/v1/me")
    assert (answer.status_code, "terms" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"days": -1}, "days"),
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("read", "everything")}, "scopes"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\u202eabc"}, "name"),
    ],
)
def test_what_cannot_be_a_token_is_said(node, wrong, field):
    values = {"name": "x", "scopes": {"read"}, "days": 1, **wrong}
    with pytest.raises(Invalid) as refused:
        node.services.tokens.create(node.who(PI), **values)
    assert refused.value.field == field


def test_there_are_not_endless_tokens(node, monkeypatch):
    monkeypatch.setattr(tokens_module, "MOST", 2)
    node.token(PI)
    node.token(PI, days=1)
    with pytest.raises(Conflict):
        node.token(PI)
    node.clock.forward(days=2)
    assert node.token(PI)


def test_a_shell_makes_tokens_for_anyone_who_exists(node):
    made = node.services.tokens.create(OPERATOR, name="x", scopes={"read"}, days=1, owner=PI)
    assert seen(node.program(made.secret)) == 1
    for owner in ("u-nobody", "u-\x00", "\ud800"):
        with pytest.raises(NotFound):
            node.services.tokens.create(OPERATOR, name="x", scopes={"read"}, days=1, owner=owner)
    with pytest.raises(Forbidden):
        node.services.tokens.create(OPERATOR, name="x", scopes={"read"}, days=1)


def test_nobody_makes_a_token_of_somebody_else(node):
    for person in (STRANGER, ADMIN):
        with pytest.raises(Forbidden):
            node.services.tokens.create(
                node.who(person), name="x", scopes={"read"}, days=1, owner=PI
            )
    with pytest.raises(Forbidden):
        node.services.tokens.listed(node.who(ADMIN), PI)


def test_tokens_go_with_the_account(node):
    node.token(PI)
    node.run(sa.delete(account).where(account.c.id == PI))
    with node.engine.connect() as connection:
        assert connection.execute(sa.select(token)).all() == []


def test_one_query_finds_the_caller_of_a_token(node):
    secret = node.token(PI)
    node.services.tokens.bearer(secret)
    statements = []
    sa.event.listen(
        node.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    assert node.services.tokens.bearer(secret).person == PI
    assert len(statements) == 1, statements


def test_every_act_is_in_the_audit_trail(node):
    name = node.token(PI).split("_")[2].partition(".")[0]
    node.services.tokens.revoke(node.who(PI), name)
    assert node.events() == ["token.created", "token.revoked"]
