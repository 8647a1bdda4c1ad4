"""A record as tests tell it, with all that a record can have, and what may be changed in it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from panosc.publication.record import (
    Agent,
    Detail,
    File,
    Funding,
    Instrument,
    Licence,
    Organisation,
    Parameter,
    Publication,
    Related,
    Sample,
    Term,
)

FACILITY = Organisation(name="Test Source", ror="https://ror.org/01xtthb56")
ADA = Agent(
    name="Ada Example",
    given="Ada",
    family="Example",
    orcid="https://orcid.org/0000-0002-1825-0097",
    affiliation=Organisation(name="University of Somewhere", ror="https://ror.org/02550n020"),
)
BO = Agent(name="Bo Helper", contributor="DataCollector")
FULL = Publication(
    model="Dataset",
    kind="raw",
    pid="local/abc",
    url="https://node.example/datasets/local/abc",
    doi="10.5072/abc",
    title="Lysozyme & “salt” <1>",
    description="Scattering of lysozyme.\nIn two lines.",
    is_described=True,
    creators=(ADA,),
    contributors=(BO,),
    publisher=FACILITY,
    keywords=("proteins", "small angle neutron scattering"),
    techniques=(
        Term(
            label="small angle neutron scattering",
            id="PaNET01189",
            uri="http://purl.org/pan-science/PaNET/PaNET01189",
        ),
        Term(label="our own way", id="own"),
    ),
    instrument=Instrument(
        pid="20.500.1/sans1",
        name="SANS-1",
        facility="Test Source",
        url="https://node.example/instruments/20.500.1/sans1",
        identifier="https://hdl.handle.net/20.500.1/sans1",
    ),
    licence=Licence(
        name="CC-BY-4.0", id="CC-BY-4.0", url="https://creativecommons.org/licenses/by/4.0/"
    ),
    access="open",
    opens=None,
    reason=None,
    collected=(datetime(2021, 5, 5, 10, tzinfo=UTC), datetime(2021, 5, 6, 11, tzinfo=UTC)),
    issued=datetime(2022, 1, 2, tzinfo=UTC),
    changed=datetime(2023, 3, 4, tzinfo=UTC),
    size=3000,
    related=(
        Related(
            relation="IsPartOf",
            identifier="10.5072/proposal",
            scheme="DOI",
            url="https://doi.org/10.5072/proposal",
            general="Project",
            title="A proposal",
        ),
        Related(
            relation="IsSupplementTo",
            identifier="10.1107/s1",
            scheme="DOI",
            url="https://doi.org/10.1107/s1",
            general="JournalArticle",
        ),
        Related(
            relation="IsSourceOf",
            identifier="https://node.example/datasets/local/made",
            scheme="local",
            url="https://node.example/datasets/local/made",
            general="Dataset",
        ),
        Related(
            relation="IsCompiledBy",
            identifier="RRID:SCR_014601",
            scheme="RRID",
            url="https://scicrunch.org/resolver/RRID:SCR_014601",
        ),
    ),
    funding=(
        Funding(
            funder=Organisation(name="European Commission", ror="https://ror.org/00k4n6c32"),
            award="823852",
            award_title="PaNOSC",
            award_url="https://cordis.europa.eu/project/id/823852",
        ),
    ),
    detail=Detail(
        parameters=(
            Parameter(name="temperature", value=300.5, unit="K"),
            Parameter(name="hidden formula", value="H2O"),
            Parameter(name="lost", value=float("nan")),
        ),
        samples=(Sample(pid="s1", name="Secret sample", description=None),),
        files=(
            File(
                name="a b.nxs",
                size=1000,
                sha256="ab" * 32,
                media_type="application/x-hdf5",
                url="https://node.example/datasets/local/abc/-/download?file=a%20b.nxs",
            ),
            File(
                name="notes.txt",
                size=None,
                sha256=None,
                media_type="text/plain",
                url="https://node.example/datasets/local/abc/-/download?file=notes.txt",
            ),
        ),
        file_count=2,
    ),
    facility="Test Source",
    node="https://node.example/",
)
BARE = Publication(
    model="Dataset",
    kind="raw",
    pid="local/bare",
    url="https://node.example/datasets/local/bare",
    doi=None,
    title="local/bare",
    description="Raw data from Test Source.",
    is_described=False,
    creators=(Agent(name="Test Source", is_person=False),),
    contributors=(),
    publisher=Organisation(name="Test Source"),
    keywords=(),
    techniques=(),
    instrument=None,
    licence=None,
    access="open",
    opens=None,
    reason=None,
    collected=(None, None),
    issued=datetime(2022, 1, 2, tzinfo=UTC),
    changed=datetime(2023, 3, 4, tzinfo=UTC),
    size=None,
    related=(),
    funding=(),
    detail=Detail(),
    facility="Test Source",
    node="https://node.example/",
)
DETAIL = ("a b.nxs", "a%20b.nxs", "notes.txt", "abab", "Secret", "temperature", "300.5", "H2O")
"""What is in `FULL` and may be in nothing that tells of its core."""


def full(**other: Any) -> Publication:
    """Return a record with everything, but for what is given."""
    return replace(FULL, **other)


EMBARGOED = full(access="embargoed", opens=datetime(2031, 1, 2, tzinfo=UTC), detail=None, size=4000)
WITHDRAWN = full(access="withdrawn", reason="The detector was off.", detail=None)
PROPOSAL = full(
    model="Document", kind="proposal", techniques=(), instrument=None, size=None, detail=Detail()
)
VARIANTS = {
    "full": FULL,
    "bare": BARE,
    "embargoed": EMBARGOED,
    "withdrawn": WITHDRAWN,
    "proposal": PROPOSAL,
}
