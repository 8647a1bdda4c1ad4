"""Data management plans: prefilled, written, taken from other tools, and for whom they are."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import publication_catalogue as given
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.publishing.tables import plan as plans
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, EVERY_SCOPE, Who
from panosc.domain.errors import Invalid, TooLarge
from panosc.policy import asking
from panosc.publication.plans import madmp
from panosc.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = "10.5072/ours"
TEAM = Who(person="u-1", groups=frozenset({"team-p"}))
OTHER = Who(person="u-2", groups=frozenset({"team-x"}))
STEWARD = Who(person="u-3", roles=frozenset({"steward"}))
READER = Who(person="u-1", groups=frozenset({"team-p"}), scopes=EVERY_SCOPE - {"write"})
API, PAGE = f"/api/v1/documents/{OURS}/plan", f"/documents/{OURS}/-/plan"


class Node:
    """A node at which any of these people may ask."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.who = TEAM

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request of a browser of this node."""
        options["headers"] = {"Origin": "http://127.0.0.1:8000", **options.get("headers", {})}
        return self._client.request(method, path, follow_redirects=False, **options)


@pytest.fixture(scope="module")
def served(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[tuple[sa.Engine, Node]]:
    proposal = {**given.CATALOGUE["Document"][0], "pid": OURS, "ownerGroup": "team-p"}
    people = [("Person", line) for line in given.CATALOGUE["Person"]]
    member = {"id": "m9", "documentId": OURS, "personId": "p1", "role": "PI"}
    with new_database(template) as address:
        settings = Settings(home=open_folder / "plans", database_url=address)
        with open_database(settings) as engine:
            with engine.begin() as connection:
                rows = [*people, ("Document", proposal), ("Member", member)]
                write(connection, rows, now=NOW)
            app = create_app(settings, engine, clock=lambda: NOW)
            found = Node(TestClient(app, base_url="http://127.0.0.1:8000"))
            asking.install(app, lambda _request: found.who)
            yield engine, found


@pytest.fixture
def node(served: tuple[sa.Engine, Node]) -> Node:
    """A node at which no plan has been written."""
    engine, found = served
    with engine.begin() as connection:
        connection.execute(sa.delete(plans))
    found.who = TEAM
    return found


def test_a_plan_is_filled_in_from_proposal_and_policy(node: Node) -> None:
    told = node.ask("GET", API)
    assert (told.status_code, told.headers["ETag"]) == (200, '"0"')
    plan = madmp.read(told.content)["dmp"]
    assert plan["title"] == "Data management plan: Proteins <in> water & salt"
    assert plan["contributor"][0]["contributor_id"] == {
        "identifier": "https://orcid.org/0000-0002-1825-0097",
        "type": "orcid",
    }
    (project,) = plan["project"]
    assert project["funding"][0]["grant_id"]["identifier"] == "823852"
    raw, reduced = plan["dataset"]
    (way,) = raw["distribution"]
    # the policy that comes with the software: three years, then CC-BY
    assert (raw["issued"], way["data_access"]) == ("2024-03-01", "shared")
    assert way["license"][0]["license_ref"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "10 years" in raw["preservation_statement"]
    assert "as far as possible" in reduced["preservation_statement"]


def test_a_plan_is_written_and_nothing_of_others_is_lost(node: Node) -> None:
    plan = node.ask("GET", API).json()
    plan["dmp"]["ethical_issues_exist"] = "no"
    plan["dmp"]["cost"] = [{"title": "Disks", "value": 3}]
    assert node.ask("PUT", API, json=plan, headers={"If-Match": '"0"'}).status_code == 204
    kept = node.ask("GET", API)
    assert kept.headers["ETag"] == '"1"'
    assert kept.json()["dmp"]["cost"] == [{"title": "Disks", "value": 3}]
    # somebody who read the same wants to write theirs
    late = node.ask("PUT", API, json=plan, headers={"If-Match": '"0"'})
    assert late.status_code == 409
    assert node.ask("PUT", API, json=plan, headers={"If-Match": "x"}).status_code == 422
    assert node.ask("PUT", API, json=plan, headers={"If-Match": '"1"'}).headers["ETag"] == '"2"'


def test_the_form_changes_what_it_shows_and_nothing_else(node: Node) -> None:
    plan = node.ask("GET", API).json()
    plan["dmp"]["dataset"][1]["preservation_statement"] = "Only these."
    node.ask("PUT", API, json=plan)
    page = node.ask("GET", PAGE).text
    assert "Proteins &lt;in&gt; water" in page
    form = {
        "version": "1",
        "title": "Our plan",
        "description": "We measure.",
        "contact": "Ada Example",
        "mail": "ada@source.example",
        "ethics": "yes",
        "ethics_text": "Mice.",
        "personal": "no",
        "sensitive": "yes",
        "quality": "We look.\r\nTwice.\r\n",
        "preservation": plan["dmp"]["dataset"][0]["preservation_statement"],
    }
    sent = node.ask("POST", PAGE, data=form)
    assert (sent.status_code, sent.headers["Location"]) == (303, PAGE)
    kept = node.ask("GET", API).json()["dmp"]
    assert (kept["title"], kept["contact"]["mbox"]) == ("Our plan", "ada@source.example")
    assert (kept["ethical_issues_exist"], kept["ethical_issues_description"]) == ("yes", "Mice.")
    first, second = kept["dataset"]
    assert first["data_quality_assurance"] == ["We look.", "Twice."]
    assert (first["sensitive_data"], second["sensitive_data"]) == ("yes", "yes")
    assert second["preservation_statement"] == "Only these."
    again = node.ask("POST", PAGE, data=form)
    assert again.status_code == 409
    assert "Somebody else has changed" in again.text
    # what was typed is still there
    assert "Mice." in again.text


def test_what_is_typed_wrong_is_said_and_kept(node: Node) -> None:
    form = {"version": "0", "title": " ", "mail": "nowhere", "ethics": "perhaps", "contact": "Ada"}
    told = node.ask("POST", PAGE, data=form)
    assert told.status_code == 422
    for word in ("dmp.title", "dmp.contact.mbox", "dmp.ethical_issues_exist", 'value="nowhere"'):
        assert word in told.text


def test_a_plan_of_another_tool_is_taken(node: Node) -> None:
    plan = node.ask("GET", API).json()
    plan["dmp"]["title"] = "From a wizard"
    plan["other"] = {"kept": True}
    sent = node.ask("POST", PAGE, data={"version": "0", "plan": json.dumps(plan)})
    assert sent.status_code == 303
    kept = node.ask("GET", API).json()
    assert (kept["dmp"]["title"], kept["other"]) == ("From a wizard", {"kept": True})
    bad = node.ask("POST", PAGE, data={"version": "1", "plan": '{"dmp": {"title": 3}}'})
    assert bad.status_code == 422
    assert "dmp.dataset: Field required" in bad.text


@pytest.mark.parametrize(
    ("who", "read", "written"),
    [
        (TEAM, 200, 204),
        (STEWARD, 200, 204),
        (READER, 200, 403),
        (OTHER, 403, 403),
        (ANYONE, 401, 401),
    ],
    ids=["team", "steward", "reader", "other", "anyone"],
)
def test_a_plan_is_for_its_team(node: Node, who: Who, read: int, written: int) -> None:
    plan = node.ask("GET", API).json()
    node.who = who
    assert node.ask("GET", API).status_code == read
    assert node.ask("GET", PAGE).status_code == read
    assert node.ask("PUT", API, json=plan).status_code == written


def test_there_is_no_plan_of_what_is_not_there(node: Node) -> None:
    assert node.ask("GET", "/api/v1/documents/10.5072/never/plan").status_code == 404


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"{}", b'{"dmp": []}', b'{"dmp": {"title": "\\u0000"}}']
)
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        madmp.read(data)


def test_a_plan_has_an_end() -> None:
    with pytest.raises(TooLarge):
        madmp.read(b" " * (madmp.LARGEST + 1))
