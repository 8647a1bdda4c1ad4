"""The access decision as SQL, and as clauses of the search index, is that of the function."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import tantivy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc.catalogue.tables import dataset, document, instrument, share
from panosc.domain.access import (
    ALWAYS,
    EVERY_SCOPE,
    NEVER,
    NODE_ROLES,
    Guard,
    Share,
    Who,
    may,
    state_of,
)
from panosc.domain.pid import surrogate
from panosc.policy.sql import count_listed, state, visible
from panosc.search.index.access import Gate, shared_with
from panosc.search.index.gathering import documents
from panosc.search.index.schema import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GROUPS = ["P1", "P2", "P'3", "Ü/4", 'P"5\\']
INSTRUMENTS = ["10.5072/d22", "10.5072/d11", "i'1"]
PEOPLE = ["u-a", "u-b", "svc-d22"]
LINKS = ["link:0a", "link:0b"]
ACTIONS = ("list", "core", "detail", "bytes")
RECORDS, EXAMPLES = 60, 60
cases = {"number": 0, "index": 0}
"""How many decisions were compared: a record, a caller, a moment, an action."""

days = st.integers(-3, 3).map(lambda count: NOW + timedelta(days=count))
times = st.sampled_from([ALWAYS, NEVER, NOW]) | days
readers = st.sampled_from([*GROUPS, *(f"person:{name}" for name in PEOPLE), *LINKS])
shares = st.dictionaries(readers, st.none() | days, max_size=3).map(
    lambda given_: frozenset(Share(reader=name, until=end) for name, end in given_.items())
)
guards = st.builds(
    Guard,
    mark=st.sampled_from(["normal", "normal", "normal", "withdrawn", "erased"]),
    core_at=times,
    open_at=times,
    group=st.sampled_from([None, *GROUPS]),
    instrument=st.sampled_from([None, *INSTRUMENTS]),
    shares=shares,
)
held = [*GROUPS, *LINKS, *(f"instrument:{pid}" for pid in INSTRUMENTS)]
people = st.builds(
    Who,
    person=st.sampled_from([None, *PEOPLE]),
    groups=st.frozensets(st.sampled_from(held), max_size=4),
    roles=st.frozensets(st.sampled_from(sorted(NODE_ROLES))),
    scopes=st.just(EVERY_SCOPE) | st.frozensets(st.sampled_from(sorted(EVERY_SCOPE))),
    via=st.sampled_from(["nobody", "session", "token", "bearer", "link", "shell"]),
)
moments = st.integers(-4, 4).map(lambda count: NOW + timedelta(days=count))


def fill(connection, records):
    """Put the records into the tables, as datasets with all that guards them."""
    pids = {"id": 0, "pid": ""}
    connection.execute(
        sa.insert(instrument),
        [{**pids, "id": surrogate("Instrument", pid), "pid": pid} for pid in INSTRUMENTS],
    )
    rows = [
        {
            "id": number,
            "pid": str(number),
            "mark": guard.mark,
            "core_at": guard.core_at,
            "open_at": guard.open_at,
            "owner_group": guard.group,
        }
        for number, guard in enumerate(records)
    ]
    placed = [
        row
        | {
            "instrument_id": None
            if guard.instrument is None
            else surrogate("Instrument", guard.instrument)
        }
        for row, guard in zip(rows, records, strict=True)
    ]
    connection.execute(sa.insert(dataset), placed)
    connection.execute(sa.insert(document), rows)
    given_ = [
        {
            "id": f"{number}-{index}",
            "dataset_id": number,
            "reader": item.reader,
            "until": item.until,
            "by": "u-x",
        }
        for number, guard in enumerate(records)
        for index, item in enumerate(sorted(guard.shares, key=lambda item: item.reader))
    ]
    if given_:
        connection.execute(sa.insert(share), given_)


@pytest.fixture(scope="module", autouse=True)
def _that_many_cases_are_tried():
    yield
    assert all(number == 0 or number >= 10_000 for number in cases.values()), cases


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(guards, min_size=RECORDS, max_size=RECORDS),
    st.lists(st.tuples(people, moments), min_size=3, max_size=3),
)
def test_function_and_predicate_agree(engine, records, asking):
    with engine.connect() as connection:
        fill(connection, records)
        for who, now in asking:
            for action in ACTIONS:
                select = sa.select(dataset.c.id).where(visible(dataset, who, action, now=now))
                found = set(connection.execute(select).scalars())
                expected = {
                    number
                    for number, guard in enumerate(records)
                    if may(who, action, guard, now=now)
                }
                assert found == expected, action
                cases["number"] += len(records)
            count = connection.execute(sa.select(count_listed(dataset, who, now=now))).scalar()
            assert count == sum(may(who, "list", guard, now=now) for guard in records)
            states = connection.execute(sa.select(dataset.c.id, state(dataset, now=now))).all()
            assert {row.id: row[1] for row in states} == {
                number: state_of(guard, now=now) for number, guard in enumerate(records)
            }
        connection.rollback()


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(guards, min_size=30, max_size=30), people, moments)
def test_documents_are_guarded_by_group_alone(engine, records, who, now):
    with engine.connect() as connection:
        fill(connection, records)
        for action in ACTIONS:
            select = sa.select(document.c.id).where(visible(document, who, action, now=now))
            assert set(connection.execute(select).scalars()) == {
                number
                for number, guard in enumerate(records)
                if may(
                    who,
                    action,
                    Guard(
                        mark=guard.mark,
                        core_at=guard.core_at,
                        open_at=guard.open_at,
                        group=guard.group,
                    ),
                    now=now,
                )
            }
        connection.rollback()


def searched(found):
    """Return an index of documents."""
    index = tantivy.Index(build())
    writer = index.writer(15_000_000, 1)
    for one in found:
        writer.add_document(one)
    writer.commit()
    index.reload()
    return index


def keys(index, *hidden):
    """Return the keys of the documents that are not hidden."""
    everything = (tantivy.Occur.Must, tantivy.Query.all_query())
    hiding = [(tantivy.Occur.MustNot, one) for one in hidden]
    query = tantivy.Query.boolean_query([everything, *hiding])
    searcher = index.searcher()
    hits = searcher.search(query, RECORDS).hits
    return set(searcher.fast_field_values("key", [address for _, address in hits]))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(guards, min_size=RECORDS, max_size=RECORDS),
    st.lists(st.tuples(people, moments), min_size=3, max_size=3),
)
def test_function_and_index_agree(engine, records, asking):
    with engine.connect() as connection:
        fill(connection, records)
        index = searched(documents(connection, "Dataset", range(RECORDS)))
        for who, now in asking:
            shared = shared_with(connection, who, now=now)
            gate = Gate(index.schema, who, now=now, shared=shared)
            listed = {n for n, guard in enumerate(records) if may(who, "list", guard, now=now)}
            assert keys(index, gate.hidden("list")) == listed
            # the index asks for detail only of what is listed: nobody finds what is withdrawn
            open_ = {n for n in listed if may(who, "detail", records[n], now=now)}
            assert keys(index, gate.hidden("list"), gate.hidden("detail")) == open_
            assert keys(index, gate.hidden("detail")) == open_
            cases["index"] += 2 * len(records)
        connection.rollback()
