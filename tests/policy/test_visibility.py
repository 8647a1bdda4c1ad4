"""50 people, 500 datasets: everybody sees what the tables say, and nothing else.

The tables in `data` were written by rules on paper (scripts/make_visibility.py), before and
without the software. Everything comes in by the ways that are there for it: a folder is loaded,
the user office is imported, datasets are shared, people ask with tokens over HTTP.
"""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.loading import load
from panosc.catalogue.tables import dataset
from panosc.domain.access import OPERATOR, Who
from panosc.identity.accounts import sign_in
from panosc.identity.service import build
from panosc.identity.standing import standing_of
from panosc.policy import service as policy
from panosc.policy.births import for_groups
from panosc.policy.sql import visible
from panosc.settings import Provider

DATA = Path(__file__).with_name("data")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOME = Provider(
    name="home",
    title="Home",
    issuer="https://idp.example",
    client_id="node",
    person_claims={"uo_key": "uo"},
)
SHARER = "sharer"
SECRET = "Sesame-4711"
EVERY = 50
"""Each person opens the page of one dataset in so many, each person others."""


def table(name):
    with (DATA / f"visibility-{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def end_of(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None


def write_folder(folder, members):
    """Write the catalogue as a source would hand it over."""
    records = table("datasets")
    groups = sorted({row["group"] for row in records if row["group"]})
    files = {
        "Instrument": [
            {"pid": pid, "name": pid}
            for pid in sorted({row["instrument"] for row in records if row["instrument"]})
        ],
        "Dataset": [
            {
                "pid": row["pid"],
                "title": f"Dataset {row['pid']}",
                "access": row["access"],
                "embargoUntil": f"{row['until']}T00:00:00Z" if row["until"] else None,
                "ownerGroup": row["group"] or None,
                "instrumentId": row["instrument"] or None,
            }
            for row in records
        ],
        "Parameter": [
            {"name": "remark", "value": SECRET, "datasetId": row["pid"]} for row in records
        ],
        "File": [
            {"id": f"f{row['pid']}", "name": f"{SECRET}.nxs", "datasetId": row["pid"]}
            for row in records
        ],
        "Group": [{"name": name, "title": f"Proposal {name}"} for name in groups],
        "GroupMember": [
            {
                "group": row["group"],
                "person": f"uo:{row['person']}",
                "role": row["role"],
                "until": row["until"] or None,
            }
            for row in members
            if row["group"] != "node"
        ],
    }
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")


class World:
    """A node with everyone in it, and a browser without a screen for each."""

    def __init__(self, engine, settings, folder):
        self.engine, self.time = engine, [NOW]
        clock = lambda: self.time[0]  # noqa: E731 - as settings of the services
        rules = policy.build(engine, settings, clock)
        self.identity = build(engine, settings, clock, settle=for_groups(rules.shelf))
        members = table("members")
        write_folder(folder, members)

        def beside(connection, paths):
            done = self.identity.groups.load(connection, paths, who=OPERATOR)
            return {"Group": done.groups, "GroupMember": done.members}

        loaded = load(engine, folder, now=NOW, beside=beside)
        assert loaded.ignored == []
        assert loaded.rows["Dataset"] == 500
        self.people = {}
        for name in [*list(table("seen")[0])[1:], SHARER]:
            with engine.begin() as connection:
                claims = {"iss": HOME.issuer, "sub": name, "uo_key": name}
                self.people[name] = sign_in(connection, HOME, claims, now=NOW)
            person = Who(person=self.people[name], via="session")
            self.identity.own_data.accept(person, settings.terms_version)
        for row in members:
            if row["group"] == "node":
                person = self.people[row["person"]]
                self.identity.groups.add(OPERATOR, "node", person, role=row["role"])
        self.share(rules.sharing)
        self.tokens = {
            name: self.identity.tokens.create(
                OPERATOR, name="tables", scopes=["read", "data"], days=30, owner=person
            ).secret
            for name, person in self.people.items()
        }

    def share(self, sharing):
        """Share as a principal investigator does, each on a day when its end was to come."""
        groups = {row["pid"]: row["group"] for row in table("datasets")}
        sharer = self.people[SHARER]
        for name in sorted(set(groups.values()) - {""}):
            self.identity.groups.add(OPERATOR, name, sharer, role="pi")
        with self.engine.connect() as connection:
            who = standing_of(connection, sharer, now=NOW).who(via="session")
        for row in table("shares"):
            until = end_of(row["until"])
            self.time[0] = NOW if until is None else min(NOW, until - timedelta(days=1))
            kind, _, name = row["reader"].rpartition(":")
            reader = name if kind else self.people[name]
            sharing.give(who, row["pid"], kind=kind or "person", name=reader, until=until)
        self.time[0] = NOW

    def who(self, name):
        with self.engine.connect() as connection:
            return standing_of(connection, self.people[name], now=NOW).who(via="token")


@pytest.fixture
def world(engine, settings, tmp_path):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    return World(engine, settings, folder)


def test_everyone_sees_what_the_tables_say(world, settings):
    seen = table("seen")
    names = list(seen[0])[1:]
    assert (len(names), len(seen)) == (50, 500)
    app = create_app(settings, world.engine, clock=lambda: NOW)
    faults, pages = [], 0
    with serving(app) as address:
        for number, name in enumerate(names):
            headers = {"Authorization": f"Bearer {world.tokens[name]}", "Accept": "text/html"}
            with httpx.Client(
                base_url=address, headers=headers, trust_env=False, timeout=30
            ) as client:
                expected = {row["pid"]: row[name] for row in seen}
                faults += listed(client, name, expected)
                for pid in list(expected)[number % EVERY :: EVERY]:
                    faults += opened(client, name, pid, expected[pid])
                    pages += 1
    assert faults == []
    assert pages == 500


def listed(client, name, expected):
    """Ask once for all datasets with their parameters: what is listed, and whose detail is."""
    asked = {"include": [{"relation": "parameters"}], "limit": 0}
    rows = client.get("/panosc-api/Datasets", params={"filter": json.dumps(asked)}).json()
    listing = {row["pid"] for row in rows}
    detail = {row["pid"] for row in rows if row.get("parameters")}
    assert int(client.get("/panosc-api/Datasets/count").json()["count"]) == len(listing)
    faults = []
    for pid, letters in expected.items():
        if (pid in listing) != ("l" in letters):
            faults.append((name, pid, "list", letters))
        # what is in no list shows its detail nowhere in it
        if (pid in detail) != ("d" in letters and "l" in letters):
            faults.append((name, pid, "detail", letters))
    return faults


def opened(client, name, pid, letters):
    """Ask for one dataset and its files."""
    gone = {"----": {404, 410}}.get(letters, {200})
    page = client.get(f"/datasets/{pid}")
    files = client.get(f"/panosc-api/Datasets/{pid.replace('/', '%2F')}/files")
    faults = []
    if page.status_code not in gone:
        faults.append((name, pid, "page", letters, page.status_code))
    shown = files.status_code == 200 and files.json() != []
    if shown != ("d" in letters):
        faults.append((name, pid, "files", letters, files.status_code))
    if "d" not in letters and SECRET in page.text + files.text:
        faults.append((name, pid, "leak", letters))
    return faults


def test_the_database_decides_on_all_four_levels_as_the_tables_do(world):
    seen = table("seen")
    decided, faults = 0, []
    with world.engine.connect() as connection:
        for name in list(seen[0])[1:]:
            who = world.who(name)
            for letter, action in zip("lcdb", ("list", "core", "detail", "bytes"), strict=True):
                query = sa.select(dataset.c.pid).where(visible(dataset, who, action, now=NOW))
                found = set(connection.execute(query).scalars())
                for row in seen:
                    decided += 1
                    if (row["pid"] in found) != (letter in row[name]):
                        faults.append((name, row["pid"], action, row[name]))
    assert faults == []
    assert decided == 100_000
