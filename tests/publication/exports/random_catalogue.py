"""Catalogues at random: datasets with any texts, dates, people, licences and related works."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Line = dict[str, Any]
NASTY = (
    "<b>&amp;]]>",
    "{\\textbackslash}",
    "@misc{x,",
    "line\r\nER  - \r\nTY  - JOUR",
    "\u202eright to left\u202c",
    "\u05e9\u05dc\u05d5\u05dd",
    "\x07\x1b\ufeff\ufffe",
    "\U0001f9ea \u2028 \u0085",
    '"quotes" and $%#_^~',
    "A and B and others",
    "x" * 1000,
)
TEXTS = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
    ),
    st.sampled_from(NASTY),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=3).map(" ".join),
)
"""Anything that a database of text can hold."""
NAMES = st.one_of(st.sampled_from(["Ada", "Jean-Paul", "de la Cruz", "O'Neil", "Ж"]), TEXTS)
MOMENTS = st.datetimes(datetime(1901, 1, 1), datetime(2025, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC).isoformat()
)
LICENCES = st.one_of(
    st.none(),
    st.sampled_from(["CC-BY-4.0", "cc0", "MIT", "https://lic.example/a?b=c#d", "https://a b/<c>"]),
    TEXTS,
)
WORKS = st.sampled_from(
    [
        "10.5281/zenodo.1",
        "10.1002/(SICI)1096<1::AID>3.0.CO;2-B",
        "https://doi.org/10.1107/S1600577514001234",
        "https://works.example/a,b?c=(d)",
        "https://bad.example/<x>",
        "20.500.12345/abc",
        "arXiv:2101.00001",
        "RRID:SCR_014601",
        "PMID:12345678",
        "urn:nbn:de:101:1-201102033592",
        "no identifier at all",
    ]
)
RELATIONS = st.sampled_from(
    [
        "IsPartOf",
        "HasPart",
        "IsNewVersionOf",
        "IsPreviousVersionOf",
        "IsVersionOf",
        "HasVersion",
        "IsDerivedFrom",
        "IsSourceOf",
        "IsSupplementTo",
        "IsSupplementedBy",
        "IsCitedBy",
        "Cites",
        "IsReferencedBy",
        "References",
        "IsDocumentedBy",
        "Documents",
        "IsCollectedBy",
        "Collects",
        "IsCompiledBy",
        "Compiles",
        "IsDescribedBy",
        "Describes",
        "IsIdenticalTo",
        "IsNothingThatIsKnown",
    ]
)
RELATED = st.fixed_dictionaries(
    {
        "relatedIdentifier": WORKS,
        "relationType": RELATIONS,
        "resourceTypeGeneral": st.sampled_from(["Software", "Project", "<b>", "JournalArticle"]),
    }
)
ORCIDS = (
    "0000-0002-1825-0097",
    "0000-0001-5109-3700",
    "0000-0002-1694-233X",
    "0000-0002-1825-0098",
)
"""Those of ORCID's own examples, and one whose checksum is wrong."""
ACCESS = st.sampled_from(["open", "open", "embargoed", "withdrawn"])
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"fullName": NAMES},
        optional={
            "firstName": NAMES,
            "lastName": NAMES,
            "has_orcid": st.booleans(),
        },
    ),
    max_size=4,
)
DATASETS = st.fixed_dictionaries(
    {
        "people": PEOPLE,
        "roles": st.lists(st.sampled_from(["PI", "local contact"]), min_size=4, max_size=4),
        "access": ACCESS,
        "relatedIdentifiers": st.lists(RELATED, max_size=4),
        "parent": st.none() | st.integers(0, 50),
        "is_doi": st.booleans(),
        "funding": st.lists(st.fixed_dictionaries({"funderName": TEXTS}), max_size=2),
        "keywords": st.lists(TEXTS, max_size=3),
    },
    optional={
        "title": TEXTS,
        "description": TEXTS,
        "creationDate": MOMENTS,
        "endDate": MOMENTS,
        "releaseDate": MOMENTS,
        "license": LICENCES,
        "withdrawnReason": TEXTS,
        "size": st.integers(0, 2**50),
        "parameter": st.tuples(TEXTS, st.one_of(TEXTS, st.floats())),
        "file": TEXTS,
    },
)


def drawn(count: int) -> list[Line]:
    """Return that many datasets at random, the same in every run of one profile."""
    found: list[Line] = []

    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(DATASETS)
    def draw(line: Line) -> None:
        found.append(line)

    draw()
    return found[:count]


def catalogue(lines: list[Line]) -> tuple[list[str], list[tuple[str, Line]]]:
    """Return the PIDs of datasets, and rows to write."""
    pids = [
        f"10.5072/r{place}" if line["is_doi"] else f"local/r {place}\x02"
        for place, line in enumerate(lines)
    ]
    rows: list[tuple[str, Line]] = []
    for place, (pid, line) in enumerate(zip(pids, lines, strict=True)):
        rows += _rows(pid, place, line, pids)
    return pids, rows


def _rows(pid: str, place: int, line: Line, pids: list[str]) -> list[tuple[str, Line]]:
    told = {
        key: line[key]
        for key in (
            "access",
            "relatedIdentifiers",
            "funding",
            "keywords",
            "title",
            "description",
            "creationDate",
            "endDate",
            "releaseDate",
            "license",
            "withdrawnReason",
            "size",
        )
        if key in line
    }
    if told["access"] == "embargoed":
        told["embargoUntil"] = "2031-02-03T00:00:00Z"
    if line["parent"] is not None and line["parent"] < place:
        told["derivedFrom"] = [pids[line["parent"]]]
    rows: list[tuple[str, Line]] = [("Dataset", {"pid": pid, **told})]
    for number, person in enumerate(line["people"]):
        key = f"p{place}-{number}"
        role = line["roles"][number]
        orcid = {"orcid": ORCIDS[number]} if person.get("has_orcid") else {}
        names = {name: text for name, text in person.items() if name != "has_orcid"}
        rows.append(("Person", {"id": key, **names, **orcid}))
        rows.append(("Member", {"id": f"m{key}", "datasetId": pid, "personId": key, "role": role}))
    if "parameter" in line:
        name, value = line["parameter"]
        rows.append(
            ("Parameter", {"id": f"q{place}", "datasetId": pid, "name": name, "value": value})
        )
    if "file" in line:
        rows.append(
            ("File", {"id": f"f{place}", "datasetId": pid, "name": line["file"], "size": 1})
        )
    return rows
