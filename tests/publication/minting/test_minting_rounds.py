"""DOIs come to the state that is wanted of them, with the metadata that anyone may know."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from minting_house import NODE, House, dataset, house, load

from panosc.catalogue.publishing.tables import doi
from panosc.domain.access import OPERATOR
from panosc.publication.minting.datacite import State
from panosc.publication.minting.rounds import Terms
from panosc.publication.minting.standin import StandIn
from panosc.publication.minting.standin.rules import Record
from panosc.publication.minting.suffixes import doi_of
from panosc.settings import Settings

PID = str(dataset(1)["pid"])
DOI = doi_of("Dataset", PID, prefix="10.5072")


def _held(node: House, name: str = DOI) -> Record:
    return node.stand_in.repository.records[name]


def _row(engine: sa.Engine, name: str = DOI) -> sa.Row[tuple[object, ...]]:
    with engine.connect() as connection:
        return connection.execute(sa.select(doi).where(doi.c.doi == name)).one()


@pytest.fixture
def minted(node: House, engine: sa.Engine) -> House:
    """A node with one dataset, whose DOI is findable."""
    load(engine, ("Dataset", dataset(1)))
    node.minting.mint(OPERATOR, "Dataset", PID)
    node.settle()
    return node


def test_a_findable_doi_leads_to_its_landing_page(minted: House, engine: sa.Engine) -> None:
    held = _held(minted)
    assert held.state == "findable"
    assert held.attributes["url"] == f"{NODE}/doi/{DOI}"
    assert held.attributes["titles"] == [{"title": "Measurement 1"}]
    assert held.attributes["rightsList"]
    row = _row(engine)
    assert (row.state, row.tries, row.due, row.message) == ("findable", 0, None, None)
    found = minted.services.gatherer.one(OPERATOR, "Dataset", PID, lambda path: path)
    assert found.doi == DOI


def test_nothing_is_sent_where_nothing_has_changed(minted: House, engine: sa.Engine) -> None:
    before = _held(minted).writes
    minted.minting.mint(OPERATOR, "Dataset", PID)
    minted.settle()
    assert _held(minted).writes == before
    assert _row(engine).due is None


@pytest.mark.parametrize(
    "way",
    [
        ("draft", "registered", "findable"),
        ("registered", "findable", "registered", "findable"),
        ("findable", "registered"),
    ],
    ids="-".join,
)
def test_a_doi_goes_from_state_to_state(
    node: House, engine: sa.Engine, way: tuple[State, ...]
) -> None:
    load(engine, ("Dataset", dataset(1)))
    for state in way:
        node.minting.mint(OPERATOR, "Dataset", PID, state=state)
        node.settle()
        assert _held(node).state == state == _row(engine).state


def test_metadata_follow_the_record(minted: House, engine: sa.Engine) -> None:
    load(engine, ("Dataset", dataset(1, title="A better title")))
    minted.settle()
    assert _held(minted).attributes["titles"] == [{"title": "A better title"}]
    load(engine, ("Dataset", dataset(1, title="A better title", description="And words.")))
    minted.settle()
    assert _held(minted).attributes["descriptions"][0]["description"] == "And words."


def test_who_made_it_and_what_it_belongs_to_are_told_anew(minted: House, engine: sa.Engine) -> None:
    member = {"id": "m-1", "datasetId": PID, "personId": "p-1", "role": "PI"}
    load(
        engine,
        ("Dataset", dataset(1)),
        ("Person", {"id": "p-1", "fullName": "Ada Example"}),
        ("Member", member),
    )
    minted.settle()
    assert _held(minted).attributes["creators"][0]["name"] == "Ada Example"
    load(engine, ("Person", {"id": "p-1", "fullName": "Ada Better"}))
    minted.settle()
    assert _held(minted).attributes["creators"][0]["name"] == "Ada Better"


def test_the_end_of_an_embargo_is_told_without_anybodys_act(node: House, engine: sa.Engine) -> None:
    row = dataset(1, isPublic=None, access="embargoed", embargoUntil="2026-06-01T00:00:00Z")
    load(engine, ("Dataset", row))
    node.minting.mint(OPERATOR, "Dataset", PID)
    node.settle()
    told = str(_held(node).attributes["rightsList"])
    assert "embargoedAccess" in told
    assert "openAccess" not in told
    node.clock.pass_by(days=100)
    node.settle()
    assert "embargoedAccess" in str(_held(node).attributes["rightsList"])
    node.clock.pass_by(days=100)
    node.settle()
    assert "openAccess" in str(_held(node).attributes["rightsList"])
    assert _row(engine).due is None


def test_what_was_withdrawn_stays_findable_with_its_reason(
    minted: House, engine: sa.Engine
) -> None:
    row = dataset(1, access="withdrawn", isPublic=None)
    load(engine, ("Dataset", row))
    minted.settle()
    held = _held(minted)
    assert held.state == "findable"
    assert "withdrawn" in str(held.attributes["descriptions"])


@pytest.mark.parametrize("access", ["erased", "closed"])
def test_of_what_is_gone_only_the_doi_remains(
    minted: House, engine: sa.Engine, access: str
) -> None:
    load(engine, ("Dataset", dataset(1, access=access, isPublic=None)))
    minted.settle()
    held = _held(minted)
    assert held.state == "registered"
    assert "Measurement 1" not in str(held.attributes)
    assert "team-a" not in str(held.attributes)


def test_what_is_closed_is_a_draft_that_says_nothing(node: House, engine: sa.Engine) -> None:
    load(engine, ("Dataset", dataset(1, access="closed", isPublic=None)))
    node.minting.mint(OPERATOR, "Dataset", PID)
    node.settle()
    assert _held(node).state == "draft"
    assert "Measurement 1" not in str(_held(node).attributes)
    assert _row(engine).due is None
    load(engine, ("Dataset", dataset(1)))
    node.settle()
    assert _held(node).state == "findable"


def test_two_versions_have_a_doi_for_both(minted: House, engine: sa.Engine) -> None:
    second = dataset(2, isNewVersionOf=PID)
    load(engine, ("Dataset", second))
    minted.minting.mint(OPERATOR, "Dataset", str(second["pid"]))
    minted.settle()
    concept = doi_of("Dataset", PID, prefix="10.5072", kind="concept")
    held = _held(minted, concept)
    assert held.state == "findable"
    assert held.attributes["titles"] == [{"title": "Measurement 2"}]
    newer = doi_of("Dataset", str(second["pid"]), prefix="10.5072")

    def related(name: str) -> set[tuple[str, str]]:
        lines = _held(minted, name).attributes["relatedIdentifiers"]
        return {(line["relationType"], line["relatedIdentifier"]) for line in lines}

    assert related(concept) == {("HasVersion", newer), ("HasVersion", DOI)}
    assert related(newer) == {("IsNewVersionOf", DOI), ("IsVersionOf", concept)}
    assert related(DOI) == {("IsPreviousVersionOf", newer), ("IsVersionOf", concept)}


@pytest.mark.parametrize("fault", [429, 503, "lost", "silent"])
def test_a_fault_is_waited_out(
    engine: sa.Engine, settings: Settings, stand_in: StandIn, fault: int | str
) -> None:
    load(engine, ("Dataset", dataset(1)))
    faults = [fault, fault]
    stand_in.faults = lambda _method, _doi: faults.pop() if faults else None  # type: ignore[return-value]
    with house(engine, settings, stand_in) as node:
        node.minting.mint(OPERATOR, "Dataset", PID)
        node.settle()
        assert _row(engine).message.startswith("It is tried again: ")
        assert _row(engine).tries == 1
        node.settle()
        assert len(faults) == 1
        node.clock.pass_by(seconds=60)
        node.settle()
        assert _row(engine).tries == 2
        node.clock.pass_by(seconds=60)
        node.settle()
        assert _held(node).state == "findable"
        assert _row(engine).message is None
        assert _row(engine).tries == 0


def test_what_is_refused_waits_for_a_person(
    node: House, engine: sa.Engine, stand_in: StandIn
) -> None:
    load(engine, ("Dataset", dataset(1)))
    password, stand_in.password = stand_in.password, "another"
    node.minting.mint(OPERATOR, "Dataset", PID)
    node.settle()
    node.clock.pass_by(days=10)
    node.settle()
    row = _row(engine)
    assert (row.state, row.due) == (None, None)
    assert "refuses the account" in row.message
    assert sum(stand_in.answered.values()) == 1
    stand_in.password = password
    assert [line.doi for line in node.minting.standing(OPERATOR).lines] == [DOI]
    assert node.minting.retry(OPERATOR) == 1
    node.settle()
    assert _held(node).state == "findable"


def test_an_unknown_answer_is_no_success(
    node: House, engine: sa.Engine, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine, ("Dataset", dataset(1)))
    put = stand_in.repository.put

    def ignores_events(name: str, given: dict[str, object]) -> bool:
        return put(name, {**given, "event": None})

    monkeypatch.setattr(stand_in.repository, "put", ignores_events)
    node.minting.mint(OPERATOR, "Dataset", PID)
    node.settle()
    assert "DataCite has the DOI as draft" in _row(engine).message
    monkeypatch.undo()
    node.clock.pass_by(minutes=1)
    node.settle()
    assert _held(node).state == _row(engine).state == "findable"


def test_what_changes_while_it_is_sent_is_sent_again(
    minted: House, engine: sa.Engine, stand_in: StandIn
) -> None:
    seen: list[str] = []

    def meanwhile(method: str, _doi: str) -> None:
        if method == "GET" and not seen:
            seen.append(method)
            load(engine, ("Dataset", dataset(1, title="Changed meanwhile")))
            minted.work._following.step()

    stand_in.faults = meanwhile
    # its state stays: nothing but the change says that there is more to tell
    load(engine, ("Dataset", dataset(1, title="Changed")))
    minted.settle()
    assert seen
    assert _held(minted).attributes["titles"] == [{"title": "Changed meanwhile"}]
    assert _row(engine).due is None


def test_patience_grows_and_ends(node: House) -> None:
    waits = [Terms().wait(tries) for tries in range(30)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=5)
    assert waits[-1] == timedelta(hours=1)
