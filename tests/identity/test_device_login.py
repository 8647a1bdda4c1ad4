"""Device login over real sockets: the codes of RFC 8628, refresh, revocation, and attacks."""

import re
import threading

import httpx
import pytest
import sqlalchemy as sa
import token_node as given
from token_node import ADMIN, DEVICE_GRANT, FILES, NEWCOMER, PI, STRANGER

from panosc.catalogue.people import device, token
from panosc.domain.access import OPERATOR

PROGRAM = "panosc on a laptop"


@pytest.fixture(scope="module")
def served_node(new_database, template, tmp_path_factory):
    with given.token_node(new_database, template, tmp_path_factory.mktemp("device")) as found:
        yield found


@pytest.fixture
def node(served_node):
    with given.renewed(served_node) as found:
        yield found


def begin(node, **form):
    answer = node.client().post("/oauth/device", data={"client_id": PROGRAM, **form})
    assert answer.status_code == 200, answer.text
    return answer.json()


def poll(node, begun, **changed):
    form = {
        "grant_type": DEVICE_GRANT,
        "client_id": PROGRAM,
        "device_code": begun["device_code"],
        **changed,
    }
    return node.client().post("/oauth/token", data=form)


def refresh(node, text, **changed):
    form = {"grant_type": "refresh_token", "client_id": PROGRAM, "refresh_token": text, **changed}
    return node.client().post("/oauth/token", data=form)


def approve(node, begun, person=PI, answer="approved"):
    form = {"user_code": begun["user_code"], "answer": answer}
    found = node.browser(person).post("/device", data=form)
    assert found.status_code == 303, found.text
    return found


def let_in(node, person=PI, **form):
    begun = begin(node, **form)
    approve(node, begun, person)
    answer = poll(node, begun)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer):
    assert answer.status_code == 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["error"]


def is_good(node, access):
    return node.program(access).get("/api/v1/me").status_code == 200


def test_a_program_is_let_in(node):
    begun = begin(node)
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", begun["user_code"])
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert begun["verification_uri"] == f"{node.address}/device"
    assert begun["verification_uri_complete"].endswith(f"/device?user_code={begun['user_code']}")
    assert error(poll(node, begun)) == "authorization_pending"
    page = node.browser(PI).get(begun["verification_uri_complete"].removeprefix(node.address))
    assert page.status_code == 200
    assert PROGRAM in page.text
    assert "fetch data that you may fetch" in page.text
    assert "act as steward" not in page.text
    approve(node, begun)
    answer = poll(node, begun)
    assert answer.headers["cache-control"] == "no-store"
    got = answer.json()
    assert (got["token_type"], got["expires_in"], got["scope"]) == ("Bearer", 3600, "read data")
    assert got["access_token"].startswith("ps_at_")
    assert got["refresh_token"].startswith("ps_rt_")
    assert len(node.program(got["access_token"]).get(FILES).json()) == 1
    # its code was good once
    assert error(poll(node, begun)) == "invalid_grant"
    assert node.events() == ["device.approved", "device.granted"]


def test_metadata_name_what_is_there(node):
    found = node.client().get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == node.address
    assert found["device_authorization_endpoint"] == f"{node.address}/oauth/device"
    assert found["token_endpoint"] == f"{node.address}/oauth/token"
    assert found["revocation_endpoint"] == f"{node.address}/oauth/revoke"
    assert DEVICE_GRANT in found["grant_types_supported"]


def test_who_denies_gives_nothing(node):
    begun = begin(node)
    approve(node, begun, answer="denied")
    assert error(poll(node, begun)) == "access_denied"
    assert error(poll(node, begun)) == "invalid_grant"


def test_whoever_polls_too_fast_is_slowed_down(node):
    begun = begin(node)
    assert error(poll(node, begun)) == "authorization_pending"
    node.clock.forward(seconds=2)
    assert error(poll(node, begun)) == "slow_down"
    node.clock.forward(seconds=5)
    assert error(poll(node, begun)) == "authorization_pending"


def test_codes_end(node):
    begun = begin(node)
    node.clock.forward(seconds=600)
    assert error(poll(node, begun)) == "expired_token"
    form = {"user_code": begun["user_code"], "answer": "approved"}
    assert node.browser(PI).post("/device", data=form).status_code == 422
    node.clock.forward(minutes=30)
    begin(node)
    with node.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(device)).scalar_one()
    assert count == 1, "what is over was forgotten"


def test_a_device_code_is_of_no_use_to_another_program(node):
    begun = begin(node)
    approve(node, begun)
    assert error(poll(node, begun, client_id="another program")) == "invalid_grant"
    assert error(poll(node, begun, device_code=begun["user_code"])) == "invalid_grant"
    assert error(poll(node, begun, device_code="")) == "invalid_grant"
    assert poll(node, begun).status_code == 200


