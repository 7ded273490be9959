"""Calls in the web server's loop: they hand out what blocks, and go on where they were."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial

import pytest

from prompts.gateway.together import Together
from prompts.gateway.waiting import (
    BESIDE,
    ENOUGH_TO_GATHER,
    SETS,
    awaited,
    elsewhere,
    in_loop,
    in_place,
    is_for_a_set,
    is_in_loop,
    may_ask_database,
    pause,
)
from tests.prompts.test_together import Held

said: ContextVar[str] = ContextVar("said", default="nothing")


def where() -> tuple[str, bool, bool]:
    return threading.current_thread().name, is_in_loop(), may_ask_database()


def fail() -> None:
    raise LookupError("so it is")


def test_what_blocks_is_done_in_another_thread_and_the_call_goes_on_in_the_loop() -> None:
    def call() -> list[tuple[str, bool, bool]]:
        return [where(), elsewhere(BESIDE, where), where()]

    before, there, after = asyncio.run(in_loop(call))
    assert before == after == (threading.current_thread().name, True, False)
    assert there[0].startswith("beside") and there[1:] == (False, True)


def test_a_call_with_a_thread_of_its_own_does_it_there() -> None:
    own = (threading.current_thread().name, False, True)
    assert elsewhere(BESIDE, where) == where() == own


def test_without_a_loop_it_is_done_in_place_and_still_not_by_the_call_itself() -> None:
    def call() -> list[tuple[str, bool, bool]]:
        return [where(), elsewhere(BESIDE, where)]

    name = threading.current_thread().name
    assert in_place(call) == [(name, False, False), (name, False, True)]


@pytest.mark.parametrize("is_in_a_loop", [True, False])
def test_an_error_comes_back_to_the_call_and_from_it_to_whoever_runs_it(is_in_a_loop: bool) -> None:
    caught = []

    def call() -> None:
        try:
            elsewhere(BESIDE, fail)
        except LookupError as error:
            caught.append(str(error))
        fail()

    with pytest.raises(LookupError):
        asyncio.run(in_loop(call)) if is_in_a_loop else in_place(call)
    assert caught == ["so it is"]


def test_a_call_has_its_own_context_wherever_it_works() -> None:
    def call(word: str) -> tuple[str, str]:
        said.set(word)
        pause(0)
        return said.get(), elsewhere(BESIDE, said.get)

    async def two() -> list[tuple[str, str]]:
        return await asyncio.gather(*(in_loop(partial(call, word)) for word in ("one", "two")))

    assert asyncio.run(two()) == [("one", "one"), ("two", "two")]
    assert in_place(partial(call, "three")) == ("three", "three")
    assert said.get() == "nothing"


def test_the_loop_goes_on_while_a_call_waits() -> None:
    go = threading.Event()

    async def both() -> list[bool]:
        return await asyncio.gather(
            in_loop(lambda: elsewhere(BESIDE, go.wait, 30)),
            in_loop(lambda: bool(go.set()) or go.is_set()),
        )

    assert asyncio.run(both()) == [True, True]


def sets_of(calls: int) -> list[list[int]]:
    sets: list[list[int]] = []

    def work(jobs: Sequence[int]) -> list[int]:
        sets.append(list(jobs))
        return [one * 10 for one in jobs]

    together: Together[int, int] = Together(work)

    def call(number: int) -> int:
        pause(0)  # until all of them have begun
        return together.do("name", number)

    async def run() -> list[int]:
        return await asyncio.gather(*(in_loop(partial(call, one)) for one in range(calls)))

    assert asyncio.run(run()) == [one * 10 for one in range(calls)]
    assert together._queues == {} and together._worked_on == set()
    return sets


def test_whoever_begins_a_set_waits_for_others_where_many_are_under_way() -> None:
    assert sets_of(10 * ENOUGH_TO_GATHER) == [list(range(10 * ENOUGH_TO_GATHER))]


def test_where_few_are_under_way_nobody_waits_for_others() -> None:
    assert sets_of(ENOUGH_TO_GATHER - 1) == [[0], [1, 2]]


def test_what_befalls_a_set_is_told_to_each_call_of_it() -> None:
    def work(jobs: Sequence[int]) -> list[int]:
        raise LookupError("away")

    together: Together[int, int] = Together(work)

    async def run() -> list[int | BaseException]:
        calls = (in_loop(partial(together.do, "name", one)) for one in range(6))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(one) for one in asyncio.run(run())] == [LookupError] * 6


def test_calls_of_the_loop_and_of_threads_go_in_one_set() -> None:
    work = Held()
    together: Together[int, int] = Together(work)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        first = asyncio.ensure_future(in_loop(partial(together.do, "name", 1)))
        await loop.run_in_executor(None, work.began.wait, 30)
        threads = [loop.run_in_executor(None, together.do, "name", one) for one in (2, 3)]
        last = asyncio.ensure_future(in_loop(partial(together.do, "name", 4)))
        while len(together._queues["name"]) < 3:
            await asyncio.sleep(0)
        work.go.set()
        assert await asyncio.gather(first, *threads, last) == [10, 20, 30, 40]

    asyncio.run(run())
    assert work.sets[0] == [1] and sorted(work.sets[1]) == [2, 3, 4]


def test_the_work_of_a_set_waits_for_no_other_set() -> None:
    """Others wait for it, and there are few threads for it: it works alone instead."""
    taken: list[tuple[bool, int]] = []

    def inner(jobs: Sequence[int]) -> list[int]:
        taken.append((is_for_a_set(), len(jobs)))
        return list(jobs)

    readings: Together[int, int] = Together(inner)
    outer: Together[int, int] = Together(lambda jobs: [readings.do("all", one) for one in jobs])

    async def run() -> list[int]:
        calls = (in_loop(partial(outer.do, one, one)) for one in range(20))
        return await asyncio.gather(*calls)

    assert asyncio.run(run()) == list(range(20))
    assert taken == [(True, 1)] * 20


@pytest.mark.parametrize("stopped", [1, 2])
def test_a_call_that_is_stopped_while_it_waits_leaves_the_others_their_turn(stopped: int) -> None:
    work = Held()
    together: Together[int, int] = Together(work)

    async def run() -> list[int | BaseException]:
        calls = [asyncio.ensure_future(in_loop(partial(together.do, "name", 0)))]
        await asyncio.get_running_loop().run_in_executor(None, work.began.wait, 30)
        for one in (1, 2, 3):
            calls.append(asyncio.ensure_future(in_loop(partial(together.do, "name", one))))
        while len(together._queues["name"]) < 3:
            await asyncio.sleep(0)
        calls[stopped].cancel()
        work.go.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(run())
    left = [one for one in (1, 2, 3) if one != stopped]
    assert isinstance(found[stopped], asyncio.CancelledError)
    assert [one for one in found if isinstance(one, int)] == [0, *(one * 10 for one in left)]
    assert work.sets == [[0], left] and together._worked_on == set()


def test_only_a_call_waits_for_a_coroutine() -> None:
    async def nothing() -> None:
        return None

    coroutine = nothing()
    with pytest.raises(RuntimeError):
        awaited(coroutine)
    coroutine.close()
    assert in_place(lambda: elsewhere(SETS, lambda: 1)) == 1
