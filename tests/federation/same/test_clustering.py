"""Which records are one does not depend on their order, and never goes against a DOI."""

import random

from hypothesis import given
from hypothesis import strategies as st

from panosc.federation.same.clustering import OWN, Record, clustered, dois_of
from panosc.federation.same.keys import identifier_key, keys_of

SOURCES = {
    OWN: (0, "", ""),
    "esrf": (2, "2026-01-01", "esrf"),
    "ill": (2, "2026-01-02", "ill"),
    "datacite": (3, "2025-01-01", "datacite"),
    "zenodo": (3, "2025-01-02", "zenodo"),
}
KEYS = [
    "doi:10.1234/a",
    "doi:10.1234/b",
    "doi:10.1234/c",
    "pid:h/1",
    "pid:h/2",
    "strong:m/x",
    "strong:m/y",
]


def record(source: str, pid: str, *keys: str) -> Record:
    found = dict.fromkeys((identifier_key(pid), *keys))
    return Record(source=source, rank=SOURCES[source], own_pid=pid, keys=tuple(found))


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    places = draw(
        st.lists(st.tuples(st.sampled_from(sorted(SOURCES)), st.integers(0, 3)), unique=True)
    )
    return [
        record(source, f"{source or 'own'}/{number}", *draw(st.sets(st.sampled_from(KEYS))))
        for source, number in places
    ]


def groups(found: dict[Record, object]) -> dict[str, list[Record]]:
    by_pid: dict[str, list[Record]] = {}
    for item, verdict in found.items():
        by_pid.setdefault(verdict.pid, []).append(item)  # type: ignore[attr-defined]
    return by_pid


@given(records(), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(given_: list[Record], rng: random.Random) -> None:
    shuffled = list(given_)
    rng.shuffle(shuffled)
    assert clustered(given_) == clustered(shuffled)


@given(records())
def test_what_is_one_has_one_of_each_source_and_no_two_dois(given_: list[Record]) -> None:
    for members in groups(clustered(given_)).values():
        names = [item.source for item in members]
        assert len(names) == len(set(names))
        for one in members:
            for two in members:
                assert not dois_of(one) or not dois_of(two) or dois_of(one) & dois_of(two)


@given(records())
def test_one_is_shown_unless_it_is_this_nodes_own(given_: list[Record]) -> None:
    found = clustered(given_)
    for pid, members in groups(found).items():
        shown = [item for item in members if found[item].is_shown]
        best = min(members, key=lambda item: item.rank)
        assert pid == best.own_pid
        assert shown == ([] if best.source == OWN else [best])
        for item in members:
            assert bool(found[item].evidence) == (item is not best)


@given(records())
def test_the_same_doi_is_one_record_where_nothing_speaks_against_it(given_: list[Record]) -> None:
    found = clustered(given_)
    by_doi: dict[str, list[Record]] = {}
    for item in given_:
        for doi in dois_of(item):
            by_doi.setdefault(doi, []).append(item)
    for members in by_doi.values():
        is_plain = all(len(dois_of(item)) == 1 for item in members)
        names = [item.source for item in members]
        if is_plain and len(names) == len(set(names)):
            assert len({found[item].pid for item in members}) == 1


def test_a_doi_conflict_is_not_bridged() -> None:
    one = record("esrf", "esrf/1", "doi:10.1234/a", "pid:h/1")
    bridge = record("zenodo", "zenodo/1", "pid:h/1", "pid:h/2")
    two = record("ill", "ill/1", "doi:10.1234/b", "pid:h/2")
    found = clustered([one, bridge, two])
    assert found[one].pid != found[two].pid
    assert found[bridge].pid in {"esrf/1", "ill/1"}


def test_a_likeness_that_fits_two_of_a_source_says_nothing() -> None:
    twins = [record("esrf", f"esrf/{number}", "strong:m/x") for number in (1, 2)]
    other = record("ill", "ill/1", "strong:m/x")
    found = clustered([*twins, other])
    assert {verdict.pid for verdict in found.values()} == {"esrf/1", "esrf/2", "ill/1"}


def test_it_says_why() -> None:
    found = clustered([record("esrf", "10.1234/A"), record("datacite", "x", "doi:10.1234/a")])
    verdict = found[record("datacite", "x", "doi:10.1234/a")]
    assert verdict.pid == "10.1234/A"
    assert verdict.evidence == {
        "by": "doi",
        "keys": ["doi:10.1234/a"],
        "with": "10.1234/A",
        "source": "esrf",
        "words": "It has the same DOI (10.1234/a) as a record of esrf",
    }


def test_a_likeness_needs_title_start_facility_and_size_or_instrument() -> None:
    row = {
        "pid": "1",
        "title": "SAXS of a gel, run 3",
        "creationDate": "2026-01-02T03:04:05Z",
        "size": 12,
    }

    def strong(*, facility: str = "ESRF", instrument: str = "", **other: object) -> str | None:
        found = keys_of("Dataset", row | other, also=(), instrument=instrument, facility=facility)
        return next((key for key in found if key.startswith("strong:")), None)

    assert strong() is not None
    assert strong() == strong(
        title="saxs OF a gel (run 3)", creationDate="2026-01-02T04:04:59+01:00"
    )
    assert strong(size=None, instrument="ID02") is not None
    others = [
        strong(title="SAXS of a gel, run 4"),
        strong(creationDate="2026-01-02T03:05:00Z"),
        strong(size=13),
        strong(size=None, instrument="ID02"),
        strong(facility="ILL"),
    ]
    assert len({strong(), *others}) == 6
    assert strong(size=None) is None
    assert strong(title="run 3") is None
    assert strong(creationDate="yesterday") is None