def test_an_answer_is_given_once(node):
    begun = begin(node)
    approve(node, begun, answer="denied")
    form = {"user_code": begun["user_code"], "answer": "approved"}
    assert node.browser(STRANGER).post("/device", data=form).status_code == 422
    assert error(poll(node, begun)) == "access_denied"


def test_of_two_answers_at_one_moment_the_first_counts(node):
    begun = begin(node)
    form = {"user_code": begun["user_code"], "answer": "approved"}
    second = node.browser(STRANGER)
    found = []
    with node.engine.connect() as first:
        first.execute(sa.update(device).values(account=PI, answer="approved"))
        answering = threading.Thread(
            target=lambda: found.append(second.post("/device", data=form).status_code)
        )
        answering.start()
        answering.join(timeout=1)
        first.commit()
        answering.join()
    assert found == [422]
    with node.engine.connect() as connection:
        assert connection.execute(sa.select(device.c.account)).scalar_one() == PI


def test_wrong_codes_lock_one_account_for_a_while(node):
    begun = begin(node)
    guesser = node.browser(STRANGER)
    for number in range(5):
        answer = guesser.get("/device", params={"user_code": f"BBBB-BBB{'BCDFG'[number]}"})
        assert answer.status_code == 422
        assert "No program waits" in answer.text
        assert f"BBBB-BBB{'BCDFG'[number]}" in answer.text
    locked = guesser.post("/device", data={"user_code": begun["user_code"], "answer": "approved"})
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    # a session of its own does not help, and others are not locked
    assert (
        node.browser(STRANGER).get("/device", params={"user_code": "BCDFGHJK"}).status_code == 429
    )
    assert error(poll(node, begun)) == "authorization_pending"
    shown = node.browser(PI).get("/device", params={"user_code": begun["user_code"]})
    assert shown.status_code == 200
    node.clock.forward(minutes=16)
    again = begin(node)
    assert guesser.get("/device", params={"user_code": again["user_code"]}).status_code == 200


