"""Acts: who may do what in which state, what becomes of it, and that the trail tells it all."""

from datetime import timedelta

import policy_people as given
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from policy_people import CLOSED, EMBARGOED, OPEN, PI, STEWARD, WITHDRAWN, Place

from panosc.catalogue.dumping import dump
from panosc.catalogue.loading import load
from panosc.catalogue.people import audit, petition
from panosc.catalogue.tables import changes, dataset, file, parameter, ruling, share
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR, may
from panosc.domain.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PanoscError,
    Unauthenticated,
    WrongScope,
)

WHY = "The sample was mislabelled."
# written from the policy by hand: who may do it, at all
DOERS = {
    "release": {"pi"},
    "withdraw": {"steward"},
    "restore": {"steward"},
    "share": {"pi"},
    "ask_extension": {"pi"},
    "ask_erasure": {"steward", "director"},
}
# and in which state there is something to do
FITTING = {
    "release": {"embargoed", "closed"},
    "withdraw": {"open", "embargoed"},
    "restore": {"withdrawn"},
    "share": {"embargoed", "closed"},
    "ask_extension": {"embargoed"},
    "ask_erasure": {"open", "embargoed", "closed", "withdrawn"},
}
# who does not learn that a closed dataset exists
OUTSIDE = {"anyone", "stranger", "director", "administrator"}


def does(place, act, who, pid):
    match act:
        case "release":
            place.acts.release(who, pid)
        case "withdraw":
            place.acts.withdraw(who, pid, reason=WHY)
        case "restore":
            place.acts.restore(who, pid, reason=WHY)
        case "share":
            place.sharing.give(who, pid, kind="link")
        case "ask_extension":
            place.petitions.ask_extension(who, pid, years=1, text=WHY)
        case "ask_erasure":
            place.petitions.ask_erasure(who, pid, reason=WHY)
        case _:
            raise AssertionError(act)


def withdrawn_here(place):
    """Let a steward withdraw the open dataset, since what its source withdrew stays so."""
    place.acts.withdraw(STEWARD, OPEN, reason=WHY)


def expected(act, name, state):
    if name == "anyone":
        return Unauthenticated
    if state == "erased":
        return Gone
    if state == "closed" and name in OUTSIDE:
        return NotFound
    if name not in DOERS[act]:
        return Forbidden
    return None if state in FITTING[act] else Conflict


@pytest.mark.parametrize("act", list(DOERS))
def test_each_act_is_for_its_roles_and_states(place, act):
    for pid, state in given.STATES.items():
        for name, who in given.PEOPLE.items():
            if act == "restore" and state == "withdrawn" and name == "steward":
                continue
            wanted = expected(act, name, state)
            before = place.trail()
            if wanted is None:
                continue
            with pytest.raises(wanted) as caught:
                does(place, act, who, pid)
            assert type(caught.value) is wanted, (act, name, state)
            assert place.trail() == before, "what is refused leaves no line"
    for pid, state in given.STATES.items():
        for name in sorted(DOERS[act]):
            if expected(act, name, state) is None and act != "restore":
                try:
                    does(place, act, given.PEOPLE[name], pid)
                except Conflict:
                    # the second to ask for erasure finds that it was asked for
                    assert (act, name) == ("ask_erasure", "steward")
    assert len(place.trail()) == sum(state in FITTING[act] for state in given.STATES.values()) - (
        act == "restore"
    )


def test_what_may_not_be_known_of_is_absent(place):
    errors = []
    for pid in (CLOSED, given.NEVER_WAS):
        with pytest.raises(NotFound) as caught:
            place.acts.release(given.STRANGER, pid)
        errors.append((caught.value.detail.replace(pid, ""), caught.value.hint))
    assert errors[0] == errors[1]
    for pid in ("\0", "\ud800", ""):
        with pytest.raises(NotFound):
            place.acts.release(PI, pid)


