"""`panosc token` and `panosc user` as an operator runs them, beside a node that serves."""

import json

import httpx
import pytest
from remote_node import ORCID, OTHER, PERSON, remote_node


@pytest.fixture(scope="module")
def node(new_database, template, tmp_path_factory):
    with remote_node(new_database, template, tmp_path_factory.mktemp("operator")) as found:
        yield found


def me(node, token):
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{node.address}/api/v1/me", headers=headers, trust_env=False)


def test_a_token_is_made_used_listed_and_revoked(node):
    made = node.operate("token", "create", "--as", ORCID, "--scope", "read", "--name", "script")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert "printed this once" in made.stderr
    assert secret not in made.stderr
    assert me(node, secret).json()["account"] == PERSON
    listed = node.operate("token", "list", "--as", PERSON, "--json")
    (only,) = json.loads(listed.stdout)
    assert (only["name"], only["scopes"], only["account"]) == ("script", ["read"], PERSON)
    assert only["used"] is not None
    assert secret.partition(".")[2] not in listed.stdout
    rows = node.operate("token", "list").stdout.splitlines()
    assert rows[0].split("\t") == ["id", "account", "name", "scopes", "expires", "used"]
    assert only["id"] in rows[1]
    ended = node.operate("token", "revoke", only["id"])
    assert (ended.returncode, "Revoked: script" in ended.stderr) == (0, True)
    assert me(node, secret).status_code == 401
    again = node.operate("token", "revoke", only["id"])
    assert (again.returncode, "no token" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--as", "u-nobody"), 1, "There is no account 'u-nobody'"),
        (("--as", OTHER, "--scope", "manage"), 2, "stewards, directors and administrators"),
    ],
    ids=["nobody", "manage"],
)
def test_a_token_that_cannot_be_is_refused_with_a_reason(node, words, code, said):
    failed = node.operate("token", "create", "--name", "x", *words)
    assert (failed.returncode, failed.stdout) == (code, "")
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_services_and_locks(node):
    added = node.operate("user", "add-service", "d22", "--instrument", "10.5072/d22", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)[0]["account"] == "svc-d22"
    assert node.operate("user", "add-service", "d22", "--instrument", "x").returncode == 1
    made = node.operate("token", "create", "--as", "svc-d22", "--name", "night", "--json")
    secret = json.loads(made.stdout)["token"]
    assert me(node, secret).json()["groups"] == [
        {"group": "instrument:10.5072/d22", "roles": ["instrument_scientist"]}
    ]
    assert node.operate("user", "lock", "svc-d22").returncode == 0
    assert me(node, secret).status_code == 401
    listed = json.loads(node.operate("user", "list", "--json").stdout)
    assert {item["account"]: item["locked"] for item in listed} == {
        PERSON: "",
        OTHER: "",
        "svc-d22": "yes",
    }
    assert node.operate("user", "unlock", "svc-d22").returncode == 0
    assert me(node, secret).status_code == 200
