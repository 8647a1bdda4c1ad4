"""Packages: drafts that nobody else knows of, published for good; what they say of datasets."""

import base64
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from minting_house import NODE, House, dataset, house, load

from panosc.catalogue.tables import document_dataset
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from panosc.publication.minting.standin import StandIn
from panosc.publication.packages.drafting import Draft, parts_of
from panosc.publication.packages.saying import notes, statement
from panosc.publication.record import Part, Publication
from panosc.settings import Settings

OPEN, LATER, OTHER = (str(dataset(number)["pid"]) for number in (1, 2, 3))
PI = Who(
    person="u-pi", groups=frozenset({"team-a"}), duties=frozenset({("pi", "team-a")}), via="session"
)
MEMBER = Who(
    person="u-1",
    groups=frozenset({"team-a"}),
    duties=frozenset({("team", "team-a")}),
    via="session",
)
DRAFT = Draft(
    title="Data behind a paper",
    abstract="What we measured.",
    licence="CC-BY-4.0",
    publication="https://doi.org/10.1107/S1600576723000001",
    datasets=(OPEN, LATER),
    parts=(Part(pid=OPEN, file="a.nxs", path="/entry/data/I", selection="0, :10"),),
)


@pytest.fixture
def node(engine: sa.Engine, settings: Settings) -> Iterator[House]:
    """A node with three datasets, one under embargo, and two people."""
    later = {"isPublic": None, "access": "embargoed", "embargoUntil": "2027-06-01T00:00:00Z"}
    load(
        engine,
        ("Document", {"pid": "P-1", "type": "proposal", "title": "Proposal", "isPublic": True}),
        ("Dataset", dataset(1)),
        ("Dataset", dataset(2, **later)),
        ("Dataset", dataset(3, ownerGroup="team-b")),
        ("Person", {"id": "p-1", "fullName": "Ada Example"}),
        ("Person", {"id": "p-2", "fullName": "Bo Other"}),
        ("Member", {"id": "m-1", "documentId": "P-1", "personId": "p-1", "role": "PI"}),
        ("Member", {"id": "m-2", "datasetId": OTHER, "personId": "p-2", "role": "PI"}),
        ("DocumentDataset", {"documentId": "P-1", "datasetId": OPEN}),
    )
    with StandIn().running() as stand_in, house(engine, settings, stand_in) as opened:
        yield opened


def _address(path: str) -> str:
    return f"{NODE}{path}"


def _tell(node: House, pid: str, who: Who = ANYONE, model: str = "Document") -> Publication:
    return node.services.gatherer.one(who, model, pid, _address)  # type: ignore[arg-type]


def test_a_draft_is_nobody_elses(node: House) -> None:
    pid = node.services.packages.start(PI, DRAFT, _address)
    node.settle()
    for who in (ANYONE, Who(person="u-9")):
        with pytest.raises(NotFound):
            _tell(node, pid, who)
    assert all(
        item.relation != "IsPartOf" or pid not in item.url
        for item in _tell(node, OPEN, model="Dataset").related
    )
    found = node.services.packages.look(PI, pid, _address)
    assert found.state == "closed"
    assert found.line is not None
    assert found.line.state == "draft"
    held = node.stand_in.repository.records[found.line.doi]
    assert (held.state, "paper" in str(held.attributes)) == ("draft", False)
    assert found.draft == DRAFT.__class__(
        **{
            **{name: getattr(DRAFT, name) for name in DRAFT.__slots__},
            "publication": "10.1107/s1600576723000001",
        }
    )


def test_published_it_is_found_with_its_doi_and_its_datasets(
    node: House, engine: sa.Engine
) -> None:
    packages = node.services.packages
    pid = packages.start(PI, DRAFT, _address)
    packages.publish(PI, pid, state="findable")
    node.settle()
    found = _tell(node, pid)
    assert found.doi is not None
    held = node.stand_in.repository.records[found.doi]
    assert held.state == "findable"
    assert held.attributes["types"]["resourceTypeGeneral"] == "Collection"
    relations = {(item.relation, item.identifier) for item in found.related}
    assert ("IsSupplementTo", "10.1107/s1600576723000001") in relations
    assert {name for name, _ in relations} == {"HasPart", "IsSupplementTo"}
    assert [agent.name for agent in found.creators] == ["Ada Example"]
    assert [part.selection for part in found.parts] == ["0, :10"]
    # what is in it says so, and stays what it was
    of = _tell(node, LATER, model="Dataset")
    assert ("IsPartOf", found.doi) in {(item.relation, item.identifier) for item in of.related}
    assert (of.access, of.detail) == ("embargoed", None)
    assert [agent.name for agent in of.creators] == ["Example Source"]
    assert of.licence is not None
    # and the record may come again from its source
    load(
        engine,
        ("Dataset", dataset(1)),
        ("DocumentDataset", {"documentId": "P-1", "datasetId": OPEN}),
    )
    assert len([item for item in _tell(node, pid).related if item.relation == "HasPart"]) == 2
    with engine.connect() as connection:
        count = sa.select(sa.func.count()).select_from(document_dataset)
        assert connection.scalar(count) == 3