@pytest.mark.parametrize("pid", [EMBARGOED, CLOSED])
def test_released_is_open_to_all_for_ever(place, pid):
    assert not may(ANYONE, "bytes", place.guard(pid), now=place.now)
    place.acts.release(PI, pid, reason="Paper is out")
    assert may(ANYONE, "bytes", place.guard(pid), now=place.now)
    place.load()
    assert place.state(pid) == "open"
    with pytest.raises(Conflict, match="open to everyone"):
        place.acts.release(PI, pid)
    assert place.trail() == [("dataset.released", "u-pi", pid)]


def test_withdrawal_and_restoring_survive_a_load(place):
    place.acts.release(PI, EMBARGOED)
    place.acts.withdraw(STEWARD, EMBARGOED, reason=WHY, superseded_by="10.5072/better")
    place.load()
    assert place.state(EMBARGOED) == "withdrawn"
    record, _ = place.acts.look(STEWARD, EMBARGOED)
    assert record.reason == f"{WHY} It is superseded by 10.5072/better."
    place.acts.restore(STEWARD, EMBARGOED, reason="The label was right")
    assert place.state(EMBARGOED) == "open"
    record, _ = place.acts.look(STEWARD, EMBARGOED)
    assert record.reason is None
    place.load()
    assert place.state(EMBARGOED) == "open"
    with pytest.raises(Conflict, match="source"):
        place.acts.restore(STEWARD, WITHDRAWN, reason=WHY)


def test_what_was_decided_for_good_goes_with_a_dump(place, engine, tmp_path):
    withdrawn_here(place)
    place.acts.release(PI, EMBARGOED)
    number = place.petitions.ask_erasure(STEWARD, CLOSED, reason="A court")
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    before = place.states()
    dump(engine, tmp_path)
    load(engine, tmp_path, now=place.now)
    assert place.states() == before, "at the same node"
    with engine.begin() as connection:
        reason = dataset.c.mark_reason
        shown = sa.select(reason).where(dataset.c.pid == OPEN)
        assert connection.execute(shown).scalar() == WHY
        names = ", ".join(table.name for table in (dataset, ruling))
        connection.execute(sa.text(f"truncate {names} cascade"))
    load(engine, tmp_path, now=place.now)
    assert place.states() == before, "at a new one"
    with engine.connect() as connection:
        assert connection.execute(shown).scalar() == WHY


def test_the_same_record_again_leaves_a_withdrawal_untouched(place, engine):
    withdrawn_here(place)
    stamps = sa.select(dataset.c.pid, dataset.c.changed, dataset.c.mark_reason)
    with engine.connect() as connection:
        before = set(connection.execute(stamps).all())
    place.load()
    with engine.connect() as connection:
        assert set(connection.execute(stamps).all()) == before


def test_an_erasure_takes_two_people_with_two_rights(place):
    number = place.petitions.ask_erasure(STEWARD, OPEN, reason="A court")
    both = given.officer("both", "steward", "director")
    other_steward = given.officer("other", "steward")
    with pytest.raises(Forbidden, match="own request"):
        place.petitions.answer(STEWARD, number, granted=True)
    with pytest.raises(NotFound):
        place.petitions.answer(other_steward, number, granted=True)
    with pytest.raises(NotFound):
        place.petitions.answer(PI, number, granted=True)
    assert place.state(OPEN) == "open"
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    assert place.state(OPEN) == "erased"
    # the other way round, and one with both roles is still one person
    number = place.petitions.ask_erasure(both, EMBARGOED, reason="A court")
    with pytest.raises(Forbidden):
        place.petitions.answer(both, number, granted=True)
    with pytest.raises(NotFound):
        place.petitions.answer(other_steward, number, granted=True)
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    number = place.petitions.ask_erasure(OPERATOR, WITHDRAWN, reason="A court")
    with pytest.raises(Forbidden):
        place.petitions.answer(OPERATOR, number, granted=True)


