"""More questions than one catalogue is asked at once: who waits, and what is learnt from it.

The catalogues are stand-ins on loopback, each of which answers after a time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from live_providers import Providers

from panosc.catalogue.federating.tables import health
from panosc.domain.access import ANYONE
from panosc.domain.query import Query
from panosc.federation.live.answer import Fate
from panosc.federation.live.calls import flights


@pytest.fixture
def asked_by_many(
    providers: Providers,
    add_source: Callable[..., None],
    new_fanout: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    engine: sa.Engine,
) -> Callable[..., list[Fate]]:
    """Asks one catalogue a first question, ten at once, and a last one; returns their fates."""

    def ask(*, delay_s: float, deadline_s: float, at_once: int, fewest: int) -> list[Fate]:
        add_source("queued", providers.url("queued"))
        providers.delays["queued"] = delay_s
        monkeypatch.setattr(flights, "AT_ONCE", at_once)
        monkeypatch.setattr(flights, "_FEWEST", fewest)
        # a second try would be a call that nobody counts on
        monkeypatch.setattr(flights, "HEDGED", 0.0)
        with new_fanout(federation_deadline_s=deadline_s) as fanout:

            def fate(number: int) -> Fate:
                merged = fanout.ask(ANYONE, Query(model="Dataset", limit=number))
                return next(one for one in merged.fates if one.name == "queued")

            with ThreadPoolExecutor(10) as threads:
                found = [fate(1), *threads.map(fate, range(2, 12)), fate(12)]
        with engine.connect() as connection:
            [row] = connection.execute(sa.select(health))
        assert (row.late, row.failed, row.spared) == (0, 0, 0)
        return found

    return ask


def test_a_question_is_not_put_when_its_answer_would_come_too_late(
    asked_by_many: Callable[..., list[Fate]], providers: Providers
) -> None:
    first, *many, last = asked_by_many(delay_s=1.0, deadline_s=2.6, at_once=1, fewest=1)
    assert first.fared == last.fared == "answered"
    fared = [one.fared for one in many]
    # two have their turn in time, or one on a machine that is busy
    assert set(fared) == {"answered", "late"}
    assert 1 <= fared.count("answered") <= 2
    assert providers.asked["queued"] == 2 + fared.count("answered")


def test_a_catalogue_that_was_given_little_time_is_not_held_for_down(
    asked_by_many: Callable[..., list[Fate]],
) -> None:
    # nothing is known of how long it takes: five are answered, then five asked for 0.8 s
    first, *many, last = asked_by_many(delay_s=1.0, deadline_s=1.8, at_once=5, fewest=100)
    assert first.fared == last.fared == "answered"
    assert [one.fared for one in many].count("late") >= 5


def test_a_catalogue_that_took_too_long_is_asked_all_the_same(
    providers: Providers,
    add_source: Callable[..., None],
    new_fanout: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_source("queued", providers.url("queued"))
    monkeypatch.setattr(flights.Line, "taken", lambda _line, _part: 1000.0)
    with new_fanout() as fanout:
        for number in range(1, 4):
            merged = fanout.ask(ANYONE, Query(model="Dataset", limit=number))
            assert [one.fared for one in merged.fates if one.name == "queued"] == ["answered"]
    assert providers.asked["queued"] == 3
