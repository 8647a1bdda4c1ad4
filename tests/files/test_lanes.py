"""Lanes answer through shared memory, whatever becomes of the processes."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from panosc.domain.errors import Busy, Unavailable
from panosc.files import lanes as lanes_module
from panosc.files.lanes import Lanes
from panosc.files.sandbox import Outcome, Shared, shared_of, write_frame
from panosc.files.workers import decode

AREA = 1 << 20


def run(work, **options):
    """Run a coroutine with lanes of its own; nothing of them is left."""
    given = {"quick": 1, "slow": 1, "memory_mb": 256, "time_limit_s": 20.0, "area_bytes": AREA}

    async def main():
        lanes = Lanes(**(given | options), preload=["lane_tasks"])
        try:
            return await work(lanes)
        finally:
            left = lanes.processes()
            lanes.close()
            for number in left:
                with pytest.raises(ProcessLookupError):
                    os.kill(number, 0)

    # in a thread of its own: a browser of another test may have a loop running in this one
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


def test_bytes_come_through_shared_memory():
    async def work(lanes):
        one = await lanes.run("quick", "lane_tasks:echo", 5)
        two = await lanes.run("quick", "lane_tasks:echo", AREA, b"y")
        three = await lanes.run("quick", "lane_tasks:parts")
        return one.body, two.body, three.body

    assert run(work) == (b"xxxxx", b"y" * AREA, b"abcd")


@pytest.mark.parametrize("size", [0, 1, 255, 2**40])
def test_the_short_answer_says_how_many_bytes_there_are(size, tmp_path):
    answers = [Outcome(value=Shared(size=size)), Outcome(value=Shared(size=size), worn=True)]
    told = []
    for number, answer in enumerate(answers):
        path = tmp_path / str(number)
        with path.open("wb") as file:
            write_frame(file.fileno(), answer)
        told.append(path.read_bytes()[4:])
    assert shared_of(told[0]) == answers[0]
    assert shared_of(told[1]) is None
    assert decode(told[1]) == answers[1]


def test_what_is_refused_has_its_reason_and_the_process_goes_on():
    async def work(lanes):
        before = await lanes.run("quick", "lane_tasks:number")
        refused = await lanes.run("quick", "lane_tasks:refuse")
        large = await lanes.run("quick", "lane_tasks:echo", AREA + 1)
        after = await lanes.run("quick", "lane_tasks:number")
        return before.outcome.value == after.outcome.value, refused.outcome, large.outcome

    same, refused, large = run(work)
    assert same
    assert (refused.reason, refused.detail) == ("nothing", "there is nothing to read")
    assert large.reason == "too-large"


def test_a_task_whose_process_is_killed_is_done_again(tmp_path):
    async def work(lanes):
        return await lanes.run("quick", "lane_tasks:die_once", str(tmp_path / "marker"))

    assert run(work).body == b"again"


def test_a_task_that_kills_each_process_fails_alone():
    async def work(lanes):
        dead = await lanes.run("quick", "lane_tasks:die")
        return dead.outcome, (await lanes.run("quick", "lane_tasks:echo", 1)).body

    dead, after = run(work)
    assert dead.reason == "crashed"
    assert after == b"x"


def test_processes_that_are_killed_from_outside_are_replaced():
    async def work(lanes):
        answers = []
        for _ in range(5):
            number = (await lanes.run("quick", "lane_tasks:number")).outcome.value
            os.kill(number, signal.SIGKILL)
            answers.append((await lanes.run("quick", "lane_tasks:echo", 3)).body)
        return answers

    assert run(work) == [b"xxx"] * 5


def test_a_task_that_takes_too_long_is_ended():
    async def work(lanes):
        began = time.monotonic()
        late = await lanes.run("quick", "lane_tasks:sleep", 60)
        return late.outcome.reason, time.monotonic() - began

    reason, seconds = run(work, time_limit_s=0.5)
    assert reason == "time-limit"
    assert seconds < 30


@pytest.mark.parametrize("task", ["lie", "talk"])
def test_answers_that_make_no_sense_are_none(task):
    async def work(lanes):
        odd = await lanes.run("quick", f"lane_tasks:{task}")
        return odd.outcome.reason, odd.body, (await lanes.run("quick", "lane_tasks:echo", 1)).body

    reason, body, after = run(work)
    assert reason in {"damaged", "crashed"}
    assert (body, after) == (b"", b"x")


def test_slow_tasks_do_not_keep_quick_ones_waiting():
    async def work(lanes):
        slow = [asyncio.create_task(lanes.run("slow", "lane_tasks:sleep", 2)) for _ in range(3)]
        await lanes.run("quick", "lane_tasks:echo", 1)
        began = time.monotonic()
        for _ in range(10):
            await lanes.run("quick", "lane_tasks:echo", 1)
        spent = time.monotonic() - began
        is_waiting = not all(task.done() for task in slow)
        for task in slow:
            task.cancel()
        return is_waiting, spent

    is_waiting, _ = run(work)
    assert is_waiting


def test_who_gives_up_gets_nobody_elses_answer():
    async def work(lanes):
        for _ in range(3):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await lanes.run("quick", "lane_tasks:sleep", 5)
            assert (await lanes.run("quick", "lane_tasks:echo", 4)).body == b"xxxx"
        return True

    assert run(work)


def test_many_at_once_each_get_their_own():
    async def work(lanes):
        asked = [lanes.run("quick", "lane_tasks:echo", size) for size in range(60)]
        return [len(answer.body) for answer in await asyncio.gather(*asked)]

    assert run(work, quick=2) == list(range(60))


def test_too_many_are_told_to_come_again(monkeypatch):
    monkeypatch.setattr(lanes_module, "WAITING", 2)

    async def work(lanes):
        tasks = [asyncio.create_task(lanes.run("quick", "lane_tasks:sleep", 0.3)) for _ in range(6)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return [type(answer) for answer in found].count(Busy)

    assert run(work) == 3


def test_nothing_is_started_after_the_end():
    async def work(lanes):
        lanes.close()
        with pytest.raises(Unavailable):
            await lanes.run("quick", "lane_tasks:echo", 1)
        return True

    assert run(work)