def test_creators_may_be_chosen(node: House) -> None:
    draft = Draft(
        title="Both", abstract="", licence="CC0-1.0", datasets=(OPEN, OTHER), creators=("p-2",)
    )
    pid = node.services.packages.start(PI, draft, _address)
    found = node.services.packages.look(PI, pid, _address)
    assert [one.name for one in found.creators] == ["Ada Example", "Bo Other"]
    assert [agent.name for agent in found.publication.creators] == ["Bo Other"]
    assert {fault.property for fault in found.faults} >= {"descriptions", "relatedIdentifiers"}


def test_a_draft_is_changed_and_thrown_away(node: House, engine: sa.Engine) -> None:
    packages = node.services.packages
    pid = packages.start(PI, DRAFT, _address)
    packages.change(
        PI, pid, Draft(title="Better", abstract="", licence="CC0-1.0", datasets=(OPEN,)), _address
    )
    node.settle()
    found = packages.look(PI, pid, _address)
    assert (found.draft.title, found.draft.datasets, found.draft.parts) == ("Better", (OPEN,), ())
    packages.discard(PI, pid)
    node.settle()
    with pytest.raises(NotFound):
        packages.look(PI, pid, _address)
    with pytest.raises((NotFound, Gone)):
        _tell(node, pid)
    assert "Better" not in str(node.stand_in.repository.records)


def test_what_is_published_stays(node: House) -> None:
    packages = node.services.packages
    pid = packages.start(PI, DRAFT, _address)
    packages.publish(PI, pid, state="registered")
    node.settle()
    for act in (
        lambda: packages.change(PI, pid, DRAFT, _address),
        lambda: packages.discard(PI, pid),
    ):
        with pytest.raises(Conflict):
            act()
    packages.publish(PI, pid, state="findable")
    node.settle()
    found = packages.look(PI, pid, _address)
    assert found.line is not None
    assert found.line.state == "findable"


@pytest.mark.parametrize("who", [MEMBER, Who(person="u-9")], ids=["member", "stranger"])
def test_only_who_may_publish_makes_one(node: House, who: Who) -> None:
    with pytest.raises(Forbidden):
        node.services.packages.start(who, DRAFT, _address)
    pid = node.services.packages.start(OPERATOR, DRAFT, _address)
    with pytest.raises(NotFound):
        node.services.packages.publish(who, pid, state="findable")


def test_parts_of_what_is_not_open_are_refused(node: House) -> None:
    hidden = Part(pid=LATER, file="secret.nxs", path="/x", selection="")
    draft = Draft(title="T", abstract="", licence="CC0-1.0", datasets=(LATER,), parts=(hidden,))
    with pytest.raises(Conflict, match="not open"):
        node.services.packages.start(PI, draft, _address)


@pytest.mark.parametrize(
    ("text", "field"),
    [("0 a /x", "parts"), ("1 a", "parts"), ("x a /x", "parts"), ("1 a /x os.system()", "parts")],
    ids=["number", "short", "word", "code"],
)
def test_a_line_that_names_no_part_is_told(text: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        parts_of(f"1 a.nxs /entry/data\n{text}", {1: OPEN})
    assert caught.value.field == field
    assert "Line 2" in caught.value.detail


def test_the_statement_says_where_and_until_when(node: House) -> None:
    packages = node.services.packages
    pid = packages.start(PI, DRAFT, _address)
    packages.publish(PI, pid, state="findable")
    node.settle()
    found = packages.look(PI, pid, _address)
    text = statement(found.publication, found.datasets)
    assert f"https://doi.org/{found.publication.doi}" in text
    assert "1 of the datasets is under embargo until 2027-06-01" in text
    assert "CC-BY-4.0" in text
    assert "2027-06-01" in notes(found.datasets)[0]


def test_pids_are_drawn_at_random(node: House) -> None:
    made = {node.services.packages.start(PI, DRAFT, _address) for _ in range(3)}
    assert len(made) == 3
    for pid in made:
        prefix, _, letters = pid.partition("/")
        assert (prefix, len(letters)) == ("local", 26)
        assert base64.b32decode(letters.upper() + "=" * 6)
