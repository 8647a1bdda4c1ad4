"""The access decision as a truth table written from the contract by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.access import (
    ALWAYS,
    ANYONE,
    NEVER,
    OPERATOR,
    Guard,
    Who,
    guard_of,
    may,
    state_of,
)
from panosc.domain.errors import Invalid

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=10)
TEAM = Who(person="ada", groups=frozenset({"P1"}))
STRANGER = Who(person="bob", groups=frozenset({"P2"}))
GUARDS = {
    "open": Guard(group="P1"),
    "embargoed": Guard(open_at=LATER, group="P1"),
    "closed": Guard(core_at=NEVER, open_at=NEVER, group="P1"),
    "withdrawn": Guard(mark="withdrawn", group="P1"),
    "erased": Guard(mark="erased", group="P1"),
}
#           state        who       list   core   detail bytes
TABLE = [
    ("open", ANYONE, True, True, True, True),
    ("open", TEAM, True, True, True, True),
    ("embargoed", ANYONE, True, True, False, False),
    ("embargoed", STRANGER, True, True, False, False),
    ("embargoed", TEAM, True, True, True, True),
    ("embargoed", OPERATOR, True, True, True, True),
    ("closed", ANYONE, False, False, False, False),
    ("closed", STRANGER, False, False, False, False),
    ("closed", TEAM, True, True, True, True),
    ("closed", OPERATOR, True, True, True, True),
    ("withdrawn", ANYONE, False, True, False, False),
    ("withdrawn", TEAM, False, True, False, False),
    ("withdrawn", OPERATOR, False, True, True, False),
    ("erased", ANYONE, False, False, False, False),
    ("erased", TEAM, False, False, False, False),
    ("erased", OPERATOR, False, False, False, False),
]


@pytest.mark.parametrize("row", TABLE)
def test_the_table_of_the_contract(row):
    state, who, *expected = row
    guard = GUARDS[state]
    assert state_of(guard, now=NOW) == state
    assert [may(who, action, guard, now=NOW) for action in ("list", "core", "detail", "bytes")] == (
        expected
    )


def test_an_embargo_ends_by_itself():
    guard = GUARDS["embargoed"]
    assert not may(ANYONE, "bytes", guard, now=LATER - timedelta(microseconds=1))
    assert may(ANYONE, "bytes", guard, now=LATER)


@pytest.mark.parametrize(
    ("access", "is_public", "until", "state"),
    [
        (None, True, LATER, "open"),
        (None, False, LATER, "embargoed"),
        (None, False, NOW, "closed"),
        (None, False, None, "closed"),
        ("open", False, LATER, "open"),
        ("embargoed", True, LATER, "embargoed"),
        ("embargoed", False, None, "embargoed"),
        ("closed", True, LATER, "closed"),
        ("withdrawn", True, None, "withdrawn"),
        ("erased", True, None, "erased"),
    ],
)
def test_what_a_catalogue_says_becomes_a_state(access, is_public, until, state):
    guard = guard_of(access, is_public=is_public, until=until, now=NOW)
    assert state_of(guard, now=NOW) == state


def test_an_unknown_state_is_refused():
    with pytest.raises(Invalid, match="secret"):
        guard_of("secret", is_public=True, until=None, now=NOW)


times = st.sampled_from([ALWAYS, NOW - timedelta(1), NOW, NOW + timedelta(1), NEVER])
guards = st.builds(
    Guard,
    mark=st.sampled_from(["normal", "withdrawn", "erased"]),
    core_at=times,
    open_at=times,
    group=st.sampled_from([None, "P1", "P2"]),
)


@given(guards, st.sampled_from([ANYONE, TEAM, STRANGER, OPERATOR]))
def test_bytes_need_detail_and_detail_needs_core(guard, who):
    if may(who, "bytes", guard, now=NOW):
        assert may(who, "detail", guard, now=NOW)
    for action in ("list", "detail"):
        if may(who, action, guard, now=NOW):
            assert may(who, "core", guard, now=NOW)
