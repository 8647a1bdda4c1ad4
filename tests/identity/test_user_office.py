"""The user office: files, late changes of teams, merged people, guests; all or nothing."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from panosc.catalogue.people import account, alias, audit
from panosc.catalogue.tables import group, group_member, instrument
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound, PanoscError, WrongScope
from panosc.identity.accounts import sign_in
from panosc.identity.groups.keeping import GroupStore
from panosc.identity.groups.reading import group_of
from panosc.identity.standing import standing_of
from panosc.settings import Provider

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORCID = "0000-0002-1694-233X"
HOME = Provider(
    name="home",
    title="Home",
    issuer="https://idp.example",
    client_id="node",
    person_claims={"uo_key": "uo", "orcid": "orcid"},
)
GROUPS = [
    {
        "name": "P1",
        "title": "Protein solutions",
        "accessType": "Public",
        "startDate": "2026-05-03T08:00:00Z",
        "endDate": "2026-05-05",
        "documentPid": "10.5072/proposal-1",
        "panel": "Soft matter",
    },
    {
        "name": "IH/77",
        "accessType": "In-House",
        "sessions": [
            {"start": "2026-02-03", "end": "2026-02-04", "instrument": "d22"},
            {"start": "2025-11-03", "end": "2025-11-05", "instrument": "d11"},
            {"start": "2027-01-01", "end": "2027-01-02", "cancelled": True},
        ],
    },
]
MEMBERS = [
    {"group": "P1", "person": "uo:42", "role": "Principal Investigator"},
    {"group": "P1", "person": "uo:17", "role": "co-proposer"},
    {"group": "P1", "person": f"https://orcid.org/{ORCID.lower()}", "role": "local_contact"},
    {"group": "IH/77", "person": "uo:17", "until": "2026-07-01"},
]


def test_an_import_may_take_its_time(engine, tmp_path):
    """A policy decides on all data of the groups, which takes longer than a question may."""
    limits = []

    def settle(connection, _names, _now):
        limits.append(connection.exec_driver_sql("show statement_timeout").scalar())

    (tmp_path / "Group.ndjson").write_text(json.dumps({"name": "P2"}))
    office = GroupStore(engine, lambda: NOW, settle)
    office.take(OPERATOR, [group_of({"name": "P1"})])
    office.take_files(OPERATOR, [tmp_path / "Group.ndjson"])
    assert limits == ["0", "0"]


@pytest.fixture
def store(engine):
    return GroupStore(engine, lambda: NOW)


def written(folder, name, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def files(folder, groups=GROUPS, members=MEMBERS, people=()):
    return [
        written(folder, "Group.ndjson", groups),
        written(folder, "GroupMember.ndjson.gz", members),
        written(folder, "PersonAlias.ndjson", people),
    ]


def held(engine):
    columns = group_member.c
    with engine.connect() as connection:
        query = sa.select(columns["group"], columns.person, columns.role, columns.source)
        return {tuple(row) for row in connection.execute(query)}


def lines(engine):
    with engine.connect() as connection:
        return connection.execute(sa.select(audit).order_by(audit.c.number)).all()


def test_import_takes_groups_with_dates_types_and_what_it_does_not_know(store, engine, tmp_path):
    done = store.take_files(OPERATOR, files(tmp_path))
    assert (done.groups, done.members, done.added, done.removed) == (2, 4, 4, 0)
    assert done.changed == ("IH/77", "P1")
    with engine.connect() as connection:
        rows = {row.name: row for row in connection.execute(sa.select(group))}
    first, inhouse = rows["P1"], rows["IH/77"]
    assert (first.access_type, inhouse.access_type) == ("public", "inhouse")
    assert first.starts == datetime(2026, 5, 3, 8, tzinfo=UTC)
    assert first.ends == datetime(2026, 5, 5, 23, 59, 59, tzinfo=UTC)
    assert first.document_pid == "10.5072/proposal-1"
    assert first.extra == {"panel": "Soft matter"}
    assert inhouse.starts == datetime(2025, 11, 3, tzinfo=UTC)
    assert inhouse.ends == datetime(2026, 2, 4, 23, 59, 59, tzinfo=UTC)
    assert len(inhouse.extra["sessions"]) == 3
    assert held(engine) == {
        ("P1", "uo:42", "pi", None),
        ("P1", "uo:17", "team", None),
        ("P1", f"orcid:{ORCID}", "local_contact", None),
        ("IH/77", "uo:17", "team", None),
    }


def test_the_same_import_again_changes_nothing(store, engine, tmp_path):
    store.take_files(OPERATOR, files(tmp_path))
    before = lines(engine)
    done = store.take_files(OPERATOR, files(tmp_path))
    assert (done.changed, done.added, done.removed) == ((), 0, 0)
    assert lines(engine) == before


def test_who_left_the_team_is_gone_and_what_others_gave_stays(store, engine, tmp_path):
    store.take_files(OPERATOR, files(tmp_path))
    store.add(OPERATOR, "P1", "uo:99", role="guest", until=NOW + timedelta(days=3))
    with engine.begin() as connection:
        claimed = {"group": "P1", "person": "u-x", "role": "team", "source": "claims"}
        connection.execute(sa.insert(group_member).values(claimed))
    late = [MEMBERS[0], {**MEMBERS[1], "person": "uo:18"}, MEMBERS[2]]
    done = store.take_files(OPERATOR, files(tmp_path, members=late))
    assert (done.added, done.removed) == (1, 2)
    assert held(engine) == {
        ("P1", "uo:42", "pi", None),
        ("P1", "uo:18", "team", None),
        ("P1", f"orcid:{ORCID}", "local_contact", None),
        ("P1", "uo:99", "guest", "node"),
        ("P1", "u-x", "team", "claims"),
    }
    last = lines(engine)[-4:]
    assert [row.event for row in last] == [
        "member.removed",
        "member.removed",
        "member.added",
        "group.imported",
    ]
    assert last[-1].detail == {"groups": 2, "changed": 2, "added": 1, "removed": 2, "names": 0}


def test_the_trail_knows_accounts_and_no_other_name(store, engine, tmp_path):
    with engine.begin() as connection:
        claims = {"iss": HOME.issuer, "sub": "1", "uo_key": "42"}
        person = sign_in(connection, HOME, claims, now=NOW)
    store.take_files(OPERATOR, files(tmp_path))
    store.add(OPERATOR, "P1", "uo:99", role="guest")
    store.remove(OPERATOR, "P1", "uo:99")
    store.add(OPERATOR, "IH/77", "uo:42", role="guest")
    store.remove(OPERATOR, "IH/77", "uo:42")
    store.take_files(OPERATOR, files(tmp_path, members=[{**MEMBERS[0], "until": "2026-09-01"}]))
    store.take_files(OPERATOR, files(tmp_path, members=[]))
    told = [row for row in lines(engine) if row.event.startswith("member.")]
    assert {row.detail["member"] for row in told} == {None, person}
    of_person = [row.event.partition(".")[2] for row in told if row.detail["member"]]
    assert of_person == ["added", "added", "removed", "changed", "removed"]
    assert not any(name in str(told) for name in ("uo:", "orcid:", ORCID))


def test_groups_without_a_word_on_members_keep_theirs(store, engine, tmp_path):
    store.take_files(OPERATOR, files(tmp_path))
    before = held(engine)
    renamed = [{**GROUPS[0], "title": "Another title"}]
    done = store.take_files(OPERATOR, [written(tmp_path, "Group.ndjson", renamed)])
    assert done.changed == ("P1",)
    assert held(engine) == before
    # a file of members that has none for a group says that it has none
    store.take_files(OPERATOR, files(tmp_path, members=[MEMBERS[0]]))
    assert held(engine) == {("P1", "uo:42", "pi", None)}
    listed = [{**GROUPS[0], "members": [{"person": "uo:1"}]}]
    store.take_files(OPERATOR, [written(tmp_path, "teams.ndjson", listed)])
    assert held(engine) == {("P1", "uo:1", "team", None)}


def test_one_json_document_is_as_good(store, engine, tmp_path):
    path = tmp_path / "export.json"
    people = [{"person": "uo:42", "alsoKnownAs": "uo:43"}]
    path.write_text(json.dumps({"groups": GROUPS, "members": MEMBERS, "people": people}))
    done = store.take_files(OPERATOR, [path])
    assert (done.groups, done.members, done.names) == (2, 4, 1)
    path.write_text(json.dumps(GROUPS))
    assert store.take_files(OPERATOR, [path]).changed == ()


BROKEN = [
    ("Group.ndjson", [{}], "Group.ndjson, line 1: group has no usable name"),
    ("Group.ndjson", [GROUPS[0], GROUPS[0]], "Group.ndjson, line 2: the group P1 is there twice"),
    ("Group.ndjson", [{"name": "node"}], "not one that a user office keeps"),
    ("Group.ndjson", [{"name": "link:ab"}], "not one that a user office keeps"),
    ("Group.ndjson", [{"name": "P2", "startDate": "soon"}], "startDate 'soon' is no time"),
    ("Group.ndjson", [{"name": "P2", "startDate": 7}], "is no time"),
    ("Group.ndjson", [{"name": "P", "startDate": "2026-02-02", "endDate": "2026-02-01"}], "ends"),
    ("Group.ndjson", [{"name": "P2", "sessions": [7]}], "sessions is not a list of objects"),
    ("Group.ndjson", [{"name": "P2", "x": "a\0b"}], "NUL"),
    ("Group.ndjson", [{"name": "P2", "title": ["x"]}], "title is not a text"),
    ("Group.ndjson", ["P2"], "not a JSON object"),
    ("GroupMember.ndjson", [{"group": "P1", "person": "uo:4", "role": "cook"}], "role 'cook'"),
    ("GroupMember.ndjson", [{"group": "P1", "person": "uo:4", "role": "steward"}], "is unknown"),
    ("GroupMember.ndjson", [{"group": "node", "person": "uo:4"}], "not one that a user office"),
    ("GroupMember.ndjson", [{"group": "P404", "person": "uo:4"}], "line 1: the group P404 is no"),
    ("GroupMember.ndjson", [{"group": "P1", "person": "orcid:0000-0002-1694-2331"}], "no ORCID"),
    ("GroupMember.ndjson", [{"group": "P1", "person": " "}], "person has no usable name"),
    ("PersonAlias.ndjson", [{"person": "uo:4"}], "person has no usable name"),
]


@pytest.mark.parametrize(("name", "rows", "message"), BROKEN)
def test_one_bad_line_and_nothing_is_taken(store, engine, tmp_path, name, rows, message):
    store.take_files(OPERATOR, files(tmp_path))
    before = held(engine), lines(engine)
    good = written(tmp_path, "a.ndjson", [{"name": "P9", "members": [{"person": "uo:1"}]}])
    with pytest.raises(Invalid) as error:
        store.take_files(OPERATOR, [good, written(tmp_path / "bad", name, rows)])
    assert message in error.value.detail
    assert name in error.value.detail
    assert (held(engine), lines(engine)) == before


@pytest.mark.parametrize("text", [b"{", b'{"name": "P1"}\n\xff\n', b"[" * 2000, b"\x1f\x8b"])
def test_what_is_no_json_is_said_with_its_place(store, tmp_path, text):
    path = tmp_path / "teams.ndjson"
    path.write_bytes(text)
    with pytest.raises(Invalid, match=r"teams.ndjson, line \d"):
        store.take_files(OPERATOR, [path])
    packed = tmp_path / "teams.ndjson.gz"
    packed.write_bytes(b"\x1f\x8b" + text)
    with pytest.raises(Invalid, match="unpacked"):
        store.take_files(OPERATOR, [packed])


def test_a_file_that_is_not_there(store, tmp_path):
    with pytest.raises(NotFound, match="cannot be read"):
        store.take_files(OPERATOR, [tmp_path / "nowhere.ndjson"])


def test_merged_people_keep_their_groups_before_and_after_they_come(store, engine, tmp_path):
    people = [{"person": "uo:42", "alsoKnownAs": ["uo:17", f"orcid:{ORCID}"]}]
    store.take_files(OPERATOR, files(tmp_path, people=people))
    with engine.begin() as connection:
        claims = {"iss": HOME.issuer, "sub": "1", "uo_key": "17"}
        person = sign_in(connection, HOME, claims, now=NOW)
        duties = standing_of(connection, person, now=NOW).duties
        again = sign_in(connection, HOME, {**claims, "sub": "2", "orcid": ORCID}, now=NOW)
    assert duties == {("pi", "P1"), ("team", "P1"), ("local_contact", "P1"), ("team", "IH/77")}
    assert again == person
    # merged afterwards: another key of the same person
    moved = [{"group": "P1", "person": "uo:50", "role": "pi"}]
    people = [{"person": "uo:50", "alsoKnownAs": ["uo:42"]}]
    done = store.take_files(OPERATOR, files(tmp_path, members=moved, people=people))
    assert (done.names, done.apart) == (1, ())
    with engine.connect() as connection:
        assert standing_of(connection, person, now=NOW).duties == {("pi", "P1")}
        chain = sa.select(alias.c.name).where(alias.c.person.in_(sa.select(alias.c.name)))
        assert connection.execute(chain).all() == []


def test_two_accounts_are_never_made_one(store, engine, tmp_path):
    with engine.begin() as connection:
        first, second = (
            sign_in(connection, HOME, {"iss": HOME.issuer, "sub": key, "uo_key": key}, now=NOW)
            for key in ("42", "17")
        )
    people = [{"person": "uo:42", "alsoKnownAs": ["uo:17", "uo:18"]}]
    done = store.take_files(OPERATOR, files(tmp_path, people=people))
    assert done.apart == ((first, "uo:17"),)
    assert done.names == 1
    with engine.connect() as connection:
        names = dict(connection.execute(sa.select(alias.c.name, alias.c.person)).all())
        assert connection.execute(sa.select(sa.func.count()).select_from(account)).scalar() == 2
    assert names == {"uo:42": first, "uo:17": second, "uo:18": first}


def test_settling_is_asked_for_what_changed_in_the_same_transaction(engine, tmp_path):
    told = []

    def settle(connection, names, now):
        count = connection.execute(sa.select(sa.func.count()).select_from(group)).scalar()
        told.append((tuple(names), now, count))
        if len(told) == 2:
            raise Invalid("no")

    store = GroupStore(engine, lambda: NOW, settle)
    store.take_files(OPERATOR, files(tmp_path))
    assert told == [(("IH/77", "P1"), NOW, 2)]
    with pytest.raises(Invalid):
        store.take_files(OPERATOR, [written(tmp_path, "x.ndjson", [{"name": "P5"}])])
    assert [item.name for item in store.listed(OPERATOR)] == ["IH/77", "P1"]


def test_guests_come_for_a_time_and_go(store, engine, tmp_path):
    store.take_files(OPERATOR, files(tmp_path))
    with engine.begin() as connection:
        claims = {"iss": HOME.issuer, "sub": "1", "orcid": ORCID}
        person = sign_in(connection, HOME, claims, now=NOW)
    added = store.add(OPERATOR, "IH/77", ORCID, role="guest", until=NOW + timedelta(days=2))
    assert (added.person, added.account, added.source) == (person, person, "node")
    assert added.until == NOW + timedelta(days=2)
    later = GroupStore(engine, lambda: NOW + timedelta(days=2))
    assert {item.group for item in store.of(person)} == {"P1", "IH/77"}
    assert {item.group for item in later.of(person)} == {"P1"}
    with engine.connect() as connection:
        duties = standing_of(connection, person, now=NOW + timedelta(days=2)).duties
    assert duties == {("local_contact", "P1")}
    group_, members = store.shown(OPERATOR, "IH/77")
    assert group_.members == 2
    assert [(item.person, item.role) for item in members] == [(person, "guest"), ("uo:17", "team")]
    store.remove(OPERATOR, "IH/77", ORCID)
    with pytest.raises(NotFound, match="no such role"):
        store.remove(OPERATOR, "IH/77", person)
    events = [row.event for row in lines(engine) if row.detail.get("source") == "node"]
    assert events == ["member.added", "member.removed"]


def test_roles_in_the_node_and_at_an_instrument(store, engine):
    with engine.begin() as connection:
        connection.execute(sa.insert(instrument).values(id=1, pid="10.5072/d22"))
        person = sign_in(connection, HOME, {"iss": HOME.issuer, "sub": "1"}, now=NOW)
    store.add(OPERATOR, "node", person, role="steward")
    store.add(OPERATOR, "instrument:10.5072/d22", person, role="instrument_scientist")
    with engine.connect() as connection:
        who = standing_of(connection, person, now=NOW).who(via="session")
    assert who.roles == {"steward"}
    assert who.instruments == {"10.5072/d22"}
    for name, role, fault in (
        ("node", "pi", Invalid),
        ("node", "guest", Invalid),
        ("P404", "guest", NotFound),
        ("instrument:10.5072/d99", "guest", NotFound),
    ):
        with pytest.raises(fault):
            store.add(OPERATOR, name, person, role=role)
    with pytest.raises(NotFound, match="no account"):
        store.add(OPERATOR, "node", "u-aaaaaaaaaaaaaaaa", role="steward")
    with pytest.raises(Invalid, match="over already"):
        store.add(OPERATOR, "node", person, role="director", until=NOW)


def test_what_the_user_office_gave_is_not_taken_over_by_hand(store, tmp_path):
    store.take_files(OPERATOR, files(tmp_path))
    with pytest.raises(Conflict):
        store.add(OPERATOR, "P1", "uo:42", role="pi")
    with pytest.raises(NotFound):
        store.remove(OPERATOR, "P1", "uo:42")


@pytest.mark.parametrize(
    ("who", "fault"),
    [
        (ANYONE, PanoscError),
        (Who(person="u-a", roles=frozenset({"steward", "director"}), via="session"), Forbidden),
        (
            Who(
                person="u-a",
                roles=frozenset({"administrator"}),
                scopes=frozenset({"read", "write"}),
                via="token",
            ),
            WrongScope,
        ),
    ],
)
def test_only_administrators_touch_groups(store, tmp_path, who, fault):
    for act in (
        lambda: store.take_files(who, files(tmp_path)),
        lambda: store.take(who, []),
        lambda: store.listed(who),
        lambda: store.shown(who, "P1"),
        lambda: store.add(who, "node", "uo:1", role="steward"),
        lambda: store.remove(who, "node", "uo:1"),
    ):
        with pytest.raises(fault):
            act()
