"""A person's own data can be had, whatever there is of it, and hold no secret."""


def test_the_export_of_a_person_is_json_without_secrets(node):
    session = node.cookie("stranger")
    made = node.identity.tokens.create(
        node.identity.sessions.find(session["Cookie"].partition("=")[2]).standing.who(
            via="session"
        ),
        name="mine",
        scopes=("read",),
        days=1,
    )
    answer = node.get("/account/export.json", headers=session)
    assert answer.status_code == 200
    assert answer.json()["account"][0]["id"] == "u-stranger"
    assert answer.json()["tokens"][0]["name"] == "mine"
    assert made.secret.partition(".")[2] not in answer.text
    assert session["Cookie"].partition("=")[2] not in answer.text