def test_of_the_erased_nothing_is_kept_even_when_it_comes_again(place, engine):
    with engine.begin() as connection:
        key = connection.execute(sa.select(dataset.c.id).where(dataset.c.pid == OPEN)).scalar_one()
        connection.execute(sa.insert(file).values(name="a.nxs", dataset_id=key))
        connection.execute(sa.insert(parameter).values(name="secret", dataset_id=key))
    number = place.petitions.ask_erasure(given.DIRECTOR, OPEN, reason="A court")
    place.petitions.answer(STEWARD, number, granted=True)
    place.load()
    with engine.connect() as connection:
        # these are never, which Python cannot hold
        kept = [column for column in dataset.c if column.name not in {"listed_at", "opened_at"}]
        row = connection.execute(sa.select(*kept).where(dataset.c.pid == OPEN)).one()
        left = {name for name, value in row._mapping.items() if value is not None}
        assert left == {
            "id",
            "pid",
            "mark",
            "core_at",
            "open_at",
            "created",
            "changed",
        }
        for table in (file, parameter, share):
            count = sa.select(sa.func.count()).where(table.c.dataset_id == row.id)
            assert connection.execute(count).scalar() == 0
    for act in DOERS:
        with pytest.raises(Gone):
            does(place, act, STEWARD, OPEN)


def test_a_second_request_for_the_erased_is_closed_with_it(place):
    place.settle_people()
    asked = place.petitions.ask_access(given.STRANGER, EMBARGOED, text="Please")
    number = place.petitions.ask_erasure(STEWARD, EMBARGOED, reason="A court")
    place.petitions.answer(given.DIRECTOR, number, granted=True)
    mine = place.petitions.listed(given.STRANGER).own
    assert [(item.id, item.state, item.title) for item in mine] == [(asked, "refused", None)]


def test_a_token_needs_the_scope(place):
    with pytest.raises(WrongScope) as caught:
        place.acts.release(given.without(PI, "write"), EMBARGOED)
    assert caught.value.scope == "write"
    with pytest.raises(WrongScope) as caught:
        place.acts.withdraw(given.without(STEWARD, "manage"), EMBARGOED, reason=WHY)
    assert caught.value.scope == "manage"
    # and without `read` even the team knows nothing of what is closed
    with pytest.raises(NotFound):
        place.acts.release(given.without(PI, "read"), CLOSED)


def test_reasons_are_asked_for_and_have_an_end(place):
    for words in ("", "  \n ", "x" * 2001, "a\0b", "\ud800"):
        with pytest.raises(Invalid) as caught:
            place.acts.withdraw(STEWARD, OPEN, reason=words)
        assert caught.value.field == "reason"


def test_what_has_no_line_did_not_happen(place, engine):
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "create function refuse() returns trigger language plpgsql as "
                "$$ begin raise exception 'the trail is full'; end $$"
            )
        )
        connection.execute(
            sa.text(
                "create trigger refuse before insert on audit for each row "
                "execute function refuse()"
            )
        )
    for act, who in [
        ("release", PI),
        ("withdraw", STEWARD),
        ("share", PI),
        ("ask_extension", PI),
        ("ask_erasure", STEWARD),
    ]:
        with pytest.raises(sa.exc.DBAPIError, match="the trail is full"):
            does(place, act, who, EMBARGOED)
    assert place.state(EMBARGOED) == "embargoed"
    assert place.rulings() == []
    assert place.sharing.listed(PI, EMBARGOED) == []
    assert place.petitions.listed(PI).own == []


def test_every_act_is_told_to_followers(place, engine):
    def told():
        query = sa.select(changes.c.pid).order_by(changes.c.number.desc()).limit(1)
        with engine.connect() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(changes)).scalar()
            return count, connection.execute(query).scalar()

    before, _ = told()
    place.sharing.give(PI, EMBARGOED, kind="link")
    place.acts.release(PI, EMBARGOED)
    place.acts.withdraw(STEWARD, EMBARGOED, reason=WHY)
    place.acts.restore(STEWARD, EMBARGOED, reason=WHY)
    assert told() == (before + 4, EMBARGOED)


