"""What is said of records: to nobody, to the team; with fallbacks, and relations both ways."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import publication_catalogue as given
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.tables import dataset, ruling
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import NotFound
from panosc.publication.gathering import Gatherer, Sources
from panosc.publication.record import Model, Organisation, Publication, Term

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEAM = Who(person="u-1", groups=frozenset({"team-a"}))
Tell = Callable[..., Publication]


def _term(pid: str, name: str | None, _panet: str | None) -> Term:
    return Term(label=name or pid, id=pid)


@pytest.fixture
def gatherer(engine: sa.Engine) -> Gatherer:
    """What tells of the catalogue."""
    rows = ((model, line) for model, lines in given.CATALOGUE.items() for line in lines)
    with engine.begin() as connection:
        write(connection, rows, now=NOW)
    sources = Sources(
        facility=Organisation(name=given.FACILITY),
        term=_term,
        licence=lambda _policy, _kind: "CC-BY-4.0",
    )
    return Gatherer(engine, lambda: NOW, sources)


@pytest.fixture
def tell(gatherer: Gatherer) -> Tell:
    """Tells of one record."""

    def tells(pid: str, who: Who = ANYONE, model: Model = "Dataset") -> Publication:
        return gatherer.one(who, model, pid, given.address)

    return tells


def test_all_that_is_known_of_an_open_dataset(tell: Tell) -> None:
    found = tell(given.OPEN)
    assert found.title == "Lysozyme & “salt” <1>"
    assert found.description == "Scattering of lysozyme."
    assert found.is_described
    (creator,) = found.creators
    assert (creator.name, creator.orcid) == (
        "Ada Example",
        "https://orcid.org/0000-0002-1825-0097",
    )
    assert creator.affiliation == Organisation(
        name="University of Somewhere", ror="https://ror.org/02550n020"
    )
    (helper,) = found.contributors
    assert (helper.name, helper.contributor) == ("Bo Helper", "DataCollector")
    assert found.keywords == ("proteins", "small angle", "SANS", "SANS-1")
    assert found.licence is not None
    assert found.licence.id == "CC-BY-4.0"
    assert found.dates == (
        ("Collected", "2021-05-05/2021-05-06"),
        ("Issued", "2022-01-02"),
        ("Available", "2022-01-02"),
        ("Updated", found.changed.isoformat()[:10]),
    )
    assert found.instrument is not None
    assert found.instrument.identifier == "https://hdl.handle.net/20.500.1/sans1"
    assert [item.award for item in found.funding] == ["823852"]
    assert found.detail is not None
    assert [item.name for item in found.detail.parameters] == ["chemical_formula", "temperature"]
    assert [item.media_type for item in found.detail.files] == [
        "application/x-hdf5",
        "text/plain",
    ]
    assert found.detail.files[0].url.endswith("/datasets/10.5072/open/-/download?file=a%20b.nxs")
    assert found.detail.file_count == 2


def test_relations_tell_of_what_everyone_may_know_alone(tell: Tell) -> None:
    found = [(item.relation, item.identifier, item.scheme) for item in tell(given.OPEN).related]
    assert found == [
        ("IsPartOf", "10.5072/proposal", "DOI"),
        ("IsSupplementTo", "10.1107/s0000000000000001", "DOI"),
        ("IsPreviousVersionOf", "10.5072/embargoed", "DOI"),
        ("IsCompiledBy", "10.5281/zenodo.1", "DOI"),
    ]


def test_an_embargoed_dataset_is_its_core(tell: Tell) -> None:
    found = tell(given.EMBARGOED)
    assert (found.access, found.detail, found.size) == ("embargoed", None, 4000)
    assert found.opens == datetime(2031, 1, 2, tzinfo=UTC)
    assert ("Available", "2031-01-02") in found.dates
    assert (
        found.description == "Raw data by SANS on SANS-1 from Test Source, measured on 2021-05-07."
    )
    assert not found.is_described
    assert tell(given.EMBARGOED, TEAM).detail is not None


def test_a_closed_dataset_is_as_if_it_never_was(tell: Tell) -> None:
    with pytest.raises(NotFound) as never:
        tell("10.5072/never")
    with pytest.raises(NotFound) as closed:
        tell(given.CLOSED)
    assert closed.value.detail == never.value.detail.replace("10.5072/never", given.CLOSED)
    parts = [item.identifier for item in tell(given.PROPOSAL, model="Document").related]
    assert sorted(parts) == [given.EMBARGOED, given.OPEN]


def test_a_withdrawn_dataset_says_why(tell: Tell) -> None:
    found = tell(given.WITHDRAWN)
    assert (found.access, found.reason, found.detail) == (
        "withdrawn",
        "The detector was off.",
        None,
    )


def test_a_bare_file_has_fallbacks(tell: Tell) -> None:
    found = tell(given.BARE)
    assert [item.name for item in found.creators] == [given.FACILITY]
    assert not found.creators[0].is_person
    assert (found.title, found.doi) == (given.BARE, None)
    assert found.description == "Raw data from Test Source."
    assert found.licence is not None
    assert found.licence.id == "CC-BY-4.0"


def test_a_policy_grants_by_its_version_and_the_kind_of_data(
    gatherer: Gatherer, engine: sa.Engine
) -> None:
    sources = Sources(
        facility=Organisation(name=given.FACILITY),
        term=_term,
        licence=lambda policy, kind: f"{policy} for {kind}",
    )
    with engine.begin() as connection:
        key = sa.select(dataset.c.id).where(dataset.c.pid == given.BARE).scalar_subquery()
        old = insert(ruling).values(dataset_id=key, policy="old@1")
        connection.execute(
            old.on_conflict_do_update(index_elements=["dataset_id"], set_={"policy": "old@1"})
        )
    told = Gatherer(engine, lambda: NOW, sources)
    said = told.one(ANYONE, "Dataset", given.BARE, given.address).licence
    assert said is not None
    assert told.granted({given.BARE: None, "10.5072/elsewhere": "raw"}) == {
        given.BARE: said.name,
        "10.5072/elsewhere": "None for raw",
    }
    assert said.name == "old@1 for None"


def test_more_records_take_no_more_statements(gatherer: Gatherer, engine: sa.Engine) -> None:
    def count(pids: list[str]) -> int:
        statements: list[str] = []

        def note(*arguments: object) -> None:
            statements.append(str(arguments[2]))

        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            with engine.connect() as connection:
                gatherer.many(connection, ANYONE, "Dataset", pids, given.address)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    few = [given.OPEN, given.EMBARGOED]
    assert count([*few, given.WITHDRAWN, given.BARE]) == count(few)


def test_the_core_alone_can_be_told_of_many(gatherer: Gatherer) -> None:
    pids = [given.OPEN, "10.5072/never", given.EMBARGOED]
    found = list(gatherer.core.each(TEAM, "Dataset", pids, given.address))
    assert [(item.pid, item.detail) for item in found] == [
        (given.OPEN, None),
        (given.EMBARGOED, None),
    ]
    (whole,) = gatherer.each(TEAM, "Dataset", [given.OPEN], given.address)
    assert whole.detail is not None
    assert replace(whole, detail=None) == found[0]
    (proposal,) = gatherer.core.each(ANYONE, "Document", [given.PROPOSAL], given.address)
    assert proposal.detail is None


def test_datasets_of_our_own_prefix_have_a_doi_once_it_is_registered(
    gatherer: Gatherer, engine: sa.Engine
) -> None:
    sources = Sources(
        facility=Organisation(name=given.FACILITY),
        term=_term,
        licence=lambda _policy, _kind: None,
        mints="10.5072",
    )
    minting = Gatherer(engine, lambda: NOW, sources)
    assert minting.one(ANYONE, "Dataset", given.OPEN, given.address).doi is None
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into doi (doi, model, pid, wanted, state, by, asked, changed) values"
                " ('10.5072/x', 'Dataset', :pid, 'findable', 'findable', 'me', now(), now())"
            ),
            {"pid": given.OPEN},
        )
    assert minting.one(ANYONE, "Dataset", given.OPEN, given.address).doi == "10.5072/x"
