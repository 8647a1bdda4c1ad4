"""A catalogue that fails is spared, tried again after a while, and asked again when it is well."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from panosc.federation.live.calls.breaker import IN_A_ROW, LAST, Breaker
from panosc.federation.live.calls.pulse import Pulse
from panosc.federation.live.calls.purse import Purse, Share


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(time: Time) -> Breaker:
    return Breaker(time, jitter=lambda low, high: (low + high) / 2)


def test_it_opens_after_failures_in_a_row_and_closes_on_success() -> None:
    time = Time()
    one = breaker(time)
    for _ in range(IN_A_ROW - 1):
        one.note(is_fine=False)
    assert one.admits()
    one.note(is_fine=False)
    assert one.is_open
    assert not one.admits()
    time.now += 2.1
    assert one.admits()
    # one on trial, the others wait for what becomes of it
    assert not one.admits()
    one.note(is_fine=True)
    assert not one.is_open
    assert one.admits()
    # what was before does not count any more
    one.note(is_fine=False)
    assert one.admits()


def test_each_trial_that_fails_doubles_the_wait_up_to_a_minute() -> None:
    time = Time()
    one = breaker(time)
    for _ in range(IN_A_ROW):
        one.note(is_fine=False)
    waits = []
    for _ in range(8):
        begun = time.now
        while not one.admits():
            time.now += 0.25
        waits.append(time.now - begun)
        one.note(is_fine=False)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_it_opens_when_half_of_the_last_failed() -> None:
    one = breaker(Time())
    for number in range(LAST):
        assert not one.is_open
        one.note(is_fine=number % 2 == 0)
    assert one.is_open


def test_what_comes_late_of_questions_before_does_not_lengthen_the_wait() -> None:
    time = Time()
    one = breaker(time)
    for _ in range(40):
        one.note(is_fine=False)
    time.now += 2.1
    assert one.admits()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 70))))
def test_a_catalogue_that_is_well_is_asked_again(steps: list[tuple[bool, float]]) -> None:
    time = Time()
    one = Breaker(time)
    for is_fine, later in steps:
        time.now += later
        if one.admits():
            one.note(is_fine=is_fine)
    time.now += 75
    assert one.admits()
    one.note(is_fine=True)
    assert one.admits()
    assert not one.is_open


def test_a_process_that_is_slow_knows_it() -> None:
    async def run() -> bool:
        pulse, begun = Pulse(), asyncio.get_running_loop().time()
        await asyncio.sleep(0.25)
        time.sleep(0.7)
        is_slow = pulse.is_slow(since=begun)
        await pulse.stop()
        return is_slow

    assert asyncio.run(run())


def test_a_trial_of_which_nothing_can_be_said_is_made_again() -> None:
    time = Time()
    one = breaker(time)
    for _ in range(IN_A_ROW):
        one.note(is_fine=False)
    time.now += 2.1
    assert one.admits()
    assert not one.admits()
    one.forget()
    assert one.is_open
    assert one.admits()


def test_nobody_holds_more_bytes_than_there_are() -> None:
    async def run() -> tuple[list[str], int]:
        whole = Purse(100)
        greedy, modest = Purse(60, whole), Purse(60, whole)
        done: list[str] = []

        async def take(name: str, purse: Purse, pieces: int) -> None:
            with Share(purse, 60) as share:
                for _ in range(pieces):
                    await share.take(10)
                done.append(name)
                await asyncio.sleep(0.01)

        async def forever() -> None:
            with Share(greedy, 70) as share:
                while True:
                    await share.take(10)

        stuck = asyncio.create_task(forever())
        await asyncio.sleep(0)
        # alone it may go on up to its own bound, by one piece more
        assert whole.left == 20
        await asyncio.gather(*(take(name, modest, 4) for name in "abc"))
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)
        return done, whole.left

    done, left = asyncio.run(run())
    assert sorted(done) == ["a", "b", "c"]
    assert left == 100


def test_large_answers_at_once_are_all_read_to_their_end() -> None:
    async def run() -> list[int]:
        whole = Purse(50)
        purses = [Purse(20, whole) for _ in range(4)]
        held = []

        async def read(purse: Purse) -> int:
            with Share(purse, 100) as share:
                for _ in range(8):
                    await share.take(10)
                    held.append(whole.most - whole.left)
                    await asyncio.sleep(0)
            return share.held

        async with asyncio.timeout(5):
            found = await asyncio.gather(*(read(purses[number % 4]) for number in range(24)))
        assert max(held) <= 50 + 80, "one alone goes beyond what there is"
        assert [purse.left for purse in (whole, *purses)] == [50, 20, 20, 20, 20]
        return found

    assert asyncio.run(run()) == [80] * 24