# those who may do something come more often, so that much happens
LIKELY = [*given.PEOPLE, *["pi", "steward", "director"] * 5]
moves = st.tuples(
    st.sampled_from([*DOERS, "withdraw", "restore", "answer", "refuse", "load", "wait"]),
    st.sampled_from(LIKELY),
    st.sampled_from([OPEN, EMBARGOED, CLOSED, OPEN, EMBARGOED, WITHDRAWN]),
)


@pytest.mark.parametrize(
    ("said", "state"),
    [({"access": "open"}, "open"), ({"isPublic": True}, "open"), ({"access": "closed"}, "closed")],
)
def test_a_longer_embargo_is_over_when_the_source_says_so(place, engine, said, state):
    """It neither holds back what its source has opened nor opens what that has closed."""
    director = given.PEOPLE["director"]
    place.petitions.ask_extension(PI, EMBARGOED, years=2, text=WHY)
    (asked,) = place.petitions.listed(director).waiting
    place.petitions.answer(director, asked.id, granted=True)
    plain = next(row for _, row in given.rows() if row["pid"] == EMBARGOED)
    row = {**plain, "access": None, **said}
    with engine.begin() as connection:
        write(connection, [("Dataset", row)], now=place.now)
    assert place.state(EMBARGOED) == state
    place.later(days=365 * 6)
    assert place.state(EMBARGOED) == state


TOLD = {
    "dataset.released": lambda before, after: after == "open",
    "dataset.withdrawn": lambda before, after: after == "withdrawn",
    "dataset.restored": lambda before, after: before == "withdrawn" and after != "erased",
    "dataset.erased": lambda before, after: after == "erased",
}


def step(place, move):
    act, name, pid = move
    who = given.PEOPLE[name]
    if act == "load":
        place.load()
    elif act == "wait":
        place.later(days=200)
    elif act in {"answer", "refuse"}:
        for item in place.petitions.listed(who).waiting if who.person else ():
            place.petitions.answer(who, item.id, granted=act == "answer", words="So it is")
            break
    else:
        does(place, act, who, pid)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # each step is several transactions: what fails is told as it came, not made smaller
    phases=[Phase.explicit, Phase.generate],
)
@drawn(st.lists(moves, min_size=40, max_size=60))
def test_no_sequence_closes_open_data_and_the_trail_tells_every_change(engine, sequence):
    with engine.begin() as connection:
        names = ", ".join(table.name for table in (dataset, ruling, share, changes, petition))
        connection.execute(sa.text(f"truncate {names} cascade"))
    place = Place(engine)
    was_open = set()
    trail = place.trail()
    for move in sequence:
        before = place.states()
        was_open |= {pid for pid, state in before.items() if state == "open"}
        refused = False
        try:
            step(place, move)
        except PanoscError:
            refused = True
        after, longer = place.states(), place.trail()
        fresh, trail = longer[len(trail) :], longer
        assert not (refused and fresh), "what is refused leaves no line"
        for pid in before:
            if pid in was_open:
                assert after[pid] in {"open", "withdrawn", "erased"}, move
            if before[pid] == "erased":
                assert after[pid] == "erased"
            own = [event for event, _, subject in fresh if subject == pid and event in TOLD]
            # time passes without a line: the dates tell it
            if after[pid] != before[pid] and move[0] != "wait":
                assert len(own) == 1, (move, before[pid], after[pid], fresh)
                assert TOLD[own[0]](before[pid], after[pid])
            else:
                assert own == []


def test_the_trail_itself_cannot_be_changed(place, engine):
    place.acts.release(PI, EMBARGOED)
    for statement in (sa.update(audit).values(event="x"), sa.delete(audit)):
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.execute(statement)
    assert len(place.trail()) == 1
    assert place.now - timedelta(days=1) < place.now
