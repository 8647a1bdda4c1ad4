"""Groups over HTTP and on the command line: who may, what is refused, what comes out again."""

import json
from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.people import account
from panosc.catalogue.tables import dataset, group_member
from panosc.catalogue.writer import write
from panosc.cli.main import main
from panosc.domain.access import OPERATOR
from panosc.identity.service import build

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINES = [
    {"name": "P1", "title": "One", "members": [{"person": "uo:1", "role": "PI"}]},
    {"name": "P2/b é"},
    {"group": "P2/b é", "person": "uo:2", "role": "local contact", "until": "2026-12-31"},
    {"person": "uo:1", "alsoKnownAs": ["uo:9"]},
]


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def node(engine, settings):
    identity = build(engine, settings, lambda: NOW)
    with engine.begin() as connection:
        for name in ("u-admin", "u-steward", "u-nobody"):
            row = {"id": name, "kind": "person", "terms": settings.terms_version}
            connection.execute(sa.insert(account).values(row))
    for name, role in (
        ("u-admin", "administrator"),
        ("u-steward", "steward"),
    ):
        identity.groups.add(OPERATOR, "node", name, role=role)

    def token(person, *scopes):
        made = identity.tokens.create(OPERATOR, name="t", scopes=scopes, days=9, owner=person)
        return {"Authorization": f"Bearer {made.secret}"}

    with (
        serving(create_app(settings, engine, clock=lambda: NOW)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
    ):
        client.token = token
        yield client


def test_an_administrator_sends_all_groups_at_once(node, engine):
    headers = node.token("u-admin", "manage")
    first = node.post("/api/v1/groups", content=ndjson(LINES), headers=headers)
    assert first.status_code == 200, first.text
    assert first.json() == {
        "groups": 2,
        "changed": ["P1", "P2/b é"],
        "added": 2,
        "removed": 0,
        "names": 1,
        "apart": [],
    }
    again = node.post("/api/v1/groups", content=ndjson(LINES), headers=headers)
    assert (again.json()["changed"], again.json()["added"]) == ([], 0)
    one = {"title": "Two", "members": []}
    put = node.put("/api/v1/groups/P2/b%20%C3%A9", json=one, headers=headers)
    assert put.json()["removed"] == 1
    assert put.json()["changed"] == ["P2/b é"]
    with engine.connect() as connection:
        columns = group_member.c
        query = sa.select(columns["group"], columns.person).where(columns.source.is_(None))
        assert connection.execute(query).all() == [("P1", "uo:1")]


def test_who_may_not_is_told_before_anything_is_read(node):
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        (node.token("u-nobody", "read"), 403),
        (node.token("u-steward", "manage"), 403),
        (node.token("u-admin", "read", "write"), 403),
    ):
        for answer in (
            node.post("/api/v1/groups", content=b"not json", headers=headers),
            node.put("/api/v1/groups/P1", content=b"not json", headers=headers),
        ):
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{", "body, line 1: not JSON"),
        (ndjson([*LINES, {"name": "node"}]), "body, line 5"),
        (ndjson([{"group": "P9", "person": "uo:1"}]), "body, line 1: the group P9 is nowhere"),
        (b"\xff\n", "body, line 1"),
        (b'"' + b"x" * 2_000_000, "longer than 1 MB"),
        (b"[" * 500_000, "body, line 1"),
    ],
)
def test_a_body_that_cannot_be_used_changes_nothing(node, engine, body, fault):
    answer = node.post("/api/v1/groups", content=body, headers=node.token("u-admin", "manage"))
    assert answer.status_code == 422
    assert fault in answer.json()["detail"]
    with engine.connect() as connection:
        kept = sa.select(group_member).where(group_member.c.source.is_(None))
        assert connection.execute(kept).all() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name": "other"}', b'{"members": 7}', b"\xff"])
def test_one_group_that_cannot_be_used(node, body):
    headers = node.token("u-admin", "manage")
    assert node.put("/api/v1/groups/P1", content=body, headers=headers).status_code == 422
    assert node.put("/api/v1/groups/node", json={}, headers=headers).status_code == 422


def test_a_late_end_of_an_experiment_moves_its_embargo_in_the_same_moment(node, engine):
    headers = node.token("u-admin", "manage")
    with engine.begin() as connection:
        write(connection, [("Dataset", {"pid": "d1", "ownerGroup": "P1"})], now=NOW)
    opens = sa.select(dataset.c.open_at)
    found = []
    for end in ("2026-01-10", "2026-03-10"):
        sent = {"accessType": "public", "endDate": end}
        assert node.put("/api/v1/groups/P1", json=sent, headers=headers).status_code == 200
        with engine.connect() as connection:
            found.append(connection.execute(opens).scalar())
    assert [when.date().isoformat()[:7] for when in found] == ["2029-01", "2029-03"]


