"""How a call waits: for the database, for its set, for a provider.

The pipeline is written as if each call had a thread of its own, and in workers, streams and long
requests each has. In the web server's loop a call is a greenlet instead: what would block is
handed out from there, and the loop goes on with other calls until it is done. So a call changes
threads three times instead of forty.

Nothing waits in a circle: what runs in SETS waits for the database alone, what runs in BESIDE for
the database or a set, what runs in LONG for these or a provider; and in the loop nothing blocks,
for Django refuses every statement there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import current_thread
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connections
from greenlet import getcurrent, greenlet

Values = ParamSpec("Values")
Result = TypeVar("Result")

# Each of these threads has one of the pool's twenty connections while it works, and only then.
SETS_PREFIX = "sets"
SETS = ThreadPoolExecutor(4, thread_name_prefix=SETS_PREFIX)
BESIDE = ThreadPoolExecutor(6, thread_name_prefix="beside")
LONG = ThreadPoolExecutor(settings.PLACET_GATEWAY_THREADS, thread_name_prefix="long")
# Characters that the screens look through in a millisecond.
MOST_IN_LOOP = 8_000
# From so many calls in the loop on, whoever begins a set waits so long for others to join it.
ENOUGH_TO_GATHER = 4
GATHER_SECONDS = 0.002
_under_way = 0
_made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Any]] = WeakKeyDictionary()


class _Waiter(greenlet):
    """One call. It switches to whoever runs it with what it waits for."""

    has_loop = False


@dataclass(frozen=True)
class _HandedOut:
    """What blocks, and which threads are for it."""

    threads: ThreadPoolExecutor
    work: Callable[[], Any]


def is_in_loop() -> bool:
    """Whether this call is run by a loop; else it has its thread and may wait in it."""
    waiter = getcurrent()
    return isinstance(waiter, _Waiter) and waiter.has_loop


def may_ask_database() -> bool:
    """Not in a call that hands out what blocks, wherever it runs."""
    return not isinstance(getcurrent(), _Waiter)


async def in_loop(work: Callable[[], Result]) -> Result:
    """Run what is written for a thread in this loop, and come back with what it returns."""
    global _under_way
    _under_way += 1
    waiter = _Waiter(work)
    waiter.has_loop, waiter.gr_context = True, copy_context()
    try:
        found = waiter.switch()
        while not waiter.dead:
            try:
                came = await (_in_thread(found) if isinstance(found, _HandedOut) else found)
            except BaseException as error:  # is the call's, whatever it is
                found = waiter.throw(error)
            else:
                found = waiter.switch(came)
    finally:
        _under_way -= 1
    result: Result = found
    return result


def in_place(work: Callable[[], Result]) -> Result:
    """The same way without a loop: what is handed out is done here, one thing after the other."""
    waiter = _Waiter(work)
    waiter.gr_context = copy_context()
    found = waiter.switch()
    while not waiter.dead:
        try:
            came = found.work()
        except BaseException as error:  # is the call's, whatever it is
            found = waiter.throw(error)
        else:
            found = waiter.switch(came)
    result: Result = found
    return result


async def _in_thread(handed: _HandedOut) -> Any:
    def run() -> Any:
        try:
            return handed.work()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(handed.threads, run)


def elsewhere(
    threads: ThreadPoolExecutor,
    work: Callable[Values, Result],
    *values: Values.args,
    **named: Values.kwargs,
) -> Result:
    """Do what blocks in one of these threads; here, where this call has its own."""
    waiter = getcurrent()
    if not isinstance(waiter, _Waiter):
        return work(*values, **named)
    in_its_context = partial(copy_context().run, work, *values, **named)
    handed = _HandedOut(threads, in_its_context)
    result: Result = _runner_of(waiter).switch(handed)
    return result


def awaited(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What it gives, for a call in the loop."""
    result: Result = _runner_of(getcurrent()).switch(coroutine)
    return result


def _runner_of(waiter: greenlet) -> greenlet:
    if waiter.parent is None:
        raise RuntimeError("Only a call that somebody runs can wait so.")
    return waiter.parent


def pause(seconds: float) -> None:
    """Wait that long; a call that has its own thread gives its connection back before."""
    if is_in_loop():
        awaited(asyncio.sleep(seconds))
    else:
        elsewhere(BESIDE, rest_connection)
        time.sleep(seconds)


def gather() -> None:
    """Let others come, where many are under way in this loop."""
    if _under_way >= ENOUGH_TO_GATHER and is_in_loop():
        awaited(asyncio.sleep(GATHER_SECONDS))


def is_for_a_set() -> bool:
    """Whether this thread does the work of a set: others wait for it, so it waits for nobody."""
    return current_thread().name.startswith(SETS_PREFIX)


def rest_connection() -> None:
    """Nothing of the database is kept while a provider thinks. In the loop there is none."""
    if not is_in_loop() and not connections["default"].in_atomic_block:
        connections["default"].close()


async def of_this_loop(make: Callable[[], AsyncGenerator[Result]]) -> Result:
    """What `make` gives when it is first asked for in this loop; it goes on when the loop ends."""
    made = _made.setdefault(asyncio.get_running_loop(), {})
    if make not in made:
        # The loop closes generators that have begun before it ends itself.
        generator = make()
        made[make] = (generator, await anext(generator))
    result: Result = made[make][1]
    return result