def test_guesses_at_one_moment_are_counted_too(node):
    guessers = [node.browser(STRANGER) for _ in range(8)]
    statuses = []

    def guess(browser):
        statuses.append(browser.get("/device", params={"user_code": "BCDF-GHJK"}).status_code)

    threads = [threading.Thread(target=guess, args=(browser,)) for browser in guessers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [422] * 5 + [429] * 3


def test_a_code_may_be_typed_as_people_do(node):
    begun = begin(node)
    typed = f" {begun['user_code'].lower().replace('-', ' ')} "
    assert node.browser(PI).get("/device", params={"user_code": typed}).status_code == 200


def test_only_a_person_in_a_browser_approves(node):
    begun = begin(node)
    form = {"user_code": begun["user_code"], "answer": "approved"}
    assert node.client().post("/device", data=form).status_code == 401
    program = node.program(node.token(PI, "read", "data", "write"))
    assert program.post("/device", data=form).status_code == 403
    newcomer = node.browser(NEWCOMER)
    assert newcomer.post("/device", data=form).status_code == 403
    elsewhere = node.browser(PI)
    elsewhere.headers["Origin"] = "https://evil.example"
    assert elsewhere.post("/device", data=form).status_code == 403
    assert node.browser(PI).post("/device", data={**form, "answer": "yes"}).status_code == 422
    assert error(poll(node, begun)) == "authorization_pending"


def test_no_program_gets_more_than_the_person_has(node):
    begun = begin(node, scope="read manage")
    page = node.browser(PI).get("/device", params={"user_code": begun["user_code"]})
    assert "It asks for manage, too" in page.text
    approve(node, begun)
    assert poll(node, begun).json()["scope"] == "read"
    assert let_in(node, ADMIN, scope="read manage")["scope"] == "read manage"


def test_refresh_rotates(node):
    first = let_in(node)
    node.clock.forward(minutes=61)
    assert not is_good(node, first["access_token"])
    second = refresh(node, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert is_good(node, second["access_token"])
    assert refresh(node, second["refresh_token"]).status_code == 200


def test_a_refresh_token_that_is_used_again_ends_the_whole_login(node):
    first = let_in(node)
    other = let_in(node)
    second = refresh(node, first["refresh_token"]).json()
    assert is_good(node, second["access_token"])
    # the thief comes late, with a copy of the first
    assert error(refresh(node, first["refresh_token"])) == "invalid_grant"
    assert not is_good(node, second["access_token"])
    assert error(refresh(node, second["refresh_token"])) == "invalid_grant"
    assert "device.reused" in node.events()
    # and another login of the same person goes on
    assert is_good(node, other["access_token"])


def test_two_refreshes_at_one_moment_give_one_login_or_none(node):
    first = let_in(node)
    answers = []

    def ask():
        with httpx.Client(base_url=node.address, trust_env=False) as client:
            form = {
                "grant_type": "refresh_token",
                "client_id": PROGRAM,
                "refresh_token": first["refresh_token"],
            }
            answers.append(client.post("/oauth/token", data=form))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    lucky = next(answer for answer in answers if answer.status_code == 200).json()
    assert not is_good(node, lucky["access_token"])


def test_a_refresh_never_gives_more(node):
    got = let_in(node, scope="read")
    assert error(refresh(node, got["refresh_token"], scope="read data")) == "invalid_scope"
    assert error(refresh(node, got["refresh_token"], client_id="another")) == "invalid_grant"
    assert error(refresh(node, got["access_token"])) == "invalid_grant"
    assert error(refresh(node, node.token(PI))) == "invalid_grant"
    wrong = got["refresh_token"][:-1] + ("A" if got["refresh_token"][-1] != "A" else "B")
    assert error(refresh(node, wrong)) == "invalid_grant"
    # none of these was taken for a second use
    assert refresh(node, got["refresh_token"]).json()["scope"] == "read"


def test_a_refresh_token_opens_nothing(node):
    got = let_in(node)
    assert not is_good(node, got["refresh_token"])


def test_refresh_ends_with_its_time_and_with_the_account(node):
    got = let_in(node)
    node.services.services.lock(OPERATOR, PI)
    assert error(refresh(node, got["refresh_token"])) == "invalid_grant"
    node.services.services.lock(OPERATOR, PI, is_locked=False)
    node.clock.forward(days=30)
    assert error(refresh(node, got["refresh_token"])) == "invalid_grant"


def test_no_login_is_refreshed_for_ever(node):
    held = let_in(node)["refresh_token"]
    for days in range(29, 366, 29):
        node.clock.forward(days=29)
        answer = refresh(node, held)
        assert answer.status_code == 200, days
        held = answer.json()["refresh_token"]
    node.clock.forward(days=29)
    assert error(refresh(node, held)) == "invalid_grant"


def test_who_is_locked_meanwhile_gets_nothing(node):
    begun = begin(node)
    approve(node, begun)
    node.services.services.lock(OPERATOR, PI)
    assert error(poll(node, begun)) == "access_denied"


def test_revoking_ends_the_login_and_tells_nothing(node):
    got = let_in(node)
    client = node.client()
    wrong = got["refresh_token"][:-1] + ("A" if got["refresh_token"][-1] != "A" else "B")
    for nonsense in (wrong, "ps_rt_x", "nonsense", "\N{SNOWMAN}"):
        answer = client.post("/oauth/revoke", data={"token": nonsense})
        assert (answer.status_code, answer.text) == (200, "")
    assert is_good(node, got["access_token"])
    answer = client.post(
        "/oauth/revoke", data={"token": got["refresh_token"], "token_type_hint": "refresh_token"}
    )
    assert (answer.status_code, answer.text) == (200, "")
    assert not is_good(node, got["access_token"])
    assert error(refresh(node, got["refresh_token"])) == "invalid_grant"
    personal = node.token(PI)
    client.post("/oauth/revoke", data={"token": personal})
    assert not is_good(node, personal)
    assert error(client.post("/oauth/revoke")) == "invalid_request"


def test_its_owner_sees_and_ends_a_login(node):
    got = let_in(node)
    browser = node.browser(PI)
    before = browser.get("/api/v1/tokens").json()
    assert [(item["kind"], item["name"]) for item in before] == [("refresh", PROGRAM)]
    second = refresh(node, got["refresh_token"]).json()
    # by the name that the page had shown before it was refreshed
    assert browser.post(f"/account/tokens/{before[0]['id']}/revoke").status_code == 303
    assert not is_good(node, second["access_token"])
    assert browser.get("/api/v1/tokens").json() == []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "invalid_request"),
        ({"client_id": ""}, "invalid_request"),
        ({"client_id": "x" * 81}, "invalid_request"),
        ({"client_id": "a\nb"}, "invalid_request"),
        ({"client_id": "\N{SNOWMAN}"}, "invalid_request"),
        ({"client_id": PROGRAM, "scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_login_that_cannot_begin_says_why(node, form, expected):
    assert error(node.client().post("/oauth/device", data=form)) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": DEVICE_GRANT}, "invalid_grant"),
        ({"grant_type": DEVICE_GRANT, "device_code": "\N{SNOWMAN}\x00"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
    ],
)
def test_what_is_no_grant_says_why(node, form, expected):
    assert error(node.client().post("/oauth/token", data=form)) == expected


def test_secrets_of_a_login_are_kept_as_hashes(node):
    begun = begin(node)
    with node.engine.connect() as connection:
        pending = repr(connection.execute(sa.select(device)).all())
    got = let_in(node)
    with node.engine.connect() as connection:
        kept = repr(connection.execute(sa.select(token)).all())
    assert begun["device_code"] not in pending
    for name in ("access_token", "refresh_token"):
        assert got[name].partition(".")[2] not in kept


def test_a_hostile_name_of_a_program_stays_text(node):
    begun = begin(node, client_id="<script>alert(1)</script>")
    page = node.browser(PI).get("/device", params={"user_code": begun["user_code"]})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
