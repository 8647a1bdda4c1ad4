"""All exports say the same of a record: of those that tests tell, and of two hundred at random."""

from datetime import UTC, datetime

import publication_catalogue as small
import pytest
import random_catalogue
import sqlalchemy as sa
import told as records
from readers import READERS
from said import differences, expected
from valid import VALID

from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE
from panosc.publication.exporting import exports
from panosc.publication.gathering import Gatherer, Sources
from panosc.publication.record import Organisation, Publication, Term

# a warning of rdflib to itself
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
TOLD_IN_CODE = {"notebook"}
"""They open the data and cite the record, in words and code; they are no metadata to be read."""
NAMES = sorted(set(exports()) - TOLD_IN_CODE)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def at_random(engine: sa.Engine) -> list[Publication]:
    """Two hundred records at random, as anyone is told of them."""
    pids, rows = random_catalogue.catalogue(random_catalogue.drawn(200))
    with engine.begin() as connection:
        write(connection, rows, now=NOW)
    sources = Sources(
        facility=Organisation(name=small.FACILITY),
        term=lambda pid, name, _panet: Term(label=name or pid, id=pid),
        licence=lambda _policy, _kind: "CC-BY-4.0",
    )
    gatherer = Gatherer(engine, lambda: NOW, sources)
    found = list(gatherer.each(ANYONE, "Dataset", pids, small.address))
    assert len(found) == 200
    return found


def test_every_format_is_read_and_judged() -> None:
    assert set(READERS) == set(VALID) == set(NAMES)


@pytest.mark.parametrize("variant", records.VARIANTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_format_says_what_is_to_be_said(name: str, variant: str) -> None:
    record = records.VARIANTS[variant]
    content = exports()[name].write(record)
    VALID[name](content, record)
    assert differences(READERS[name](content), expected(record)) == {}


def test_all_formats_agree_on_records_at_random(at_random: list[Publication]) -> None:
    for record in at_random:
        wanted = expected(record)
        for name in NAMES:
            content = exports()[name].write(record)
            VALID[name](content, record)
            found = differences(READERS[name](content), wanted)
            assert found == {}, (name, record)


@pytest.mark.parametrize("variant", ["embargoed", "withdrawn"])
@pytest.mark.parametrize("name", sorted(exports()))
def test_what_is_not_open_tells_nothing_of_its_detail(name: str, variant: str) -> None:
    content = exports()[name].write(records.VARIANTS[variant]).decode()
    assert [secret for secret in records.DETAIL if secret in content] == []