@pytest.fixture
def run(settings, monkeypatch, capsys):
    """Runs `panosc …` on the node of this test; returns exit code and what it printed."""
    monkeypatch.setenv("PANOSC_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PANOSC_HOME", str(settings.home))

    def call(*words):
        monkeypatch.setattr("sys.argv", ["panosc", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_on_the_command_line(run, engine, tmp_path):
    path = tmp_path / "teams.ndjson"
    path.write_bytes(ndjson(LINES))
    code, out, _ = run("group", "import", path, "--json")
    assert (code, json.loads(out)["members added"]) == (0, 2)
    code, out, _ = run("group", "list")
    assert out.splitlines()[1].split("\t")[:2] == ["P1", "One"]
    code, _, err = run("group", "add", "P1", "0000-0002-1694-233X", "--until", "2999-12-31")
    assert code == 0
    assert "waits for them" in err
    code, out, _ = run("group", "show", "P1", "--json")
    guest, pi = json.loads(out)
    assert (guest["person"], guest["role"]) == ("orcid:0000-0002-1694-233X", "guest")
    assert guest["until"] == "2999-12-31 23:59:59+00:00" or "2999-12-31T23:59:59" in guest["until"]
    assert (pi["person"], pi["source"]) == ("uo:1", "user office")
    assert run("group", "remove", "P1", "0000-0002-1694-233X")[0] == 0
    assert run("group", "remove", "P1", "0000-0002-1694-233X")[0] == 1
    path.write_bytes(b"{")
    assert run("group", "import", path)[0] == 2
    with engine.begin() as connection:
        row = {"id": "u-x", "kind": "person", "name": "Ada"}
        connection.execute(sa.insert(account).values(row))
    assert run("group", "add", "node", "u-x", "--role", "steward")[0] == 0
    assert run("user", "erase", "u-x", "--reason", "letter", "--yes")[0] == 0
    with engine.connect() as connection:
        names = connection.execute(sa.select(account.c.name, account.c.erased_at)).one()
    assert names.name is None
    assert names.erased_at is not None


def test_groups_go_with_a_catalogue_and_come_out_the_same(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "Dataset.ndjson").write_bytes(ndjson([{"pid": "d1", "ownerGroup": "P1"}]))
    groups = [
        {"name": "P1", "title": "One", "panel": 3, "startDate": "2026-01-01"},
        {"name": "P2", "accessType": "in-house"},
    ]
    (folder / "Group.ndjson").write_bytes(ndjson(groups))
    (folder / "GroupMember.ndjson").write_bytes(ndjson([{"group": "P1", "person": "uo:1"}]))
    code, out, _ = run("catalogue", "load", folder, "--json")
    assert code == 0
    assert json.loads(out)["rows"] == {"Dataset": 1, "Group": 2, "GroupMember": 1}
    assert json.loads(out)["ignored"] == []
    first, second = tmp_path / "first", tmp_path / "second"
    assert run("catalogue", "dump", first, "--bare")[0] == 0
    lines = (first / "Group.ndjson").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "name": "P1",
        "title": "One",
        "startDate": "2026-01-01T00:00:00.000Z",
        "panel": 3,
    }
    assert json.loads(lines[1]) == {"name": "P2", "accessType": "inhouse"}
    members = (first / "GroupMember.ndjson").read_text()
    assert json.loads(members) == {"person": "uo:1", "group": "P1", "role": "team"}
    assert run("catalogue", "load", first)[0] == 0
    assert run("catalogue", "dump", second, "--bare")[0] == 0
    for path in first.iterdir():
        assert (second / path.name).read_bytes() == path.read_bytes()
    # a bad line among the groups takes the datasets back with it
    (folder / "Dataset.ndjson").write_bytes(ndjson([{"pid": "d2"}]))
    (folder / "GroupMember.ndjson").write_bytes(ndjson([{"group": "P9", "person": "uo:1"}]))
    code, _, err = run("catalogue", "load", folder)
    assert code == 2
    assert "GroupMember.ndjson, line 1: the group P9 is nowhere" in err
    assert run("catalogue", "dump", second, "--bare")[0] == 0
    assert "d2" not in (second / "Dataset.ndjson").read_text()
